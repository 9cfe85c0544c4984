"""How soon AWS shows what was changed."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from botocore.exceptions import ClientError

from acceptance.account import WITHOUT_RETRIES
from acceptance.probe import Finding, NotRunHereError, probe
from acceptance.stage import Stage

#: Changes that are looked at, and looks after each that showed it.
_ROUNDS: Final = 4
_LATER_LOOKS: Final = 3
#: Seconds between two looks: AWS lets tags be read 5 times a second.
_BETWEEN: Final = 0.25
#: Seconds. What is shown within this time counts as shown at once: one call and its answer.
_AT_ONCE: Final = 1.0


def _rounds(stage: Stage, change: Callable[[int], object], is_shown: Callable[[int], bool]) -> Finding:
    """Change something several times; return how late it was seen, and whether an older state was seen after it."""
    late, stale = [], 0
    for number in range(_ROUNDS):
        change(number)
        _, after = stage.account.until(
            partial(_or_none, is_shown, number),
            stage.account.waits.change,
            "the change is shown",
            every=_BETWEEN,
        )
        late.append(after)
        for _ in range(_LATER_LOOKS):
            time.sleep(_BETWEEN)
            stale += not is_shown(number)
    said = f"Shown after at most {max(late):.2f} s in {_ROUNDS} changes; "
    said += f"{stale} of {_ROUNDS * _LATER_LOOKS} later looks were stale."
    return Finding.of(max(late) <= _AT_ONCE and not stale, said)


def _or_none(is_shown: Callable[[int], bool], number: int) -> bool | None:
    return is_shown(number) or None


@probe()
def key_shown_at_once(stage: Stage) -> Finding:
    """DescribeLogGroups shows a new key within a second, and never the old one after that.

    Used in `src/log_group_kms/retry/policies.py:READ_BACK`.
    """
    name = stage.new_log_group("visible/key")
    keys = (stage.key, stage.other_key)

    def change(number: int) -> None:
        stage.account.logs.associate_kms_key(logGroupName=name, kmsKeyId=keys[number % 2])

    return _rounds(stage, change, lambda number: stage.key_of(name) == keys[number % 2])


@probe()
def tags_shown_at_once(stage: Stage) -> Finding:
    """ListTagsForResource shows what TagResource wrote within a second, and never the older tags after that.

    Used in `src/log_group_kms/association/claims.py:check_claim`, `docs/reference/tags.md:owner`.
    """
    name = stage.new_log_group("visible/tags")
    arn = stage.account.log_group_arn(name)

    def change(number: int) -> None:
        stage.account.logs.tag_resource(resourceArn=arn, tags={"round": str(number)})

    return _rounds(stage, change, lambda number: stage.tags_of(name).get("round") == str(number))


@probe()
def new_log_group_shown_at_once(stage: Stage) -> Finding:
    """DescribeLogGroups shows a new log group within a second.

    Used in `src/log_group_kms/association/gateway.py:wait_for_key`.
    """
    name = stage.new_log_group("visible/new")

    def shown() -> bool | None:
        try:
            stage.key_of(name)
        except LookupError:
            return None
        return True

    _, after = stage.account.until(shown, stage.account.waits.change, "the log group is shown", every=_BETWEEN)
    return Finding.of(after <= _AT_ONCE, f"Shown after {after:.2f} s.")


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
