"""The audit log: one line of JSON for each key that is changed, whatever the log's level.

It is written around the port, where every change passes, and not through the logger, so that no level drops it. Its
form is part of the contract: docs/reference/audit-log.md. Neither an event nor a ResponseURL comes near it.
"""

from __future__ import annotations

import json
import sys
import threading
from collections import OrderedDict
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from log_group_kms.association.wrapped import WrappedLogGroups
from log_group_kms.model.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from log_group_kms.association.ports import LogGroups
    from log_group_kms.model.keys import KeyArn
    from log_group_kms.model.ownership import Claim
    from log_group_kms.model.results import Page
    from log_group_kms.model.targets import Fleet, LogGroup, QueryResults

#: A field that changes its meaning, or goes, gives the form a new version; a further field does not.
VERSION: Final = 1
#: Of so many log groups is remembered what was read last: a fleet's workers are never so far apart.
_REMEMBERED: Final = 2_000


class Source(StrEnum):
    """The cause of a change."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    ENROLMENT = "enrolment"
    RECONCILIATION = "reconciliation"
    #: Something that one of the others had begun is put back, as its claim went away meanwhile.
    UNDO = "undo"


# No dataclasses: each would cost a cold start half a millisecond.
class Request(NamedTuple):
    """The request that a change is made for.

    Attributes:
        source: what asks.
        stack_id: the stack of the resource that owns the association.
        logical_resource_id: the resource.
        request_id: CloudFormation's id of the event; empty where no stack asks.
        function_request_id: Lambda's id of the invocation.
    """

    source: Source
    stack_id: str
    logical_resource_id: str
    request_id: str
    function_request_id: str


class _Known(NamedTuple):
    """What was read of a log group last, or written to it."""

    key: KeyArn | None = None
    key_is_known: bool = False
    claim: Claim | None = None


def write_line(line: str) -> None:
    """Write *line* to the standard output in one piece, which is the function's log."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


class Audited(WrappedLogGroups):
    """The port `LogGroups`, with a line for each change of a key; several threads may share it.

    A change that AWS refused is none, and has no line. One of which nobody knows whether AWS made it has.

    Args:
        port: the one that does the work.
        request: what the changes are made for.
        now: returns the seconds since the epoch.
        write: receives each line.
    """

    def __init__(
        self, port: LogGroups, request: Request, now: Callable[[], float], write: Callable[[str], None] = write_line
    ) -> None:
        super().__init__(port)
        self._request = request
        self._now = now
        self._write = write
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._lock = threading.Lock()

    # --- what is read, for the key before -----------------------------------------------------------------------------

    def key_of(self, log_group: LogGroup) -> KeyArn | None:
        """See `ports.LogGroups`."""
        key = super().key_of(log_group)
        self._remember_key(log_group.arn, key)
        return key

    def page(self, fleet: Fleet, token: str) -> Page:
        """See `ports.LogGroups`."""
        page = super().page(fleet, token)
        for listed in page.log_groups:
            self._remember_key(fleet.place.logs_arn(f"log-group:{listed.name}"), listed.key)
        return page

    def claim_on(self, log_group: LogGroup) -> Claim | None:
        """See `ports.LogGroups`."""
        claim = super().claim_on(log_group)
        self._remember_claim(log_group.arn, claim)
        return claim

    def write_claim(self, log_group: LogGroup, claim: Claim) -> None:
        """See `ports.LogGroups`."""
        super().write_claim(log_group, claim)
        self._remember_claim(log_group.arn, claim)

    def remove_claim(self, log_group: LogGroup) -> None:
        """See `ports.LogGroups`."""
        super().remove_claim(log_group)
        self._remember_claim(log_group.arn, None)

    # --- what is changed ----------------------------------------------------------------------------------------------

    def create(self, log_group: LogGroup, key: KeyArn, claim: Claim) -> None:
        """See `ports.LogGroups`."""
        self._remember_key(log_group.arn, None)
        self._remember_claim(log_group.arn, claim)
        with self._changed("create", log_group, key):
            super().create(log_group, key, claim)

    def associate(self, target: LogGroup | QueryResults, key: KeyArn) -> None:
        """See `ports.LogGroups`."""
        with self._changed("associate", target, key):
            super().associate(target, key)

    def disassociate(self, target: LogGroup | QueryResults) -> None:
        """See `ports.LogGroups`."""
        with self._changed("disassociate", target, None):
            super().disassociate(target)

    @contextmanager
    def _changed(self, action: str, target: LogGroup | QueryResults, key: KeyArn | None) -> Iterator[None]:
        before = self._what_is_known(target.arn)
        source = self._source(action, target, before)
        try:
            yield
        except ApiError as error:
            if error.uncertain:
                self._tell(action, target.arn, before, key, source, "unknown")
            raise
        self._remember_key(target.arn, key)
        self._tell(action, target.arn, before, key, source, "done")

    def _source(self, action: str, target: LogGroup | QueryResults, known: _Known) -> Source:
        """Return the cause: only what goes back is done to a log group that the event has no standing claim on."""
        if self._request.source is Source.DELETE or not target.taggable:
            return self._request.source
        stands = known.claim is not None and not known.claim.deleting and not known.claim.deleted
        return self._request.source if stands and action != "disassociate" else Source.UNDO

    def _tell(  # noqa: PLR0913, PLR0917 - the parts of a line
        self, action: str, target: str, before: _Known, key: KeyArn | None, source: Source, outcome: str
    ) -> None:
        known = before.key.text if before.key else ""
        moment = datetime.fromtimestamp(self._now(), UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        record = {
            "audit": VERSION,
            "timestamp": moment,
            "level": "INFO",
            "action": action,
            "target": target,
            "key_before": known if before.key_is_known else None,
            "key_after": key.text if key else "",
            "outcome": outcome,
            **self._request._asdict(),
            "source": source,
        }
        self._write(json.dumps(record, separators=(",", ":")))

    # --- what is remembered -------------------------------------------------------------------------------------------

    def _what_is_known(self, arn: str) -> _Known:
        with self._lock:
            return self._known.get(arn, _Known())

    def _remember_key(self, arn: str, key: KeyArn | None) -> None:
        with self._lock:
            known = self._known.pop(arn, _Known())
            self._keep(arn, _Known(key, key_is_known=True, claim=known.claim))

    def _remember_claim(self, arn: str, claim: Claim | None) -> None:
        with self._lock:
            known = self._known.pop(arn, _Known())
            self._keep(arn, _Known(known.key, key_is_known=known.key_is_known, claim=claim))

    def _keep(self, arn: str, known: _Known) -> None:
        self._known[arn] = known
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
