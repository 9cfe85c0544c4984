"""`make audit`: the known vulnerabilities of every locked package, by pip-audit.

pip-audit takes what it cannot look up for harmless: without a network, or behind an index that serves packages and no
advisories, it says "No known vulnerabilities found". Here that is a failure.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

PROJECT: Final = Path(__file__).parents[1]
PROGRAM: Final = PROJECT / ".venv-scan" / "bin" / "pip-audit"
#: What is deployed comes first: a finding there concerns users.
LOCKS: Final = ("src/requirements.txt", *(f"requirements-{name}.txt" for name in ("dev", "mutants", "scan", "cdk")))


@dataclass(frozen=True, slots=True)
class Audit:
    """What pip-audit says of one lock file.

    Attributes:
        lock: The lock file.
        looked_up: How many packages had their advisories looked up.
        unknown: Packages that could not be looked up.
        vulnerable: What is known, one line an advisory.
    """

    lock: str
    looked_up: int = 0
    unknown: tuple[str, ...] = ()
    vulnerable: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Every package was looked up, and none is known to be vulnerable."""
        return bool(self.looked_up) and not self.unknown and not self.vulnerable

    def told(self) -> str:
        """Return the result in a few lines."""
        if not self.looked_up:
            return (
                f"{self.lock}: nothing could be looked up. Whether it is vulnerable is not known: is there a network?"
            )
        lines = [
            f"{self.lock}: {self.looked_up} looked up, {len(self.vulnerable)} known vulnerabilities",
            *self.vulnerable,
        ]
        if self.unknown:
            lines.append(f"{len(self.unknown)} could not be looked up: {', '.join(self.unknown)}")
        return "\n  ".join(lines)


def read(lock: str, report: str) -> Audit:
    """Return what pip-audit's JSON *report* says; one that is no JSON looked nothing up."""
    try:
        dependencies: list[dict[str, Any]] = json.loads(report)["dependencies"]
    except ValueError:
        return Audit(lock)
    looked_up = [one for one in dependencies if "skip_reason" not in one]
    return Audit(
        lock,
        len(looked_up),
        tuple(one["name"] for one in dependencies if "skip_reason" in one),
        tuple(
            f"{one['name']} {one['version']}: {found['id']}, mended in {', '.join(found['fix_versions']) or 'none'}"
            for one in looked_up
            for found in one["vulns"]
        ),
    )


def audited(lock: str) -> Audit:
    """Ask for the advisories of each package of a *lock* file."""
    command = [str(PROGRAM), "--disable-pip", "--require-hashes", "-f", "json", "-r", str(PROJECT / lock)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - the pinned program
    return read(lock, ran.stdout)


def main() -> None:
    """Print each lock file's result; exit with 1 unless all are looked up and clean."""
    results = []
    for lock in LOCKS:
        results.append(audited(lock))
        print(results[-1].told())
    sys.exit(not all(result.passed for result in results))


if __name__ == "__main__":
    main()
