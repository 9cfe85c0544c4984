"""The key of the results of Logs Insights queries."""

from emulator.accounts import GROUP, key, log_group, log_groups_key, query_results_arn, refusal

from local.client.embedded_aws import EmbeddedAws
from local.client.keys import query_results_statement


def run_query(aws: EmbeddedAws, **where: str) -> str | None:
    """The key that a new query's results are encrypted with."""
    logs = aws.client("logs", region=where.get("region", aws.region))
    query = logs.start_query(logGroupName=GROUP, startTime=0, endTime=1, queryString="fields @message")["queryId"]
    return logs.get_query_results(queryId=query).get("encryptionKey")


def test_query_results_carry_the_key(aws: EmbeddedAws) -> None:
    """A finished query shows the key that was set for the account and Region when it ran."""
    log_group(aws)
    used = key(aws, query_results_statement(aws))
    logs, arn = aws.client("logs"), query_results_arn(aws)

    before = run_query(aws)
    logs.associate_kms_key(resourceIdentifier=arn, kmsKeyId=used)
    during = run_query(aws)
    logs.disassociate_kms_key(resourceIdentifier=arn)

    assert (before, during, run_query(aws)) == (None, used, None)


def test_the_log_groups_statement_does_not_cover_query_results(aws: EmbeddedAws) -> None:
    """Query results need a statement of their own in the key's policy."""
    used, arn = log_groups_key(aws), query_results_arn(aws)

    answer = refusal(lambda: aws.client("logs").associate_kms_key(resourceIdentifier=arn, kmsKeyId=used))

    assert answer == (
        "AccessDeniedException",
        (
            "The specified KMS key does not exist or is not allowed to be used with Arn"
            " 'arn:aws:logs:eu-west-1:111122223333:query-result:*'"
        ),
        400,
    )
