"""The commands of the landing zone's page: they stop at the first error, and go to a canary unit before the whole."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING, Final

import pytest
from support.pages import all_pages, page

if TYPE_CHECKING:
    from pathlib import Path

PAGE: Final = page("docs/how-to/landing-zone.md")
#: The loops of all pages, as bash gets them.
LOOPS: Final = [
    (path, loop)
    for path in all_pages()
    for block in re.findall(r"^ *```sh\n(.*?)^ *```", page(path).text, re.MULTILINE | re.DOTALL)
    for loop in re.findall(r"^ *(?:for|while) .*?^ *done$", block, re.MULTILINE | re.DOTALL)
]
#: Each program that a loop may call fails, and notes that it was called.
FAILING: Final = """\
#!/bin/sh
echo "$0 $*" >> "$CALLED"
exit 1
"""


def test_there_are_loops() -> None:
    """Those of the buckets and of the guardrails at least."""
    assert len(LOOPS) >= 3


@pytest.mark.parametrize("loop", [pytest.param(loop, id=f"{path}-{n}") for n, (path, loop) in enumerate(LOOPS)])
def test_each_loop_stops_at_the_first_error(loop: str, tmp_path: Path) -> None:
    """Run by bash, with an AWS CLI that always fails: it is called once."""
    for program in ("aws", "log-group-kms"):
        (tmp_path / program).write_text(FAILING)
        (tmp_path / program).chmod(0o755)
    called = tmp_path / "called"
    environment = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "CALLED": str(called),
        "REGIONS": "eu-west-1 eu-central-1",
        "PREFIX": "example",
        "PACKAGE": "x.zip",
    }

    subprocess.run(["bash", "-c", loop], env=environment, check=False, capture_output=True)  # noqa: S603, S607 - the page's own

    assert len(called.read_text().splitlines()) == 1


def commands(operation: str) -> list[str]:
    """Each command of the page with this operation of CloudFormation, on one line."""
    text = PAGE.text.replace("\\\n", " ")
    return re.findall(rf"^ *(aws cloudformation {operation} .*)$", text, re.MULTILINE)


@pytest.mark.parametrize("operation", ["create-stack-instances", "update-stack-set"])
def test_a_canary_unit_comes_before_the_whole(operation: str) -> None:
    """The first command goes there alone, one account after the other, and ends at the first failure."""
    canary, whole, *_ = commands(operation)

    assert "OrganizationalUnitIds=$CANARY" in canary
    assert "MaxConcurrentCount=1,FailureToleranceCount=0" in canary
    assert "$CANARY" not in whole


def test_the_hash_of_the_package_is_given_with_its_name() -> None:
    """Wherever new code is deployed."""
    new = [one for one in [*commands("create-stack-set"), *commands("update-stack-set")] if "CodeKey" in one]

    assert len(new) == 3
    assert [one for one in new if "CodeSha256" not in one] == []


def test_a_package_is_never_written_over_another() -> None:
    """The page puts it there only where there is none of this name."""
    puts = re.findall(r"aws s3api put-object .*", PAGE.text.replace("\\\n", " "))

    assert puts
    assert [one for one in puts if "--if-none-match '*'" not in one] == []
