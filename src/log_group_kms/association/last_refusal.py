"""The last refusal of AWS: what is to be told where time ran out before a call was asked again."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from log_group_kms.association.wrapped import WrappedLogGroups
from log_group_kms.model.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from log_group_kms.association.ports import LogGroups
    from log_group_kms.model.keys import KeyArn
    from log_group_kms.model.ownership import Claim
    from log_group_kms.model.targets import LogGroup, QueryResults


class LastRefusal(WrappedLogGroups):
    """The port `LogGroups` of one log group's work, which keeps why AWS refused it last.

    Attributes:
        error: the last refusal; None where every call so far has worked.
    """

    def __init__(self, port: LogGroups) -> None:
        super().__init__(port)
        self.error: ApiError | None = None

    def key_of(self, log_group: LogGroup) -> KeyArn | None:
        """See `ports.LogGroups`."""
        with self._kept():
            return super().key_of(log_group)

    def claim_on(self, log_group: LogGroup) -> Claim | None:
        """See `ports.LogGroups`."""
        with self._kept():
            return super().claim_on(log_group)

    def write_claim(self, log_group: LogGroup, claim: Claim) -> None:
        """See `ports.LogGroups`."""
        with self._kept():
            super().write_claim(log_group, claim)

    def remove_claim(self, log_group: LogGroup) -> None:
        """See `ports.LogGroups`."""
        with self._kept():
            super().remove_claim(log_group)

    def associate(self, target: LogGroup | QueryResults, key: KeyArn) -> None:
        """See `ports.LogGroups`."""
        with self._kept():
            super().associate(target, key)

    def disassociate(self, target: LogGroup | QueryResults) -> None:
        """See `ports.LogGroups`."""
        with self._kept():
            super().disassociate(target)

    @contextmanager
    def _kept(self) -> Iterator[None]:
        try:
            yield
        except ApiError as error:
            self.error = error
            raise
