"""The script that a test has written, and the log of calls.

A call may be refused by a fault, a quota or a service control policy, and only then reaches MiniStack and its IAM; it
is logged in any case. In which order AWS asks is not known.
"""

import dataclasses
import fnmatch
from collections.abc import Awaitable, Callable
from typing import Any, Final

from ministack.core.responses import get_account_id, get_region
from ministack.core.router import extract_access_key_id

from local.emulator import answers, seams, wire
from local.emulator.answers import RATE_EXCEEDED, Refusal
from local.emulator.quotas import Quotas
from local.emulator.script import (
    CALLER,
    KEY_ARN,
    TARGET_ARN,
    Call,
    CallersKeyUse,
    CustomResourceAnswer,
    Fault,
    Quota,
    QuotaFactor,
    ServiceControlPolicy,
    StaleReads,
)
from local.emulator.wire import Request, Response

#: The runtime sets it for every function, and botocore passes it on.
_FUNCTIONS_USER_AGENT: Final = "AWS_Lambda_"


@dataclasses.dataclass(slots=True)
class _Armed:
    """A fault and how often it still has to pass and to strike."""

    fault: Fault
    skip: int
    times: int

    def strikes(self, operation: str, log_group: str | None) -> bool:
        """Count this call if the fault is about it, and return whether the fault answers it."""
        if self.times == 0 or operation != self.fault.operation:
            return False
        if self.fault.log_group not in (None, log_group):
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.times -= 1
        return True


class Director:
    """The script and the logs: decides about each call what the script says, and remembers it.

    Args:
        quotas: the quotas that calls are held at.
    """

    def __init__(self, quotas: Quotas) -> None:
        self._quotas = quotas
        self.clear()

    def clear(self) -> None:
        """Forget the script and the logs."""
        self._faults: list[_Armed] = []
        self._stale_reads: list[tuple[StaleReads, list[int]]] = []
        self._denials: list[ServiceControlPolicy] = []
        self._quotas.restore()
        #: Off by default: AWS documents it, and whether AWS enforces it for every caller is not known.
        self.callers_need_keys = False
        self.calls: list[Call] = []
        #: What CloudFormation has sent to custom resources.
        self.events: list[dict[str, Any]] = []
        self.answers: list[CustomResourceAnswer] = []

    def stale_reads_after_change(self, log_group: str) -> int:
        """Return for how many reads the change of this log group's key stays unseen."""
        for script, left in self._stale_reads:
            if left[0] and script.log_group in (None, log_group):
                left[0] -= 1
                return script.reads
        return 0

    def fault_for(self, operation: str, log_group: str | None = None) -> Fault | None:
        """Return the first fault that strikes this call, None if none does."""
        return next((armed.fault for armed in self._faults if armed.strikes(operation, log_group)), None)

    def denies(self, request: Request) -> bool:
        """Return whether a service control policy denies this call."""
        return any(
            fnmatch.fnmatchcase(request.operation, action)
            and fnmatch.fnmatchcase(request.log_group or "", policy.log_groups)
            for policy in self._denials
            for action in policy.actions
        )

    async def direct(self, request: Request, carry_out: Callable[[], Awaitable[Response]]) -> Response:
        """Refuse a call by the script, or carry it out; remember it, and return the response."""
        fault = self.fault_for(request.operation, request.log_group)
        if fault is not None:
            if fault.carried_out:
                await carry_out()
            response = wire.refuse(_in_words(fault, request))
        elif not self._quotas.admit(request.operation, get_account_id(), get_region()):
            response = wire.refuse(RATE_EXCEEDED)
        elif self.denies(request):
            response = wire.refuse(answers.denied_to_all(caller_of(request), request.operation, _target_of(request)))
        else:
            response = await carry_out()
        self.calls.append(_call(request, response))
        return response

    def arm(self, fault: Fault) -> None:
        """Let *fault* strike."""
        self._faults.append(_Armed(fault, fault.skip, fault.times))

    def arm_stale_reads(self, script: StaleReads) -> None:
        """Let changes be seen late."""
        self._stale_reads.append((script, [script.changes]))

    def limit(self, quota: Quota) -> None:
        """Throttle an operation from now on."""
        self._quotas.limit(quota.operation, quota.per_second)

    def scale_quotas(self, factor: QuotaFactor) -> None:
        """Let every quota of Logs be so many times AWS's own."""
        self._quotas.scale(factor.factor)

    def deny(self, policy: ServiceControlPolicy) -> None:
        """Deny calls to everyone, the account's root included."""
        self._denials.append(policy)

    def set_callers_key_use(self, script: CallersKeyUse) -> None:
        """Ask for the key of whoever writes or reads log events, or no longer."""
        self.callers_need_keys = script.required

    def pending(self) -> list[Fault]:
        """Return the faults that still have to strike, with what is left of them."""
        return [dataclasses.replace(a.fault, skip=a.skip, times=a.times) for a in self._faults if a.times]

    def forget_calls(self) -> None:
        """Start the logs anew."""
        self.calls.clear()
        self.events.clear()
        self.answers.clear()

    def forget_script(self) -> None:
        """Let everything pass."""
        self._faults.clear()
        self._stale_reads.clear()
        self._denials.clear()
        self._quotas.restore()
        self.callers_need_keys = False


def caller_of(request: Request) -> str:
    """Return the caller's ARN, as a refusal names it."""
    return str(seams.CALLER.get()(request.headers))


def access_key_of(request: Request) -> str:
    """Return the id of the access key that the call was signed with."""
    return str(extract_access_key_id(request.headers))


def _target_of(request: Request) -> str:
    """Return the ARN that a refusal names."""
    target = request.payload.get("resourceIdentifier") or request.payload.get("resourceArn")
    if target is None and request.log_group is not None:
        target = f"arn:aws:logs:{get_region()}:{get_account_id()}:log-group:{request.log_group}"
    return str(target or "*")


def _in_words(fault: Fault, request: Request) -> Refusal:
    """Return the fault's refusal with its stand-ins filled in."""
    message = fault.message
    for stand_in, value in (
        (TARGET_ARN, _target_of(request)),
        (CALLER, caller_of(request)),
        (KEY_ARN, request.payload.get("kmsKeyId") or request.payload.get("KeyId") or "*"),
    ):
        message = message.replace(stand_in, str(value))
    return Refusal(fault.code, message, fault.status)


def _call(request: Request, response: Response) -> Call:
    return Call(
        operation=request.operation,
        account=get_account_id(),
        region=get_region(),
        log_group=request.log_group,
        by_function=_FUNCTIONS_USER_AGENT in request.headers.get("user-agent", ""),
        caller=caller_of(request),
        status=response[0],
        error=wire.error_code(response),
    )
