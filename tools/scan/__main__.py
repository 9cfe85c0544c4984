"""`python -m tools.scan`: scan both templates, and fail at a finding that nobody explained."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from support.template import PROJECT, load

from tools.scan import checkov, guard
from tools.scan.deployed import as_deployed
from tools.scan.finding import Scan, Suppression, stale, suppressions, unexplained

if TYPE_CHECKING:
    from collections.abc import Iterable

ENVIRONMENT: Final = PROJECT / ".venv-scan"
LANDING_ZONE: Final = PROJECT / "examples" / "landing-zone"
TEMPLATES: Final = (PROJECT / "template.yaml", LANDING_ZONE / "template.yaml", LANDING_ZONE / "code-buckets.yaml")


def scanned(template: Path, guarded: guard.Guard) -> list[Scan]:
    """Return what each scanner makes of a *template*."""
    name = template.relative_to(PROJECT).as_posix()
    return [
        checkov.scan(ENVIRONMENT / "bin" / "checkov", template, name),
        guarded.scan(as_deployed(template), name),
    ]


def wrong(scans: dict[Path, list[Scan]], suppressed: dict[Path, list[Suppression]]) -> list[str]:
    """Return all that is wrong with the templates."""
    left = [line for path, each in scans.items() for scan in each for line in unexplained(scan, suppressed[path])]
    return left + stale(
        (scan for each in scans.values() for scan in each), (one for each in suppressed.values() for one in each)
    )


def _told(scans: Iterable[Scan]) -> str:
    return "\n".join(
        f"{scan.template}: {len(scan.rules)} rules looked, {len(scan.findings)} findings" for scan in scans
    )


def main() -> None:
    """Print what was looked at and what is wrong; exit with 1 if anything is."""
    options = argparse.ArgumentParser(prog="python -m tools.scan", description=__doc__)
    options.add_argument(
        "--rules", type=Path, action="append", default=[], help="a further folder of cfn-guard rules, as AWS's registry"
    )
    # The translator of SAM warns that nobody publishes its own metrics.
    logging.getLogger("samtranslator").setLevel(logging.ERROR)
    guarded = guard.unpacked(ENVIRONMENT, ENVIRONMENT / "cfn-guard", options.parse_args().rules)
    scans = {template: scanned(template, guarded) for template in TEMPLATES}
    left = wrong(scans, {template: suppressions(load(template)) for template in TEMPLATES})
    print(_told(scan for each in scans.values() for scan in each))
    if left:
        sys.exit("\n".join([*left, f"{len(left)} unexplained: mend them, or say why in the template's metadata"]))
    print("Nothing unexplained")


if __name__ == "__main__":
    main()
