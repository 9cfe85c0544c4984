"""Does what AWS's `cfnresponse` module does, in words of our own: one PUT by urllib3, and no second try.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/cfn-lambda-function-code-cfnresponsemodule.html
"""

import json
from typing import Any

import urllib3

SUCCESS, FAILED = "SUCCESS", "FAILED"

_http = urllib3.PoolManager()


def send(  # noqa: PLR0913 - as it has them
    event: Any, context: Any, status: str, data: Any, physical_id: str = "", *, no_echo: bool = False, reason: str = ""
) -> None:
    """Answer *event*; an error is printed."""
    body = {
        "Status": status,
        "Reason": reason or f"See the details in CloudWatch Log Stream: {context.log_stream_name}",
        "PhysicalResourceId": physical_id or context.log_stream_name,
        **{name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")},
        "NoEcho": no_echo,
        "Data": data,
    }
    encoded = json.dumps(body)
    headers = {"content-type": "", "content-length": str(len(encoded))}
    try:
        response = _http.request("PUT", event["ResponseURL"], headers=headers, body=encoded)
        print("Status code:", response.status)
    except Exception as error:  # noqa: BLE001 - as it does
        print("send(..) failed executing http.request(..):", error)
