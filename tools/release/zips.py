"""Zips whose bytes depend on nothing but names, contents and one date."""

from __future__ import annotations

import io
import time
from typing import TYPE_CHECKING, Final
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

if TYPE_CHECKING:
    from pathlib import Path

#: Unix, so that the mode below counts wherever the zip is made.
_UNIX: Final = 3
_READABLE: Final = 0o644 << 16


def zipped(folder: Path, date: int, top: str) -> bytes:
    """Return the files of *folder* as a zip with one folder *top*, each with the same *date*, in seconds since 1970."""
    target = io.BytesIO()
    with ZipFile(target, "w") as archive:
        for path in sorted(folder.rglob("*")):
            if not path.is_file():
                continue
            entry = ZipInfo(f"{top}/{path.relative_to(folder).as_posix()}", time.gmtime(date)[:6])
            entry.create_system = _UNIX
            entry.external_attr = _READABLE
            entry.compress_type = ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes(), compresslevel=9)
    return target.getvalue()
