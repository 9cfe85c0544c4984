"""One embedded AWS left running for a person to work against, with its state under `.local/` of the project."""

import dataclasses
import json
from pathlib import Path
from typing import Final

from local.client import server
from local.client.embedded_aws import EmbeddedAws
from local.client.server import PROJECT, Server, Settings

STATE: Final = PROJECT / ".local"
_RECORD: Final = "running.json"


def find(state: Path = STATE) -> EmbeddedAws | None:
    """Return the one that runs, None if none does; a record of a process that is gone counts for nothing."""
    try:
        record = json.loads((state / _RECORD).read_text())
    except (OSError, ValueError):
        return None
    running = Server(**record["server"])
    return EmbeddedAws(running, Settings(**record["settings"])) if running.answers() else None


def start(settings: Settings, state: Path = STATE) -> EmbeddedAws:
    """Start one that outlives this process, and return it.

    Raises:
        EmbeddedAwsError: it did not start; the message has the end of its log.
    """
    server.remove(state)
    running = server.start(settings, state, with_parent=False)
    record = {"server": dataclasses.asdict(running), "settings": dataclasses.asdict(settings)}
    (state / _RECORD).write_text(json.dumps(record))
    return EmbeddedAws(running, settings)


def stop(state: Path = STATE) -> bool:
    """Stop it and remove its state; return whether it ran."""
    running = find(state)
    if running is not None:
        running.stop()
    server.remove(state)
    return running is not None
