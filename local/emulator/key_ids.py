"""KMS keys with an id of one's choice, for programs that have written a key's ARN down. AWS has no such thing.

MiniStack knows a tag for it, `ms-custom-id`, where resources have ids that others write down; for keys it has not.
"""

import json
from typing import Any, Final

from local.emulator import operations, seams, wire
from local.emulator.operations import Handler
from local.emulator.wire import Response

_TAG: Final = "ms-custom-id"


def install() -> None:
    """Let CreateKey honour the tag."""
    operations.wrap("kms", _choosing)


def _choosing(handle: Handler) -> Handler:
    async def choosing(method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Response:
        response = await handle(method, path, headers, body, query)
        request = wire.parse(method, path, headers, body)
        if request is None or request.operation != "kms:CreateKey" or wire.error_code(response):
            return response
        tags = {tag.get("TagKey"): tag.get("TagValue") for tag in request.payload.get("Tags") or []}
        return _renamed(response, tags[_TAG]) if _TAG in tags else response

    return choosing


def _renamed(response: Response, key_id: str) -> Response:
    status, headers, body = response
    made = wire.object_in(body)["KeyMetadata"]["KeyId"]
    record = seams.KEYS.get().pop(made)
    record["KeyId"], record["Arn"] = key_id, record["Arn"].replace(made, key_id)
    seams.KEYS.get()[key_id] = record
    return status, headers, json.dumps(wire.object_in(body)).replace(made, key_id).encode()
