"""Requests to enrolment and reconciliation: by EventBridge, by a schedule, or by a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from log_group_kms.association.requests import Asker, Ensure
from log_group_kms.fleet.checkpoint import Checkpoint
from log_group_kms.fleet.upkeep import MOST_HOPS, Enrol, Reconcile
from log_group_kms.model.errors import InvalidRequest
from log_group_kms.model.ownership import Owner
from log_group_kms.model.targets import LogGroup, LogGroupName, Place
from log_group_kms.request.parse import Ignore, parse_association
from log_group_kms.request.properties import ENROLLED, FLEET_TARGET
from log_group_kms.request.reading import read_fleet
from log_group_kms.request.values import Scope

if TYPE_CHECKING:
    from collections.abc import Mapping

    from log_group_kms.model.targets import Fleet

#: The settings that are no property of the fleet.
_STACK_ID: Final = "FLEET_STACK_ID"
_LOGICAL_ID: Final = "FLEET_LOGICAL_ID"
_SETTINGS: Final = (_STACK_ID, _LOGICAL_ID, *(each.setting for each in ENROLLED), "ENROLMENT_RULE")


def parse_upkeep(event: object, place: Place) -> Enrol | Reconcile | Ignore:
    """Return what is to be done: for an event of the schedule, of a person, or of CloudTrail.

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
    """Return the fleet that the function works for, and what it wants, as the environment says.

    Its place is that of its stack, which is the function's own: under the Runtime Interface Emulator (`sam local`) the
    function's ARN is made up.

    Raises:
        InvalidRequest: the settings break a rule, or some are missing.
    """
    missing = [name for name in _SETTINGS if name not in settings]
    if missing:
        raise InvalidRequest([f"{name} is missing from the function's environment" for name in missing])
    try:
        place = Place.of_stack(settings[_STACK_ID])
    except ValueError as broken:
        raise InvalidRequest([f"{_STACK_ID}: {broken}"]) from None
    properties = {each.name: each.of_setting(settings[each.setting]) for each in ENROLLED}
    desired = parse_association(properties, place)
    fleet = read_fleet(settings[FLEET_TARGET.setting], Scope(place))
    owner = Owner.of_resource(settings[_STACK_ID], settings[_LOGICAL_ID], fleet)
    return fleet, Ensure(owner, desired, asker=Asker.ENROLMENT)


def _parse_reconcile(rest: Mapping[Any, object]) -> Reconcile:
    unknown = set(rest) - {"DryRun", "Progress", "Hops"}
    if unknown:
        raise ValueError(f"{', '.join(sorted(unknown))}: a reconciliation knows DryRun only")
    dry_run, hops = rest.get("DryRun", False), rest.get("Hops", 0)
    if not isinstance(dry_run, bool):
        raise ValueError(f"DryRun is {dry_run!r}; it must be true or false")
    checkpoint = Checkpoint.of_json(rest["Progress"]) if "Progress" in rest else None
    return Reconcile(dry_run, checkpoint, hops if isinstance(hops, int) else MOST_HOPS)


def _parse_creation(detail: Mapping[Any, object], place: Place) -> Enrol | Ignore:
    if "errorCode" in detail:
        return Ignore(f"CreateLogGroup had failed with {detail['errorCode']}")
    parameters = detail.get("requestParameters")
    name = parameters.get("logGroupName") if isinstance(parameters, dict) else None
    try:
        return Enrol(LogGroup(place, LogGroupName(str(name or ""))))
    except ValueError as broken:
        return Ignore(f"No log group to enrol: {name!r}; {broken}")
