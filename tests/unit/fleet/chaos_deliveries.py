"""How the model of fleets at random delivers events, and what others do in the middle of one."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from hypothesis.stateful import RuleBasedStateMachine
from support.chaos import Killed, Mishap, State, Strikes, event_of, owned
from support.fake_aws import PLACE, FakeClock, FakeLogGroup, role_denied
from support.trails import TellingTrail
from unit.fleet.chaos_values import (
    CALM,
    KEYS,
    LONG,
    OUTSIDE,
    RESERVED,
    SLOW,
    STACKS,
    Accounts,
    Incident,
    Resource,
    SmallPages,
    Turmoil,
    Wanted,
    note,
)

from log_group_kms.association.context import Context
from log_group_kms.association.requests import Asker, Ensure
from log_group_kms.cloudformation.envelope import Envelope
from log_group_kms.cloudformation.response import Response as Answer
from log_group_kms.fleet.checkpoint import Checkpoint, Fate
from log_group_kms.fleet.upkeep import Enrol, Reconcile, Upkeep
from log_group_kms.lifecycle.deadlines import Deadlines
from log_group_kms.lifecycle.event import respond
from log_group_kms.lifecycle.progress import PROGRESS, Done, Progress
from log_group_kms.model.errors import NotFound, OutOfTime, ProviderError, ResourceConflict
from log_group_kms.model.ownership import Claim, Owner
from log_group_kms.model.physical_id import NOTHING_ASSOCIATED, PERHAPS_ASSOCIATED
from log_group_kms.model.results import Outcome
from log_group_kms.model.targets import Fleet, LogGroup
from log_group_kms.request.upkeep import parse_upkeep
from log_group_kms.retry.retrier import Retrier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from log_group_kms.model.keys import KeyArn
    from log_group_kms.retry.rate_limits import RateLimits


#: Seconds that an event for one log group takes: the other one, which is in the middle of its own, looks again.
A_WHILE: Final = 2.0


class Deliveries(RuleBasedStateMachine):
    """CloudFormation and Lambda: how events reach the provider, and what others do in the middle of one."""

    rate_limits: RateLimits = SLOW

    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock()
        self.aws = SmallPages.holding(*KEYS, *(key for key in OUTSIDE if key))
        self.aws.reserved.append(RESERVED)
        self.resources: dict[tuple[str, str], Resource] = {}
        #: Log groups whose key or tags something outside changed since their owner last looked.
        self.meddled: set[LogGroup] = set()
        #: Log groups that others changed in the middle of this step: nobody can foretell them ...
        self.touched: set[LogGroup] = set()
        #: ... but what they would be if there were only the others; and those that stay so.
        self.alone: Accounts = {}
        self.fixed: set[LogGroup] = set()
        self.stripped: set[LogGroup] = set()
        #: Whether log groups came or went in the midst.
        self.moved = False
        #: Events that CloudFormation no longer waits for.
        self.past: list[dict[str, Any]] = []
        #: In whose name the step acts.
        self.acting: set[Owner] = set()

    def states(self) -> Accounts:
        return {group: State(found.key, owned(found.claim)) for group, found in self.aws.log_groups.items()}

    def event(self, request_type: str, resource: Resource, physical_id: str | None = None) -> dict[str, Any]:
        event = event_of(
            request_type,
            resource.stack,
            resource.logical_id,
            resource.wanted.properties,
            sent_at=self.clock.now(),
            number=len(self.past),
        )
        return event if physical_id is None else event | {"PhysicalResourceId": physical_id}

    def update_event(self, old: Resource, wanted: Wanted, physical_id: str | None = None) -> dict[str, Any]:
        event = self.event("Update", replace(old, wanted=wanted), physical_id or old.physical_id)
        return event | {"OldResourceProperties": old.wanted.properties}

    def send(self, event: dict[str, Any], turmoil: Turmoil) -> Answer:
        """Deliver *event* until it is answered, with *turmoil* on the way."""
        strikes = Strikes(self.aws, turmoil.incidents, lambda one, at: self.happen(one, at, event))
        answer = self.deliver(event, turmoil, strikes)
        self.aws.forgive()
        self.past.append(event)
        return answer

    def deliver(self, event: dict[str, Any], turmoil: Turmoil, strikes: Strikes | None = None) -> Answer:
        """All the invocations of one delivery; one that is killed is delivered again."""
        progress: Progress | None = None
        for hop in range(200):
            with self.struck(strikes):
                try:
                    if turmoil.echo and progress:
                        self.invoke(self.going_on(event, progress), turmoil.seconds)
                    outcome = self.invoke(self.going_on(event, progress), turmoil.seconds)
                except Killed:
                    note("killed")
                    continue
            if isinstance(outcome, Answer):
                note("several invocations" if progress else "one invocation")
                return outcome
            progress = outcome
            if hop in turmoil.stale and isinstance(progress, Checkpoint) and progress.token:
                self.aws.stale_tokens.add(progress.token)
        raise AssertionError("It does not end")

    def going_on(self, event: dict[str, Any], progress: Progress | None) -> dict[str, Any]:
        """The event of the next invocation, as Lambda hands it over."""
        if progress is None:
            return event
        handed_over: dict[str, Any] = json.loads(json.dumps(event | {PROGRESS: progress.as_json()}))
        return handed_over

    def invoke(self, event: dict[str, Any], seconds: float) -> Answer | Progress:
        """One invocation: the answer that the handler would give, held against the protocol, or the progress."""
        envelope = Envelope.of(event)
        failure_id = envelope.physical_resource_id or (PERHAPS_ASSOCIATED if PROGRESS in event else NOTHING_ASSOCIATED)

        def tell(physical_id: str) -> None:
            nonlocal failure_id
            failure_id = physical_id

        try:
            deadlines = Deadlines.of(envelope, event, self.clock.now(), seconds)
            retrier = Retrier(self.clock, deadlines.earliest, jitter=lambda _, most: most)
            context = Context.of(self.aws, self.aws, retrier, TellingTrail(tell), self.rate_limits)
            outcome = respond(envelope, event, PLACE, context, deadlines)
            if not isinstance(outcome, Done):
                return outcome
            answer = Answer("SUCCESS", outcome.physical_resource_id, outcome.reason, outcome.data)
        except ProviderError as error:
            answer = Answer.failed(str(error), failure_id)
        fitted = answer.fitted(envelope)
        assert fitted.physical_resource_id
        if event["RequestType"] == "Delete":
            assert fitted.physical_resource_id == event["PhysicalResourceId"]
        return fitted

    @contextmanager
    def struck(self, strikes: Strikes | None) -> Iterator[None]:
        if strikes is None:
            yield
            return
        self.aws.before, self.aws.after = strikes.before, strikes.after
        try:
            yield
        finally:
            self.aws.before = self.aws.after = lambda _: None

    @contextmanager
    def refusing(self, call: int) -> Iterator[None]:
        """From its call with this number on, AssociateKmsKey is refused for good."""
        associate, calls = self.aws.associate, 0

        def refused(target: Any, key: KeyArn) -> None:
            nonlocal calls
            calls += 1
            if calls >= call:
                raise role_denied("logs:AssociateKmsKey")
            associate(target, key)

        self.aws.associate = refused  # type: ignore[method-assign] # until `del` below
        try:
            yield
        finally:
            del self.aws.associate

    @contextmanager
    def beside(self) -> Iterator[None]:
        """In a process of its own, whose time is none of the one's that is in the middle of an event."""
        clock, self.clock = self.clock, FakeClock(self.clock.time)
        yield
        self.clock = clock

    def happen(self, one: Mishap, operation: str, event: dict[str, Any] | None) -> None:
        """What others do in the middle of an event."""
        assert isinstance(one, Incident)
        group, there = one.group, one.group in self.aws.log_groups
        match one.what:
            case "again" if event:
                with self.beside():
                    self.deliver(event, CALM)
                self.clock.time += A_WHILE
                return
            case "vanishes" if there and len(self.aws.log_groups) > 1:
                self.moved = True
                del self.aws.log_groups[group]
                self.alone.pop(group, None)
            case "appears" if not there:
                self.moved = True
                self.aws.log_groups[group] = FakeLogGroup(one.key)
                self.alone[group] = State(one.key, None)
            case "key changed" if there:
                self.aws.log_groups[group].key = one.key
                self.alone[group] = replace(self.alone[group], key=one.key)
            case "tags stripped" if there:
                self.aws.log_groups[group].claim = None
                self.alone[group] = replace(self.alone[group], claim=None)
                self.stripped.add(group)
            case "explicit comes" if there and (one.after or operation.startswith(("Describe", "List"))):
                # What has been sent before that arrives before it: a change is not under way for seconds.
                self.come(group, one.key or KEYS[1])
                return
            case "explicit goes" if there and one.after:
                self.go(group)
                return
            case _:
                return
        note(one.what)
        self.touched.add(group)
        self.fixed.discard(group)

    def go(self, group: LogGroup) -> None:
        """A third resource, which has the log group, is deleted in the midst."""
        for place, resource in list(self.resources.items()):
            if resource.logical_id == "Third" and resource.wanted.target == group:
                with self.beside():
                    delete = self.event("Delete", resource, resource.physical_id)
                    assert self.deliver(delete, CALM).status == "SUCCESS"
                self.clock.time += A_WHILE
                del self.resources[place]
                self.alone[group] = self.states()[group]
                self.touched.add(group)
                self.fixed.discard(group)
                self.meddled.discard(group)
                # It is nobody's now: a fleet that comes to it later takes it.
                self.stripped.add(group)
                note("explicit went")

    def come(self, group: LogGroup, key: KeyArn) -> None:
        """A third resource associates the log group in the midst."""
        new = self.third(group, key)
        if new is None:
            return
        before = self.states()[group]
        with self.beside():
            assert self.deliver(self.event("Create", new), CALM).status == "SUCCESS"
        self.clock.time += A_WHILE
        self.has_come(new)
        previous = before.claim.previous if before.claim and before.claim.deleting else before.key
        assert self.alone[group] == State(key, Claim(new.owner, previous))
        note("explicit came")

    def has_come(self, explicit: Resource) -> None:
        """CloudFormation knows the *explicit* resource; from then on its log group is as that one left it."""
        group = explicit.wanted.target
        assert isinstance(group, LogGroup)
        self.resources[explicit.stack, explicit.logical_id] = explicit
        self.alone[group] = self.states()[group]
        self.touched.add(group)
        self.fixed.add(group)
        self.meddled.discard(group)

    def third(self, group: LogGroup, key: KeyArn) -> Resource | None:
        """A resource for this log group; None where both stacks have one, or it is the same stack's already."""
        for stack in STACKS:
            if (stack, "Third") not in self.resources:
                break
        else:
            return None
        new = Resource(stack, "Third", Wanted(group, key), group.arn)
        claim = self.states()[group].claim
        return None if claim and claim.owner.is_sibling_of(new.owner) else new

    def upkeep_of(
        self, resource: Resource, seconds: float = LONG, is_alive: Callable[[], bool] = lambda: True
    ) -> Upkeep:
        target = resource.wanted.target
        assert isinstance(target, Fleet)
        desired = resource.wanted.association
        event = Ensure(resource.owner, desired, asker=Asker.ENROLMENT)
        retrier = Retrier(self.clock, self.clock.now() + seconds * 0.6, jitter=lambda _, most: most)
        context = Context.of(self.aws, self.aws, retrier, rate_limits=self.rate_limits)
        return Upkeep(context, target, event, is_alive, lambda _, __, ___: None)

    def keep_up(
        self,
        resource: Resource,
        group: LogGroup | None,
        turmoil: Turmoil,
        is_alive: Callable[[], bool],
        *,
        hooks: bool = True,
    ) -> ProviderError | None:
        """Enrol *group*, or reconcile; what it failed with. Lambda delivers again what dies or is out of time."""
        self.acting = {resource.owner}
        event: dict[str, object] = {"Reconcile": True}
        if group:
            event = {"detail": {"eventName": "CreateLogGroup", "requestParameters": {"logGroupName": group.name.text}}}
        strikes = Strikes(self.aws, turmoil.incidents, lambda one, at: self.happen(one, at, None)) if hooks else None
        for hop in range(200):
            upkeep = self.upkeep_of(resource, turmoil.seconds, is_alive)
            asked = parse_upkeep(json.loads(json.dumps(event)), PLACE)
            try:
                with self.struck(strikes):
                    if isinstance(asked, Enrol):
                        assert upkeep.enrol(asked.log_group) in set(Fate)
                        return None
                    assert isinstance(asked, Reconcile)
                    outcome = upkeep.reconcile(asked.checkpoint)
            except (Killed, OutOfTime):
                continue
            except (ResourceConflict, NotFound) as error:
                self.aws.forgive()
                return error
            if isinstance(outcome, Outcome):
                self.aws.forgive()
                return None
            if hop in turmoil.stale and outcome.token:
                self.aws.stale_tokens.add(outcome.token)
            event = asked.further(outcome)
        raise AssertionError("It does not end")
