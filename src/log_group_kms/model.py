"""The values that the lifecycle speaks of: where, what, which key, whose."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from hashlib import sha256
from typing import Final

#: CloudWatch Logs API reference, CreateLogGroup: 1 to 512 of these characters.
_LOG_GROUP_NAME: Final = re.compile(r"[.\-_/#A-Za-z0-9]{1,512}")
_LOG_GROUP_NAME_PATTERN: Final = re.compile(r"[.\-_/#A-Za-z0-9*]{1,512}")
_KEY_ARN: Final = re.compile(r"arn:(?P<partition>[\w-]+):kms:(?P<region>[\w-]+):(?P<account>\d{12}):(?:key|alias)/.+")
_LAMBDA_ARN: Final = re.compile(r"arn:(?P<partition>[\w-]+):lambda:(?P<region>[\w-]+):(?P<account>\d{12}):function:.+")
_STACK_ID: Final = re.compile(
    r"arn:(?P<partition>[\w-]+):cloudformation:(?P<region>[\w-]+):(?P<account>\d{12}):"
    r"stack/(?P<name>[^/]+)/(?P<uuid>[^/]+)"
)

#: CloudWatch Logs API reference, TagResource: a tag's value holds at most 256 characters.
TAG_VALUE_LENGTH: Final = 256
#: ... of these characters; `#`, which log-group names may have, is none of them.
_TAG_VALUE: Final = re.compile(r"[\w\s.:/=+@-]*")
_DELETING: Final = "deleting:"
_DELETED: Final = "deleted:"
_NONE: Final = "none"
_ONE: Final = "one"
_FLEET: Final = "fleet"
#: No stack has such a name.
_COMMAND_LINE: Final = f"{_FLEET}:-/command-line"


class OnDelete(StrEnum):
    """What a Delete does with the key of what it owns."""

    RESTORE_PREVIOUS = "RestorePrevious"
    DISASSOCIATE = "Disassociate"
    RETAIN = "Retain"


class OnExistingKey(StrEnum):
    """What happens with a log group that has another key which is not this resource's own."""

    OVERRIDE = "Override"
    KEEP = "Keep"
    FAIL = "Fail"


class OnMissingLogGroup(StrEnum):
    """What happens where there is no such log group."""

    FAIL = "Fail"
    CREATE = "Create"


@dataclass(frozen=True, slots=True)
class Place:
    """The partition, Region and account that the provider runs in, and works on."""

    partition: str
    region: str
    account: str

    @classmethod
    def of_function(cls, arn: str) -> Place:
        """The place of the function with this *arn*.

        Raises:
            ValueError: *arn* is no function's ARN.
        """
        found = _LAMBDA_ARN.fullmatch(arn)
        if not found:
            raise ValueError(f"{arn!r} is not the ARN of a Lambda function")
        return cls(found["partition"], found["region"], found["account"])

    @classmethod
    def of_stack(cls, stack_id: str) -> Place:
        """The place of the stack with this *stack_id*.

        Raises:
            ValueError: *stack_id* is none.
        """
        found = _STACK_ID.fullmatch(stack_id)
        if not found:
            raise ValueError(f"{stack_id!r} is not the id of a stack")
        return cls(found["partition"], found["region"], found["account"])

    def logs_arn(self, resource: str) -> str:
        """The ARN of a *resource* of CloudWatch Logs in this place."""
        return f"arn:{self.partition}:logs:{self.region}:{self.account}:{resource}"


@dataclass(frozen=True, slots=True)
class LogGroupName:
    """A name that CloudWatch Logs accepts for a customer's log group."""

    text: str

    def __post_init__(self) -> None:
        if not _LOG_GROUP_NAME.fullmatch(self.text):
            raise ValueError("it must be 1 to 512 characters of A-Z a-z 0-9 . - _ / # (no wildcards)")
        if self.text.lower().startswith("aws/"):
            raise ValueError("names that start with aws/ (without a leading slash) are reserved for AWS")


