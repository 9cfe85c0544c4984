"""What keeps a fleet whole between two events of CloudFormation: enrolment and reconciliation.

Enrolment brings in a log group when it is created; reconciliation finds what that missed, and what was changed by hand.
Both act for the fleet, by the same rules and in its name, so that the fleet's Delete gives back what they associate.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from log_group_kms.errors import ClaimLost, InvalidRequest, OutOfTime
from log_group_kms.fleet import WholeFleet
from log_group_kms.model import Fleet, LogGroup, LogGroupName, Owner, Place
from log_group_kms.request import Ignore, parse_association, parse_prefix
from log_group_kms.sweep import Fate, Phase, Sweep
from log_group_kms.work import Ensure, Remove

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from log_group_kms.model import Outcome
    from log_group_kms.plan import Planned
    from log_group_kms.work import Work

#: Lambda ends a chain of some 16 invocations. What is left then waits for the next schedule; nothing is lost.
MOST_HOPS: Final = 12

_SETTINGS: Final = (
    "FLEET_STACK_ID",
    "FLEET_LOGICAL_ID",
    "KMS_KEY_ID",
    "LOG_GROUP_NAME_PREFIX",
    "EXCLUDE_LOG_GROUP_NAMES",
    "ON_EXISTING_KEY",
    "ON_DELETE",
    "ENROLMENT_RULE",
)


@dataclass(frozen=True, slots=True)
class Enrol:
    """A log group was created."""

    log_group: LogGroup


@dataclass(frozen=True, slots=True)
class Reconcile:
    """Look through the whole fleet.

    Attributes:
        dry_run: whether to tell only what would be done.
        sweep: how far the invocations before came.
        hops: how many these were.
    """

    dry_run: bool = False
    sweep: Sweep | None = None
    hops: int = 0

    def further(self, sweep: Sweep) -> dict[str, object]:
        """The event of the next invocation."""
        return {"Reconcile": True, "Progress": sweep.as_json(), "Hops": self.hops + 1}


def parse_upkeep(event: object, place: Place) -> Enrol | Reconcile | Ignore:
    """What is to be done: for an event of the schedule, of a person, or of CloudTrail.

    https://docs.aws.amazon.com/eventbridge/latest/ref/events-ref-logs.html

    Raises:
        ValueError: nobody sends such an event.
    """
    match event:
        case {"Reconcile": True, **rest}:
            return _parse_reconcile(rest)
        case {"detail": {"eventName": "CreateLogGroup", **detail}}:
            return _parse_creation(detail, place)
        case _:
            raise ValueError(
                'The event must be CloudTrail\'s of CreateLogGroup, or {"Reconcile": true, "DryRun": false}'
            )


def parse_fleet(settings: Mapping[str, str]) -> tuple[Fleet, Ensure]:
    """The fleet that the function works for, and what it wants, as the environment says.

    Its place is that of its stack, which is the function's own: under the Runtime Interface Emulator (`sam local`) the
    function's ARN is made up.

    Raises:
        InvalidRequest: the settings break a rule, or some are missing.
    """
    missing = [name for name in _SETTINGS if name not in settings]
    if missing:
        raise InvalidRequest([f"{name} is missing from the function's environment" for name in missing])
    try:
        place = Place.of_stack(settings["FLEET_STACK_ID"])
    except ValueError as broken:
        raise InvalidRequest([f"FLEET_STACK_ID: {broken}"]) from None
    exclude = [name.strip() for name in settings["EXCLUDE_LOG_GROUP_NAMES"].split(",") if name.strip()]
    desired = parse_association(
        {
            "KmsKeyId": settings["KMS_KEY_ID"],
            "LogGroupNamePrefix": settings["LOG_GROUP_NAME_PREFIX"],
            "OnExistingKey": settings["ON_EXISTING_KEY"],
            "OnDelete": settings["ON_DELETE"],
            "ExcludeLogGroupNames": exclude,
        },
        place,
    )
    fleet = parse_prefix(settings["LOG_GROUP_NAME_PREFIX"], place)
    owner = Owner.of_resource(settings["FLEET_STACK_ID"], settings["FLEET_LOGICAL_ID"], fleet)
    return fleet, Ensure(owner, desired, desired, fleet.arn, owner, enrolling=True)


@dataclass(frozen=True, slots=True)
class Upkeep:
    """Acts for one fleet.

    Attributes:
        work: the ports.
        fleet: which log groups.
        event: what the fleet wants.
        is_alive: whether the fleet is still there. Its Delete may have passed by since this event was sent: Lambda
            keeps events for hours.
        saw: see `WholeFleet`.
    """

    work: Work
    fleet: Fleet
    event: Ensure
    is_alive: Callable[[], bool]
    saw: Callable[[str, Fate, str], None]

    def enrol(self, log_group: LogGroup) -> Fate:
        """Bring one log group in.

        Raises:
            ProviderError: it could not be done; see `errors`.
        """
        if not self.is_alive():
            # An earlier delivery may have claimed it after the fleet's Delete had passed by.
            return self._rules.give_back(self._undoing, log_group)
        try:
            return self._rules.enrol(self.event, log_group)
        except ClaimLost:
            if self.is_alive():
                raise
        return self._rules.give_back(self._undoing, log_group)

    def reconcile(self, sweep: Sweep | None) -> Outcome | Sweep:
        """Bring all in that is not; `Sweep` where a further invocation must go on.

        Where the fleet's Delete has passed by, what was associated after it is given back.

        Raises:
            ProviderError: it could not be done; see `errors`. ClaimLost where the fleet is gone.
        """
        if sweep and sweep.phase is Phase.UNDO:
            return self._rules.ensure(self.event, sweep)
        if self.is_alive():
            return self._rules.ensure(self.event, sweep)
        if sweep and sweep.claimed:
            # Has the Delete passed by yet? Else it will, or someone took the rule away by hand.
            outcome = self._rules.ensure(self.event, sweep.then(Phase.CONFIRM))
            if isinstance(outcome, Sweep):
                return outcome
        more = "more " if sweep and sweep.claimed else ""
        raise ClaimLost(f"The fleet is being deleted, or is not there yet: nothing {more}was changed")

    def plan(self) -> Iterator[Planned]:
        """What `reconcile` would do.

        Raises:
            ProviderError: it could not be told.
        """
        return self._rules.plan(self.event)

    @property
    def _rules(self) -> WholeFleet:
        return WholeFleet(self.work, self.fleet, self.saw, is_alive=self.is_alive)

    @property
    def _undoing(self) -> Remove:
        """As the fleet's own Delete, which may have passed by already."""
        return Remove(self.event.owner, self.event.desired, minted=False)


