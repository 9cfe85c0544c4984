"""Requests to enrolment and reconciliation: by EventBridge, by a schedule, or by a person."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from log_group_kms.association.requests import Asker, Ensure
from log_group_kms.fleet.checkpoint import Checkpoint
from log_group_kms.fleet.upkeep import MOST_HOPS, Enrol, Reconcile
from log_group_kms.model.errors import InvalidRequest
from log_group_kms.model.ownership import Owner
from log_group_kms.model.tags import OWN_TAGS
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

#: What may take a log group of the fleet out of it.
_CHANGES: Final = frozenset(
    {"AssociateKmsKey", "DisassociateKmsKey", "TagLogGroup", "TagResource", "UntagLogGroup", "UntagResource"}
)
#: The parameters that name the log group, by name or by ARN, in one call or the other (CloudWatch Logs API reference).
_NAMING: Final = ("logGroupName", "resourceIdentifier", "resourceArn")
_ARN: Final = re.compile(r"arn:[^:]+:logs:(?P<region>[^:]+):(?P<account>\d+):log-group:(?P<name>[^:]+)(:\*)?")
#: A session of a function's role has the function's name, and the provider's is fixed. Whoever calls himself so is not
#: counted among those who fight over a key, and wins nothing by it.
_PROVIDER: Final = "/log-group-kms-association"
_NOBODY: Final = "somebody whom CloudTrail does not name"


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
        case {"detail": {"eventName": str() as operation, **detail}} if operation in _CHANGES:
            return _parse_change(operation, detail, place)
        case _:
            raise ValueError(
                "The event must be CloudTrail's of CreateLogGroup, or of a changed key or tag, or "
                '{"Reconcile": true, "DryRun": false}'
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


def _parse_change(operation: str, detail: Mapping[Any, object], place: Place) -> Enrol | Ignore:
    """Return the look at a log group whose key or tags were changed.

    How CloudTrail writes the parameters of these calls is in no sample that could be found: they are taken to be the
    API's, as for CreateLogGroup, and tags that cannot be read there are taken for this provider's.
    """
    if "errorCode" in detail:
        return Ignore(f"{operation} had failed with {detail['errorCode']}")
    parameters = detail.get("requestParameters")
    parameters = parameters if isinstance(parameters, dict) else {}
    if _are_of_others(parameters.get("tags") or parameters.get("tagKeys")):
        return Ignore(f"{operation} was about tags of others")
    named = str(next((parameters[each] for each in _NAMING if parameters.get(each)), ""))
    found = _ARN.fullmatch(named)
    if found and (found["region"], found["account"]) != (place.region, place.account):
        return Ignore(f"No log group of this account and Region: {named}")
    try:
        log_group = LogGroup(place, LogGroupName(found["name"] if found else named))
    except ValueError as broken:
        return Ignore(f"No log group to look at: {named!r}; {broken}")
    principal = _principal(detail.get("userIdentity"))
    # What an explicit resource gives back is no round of a fight.
    return Enrol(log_group, "" if principal.endswith(_PROVIDER) else principal)


def _are_of_others(tags: object) -> bool:
    """Return True where all *tags* of a call can be read, and none is this provider's."""
    if not isinstance(tags, dict | list) or not tags:
        return False
    return all(isinstance(tag, str) and not tag.startswith(OWN_TAGS) for tag in tags)


def _principal(identity: object) -> str:
    """Return who called, as CloudTrail's `userIdentity` names him."""
    if not isinstance(identity, dict):
        return _NOBODY
    return str(
        next((identity[each] for each in ("arn", "invokedBy", "principalId", "type") if identity.get(each)), _NOBODY)
    )


def _parse_creation(detail: Mapping[Any, object], place: Place) -> Enrol | Ignore:
    if "errorCode" in detail:
        return Ignore(f"CreateLogGroup had failed with {detail['errorCode']}")
    parameters = detail.get("requestParameters")
    name = parameters.get("logGroupName") if isinstance(parameters, dict) else None
    try:
        return Enrol(LogGroup(place, LogGroupName(str(name or ""))))
    except ValueError as broken:
        return Ignore(f"No log group to enrol: {name!r}; {broken}")
