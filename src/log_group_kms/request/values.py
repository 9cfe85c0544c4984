"""The values of properties: from the text of a template to the types of the model."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from log_group_kms.model.keys import KeyArn, KeyName
from log_group_kms.model.targets import LOG_GROUP_NAME, Fleet, LogGroup, LogGroupName, QueryResults

if TYPE_CHECKING:
    from log_group_kms.model.keys import KeyReference
    from log_group_kms.model.targets import Place

#: Seconds. CloudFormation's own default and limit (CloudFormation user guide, AWS::CloudFormation::CustomResource).
DEFAULT_SERVICE_TIMEOUT: Final = 3600
#: 1 to 3600, all that CloudFormation takes.
SERVICE_TIMEOUT_PATTERN: Final = "[1-9][0-9]{0,2}|[12][0-9]{3}|3[0-5][0-9]{2}|3600"

#: All that `LogGroupName` and `Fleet` take, for tools that know no Python: names that begin with aws/ are AWS's own.
NAME_PATTERN: Final = rf"(?![aA][wW][sS]/){LOG_GROUP_NAME.pattern}"
NAME_RULE: Final = (
    "it must be 1 to 512 characters of A-Z a-z 0-9 . - _ / #, and must not begin with aws/, which is reserved for AWS"
)
_WORD: Final = "[A-Za-z0-9_-]+"
_LOGS_ARN_BEGIN: Final = f"arn:{_WORD}:logs:{_WORD}:[0-9]{{12}}:"
LOG_GROUP_ARN_PATTERN: Final = rf"{_LOGS_ARN_BEGIN}log-group:{NAME_PATTERN}(?::\*)?"
QUERY_RESULTS_ARN_PATTERN: Final = rf"{_LOGS_ARN_BEGIN}query-result:\*"
_LOGS_ARN_PATTERN: Final = (
    rf"arn:(?P<partition>{_WORD}):logs:(?P<region>{_WORD}):(?P<account>[0-9]{{12}}):"
    r"(?P<kind>log-group|query-result):(?P<name>.+)"
)
#: KMS API reference, DescribeKey and CreateAlias.
_KEY_ID_PATTERN: Final = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|mrk-[0-9a-fA-F]{32}"
_ALIAS_PATTERN: Final = r"alias/[a-zA-Z0-9/_-]{1,250}"
_KMS_ARN_PATTERN: Final = (
    rf"arn:(?P<partition>{_WORD}):kms:(?P<region>{_WORD}):(?P<account>[0-9]{{12}}):"
    rf"(?P<name>key/(?:{_KEY_ID_PATTERN})|{_ALIAS_PATTERN})"
)
#: Seconds, the fewest and the most.
WAIT_BOUNDS: Final = (0, 900)
WAIT_PATTERN: Final = r"0?(?:[0-8]?[0-9]{1,2}|900)"
WAIT_RULE: Final = f"it must be a whole number of seconds from {WAIT_BOUNDS[0]} to {WAIT_BOUNDS[1]}"
KEY_PATTERN: Final = f"{_KEY_ID_PATTERN}|{_ALIAS_PATTERN}|{_KMS_ARN_PATTERN}"
KEY_RULE: Final = "it must be a key ARN, an alias ARN, alias/NAME, a key id or a multi-Region key id (mrk-…)"

_LOGS_ARN: Final = re.compile(_LOGS_ARN_PATTERN)
_KEY: Final = re.compile(KEY_PATTERN)


@dataclass(frozen=True, slots=True)
class Scope:
    """The circumstances that a rule may depend on beside the value.

    Attributes:
        place: partition, Region and account that the provider runs in.
        service_timeout: seconds that CloudFormation waits for the answer.
    """

    place: Place
    service_timeout: int = DEFAULT_SERVICE_TIMEOUT


def parse_key(text: str, scope: Scope) -> KeyReference:
    """Return the key that *text* names.

    Raises:
        ValueError: with the rule that *text* breaks, as from every function here.
    """
    place = scope.place
    key = _KEY.fullmatch(text)
    if not key:
        raise ValueError(KEY_RULE)
    if key["name"] is None:
        return KeyName(text)
    if (key["partition"], key["region"]) != (place.partition, place.region):
        raise ValueError(
            f"the key must be in the Region of the log group, {place.region} ({place.partition}); "
            "a multi-Region key has a replica ARN in each of its Regions"
        )
    return KeyArn(text) if key["name"].startswith("key/") else KeyName(text)


def parse_name(text: str, scope: Scope) -> LogGroup:
    """Return the log group of this name."""
    if text.startswith("arn:"):
        raise ValueError("it must be a name; ResourceIdentifier takes an ARN")
    return LogGroup(scope.place, LogGroupName(text))


def parse_prefix(text: str, scope: Scope) -> Fleet:
    """Return the log groups whose names begin with *text*; all of them, where it is `*`."""
    if text.startswith("arn:"):
        raise ValueError("it must be the beginning of a name, or * for every log group; it is no ARN")
    if text != "*" and "*" in text:
        raise ValueError("it is the beginning of a name, and * stands alone for every log group: leave the * out")
    return Fleet(scope.place, "" if text == "*" else text)


def parse_identifier(text: str, scope: Scope) -> LogGroup | QueryResults:
    """Return the log group, or the query results, with this ARN."""
    place = scope.place
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


def parse_wait(text: str, scope: Scope) -> int:
    """Return the seconds to wait after a change."""
    if not re.fullmatch(WAIT_PATTERN, text):
        raise ValueError(WAIT_RULE)
    if int(text) >= scope.service_timeout:
        raise ValueError(f"it must be below ServiceTimeout, which is {scope.service_timeout}")
    return int(text)
