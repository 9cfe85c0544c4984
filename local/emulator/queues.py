"""Messages that AWS's own services put into SQS queues."""

import json
import uuid
from collections.abc import Mapping
from typing import Any, Final

from local.emulator import seams

_NO_ATTRIBUTES: Final[Mapping[str, str]] = {}


def put(queue_arn: str, body: Any, attributes: Mapping[str, str] = _NO_ATTRIBUTES) -> bool:
    """Put *body*, as JSON, into a queue; whether there is such a queue."""
    queue = seams.QUEUE.get()(queue_arn)
    if queue is None:
        return False
    typed = {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}
    message: dict[str, Any] = {
        "id": str(uuid.uuid4()),
        "body": json.dumps(body),
        "message_attributes": typed,
        "md5_attrs": seams.ATTRIBUTES_DIGEST.get()(typed),
    }
    seams.COMPLETE_MESSAGE.get()(message)
    queue["messages"].append(message)
    return True
