"""Stacks of CloudFormation in a fake account: what they want, and how their events are delivered with mishaps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from hypothesis import event as note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize
from support.chaos import Killed, Mishap, State, Strikes, event_of, expected_release, owned
from support.fake_aws import OTHER_STACK_ID, PLACE, STACK_ID, FakeAws, FakeClock, FakeLogGroup, key_arn, log_group
from support.trails import TellingTrail

from log_group_kms.association.context import Context
from log_group_kms.cloudformation.envelope import Envelope
from log_group_kms.cloudformation.response import Response as Answer
from log_group_kms.lifecycle.deadlines import Deadlines
from log_group_kms.lifecycle.event import respond
from log_group_kms.lifecycle.progress import PROGRESS, Done
from log_group_kms.model.association import OnDelete, OnExistingKey
from log_group_kms.model.errors import ProviderError
from log_group_kms.model.ownership import Owner
from log_group_kms.model.physical_id import NOTHING_ASSOCIATED
from log_group_kms.retry.retrier import Retrier

if TYPE_CHECKING:
    from log_group_kms.model.keys import KeyArn
    from log_group_kms.model.targets import LogGroup

STACKS: Final = (STACK_ID, OTHER_STACK_ID)
LOGICAL_IDS: Final = ("First", "Second")
LOG_GROUPS: Final = (log_group("/orders"), log_group("/billing"))
KEYS: Final = tuple(key_arn(number) for number in (1, 2, 3))
#: Keys that only the outside world uses.
OUTSIDE: Final = (None, key_arn(8), key_arn(9))
SERVICE_TIMEOUT: Final = 900


@dataclass(frozen=True)
class Wanted:
    """The template's properties of one resource."""

    log_group: LogGroup
    key: KeyArn
    on_delete: OnDelete = OnDelete.RESTORE_PREVIOUS
    on_existing_key: OnExistingKey = OnExistingKey.OVERRIDE

    @property
    def properties(self) -> dict[str, str]:
        return {
            "ServiceTimeout": str(SERVICE_TIMEOUT),
            "LogGroupName": self.log_group.name.text,
            "OnExistingOwner": "TakeOver",
            "KmsKeyId": self.key.text,
            "OnDelete": self.on_delete,
            "OnExistingKey": self.on_existing_key,
        }


@dataclass(frozen=True)
class Resource:
    """A resource that CloudFormation believes to be there."""

    stack: str
    logical_id: str
    wanted: Wanted
    physical_id: str

    @property
    def owner(self) -> Owner:
        return Owner.of_resource(self.stack, self.logical_id, self.wanted.log_group)


wanted_of = st.builds(
    Wanted,
    st.sampled_from(LOG_GROUPS),
    st.sampled_from(KEYS),
    st.sampled_from([OnDelete.RESTORE_PREVIOUS] * 4 + [OnDelete.DISASSOCIATE, OnDelete.RETAIN]),
    st.sampled_from([OnExistingKey.OVERRIDE] * 4 + [OnExistingKey.KEEP, OnExistingKey.FAIL]),
)
mishaps_of = st.lists(
    st.builds(Mishap, st.integers(0, 7), st.sampled_from(["killed", "killed", "refused", "again"]), st.booleans()),
    max_size=3,
    unique_by=lambda mishap: mishap.call,
)


