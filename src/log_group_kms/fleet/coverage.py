"""Coverage: the log groups of a fleet that a reconciliation has seen without a key, and left so."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from log_group_kms.association.wrapped import WrappedLogGroups
from log_group_kms.model.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Iterator

    from log_group_kms.association.ports import LogGroups
    from log_group_kms.model.keys import KeyArn
    from log_group_kms.model.ownership import Claim
    from log_group_kms.model.results import Page
    from log_group_kms.model.targets import Exclusions, Fleet, LogGroup, QueryResults


class Coverage(WrappedLogGroups):
    """The port `LogGroups`, which remembers who is without a key; several threads may share it.

    Whatever is the reason: another resource that claims a log group and gives it no key, a refusal of AWS, or the end
    of time. What is excluded, or belongs to AWS, is none of the fleet's.

    Args:
        port: the one that does the work.
        exclude: the log groups that the fleet leaves alone.
    """

    def __init__(self, port: LogGroups, exclude: Exclusions) -> None:
        super().__init__(port)
        self._exclude = exclude
        self._bare: set[str] = set()
        self._lock = threading.Lock()

    @property
    def uncovered(self) -> tuple[str, ...]:
        """The names of those that were seen last without a key."""
        with self._lock:
            return tuple(sorted(self._bare))

    def page(self, fleet: Fleet, token: str) -> Page:
        """See `ports.LogGroups`."""
        page = super().page(fleet, token)
        for listed in page.log_groups:
            if fleet.log_group(listed.name) and not self._exclude.cover(listed.name):
                self._saw(listed.name, listed.key)
        return page

    def key_of(self, log_group: LogGroup) -> KeyArn | None:
        """See `ports.LogGroups`."""
        with self._forgotten_when_gone(log_group.name.text):
            key = super().key_of(log_group)
        self._saw(log_group.name.text, key)
        return key

    def claim_on(self, log_group: LogGroup) -> Claim | None:
        """See `ports.LogGroups`."""
        with self._forgotten_when_gone(log_group.name.text):
            return super().claim_on(log_group)

    def associate(self, target: LogGroup | QueryResults, key: KeyArn) -> None:
        """See `ports.LogGroups`."""
        with self._forgotten_when_gone(target.log_group_name):
            super().associate(target, key)
        self._saw(target.log_group_name, key)

    def disassociate(self, target: LogGroup | QueryResults) -> None:
        """See `ports.LogGroups`."""
        super().disassociate(target)
        self._saw(target.log_group_name, None)

    @contextmanager
    def _forgotten_when_gone(self, name: str) -> Iterator[None]:
        try:
            yield
        except NotFound:
            with self._lock:
                self._bare.discard(name)
            raise

    def _saw(self, name: str, key: KeyArn | None) -> None:
        with self._lock:
            if key is None:
                self._bare.add(name)
            else:
                self._bare.discard(name)
