"""`report --html`: the page, its structure, and what it says."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest
from support.desk import AS_JSON, BEFORE, KEY, STRANGER, Desk
from support.fake_aws import OTHER_STACK_ID, fleet, owner, role_denied

from log_group_kms.cli.evidence import Cause
from log_group_kms.cli.page import _COLOURS
from log_group_kms.model.ownership import Claim
from log_group_kms.version import VERSION

if TYPE_CHECKING:
    from pathlib import Path

#: They have no end tag.
VOID = {"meta", "br", "col"}


class Structure(HTMLParser):
    """The page's elements, tables and text; an end tag that fits no start tag is an error."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.tables: list[list[list[str]]] = []
        self.texts: dict[str, list[str]] = {}
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag in ("th", "td"):
            self.tables[-1][-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open:
            self.texts.setdefault(self.open[-1], []).append(data)
        if self.open and self.open[-1] in ("th", "td"):
            self.tables[-1][-1][-1] += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of all elements of this kind."""
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the page goes."""
    return tmp_path / "report.html"


def page(desk: Desk, path: Path, *options: str) -> Structure:
    """The page of a report with these options."""
    desk.run("report", "--html", str(path), *options)
    return Structure(path.read_text())


def causes(found: Structure) -> dict[str, str]:
    """The numbers by cause."""
    return {row[0]: row[1] for row in found.tables[0][1:]}


def test_coverage_by_cause(desk: Desk, path: Path) -> None:
    """Each log group counts once, by the first cause that holds; the names of all but the covered ones follow."""
    found = page(desk, path, "--kms-key-id", "alias/logs", "--exclude", "/debug/*")

    assert causes(found) == {
        "Covered": "1",
        "Without a key": "1",
        "Kept under another key": "1",
        "Owned by another resource": "1",
        "Excluded": "1",
        "Reserved for AWS": "1",
        "All": "6",
    }
    assert "1 of 5 log groups covered (20 %)" in found.texts["p"]
    assert found.tables[1] == [["Key", "Log groups"], [BEFORE.text, "2"], [KEY.text, "1"]]
    assert found.tables[2] == [
        ["Log group", "Cause", "Key in force", "Owner"],
        ["/aws/lambda/orders", "without a key", "none", ""],
        ["/aws/lambda/payments", "kept under another key", BEFORE.text, ""],
        ["/debug/a", "excluded", "none", ""],
        ["/theirs", "owned by another resource", BEFORE.text, "Trail of stack orders"],
        ["aws/spans", "reserved for AWS", "none", ""],
    ]


def test_any_key_will_do(desk: Desk, path: Path) -> None:
    """Without `--kms-key-id` every customer managed key covers, and nothing is asked but the listing."""
    found = page(desk, path)

    assert (causes(found)["Covered"], causes(found)["Without a key"]) == ("3", "2")
    assert desk.aws.calls == ["DescribeLogGroups"]
    assert found.texts["dd"][4] == "any customer managed key"


def test_the_facts_at_the_top(desk: Desk, path: Path) -> None:
    """Whose log groups, where, which, under which key, when, and by which version."""
    found = page(desk, path, "--prefix", "/", "--kms-key-id", "alias/logs")

    assert dict(zip(found.texts["dt"], found.texts["dd"], strict=True)) == {
        "Account": "111122223333",
        "Region": "eu-west-1",
        "Log groups": "names that begin with /",
        "Excluded": "none",
        "Key": KEY.text,
        "Date": "2027-01-15 08:00:00 UTC",
        "Version": f"log-group-kms {VERSION}",
    }


def test_it_loads_nothing_and_runs_nothing(desk: Desk, path: Path) -> None:
    """No link, image, frame, font or script; the browser is told to refuse any."""
    found = page(desk, path)

    assert {tag for tag, _ in found.elements} & {"script", "link", "img", "iframe", "object", "form", "a"} == set()
    assert not any(name in ("src", "href") or name.startswith("on") for _, found in found.elements for name in found)
    assert re.search(r"url\(|@import|https?:", path.read_text()) is None
    assert {"http-equiv": "Content-Security-Policy", "content": "default-src 'none'; style-src 'unsafe-inline'"} in (
        found.all("meta")
    )


def test_whoever_cannot_see_the_chart_has_the_same(desk: Desk, path: Path) -> None:
    """Language, title, one first heading, headers of rows and columns, and the chart in words."""
    found = page(desk, path)
    headers = found.all("th")

    assert found.all("html") == [{"lang": "en"}]
    assert found.texts["title"][0] == "Log groups under KMS keys: account 111122223333, eu-west-1"
    assert len(found.all("h1")) == 1
    assert {header["scope"] for header in headers} == {"row", "col"}
    assert all("scope" in header for header in headers)
    (chart,) = found.all("svg")
    assert (chart["role"], chart["aria-labelledby"]) == ("img", "chart-title chart-desc")
    assert found.texts["desc"] == [
        (
            "covered: 3; without a key: 2; kept under another key: 0; owned by another resource: 0; excluded: 0; "
            "reserved for AWS: 1"
        )
    ]


def luminance(colour: str) -> float:
    """The relative luminance by WCAG 2.2 of a colour such as #1a7f37."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("colour", sorted({*_COLOURS.values(), "#101828", "#344054"}))
def test_each_colour_stands_out_from_the_paper(colour: str) -> None:
    """At 4.5 to 1, which WCAG asks of text; and each is used."""
    assert 1.05 / (luminance(colour) + 0.05) >= 4.5


@pytest.mark.parametrize("cause", Cause)
def test_each_cause_has_a_colour(cause: Cause) -> None:
    """None is left out of the chart."""
    assert cause in _COLOURS


def bars(found: Structure) -> list[int]:
    """The lengths of the chart's bars."""
    return [int(each["width"] or 0) for each in found.all("rect")]


def test_one_among_thousands_can_be_seen(desk: Desk, path: Path) -> None:
    """The longest bar has all of the width; a log group alone is a line still, and none is nothing."""
    for number in range(3000):
        desk.holds(f"/many/{number:04d}", KEY)

    found = bars(page(desk, path, "--kms-key-id", "alias/logs", "--exclude", "/debug/*", "/theirs"))

    assert found == [450, 2, 2, 0, 2, 2]


def test_nothing_there(desk: Desk, path: Path) -> None:
    """No log group: no share of nothing, and no empty table of names."""
    desk.aws.log_groups.clear()
    desk.aws.reserved.clear()

    found = page(desk, path)

    assert "There is no log group that could be put under a key." in found.texts["p"]
    assert len(found.tables) == 1


def test_what_a_name_may_hold_is_text(desk: Desk, path: Path) -> None:
    """A name, a prefix or a stack with markup in it is shown as it is."""
    desk.aws.reserved = ["aws/<script>alert(1)</script>&amp;"]

    found = page(desk, path)

    assert found.tables[-1][-1][0] == "aws/<script>alert(1)</script>&amp;"
    assert found.all("script") == []


def test_a_fleet_is_told_as_owner(desk: Desk, path: Path) -> None:
    """Under another key by another fleet: it is kept, and the page says by whom."""
    other = owner("Fleet", OTHER_STACK_ID, fleet())
    desk.holds("/fleets", BEFORE, Claim(other, None))

    found = page(desk, path, "--prefix", "/fleets", "--kms-key-id", "alias/logs")

    assert found.tables[2][1] == ["/fleets", "kept under another key", BEFORE.text, "Fleet of stack audit (fleet)"]


def test_who_may_not_read_tags_gets_a_page_all_the_same(desk: Desk, path: Path) -> None:
    """It says that owners are not told, and AWS is asked once."""
    desk.holds("/theirs/too", BEFORE, Claim(STRANGER, None))
    desk.aws.refuse("ListTagsForResource", *[role_denied("logs:ListTagsForResource", "ListTagsForResource")] * 9)

    found = page(desk, path, "--kms-key-id", "alias/logs")

    assert causes(found)["Kept under another key"] == "3"
    assert any("Owners are not told" in text for text in found.texts["p"])
    assert desk.aws.calls.count("ListTagsForResource") == 1


def test_what_is_printed_stays_as_it_was(desk: Desk, path: Path) -> None:
    """What is on stdout, and the exit code, are those without `--html`; stderr says where the page is."""
    code = desk.run("report", AS_JSON)
    printed = desk.json()

    assert desk.run("report", AS_JSON, "--html", str(path)) == code
    assert desk.json() == printed
    assert desk.err.endswith(f"The page is {path}\n")


@pytest.mark.parametrize("name", ["no/such/folder/report.html", ""])
def test_a_file_that_cannot_be_written(desk: Desk, tmp_path: Path, name: str) -> None:
    """Said at once, before AWS is asked for a hundred thousand log groups."""
    assert desk.run("report", "--html", str(tmp_path / name)) == 2
    assert desk.aws.calls == []
    assert "--html" in desk.err


def test_a_run_that_fails_leaves_the_page_of_before(desk: Desk, path: Path) -> None:
    """And no half a page beside it."""
    path.write_text("before")
    desk.aws.refuse("DescribeLogGroups", role_denied("logs:DescribeLogGroups", "DescribeLogGroups"))

    assert desk.run("report", "--html", str(path)) == 1
    assert path.read_text() == "before"
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_a_disk_that_is_full(desk: Desk, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Said as what it is; the page of before stays."""
    path.write_text("before")

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copyfileobj", full)

    assert desk.run("report", "--html", str(path)) == 1
    assert "No space left on device" in desk.err
    assert path.read_text() == "before"
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_a_key_that_is_not_there(desk: Desk, path: Path) -> None:
    """As for the other commands: an error, and no page that would call everything uncovered."""
    assert desk.run("report", "--html", str(path), "--kms-key-id", "alias/nowhere") == 1
    assert not path.exists()
