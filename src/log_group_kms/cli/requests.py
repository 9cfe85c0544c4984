"""Requests of the command line, made of its options under the rules that a template's properties keep too."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from log_group_kms.association.requests import Asker, Ensure, Remove
from log_group_kms.cli.command import Misuse, in_options
from log_group_kms.fleet.reader import FleetReader
from log_group_kms.model.errors import AccessDenied, InvalidRequest, KeyUnusable
from log_group_kms.model.keys import KeyArn
from log_group_kms.model.ownership import Owner
from log_group_kms.model.targets import Exclusions
from log_group_kms.request.parse import parse_association
from log_group_kms.request.properties import FLEET_TARGET
from log_group_kms.request.reading import read_some
from log_group_kms.request.values import Scope
from log_group_kms.retry.policies import THROTTLED, UNAVAILABLE
from log_group_kms.retry.rate_limits import AdaptiveRateLimiter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from log_group_kms.association.context import Context
    from log_group_kms.cli.command import Invocation
    from log_group_kms.model.association import Association
    from log_group_kms.model.keys import KeyReference
    from log_group_kms.model.targets import Fleet

#: AWS::CloudFormation::Stack: alphanumeric.
_LOGICAL_ID: Final = re.compile(r"[A-Za-z0-9]{1,255}")
#: Who may not look should hear of it at once: unlike the provider's role, the caller's was not made a moment before.
_LOOKING: Final = (THROTTLED, UNAVAILABLE)


def looking(context: Context) -> Context:
    """Return *context* for calls that only look."""
    return context.under(context.retrier.under(_LOOKING))


def reader_of(invocation: Invocation, fleet: Fleet) -> FleetReader:
    """Return a reader of the *fleet*'s log groups, at the pace of reads."""
    context = looking(invocation.context())
    clock, limits = invocation.terminal.clock, context.rate_limits
    reads, pages = (AdaptiveRateLimiter(clock, per_second) for per_second in (limits.log_groups, limits.pages))
    return FleetReader(fleet, context.logs, reads, pages)


def fleet_of(invocation: Invocation) -> Fleet:
    """Return the fleet that the command is about.

    Raises:
        Misuse: with every mistake.
    """
    fleet: Fleet = _values(invocation)[FLEET_TARGET.field]
    return fleet


def key_of(invocation: Invocation) -> KeyArn | None:
    """Return the key that is given to a command that only looks; None where none is.

    Raises:
        Misuse: it is no key.
        KeyUnusable: it cannot encrypt log groups.
        ApiError: there is no such key.
    """
    reference: KeyReference | None = _values(invocation).get("key")
    return None if reference is None else _usable(looking(invocation.context()), reference)


def exclusions_of(invocation: Invocation) -> Exclusions:
    """Return the log groups that are to be left alone.

    Raises:
        Misuse: one is no name.
    """
    excluded: Exclusions = _values(invocation).get("exclude", Exclusions())
    return excluded


def association_of(invocation: Invocation) -> Association:
    """Return the association that is wanted of the fleet.

    Raises:
        Misuse: with every mistake.
    """
    with _mistakes_in_options():
        return parse_association(dict(invocation.options.properties), invocation.place)


def ensure_of(invocation: Invocation) -> tuple[Fleet, Ensure, KeyArn]:
    """Return the fleet, what is wanted of it, and the key.

    Raises:
        Misuse: with every mistake.
        KeyUnusable: the key cannot encrypt log groups.
        ApiError: there is no such key.
    """
    association = association_of(invocation)
    key = _usable(looking(invocation.context()), association.key)
    fleet = fleet_of(invocation)
    owner = _owner(invocation, fleet)
    return fleet, Ensure(owner, replace(association, key=key), asker=Asker.COMMAND_LINE), key


def remove_of(invocation: Invocation) -> tuple[Fleet, Remove]:
    """Return the fleet, and the request that its association end.

    Raises:
        Misuse: with every mistake.
    """
    fleet = fleet_of(invocation)
    return fleet, Remove(_owner(invocation, fleet), **_values(invocation))


def _values(invocation: Invocation) -> dict[str, Any]:
    with _mistakes_in_options():
        return read_some(invocation.options.properties, Scope(invocation.place))


@contextmanager
def _mistakes_in_options() -> Iterator[None]:
    """Name the option where a mistake names the property.

    Raises:
        Misuse: with every mistake.
    """
    try:
        yield
    except InvalidRequest as wrong:
        raise Misuse("; ".join(map(_in_option, wrong.mistakes))) from None


def _in_option(mistake: str) -> str:
    # What is quoted after it is the user's own.
    name, _, rest = mistake.partition(" ")
    return f"{in_options(name)} {rest}"


def _usable(context: Context, reference: KeyReference) -> KeyArn:
    """Return the key's ARN. A dry run that would not tell that the key is disabled would be worth little.

    Raises:
        KeyUnusable: it cannot encrypt log groups.
        ApiError: there is no such key. Of a key ARN alone, AWS may keep the rest to itself.
    """
    try:
        described = context.keys.describe(reference)
    except AccessDenied:
        if isinstance(reference, KeyArn):
            return reference
        raise
    if described.defect:
        raise KeyUnusable(f"The key {described.arn.text} {described.defect}")
    return described.arn


def _owner(invocation: Invocation, fleet: Fleet) -> Owner:
    """Return whom to claim for.

    For the command line it is the same one whatever the prefix, so that `release` may give back a part.

    Raises:
        Misuse: there can be no such stack in this account and Region.
    """
    if invocation.options.owner is None:
        return Owner.of_command_line(replace(fleet, prefix=""))
    stack_id, logical_id = invocation.options.owner
    place = invocation.place
    begin = f"arn:{place.partition}:cloudformation:{place.region}:{place.account}:stack/"
    if not re.fullmatch(re.escape(begin) + "[^/]+/[^/]+", stack_id):
        raise Misuse(f"--owner {stack_id}: the id of a stack of this account and Region is {begin}NAME/UUID")
    if not _LOGICAL_ID.fullmatch(logical_id):
        raise Misuse(f"--owner {logical_id}: a logical id has 1 to 255 characters of A-Z a-z 0-9")
    return Owner.of_resource(stack_id, logical_id, fleet)
