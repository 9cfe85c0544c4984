"""Waiting for what a deployed provider does in its own time."""

import time
from collections.abc import Callable


def eventually(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until the *condition* holds: events and queues are worked off in the background."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)