@dataclass(frozen=True, slots=True)
class LogGroup:
    """One log group of the provider's account and Region."""

    place: Place
    name: LogGroupName

    @property
    def arn(self) -> str:
        """The ARN without the trailing `:*`; also the physical id."""
        return self.place.logs_arn(f"log-group:{self.name.text}")


@dataclass(frozen=True, slots=True)
class QueryResults:
    """The results of all Logs Insights queries of the provider's account and Region."""

    place: Place

    @property
    def arn(self) -> str:
        """The resource identifier that AssociateKmsKey takes; also the physical id."""
        return self.place.logs_arn("query-result:*")


@dataclass(frozen=True, slots=True)
class Fleet:
    """Every log group of the provider's account and Region whose name begins with *prefix*; all, where it is empty."""

    place: Place
    prefix: str

    def __post_init__(self) -> None:
        if self.prefix and not _LOG_GROUP_NAME.fullmatch(self.prefix):
            raise ValueError("it must be * for every log group, or 1 to 512 characters of A-Z a-z 0-9 . - _ / #")
        if self.prefix.lower().startswith("aws/"):
            raise ValueError("names that start with aws/ (without a leading slash) are reserved for AWS")

    @property
    def arn(self) -> str:
        """The physical id."""
        return self.place.logs_arn(f"log-group:{self.prefix}*")

    @property
    def scope(self) -> str:
        """The prefix as a tag's value: what tells two fleets of one resource apart, before and after a replacement."""
        readable = f"prefix={self.prefix}"
        if len(readable) <= TAG_VALUE_LENGTH and _TAG_VALUE.fullmatch(readable):
            return readable
        return f"sha256={sha256(self.prefix.encode()).hexdigest()}"


Target = LogGroup | QueryResults | Fleet


@dataclass(frozen=True, slots=True)
class Exclusions:
    """The log groups that a fleet leaves alone: names in which `*` stands for any characters."""

    patterns: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for pattern in self.patterns:
            if not _LOG_GROUP_NAME_PATTERN.fullmatch(pattern):
                raise ValueError(
                    f"{pattern!r} is no name: each must be 1 to 512 characters of A-Z a-z 0-9 . - _ / # "
                    "and * as wildcard"
                )

    def cover(self, name: str) -> bool:
        """Whether a log group of this *name* is left alone."""
        return any(fnmatchcase(name, pattern) for pattern in self.patterns)


@dataclass(frozen=True, slots=True)
class KeyArn:
    """The ARN of a KMS key: the form in which CloudWatch Logs shows the key in force."""

    text: str

    def __post_init__(self) -> None:
        if not _KEY_ARN.fullmatch(self.text):
            raise ValueError(f"{self.text!r} is not the ARN of a KMS key")


@dataclass(frozen=True, slots=True)
class KeyName:
    """An alias, an alias ARN or a key id: `kms:DescribeKey` tells the key ARN behind it."""

    text: str


KeyReference = KeyArn | KeyName


@dataclass(frozen=True, slots=True)
class KeyDescription:
    """What `kms:DescribeKey` tells of a key.

    Attributes:
        arn: the key's ARN.
        state: KMS's KeyState: Enabled, Disabled, PendingDeletion, …
        spec: KMS's KeySpec; CloudWatch Logs takes SYMMETRIC_DEFAULT only.
        usage: KMS's KeyUsage; ENCRYPT_DECRYPT for a key that encrypts.
        aws_managed: whether it is a key such as aws/s3, whose policy nobody can change.
    """

    arn: KeyArn
    state: str = "Enabled"
    spec: str = "SYMMETRIC_DEFAULT"
    usage: str = "ENCRYPT_DECRYPT"
    aws_managed: bool = False

    @property
    def defect(self) -> str:
        """Why the key cannot encrypt log groups, and what to do; empty where it can."""
        if self.spec != "SYMMETRIC_DEFAULT" or self.usage != "ENCRYPT_DECRYPT":
            return (
                f"is no symmetric encryption key (KeySpec {self.spec}, KeyUsage {self.usage}); "
                "CloudWatch Logs takes KeySpec SYMMETRIC_DEFAULT only: use another key"
            )
        if self.state == "PendingDeletion":
            return (
                "is pending deletion: cancel the deletion with kms:CancelKeyDeletion and enable it, or use another key"
            )
        if self.state == "Disabled":
            return "is disabled: enable it with kms:EnableKey, or use another key"
        if self.state != "Enabled":
            return f"is not usable now, its KeyState is {self.state}: bring it to Enabled, or use another key"
        if self.aws_managed:
            return (
                "is an AWS managed key, whose policy cannot be changed for CloudWatch Logs: use a customer managed key"
            )
        return ""


