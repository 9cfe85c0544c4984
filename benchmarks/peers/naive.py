"""A first version of the provider: crhelper as its README shows it, with its defaults, around the one call."""

import logging
from typing import Any

import boto3
from crhelper import CfnResource

logger = logging.getLogger(__name__)
helper = CfnResource(json_logging=False, log_level="DEBUG", boto_level="CRITICAL", sleep_on_delete=120)

try:
    logs = boto3.client("logs")
except Exception as error:  # noqa: BLE001 - as crhelper's README has it
    helper.init_failure(error)


@helper.create
@helper.update
def associate(event: Any, _context: Any) -> str:
    """Create and Update."""
    properties = event["ResourceProperties"]
    logs.associate_kms_key(logGroupName=properties["LogGroupName"], kmsKeyId=properties["KmsKeyId"])
    return str(properties["LogGroupName"])


@helper.delete
def disassociate(event: Any, _context: Any) -> None:
    """Delete."""
    logs.disassociate_kms_key(logGroupName=event["ResourceProperties"]["LogGroupName"])


def handler(event: Any, context: Any) -> None:
    """The function's entry point."""
    helper(event, context)
