"""The log groups that an owner holds, told before they are given back, and what is under the same key beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from log_group_kms.cli.requests import reader_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from log_group_kms.cli.command import Invocation
    from log_group_kms.model.keys import KeyArn
    from log_group_kms.model.ownership import Owner
    from log_group_kms.model.targets import Fleet


@dataclass(frozen=True, slots=True)
class Holdings:
    """The holdings of an owner.

    Attributes:
        held: names of the log groups that the owner holds.
        beside: names of those that are under one of the same keys, and not the owner's.
        encrypted: how many log groups have a key at all.
    """

    held: tuple[str, ...]
    beside: tuple[str, ...]
    encrypted: int

    @classmethod
    def of(cls, held: Iterable[str], keys: Mapping[str, KeyArn]) -> Holdings:
        """Return the holdings, where *keys* has the key of each log group that has one."""
        own = set(held)
        in_use = {keys[name] for name in own & keys.keys()}
        beside = (name for name, key in keys.items() if key in in_use and name not in own)
        return cls(tuple(sorted(own)), tuple(beside), len(keys))


def holdings_of(invocation: Invocation, fleet: Fleet, owner: Owner) -> Holdings:
    """Return what *owner* holds of the *fleet*'s log groups.

    ListLogGroups tells that at once. Where nobody may ask it, the claim of each log group that has a key is read.
    """
    reader, screen = reader_of(invocation, fleet), invocation.screen
    with screen.progress("Listing") as progress:
        listing = progress.count_each(reader.every_page())
        keys = {listed.name: listed.key for listed in listing if listed.key}
    held: Iterable[str] | None = reader.claimed(owner.tag_values)
    if held is None:
        with screen.progress("Reading owners", len(keys)) as progress:
            groups = filter(None, map(fleet.log_group, progress.count_each(keys)))
            held = [group.name.text for group in groups if reader.owner_of(group) == owner]
    return Holdings.of(held, keys)
