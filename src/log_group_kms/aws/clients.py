"""A process's way to AWS: one session, and a client for each service when it is first needed."""

from __future__ import annotations

import json
from contextlib import contextmanager
from functools import cache, cached_property, partial
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from botocore.config import Config
from botocore.exceptions import BotoCoreError

from log_group_kms.aws.error_codes import translated_errors
from log_group_kms.aws.kms import Kms
from log_group_kms.aws.logs import CloudWatchLogs
from log_group_kms.aws.session import new_session
from log_group_kms.aws.stacks import CloudFormationStacks
from log_group_kms.model.errors import (
    NotFound,
    ProviderError,
)
from log_group_kms.model.targets import Place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mypy_boto3_kms import KMSClient

    from log_group_kms.aws.surroundings import AwsSurroundings

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


class Unconfigured(ProviderError):  # noqa: N818 - named for what it is
    """Credentials, Region or profile are missing, or the credentials cannot be renewed: there is no AWS to call."""


class Aws:
    """A process's way to AWS: one session (a second one costs a client 30 ms more), and clients as they are needed.

    Args:
        profile: of the caller's configuration; by default the usual search for credentials.
        region: by default the configuration's.
        any_service: True for the command line, see `new_session`.

    Raises:
        Unconfigured: there is no such profile.
    """

    def __init__(self, *, profile: str | None = None, region: str | None = None, any_service: bool = False) -> None:
        with configured():
            self._session = new_session(profile=profile, region=region, any_service=any_service)

    def place(self) -> Place:
        """Return the place of the caller's credentials. This call needs no permission.

        Raises:
            Unconfigured: there are no credentials, or there is no Region.
            ApiError: the credentials are no good.
        """
        region = self._session.get_config_variable("region")
        if not region:
            raise Unconfigured(
                "No Region is given: use --region, AWS_DEFAULT_REGION, AWS_REGION, or one in the profile"
            )
        _, partition, _, _, account, _ = self._identity.split(":", 5)
        return Place(partition, region, account)

    @cached_property
    def _identity(self) -> str:
        with configured(), translated_errors("GetCallerIdentity", None):
            arn: str = self._client("sts", QUICKLY).get_caller_identity()["Arn"]
        return arn

    @cached_property
    def log_groups(self) -> CloudWatchLogs:
        """The port on CloudWatch Logs."""
        return CloudWatchLogs(self._client("logs", ONCE))

    @cached_property
    def keys(self) -> Kms:
        """The port on KMS."""
        return Kms(lambda: self._kms_client)

    @cached_property
    def surroundings(self) -> AwsSurroundings:
        """The port of `doctor`; the functions do not load it."""
        from log_group_kms.aws.surroundings import AwsSurroundings  # noqa: PLC0415 - not in the package

        clients = cache(partial(self._client, config=QUICKLY))
        known = frozenset(self._session.get_available_services())
        return AwsSurroundings(lambda name: clients(name) if name in known else None, lambda: self._identity)

    def stacks(self, place: Place) -> CloudFormationStacks:
        """Return the port on CloudFormation, for the stacks of *place*."""
        return CloudFormationStacks(lambda: self._client("cloudformation", QUICKLY), place)

    def invoke_again(self, function_arn: str, event: Mapping[str, Any]) -> None:
        """Let the function go on with *event* in a further, asynchronous invocation.

        Raises:
            ApiError: Lambda did not take it.
        """
        with translated_errors("Invoke", None):
            client = self._client("lambda", QUICKLY)
            client.invoke(FunctionName=function_arn, InvocationType="Event", Payload=json.dumps(event).encode())

    def send_later(self, queue_url: str, event: Mapping[str, Any], seconds: int) -> None:
        """Put *event* into a queue, where nobody sees it for so many *seconds*, 900 at most.

        Raises:
            ApiError: SQS did not take it, or nobody knows.
        """
        with translated_errors("SendMessage", None):
            self._queues_client.send_message(QueueUrl=queue_url, MessageBody=json.dumps(event), DelaySeconds=seconds)

    def show_again(self, queue_url: str, receipt_handle: str, seconds: int) -> None:
        """Let a queue hand a message out again after so many *seconds*, and not when its visibility time-out ends.

        Raises:
            ApiError: SQS did not do so.
        """
        with translated_errors("ChangeMessageVisibility", None):
            self._queues_client.change_message_visibility(
                QueueUrl=queue_url, ReceiptHandle=receipt_handle, VisibilityTimeout=seconds
            )

    def has_rule(self, name: str) -> bool:
        """Return whether the rule of EventBridge with this *name* is there.

        Raises:
            ApiError: EventBridge does not answer.
        """
        try:
            with translated_errors("DescribeRule", None):
                self._events_client.describe_rule(Name=name)
        except NotFound:
            return False
        return True

    @cached_property
    def _events_client(self) -> Any:
        return self._client("events", QUICKLY)

    @cached_property
    def _queues_client(self) -> Any:
        return self._client("sqs", QUICKLY)

    @cached_property
    def _kms_client(self) -> KMSClient:
        client: KMSClient = self._client("kms", QUICKLY)
        return client

    def _client(self, service: str, config: Config) -> Any:
        # An Any: boto3's stubs know the clients of boto3's own method alone, and not of botocore's.
        try:
            client = self._session.create_client(service, config=config)
            # botocore looks at the port only when it calls.
            _ = urlsplit(client.meta.endpoint_url).port
        except ValueError as error:
            raise Unconfigured(f"AWS_ENDPOINT_URL, or endpoint_url in the profile, is no URL: {error}") from error
        return client


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
