"""The values that cross the process boundary: what a test tells the embedded AWS to do, and what it tells back."""

from dataclasses import dataclass, field
from typing import Self

from local.emulator import answers
from local.emulator.answers import Refusal

#: Stand-ins in a fault's message, filled in from the call that is refused.
TARGET_ARN = "{target_arn}"
CALLER = "{caller}"
KEY_ARN = "{key_arn}"


@dataclass(frozen=True, slots=True)
class Fault:
    """Answer the next *times* calls of *operation* with this refusal.

    Operations are written as `logs:AssociateKmsKey`, `kms:DescribeKey`, `lambda:Invoke`, and `cloudformation:Answer`
    for the PUT to a custom resource's ResponseURL. With *log_group*, only calls about that log group count. The first
    *skip* calls pass. With *carried_out* the call is done first, and only its answer is lost.
    """

    operation: str
    code: str
    message: str
    status: int = 400
    times: int = 1
    log_group: str | None = None
    skip: int = 0
    carried_out: bool = False

    @classmethod
    def of(
        cls, refusal: Refusal, operation: str, *, times: int = 1, log_group: str | None = None, skip: int = 0
    ) -> Self:
        """Make the fault that answers *operation* with *refusal*."""
        return cls(operation, refusal.code, refusal.message, refusal.status, times, log_group, skip)

    @classmethod
    def operation_aborted(
        cls, operation: str = "logs:AssociateKmsKey", *, times: int = 1, log_group: str | None = None, skip: int = 0
    ) -> Self:
        """Someone else is changing the log group."""
        return cls.of(answers.OPERATION_ABORTED, operation, times=times, log_group=log_group, skip=skip)

    @classmethod
    def throttled(
        cls, operation: str = "logs:AssociateKmsKey", *, times: int = 1, log_group: str | None = None, skip: int = 0
    ) -> Self:
        """The account's rate is used up."""
        return cls.of(answers.RATE_EXCEEDED, operation, times=times, log_group=log_group, skip=skip)

    @classmethod
    def unavailable(
        cls, operation: str = "logs:AssociateKmsKey", *, status: int = 503, times: int = 1, log_group: str | None = None
    ) -> Self:
        """The service has a bad moment: 500 by the model, 503 as load balancers answer."""
        refusal = Refusal(answers.UNAVAILABLE.code, answers.UNAVAILABLE.message, status)
        return cls.of(refusal, operation, times=times, log_group=log_group)

    @classmethod
    def late_key_policy(cls, *, times: int = 1, log_group: str | None = None) -> Self:
        """The key's policy allows, and the logs service has not seen it yet."""
        refusal = answers.key_denied(TARGET_ARN)
        return cls.of(refusal, "logs:AssociateKmsKey", times=times, log_group=log_group)

    @classmethod
    def late_role_policy(
        cls,
        operation: str = "logs:AssociateKmsKey",
        *,
        action: str | None = None,
        times: int = 1,
        log_group: str | None = None,
    ) -> Self:
        """The caller's role allows, and IAM has not seen it yet; a `kms:` *action* is denied on the key."""
        denied = action or operation
        resource = KEY_ARN if denied.startswith("kms:") else TARGET_ARN
        return cls.of(answers.not_authorized(CALLER, denied, resource), operation, times=times, log_group=log_group)


@dataclass(frozen=True, slots=True)
class StaleReads:
    """After the next *changes* changes of a key, DescribeLogGroups shows the old one for *reads* reads."""

    reads: int
    log_group: str | None = None
    changes: int = 1


@dataclass(frozen=True, slots=True)
class Quota:
    """A limit on the calls of *operation* a second, for each account and Region; more get "Rate exceeded".

    Raises:
        ValueError: *operation* names no service, as in `logs:AssociateKmsKey`: it would limit nothing.
    """

    operation: str
    per_second: float

    def __post_init__(self) -> None:
        if ":" not in self.operation:
            raise ValueError(f"{self.operation} names no service: logs:{self.operation}?")


@dataclass(frozen=True, slots=True)
class QuotaFactor:
    """Every quota of CloudWatch Logs so many times AWS's own; 0 for none."""

    factor: float


@dataclass(frozen=True, slots=True)
class ServiceControlPolicy:
    """A Deny of the organisation's: these actions on log groups of these names, for everyone.

    Both may have wildcards; a call that names no log group has the empty name.
    """

    actions: list[str]
    log_groups: str


@dataclass(frozen=True, slots=True)
class CallersKeyUse:
    """With *required*, whoever writes or reads log events must be allowed to use the log group's key."""

    required: bool


@dataclass(frozen=True, slots=True)
class LogGroups:
    """Log groups to be there, made by nobody's call: of any name, under any key, and with no event about them."""

    names: list[str]
    account: str
    region: str
    key: str | None = None
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Firing:
    """A scheduled rule whose time has come."""

    rule: str
    account: str
    region: str


@dataclass(frozen=True, slots=True)
class Call:
    """A call that arrived, refused ones too."""

    operation: str
    account: str
    region: str
    #: The log group that it was about, where it names one.
    log_group: str | None
    #: Made by a function: it runs with Lambda's `exec-env` in its user agent.
    by_function: bool
    #: The principal's ARN. Without AUTH every caller is the account's root.
    caller: str
    status: int
    #: None where it succeeded.
    error: str | None


@dataclass(frozen=True, slots=True)
class CustomResourceAnswer:
    """A PUT to a ResponseURL as it arrived, and what CloudFormation made of it."""

    request_type: str
    logical_resource_id: str
    #: None where the body has none, or is no JSON object.
    physical_resource_id: str | None
    answer_status: str | None
    reason: str | None
    body: str
    #: The HTTP status that the sender saw.
    http_status: int
    #: `used`; `late` for one that comes after another or after the time-out; otherwise what is wrong with it.
    verdict: str
