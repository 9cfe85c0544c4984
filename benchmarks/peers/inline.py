"""The function that stands in a template's `ZipFile`, with the answer by `cfnresponse`, which Lambda puts beside it."""

from typing import Any

import boto3
import cfnresponse  # type: ignore[import-not-found] # it lies beside this one in the function


def handler(event: Any, context: Any) -> None:
    """All three events."""
    properties = event["ResourceProperties"]
    try:
        logs = boto3.client("logs")
        if event["RequestType"] == "Delete":
            logs.disassociate_kms_key(logGroupName=properties["LogGroupName"])
        else:
            logs.associate_kms_key(logGroupName=properties["LogGroupName"], kmsKeyId=properties["KmsKeyId"])
        cfnresponse.send(event, context, cfnresponse.SUCCESS, {}, properties["LogGroupName"])
    except Exception as error:  # noqa: BLE001 - whatever it is, the stack has to hear of it
        cfnresponse.send(event, context, cfnresponse.FAILED, {}, properties["LogGroupName"], reason=str(error))
