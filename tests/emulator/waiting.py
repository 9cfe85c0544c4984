"""Waiting for what the embedded AWS does in its own time."""

import time
from collections.abc import Callable


def until(holds: Callable[[], bool]) -> None:
    """Wait until *holds*, not for ever."""
    deadline = time.monotonic() + 20
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.05)
