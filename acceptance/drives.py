"""The provider driven through CloudFormation: each drive makes what it needs, and deletes its own stack."""

import json
import time
from collections.abc import Callable
from typing import Any

from acceptance.deployment import HANDLER
from acceptance.probe import Finding, NotRunHereError, probe
from acceptance.stacks import CREATED, associations
from acceptance.stage import OWNER_TAG, Stage


def _template(stage: Stage, **properties: Any) -> str:
    return associations(stage.run, stage.account.waits.service_timeout, LogEncryption=properties)


def _seen(steps: dict[str, bool]) -> Finding:
    """Return that all steps went as they should, or which did not."""
    failed = [step for step, went_well in steps.items() if not went_well]
    return Finding.of(not failed, f"Not so: {'; '.join(failed)}." if failed else f"{'; '.join(steps)}.")


@probe()
def one_log_group(stage: Stage) -> Finding:
    """A stack puts one log group under a key, then under another one; its deletion gives back the key before.

    Used in `examples/log-group.yaml:LogGroupName`, `src/log_group_kms/association/log_group.py:LogGroupRules`.
    """
    log_group = stage.new_log_group("one", key=stage.other_key)
    name = stage.run.stack("one")
    stage.stacks.create(name, _template(stage, LogGroupName=log_group, KmsKeyId=stage.key))
    created = stage.key_of(log_group) == stage.key
    claimed = stage.tags_of(log_group).get(OWNER_TAG, "").startswith(f"one:{name}/")
    stage.stacks.update(name, _template(stage, LogGroupName=log_group, KmsKeyId=stage.foundation["OpenKey"]))
    updated = stage.key_of(log_group) == stage.foundation["OpenKey"]
    stage.stacks.delete(name)
    return _seen(
        {
            "created under the key": created,
            "claimed by a tag": claimed,
            "updated to another key": updated,
            "given back on deletion": stage.key_of(log_group) == stage.other_key,
            "tags removed": OWNER_TAG not in stage.tags_of(log_group),
        }
    )


@probe()
def fleet(stage: Stage) -> Finding:
    """A stack puts all log groups of a prefix under a key, keeps another key by default, and gives all back.

    Used in `docs/how-to/fleet.md:LogGroupNamePrefix`, `src/log_group_kms/fleet/rules.py:FleetRules`.
    """
    bare = [stage.new_log_group(f"team/{number}") for number in range(3)]
    teams = stage.new_log_group("team/own", key=stage.other_key)
    name = stage.run.stack("fleet")
    prefix = stage.run.log_group("team/")
    outputs = stage.stacks.create(name, _template(stage, LogGroupNamePrefix=prefix, KmsKeyId=stage.key))
    covered = [stage.key_of(each) for each in bare]
    kept = stage.key_of(teams)
    stage.stacks.delete(name)
    return _seen(
        {
            "three log groups under the key": covered == [stage.key] * 3,
            "the team's key kept": kept == stage.other_key,
            "counted so": [outputs[f"LogEncryption{each}"] for each in ("MatchedCount", "AssociatedCount")]
            == ["4", "3"],
            "given back on deletion": [stage.key_of(each) for each in (*bare, teams)] == ["", "", "", stage.other_key],
        }
    )


@probe()
def query_results(stage: Stage) -> Finding:
    """A stack puts the results of queries under a key, and its deletion takes it away.

    Used in `examples/query-results.yaml`, `src/log_group_kms/association/query_results.py:QueryResultsRules`.
    """
    log_group = stage.new_log_group("queried")
    require_free_query_results(stage, log_group)
    name = stage.run.stack("queries")
    target = stage.account.query_results
    stage.stacks.create(name, _template(stage, ResourceIdentifier=target, KmsKeyId=stage.key))
    created, after = _until_results_have(stage, log_group, stage.key)
    stage.stacks.delete(name)
    gone, _ = _until_results_have(stage, log_group, "")
    return _seen({f"created under the key, seen after {after:.0f} s": created, "taken away on deletion": gone})


