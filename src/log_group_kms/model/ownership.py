"""Owners and claims: the meaning of the tags that a log group carries."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from log_group_kms.model.keys import KEY_ARN, KeyArn
from log_group_kms.model.tags import (
    CANCELLED_TAG,
    MENDED_TAG,
    OWNER_TAG,
    PREVIOUS_KEY_TAG,
    RELEASED_TAG,
    SCOPE_TAG,
    TAG_VALUE_LENGTH,
    TAKEN_FROM_SCOPE_TAG,
    TAKEN_FROM_TAG,
    WORK_TAG,
    WRITTEN_TAG,
)
from log_group_kms.model.targets import STACK_ID, Fleet, Target
from log_group_kms.model.times import moment_of, stamp_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_DELETING: Final = "deleting:"
_DELETED: Final = "deleted:"
_NONE: Final = "none"
_FLEET: Final = "fleet"
_UPKEEP: Final = "upkeep"
_STACK_OF: Final = re.compile(r"\w+:(?P<stack>(?P<name>[A-Za-z][A-Za-z0-9-]*)/[0-9A-Za-z-]+)/(?P<logical_id>\w+)")
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
            # A stack's name has at most 128 characters and its UUID 36, so this fits.
            text = f"{target.owner_kind}:{stack}/{sha256(logical_resource_id.encode()).hexdigest()}"
        return cls(text, target.scope)

    @classmethod
    def of_command_line(cls, fleet: Fleet) -> Owner:
        """Return the owner for which `log-group-kms apply` claims where it works for no resource of a stack."""
        return cls(_COMMAND_LINE, fleet.scope)

    @property
    def stack(self) -> str:
        """The stack's name and UUID, as its id has them; empty where no stack is named so."""
        found = _STACK_OF.fullmatch(self.text)
        return found["stack"] if found else ""

    @property
    def described(self) -> str:
        """The owner for a sentence: its logical id and its stack."""
        found = _STACK_OF.fullmatch(self.text)
        return f"{found['logical_id']} of stack {found['name']}" if found else self.text

    @property
    def is_fleet(self) -> bool:
        """True for a fleet, false for a resource for one log group."""
        return self.text.startswith(f"{_FLEET}:")

    @property
    def is_command_line(self) -> bool:
        """True where it holds log groups only until the fleet of a stack takes them over."""
        return self.text == _COMMAND_LINE

    @property
    def digest(self) -> str:
        """The owner in few characters, for the key of a tag."""
        return sha256(f"{self.text} {self.scope}".encode()).hexdigest()[:16]

    @property
    def tag_values(self) -> tuple[str, ...]:
        """The values that the owner tag has for as long as it owns a log group."""
        return self.text, f"{_DELETING}{self.text}"

    @property
    def before_tag_values(self) -> tuple[str, ...]:
        """The values of those whom a fleet takes over from: its siblings, with `*`, and the command line."""
        return f"{self.text.rpartition('/')[0]}/*", _COMMAND_LINE

    def is_sibling_of(self, other: Owner) -> bool:
        """Return whether *other* is a resource of the same stack and kind, as after a renamed logical id."""
        return self.text.rpartition("/")[0] == other.text.rpartition("/")[0]


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim on a log group: the owner of its association, and the key to put back. It is what the tags mean.

    Two claims are equal where they mean the same for the log group; when, and over whom, they were written is history.

    Attributes:
        owner: the resource that owns it.
        previous: the key that was there before the owner; None where there was none.
        deleting: whether the owner's Delete has begun.
        deleted: whether it is through, and left in force, as the previous key, the owner's very own: then nobody owns
            the log group any more, but delivered once more that Delete must not take the key for one of its own.
        written_at: when CloudFormation sent the event that wrote it, or when upkeep wrote it, in seconds since the
            epoch; None where that is not known.
        by_upkeep: whether enrolment, reconciliation or the command line wrote it, and no event of CloudFormation.
        taken_from: of a fleet, who held the log group before, under the same key; None where nobody did. To write the
            owner itself says so over a tag that names somebody.
        cancelled: whether a Delete of the owner came after the event that wrote it; AWS's answer alone shows that.
    """

    owner: Owner
    previous: KeyArn | None
    deleting: bool = False
    deleted: bool = False
    written_at: float | None = field(default=None, compare=False)
    by_upkeep: bool = field(default=False, compare=False)
    taken_from: Owner | None = field(default=None, compare=False)
    cancelled: bool = field(default=False, compare=False)

    @classmethod
    def of_tags(cls, tags: Mapping[str, str]) -> Claim | None:
        """Read a log group's *tags*; None where there is no owner tag.

        A previous key that is no key ARN counts as `none`, and only fleets have a scope.
        """
        owner_tag = tags.get(OWNER_TAG)
        if not owner_tag:
            return None
        text = owner_tag.removeprefix(_DELETING).removeprefix(_DELETED)
        scope = tags.get(SCOPE_TAG, "") if Owner(text).is_fleet else ""
        owner, previous = Owner(text, scope), tags.get(PREVIOUS_KEY_TAG, "")
        written, _, by = tags.get(WRITTEN_TAG, "").partition(" ")
        written_at = moment_of(written)
        cancelled_at = Marks.of_tags(tags, owner).cancelled_at
        taken_from, former_scope = tags.get(TAKEN_FROM_TAG, ""), tags.get(TAKEN_FROM_SCOPE_TAG, "")
        return cls(
            owner,
            KeyArn(previous) if KEY_ARN.fullmatch(previous) else None,
            deleting=owner_tag.startswith(_DELETING),
            deleted=owner_tag.startswith(_DELETED),
            written_at=written_at,
            by_upkeep=by == _UPKEEP,
            taken_from=Owner(taken_from, former_scope) if taken_from not in ("", text) else None,
            cancelled=cancelled_at is not None and written_at is not None and cancelled_at >= written_at,
        )

    def as_tags(self) -> dict[str, str]:
        """Return the tags to write.

        Another owner's scope is left where it stands: it says nothing beside an owner that is no fleet.
        """
        tags = {OWNER_TAG: self.owner_tag, PREVIOUS_KEY_TAG: self.previous_tag}
        if self.owner.scope:
            tags[SCOPE_TAG] = self.owner.scope
        if self.written_at is not None:
            tags[WRITTEN_TAG] = stamp_of(self.written_at) + (f" {_UPKEEP}" if self.by_upkeep else "")
        if self.taken_from:
            tags[TAKEN_FROM_TAG] = self.taken_from.text
            tags[TAKEN_FROM_SCOPE_TAG] = self.taken_from.scope
        return tags

    @property
    def owner_tag(self) -> str:
        """The owner tag's value."""
        return (_DELETING if self.deleting else _DELETED if self.deleted else "") + self.owner.text

    @property
    def previous_tag(self) -> str:
        """The previous-key tag's value."""
        return self.previous.text if self.previous else _NONE

    @property
    def event_at(self) -> float | None:
        """When CloudFormation sent the event that wrote it; None where upkeep wrote it, or that is not known."""
        return None if self.by_upkeep else self.written_at

    def stands_for(self, owner: Owner) -> bool:
        """Return whether *owner* has it, and no Delete of *owner* has begun."""
        return self.owner == owner and not self.deleting and not self.deleted


