"""Typed requests, made of CloudFormation's events.

CloudFormation sends every scalar as a string, leaves out what is not set, and passes `ServiceToken` and
`ServiceTimeout` along. The properties: see `properties`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from log_group_kms.association.requests import Ensure, Remove, Update
from log_group_kms.model.association import Association
from log_group_kms.model.errors import InvalidRequest
from log_group_kms.model.ownership import Owner
from log_group_kms.model.physical_id import NOTHING_ASSOCIATED, PERHAPS_ASSOCIATED
from log_group_kms.model.targets import Fleet
from log_group_kms.request.reading import read_all
from log_group_kms.request.values import DEFAULT_SERVICE_TIMEOUT, Scope, parse_identifier

if TYPE_CHECKING:
    from collections.abc import Mapping

    from log_group_kms.cloudformation.envelope import Envelope
    from log_group_kms.model.targets import Place, Target


@dataclass(frozen=True, slots=True)
class Ignore:
    """A Delete that has nothing to undo, and *why*."""

    why: str


def parse_event(envelope: Envelope, event: Mapping[str, object], place: Place) -> Ensure | Remove | Ignore:
    """Return what CloudFormation wants.

    Raises:
        InvalidRequest: a Create or an Update breaks a rule. A Delete never fails for its properties.
    """
    if envelope.request_type == "Delete":
        return _parse_delete(envelope, event, place)
    desired = parse_association(event.get("ResourceProperties"), place)
    owner = _owner(envelope, desired.target)
    if envelope.request_type == "Create":
        return Ensure(owner, desired, sent_at=envelope.sent_at)
    if envelope.physical_resource_id is None:
        raise InvalidRequest(["PhysicalResourceId is missing from the Update event"])
    former = _parse_former(event, place)
    former_owner = _owner(envelope, former.target) if former else None
    update = Update(envelope.physical_resource_id, former, former_owner)
    return Ensure(owner, desired, update, sent_at=envelope.sent_at)


def _owner(envelope: Envelope, target: Target) -> Owner:
    return Owner.of_resource(envelope.stack_id, envelope.logical_resource_id, target)


def _parse_former(event: Mapping[str, object], place: Place) -> Association | None:
    """Return what the template said before; another version of the provider may have taken what this one does not."""
    try:
        return parse_association(event.get("OldResourceProperties"), place)
    except InvalidRequest:
        return None


def _parse_delete(envelope: Envelope, event: Mapping[str, object], place: Place) -> Remove | Ignore:
    """Go by the physical id, which says what was associated; by the properties, where CloudFormation made it up."""
    if envelope.physical_resource_id == NOTHING_ASSOCIATED:
        return Ignore("The Create had associated nothing; there was nothing to undo")
    try:
        former = parse_association(event.get("ResourceProperties"), place)
    except InvalidRequest as mistakes:
        return Ignore(f"This version of the provider cannot have associated anything with such properties: {mistakes}")
    minted = parse_physical_id(envelope.physical_resource_id or "", place)
    target = minted or former.target
    removing = Remove.of(_owner(envelope, target), replace(former, target=target), minted=minted is not None)
    made_up = minted is None and envelope.physical_resource_id != PERHAPS_ASSOCIATED
    return replace(removing, cancels=made_up, sent_at=envelope.sent_at)


def parse_association(properties: object, place: Place) -> Association:
    """Return what the properties of a template ask for, in the *place* where the provider runs.

    Raises:
        InvalidRequest: with every mistake, each naming the property, the value and the rule.
    """
    return Association(**read_all(properties, Scope(place, parse_service_timeout(properties))))


def parse_physical_id(physical_id: str, place: Place) -> Target | None:
    """Return the target whose success has this physical id; None where it is none of ours."""
    scope = Scope(place)
    try:
        target = _fleet_with(physical_id, place) or parse_identifier(physical_id, scope)
    except ValueError:
        return None
    return target if target.arn == physical_id else None


def _fleet_with(physical_id: str, place: Place) -> Fleet | None:
    begin = place.logs_arn("log-group:")
    if not (physical_id.startswith(begin) and physical_id.endswith("*")):
        return None
    prefix = physical_id.removeprefix(begin).removesuffix("*")
    return None if prefix.endswith(":") else Fleet(place, prefix)


def parse_service_timeout(properties: object) -> int:
    """Return the seconds that CloudFormation waits; its default where that is not set or not understood."""
    value = properties.get("ServiceTimeout") if isinstance(properties, dict) else None
    seconds = int(value) if isinstance(value, str | int) and re.fullmatch(r"[0-9]{1,4}", str(value)) else 0
    return seconds if 0 < seconds <= DEFAULT_SERVICE_TIMEOUT else DEFAULT_SERVICE_TIMEOUT
