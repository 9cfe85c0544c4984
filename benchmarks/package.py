"""What is deployed: how large, and how many files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from benchmarks.contenders import FLOOR
from benchmarks.report import Section, Table

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.bench import Bench

_ASKED: Final = (
    "The function's folder as it is deployed, without what AWS's runtime brings along (boto3, or the SDK for"
    " JavaScript): size unzipped, of which bytecode, and files."
)


def measure(bench: Bench) -> Section:
    """Count."""
    rows = tuple(
        (contender.name, *_counted(contender.package)) for contender in bench.contenders.all if contender.name != FLOOR
    )
    notes = (
        "Bytecode is shipped because Lambda's folder is read-only: without it every cold start compiles all sources.",
        "This provider's package holds Powertools for AWS Lambda without its HTTP router and most of its utilities.",
    )
    return Section("Package", _ASKED, (Table(("", "Size", "Of which bytecode", "Files"), rows),), notes)


def _counted(package: Path) -> tuple[str, str, str]:
    files = [path for path in package.rglob("*") if path.is_file()]
    bytecode = sum(path.stat().st_size for path in files if path.suffix == ".pyc")
    return _kilobytes(sum(path.stat().st_size for path in files)), _kilobytes(bytecode), f"{len(files):,}"


def _kilobytes(size: int) -> str:
    return f"{size / 1000:,.0f} kB"
