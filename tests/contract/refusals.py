"""Looking at what a port raises."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from log_group_kms.model.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable


def refusal_of(call: Callable[[], object]) -> ApiError:
    """Return the error that *call* raises."""
    with pytest.raises(ApiError) as caught:
        call()
    return caught.value


def seen_in(refusal: ApiError) -> tuple[type[ApiError], str, str, str, str]:
    """Return all that a Reason is made of but the message: kind, operation, code, target and key."""
    return type(refusal), refusal.operation, refusal.code, refusal.target, refusal.key
