"""A fake account with a fleet in it, as the tests of the fleet share it."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Self

from support.fake_aws import (
    OTHER_STACK_ID,
    PLACE,
    STACK_ID,
    FakeAws,
    FakeClock,
    FakeLogGroup,
    concurrent_change,
    fleet,
    key_arn,
    log_group,
    owner,
    role_denied,
)
from support.trails import TellingTrail

from log_group_kms.association.context import Context
from log_group_kms.association.requests import Asker, Ensure, Remove, Update
from log_group_kms.cloudformation.envelope import Envelope
from log_group_kms.fleet.checkpoint import Checkpoint, Fate
from log_group_kms.fleet.rules import FleetRules
from log_group_kms.lifecycle import kinds as lifecycle
from log_group_kms.lifecycle.deadlines import Deadlines
from log_group_kms.lifecycle.event import respond
from log_group_kms.lifecycle.progress import PROGRESS, Done
from log_group_kms.model.association import Association, OnExistingKey
from log_group_kms.model.errors import ApiError, InvalidParameter, LimitExceeded, ReservedLogGroup
from log_group_kms.model.keys import KeyArn
from log_group_kms.model.ownership import Claim, Owner
from log_group_kms.model.physical_id import NOTHING_ASSOCIATED
from log_group_kms.model.results import Outcome
from log_group_kms.model.targets import Fleet, LogGroup
from log_group_kms.retry.rate_limits import RateLimits
from log_group_kms.retry.retrier import Retrier

if TYPE_CHECKING:
    from collections.abc import Callable

OURS, NEW, BEFORE, STRANGE = key_arn(1), key_arn(2), key_arn(3), key_arn(4)
ALL = fleet()
LAMBDA = fleet("/aws/lambda/")
ME, SIBLING = owner("Fleet", target=ALL), owner("Renamed", target=ALL)
EXPLICIT, STRANGER = owner(), owner("Fleet", OTHER_STACK_ID, ALL)
ASKED = Association(ALL, OURS, on_existing_key=OnExistingKey.OVERRIDE)
WRITING = {"AssociateKmsKey", "DisassociateKmsKey", "TagResource", "UntagResource", "CreateLogGroup"}
State = tuple[KeyArn | None, Claim | None]
#: The port's methods for one log group, by the call that they make.
METHODS = {
    "ListTagsForResource": ("claim_on", "marks_on"),
    "TagResource": ("write_claim", "write_marks"),
    "AssociateKmsKey": ("associate",),
    "DisassociateKmsKey": ("disassociate",),
}
#: Seconds that somebody else's event for one log group takes, so that whoever is in the middle of its own looks again.
A_WHILE: Final = 2.0
#: A log group's name, what became of it, and why.
Told = tuple[str, Fate, str]


@dataclass
class Terminal:
    """A fake account, and what a failure would be answered with."""

    aws: FakeAws = field(default_factory=lambda: FakeAws.holding(OURS, NEW, BEFORE, STRANGE))
    clock: FakeClock = field(default_factory=FakeClock)
    rate_limits: RateLimits = field(default_factory=lambda: RateLimits(workers=1))
    failure_id: str = "(not told)"
    invocations: int = 0

    def having(self, *names: str, key: KeyArn | None = None, claim: Claim | None = None) -> Self:
        """With these log groups in this state."""
        for name in names:
            self.aws.log_groups[log_group(name)] = FakeLogGroup(key, claim)
        return self

    def state(self, name: str) -> State:
        found = self.aws.log_groups[log_group(name)]
        return found.key, found.claim

    def states(self) -> dict[str, State]:
        return {group.name.text: (state.key, state.claim) for group, state in self.aws.log_groups.items()}

    def context(self, seconds: float = 800) -> Context:
        retrier = Retrier(self.clock, self.clock.time + seconds, jitter=lambda _, most: most)
        return Context.of(self.aws, self.aws, retrier, TellingTrail(self._tell), self.rate_limits)

    def create(self, desired: Association = ASKED, me: Owner = ME, seconds: float = 800) -> Outcome:
        self.failure_id = NOTHING_ASSOCIATED
        return self.through(Ensure(me, desired), seconds)

    def update(
        self,
        desired: Association,
        former: Association | None = ASKED,
        *,
        me: Owner = ME,
        physical_id: str = "",
        seconds: float = 800,
    ) -> Outcome:
        physical_id = physical_id or (former.target.arn if former else desired.target.arn)
        self.failure_id = physical_id
        former_owner = replace(me, scope=former.target.scope) if former and isinstance(former.target, Fleet) else None
        return self.through(Ensure(me, desired, Update(physical_id, former, former_owner)), seconds)

    def through(self, event: Ensure, seconds: float = 800) -> Outcome:
        """As many invocations as it takes, each so long; the progress travels as JSON."""
        return self._through(lambda context, checkpoint: lifecycle.ensure(context, event, checkpoint), seconds)

    def delete(self, former: Association = ASKED, me: Owner = ME, seconds: float = 800) -> Outcome:
        event = Remove.of(me, former, minted=True)
        return self._through(lambda context, checkpoint: lifecycle.remove(context, event, checkpoint), seconds)

    def told(self, event: Ensure | Remove) -> list[Told]:
        """What the fleet tells of its log groups while it does what *event* asks, in the order of their names."""
        told: list[Told] = []
        rules = FleetRules(self.context(), ALL, saw=lambda name, fate, why: told.append((name, fate, why)))
        outcome = rules.ensure(event) if isinstance(event, Ensure) else rules.remove(event)
        assert isinstance(outcome, Outcome)
        return sorted(told, key=lambda one: one[0])

    def _through(self, invoke: Callable[[Context, Checkpoint | None], Outcome | Checkpoint], seconds: float) -> Outcome:
        checkpoint: Checkpoint | None = None
        for _ in range(100):
            self.invocations += 1
            outcome = invoke(self.context(seconds), checkpoint)
            if isinstance(outcome, Outcome):
                return outcome
            checkpoint = Checkpoint.of_json(json.loads(json.dumps(outcome.as_json())))
            assert checkpoint == outcome
        raise AssertionError("it does not end")

    def _tell(self, physical_id: str) -> None:
        self.failure_id = physical_id

    @property
    def counts(self) -> Counter[str]:
        return Counter(self.aws.calls)


def held(previous: KeyArn | None = None, key: KeyArn = OURS, me: Owner = ME) -> State:
    """What the fleet leaves on a log group that it has taken."""
    return key, Claim(me, previous)


def numbers(outcome: Outcome) -> tuple[int, int, int]:
    """Associated, compliant, skipped."""
    return outcome.associated, outcome.compliant, outcome.skipped


def many(count: int) -> list[str]:
    """So many names, in order."""
    return [f"/app/{number:05d}" for number in range(count)]


def enrolling(desired: Association = ASKED) -> Ensure:
    """What enrolment and reconciliation want."""
    return Ensure(ME, desired, asker=Asker.ENROLMENT)


def keys(terminal: Terminal) -> set[object]:
    """The keys in force."""
    return {key for key, _ in terminal.states().values()}


def strip(terminal: Terminal, *names: str) -> None:
    """What a tool that tidies tags does."""
    for name in names:
        terminal.aws.log_groups[log_group(name)].claim = None


def limit_exceeded(group: LogGroup) -> ApiError:
    """It has fifty tags already."""
    return LimitExceeded("TagResource", "TooManyTagsException", "The resource can have no more than 50 tags", group.arn)


def not_supported(group: LogGroup) -> ApiError:
    """Its class takes no key."""
    return InvalidParameter("AssociateKmsKey", "InvalidParameterException", "Not supported", group.arn, OURS.text)


def denied_by_scp(group: LogGroup) -> ApiError:
    """A service control policy protects it."""
    return role_denied("logs:AssociateKmsKey", "AssociateKmsKey", group.arn, OURS.text)


def reserved(group: LogGroup) -> ApiError:
    """Its name belongs to AWS, though it does not look like it."""
    return ReservedLogGroup("AssociateKmsKey", "InvalidParameterException", "It is reserved.", group.arn, OURS.text)


def busy_until(terminal: Terminal, name: str, moment: float, operation: str = "AssociateKmsKey") -> None:
    """Someone else is at work on this log group until then, so that AWS refuses *operation* on it."""
    _refusing(
        terminal, name, operation, lambda _: concurrent_change(operation) if terminal.clock.now() < moment else None
    )


def odd(terminal: Terminal, name: str, refusal: Callable[[LogGroup], ApiError]) -> None:
    """AWS refuses every such call about this log group, and no other."""
    _refusing(terminal, name, refusal(log_group(name)).operation, refusal)


def _refusing(terminal: Terminal, name: str, operation: str, refusal: Callable[[LogGroup], ApiError | None]) -> None:
    """Each such call about this log group is answered with that *refusal*, while there is one."""
    group = log_group(name)

    def instead_of(real: Callable[..., object]) -> Callable[..., object]:
        def refusing(target: object, *rest: object) -> object:
            if target == group and (error := refusal(group)):
                terminal.aws.calls.append(operation)
                raise error
            return real(target, *rest)

        return refusing

    for method in METHODS[operation]:
        setattr(terminal.aws, method, instead_of(getattr(terminal.aws, method)))


def fleet_event(terminal: Terminal, request_type: str = "Create", **properties: object) -> dict[str, object]:
    """An event of a fleet, sent now."""
    sent = datetime.fromtimestamp(terminal.clock.now(), tz=UTC).strftime("%Y%m%dT%H%M%SZ")
    event: dict[str, object] = {
        "RequestType": request_type,
        "RequestId": "11111111-2222-3333-4444-555555555555",
        "ResponseURL": f"https://cloudformation.example/answer?X-Amz-Date={sent}",
        "StackId": STACK_ID,
        "LogicalResourceId": "Fleet",
        "ResourceProperties": {"KmsKeyId": OURS.text, "LogGroupNamePrefix": "*", **properties},
    }
    return event if request_type == "Create" else event | {"PhysicalResourceId": ALL.arn}


def invoke(terminal: Terminal, event: dict[str, object], seconds: float = 900) -> Done:
    """As many invocations as it takes, as Lambda and the handler make them; the progress travels as JSON."""
    terminal.failure_id = NOTHING_ASSOCIATED
    terminal.invocations = 0
    envelope = Envelope.of(event)
    while True:
        terminal.invocations += 1
        deadlines = Deadlines.of(envelope, event, terminal.clock.now(), seconds)
        retrier = Retrier(terminal.clock, deadlines.earliest, jitter=lambda _, most: most)
        outcome = respond(envelope, event, PLACE, terminal.context().under(retrier), deadlines)
        if isinstance(outcome, Done):
            return outcome
        event = json.loads(json.dumps(event | {PROGRESS: outcome.as_json()}))


def refused(terminal: Terminal) -> list[str]:
    """What is not under the key."""
    return [name for name, (key, _) in terminal.states().items() if key != OURS]


def give_back(terminal: Terminal, checkpoint: Checkpoint) -> None:
    """In as many invocations of half a minute as it takes; the progress travels as JSON."""
    outcome: Outcome | Checkpoint | None = checkpoint
    while isinstance(outcome, Checkpoint):
        outcome = Checkpoint.of_json(json.loads(json.dumps(outcome.as_json())))
        outcome = lifecycle.remove(terminal.context(30), Remove.of(ME, ASKED, minted=True), outcome)
