"""The properties of the resource, each written down once.

The parse of a template, the settings of the enrolment function and the options of the command line are derived from
`PROPERTIES`. A new property is a field of `Association`, which holds its default as well, by the kind of target where
that matters, and a row here.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from log_group_kms.association.requests import Ensure, Remove
from log_group_kms.model.association import (
    DEFAULT_FOR,
    Association,
    OnDelete,
    OnExistingKey,
    OnExistingOwner,
    OnMissingLogGroup,
    OnRefusedLogGroup,
)
from log_group_kms.model.targets import (
    LOG_GROUP_NAME,
    LOG_GROUP_NAME_WITH_WILDCARDS,
    Exclusions,
    Fleet,
    LogGroup,
    QueryResults,
)
from log_group_kms.request.values import (
    KEY_PATTERN,
    LOGS_ARN_PATTERN,
    WAIT_PATTERN,
    parse_identifier,
    parse_key,
    parse_name,
    parse_prefix,
    parse_wait,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from enum import StrEnum

    from log_group_kms.model.targets import Target
    from log_group_kms.request.values import Scope

#: CloudFormation passes these along; they are none of this resource's own.
CLOUDFORMATIONS_OWN: Final = ("ServiceToken", "ServiceTimeout")


@dataclass(frozen=True)
class Text:
    """A string.

    Attributes:
        parse: makes the field's value of it, or raises ValueError with the rule.
        pattern: what the whole of it matches; *parse* may ask for more.
        choices: all that it may be; none where it is free.
    """

    parse: Callable[[str, Scope], object]
    pattern: str
    choices: tuple[str, ...] = ()
    many: ClassVar = False

    def read(self, given: object, scope: Scope) -> object:
        """Return the value of the association's field; see `Property.read`."""
        if not isinstance(given, str):
            raise ValueError("it must be a string")
        return self.parse(given, scope)


@dataclass(frozen=True)
class Texts:
    """A list of strings; see `Text` for the attributes, and *pattern* is each one's."""

    parse: Callable[[tuple[str, ...]], object]
    pattern: str
    choices: ClassVar[tuple[str, ...]] = ()
    many: ClassVar = True

    def read(self, given: object, _: Scope) -> object:
        """Return the value of the association's field; see `Property.read`."""
        if not isinstance(given, list) or not all(isinstance(value, str) for value in given):
            raise ValueError("it must be a list of strings")
        # An empty CommaDelimitedList of a template arrives as one empty string.
        return self.parse(tuple(value for value in given if value))


def one_of(choices: type[StrEnum]) -> Text:
    """Return the form of one of *choices*, written exactly so."""

    def parse(text: str, _: Scope) -> StrEnum:
        if text not in list(choices):
            raise ValueError(f"it must be one of {', '.join(choices)}")
        return choices(text)

    return Text(parse, "|".join(choices), tuple(each.value for each in choices))


@dataclass(frozen=True)
class Option:
    """A property as an option of the command line.

    Attributes:
        help: what it is for, in a line.
        flag: its name, where that is not the property's own.
        metavar: what stands for the value in the help.
        requests: the requests that have such an option.
    """

    help: str
    flag: str = ""
    metavar: str | None = None
    requests: tuple[type[Ensure | Remove], ...] = (Ensure,)


@dataclass(frozen=True, kw_only=True)
class Property:
    """A property of the resource.

    Attributes:
        name: CloudFormation's.
        form: what its value looks like.
        description: what it is for, in a line.
        field: the field of `Association` that it sets.
        targets: the kinds of target that it names; none where it names no target.
        not_for: the kinds of target that do not take it, each with the words that say so.
        required: True where no template may leave it out; of those that name a target, exactly one is required.
        option: the command line's; None where it has none.
        enrolled: True where the enrolment function has it as a setting in its environment.
    """

    name: str
    form: Text | Texts
    description: str
    field: str
    targets: tuple[type[Target], ...] = ()
    not_for: Mapping[type[Target], str] = dataclasses.field(default_factory=dict)
    required: bool = False
    option: Option | None = None
    enrolled: bool = False

    def default_for(self, kind: type[Target]) -> object:
        """Return the value where the template of this *kind* of target leaves it out.

        It is None where the property is required, and where it names a target.
        """
        (found,) = (each for each in dataclasses.fields(Association) if each.name == self.field)
        if DEFAULT_FOR in found.metadata:
            return found.metadata[DEFAULT_FOR](kind)
        if found.default_factory is not dataclasses.MISSING:
            return found.default_factory()
        return None if found.default is dataclasses.MISSING else found.default

    @property
    def setting(self) -> str:
        """The enrolment function's variable: ON_DELETE of OnDelete."""
        return "_".join(self._words).upper()

    @property
    def flag(self) -> str:
        """The command line's option: --on-delete of OnDelete, unless it has a name of its own."""
        own = self.option.flag if self.option else ""
        return own or f"--{'-'.join(self._words).lower()}"

    @property
    def _words(self) -> list[str]:
        return re.findall(r"[A-Z][a-z]*", self.name)

    def read(self, given: object, scope: Scope) -> object:
        """Return the value of the association's field.

        Raises:
            ValueError: with the rule that *given* breaks.
        """
        if given == "" and not self.form.many:
            raise ValueError(
                f"it must not be empty{'' if self.required else ' (leave it out with AWS::NoValue instead)'}"
            )
        return self.form.read(given, scope)

    def of_setting(self, text: str) -> object:
        """Return *text* of the environment as a template would say it."""
        return [item.strip() for item in text.split(",") if item.strip()] if self.form.many else text


