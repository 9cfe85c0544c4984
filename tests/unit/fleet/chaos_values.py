"""What the model of fleets at random draws: resources, and what makes the life of an event hard."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, ClassVar, Final

from hypothesis import event as count_in_statistics
from hypothesis import strategies as st
from support.chaos import Mishap, State
from support.fake_aws import OTHER_STACK_ID, STACK_ID, FakeAws, fleet, key_arn, log_group

from log_group_kms.model.association import Association, OnDelete, OnExistingKey
from log_group_kms.model.ownership import Owner
from log_group_kms.model.targets import Exclusions, Fleet, LogGroup
from log_group_kms.retry.rate_limits import RateLimits

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from log_group_kms.model.keys import KeyArn

STACKS: Final = (STACK_ID, OTHER_STACK_ID)
LOGICAL_IDS: Final = ("First", "Second")
LOG_GROUPS: Final = tuple(log_group(name) for name in ("/a/1", "/a/x/1", "/a/x/2", "/ab", "/b/1", "c"))
FLEETS: Final = tuple(fleet(prefix) for prefix in ("", "/a", "/a/x", "/b"))
EXCLUSIONS: Final = ((), ("/a/x/*",), ("*1",), ("/b/1", "c"))
RESERVED: Final = "aws/spans"
KEYS: Final = tuple(key_arn(number) for number in (1, 2, 3))
#: What the outside world uses: also a key of the stacks'.
OUTSIDE: Final = (None, key_arn(8), key_arn(9), KEYS[0])
SERVICE_TIMEOUT: Final = 3600
#: Seconds of an invocation: all at once, and two or three log groups at a time.
LONG, SHORT = 800.0, 75.0
#: Slow, so that an invocation is short of time at a few log groups; its reserve outlasts the longest pause even so.
SLOW: Final = RateLimits(log_groups=0.5, pages=0.5, workers=1)

Accounts = dict[LogGroup, State]


class SmallPages(FakeAws):
    """Six log groups are three pages; several threads may call at once."""

    page_size: ClassVar[int] = 2
    #: Of the threads of one event. Events that share a clock run one at a time: none waits inside a call of another's.
    lock: AbstractContextManager[object] = threading.RLock()

    def _begin(self, operation: str) -> None:
        with self.lock:
            super()._begin(operation)


@dataclass(frozen=True)
class Wanted:
    """What a template says of one resource."""

    target: LogGroup | Fleet
    key: KeyArn
    on_delete: OnDelete = OnDelete.RESTORE_PREVIOUS
    on_existing_key: OnExistingKey = OnExistingKey.OVERRIDE
    exclude: tuple[str, ...] = ()

    @property
    def properties(self) -> dict[str, Any]:
        properties: dict[str, Any] = {
            "ServiceTimeout": str(SERVICE_TIMEOUT),
            "KmsKeyId": self.key.text,
            "OnDelete": self.on_delete,
            "OnExistingKey": self.on_existing_key,
        }
        if isinstance(self.target, LogGroup):
            return properties | {"LogGroupName": self.target.name.text, "OnExistingOwner": "TakeOver"}
        return properties | {
            "LogGroupNamePrefix": self.target.prefix or "*",
            "OnRefusedLogGroup": "Fail",
            "ExcludeLogGroupNames": list(self.exclude),
        }

    @property
    def association(self) -> Association:
        return Association(
            self.target, self.key, self.on_delete, self.on_existing_key, exclude=Exclusions(self.exclude)
        )

    @property
    def forgiving(self) -> bool:
        """Whether a rollback leaves all as it was, however far it had come."""
        return self.on_delete is OnDelete.RESTORE_PREVIOUS and self.on_existing_key is OnExistingKey.OVERRIDE

    def reaches(self, group: LogGroup) -> bool:
        if isinstance(self.target, LogGroup):
            return self.target == group
        return group.name.text.startswith(self.target.prefix)

    def excludes(self, group: LogGroup) -> bool:
        return any(fnmatchcase(group.name.text, pattern) for pattern in self.exclude)

    def matches(self, group: LogGroup) -> bool:
        return self.reaches(group) and not self.excludes(group)


@dataclass(frozen=True)
class Resource:
    """A resource that CloudFormation believes to be there."""

    stack: str
    logical_id: str
    wanted: Wanted
    physical_id: str

    @property
    def owner(self) -> Owner:
        return Owner.of_resource(self.stack, self.logical_id, self.wanted.target)


#: Who holds what `log-group-kms apply` has put under a key, until a fleet takes it over.
COMMAND_LINE: Final = Owner.of_command_line(fleet(""))


@dataclass(frozen=True)
class Applied(Resource):
    """What the command line is asked for, as if it were a resource."""

    @property
    def owner(self) -> Owner:
        return COMMAND_LINE

    @classmethod
    def to(cls, wanted: Wanted) -> Applied:
        return cls("-", "command-line", wanted, "")


@dataclass(frozen=True)
class Incident(Mishap):
    """A mishap; what others do they do to this log group, with this key."""

    group: LogGroup
    key: KeyArn | None


@dataclass(frozen=True)
class Turmoil:
    """All that makes the life of an event hard.

    Attributes:
        incidents: around its calls.
        seconds: how long its invocations last.
        stale: which tokens are too old when a further invocation begins.
        echo: whether each invocation that hands on is delivered twice.
        twice: whether it is delivered again when all is over.
    """

    incidents: tuple[Incident, ...] = ()
    seconds: float = LONG
    stale: frozenset[int] = frozenset()
    echo: bool = False
    twice: bool = False

    def without(self, *kinds: str) -> Turmoil:
        return replace(self, incidents=tuple(one for one in self.incidents if one.what not in kinds))

    @property
    def died(self) -> bool:
        """Whether an invocation may have begun with what another one had done and not told."""
        return self.echo or any(one.what in ("killed", "again") for one in self.incidents)

    @property
    def counts_once(self) -> bool:
        """Whether the answer can tell what all its invocations have done."""
        return not self.echo and all(one.what == "refused" for one in self.incidents)


CALM: Final = Turmoil()
#: What others do in the middle of an event.
OTHERS: Final = (
    "vanishes",
    "appears",
    "key changed",
    "tags stripped",
    "explicit comes",
    "explicit goes",
    "applied",
    "released",
)

ones = st.builds(
    Wanted,
    st.sampled_from(LOG_GROUPS[:3]),
    st.sampled_from(KEYS),
    st.sampled_from([OnDelete.RESTORE_PREVIOUS] * 4 + [OnDelete.DISASSOCIATE, OnDelete.RETAIN]),
    st.sampled_from([OnExistingKey.OVERRIDE] * 4 + [OnExistingKey.KEEP, OnExistingKey.FAIL]),
)
fleets = st.builds(
    Wanted,
    st.sampled_from(FLEETS),
    st.sampled_from(KEYS),
    st.sampled_from([OnDelete.RESTORE_PREVIOUS] * 4 + [OnDelete.DISASSOCIATE, OnDelete.RETAIN]),
    st.sampled_from([OnExistingKey.OVERRIDE] * 4 + [OnExistingKey.KEEP, OnExistingKey.FAIL]),
    st.sampled_from(EXCLUSIONS),
)
wanted_of = st.one_of(fleets, fleets, ones)
#: An event for one log group makes some six calls, one for a fleet some forty.
calls_of = st.integers(0, 8) | st.integers(0, 40)
incidents_of = st.builds(
    Incident,
    calls_of,
    st.sampled_from(["killed", "killed", "refused", "refused", "again", *OTHERS]),
    st.booleans(),
    st.sampled_from(LOG_GROUPS),
    st.sampled_from(OUTSIDE),
)
turmoil_of = st.builds(
    Turmoil,
    st.lists(incidents_of, max_size=4, unique_by=lambda one: one.call).map(tuple),
    st.sampled_from([LONG, SHORT]),
    st.frozensets(st.integers(0, 4), max_size=2),
    st.booleans(),
    st.booleans(),
)


def note(what: str) -> None:
    """For Hypothesis's statistics, which know the main thread alone."""
    if threading.current_thread() is threading.main_thread():
        count_in_statistics(what)
