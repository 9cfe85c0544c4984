"""The benchmarks' short form, so that they cannot rot; no time is asserted."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from benchmarks.__main__ import QUESTIONS
from benchmarks.contenders import CDK, FLOOR, INLINE, NAIVE, OURS
from benchmarks.plot import Plot, drawn
from benchmarks.stage import MEMORY

PROJECT: Final = Path(__file__).parents[2]
TITLES: Final = [
    "Cold start",
    "Warm events",
    "A refusal that passes",
    "A refusal that stays",
    "A function that dies",
    "8 at once",
    "How to back off",
    "A fleet at the quotas",
    "The largest fleet",
    "A fleet by Cloud Custodian",
    "A fleet's memory",
    "A report",
    "Memory",
    "Package",
]


EVENTS: Final = ["Create", "Update of the key", "Delete"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that `python -m benchmarks --short` writes; nothing goes into the repository."""
    # AWS publishes the runtime interface emulator for Linux alone. CI runs there, and there nothing is skipped.
    if sys.platform != "linux":
        pytest.skip("the emulator is a binary for Linux")
    written = tmp_path_factory.mktemp("benchmarks")
    ran = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "benchmarks", "--short", "--into", str(written)],
        cwd=PROJECT,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return written


@pytest.fixture(scope="module")
def page(folder: Path) -> str:
    """The report."""
    return (folder / "RESULTS.md").read_text()


def section(page: str, title: str) -> str:
    """One question's part of the report."""
    return page.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def cells(page: str, title: str, contender: str) -> list[str]:
    """Return the first row of *contender* in a question's tables."""
    rows = [line.strip("| ").split(" | ") for line in section(page, title).splitlines() if line.startswith("|")]
    return next(row for row in rows if row[0] == contender)[1:]


def test_every_question_is_answered(page: str) -> None:
    """In the page's order, each with a table; and the page says that it is the short form, and of which machine."""
    answered = [title for title in re.findall(r"^## (.+)$", page, re.MULTILINE) if "| --- |" in section(page, title)]

    assert answered == [*TITLES, "Tried, and kept", "Tried, and left out"]
    assert len(QUESTIONS) == len(TITLES)
    assert ("short form" in page, f"{os.cpu_count()} cores" in page) == (True, True)


def test_every_plot_is_there(folder: Path, page: str) -> None:
    """Each file that the page links to is written beside it."""
    linked = set(re.findall(r"\]\((\S+\.svg)\)", page))

    assert linked == {path.name for path in folder.glob("*.svg")}
    assert "cold-start.svg" in linked


def test_every_contender_starts(page: str) -> None:
    """The peers in Python are there on every machine; the one of the CDK, or why it is not."""
    contenders = [OURS, FLOOR, NAIVE, INLINE]

    assert [name for name in contenders if f"| {name} |" not in section(page, "Cold start")] == []
    assert CDK in section(page, "Cold start")


def test_no_call_that_the_contract_does_not_need(page: str) -> None:
    """The provider makes as many calls for each event as the floor, which makes the contract's and no others."""
    ours, floor = (
        [re.findall(r"\d+ calls", cell) for cell in cells(page, "Warm events", name)] for name in (OURS, FLOOR)
    )

    assert ours == floor == [["6 calls"], ["6 calls"], ["5 calls"]]


def test_all_at_once_succeed(page: str) -> None:
    """Each resource gets its key in the end, also over the quota."""
    assert cells(page, "8 at once", OURS)[0] == "8 of 8"


def test_every_log_group_is_right_after_each_event(page: str) -> None:
    """A fleet's Create, Update and Delete change all that is theirs, and leave others' alone."""
    rows = [line.strip("| ").split(" | ") for line in section(page, "A fleet at the quotas").splitlines()[2:]]
    right = [(row[0], row[2], row[4]) for row in rows if len(row) > 4 and row[0] in EVENTS]

    assert right == [(event, others, "30 of 30") for others in ("-", "3") for event in EVENTS]


def test_memory_has_room_to_spare(page: str) -> None:
    """The process stays under half of what the function is configured with."""
    peaks = [int(text) for text in re.findall(r"(\d+) MiB", " ".join(cells(page, "Memory", OURS)))]

    assert len(peaks) == 2
    assert max(peaks) < MEMORY / 2


def test_the_package_has_few_files(page: str) -> None:
    """Unzipped it stays under 5 MB and 750 files."""
    size, _, files = (int(re.sub(r"\D", "", cell)) for cell in cells(page, "Package", OURS))

    assert size < 5_000
    assert files < 750


def test_a_plot_is_readable_on_any_page() -> None:
    """It brings its own background and its text's colour, for light and for dark; labels are escaped."""
    plot = Plot("x.svg", "Calls & time", "ms", {"<ours>": {"a": 12.0, "b": 0.25}, "theirs": {"a": 3.0, "b": 1.0}})

    text = drawn(plot)

    assert "prefers-color-scheme:dark" in text
    assert 'class="page"' in text
    assert ("&lt;ours&gt;" in text, "Calls &amp; time" in text, "12 ms" in text) == (True, True, True)
