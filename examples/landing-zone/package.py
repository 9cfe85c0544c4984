# ruff: noqa: INP001, T201 - a program beside the templates, not a package; it prints
"""Packs what `make` has built for the landing zone into a zip that is named by its own hash, and says what comes next.

Usage: package.py BUILT DESTINATION
"""

from __future__ import annotations

import base64
import hashlib
import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The earliest that a zip can express; any constant would do.
_THEN: Final = (1980, 1, 1, 0, 0, 0)
#: Unix, so that the mode below counts wherever the zip is made.
_UNIX: Final = 3
_READABLE: Final = 0o644 << 16

_NEXT: Final = """\
{package}: {size:,} bytes

Put it into the bucket of every Region:
  aws s3api put-object --if-none-match '*' --body {package} --bucket $CODE_BUCKET_PREFIX-$REGION --key {name}
and give its name to the StackSet:
  ParameterKey=CodeKey,ParameterValue={name}
  ParameterKey=CodeSha256,ParameterValue={sha256}
Every command: docs/how-to/landing-zone.md"""


def files_in(directory: Path) -> dict[str, bytes]:
    """What each file below *directory* holds, by its name there."""
    return {
        path.relative_to(directory).as_posix(): path.read_bytes() for path in directory.rglob("*") if path.is_file()
    }


def packed(files: Mapping[str, bytes]) -> bytes:
    """*files* as a zip; equal names and contents give equal bytes: no time, mode or order is in it."""
    target = io.BytesIO()
    with ZipFile(target, "w") as package:
        for name in sorted(files):
            package.writestr(_entry(name), files[name], compresslevel=9)
    return target.getvalue()


def _entry(name: str) -> ZipInfo:
    entry = ZipInfo(name, _THEN)
    entry.create_system = _UNIX
    entry.external_attr = _READABLE
    entry.compress_type = ZIP_DEFLATED
    return entry


def name_of(package: bytes) -> str:
    """The name under which the StackSet looks for *package*."""
    return f"{hashlib.sha256(package).hexdigest()}.zip"


def sha256_of(package: bytes) -> str:
    """The hash of *package* as Lambda tells it."""
    return base64.b64encode(hashlib.sha256(package).digest()).decode()


def main(built: str, destination: str) -> None:
    """Write the zip of what is in *built* into *destination*."""
    package = packed(files_in(Path(built)))
    path = Path(destination) / name_of(package)
    path.write_bytes(package)
    print(_NEXT.format(package=path, size=len(package), name=path.name, sha256=sha256_of(package)))


if __name__ == "__main__":
    main(*sys.argv[1:])
