"""Looking at what a port raises."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from log_group_kms.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Callable


def refusal_of(call: Callable[[], object]) -> Refused:
    """What *call* is refused with."""
    with pytest.raises(Refused) as caught:
        call()
    return caught.value


def seen_in(refusal: Refused) -> tuple[type[Refused], str, str, str, str]:
    """What a Reason is made of, but for the message: kind, operation, code, target and key."""
    return type(refusal), refusal.operation, refusal.code, refusal.target, refusal.key
