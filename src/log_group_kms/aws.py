"""The ports on boto3, the permissions that each call needs, and the one table from AWS's error codes to types."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as BotocoreConnectionError

from log_group_kms.errors import (
    AccessDenied,
    AlreadyExists,
    ConcurrentChange,
    InvalidParameter,
    KeyNotFound,
    KeyPolicyDenied,
    LimitExceeded,
    NotFound,
    ProviderError,
    Refused,
    ReservedLogGroup,
    RoleDenied,
    Throttled,
    Unavailable,
)
from log_group_kms.model import Claim, KeyArn, KeyDescription, Listed, LogGroup, Page, Place
from log_group_kms.session import new_session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mypy_boto3_kms import KMSClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_logs.type_defs import DescribeLogGroupsRequestTypeDef

    from log_group_kms.model import Fleet, KeyReference, QueryResults, Target

#: Part of the contract: they outlive versions.
OWNER_TAG: Final = "log-group-kms-association:owner"
PREVIOUS_KEY_TAG: Final = "log-group-kms-association:previous-key"
#: On a fleet's log groups only.
SCOPE_TAG: Final = "log-group-kms-association:scope"

#: What the provider's role must be allowed. CloudWatch Logs checks the caller's KMS permissions in AssociateKmsKey
#: (and in CreateLogGroup with a key) on the caller's behalf, hence through kms:ViaService
#: (landing-zone-accelerator#768).
ACTIONS: Final = frozenset(
    {
        "kms:Decrypt",
        "kms:DescribeKey",
        "kms:Encrypt",
        "kms:GenerateDataKey*",
        "kms:ReEncrypt*",
        "lambda:InvokeFunction",
        "logs:AssociateKmsKey",
        "logs:CreateLogGroup",
        "logs:DescribeLogGroups",
        "logs:DisassociateKmsKey",
        "logs:ListTagsForResource",
        "logs:TagResource",
        "logs:UntagResource",
    }
)

#: What the enrolment's role must be allowed.
ENROLMENT_ACTIONS: Final = (ACTIONS - {"logs:CreateLogGroup"}) | {"events:DescribeRule"}

_USER_AGENT: Final = "log-group-kms-association"

#: Seconds. One try: every other is `waiting`'s, which knows the deadline and looks at the claim before it. botocore's
#: own retry of a call that hung may land long after someone else took the log group over. A call that hangs must end
#: within the handler's margin before the function's end.
ONCE: Final = Config(
    retries={"mode": "standard", "total_max_attempts": 1},
    connect_timeout=2,
    read_timeout=8,
    user_agent_extra=_USER_AGENT,
)
#: For what changes nothing on a log group: botocore's standard retries, all of them within the same margin.
QUICKLY: Final = Config(
    retries={"mode": "standard", "total_max_attempts": 3},
    connect_timeout=2,
    read_timeout=4,
    user_agent_extra=_USER_AGENT,
)

#: By code alone. CloudWatch Logs' and KMS's models name them, but for those of `UNMODELLED`.
BY_CODE: Final[Mapping[str, type[Refused]]] = {
    "AccessDeniedException": AccessDenied,
    "DependencyTimeoutException": Unavailable,
    "InvalidArnException": InvalidParameter,
    "InvalidParameterException": InvalidParameter,
    "KMSInternalException": Unavailable,
    "LimitExceededException": LimitExceeded,
    "NotFoundException": KeyNotFound,
    "OperationAbortedException": ConcurrentChange,
    "RequestLimitExceeded": Throttled,
    "ResourceAlreadyExistsException": AlreadyExists,
    "ResourceNotFoundException": NotFound,
    "ServiceUnavailableException": Unavailable,
    "Throttling": Throttled,
    "ThrottlingException": Throttled,
    "TooManyRequestsException": Throttled,
    "TooManyTagsException": LimitExceeded,
    "ValidationException": InvalidParameter,
}
#: The services answer these too, though no model of the operations names them (terraform-provider-aws#29282,
#: aws-cdk#26837).
UNMODELLED: Final = frozenset(
    {
        "AccessDeniedException",
        "RequestLimitExceeded",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "ValidationException",
    }
)

#: AWS has one code for each group of these, so its words must tell them apart (sources: terraform-provider-aws#25258
#: and #29282, landing-zone-accelerator#751 and #768).
_BY_MESSAGE: Final = (
    (AccessDenied, "The specified KMS key does not exist or is not allowed to be used", KeyPolicyDenied),
    (InvalidParameter, "The specified KMS Key Id could not be found", KeyNotFound),
    (InvalidParameter, "Log groups starting with AWS/ are reserved", ReservedLogGroup),
)
_NOT_AUTHORIZED: Final = re.compile(r"is not authorized to perform: (?P<action>[\w-]+:\w+)")


class Unconfigured(ProviderError):  # noqa: N818 - named for what it is
    """No AWS to call: credentials, Region or profile are missing, or the credentials cannot be renewed."""


class CloudWatchLogs:
    """The port `LogGroups` on CloudWatch Logs."""

    def __init__(self, client: CloudWatchLogsClient) -> None:
        self._client = client

    def key_of(self, log_group: LogGroup) -> KeyArn | None:
        """See `ports.LogGroups`.

        A prefix also finds siblings, on several pages, so the exact name is looked for. Authorised on an empty
        log-group name: a policy that is scoped to a name denies it.
        """
        with _refusals("DescribeLogGroups", log_group):
            pages = self._client.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=log_group.name.text)
            for page in pages:
                for found in page["logGroups"]:
                    if found["logGroupName"] == log_group.name.text:
                        return _key(found.get("kmsKeyId"))
        raise NotFound(
            "DescribeLogGroups", "ResourceNotFoundException", "The specified log group does not exist.", log_group.arn
        )

    def page(self, fleet: Fleet, token: str) -> Page:
        """See `ports.LogGroups`. 50 log groups are the most that AWS shows at once."""
        wanted: DescribeLogGroupsRequestTypeDef = {"limit": 50}
        if fleet.prefix:
            wanted["logGroupNamePrefix"] = fleet.prefix
        if token:
            wanted["nextToken"] = token
        with _refusals("DescribeLogGroups", fleet):
            found = self._client.describe_log_groups(**wanted)
        listed = (Listed(group["logGroupName"], _key(group.get("kmsKeyId"))) for group in found["logGroups"])
        return Page(tuple(listed), found.get("nextToken", ""))

    def claim_on(self, log_group: LogGroup) -> Claim | None:
        """See `ports.LogGroups`."""
        with _refusals("ListTagsForResource", log_group):
            tags = self._client.list_tags_for_resource(resourceArn=log_group.arn)["tags"]
        owner = tags.get(OWNER_TAG)
        return Claim.of_tags(owner, tags.get(PREVIOUS_KEY_TAG, ""), tags.get(SCOPE_TAG, "")) if owner else None

    def write_claim(self, log_group: LogGroup, claim: Claim) -> None:
        """See `ports.LogGroups`."""
        with _refusals("TagResource", log_group):
            self._client.tag_resource(resourceArn=log_group.arn, tags=_tags(claim))

    def remove_claim(self, log_group: LogGroup) -> None:
        """See `ports.LogGroups`."""
        with _refusals("UntagResource", log_group):
            self._client.untag_resource(resourceArn=log_group.arn, tagKeys=[OWNER_TAG, PREVIOUS_KEY_TAG, SCOPE_TAG])

    def create(self, log_group: LogGroup, key: KeyArn, claim: Claim) -> None:
        """See `ports.LogGroups`. With tags it needs logs:TagResource too."""
        with _refusals("CreateLogGroup", log_group, key):
            self._client.create_log_group(logGroupName=log_group.name.text, kmsKeyId=key.text, tags=_tags(claim))

    def associate(self, target: LogGroup | QueryResults, key: KeyArn) -> None:
        """See `ports.LogGroups`. Authorised on the ARN with `:*`, unlike the calls on tags."""
        with _refusals("AssociateKmsKey", target, key):
            if isinstance(target, LogGroup):
                self._client.associate_kms_key(logGroupName=target.name.text, kmsKeyId=key.text)
            else:
                self._client.associate_kms_key(resourceIdentifier=target.arn, kmsKeyId=key.text)

    def disassociate(self, target: LogGroup | QueryResults) -> None:
        """See `ports.LogGroups`."""
        with _refusals("DisassociateKmsKey", target):
            if isinstance(target, LogGroup):
                self._client.disassociate_kms_key(logGroupName=target.name.text)
            else:
                self._client.disassociate_kms_key(resourceIdentifier=target.arn)


class Kms:
    """The port `Keys` on KMS; *client* is asked for one when it is first needed: a key ARN needs none."""

    def __init__(self, client: Callable[[], KMSClient]) -> None:
        self._client = client

    def describe(self, key: KeyReference) -> KeyDescription:
        """See `ports.Keys`."""
        with _refusals("DescribeKey", None, key):
            found = self._client().describe_key(KeyId=key.text)["KeyMetadata"]
        return KeyDescription(
            KeyArn(found["Arn"]),
            state=found["KeyState"],
            spec=found["KeySpec"],
            usage=found["KeyUsage"],
            aws_managed=found["KeyManager"] == "AWS",
        )


class Aws:
    """A process's way to AWS: one session (a second one costs a client 30 ms more), and clients as they are needed.

    Args:
        profile: of the caller's configuration; by default the usual search for credentials.
        region: by default the configuration's.

    Raises:
        Unconfigured: there is no such profile.
    """

    def __init__(self, *, profile: str | None = None, region: str | None = None) -> None:
        with configured():
            self._session = new_session(profile=profile, region=region)

    def place(self) -> Place:
        """Where the caller's credentials lead. This call needs no permission.

        Raises:
            Unconfigured: there are no credentials, or there is no Region.
            Refused: the credentials are no good.
        """
        region = self._session.get_config_variable("region")
        if not region:
            raise Unconfigured("No Region is given: use --region, AWS_DEFAULT_REGION, or one in the profile")
        with configured(), _refusals("GetCallerIdentity", None):
            arn = self._client("sts", QUICKLY).get_caller_identity()["Arn"]
        _, partition, _, _, account, _ = arn.split(":", 5)
        return Place(partition, region, account)

    @cached_property
    def log_groups(self) -> CloudWatchLogs:
        """The port on CloudWatch Logs."""
        return CloudWatchLogs(self._client("logs", ONCE))

    @cached_property
    def keys(self) -> Kms:
        """The port on KMS."""
        return Kms(lambda: self._kms_client)

    def invoke_again(self, function_arn: str, event: Mapping[str, Any]) -> None:
        """Let the function go on with *event* in a further, asynchronous invocation.

        Raises:
            Refused: Lambda did not take it.
        """
        with _refusals("Invoke", None):
            client = self._client("lambda", QUICKLY)
            client.invoke(FunctionName=function_arn, InvocationType="Event", Payload=json.dumps(event).encode())

    def has_rule(self, name: str) -> bool:
        """Whether the rule of EventBridge with this *name* is there.

        Raises:
            Refused: EventBridge does not tell.
        """
        try:
            with _refusals("DescribeRule", None):
                self._events_client.describe_rule(Name=name)
        except NotFound:
            return False
        return True

    @cached_property
    def _events_client(self) -> Any:
        return self._client("events", QUICKLY)

    @cached_property
    def _kms_client(self) -> KMSClient:
        client: KMSClient = self._client("kms", QUICKLY)
        return client

    def _client(self, service: str, config: Config) -> Any:
        # An Any: boto3's stubs know the clients of boto3's own method alone, and not of botocore's.
        return self._session.create_client(service, config=config)


@contextmanager
def configured() -> Iterator[None]:
    """Translate what botocore raises where it cannot even call.

    Raises:
        Unconfigured: it could not.
    """
    try:
        yield
    except BotoCoreError as error:
        raise Unconfigured(str(error)) from error


def logs_service_principal(place: Place) -> str:
    """CloudWatch Logs as a key policy names it, `logs.REGION.` and the partition's own domain."""
    partitions = new_session().get_data("partitions")["partitions"]
    (suffix,) = (known["outputs"]["dnsSuffix"] for known in partitions if known["id"] == place.partition)
    return f"logs.{place.region}.{suffix}"


