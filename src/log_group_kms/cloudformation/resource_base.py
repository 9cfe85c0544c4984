"""crhelper's base class, without what crhelper does to the process that imports and makes it.

- boto3: crhelper imports it for clients that are never made here. The import takes 45 ms of each cold start.
- Clients: three that nobody uses cost 120 ms of each cold start; crhelper makes none under `sam local`.
- Levels: they are the function's to set, not those of a library that it imports.
"""

from __future__ import annotations

import logging
import os
import sys
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The loggers whose levels crhelper sets; None is the root.
_LEVELLED_BY_CRHELPER: Final = (None, "boto", "boto3", "botocore", "urllib3")


@contextmanager
def without_side_effects() -> Iterator[None]:
    """Keep crhelper's constructor from making clients, and put back the levels that it sets."""
    with _as_under_sam_local(), _levels_kept():
        yield


@contextmanager
def _as_under_sam_local() -> Iterator[None]:
    before = os.environ.get("AWS_SAM_LOCAL")
    os.environ["AWS_SAM_LOCAL"] = "true"
    try:
        yield
    finally:
        if before is None:
            del os.environ["AWS_SAM_LOCAL"]
        else:
            os.environ["AWS_SAM_LOCAL"] = before


@contextmanager
def _levels_kept() -> Iterator[None]:
    before = [(logger := logging.getLogger(name), logger.level) for name in _LEVELLED_BY_CRHELPER]
    try:
        yield
    finally:
        for logger, level in before:
            logger.setLevel(level)


@contextmanager
def _stood_in_for(name: str) -> Iterator[None]:
    """Give an empty module to whoever imports *name* here, unless it is loaded already."""
    if name in sys.modules:
        yield
        return
    sys.modules[name] = ModuleType(name)
    try:
        yield
    finally:
        del sys.modules[name]


with _stood_in_for("boto3"):
    from crhelper import CfnResource

__all__ = ["CfnResource", "without_side_effects"]
