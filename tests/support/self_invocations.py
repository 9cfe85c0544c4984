"""A function in the embedded AWS that hands on nothing and keeps what it gets: the further invocations of a handler."""

from __future__ import annotations

import io
import json
import time
import zipfile
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from local.client.embedded_aws import EmbeddedAws

_CODE = "import json\n\n\ndef handler(event, _):\n    print(json.dumps(event))\n"


def keep_invocations(aws: EmbeddedAws, function: str) -> None:
    """Make a *function* that only writes the events that it gets into its log: a test hands them on."""
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as package:
        package.writestr("index.py", _CODE)
    aws.client("lambda").create_function(
        FunctionName=function,
        Role="arn:aws:iam::111122223333:role/function",
        Runtime="python3.13",
        Handler="index.handler",
        Code={"ZipFile": code.getvalue()},
        # Lambda's own 3 s are not always enough for Python's start on a busy machine.
        Timeout=60,
    )


def invocations(aws: EmbeddedAws, function: str, expected: int) -> list[dict[str, Any]]:
    """The events that the *function* was sent: so many."""
    logs = aws.client("logs")
    found: list[dict[str, Any]] = []
    # A busy machine takes its time to start a function.
    for _ in range(600):
        with suppress(logs.exceptions.ResourceNotFoundException):
            written = logs.filter_log_events(logGroupName=f"/aws/lambda/{function}")["events"]
            found = [json.loads(line["message"]) for line in written if line["message"].startswith("{")]
        if len(found) >= expected:
            break
        time.sleep(0.05)
    assert len(found) == expected
    return found