@dataclass(frozen=True, slots=True)
class Association:
    """What a template asks for: this target under this key, and how."""

    target: Target
    key: KeyReference
    on_delete: OnDelete = OnDelete.RESTORE_PREVIOUS
    on_existing_key: OnExistingKey = OnExistingKey.OVERRIDE
    on_missing_log_group: OnMissingLogGroup = OnMissingLogGroup.FAIL
    propagation_wait: int = 0
    exclude: Exclusions = Exclusions()


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
        kind, scope = (_FLEET, target.scope) if isinstance(target, Fleet) else (_ONE, "")
        found = _STACK_ID.fullmatch(stack_id)
        stack = f"{found['name']}/{found['uuid']}" if found else sha256(stack_id.encode()).hexdigest()
        text = f"{kind}:{stack}/{logical_resource_id}"
        if len(_DELETING) + len(text) > TAG_VALUE_LENGTH:
            text = f"{kind}:{stack}/{sha256(logical_resource_id.encode()).hexdigest()}"
        return cls(text, scope)

    @classmethod
    def of_command_line(cls, fleet: Fleet) -> Owner:
        """Whom `python -m log_group_kms apply` claims for where it works for no resource of a stack."""
        return cls(_COMMAND_LINE, fleet.scope)

    @property
    def is_fleet(self) -> bool:
        """Whether it is a fleet, and no resource for one log group."""
        return self.text.startswith(f"{_FLEET}:")

    @property
    def is_command_line(self) -> bool:
        """Whether it holds log groups only until the fleet of a stack comes for them."""
        return self.text == _COMMAND_LINE

    def is_sibling_of(self, other: Owner) -> bool:
        """Whether *other* is a resource of the same stack and the same kind, as after a renamed logical id."""
        return self.text.rpartition("/")[0] == other.text.rpartition("/")[0]


@dataclass(frozen=True, slots=True)
class Claim:
    """Who owns a log group's association, and what to put back: the meaning of the tags.

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
            KeyArn(previous) if _KEY_ARN.fullmatch(previous) else None,
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
        """Whether *owner* has it, and no Delete of *owner* has begun."""
        return self.owner == owner and not self.deleting and not self.deleted


@dataclass(frozen=True, slots=True)
class Observed:
    """A log group as it was read just now.

    Attributes:
        key: the key in force; None where there is none.
        claim: the claim on it; None where nobody owns it.
    """

    key: KeyArn | None
    claim: Claim | None


@dataclass(frozen=True, slots=True)
class Listed:
    """A log group as a listing shows it.

    Attributes:
        name: its name, also one that is reserved for AWS.
        key: the key in force; None where there is none.
    """

    name: str
    key: KeyArn | None


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a listing; *next_token* leads to the next one, and is empty at the end."""

    log_groups: tuple[Listed, ...]
    next_token: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an event ended well.

    Attributes:
        target: what is associated; its ARN is the physical id.
        key: the key in force.
        previous: the key that was there before this resource.
        associated: how many keys this event changed.
        compliant: how many had the wanted key already.
        skipped: how many were left as they were.
        note: what the user should know; empty where all is as asked.
        settling: whether the key may not yet reach the data plane, so that PropagationWaitSeconds applies.
        witnesses: of a fleet, names of log groups whose claim tells whether a Delete has passed by.
    """

    target: Target
    key: KeyArn | None
    previous: KeyArn | None = None
    associated: int = 0
    compliant: int = 0
    skipped: int = 0
    note: str = ""
    settling: bool = False
    witnesses: tuple[str, ...] = ()
