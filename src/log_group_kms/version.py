"""The version, written down here and nowhere else by hand: `make version NUMBER=…` sets it and all that repeats it."""

from __future__ import annotations

from typing import Final

VERSION: Final = "1.0.0"
