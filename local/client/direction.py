"""The way from a test or the demo into the running embedded AWS: script faults, read the call log."""

import dataclasses
import json
import urllib.request
from collections import Counter
from typing import Any, Final

from local.emulator.answers import RATE_EXCEEDED
from local.emulator.script import (
    Call,
    CallersKeyUse,
    CustomResourceAnswer,
    Fault,
    Firing,
    LogGroups,
    Quota,
    QuotaFactor,
    ServiceControlPolicy,
    StaleReads,
)

#: No proxy stands before the loopback address.
_DIRECT: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class NotFiredError(Exception):
    """A scheduled rule could not be fired."""


class Direction:
    """The control of the embedded AWS at *endpoint*. What is scripted and logged is forgotten by `reset`."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint

    def answer_with(self, *faults: Fault) -> None:
        """Answer the next calls with these faults; of several for one operation, the first given strikes first."""
        for fault in faults:
            self._ask("fault", fault)

    def show_old_key(self, reads: int, *, log_group: str | None = None, changes: int = 1) -> None:
        """After each of the next *changes* changes, let DescribeLogGroups show the old key for *reads* reads."""
        self._ask("stale-reads", StaleReads(reads, log_group, changes))

    def limit(self, operation: str, per_second: float) -> None:
        """Throttle *operation* beyond *per_second* calls for each account and Region, with a burst of one second.

        Raises:
            ValueError: *operation* names no service.
        """
        self._ask("quota", Quota(operation, per_second))

    def scale_quotas(self, factor: float) -> None:
        """Let every quota of CloudWatch Logs be so many times AWS's own; `quotas.OFF` for none."""
        self._ask("quota-factor", QuotaFactor(factor))

    def deny(self, actions: list[str], log_groups: str) -> None:
        """Deny these actions on log groups of these names to everyone, as a service control policy does."""
        self._ask("deny", ServiceControlPolicy(actions, log_groups))

    def require_key_use(self, *, required: bool = True) -> None:
        """Refuse PutLogEvents, GetLogEvents and FilterLogEvents where the caller may not use the log group's key.

        It takes effect where IAM is enforced, and not for the account's root.
        """
        self._ask("callers-key-use", CallersKeyUse(required))

    def fire(self, rule: str, account: str, region: str) -> None:
        """Let the time of a scheduled rule of the default bus come, now.

        Raises:
            NotFiredError: there is no such rule with a schedule and a target, or it is disabled.
        """
        fired = self._ask("fire", Firing(rule, account, region))
        if not fired["targets"]:
            raise NotFiredError(fired["why"])

    def make_log_groups(self, log_groups: LogGroups) -> None:
        """Make log groups that no call makes: thousands at once, or of AWS's own names, or with no event."""
        self._ask("log-groups", log_groups)

    def expire_tokens(self) -> None:
        """Let every nextToken of DescribeLogGroups and ListLogGroups given so far be a day old."""
        self._ask("expire-tokens")

    def pending(self) -> list[Fault]:
        """Return the faults that have not struck as often as they were to, with what is left of them."""
        return [Fault(**value) for value in self._ask("pending")["values"]]

    def calls(self) -> list[Call]:
        """Return every call of Logs, KMS and Lambda's Invoke since the last reset, in the order of their responses."""
        return [Call(**value) for value in self._ask("calls")["values"]]

    def counts(self, *, by_function: bool | None = None) -> Counter[str]:
        """Count the calls of each operation; *by_function* leaves those by functions, or those by all others."""
        return Counter(call.operation for call in self.calls() if by_function in (None, call.by_function))

    def refused(self, *, by_function: bool | None = None) -> Counter[str]:
        """Count the throttled calls of each operation; *by_function* as for `counts`."""
        throttled = (call for call in self.calls() if call.error == RATE_EXCEEDED.code)
        return Counter(call.operation for call in throttled if by_function in (None, call.by_function))

    def events(self) -> list[dict[str, Any]]:
        """Return every event that CloudFormation has sent to a custom resource since the last reset."""
        events: list[dict[str, Any]] = self._ask("events")["values"]
        return events

    def answers(self) -> list[CustomResourceAnswer]:
        """Return every PUT to a custom resource's ResponseURL since the last reset."""
        return [CustomResourceAnswer(**value) for value in self._ask("answers")["values"]]

    def forget_calls(self) -> None:
        """Forget the calls, the events and the PUTs so far, and leave the script alone."""
        self._ask("forget-calls")

    def forget_script(self) -> None:
        """Drop all faults and denials, have the quotas of the start again, and require no use of keys."""
        self._ask("forget-script")

    def process_id(self) -> int:
        """Return the id of the process that answers at the endpoint.

        Raises:
            OSError: none does.
        """
        return int(self._ask("ping")["pid"])

    def reset(self) -> None:
        """Empty every account, and forget the script and the logs."""
        self._post("/_ministack/reset", b"")

    def _ask(
        self,
        verb: str,
        value: Fault
        | StaleReads
        | Quota
        | QuotaFactor
        | ServiceControlPolicy
        | CallersKeyUse
        | Firing
        | LogGroups
        | None = None,
    ) -> dict[str, Any]:
        body = json.dumps(dataclasses.asdict(value) if value else {}).encode()
        found: dict[str, Any] = json.loads(self._post(f"/_embedded_aws/{verb}", body))
        return found

    def _post(self, path: str, body: bytes) -> bytes:
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(  # noqa: S310 - the endpoint is ours, on loopback
            self._endpoint + path, data=body, headers=headers, method="POST"
        )
        with _DIRECT.open(request, timeout=60) as response:
            found: bytes = response.read()
        return found