@dataclass(frozen=True, slots=True)
class Summary:
    """What a reconciliation would do.

    Attributes:
        counts: how many log groups would meet which action.
        complete: whether there was time for all.
    """

    counts: Mapping[str, int]
    complete: bool

    @classmethod
    def of(cls, planned: Iterator[Planned], saw: Callable[[Planned], None]) -> Summary:
        """Count *planned*; *saw* is told of each."""
        counts: Counter[str] = Counter()
        with suppress(OutOfTime):
            for one in planned:
                counts[one.action] += 1
                saw(one)
            return cls(dict(counts), complete=True)
        return cls(dict(counts), complete=False)


def _parse_reconcile(rest: Mapping[Any, object]) -> Reconcile:
    unknown = set(rest) - {"DryRun", "Progress", "Hops"}
    if unknown:
        raise ValueError(f"{', '.join(sorted(unknown))}: a reconciliation knows DryRun only")
    dry_run, hops = rest.get("DryRun", False), rest.get("Hops", 0)
    if not isinstance(dry_run, bool):
        raise ValueError(f"DryRun is {dry_run!r}; it must be true or false")
    sweep = Sweep.of_json(rest["Progress"]) if "Progress" in rest else None
    return Reconcile(dry_run, sweep, hops if isinstance(hops, int) else MOST_HOPS)


def _parse_creation(detail: Mapping[Any, object], place: Place) -> Enrol | Ignore:
    if "errorCode" in detail:
        return Ignore(f"CreateLogGroup had failed with {detail['errorCode']}")
    parameters = detail.get("requestParameters")
    name = parameters.get("logGroupName") if isinstance(parameters, dict) else None
    try:
        return Enrol(LogGroup(place, LogGroupName(str(name or ""))))
    except ValueError as broken:
        return Ignore(f"No log group to enrol: {name!r}; {broken}")
