"""The quotas: calls made for some seconds as fast as AWS answers, and how many of them it did.

While one of these runs, the account's other callers of the same operation in the Region are refused, too.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

from botocore.exceptions import ClientError

from acceptance.account import WITHOUT_RETRIES
from acceptance.probe import Finding, Verdict, is_throttled, probe
from acceptance.stage import Stage

_CALLERS: Final = 8
#: Seconds between two calls of a caller: enough to be refused, and not more.
_PAUSE: Final = 0.05
#: Calls a second, by the pages on quotas.
_QUOTA: Final = 5.0
_DESCRIBE_QUOTA: Final = 10.0
#: By which part of it a measured rate may be off.
_TOLERANCE: Final = 0.3


@dataclass
class _Calls:
    """The answers of all callers, each with its second."""

    begun: float = field(default_factory=time.monotonic)
    done: list[float] = field(default_factory=list)
    throttled: list[float] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def make(self, call: Callable[[], object]) -> None:
        """Make one call.

        Raises:
            ClientError: AWS refused it, and not because there were too many.
        """
        try:
            call()
        except ClientError as error:
            if not is_throttled(error):
                raise
            self._note(self.throttled)
        else:
            self._note(self.done)

    def _note(self, where: list[float]) -> None:
        with self.lock:
            where.append(time.monotonic() - self.begun)


def _measured(stage: Stage, call: Callable[[], object], quota: float) -> Finding:
    """Call for some seconds. What AWS lets pass from the first refusal on, with nothing saved up, is its rate."""
    seconds = stage.account.waits.pace
    calls = _Calls()

    def keep_calling() -> None:
        while time.monotonic() - calls.begun < seconds:
            calls.make(call)
            time.sleep(_PAUSE)

    with ThreadPoolExecutor(_CALLERS) as pool:
        for caller in [pool.submit(keep_calling) for _ in range(_CALLERS)]:
            caller.result()
    if not calls.throttled:
        return Finding(Verdict.NOT_HELD, f"None of {len(calls.done)} calls in {seconds:.0f} s was refused.")
    first = min(calls.throttled)
    rate = sum(when > first for when in calls.done) / (seconds - first)
    saved = sum(when <= first for when in calls.done)
    said = f"{rate:.1f} a second succeeded from the first refusal on, which came after {first:.1f} s and {saved} calls."
    return Finding.of(abs(rate - quota) <= _TOLERANCE * quota, said)


@probe()
def pace_of_reading_tags(stage: Stage) -> Finding:
    """ListTagsForResource is throttled beyond 5 calls a second.

    Used in `docs/reference/quotas.md:ListTagsForResource`.
    """
    arn = stage.account.log_group_arn(stage.new_log_group("pace/list"))
    logs = stage.account.client("logs", WITHOUT_RETRIES)
    return _measured(stage, lambda: logs.list_tags_for_resource(resourceArn=arn), _QUOTA)


@probe()
def pace_of_writing_tags(stage: Stage) -> Finding:
    """TagResource is throttled beyond 5 calls a second.

    Used in `docs/reference/quotas.md:TagResource`.
    """
    arn = stage.account.log_group_arn(stage.new_log_group("pace/tag"))
    logs = stage.account.client("logs", WITHOUT_RETRIES)
    return _measured(stage, lambda: logs.tag_resource(resourceArn=arn, tags=stage.run.tags), _QUOTA)


@probe()
def pace_of_removing_tags(stage: Stage) -> Finding:
    """UntagResource is throttled beyond 5 calls a second.

    Used in `docs/reference/quotas.md:UntagResource`.
    """
    arn = stage.account.log_group_arn(stage.new_log_group("pace/untag"))
    logs = stage.account.client("logs", WITHOUT_RETRIES)
    return _measured(stage, lambda: logs.untag_resource(resourceArn=arn, tagKeys=["not-there"]), _QUOTA)


@probe()
def pace_of_associating(stage: Stage) -> Finding:
    """AssociateKmsKey is throttled beyond 5 calls a second.

    Used in `src/log_group_kms/retry/policies.py:THROTTLED`, `docs/reference/quotas.md:AssociateKmsKey`.
    """
    name = stage.new_log_group("pace/associate")
    logs = stage.account.client("logs", WITHOUT_RETRIES)
    return _measured(stage, lambda: logs.associate_kms_key(logGroupName=name, kmsKeyId=stage.key), _QUOTA)


@probe()
def pace_of_disassociating(stage: Stage) -> Finding:
    """DisassociateKmsKey, whose quota no page names, is throttled beyond 5 calls a second like AssociateKmsKey.

    Used in `src/log_group_kms/retry/rate_limits.py:RateLimits`.
    """
    name = stage.new_log_group("pace/disassociate")
    logs = stage.account.client("logs", WITHOUT_RETRIES)
    return _measured(stage, lambda: logs.disassociate_kms_key(logGroupName=name), _QUOTA)


@probe()
def pace_of_describing(stage: Stage) -> Finding:
    """DescribeLogGroups is throttled beyond 10 calls a second, where the account has not had that raised.

    Used in `docs/reference/quotas.md:DescribeLogGroups`.
    """
    prefix = stage.run.log_group("pace/")
    logs = stage.account.client("logs", WITHOUT_RETRIES)
    return _measured(stage, lambda: logs.describe_log_groups(logGroupNamePrefix=prefix), _DESCRIBE_QUOTA)


PROBES: Final = (
    pace_of_reading_tags,
    pace_of_writing_tags,
    pace_of_removing_tags,
    pace_of_associating,
    pace_of_disassociating,
    pace_of_describing,
)
