"""A function that takes its time, so that a second event meets its concurrency limit."""

import time
from typing import Any


def handler(event: dict[str, Any], _context: Any) -> None:
    """Sleep."""
    time.sleep(event.get("seconds", 0))
