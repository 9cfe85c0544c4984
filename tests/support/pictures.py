"""Pictures in PNG, as far as a browser's own take: eight bits of red, green and blue, or of these and opacity."""

from __future__ import annotations

import zlib
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def colours(path: Path) -> Counter[str]:
    """Count the pixels of a picture by colour, such as #1a7f37."""
    data = path.read_bytes()
    width, depth, kind = int.from_bytes(data[16:20], "big"), data[24], data[25]
    assert (data[:8], depth, kind in (2, 6)) == (b"\x89PNG\r\n\x1a\n", 8, True)
    size = 3 if kind == 2 else 4
    raw = zlib.decompress(b"".join(content for name, content in _chunks(data) if name == b"IDAT"))
    found: Counter[str] = Counter()
    before = bytearray(width * size)
    for begin in range(0, len(raw), width * size + 1):
        line = bytearray(raw[begin + 1 : begin + 1 + width * size])
        _unfilter(raw[begin], line, before, size)
        found.update(line[place : place + 3].hex() for place in range(0, len(line), size))
        before = line
    return Counter({f"#{colour}": number for colour, number in found.items()})


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = 8
    while place < len(data):
        length = int.from_bytes(data[place : place + 4], "big")
        yield data[place + 4 : place + 8], data[place + 8 : place + 8 + length]
        place += 12 + length


def _unfilter(kind: int, line: bytearray, above: bytearray, size: int) -> None:
    """Undo a line's filter (Portable Network Graphics, 9.2)."""
    for place in range(len(line)):
        left = line[place - size] if place >= size else 0
        up, corner = above[place], above[place - size] if place >= size else 0
        line[place] = (line[place] + (0, left, up, (left + up) // 2, _paeth(left, up, corner))[kind]) & 0xFF


def _paeth(left: int, up: int, corner: int) -> int:
    guess = left + up - corner
    return min((left, up, corner), key=lambda each: abs(guess - each))
