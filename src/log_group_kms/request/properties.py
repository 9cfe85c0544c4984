"""The properties of the resource, each written down once.

The parse of a template, the settings of the enrolment function and the options of the command line are derived from
`PROPERTIES`. A new property is a field of `Association`, which holds its default as well, by the kind of target where
that matters, and a row here.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

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
    LOG_GROUP_NAME_WITH_WILDCARDS,
    Exclusions,
    Fleet,
    LogGroup,
    QueryResults,
)
from log_group_kms.request.forms import Text, Texts, one_of
from log_group_kms.request.values import (
    DEFAULT_SERVICE_TIMEOUT,
    KEY_PATTERN,
    KEY_RULE,
    LOG_GROUP_ARN_PATTERN,
    NAME_PATTERN,
    NAME_RULE,
    QUERY_RESULTS_ARN_PATTERN,
    SERVICE_TIMEOUT_PATTERN,
    WAIT_BOUNDS,
    WAIT_PATTERN,
    WAIT_RULE,
    parse_identifier,
    parse_key,
    parse_name,
    parse_prefix,
    parse_wait,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from log_group_kms.model.targets import Target
    from log_group_kms.request.values import Scope

#: A template's `Type`.
RESOURCE_TYPE: Final = "Custom::LogGroupKmsAssociation"
#: The name under which the provider's stack exports what a template's `ServiceToken` is.
PROVIDER_EXPORT: Final = "LogGroupKmsAssociation-ServiceToken"


@dataclass(frozen=True, kw_only=True)
class PassedAlong:
    """A property that CloudFormation takes of every custom resource, and passes along.

    Attributes:
        name: CloudFormation's.
        description: what it is for, in a line.
        pattern: what the whole of it matches.
        rule: the pattern in words.
        bounds: of a whole number, the smallest and the largest.
        examples: values that it takes.
        when_missing: what happens without it, and what to do; empty where CloudFormation refuses the template.
    """

    name: str
    description: str
    pattern: str = ".+"
    rule: str = ""
    bounds: tuple[int, int] | None = None
    examples: tuple[str, ...] = ()
    when_missing: str = ""


#: None of this resource's own (CloudFormation template reference, AWS::CloudFormation::CustomResource).
PASSED_ALONG: Final = (
    PassedAlong(
        name="ServiceToken",
        description=f"The provider's ARN, which its stack exports as {PROVIDER_EXPORT}.",
    ),
    PassedAlong(
        name="ServiceTimeout",
        description="Seconds that CloudFormation waits for an answer: 900, for a fleet 3600.",
        pattern=SERVICE_TIMEOUT_PATTERN,
        rule=f"it must be a whole number of seconds from 1 to {DEFAULT_SERVICE_TIMEOUT}",
        bounds=(1, DEFAULT_SERVICE_TIMEOUT),
        examples=("900", "3600"),
        when_missing="CloudFormation waits an hour for an answer that is lost; set 900, for a fleet 3600",
    ),
)
CLOUDFORMATIONS_OWN: Final = tuple(each.name for each in PASSED_ALONG)


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
        patterns: where it names several kinds, what the whole of the value matches for each.
        examples: values that it takes; for a list, items of it.
        not_for: the kinds of target that do not take it, each with the words that say so.
        below: a property whose seconds its own must stay below.
        required: True where no template may leave it out; of those that name a target, exactly one is required.
        option: the command line's; None where it has none.
        enrolled: True where the enrolment function has it as a setting in its environment.
    """

    name: str
    form: Text | Texts
    description: str
    field: str
    targets: tuple[type[Target], ...] = ()
    patterns: Mapping[type[Target], str] = dataclasses.field(default_factory=dict)
    examples: tuple[str, ...] = ()
    not_for: Mapping[type[Target], str] = dataclasses.field(default_factory=dict)
    below: str = ""
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
    form=Text(parse_prefix, rf"\*|{NAME_PATTERN}", rule=f"{NAME_RULE}; or * alone, for every log group"),
    description="The beginning of the names of a fleet's log groups; * for every log group.",
    field="target",
    targets=(Fleet,),
    examples=("/aws/lambda/", "*"),
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
        form=Text(parse_key, KEY_PATTERN, rule=KEY_RULE),
        description="The KMS key: key ARN, alias ARN, alias/NAME, key id or multi-Region key id.",
        field="key",
        examples=("alias/logs", "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"),
        required=True,
        option=Option("key ARN, alias ARN, alias/NAME, key id or mrk- id", metavar="KEY"),
        enrolled=True,
    ),
    Property(
        name="LogGroupName",
        form=Text(parse_name, NAME_PATTERN, rule=NAME_RULE),
        description="The name of one log group.",
        field="target",
        targets=(LogGroup,),
        examples=("/aws/lambda/orders",),
    ),
    Property(
        name="ResourceIdentifier",
        form=Text(
            parse_identifier,
            f"{LOG_GROUP_ARN_PATTERN}|{QUERY_RESULTS_ARN_PATTERN}",
            rule="it must be arn:PARTITION:logs:REGION:ACCOUNT:log-group:NAME or "
            "arn:PARTITION:logs:REGION:ACCOUNT:query-result:*",
        ),
        description="The ARN of one log group, or of all query results of the account and Region.",
        field="target",
        targets=(LogGroup, QueryResults),
        patterns={LogGroup: LOG_GROUP_ARN_PATTERN, QueryResults: QUERY_RESULTS_ARN_PATTERN},
        examples=(
            "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/lambda/orders",
            "arn:aws:logs:eu-west-1:111122223333:query-result:*",
        ),
    ),
    FLEET_TARGET,
    Property(
        name="ExcludeLogGroupNames",
        form=Texts(
            Exclusions,
            LOG_GROUP_NAME_WITH_WILDCARDS.pattern,
            rule="each must be 1 to 512 characters of A-Z a-z 0-9 . - _ / # and * as wildcard",
        ),
        description="Names of log groups that a fleet leaves alone; * stands for any characters.",
        field="exclude",
        examples=("/aws/lambda/scratch-*",),
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
        form=Text(parse_wait, WAIT_PATTERN, rule=WAIT_RULE, bounds=WAIT_BOUNDS),
        description="Seconds to wait after a change, until the key has reached all of CloudWatch Logs.",
        field="propagation_wait",
        examples=("300",),
        below="ServiceTimeout",
    ),
)

PROPERTY_NAMES: Final = tuple(each.name for each in PROPERTIES)
#: Exactly one of these is required.
TARGET_PROPERTIES: Final = tuple(each for each in PROPERTIES if each.targets)
TARGET_NAMES: Final = tuple(each.name for each in TARGET_PROPERTIES)
ENROLLED: Final = tuple(each for each in PROPERTIES if each.enrolled)
