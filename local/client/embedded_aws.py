"""An AWS account on the loopback address, for tests and for the demo.

with EmbeddedAws.start() as aws:
    aws.client("logs").create_log_group(logGroupName="/orders")
    aws.direction.answer_with(Fault.operation_aborted(times=2))
"""

import contextlib
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Self, TypedDict, Unpack, overload

import boto3
import botocore.session
from botocore.config import Config

from local.client import server
from local.client.direction import Direction
from local.client.server import Server, Settings

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_sts import STSClient

ACCOUNT: Final = "111122223333"
REGION: Final = "eu-west-1"
#: For a caller who minds what is there in the end, and not that the quotas hold it up.
_PATIENT: Final = Config(retries={"mode": "standard", "total_max_attempts": 10}, proxies={})
_NO_RETRIES: Final = Config(retries={"total_max_attempts": 1}, proxies={})


@dataclass(frozen=True, slots=True)
class Credentials:
    """A caller's credentials. A 12-digit access key id is the root of that account."""

    access_key_id: str
    secret_access_key: str = "test"  # noqa: S105 - root's secret is not checked
    session_token: str | None = None


class ClientOptions(TypedDict, total=False):
    """The options of a client: who calls, where, and how."""

    #: Whose root calls; by default that of the default account.
    account: str
    #: By default the default Region.
    region: str
    #: Who calls instead of root.
    credentials: Credentials
    #: As for boto3; by default without retries, so that a test sees each answer as it was given.
    config: Config


class EmbeddedAws:
    """A running embedded AWS.

    Args:
        running: its server.
        settings: what it was started with.
        patient: whether its clients ask again, unless their options say otherwise.
    """

    def __init__(self, running: Server, settings: Settings, *, patient: bool = False) -> None:
        self._server = running
        self._settings = settings
        self.patient = patient
        # Whatever profile the caller has: nothing here is for it.
        no_profile = {"profile": (None, None, None, None)}
        self._session = boto3.Session(botocore_session=botocore.session.Session(session_vars=no_profile))
        self._clients: dict[tuple[str, str, Credentials, Config], Any] = {}
        self._making_clients = threading.Lock()
        #: Faults, quotas, and the log of calls.
        self.direction = Direction(running.endpoint)

    @classmethod
    @contextlib.contextmanager
    def start(cls, *, auth: bool = False, quota_factor: float = 1.0, patient: bool = False) -> Iterator[Self]:
        """Start one, and stop it at the end of the block or of this process, whichever comes first.

        Args:
            auth: whether IAM policies are enforced, on functions' roles too.
            quota_factor: how many times AWS's own the quotas of CloudWatch Logs are (`local.emulator.quotas`); 0 for
                none.
            patient: whether its clients ask again where it refuses for now.

        Raises:
            EmbeddedAwsError: it did not start; the message has the end of its log.
        """
        settings = Settings(ACCOUNT, REGION, auth, quota_factor)
        directory = Path(tempfile.mkdtemp(prefix="embedded-aws-"))
        try:
            running = server.start(settings, directory, with_parent=True)
            aws = cls(running, settings, patient=patient)
            try:
                yield aws
            finally:
                aws.close()
                server.release(running)
        finally:
            server.remove(directory)

    @property
    def endpoint(self) -> str:
        """The URL of every service."""
        return self._server.endpoint

    @property
    def account(self) -> str:
        """The default account."""
        return self._settings.account

    @property
    def region(self) -> str:
        """The default Region."""
        return self._settings.region

    @property
    def environment(self) -> dict[str, str]:
        """The variables that boto3, the AWS CLI and `sam` need, as the account's root in the default Region."""
        return self.environment_of(Credentials(self.account))

    def environment_of(self, credentials: Credentials, *, region: str | None = None) -> dict[str, str]:
        """Return the same variables for another caller or Region."""
        variables = {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": credentials.access_key_id,
            "AWS_SECRET_ACCESS_KEY": credentials.secret_access_key,
            "AWS_DEFAULT_REGION": region or self.region,
            "AWS_REGION": region or self.region,
            "AWS_EC2_METADATA_DISABLED": "true",
            "SAM_CLI_TELEMETRY": "0",
            "NO_PROXY": "127.0.0.1",
            # Python prefers the one in lower case.
            "no_proxy": "127.0.0.1",
        }
        if credentials.session_token:
            variables["AWS_SESSION_TOKEN"] = credentials.session_token
        return variables

    def assume(self, role_arn: str) -> Credentials:
        """Return the credentials of a session of *role_arn*, to see with AUTH what the role may do.

        Raises:
            ClientError: there is no such role, or its trust policy refuses the account's root.
        """
        given = self.client("sts").assume_role(RoleArn=role_arn, RoleSessionName="test")["Credentials"]
        return Credentials(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])

    @overload
    def client(self, service: Literal["logs"], **options: Unpack[ClientOptions]) -> "CloudWatchLogsClient": ...
    @overload
    def client(self, service: Literal["kms"], **options: Unpack[ClientOptions]) -> "KMSClient": ...
    @overload
    def client(self, service: Literal["lambda"], **options: Unpack[ClientOptions]) -> "LambdaClient": ...
    @overload
    def client(
        self, service: Literal["cloudformation"], **options: Unpack[ClientOptions]
    ) -> "CloudFormationClient": ...
    @overload
    def client(self, service: Literal["iam"], **options: Unpack[ClientOptions]) -> "IAMClient": ...
    @overload
    def client(self, service: Literal["s3"], **options: Unpack[ClientOptions]) -> "S3Client": ...
    @overload
    def client(self, service: Literal["ssm"], **options: Unpack[ClientOptions]) -> "SSMClient": ...
    @overload
    def client(self, service: Literal["sts"], **options: Unpack[ClientOptions]) -> "STSClient": ...
    @overload
    def client(self, service: str, **options: Unpack[ClientOptions]) -> Any: ...
    def client(self, service: str, **options: Unpack[ClientOptions]) -> Any:
        """Return a boto3 client, the same one for the same options; these, or `patient`, say whether it retries."""
        credentials = options.get("credentials") or Credentials(options.get("account", self.account))
        region = options.get("region", self.region)
        config = options.get("config", _PATIENT if self.patient else _NO_RETRIES)
        key = (service, region, credentials, config)
        with self._making_clients:
            if key not in self._clients:
                # An Any, because the overloads of boto3's own stubs want a literal.
                make: Any = self._session.client
                self._clients[key] = make(
                    service,
                    endpoint_url=self.endpoint,
                    region_name=region,
                    aws_access_key_id=credentials.access_key_id,
                    aws_secret_access_key=credentials.secret_access_key,
                    aws_session_token=credentials.session_token,
                    config=config,
                )
            return self._clients[key]

    def reset(self) -> None:
        """Empty every account, forget the script and the logs."""
        self.direction.reset()

    def stop(self) -> None:
        """Stop one that was not started as a context manager."""
        self.close()
        server.release(self._server)

    def close(self) -> None:
        """Close the clients that were made."""
        for client in self._clients.values():
            client.close()
        self._clients.clear()
