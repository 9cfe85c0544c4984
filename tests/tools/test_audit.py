"""`make audit` passes only where every package was looked up."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tools.audit import LOCKS, PROJECT, Audit, audited, read

CLEAN = {"name": "crhelper", "version": "2.0.12", "vulns": []}
UNKNOWN = {"name": "jmespath", "skip_reason": "Dependency not found on PyPI and could not be audited: jmespath (1.1.0)"}
VULNERABLE = {"name": "old", "version": "1.0", "vulns": [{"id": "PYSEC-2026-1", "fix_versions": ["1.1", "2.0"]}]}


def report(*dependencies: dict[str, Any]) -> str:
    """What pip-audit prints."""
    return json.dumps({"dependencies": dependencies, "fixes": []})


@pytest.mark.parametrize(
    ("printed", "passed", "told"),
    [
        pytest.param(report(CLEAN), True, "lock: 1 looked up, 0 known vulnerabilities", id="clean"),
        pytest.param(
            report(CLEAN, VULNERABLE),
            False,
            "lock: 2 looked up, 1 known vulnerabilities\n  old 1.0: PYSEC-2026-1, mended in 1.1, 2.0",
            id="vulnerable",
        ),
        pytest.param(
            report(CLEAN, UNKNOWN),
            False,
            "lock: 1 looked up, 0 known vulnerabilities\n  1 could not be looked up: jmespath",
            id="one not looked up",
        ),
        pytest.param(
            report(UNKNOWN),
            False,
            "lock: nothing could be looked up. Whether it is vulnerable is not known: is there a network?",
            id="an index that serves no advisories",
        ),
        pytest.param(
            "",
            False,
            "lock: nothing could be looked up. Whether it is vulnerable is not known: is there a network?",
            id="no network",
        ),
    ],
)
def test_a_lock_file_passes_when_all_is_looked_up_and_clean(printed: str, passed: bool, told: str) -> None:  # noqa: FBT001 - a column
    """What pip-audit could not look up, it takes for harmless; here it fails."""
    audit = read("lock", printed)

    assert (audit.passed, audit.told()) == (passed, told)


def test_without_a_network_it_says_so_and_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """pip-audit itself, with a proxy at which nobody listens."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")

    audit = audited(LOCKS[0])

    assert not audit.passed
    assert "nothing could be looked up" in audit.told()


def test_nothing_looked_up_is_not_clean() -> None:
    """An empty report passes nothing."""
    assert not Audit("lock").passed


def test_every_lock_file_is_audited() -> None:
    """None is left out but those of the benchmarks' peers, which are not ours."""
    locks = {*PROJECT.glob("requirements*.txt"), *PROJECT.glob("src/requirements*.txt")}

    assert {lock.relative_to(PROJECT).as_posix() for lock in locks} == set(LOCKS)
