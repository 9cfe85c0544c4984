"""The kinds of account that the contract is held against, and how a test leaves one out."""

from __future__ import annotations

from typing import Final

import pytest

BACKENDS: Final = ("fake", "moto", "embedded")
#: moto answers what its state says, and cannot be told to have a bad moment.
SCRIPTED_BACKENDS: Final = ("fake", "embedded")


def leaving_out(**reasons: str) -> pytest.MarkDecorator:
    """Run a test in every account but these; each has its *reason* why it cannot take part."""
    left = [backend for backend in BACKENDS if backend not in reasons]
    assert left
    assert len(left) + len(reasons) == len(BACKENDS), f"no such backends: {reasons}"
    return pytest.mark.parametrize("account", left, indirect=True)