def _key(text: str | None) -> KeyArn | None:
    return KeyArn(text) if text else None


def _tags(claim: Claim) -> dict[str, str]:
    """Another owner's scope is left where it stands: it says nothing beside an owner that is no fleet."""
    scope = {SCOPE_TAG: claim.owner.scope} if claim.owner.scope else {}
    return {OWNER_TAG: claim.owner_tag, PREVIOUS_KEY_TAG: claim.previous_tag, **scope}


@contextmanager
def _refusals(operation: str, target: Target | None, key: KeyReference | None = None) -> Iterator[None]:
    """Translate what boto3 raises."""
    about = (target.arn if target else "", key.text if key else "")
    try:
        yield
    except ClientError as error:
        raise refusal_of(error, operation, *about) from error
    except (HTTPClientError, BotocoreConnectionError) as error:
        raise Unavailable(operation, type(error).__name__, str(error), *about) from error


def refusal_of(error: ClientError, operation: str, target: str = "", key: str = "") -> Refused:
    """What *error* means: by its code, and by AWS's words where one code means several things."""
    code = error.response["Error"].get("Code", "Unknown")
    message = error.response["Error"].get("Message", "")
    kind = BY_CODE.get(code)
    if kind is None:
        status = error.response["ResponseMetadata"].get("HTTPStatusCode", 0)
        kind = Unavailable if status >= HTTPStatus.INTERNAL_SERVER_ERROR else InvalidParameter
        kind = AccessDenied if status == HTTPStatus.FORBIDDEN else kind
    for general, words, special in _BY_MESSAGE:
        if kind is general and words in message:
            kind = special
    missing = _NOT_AUTHORIZED.search(message)
    if kind is AccessDenied and missing:
        return RoleDenied(operation, code, message, target, key, action=missing["action"])
    return kind(operation, code, message, target, key)
