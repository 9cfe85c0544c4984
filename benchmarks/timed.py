"""The handler that the runtime is told of: times the real one, which BENCH_HANDLER names, and tells by a file.

The same for every contender in Python. All times are nanoseconds of the system's clock, so that they compare with those
of other processes. This file is copied out of the package: it knows the standard library alone.
"""

import time

_MODULE = time.time_ns()

import importlib.util  # noqa: E402 - what stands above is the first thing that the module does
import json  # noqa: E402 - as above
import os  # noqa: E402 - as above
import sys  # noqa: E402 - as above
from functools import wraps  # noqa: E402 - as above
from pathlib import Path  # noqa: E402 - as above
from typing import Any  # noqa: E402 - as above

#: Seconds: crhelper's pause before the answer to a Delete is told, not waited for.
_LONG_PAUSE = 60.0

_pauses: list[float] = []
_clients: list[tuple[int, int]] = []
_calls: list[tuple[int, int]] = []
_sleep = time.sleep


def _pause(seconds: Any) -> None:
    if seconds < _LONG_PAUSE:
        _sleep(seconds)
    else:
        _pauses.append(seconds)


def _timed(function: Any, spans: list[tuple[int, int]]) -> Any:
    @wraps(function)
    def timed(*args: Any, **kwargs: Any) -> Any:
        begun = time.time_ns()
        try:
            return function(*args, **kwargs)
        finally:
            spans.append((begun, time.time_ns()))

    return timed


def _watch_session(module: Any) -> None:
    module.Session.create_client = _timed(module.Session.create_client, _clients)


def _watch_client(module: Any) -> None:
    module.BaseClient._make_api_call = _timed(module.BaseClient._make_api_call, _calls)  # noqa: SLF001 - every call's way


class _Watching:
    """Finds a module as usual, and has it watched once it is loaded."""

    def __init__(self) -> None:
        self._left = {"botocore.session": _watch_session, "botocore.client": _watch_client}

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> Any:
        """A spec for what is to be watched, and nothing for all else."""
        watch = self._left.pop(name, None)
        if watch is None:
            return None
        spec: Any = importlib.util.find_spec(name)
        load = spec.loader.exec_module

        def loaded(module: Any) -> None:
            load(module)
            watch(module)

        spec.loader.exec_module = loaded
        return spec


time.sleep = _pause
sys.meta_path.insert(0, _Watching())
_name, _, _function = os.environ["BENCH_HANDLER"].rpartition(".")
_real = getattr(importlib.import_module(_name), _function)
_IMPORTED = time.time_ns()


def handler(event: Any, context: Any) -> Any:
    """The real handler; then its times as a line of JSON."""
    begun = time.time_ns()
    _calls.clear()
    _pauses.clear()
    try:
        return _real(event, context)
    finally:
        told: dict[str, Any] = {
            "started": int(os.environ["BENCH_STARTED"]),
            "module": _MODULE,
            "imported": _IMPORTED,
            "handler": begun,
        }
        told |= {"clients": _clients, "calls": _calls, "importing": 0, "paused": sum(_pauses)}
        with Path(os.environ["BENCH_TIMES"]).open("a") as file:
            file.write(json.dumps(told) + "\n")
