"""How soon AWS shows what was changed."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from botocore.exceptions import ClientError

from acceptance.account import WITHOUT_RETRIES
from acceptance.probe import Finding, NotRunHereError, Verdict, probe
from acceptance.stage import Stage

#: Changes that are looked at, and looks after each that showed it.
_ROUNDS: Final = 4
_LATER_LOOKS: Final = 3
#: Seconds between two looks: AWS lets tags be read 5 times a second.
_BETWEEN: Final = 0.25
#: Seconds. What a listing shows within this time counts as shown at once: one call and its answer.
_AT_ONCE: Final = 1.0


def _rounds(stage: Stage, change: Callable[[int], object], is_shown: Callable[[int], bool]) -> Finding:
    """Change something several times; return whether the first look saw it, and no later one an older state."""
    late: list[float] = []
    stale = 0
    for number in range(_ROUNDS):
        change(number)
        if not is_shown(number):
            late.append(_seconds_until(stage, partial(is_shown, number)))
        for _ in range(_LATER_LOOKS):
            time.sleep(_BETWEEN)
            stale += not is_shown(number)
    said = f"The first look showed {_ROUNDS - len(late)} of {_ROUNDS} changes"
    said += f", the others came after at most {max(late):.1f} s" if late else ""
    return Finding.of(not late and not stale, f"{said}; {stale} of {_ROUNDS * _LATER_LOOKS} later looks were stale.")


def _seconds_until(stage: Stage, is_shown: Callable[[], bool]) -> float:
    _, after = stage.account.until(
        lambda: is_shown() or None, stage.account.waits.change, "the change is shown", every=_BETWEEN
    )
    return after


@probe()
def key_shown_at_once(stage: Stage) -> Finding:
    """DescribeLogGroups shows a new key at once, and never the old one after that.

    Used in `src/log_group_kms/retry/policies.py:READ_BACK`.
    """
    name = stage.new_log_group("visible/key")
    keys = (stage.key, stage.other_key)

    def change(number: int) -> None:
        stage.account.logs.associate_kms_key(logGroupName=name, kmsKeyId=keys[number % 2])

    return _rounds(stage, change, lambda number: stage.key_of(name) == keys[number % 2])


@probe()
def tags_shown_at_once(stage: Stage) -> Finding:
    """ListTagsForResource shows what TagResource wrote at once, and never the older tags after that.

    Used in `src/log_group_kms/association/claims.py:check_claim`, `docs/reference/tags.md:owner`.
    """
    name = stage.new_log_group("visible/tags")
    arn = stage.account.log_group_arn(name)

    def change(number: int) -> None:
        stage.account.logs.tag_resource(resourceArn=arn, tags={"round": str(number)})

    return _rounds(stage, change, lambda number: stage.tags_of(name).get("round") == str(number))


@probe()
def new_log_group_shown_at_once(stage: Stage) -> Finding:
    """DescribeLogGroups shows a new log group at once.

    Used in `src/log_group_kms/association/gateway.py:wait_for_key`.
    """
    name = stage.new_log_group("visible/new")

    def is_shown() -> bool:
        try:
            stage.key_of(name)
        except LookupError:
            return False
        return True

    if is_shown():
        return Finding(Verdict.HELD, "The first look showed it.")
    return Finding(Verdict.NOT_HELD, f"It was shown after {_seconds_until(stage, is_shown):.1f} s.")


@probe(not_embedded="MiniStack has no ListLogGroups.")
def listing_by_tag(stage: Stage) -> Finding:
    """ListLogGroups with logGroupTags shows a tag late: what a fleet owns is not to be decided by it.

    Used in `src/log_group_kms/fleet/reader.py:FleetReader`.
    """
    logs = stage.account.client("logs", WITHOUT_RETRIES)
    members = logs.meta.service_model.operation_model("ListLogGroups").input_shape.members
    if "logGroupTags" not in members:
        raise NotRunHereError("This botocore knows no logGroupTags of ListLogGroups: update boto3.")
    name = stage.new_log_group("visible/listed")
    tag = {"listed": stage.run.id}
    stage.account.logs.tag_resource(resourceArn=stage.account.log_group_arn(name), tags=tag)
    wanted: Any = {"logGroupTags": [{"key": "listed", "values": [stage.run.id]}]}

    def listed() -> float | None:
        try:
            found = logs.list_log_groups(**wanted)["logGroups"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "ThrottlingException":
                raise
            return None
        return time.monotonic() if name in [each["logGroupName"] for each in found] else None

    _, after = stage.account.until(listed, stage.account.waits.metric, "ListLogGroups shows the tag")
    return Finding.of(after > _AT_ONCE, f"Listed by its tag after {after:.2f} s.")


PROBES: Final = (key_shown_at_once, tags_shown_at_once, new_log_group_shown_at_once, listing_by_tag)
