"""Owners and claims: the meaning of the tags that a log group carries."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from log_group_kms.model.keys import KEY_ARN, KeyArn
from log_group_kms.model.tags import TAG_VALUE_LENGTH
from log_group_kms.model.targets import STACK_ID, Fleet, Target

_DELETING: Final = "deleting:"
_DELETED: Final = "deleted:"
_NONE: Final = "none"
_FLEET: Final = "fleet"
#: No stack has such a name.
_COMMAND_LINE: Final = f"{_FLEET}:-/command-line"


@dataclass(frozen=True, slots=True)
class Owner:
    """A resource of a stack, as the owner tag names it: `one:STACKNAME/STACKUUID/LOGICALID`, or `fleet:` and so on.

    Attributes:
        text: the owner tag's value.
        scope: of a fleet, its `Fleet.scope`: a changed prefix makes it another owner, lest the Delete of the fleet that
            was replaced gives back what the new one holds.
    """

    text: str
    scope: str = ""

    @classmethod
    def of_resource(cls, stack_id: str, logical_resource_id: str, target: Target) -> Owner:
        """The owner that a resource with this *target* is.

        A logical id that does not fit into a tag's value, also with `deleting:` before it, is replaced by a hash, so
        that the stack stays readable.
        """
        found = STACK_ID.fullmatch(stack_id)
        stack = f"{found['name']}/{found['uuid']}" if found else sha256(stack_id.encode()).hexdigest()
        text = f"{target.owner_kind}:{stack}/{logical_resource_id}"
        if len(_DELETING) + len(text) > TAG_VALUE_LENGTH:
            text = f"{target.owner_kind}:{stack}/{sha256(logical_resource_id.encode()).hexdigest()}"
        return cls(text, target.scope)

    @classmethod
    def of_command_line(cls, fleet: Fleet) -> Owner:
        """Return the owner for which `log-group-kms apply` claims where it works for no resource of a stack."""
        return cls(_COMMAND_LINE, fleet.scope)

    @property
    def is_fleet(self) -> bool:
        """True for a fleet, false for a resource for one log group."""
        return self.text.startswith(f"{_FLEET}:")

    @property
    def is_command_line(self) -> bool:
        """True where it holds log groups only until the fleet of a stack takes them over."""
        return self.text == _COMMAND_LINE

    def is_sibling_of(self, other: Owner) -> bool:
        """Return whether *other* is a resource of the same stack and kind, as after a renamed logical id."""
        return self.text.rpartition("/")[0] == other.text.rpartition("/")[0]


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim on a log group: the owner of its association, and the key to put back. It is what the tags mean.

    Attributes:
        owner: the resource that owns it.
        previous: the key that was there before the owner; None where there was none.
        deleting: whether the owner's Delete has begun.
        deleted: whether it is through, and left in force, as the previous key, the owner's very own: then nobody owns
            the log group any more, but delivered once more that Delete must not take the key for one of its own.
    """

    owner: Owner
    previous: KeyArn | None
    deleting: bool = False
    deleted: bool = False

    @classmethod
    def of_tags(cls, owner: str, previous: str, scope: str = "") -> Claim:
        """Read the tags' values; a *previous* that is no key ARN counts as `none`, and only fleets have a *scope*."""
        text = owner.removeprefix(_DELETING).removeprefix(_DELETED)
        return cls(
            Owner(text, scope if Owner(text).is_fleet else ""),
            KeyArn(previous) if KEY_ARN.fullmatch(previous) else None,
            deleting=owner.startswith(_DELETING),
            deleted=owner.startswith(_DELETED),
        )

    @property
    def owner_tag(self) -> str:
        """The owner tag's value."""
        return (_DELETING if self.deleting else _DELETED if self.deleted else "") + self.owner.text

    @property
    def previous_tag(self) -> str:
        """The previous-key tag's value."""
        return self.previous.text if self.previous else _NONE

    def stands_for(self, owner: Owner) -> bool:
        """Return whether *owner* has it, and no Delete of *owner* has begun."""
        return self.owner == owner and not self.deleting and not self.deleted
