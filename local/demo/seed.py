"""The keys and log groups that events/ names, so that `sam local invoke -e events/create.json` has work to do."""

from typing import Final

from local.client import keys
from local.client.embedded_aws import EmbeddedAws

LOG_GROUPS: Final = ("/aws/lambda/orders", "/aws/lambda/payments")
#: By their ids: the events name keys by ARN. Both serve every log group and query results.
KEY: Final = "1234abcd-12ab-34cd-56ef-1234567890ab"
OTHER_KEY: Final = "0987dcba-09fe-87dc-65ba-ab0987654321"
ALIAS: Final = "alias/logs"
RULE: Final = "log-group-kms-association-enrolment"

#: KMS chooses its ids itself. MiniStack's own tag for choosing one, which local/emulator honours for keys as well.
_CHOSEN_ID: Final = "ms-custom-id"


class SeedError(Exception):
    """The embedded AWS did not take what the events need."""


def seed(aws: EmbeddedAws) -> None:
    """Put log groups, keys and alias into a new embedded AWS.

    Raises:
        SeedError: a key did not get the id that the events name it by.
    """
    for name in LOG_GROUPS:
        aws.client("logs").create_log_group(logGroupName=name)
    # While it is there, the fleet of the enrolment's events is.
    aws.client("events").put_rule(Name=RULE, ScheduleExpression="rate(1 day)")
    for key_id, alias in ((KEY, ALIAS), (OTHER_KEY, None)):
        arn = keys.create(aws, alias, Tags=[{"TagKey": _CHOSEN_ID, "TagValue": key_id}])
        if not arn.endswith(f":key/{key_id}"):
            raise SeedError(f"The key {key_id} of events/*.json became {arn}")