class Stacks(RuleBasedStateMachine):
    """Two stacks, two log groups, three keys: how events are made, sent and checked."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock()
        self.aws = FakeAws.holding(*KEYS, *(key for key in OUTSIDE if key))
        self.resources: dict[tuple[str, str], Resource] = {}
        #: Log groups that something outside changed since their owner last looked.
        self.meddled: set[LogGroup] = set()
        #: Events that CloudFormation no longer waits for.
        self.past: list[dict[str, Any]] = []

    @initialize(keys=st.tuples(st.sampled_from(OUTSIDE), st.sampled_from(OUTSIDE)))
    def begin(self, keys: tuple[KeyArn | None, KeyArn | None]) -> None:
        for group, key in zip(LOG_GROUPS, keys, strict=True):
            self.aws.log_groups[group] = FakeLogGroup(key)

    def release(self, resource: Resource, mishaps: list[Mishap]) -> None:
        """The Delete of *resource*, and what it must leave."""
        group = resource.wanted.log_group
        before = self.state(group)
        others = [self.state(other) for other in LOG_GROUPS if other != group]
        delete = self.event("Delete", resource.stack, resource.logical_id, resource.wanted, resource.physical_id)

        answer = self.send(delete, mishaps)

        assert (answer.status, answer.physical_resource_id) == ("SUCCESS", resource.physical_id)
        self.expect(group, expected_release(before, resource.owner, resource.wanted))
        assert [self.state(other) for other in LOG_GROUPS if other != group] == others

    def settled(self, resource: Resource) -> None:
        """CloudFormation knows *resource* as it is now."""
        self.resources[resource.stack, resource.logical_id] = resource
        state = self.state(resource.wanted.log_group)
        if state.claim and state.claim.owner == resource.owner:
            self.meddled.discard(resource.wanted.log_group)

    def some(self, data: st.DataObject) -> Resource:
        return data.draw(st.sampled_from(list(self.resources.values())))

    def changed(self, data: st.DataObject, change: str) -> tuple[Resource, Wanted]:
        resource = self.some(data)
        other: Wanted = data.draw(wanted_of)
        match change:
            case "key":
                return resource, replace(resource.wanted, key=other.key)
            case "options":
                return resource, replace(
                    resource.wanted, on_delete=other.on_delete, on_existing_key=other.on_existing_key
                )
            case _:
                return resource, replace(resource.wanted, log_group=other.log_group, key=other.key)

    def state(self, group: LogGroup) -> State:
        found = self.aws.log_groups[group]
        return State(found.key, owned(found.claim))

    def expect(self, group: LogGroup, expected: State) -> None:
        assert self.state(group) == expected

    def event(
        self, request_type: str, stack: str, name: str, wanted: Wanted, physical_id: str | None = None
    ) -> dict[str, Any]:
        # CloudFormation sends no two events of a resource within a second.
        self.clock.time += 1
        event = event_of(request_type, stack, name, wanted.properties, sent_at=self.clock.now(), number=len(self.past))
        return event if physical_id is None else event | {"PhysicalResourceId": physical_id}

    def update_event(self, resource: Resource, wanted: Wanted, physical_id: str | None = None) -> dict[str, Any]:
        event = self.event("Update", resource.stack, resource.logical_id, wanted, physical_id or resource.physical_id)
        return event | {"OldResourceProperties": resource.wanted.properties}

    def send(self, event: dict[str, Any], mishaps: list[Mishap]) -> Answer:
        """Deliver *event* until it is answered, with *mishaps* on the way, and once more where one of them says so."""
        answer = None
        for _ in range(1 + len(mishaps)):
            try:
                answer = self.run(event, mishaps)
                break
            except Killed:
                note("killed")
                mishaps = [mishap for mishap in mishaps if mishap.what != "killed"]
        assert answer is not None
        self.past.append(event)
        return answer

    def run(self, event: dict[str, Any], mishaps: list[Mishap] | None = None) -> Answer:
        """One delivery: the answer that the handler would give, held against the protocol."""
        envelope = Envelope.of(event)
        failure_id = envelope.physical_resource_id or NOTHING_ASSOCIATED

        def tell(physical_id: str) -> None:
            nonlocal failure_id
            failure_id = physical_id

        def again(_: Mishap, __: str) -> None:
            self.run(event)

        strikes = Strikes(self.aws, mishaps or [], again)
        self.aws.before, self.aws.after = strikes.before, strikes.after
        try:
            deadlines = Deadlines.of(envelope, event, self.clock.now(), 900)
            context = Context.of(self.aws, self.aws, Retrier(self.clock, deadlines.earliest), TellingTrail(tell))
            outcome = respond(envelope, event, PLACE, context, deadlines)
            assert isinstance(outcome, Done), PROGRESS
            answer = Answer("SUCCESS", outcome.physical_resource_id, outcome.reason, outcome.data)
        except ProviderError as error:
            answer = Answer.failed(str(error), failure_id)
        finally:
            self.aws.before = self.aws.after = lambda _: None
        return answer.fitted(envelope)