_UNREADABLE: Final = "query results, which cannot be read"

#: By itself, for those who ask for a fleet and nothing more.
FLEET_TARGET: Final = Property(
    name="LogGroupNamePrefix",
    form=Text(parse_prefix, rf"\*|{LOG_GROUP_NAME.pattern}"),
    description="The beginning of the names of a fleet's log groups; * for every log group.",
    field="target",
    targets=(Fleet,),
    option=Option(
        "the log groups whose names begin so; * for every log group",
        flag="--prefix",
        metavar="P",
        requests=(Ensure, Remove),
    ),
    enrolled=True,
)

PROPERTIES: Final = (
    Property(
        name="KmsKeyId",
        form=Text(parse_key, KEY_PATTERN),
        description="The KMS key: key ARN, alias ARN, alias/NAME, key id or multi-Region key id.",
        field="key",
        required=True,
        option=Option("key ARN, alias ARN, alias/NAME, key id or mrk- id", metavar="KEY"),
        enrolled=True,
    ),
    Property(
        name="LogGroupName",
        form=Text(parse_name, LOG_GROUP_NAME.pattern),
        description="The name of one log group.",
        field="target",
        targets=(LogGroup,),
    ),
    Property(
        name="ResourceIdentifier",
        form=Text(parse_identifier, LOGS_ARN_PATTERN),
        description="The ARN of one log group, or of all query results of the account and Region.",
        field="target",
        targets=(LogGroup, QueryResults),
    ),
    FLEET_TARGET,
    Property(
        name="ExcludeLogGroupNames",
        form=Texts(Exclusions, LOG_GROUP_NAME_WITH_WILDCARDS.pattern),
        description="Names of log groups that a fleet leaves alone; * stands for any characters.",
        field="exclude",
        not_for={LogGroup: "one log group; it belongs to LogGroupNamePrefix", QueryResults: _UNREADABLE},
        option=Option("names to leave alone; * stands for any characters", flag="--exclude", metavar="PATTERN"),
        enrolled=True,
    ),
    Property(
        name="OnDelete",
        form=one_of(OnDelete),
        description="What becomes of the key when the resource is deleted.",
        field="on_delete",
        option=Option("what becomes of the key, as with a stack's Delete", requests=(Remove,)),
        enrolled=True,
    ),
    Property(
        name="OnExistingKey",
        form=one_of(OnExistingKey),
        description="What happens with a log group that has another key.",
        field="on_existing_key",
        not_for={QueryResults: _UNREADABLE},
        option=Option("what to do with a log group that has another key"),
        enrolled=True,
    ),
    Property(
        name="OnExistingOwner",
        form=one_of(OnExistingOwner),
        description="What happens with a log group that a resource of another stack owns by name.",
        field="on_existing_owner",
        not_for={Fleet: "LogGroupNamePrefix; it belongs to one log group", QueryResults: _UNREADABLE},
    ),
    Property(
        name="OnRefusedLogGroup",
        form=one_of(OnRefusedLogGroup),
        description="What becomes of a fleet's event where AWS refuses single log groups for their own sake.",
        field="on_refused_log_group",
        not_for={LogGroup: "one log group; it belongs to LogGroupNamePrefix", QueryResults: _UNREADABLE},
        option=Option("what to do where AWS refuses single log groups"),
    ),
    Property(
        name="OnMissingLogGroup",
        form=one_of(OnMissingLogGroup),
        description="What happens where there is no such log group.",
        field="on_missing_log_group",
        not_for={Fleet: "LogGroupNamePrefix; it belongs to one log group", QueryResults: _UNREADABLE},
    ),
    Property(
        name="PropagationWaitSeconds",
        form=Text(parse_wait, WAIT_PATTERN),
        description="Seconds to wait after a change, until the key has reached all of CloudWatch Logs.",
        field="propagation_wait",
    ),
)

PROPERTY_NAMES: Final = tuple(each.name for each in PROPERTIES)
#: Exactly one of these is required.
TARGET_PROPERTIES: Final = tuple(each for each in PROPERTIES if each.targets)
TARGET_NAMES: Final = tuple(each.name for each in TARGET_PROPERTIES)
ENROLLED: Final = tuple(each for each in PROPERTIES if each.enrolled)
