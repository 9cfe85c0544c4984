"""The waker: hands an event back to the provider when its PropagationWaitSeconds are over.

The provider puts the event into a queue, where nobody sees it until then, and the event source mapping brings it here.
The provider is invoked asynchronously, as CloudFormation does it: so Lambda keeps the event where the provider is
throttled, and the responder answers where the provider dies. Where the provider cannot even be invoked, this function
gives the answer itself.

Nothing of the provider is in it: the standard library, the responder, and the runtime's botocore.
"""

import json
import os
from functools import cache
from typing import Any

import responder

#: A message is tried so often, each time after the queue's visibility time-out.
MOST_RECEIVES = 5


def handler(event: dict[str, Any], context: Any) -> None:
    """Hand the event in each message on; if this raises, the queue shows the message again."""
    for message in event["Records"]:
        try:
            _invoke_provider(message["body"])
        except Exception as error:  # noqa: BLE001 - whatever it is, CloudFormation waits
            if int(message["attributes"]["ApproximateReceiveCount"]) < MOST_RECEIVES:
                # Its own words may quote the event, and with it the ResponseURL.
                raise NotWoken(f"The provider could not be invoked: {_kind(error)}") from None
            responder.handler(_record(message["body"], _kind(error), context), context)


class NotWoken(Exception):  # noqa: N818 - as the responder's
    """The event is still in the queue; neither the text nor a cause holds the ResponseURL."""


def _invoke_provider(event: str) -> None:
    _lambda().invoke(FunctionName=os.environ["PROVIDER_FUNCTION"], InvocationType="Event", Payload=event.encode())


@cache
def _lambda() -> Any:
    # Here, and not on top: what cannot be imported is answered, too.
    import botocore.session  # noqa: PLC0415 - as above
    from botocore.config import Config  # noqa: PLC0415 - as above

    # All attempts fit into the function's time.
    once = Config(connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 2})
    return botocore.session.get_session().create_client("lambda", config=once)


def _kind(error: Exception) -> str:
    """Return AWS's error code, or the class of the *error*."""
    code = getattr(error, "response", {}).get("Error", {}).get("Code")
    return str(code or type(error).__name__)


def _record(event: str, why: str, context: Any) -> dict[str, Any]:
    """Return the record of a failed invocation, as Lambda would write it for the responder."""
    return {
        "requestContext": {"condition": "it could not be invoked again", "requestId": context.aws_request_id},
        "requestPayload": json.loads(event),
        "responsePayload": {"errorType": why},
    }