class Work(StrEnum):
    """The work of a fleet that its Delete has to know of."""

    #: A Create, or an Update to another target, is at work, or died at it.
    CREATING = "creating"
    #: It failed: what it did is to be undone.
    FAILED = "failed"
    #: Reconciliation or the command line is at work for a fleet that is there.
    MENDING = "mending"


@dataclass(frozen=True, slots=True)
class Marks:
    """The marks that a resource's events leave for each other on a log group, beside any claim.

    Attributes:
        work: what a fleet is at; None where it is at rest.
        cancelled_at: when CloudFormation sent a Delete that cancels all that was sent before, in seconds since the
            epoch; None where none has come.
        released_at: when a fleet's Delete had to give up, in seconds since the epoch; None where none had.
        released_to: up to which name, or the beginning of one, it had given all back.
        mended_at: when enrolment first put the key back that someone else had changed, in seconds since the epoch; None
            where it has not. See `fleet.rounds`.
        mended: how often it did so within an hour of that.
    """

    work: Work | None = None
    cancelled_at: float | None = None
    released_at: float | None = None
    released_to: str = ""
    mended_at: float | None = None
    mended: int = 0

    @classmethod
    def of_tags(cls, tags: Mapping[str, str], owner: Owner) -> Marks:
        """Read the marks of *owner* off a log group's *tags*."""
        work = tags.get(WORK_TAG + owner.digest, "")
        released_at, _, released_to = tags.get(RELEASED_TAG + owner.digest, "").partition(" ")
        mended_at, _, mended = tags.get(MENDED_TAG, "").partition(" ")
        return cls(
            Work(work) if work in list(Work) else None,
            moment_of(tags.get(CANCELLED_TAG + owner.digest, "")),
            moment_of(released_at),
            released_to,
            moment_of(mended_at) if mended.isdecimal() else None,
            int(mended) if mended.isdecimal() and moment_of(mended_at) is not None else 0,
        )

    def as_tags(self, owner: Owner) -> dict[str, str]:
        """Return the tags to write for *owner*."""
        tags = {WORK_TAG + owner.digest: self.work.value} if self.work else {}
        if self.cancelled_at is not None:
            tags[CANCELLED_TAG + owner.digest] = stamp_of(self.cancelled_at)
        if self.released_at is not None:
            # No tag's value has a `#`, which names may have.
            value = f"{stamp_of(self.released_at)} {self.released_to.partition('#')[0]}"
            tags[RELEASED_TAG + owner.digest] = value[:TAG_VALUE_LENGTH]
        if self.mended_at is not None:
            tags[MENDED_TAG] = f"{stamp_of(self.mended_at)} {self.mended}"
        return tags
