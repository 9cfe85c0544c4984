"""The table that `make mutants` ends with."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tools.mutants import Module, main, modules

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def results(folder: Path, **codes: Mapping[str, int | None]) -> Path:
    """What mutmut leaves behind: for each module, how the tests ended with each of its mutants."""
    (folder / "src" / "fleet").mkdir(parents=True)
    for module, ended in codes.items():
        (folder / "src" / "fleet" / f"{module}.py.meta").write_text(json.dumps({"exit_code_by_key": ended}))
    return folder


def test_those_that_the_tests_let_pass_or_do_not_meet_live(tmp_path: Path) -> None:
    """One that never ends is noticed, too; one that was not tried counts on neither side."""
    folder = results(tmp_path, pages={"a": 1, "b": 0, "c": 33, "d": -24, "e": None}, plan={"f": None})

    assert list(modules(folder)) == [Module("fleet/pages", 4, ("b", "c"))]
    assert Module("fleet/pages", 4, ("b", "c")).percent == 50


@pytest.mark.parametrize(("survivors", "code"), [(8, 0), (9, 1)])
def test_the_goal_is_92_percent_of_each_module(
    survivors: int, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each survivor is named."""
    ended = {f"pages.mutant_{number}": int(number >= survivors) for number in range(100)}

    assert main(results(tmp_path, pages=ended, plan={"plan.mutant_0": 1})) == code

    said = capsys.readouterr().out.splitlines()
    assert said[:survivors] == [f"pages.mutant_{number}" for number in range(survivors)]
    assert said[-2].split()[:4] == ["fleet/pages", "100", str(100 - survivors), f"{100 - survivors}.0"]
    assert said[-2].endswith("below 92") == bool(code)
    assert said[-1].split() == ["fleet/plan", "1", "1", "100.0"]


def test_nothing_tried_is_no_success(tmp_path: Path) -> None:
    """A run that ended before its first mutant must not pass for a good one."""
    assert main(tmp_path) == 1
