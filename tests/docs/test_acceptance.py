"""The pages and the acceptance suite say the same, and its beliefs are still gone by."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import pytest
from support.pages import PROJECT, page

from acceptance import __main__ as program
from acceptance.account import Waits
from acceptance.drives import DRIVES
from acceptance.foundation import KEYS, PENDING_DAYS
from acceptance.names import PREFIX, RUN_TAG
from acceptance.probes import PROBES
from acceptance.report import beliefs

if TYPE_CHECKING:
    from acceptance.probe import Probe

HOW_TO: Final = page("docs/how-to/acceptance.md").text
REFERENCE: Final = page("docs/reference/beliefs.md").text
EACH: Final = pytest.mark.parametrize("probe", [pytest.param(each, id=each.belief.name) for each in (*DRIVES, *PROBES)])


@EACH
def test_each_place_that_goes_by_a_belief_is_there(probe: Probe) -> None:
    """The file exists, and has the word in it."""
    missing = [
        use
        for use in probe.belief.uses
        if not (PROJECT / use.path).is_file() or use.word not in (PROJECT / use.path).read_text()
    ]

    assert missing == []


def test_the_reference_lists_each_belief() -> None:
    """As `python -m acceptance beliefs` prints them."""
    assert REFERENCE.endswith("\n".join(beliefs(PROBES)) + "\n")


def test_each_belief_has_a_name_of_its_own() -> None:
    """The report and `--only` go by it."""
    assert len(set(program.NAMES)) == len(DRIVES) + len(PROBES)


def test_no_page_says_that_it_was_run() -> None:
    """As long as it was not."""
    assert "Nobody has run it on a real account yet" in HOW_TO
    assert "Nobody has run it on a real account yet" in " ".join(REFERENCE.split())


def test_the_page_has_the_suites_own_figures() -> None:
    """Names, tag, keys, days, seconds and exit codes."""
    codes = re.findall(r"^\| (\d+) \|", HOW_TO, re.MULTILINE)

    assert f"`{PREFIX}`" in HOW_TO
    assert f"`{RUN_TAG}`" in HOW_TO
    assert (len(KEYS), "Five KMS keys" in HOW_TO) == (5, True)
    assert f"after {PENDING_DAYS} days" in HOW_TO
    assert f"for {Waits().pace:.0f} seconds each" in HOW_TO
    assert codes == re.findall(r"(?:^|[;:]) (\d+) ", (program.__doc__ or "").replace("\n", " "))


def test_each_name_that_the_page_asks_about_is_a_belief() -> None:
    """`make acceptance ONLY=NAME` works as shown."""
    named = set(re.findall(r"ONLY=([\w-]+)", HOW_TO))

    assert named
    assert named <= set(program.NAMES)
