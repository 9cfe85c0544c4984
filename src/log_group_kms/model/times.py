"""Moments as tags hold them: as CloudFormation dates its events, in UTC and to the second."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

_FORMAT: Final = "%Y%m%dT%H%M%SZ"


def stamp_of(moment: float) -> str:
    """Return *moment*, in seconds since the epoch, such as 20261128T160320Z."""
    return datetime.fromtimestamp(moment, tz=UTC).strftime(_FORMAT)


def moment_of(stamp: str) -> float | None:
    """Return the seconds since the epoch; None where *stamp* is none."""
    try:
        return datetime.strptime(stamp, _FORMAT).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None
