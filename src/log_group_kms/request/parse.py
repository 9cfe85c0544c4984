"""From CloudFormation's event to typed values: all validation, and every mistake named at once.

CloudFormation sends every scalar as a string, leaves out what is not set, and passes `ServiceToken` and
`ServiceTimeout` along. The properties: see `docs/reference/properties.md`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, TypeVar

from log_group_kms.association.requests import Ensure, Remove, Update
from log_group_kms.model.association import Association, OnDelete, OnExistingKey, OnMissingLogGroup
from log_group_kms.model.errors import InvalidRequest
from log_group_kms.model.keys import KeyArn, KeyName
from log_group_kms.model.ownership import Owner
from log_group_kms.model.physical_id import NOTHING_ASSOCIATED
from log_group_kms.model.targets import Exclusions, Fleet, LogGroup, LogGroupName, QueryResults

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from enum import StrEnum

    from log_group_kms.cloudformation.envelope import Envelope
    from log_group_kms.model.keys import KeyReference
    from log_group_kms.model.targets import Place, Target

    Choice = TypeVar("Choice", bound=StrEnum)
T = TypeVar("T")

#: Seconds. CloudFormation's own default and limits (CloudFormation user guide, AWS::CloudFormation::CustomResource).
DEFAULT_SERVICE_TIMEOUT: Final = 3600
_LONGEST_PROPAGATION_WAIT: Final = 900

_TARGETS: Final = ("LogGroupName", "ResourceIdentifier", "LogGroupNamePrefix")
_PROPERTIES: Final = (
    "KmsKeyId",
    *_TARGETS,
    "ExcludeLogGroupNames",
    "OnDelete",
    "OnExistingKey",
    "OnMissingLogGroup",
    "PropagationWaitSeconds",
)
_CLOUDFORMATIONS_OWN: Final = ("ServiceToken", "ServiceTimeout")

#: KMS API reference, DescribeKey and CreateAlias.
_KEY_ID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|mrk-[0-9a-fA-F]{32}")
_ALIAS: Final = re.compile(r"alias/[a-zA-Z0-9/_-]{1,250}")
_KMS_ARN: Final = re.compile(
    r"arn:(?P<partition>[\w-]+):kms:(?P<region>[\w-]+):(?P<account>\d{12}):(?P<kind>key|alias)/(?P<name>.+)"
)
_LOGS_ARN: Final = re.compile(
    r"arn:(?P<partition>[\w-]+):logs:(?P<region>[\w-]+):(?P<account>\d{12}):"
    r"(?P<kind>log-group|query-result):(?P<name>.+)"
)

#: A Reason holds at most 4,096 bytes and may have to name several values.
_LONGEST_QUOTE: Final = 100


@dataclass(frozen=True, slots=True)
class Ignore:
    """A Delete that has nothing to undo, and *why*."""

    why: str


def parse_event(envelope: Envelope, event: Mapping[str, object], place: Place) -> Ensure | Remove | Ignore:
    """What CloudFormation wants.

    Raises:
        InvalidRequest: a Create or an Update breaks a rule. A Delete never fails for its properties.
    """
    if envelope.request_type == "Delete":
        return _parse_delete(envelope, event, place)
    desired = parse_association(event.get("ResourceProperties"), place)
    owner = _owner(envelope, desired.target)
    if envelope.request_type == "Create":
        return Ensure(owner, desired)
    if envelope.physical_resource_id is None:
        raise InvalidRequest(["PhysicalResourceId is missing from the Update event"])
    former = _parse_former(event, place)
    former_owner = _owner(envelope, former.target) if former else None
    return Ensure(owner, desired, Update(envelope.physical_resource_id, former, former_owner))


def _owner(envelope: Envelope, target: Target) -> Owner:
    return Owner.of_resource(envelope.stack_id, envelope.logical_resource_id, target)


def _parse_former(event: Mapping[str, object], place: Place) -> Association | None:
    """What the template said before; another version of the provider may have taken what this one does not."""
    try:
        return parse_association(event.get("OldResourceProperties"), place)
    except InvalidRequest:
        return None


def _parse_delete(envelope: Envelope, event: Mapping[str, object], place: Place) -> Remove | Ignore:
    """The physical id says what was associated; one that CloudFormation made up leaves it to the properties."""
    if envelope.physical_resource_id == NOTHING_ASSOCIATED:
        return Ignore("The Create had associated nothing; there was nothing to undo")
    try:
        former = parse_association(event.get("ResourceProperties"), place)
    except InvalidRequest as mistakes:
        return Ignore(f"This version of the provider cannot have associated anything with such properties: {mistakes}")
    minted = parse_physical_id(envelope.physical_resource_id or "", place)
    target = minted or former.target
    return Remove.of(_owner(envelope, target), replace(former, target=target), minted=minted is not None)


def parse_association(properties: object, place: Place) -> Association:
    """What the properties of a template ask for, in the *place* where the provider runs.

    Raises:
        InvalidRequest: with every mistake, each naming the property, the value and the rule.
    """
    if not isinstance(properties, dict):
        raise InvalidRequest([f"ResourceProperties is {_quote(properties)}; it must be an object"])
    reading = _Reading(properties)
    reading.refuse_unknown()
    key = reading.one("KmsKeyId", lambda text: _key(text, place), required=True)
    target = _target(reading, place)
    on_delete = reading.choice("OnDelete", OnDelete, OnDelete.RESTORE_PREVIOUS)
    on_existing_key = reading.choice("OnExistingKey", OnExistingKey, OnExistingKey.OVERRIDE)
    on_missing = reading.choice("OnMissingLogGroup", OnMissingLogGroup, OnMissingLogGroup.FAIL)
    propagation_wait = reading.one("PropagationWaitSeconds", lambda text: _propagation_wait(text, properties)) or 0
    exclude = reading.several("ExcludeLogGroupNames", Exclusions)
    if reading.mistakes or key is None or target is None:
        raise InvalidRequest(reading.mistakes)
    return Association(target, key, on_delete, on_existing_key, on_missing, propagation_wait, exclude)


def parse_physical_id(physical_id: str, place: Place) -> Target | None:
    """The target whose success has this physical id; None where it is none of ours."""
    try:
        target = _of_fleet(physical_id, place) or _identified(physical_id, place)
    except ValueError:
        return None
    return target if target.arn == physical_id else None


def _of_fleet(physical_id: str, place: Place) -> Fleet | None:
    begin = place.logs_arn("log-group:")
    if not (physical_id.startswith(begin) and physical_id.endswith("*")):
        return None
    prefix = physical_id.removeprefix(begin).removesuffix("*")
    return None if prefix.endswith(":") else Fleet(place, prefix)


def parse_service_timeout(properties: object) -> int:
    """CloudFormation's patience with this resource, in seconds; its default where it is not set or not understood."""
    value = properties.get("ServiceTimeout") if isinstance(properties, dict) else None
    seconds = int(value) if isinstance(value, str | int) and re.fullmatch(r"[0-9]{1,4}", str(value)) else 0
    return seconds if 0 < seconds <= DEFAULT_SERVICE_TIMEOUT else DEFAULT_SERVICE_TIMEOUT