def require_free_query_results(stage: Stage, log_group: str) -> None:
    """Make sure that nobody else's key is touched: there is one for the account and Region.

    Raises:
        NotRunHereError: there is a key already.
    """
    if stage.query_results_key(log_group):
        raise NotRunHereError("The query results of this account and Region have a key already, which stays untouched.")


def _until_results_have(stage: Stage, log_group: str, key: str) -> tuple[bool, float]:
    def seen() -> bool | None:
        return stage.query_results_key(log_group) == key or None

    return stage.account.until(seen, stage.account.waits.change, "the query results show the key")


@probe()
def enrolment(stage: Stage) -> Finding:
    """The enrolment puts a new log group under the fleet's key, given the event that EventBridge would hand to it.

    Used in `template.yaml:EnrolmentFunction`, `src/log_group_kms/handlers/enrolment.py:handler`.
    """
    log_group = stage.new_log_group("enrolled/by-event")
    record = {
        "eventSource": "logs.amazonaws.com",
        "eventName": "CreateLogGroup",
        "requestParameters": {"logGroupName": log_group},
    }
    event = {"detail-type": "AWS API Call via CloudTrail", "source": "aws.logs", "detail": record}
    _invoke_enrolment(stage, {**event, "account": stage.account.id, "region": stage.account.region})
    after = _seconds_until(stage, lambda: stage.key_of(log_group) == stage.key, "the new log group is under the key")
    owner = stage.tags_of(log_group).get(OWNER_TAG, "")
    return _seen({f"under the key after {after:.0f} s": True, "claimed for the fleet": owner.startswith("fleet:")})


@probe()
def reconciliation(stage: Stage) -> Finding:
    """The reconciliation puts back a key that somebody took away by hand.

    Used in `template.yaml:ReconcileRule`, `src/log_group_kms/fleet/upkeep.py:Upkeep`.
    """
    log_group = stage.run.log_group("enrolled/before")
    before = stage.key_of(log_group) == stage.key
    stage.account.logs.disassociate_kms_key(logGroupName=log_group)
    taken = stage.key_of(log_group) == ""
    _invoke_enrolment(stage, {"Reconcile": True})
    after = _seconds_until(stage, lambda: stage.key_of(log_group) == stage.key, "the key is put back")
    return _seen({"in the provider's own fleet": before, "taken by hand": taken, f"put back after {after:.0f} s": True})


def _invoke_enrolment(stage: Stage, event: dict[str, Any]) -> None:
    name = stage.run.stack("enrolment")
    stage.account.functions.invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps(event).encode())


def _seconds_until(stage: Stage, is_so: Callable[[], bool], what: str) -> float:
    return stage.account.until(lambda: is_so() or None, stage.account.waits.lines, what)[1]


@probe()
def dying_provider(stage: Stage) -> Finding:
    """CloudFormation hears within minutes of a provider that dies: the responder answers, and the stack rolls back.

    Used in `src/responder.py:response_to`, `template.yaml:OnFailure`.
    """
    log_group = stage.new_log_group("dying")
    name = stage.run.stack("dying")
    begun = time.monotonic()
    try:
        set_handler(stage, "there_is.no_such_module")
        status = stage.stacks.change("create_stack", name, _template(stage, LogGroupName=log_group, KmsKeyId=stage.key))
        reason = next(iter(stage.stacks.failures(name)), "")
    finally:
        set_handler(stage, HANDLER)
    took = time.monotonic() - begun
    stage.stacks.delete(name)
    answered = "The provider's function failed" in reason
    untouched = stage.key_of(log_group) == ""
    held = answered and status not in (CREATED, "") and untouched
    return Finding.of(held, f"{status} after {took:.0f} s: {reason}")


def set_handler(stage: Stage, handler: str) -> None:
    """Let the provider's function run this handler from now on."""
    functions = stage.account.functions
    functions.update_function_configuration(FunctionName=stage.run.name, Handler=handler)

    def updated() -> bool | None:
        found = functions.get_function_configuration(FunctionName=stage.run.name)
        return found.get("LastUpdateStatus") == "Successful" or None

    stage.account.until(updated, stage.account.waits.change, "the function is updated")


DRIVES = (one_log_group, fleet, query_results, enrolment, reconciliation, dying_provider)
