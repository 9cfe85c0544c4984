"""Build the release of the commit at HEAD: `python -m tools.release [FOLDER]`, by default into `dist/`.

What is not committed is no part of it: the sources are taken out of git, so that two clones of one commit give the same
bytes. The zlib and the Python that build it count as well: those of another distribution may compress otherwise.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Final

from tools.release.contents import IncompleteError, Sources, write

PROJECT: Final = Path(__file__).parents[2]
DIST: Final = PROJECT / "dist"


def _git(*arguments: str) -> bytes:
    return subprocess.run(  # nosec B603 B607 # noqa: S603 - our own words
        ["git", *arguments],  # noqa: S607 - whichever git is on the path, as make's
        cwd=PROJECT,
        check=True,
        stdout=subprocess.PIPE,
    ).stdout


def main(arguments: list[str]) -> int:
    """Build it, and tell what there is."""
    into = Path(arguments[0]).resolve() if arguments else DIST
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH") or _git("log", "-1", "--format=%ct"))
    if _git("status", "--porcelain"):
        print("What is not committed is not in the release.", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="release-") as folder:
        tree = Path(folder) / "tree"
        with tarfile.open(fileobj=io.BytesIO(_git("archive", "--format=tar", "HEAD"))) as archive:
            # As in `tools.scan.guard`.
            archive.extraction_filter = getattr(tarfile, "data_filter", None)
            archive.extractall(tree)  # noqa: S202 - git's own
        sources = Sources(tree, epoch, Path(folder) / "workspace")
        try:
            names = write(sources, into)
        except IncompleteError as incomplete:
            print(incomplete, file=sys.stderr)
            return 1
        print(f"Version {sources.version}, in {into}:")
    for name in names:
        print(f"  {(into / name).stat().st_size:>9,}  {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