@dataclass(slots=True)
class _Reading:
    """Reads properties one by one and collects the mistakes."""

    properties: Mapping[str, object]
    mistakes: list[str] = field(default_factory=list)

    def one(self, name: str, parse: Callable[[str], T], *, required: bool = False) -> T | None:
        """The property *name* as *parse* reads it, which raises ValueError with the rule that is broken."""
        if name not in self.properties:
            if required:
                self.mistakes.append(f"{name} is missing; it is required")
            return None
        value = self.properties[name]
        try:
            if not isinstance(value, str):
                raise ValueError("it must be a string")
            if not value:
                raise ValueError(
                    f"it must not be empty{'' if required else ' (leave it out with AWS::NoValue instead)'}"
                )
            return parse(value)
        except ValueError as broken:
            self.mistakes.append(f"{name} is {_quote(value)}; {broken}")
            return None

    def several(self, name: str, parse: Callable[[tuple[str, ...]], T]) -> T:
        """The property *name*, a list of strings, as *parse* reads it; what it makes of none, where it is not there."""
        values = self.properties.get(name, [])
        try:
            if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
                raise ValueError("it must be a list of strings")
            # An empty CommaDelimitedList of a template arrives as one empty string.
            return parse(tuple(value for value in values if value))
        except ValueError as broken:
            self.mistakes.append(f"{name} is {_quote(values)}; {broken}")
            return parse(())

    def choice(self, name: str, choices: type[Choice], default: Choice) -> Choice:
        """One of *choices*, written exactly so."""

        def parse(text: str) -> Choice:
            if text not in list(choices):
                raise ValueError(f"it must be one of {', '.join(choices)}")
            return choices(text)

        return self.one(name, parse) or default

    def refuse_unknown(self) -> None:
        """An unknown property is a mistake, also one in the wrong case: it would be ignored in silence otherwise."""
        for name in self.properties:
            if name not in _PROPERTIES and name not in _CLOUDFORMATIONS_OWN:
                self.mistakes.append(f"{_quote(name)} is no property of this resource; {_nearest(name)}")

    def refuse(self, names: tuple[str, ...], kind: str) -> None:
        """These properties have no meaning for this *kind* of target."""
        for name in names:
            if name in self.properties:
                value = _quote(self.properties[name])
                self.mistakes.append(f"{name} is {value}; it does not apply to {kind}: leave it out")


