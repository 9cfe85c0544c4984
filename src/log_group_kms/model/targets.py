"""Targets: where the provider works, and the log groups and query results that a key is associated with."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from hashlib import sha256
from typing import ClassVar, Final

from log_group_kms.model.tags import fits_tag

#: CloudWatch Logs API reference, CreateLogGroup: 1 to 512 of these characters.
LOG_GROUP_NAME: Final = re.compile(r"[.\-_/#A-Za-z0-9]{1,512}")
LOG_GROUP_NAME_WITH_WILDCARDS: Final = re.compile(r"[.\-_/#A-Za-z0-9*]{1,512}")
_LAMBDA_ARN: Final = re.compile(r"arn:(?P<partition>[\w-]+):lambda:(?P<region>[\w-]+):(?P<account>\d{12}):function:.+")
STACK_ID: Final = re.compile(
    r"arn:(?P<partition>[\w-]+):cloudformation:(?P<region>[\w-]+):(?P<account>\d{12}):"
    r"stack/(?P<name>[^/]+)/(?P<uuid>[^/]+)"
)


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
        found = STACK_ID.fullmatch(stack_id)
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
        if not LOG_GROUP_NAME.fullmatch(self.text):
            raise ValueError("it must be 1 to 512 characters of A-Z a-z 0-9 . - _ / # (no wildcards)")
        if self.text.lower().startswith("aws/"):
            raise ValueError("names that start with aws/ (without a leading slash) are reserved for AWS")


@dataclass(frozen=True, slots=True)
class LogGroup:
    """One log group of the provider's account and Region."""

    place: Place
    name: LogGroupName

    #: The first word of its owner tag; True where it can carry one; True where it may take several invocations.
    owner_kind: ClassVar = "one"
    taggable: ClassVar = True
    many: ClassVar = False
    scope: ClassVar = ""

    #: The ARN without the trailing `:*`; also the physical id.
    arn: str = field(init=False, repr=False, compare=False)
    log_group_name: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "arn", self.place.logs_arn(f"log-group:{self.name.text}"))
        object.__setattr__(self, "log_group_name", self.name.text)


@dataclass(frozen=True, slots=True)
class QueryResults:
    """The results of all Logs Insights queries of the provider's account and Region."""

    place: Place

    owner_kind: ClassVar = "one"
    taggable: ClassVar = False
    many: ClassVar = False
    scope: ClassVar = ""
    log_group_name: ClassVar = ""

    @property
    def arn(self) -> str:
        """The resource identifier that AssociateKmsKey takes; also the physical id."""
        return self.place.logs_arn("query-result:*")


@dataclass(frozen=True, slots=True)
class Fleet:
    """Every log group of the provider's account and Region whose name begins with *prefix*; all, where it is empty."""

    place: Place
    prefix: str

    owner_kind: ClassVar = "fleet"
    taggable: ClassVar = True
    many: ClassVar = True
    log_group_name: ClassVar = ""

    def __post_init__(self) -> None:
        if self.prefix and not LOG_GROUP_NAME.fullmatch(self.prefix):
            raise ValueError("it must be * for every log group, or 1 to 512 characters of A-Z a-z 0-9 . - _ / #")
        if self.prefix.lower().startswith("aws/"):
            raise ValueError("names that start with aws/ (without a leading slash) are reserved for AWS")

    @property
    def arn(self) -> str:
        """The physical id."""
        return self.place.logs_arn(f"log-group:{self.prefix}*")

    def log_group(self, name: str) -> LogGroup | None:
        """Return the log group of this *name*; None where it is reserved for AWS."""
        try:
            return LogGroup(self.place, LogGroupName(name))
        except ValueError:
            return None

    @property
    def scope(self) -> str:
        """The prefix as a tag's value: it distinguishes a resource's two fleets before and after a replacement."""
        readable = f"prefix={self.prefix}"
        if fits_tag(readable):
            return readable
        return f"sha256={sha256(self.prefix.encode()).hexdigest()}"


Target = LogGroup | QueryResults | Fleet


@dataclass(frozen=True, slots=True)
class Exclusions:
    """The log groups that a fleet leaves alone: names in which `*` stands for any characters."""

    patterns: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for pattern in self.patterns:
            if not LOG_GROUP_NAME_WITH_WILDCARDS.fullmatch(pattern):
                raise ValueError(
                    f"{pattern!r} is no name: each must be 1 to 512 characters of A-Z a-z 0-9 . - _ / # "
                    "and * as wildcard"
                )

    def cover(self, name: str) -> bool:
        """Return whether a log group of this *name* is left alone."""
        return any(fnmatchcase(name, pattern) for pattern in self.patterns)
