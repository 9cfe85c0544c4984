"""A port that passes every call on: the base of what is put around CloudWatch Logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from log_group_kms.association.ports import LogGroups
    from log_group_kms.model.keys import KeyArn
    from log_group_kms.model.ownership import Claim, Marks, Owner
    from log_group_kms.model.results import Page
    from log_group_kms.model.targets import Fleet, LogGroup, QueryResults


class WrappedLogGroups:
    """The port `LogGroups`, around another one.

    Args:
        port: the one that does the work.
    """

    def __init__(self, port: LogGroups) -> None:
        self.port = port

    def key_of(self, log_group: LogGroup) -> KeyArn | None:
        """See `ports.LogGroups`."""
        return self.port.key_of(log_group)

    def page(self, fleet: Fleet, token: str) -> Page:
        """See `ports.LogGroups`."""
        return self.port.page(fleet, token)

    def claim_on(self, log_group: LogGroup) -> Claim | None:
        """See `ports.LogGroups`."""
        return self.port.claim_on(log_group)

    def write_claim(self, log_group: LogGroup, claim: Claim) -> None:
        """See `ports.LogGroups`."""
        self.port.write_claim(log_group, claim)

    def remove_claim(self, log_group: LogGroup) -> None:
        """See `ports.LogGroups`."""
        self.port.remove_claim(log_group)

    def claimed(self, owners: Sequence[str], token: str) -> tuple[Sequence[str], str] | None:
        """See `ports.LogGroups`."""
        return self.port.claimed(owners, token)

    def marks_on(self, log_group: LogGroup, owner: Owner) -> Marks:
        """See `ports.LogGroups`."""
        return self.port.marks_on(log_group, owner)

    def write_marks(self, log_group: LogGroup, owner: Owner, marks: Marks) -> None:
        """See `ports.LogGroups`."""
        self.port.write_marks(log_group, owner, marks)

    def remove_marks(self, log_group: LogGroup, owner: Owner, marks: Marks) -> None:
        """See `ports.LogGroups`."""
        self.port.remove_marks(log_group, owner, marks)

    def create(self, log_group: LogGroup, key: KeyArn, claim: Claim) -> None:
        """See `ports.LogGroups`."""
        self.port.create(log_group, key, claim)

    def associate(self, target: LogGroup | QueryResults, key: KeyArn) -> None:
        """See `ports.LogGroups`."""
        self.port.associate(target, key)

    def disassociate(self, target: LogGroup | QueryResults) -> None:
        """See `ports.LogGroups`."""
        self.port.disassociate(target)
