"""The ARNs that AWS authorises calls on, and what it asks of whoever writes and reads."""

import time
from typing import TYPE_CHECKING, Final

from acceptance.drives import require_free_query_results
from acceptance.probe import Answer, Finding, probe
from acceptance.stage import Stage

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_logs.type_defs import InputLogEventTypeDef


@probe()
def suffix_in_policies(stage: Stage) -> Finding:
    """AssociateKmsKey on a log group is authorised on its ARN with the suffix :*, and not on the ARN without it.

    Used in `template.yaml:AssociateAndDisassociate`, `docs/reference/permissions.md:log-group`.
    """
    name = stage.new_log_group("suffix")

    def answer(role: str) -> Answer:
        logs = stage.account.logs_as(stage.foundation[role])
        return Answer.to(lambda: logs.associate_kms_key(logGroupName=name, kmsKeyId=stage.key))

    having, lacking = answer("WithSuffix"), answer("WithoutSuffix")
    held = having.succeeded and lacking.denies("logs:AssociateKmsKey")
    return Finding.of(held, f"With: {having} Without: {lacking}")


@probe()
def query_results_in_policies(stage: Stage) -> Finding:
    """AssociateKmsKey for query results is authorised on the ARN query-result:*.

    Used in `template.yaml:query-result`, `docs/reference/permissions.md:query-result`.
    """
    require_free_query_results(stage, stage.new_log_group("queried-by-role"))
    target = stage.account.query_results
    refused = stage.account.logs_as(stage.foundation["WithSuffix"])
    without = Answer.to(lambda: refused.associate_kms_key(resourceIdentifier=target, kmsKeyId=stage.key))
    allowed = stage.account.logs_as(stage.foundation["QueryResults"])
    try:
        answer = Answer.to(lambda: allowed.associate_kms_key(resourceIdentifier=target, kmsKeyId=stage.key))
    finally:
        stage.account.logs.disassociate_kms_key(resourceIdentifier=target)
    held = answer.succeeded and without.denies("logs:AssociateKmsKey")
    return Finding.of(held, f"With query-result:*: {answer} With one log group: {without}")


@probe()
def empty_name_in_describe(stage: Stage) -> Finding:
    """DescribeLogGroups is authorised on an empty name: log-group:* allows it, a pattern of names does not.

    Used in `template.yaml:FindLogGroups`, `docs/reference/permissions.md:DescribeLogGroups`.
    """
    prefix = stage.run.log_group("")
    own = stage.account.logs_as(stage.foundation["DescribesOwn"])
    everything = stage.account.logs_as(stage.foundation["DescribesAll"])
    narrow = Answer.to(lambda: own.describe_log_groups(logGroupNamePrefix=prefix))
    wide = Answer.to(lambda: everything.describe_log_groups(logGroupNamePrefix=prefix))
    held = wide.succeeded and narrow.denies("logs:DescribeLogGroups")
    return Finding.of(held, f"Wide: {wide} Narrow: {narrow}")


@probe()
def disassociation_without_kms(stage: Stage) -> Finding:
    """DisassociateKmsKey asks for no KMS permission of the caller.

    Used in `src/log_group_kms/association/removal.py:put_back`, `docs/reference/permissions.md:kms`.
    """
    name = stage.new_log_group("disassociated", key=stage.key)
    logs = stage.account.logs_as(stage.foundation["LogsOnly"])
    answer = Answer.to(lambda: logs.disassociate_kms_key(logGroupName=name))
    return Finding.of(answer.succeeded, answer)


def _write_and_read(logs: "CloudWatchLogsClient", name: str) -> tuple[Answer, Answer]:
    event: InputLogEventTypeDef = {"timestamp": int(time.time() * 1000), "message": "written by a probe"}
    written = Answer.to(lambda: logs.put_log_events(logGroupName=name, logStreamName="probe", logEvents=[event]))
    read = Answer.to(lambda: logs.get_log_events(logGroupName=name, logStreamName="probe", startFromHead=True))
    return written, read


@probe()
def writer_without_kms(stage: Stage) -> Finding:
    """A role without KMS permissions can neither write to an encrypted log group nor read from it.

    Used in `docs/reference/permissions.md:enforces`, `docs/explanation/limits.md:enforces`.
    """
    name = stage.new_log_group("written-without", key=stage.key)
    stage.account.logs.create_log_stream(logGroupName=name, logStreamName="probe")
    written, read = _write_and_read(stage.account.logs_as(stage.foundation["LogsOnly"]), name)
    held = written.denies("kms:") and read.denies("kms:")
    return Finding.of(held, f"PutLogEvents: {written} GetLogEvents: {read}")


@probe()
def writer_by_key_policy(stage: Stage) -> Finding:
    """The statement for the account's principals through CloudWatch Logs is enough for a role to write and read.

    Used in `examples/log-group.yaml:TheAccountUsesItThroughCloudWatchLogs`, `docs/reference/permissions.md`.
    """
    name = stage.new_log_group("written-with", key=stage.foundation["OpenKey"])
    stage.account.logs.create_log_stream(logGroupName=name, logStreamName="probe")
    written, read = _write_and_read(stage.account.logs_as(stage.foundation["LogsOnly"]), name)
    return Finding.of(written.succeeded and read.succeeded, f"PutLogEvents: {written} GetLogEvents: {read}")


PROBES: Final = (
    suffix_in_policies,
    query_results_in_policies,
    empty_name_in_describe,
    disassociation_without_kms,
    writer_without_kms,
    writer_by_key_policy,
)
