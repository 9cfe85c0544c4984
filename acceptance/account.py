"""The caller's account and Region: clients, roles, and how long things are waited for."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient

T = TypeVar("T")

#: The suite shares the account's quotas with everybody else in it, and with itself.
_PATIENT: Final = Config(retries={"mode": "standard", "total_max_attempts": 10})
#: So that a probe sees each answer as AWS gave it.
WITHOUT_RETRIES: Final = Config(retries={"total_max_attempts": 1}, max_pool_connections=32)


class NoAccountError(Exception):
    """There are no credentials, or there is no Region."""


class NotSeenError(Exception):
    """What was waited for did not come; the message says what, and for how long."""


@dataclass(frozen=True, slots=True)
class Waits:
    """How long things are waited for, in seconds."""

    #: Until a stack has settled.
    stack: float = 1800.0
    #: Until a new role can be used, or a change is seen.
    change: float = 120.0
    #: Until log lines of a function are there.
    lines: float = 180.0
    #: After which no further log line of a function is expected, nor a log group that it writes into.
    quiet: float = 30.0
    #: Until Lambda gives up an event that it is not let run. It may pause for five minutes between two attempts.
    given_up: float = 600.0
    #: The least age of an event that Lambda takes as MaximumEventAgeInSeconds.
    event_age: int = 60
    #: How long a function is kept busy: longer than that age, and the pause after it.
    busy: int = 420
    #: Until a function that was invoked runs.
    started: float = 10.0
    #: Until a trail's event has reached the enrolment: CloudTrail says 15 minutes.
    trail: float = 900.0
    #: Until CloudWatch shows a new metric.
    metric: float = 900.0
    #: How long calls are made as fast as AWS answers them.
    pace: float = 15.0
    #: Between two looks.
    look: float = 2.0
    #: The ServiceTimeout of the suite's own resources.
    service_timeout: int = 300


#: The embedded AWS answers at once, and tries again within seconds what AWS tries again within minutes.
EMBEDDED: Final = Waits(
    stack=60.0,
    change=10.0,
    lines=20.0,
    quiet=3.0,
    given_up=20.0,
    event_age=1,
    busy=4,
    started=0.5,
    trail=20.0,
    metric=1.0,
    pace=2.5,
    look=0.1,
    service_timeout=60,
)


class Account:
    """The caller's account in one Region.

    Raises:
        NoAccountError: the session has no Region, AWS does not know its credentials, or they are the root user's.
    """

    def __init__(self, session: boto3.Session | None = None) -> None:
        self._session = session or boto3.Session()
        self._clients: dict[tuple[str, Config], Any] = {}
        if not self._session.region_name:
            raise NoAccountError("No Region is set: set AWS_REGION, or a profile that has one.")
        self.region = self._session.region_name
        try:
            identity = self.client("sts").get_caller_identity()
        except (BotoCoreError, ClientError) as error:
            raise NoAccountError(f"AWS does not say who you are: {error}") from error
        self.id = identity["Account"]
        #: The ARN of who runs the suite.
        self.caller = identity["Arn"]
        self.partition = self.caller.split(":")[1]
        if self.caller.endswith(":root") and not self.is_embedded:
            raise NoAccountError("AWS lets the account's root user assume no role: call it as a user or role of IAM.")

    @cached_property
    def is_embedded(self) -> bool:
        """Whether this is the embedded AWS on the loopback address, and no AWS at all."""
        host = urlsplit(self.logs.meta.endpoint_url).hostname or ""
        try:
            return ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"

    @cached_property
    def waits(self) -> Waits:
        """How long things are waited for here."""
        return EMBEDDED if self.is_embedded else Waits()

    @property
    def logs(self) -> "CloudWatchLogsClient":
        """CloudWatch Logs, with retries."""
        client: CloudWatchLogsClient = self.client("logs")
        return client

    @property
    def kms(self) -> "KMSClient":
        """KMS."""
        client: KMSClient = self.client("kms")
        return client

    @property
    def functions(self) -> "LambdaClient":
        """Lambda."""
        client: LambdaClient = self.client("lambda")
        return client

    @property
    def cloudformation(self) -> "CloudFormationClient":
        """CloudFormation."""
        client: CloudFormationClient = self.client("cloudformation")
        return client

    def client(self, service: str, config: Config = _PATIENT) -> Any:
        """Return a client, the same one for the same service and *config*."""
        key = (service, config)
        if key not in self._clients:
            make: Any = self._session.client
            self._clients[key] = make(service, config=config)
        return self._clients[key]

    def logs_as(self, role_arn: str) -> "CloudWatchLogsClient":
        """Return CloudWatch Logs in the name of a role.

        Raises:
            NotSeenError: the role cannot be assumed.
        """

        def assumed() -> Mapping[str, str] | None:
            try:
                answer = self.client("sts").assume_role(RoleArn=role_arn, RoleSessionName="acceptance")
            except ClientError as error:
                if error.response["Error"]["Code"] != "AccessDenied":
                    raise
                return None
            given: Mapping[str, str] = answer["Credentials"]
            return given

        given, _ = self.until(assumed, self.waits.change, f"the role {role_arn} can be assumed")
        make: Any = self._session.client
        logs: CloudWatchLogsClient = make(
            "logs",
            aws_access_key_id=given["AccessKeyId"],
            aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given["SessionToken"],
            config=_PATIENT,
        )
        return logs

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of a resource of this account and Region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.id}:{resource}"

    def log_group_arn(self, name: str) -> str:
        """Return the ARN of a log group, without the suffix."""
        return self.arn("logs", f"log-group:{name}")

    @property
    def query_results(self) -> str:
        """The ARN of the results of all queries."""
        return self.arn("logs", "query-result:*")

    def until(
        self, look: Callable[[], T | None], seconds: float, what: str, *, every: float | None = None
    ) -> tuple[T, float]:
        """Look until there is something; return it, and after how many seconds it was there.

        Args:
            look: returns what there is, None where it is not there yet.
            seconds: for how long.
            what: in the words of the error.
            every: seconds between two looks; by default those of `waits`.

        Raises:
            NotSeenError: it was not there in time.
        """
        begun = time.monotonic()
        while True:
            found = look()
            passed = time.monotonic() - begun
            if found is not None:
                return found, passed
            if passed > seconds:
                raise NotSeenError(f"After {seconds:.0f} s it is not so that {what}")
            time.sleep(self.waits.look if every is None else every)
