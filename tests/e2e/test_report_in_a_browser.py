"""The page of `report --html`, written from an account and opened in a real browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.pictures import colours

from local.client.embedded_aws import EmbeddedAws
from local.client.stacks import make_log_groups
from log_group_kms.cli.page import _COLOURS
from tools.picture import PICTURE, Browser, report, settle


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Browser:
    """One that is found here."""
    found = Browser.find(tmp_path_factory.mktemp("profile"))
    if found is None:
        # A browser is too much to ask for `make test`; the page itself is tested without one, too.
        pytest.skip("no Chromium on the path")
    return found


@pytest.fixture(scope="module")
def aws() -> Iterator[EmbeddedAws]:
    """An account with log groups of every cause."""
    with EmbeddedAws.start(patient=True) as aws:
        settle(aws)
        yield aws


@pytest.fixture(scope="module")
def page(aws: EmbeddedAws, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of that account."""
    path = tmp_path_factory.mktemp("page") / "report.html"
    ran = report(aws, path)
    assert (ran.returncode, ran.stderr.splitlines()[-1]) == (3, f"The page is {path}")
    return path


def test_the_browser_shows_what_the_account_holds(browser: Browser, page: Path) -> None:
    """It takes the page as it is meant, without a complaint, and has nothing to load."""
    opened = browser.open(page, "--dump-dom")
    shown = opened.stdout

    assert "<title>Log groups under KMS keys: account 111122223333, eu-west-1</title>" in shown
    assert "220 of 226 log groups covered (97.3 %)" in shown
    for name in ("/audit/trail", "/aws/codebuild/site", "/debug/a", "/team/ledger", "aws/spans"):
        assert f'<th scope="row">{name}</th>' in shown
    assert "CONSOLE" not in opened.stderr


def test_the_bars_are_seen(browser: Browser, page: Path, tmp_path: Path) -> None:
    """The picture has the colour of each cause, and most of the largest: the page's policy lets its styles be."""
    browser.picture(page, tmp_path / "page.png")
    found = colours(tmp_path / "page.png")

    assert all(found[colour] > 0 for colour in _COLOURS.values())
    assert max(_COLOURS, key=lambda cause: found[_COLOURS[cause]]).value == "covered"


def test_it_can_be_printed(browser: Browser, aws: EmbeddedAws, tmp_path: Path) -> None:
    """Many log groups go over several sheets."""
    make_log_groups(aws, [f"/many/{number:04d}" for number in range(300)])
    report(aws, tmp_path / "report.html")

    browser.open(tmp_path / "report.html", "--no-pdf-header-footer", f"--print-to-pdf={tmp_path / 'report.pdf'}")
    printed = (tmp_path / "report.pdf").read_bytes()

    assert printed.startswith(b"%PDF")
    assert printed.count(b"/Type /Page\n") > 5


def test_the_picture_in_the_documentation_is_of_this_page() -> None:
    """It has the chart's colours, so that it is not of a page that looks different."""
    found = colours(PICTURE)

    assert all(found[colour] > 0 for colour in _COLOURS.values())