def _target(reading: _Reading, place: Place) -> Target | None:
    given = [name for name in _TARGETS if name in reading.properties]
    if len(given) != 1:
        values = ", ".join(f"{name} {_quote(reading.properties[name])}" for name in given) or "none"
        reading.mistakes.append(f"exactly one of {', '.join(_TARGETS)} is required; given: {values}")
        return None
    if given == ["LogGroupNamePrefix"]:
        reading.refuse(("OnMissingLogGroup",), "LogGroupNamePrefix; it belongs to one log group")
        return reading.one("LogGroupNamePrefix", lambda text: parse_prefix(text, place))
    target = reading.one(
        given[0], lambda text: _named(text, place) if given == ["LogGroupName"] else _identified(text, place)
    )
    if isinstance(target, QueryResults):
        reading.refuse(
            ("ExcludeLogGroupNames", "OnExistingKey", "OnMissingLogGroup"), "query results, which cannot be read"
        )
    else:
        reading.refuse(("ExcludeLogGroupNames",), "one log group; it belongs to LogGroupNamePrefix")
    return target


def _named(text: str, place: Place) -> LogGroup:
    if text.startswith("arn:"):
        raise ValueError("it must be a name; ResourceIdentifier takes an ARN")
    return LogGroup(place, LogGroupName(text))


def parse_prefix(text: str, place: Place) -> Fleet:
    """The log groups whose names begin with *text*; all of them, where it is `*`.

    Raises:
        ValueError: with the rule that *text* breaks.
    """
    if text.startswith("arn:"):
        raise ValueError("it must be the beginning of a name, or * for every log group; it is no ARN")
    if text != "*" and "*" in text:
        raise ValueError("it is the beginning of a name, and * stands alone for every log group: leave the * out")
    return Fleet(place, "" if text == "*" else text)


def _identified(text: str, place: Place) -> LogGroup | QueryResults:
    rule = f"it must be {place.logs_arn('log-group:NAME')} or {place.logs_arn('query-result:*')}"
    arn = _LOGS_ARN.fullmatch(text)
    if not arn:
        raise ValueError(f"{rule}; LogGroupName takes a name")
    if (arn["partition"], arn["region"], arn["account"]) != (place.partition, place.region, place.account):
        raise ValueError(
            f"{rule}: the provider works in its own account and Region only, {place.account} and {place.region}"
        )
    if arn["kind"] == "query-result":
        if arn["name"] != "*":
            raise ValueError(f"{rule}: all query results of the account, there is no finer setting")
        return QueryResults(place)
    return LogGroup(place, LogGroupName(arn["name"].removesuffix(":*")))


def _key(text: str, place: Place) -> KeyReference:
    if _KEY_ID.fullmatch(text) or _ALIAS.fullmatch(text):
        return KeyName(text)
    arn = _KMS_ARN.fullmatch(text)
    if not arn or not (_KEY_ID if arn["kind"] == "key" else _ALIAS).fullmatch(
        arn["name"] if arn["kind"] == "key" else f"alias/{arn['name']}"
    ):
        raise ValueError("it must be a key ARN, an alias ARN, alias/NAME, a key id or a multi-Region key id (mrk-…)")
    if (arn["partition"], arn["region"]) != (place.partition, place.region):
        raise ValueError(
            f"the key must be in the Region of the log group, {place.region} ({place.partition}); "
            "a multi-Region key has a replica ARN in each of its Regions"
        )
    return KeyArn(text) if arn["kind"] == "key" else KeyName(text)


def _propagation_wait(text: str, properties: Mapping[str, object]) -> int:
    service_timeout = parse_service_timeout(properties)
    if not re.fullmatch(r"[0-9]{1,4}", text) or int(text) > _LONGEST_PROPAGATION_WAIT:
        raise ValueError(f"it must be a whole number of seconds from 0 to {_LONGEST_PROPAGATION_WAIT}")
    if int(text) >= service_timeout:
        raise ValueError(f"it must be below ServiceTimeout, which is {service_timeout}")
    return int(text)


def _nearest(name: str) -> str:
    # Only a mistake pays for the import.
    from difflib import get_close_matches  # noqa: PLC0415

    folded = {known.lower(): known for known in _PROPERTIES}
    near = get_close_matches(name.lower(), folded, n=1, cutoff=0.5)
    return f"did you mean {folded[near[0]]}?" if near else f"the properties are {', '.join(_PROPERTIES)}"


def _quote(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST_QUOTE else f"{text[: _LONGEST_QUOTE - 1]}…"
