"""The provider that the tests of an event's life start from."""

from __future__ import annotations

import pytest
from unit.lifecycle.provider import Provider


@pytest.fixture
def provider() -> Provider:
    """A log group without a key, and time that passes on request."""
    return Provider()
