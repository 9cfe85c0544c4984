"""A CloudFormation double: hands out events with pre-signed URLs, and holds every response against the protocol.

It is a real HTTP server on loopback. A violation does not end the test on the spot (the server has threads of its own,
and the provider would retry): all are raised together when the double is closed.

The protocol: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html
"""

from __future__ import annotations

import json
import select
import threading
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote
from uuid import uuid4

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator, Mapping

LONGEST_BODY: Final = 4096
LONGEST_PHYSICAL_ID: Final = 1024
STACK_ID: Final = (
    "arn:aws:cloudformation:eu-west-1:111122223333:stack/landing-zone/6d3c4a70-9c1e-11ef-8a2b-0a58a9feac02"
)
SERVICE_TOKEN: Final = "arn:aws:lambda:eu-west-1:111122223333:function:log-group-kms-association"
RESOURCE_TYPE: Final = "Custom::LogGroupKmsAssociation"

#: With all that a library may be tempted to encode anew, or to decode: "%2B" and "+", "%2F", "%3D", "~".
CREDENTIAL: Final = "AKIAIOSFODNN7EXAMPLE%2F20260105%2Feu-west-1%2Fs3%2Faws4_request"
SECURITY_TOKEN: Final = "IQoJb3JpZ2luX2VjE%2B%2FExample~To+ken%3D%3D"


class ProtocolViolated(AssertionError):  # noqa: N818 - it says what happened, as the provider's errors do
    """The real CloudFormation would have dropped a response, or taken a wrong one."""


class Fault(Enum):
    """The ways in which the far side fails to answer a request with a status."""

    DROP = "close the connection without a word"
    HANG = "take the request and never answer"


@dataclass(frozen=True, slots=True)
class ReceivedResponse:
    """A response that CloudFormation took."""

    status: str
    reason: str
    physical_resource_id: str
    data: Mapping[str, str]
    no_echo: bool


@dataclass(slots=True)
class _Pending:
    """An event that was handed out, and what came back for it."""

    event: dict[str, Any]
    attempts: int = 0
    accepted: list[ReceivedResponse] = field(default_factory=list)


class CloudFormation:
    """Made by `start`; one instance stands for one account's CloudFormation."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.violations: list[str] = []
        #: Statuses and faults for the next requests; a callable is waited for, then the request is taken.
        self._script: deque[int | Fault | Callable[[], object]] = deque()
        self._pending: dict[str, _Pending] = {}
        self._closing = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.cloudformation = self
        self._origin = f"http://127.0.0.1:{self._server.server_port}"
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
            self._origin = f"https://localhost:{self._server.server_port}"

    @classmethod
    @contextmanager
    def start(cls, tls: ssl.SSLContext | None = None) -> Iterator[CloudFormation]:
        """Run until the block ends; raises what the provider did wrong meanwhile."""
        cloudformation = cls(tls)
        thread = threading.Thread(target=cloudformation._server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield cloudformation
        finally:
            cloudformation.close()
            thread.join()
        if cloudformation.violations:
            raise ProtocolViolated("\n".join(cloudformation.violations))

    def close(self) -> None:
        """Refuse connections from now on."""
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()

    def will(self, *reactions: int | Fault | Callable[[], object]) -> None:
        """Script the next requests, in this order; whatever follows is taken with 200."""
        self._script.extend(reactions)

    def event(
        self,
        request_type: str,
        *,
        properties: Mapping[str, Any] | None = None,
        old_properties: Mapping[str, Any] | None = None,
        logical_resource_id: str = "LogEncryption",
        physical_resource_id: str | None = None,
        service_timeout: int | None = None,
        stack_id: str = STACK_ID,
        sent_at: datetime | None = None,
    ) -> dict[str, Any]:
        """Return an event as CloudFormation sends it; scalars in its properties become strings, as they do there."""
        timeout = {} if service_timeout is None else {"ServiceTimeout": service_timeout}
        token = {"ServiceToken": SERVICE_TOKEN, **timeout}
        event: dict[str, Any] = {
            "RequestType": request_type,
            "ServiceToken": SERVICE_TOKEN,
            "StackId": stack_id,
            "RequestId": str(uuid4()),
            "LogicalResourceId": logical_resource_id,
            "ResourceType": RESOURCE_TYPE,
            "ResourceProperties": _stringified({**token, **(properties or {})}),
        }
        if physical_resource_id is not None:
            event["PhysicalResourceId"] = physical_resource_id
        if old_properties is not None:
            event["OldResourceProperties"] = _stringified({**token, **old_properties})
        return self.sending(event, sent_at)

    def sending(self, event: Mapping[str, Any], sent_at: datetime | None = None) -> dict[str, Any]:
        """Return *event* with a ResponseURL of this double."""
        target = _presigned_target(event["StackId"], event["LogicalResourceId"], sent_at or datetime.now(UTC))
        sent = {**event, "ResponseURL": f"{self._origin}{target}"}
        self._pending[target] = _Pending(json.loads(json.dumps(sent)))
        return sent

    def responses_to(self, event: Mapping[str, Any]) -> list[ReceivedResponse]:
        """Return all that were taken: one, or none."""
        return self._pending_of(event).accepted

    def response_to(self, event: Mapping[str, Any]) -> ReceivedResponse:
        """Return the one response."""
        responses = self.responses_to(event)
        assert len(responses) == 1, f"{len(responses)} responses to {event['RequestId']}"
        return responses[0]

    def attempts_at(self, event: Mapping[str, Any]) -> int:
        """Return how many requests came for *event*, taken or not."""
        return self._pending_of(event).attempts

    def _pending_of(self, event: Mapping[str, Any]) -> _Pending:
        (pending,) = [each for each in self._pending.values() if each.event["RequestId"] == event["RequestId"]]
        return pending

    def reaction(self) -> int | Fault:
        """Return what the script says to this request."""
        reaction = self._script.popleft() if self._script else 200
        if isinstance(reaction, int | Fault):
            return reaction
        reaction()
        return 200

    def hang(self) -> None:
        """Wait until the test is over."""
        self._closing.wait()

    def violated(self, rule: str) -> None:
        """Remember it for the end of the test."""
        self.violations.append(rule)

    def arrived(self, target: str, headers: Mapping[str, str], body: bytes) -> tuple[_Pending, ReceivedResponse] | None:
        """Hold one request against the protocol, whatever the script then does with it."""
        pending = self._pending.get(target)
        if pending is None:
            self.violated(f"a request target that was never handed out, or was re-encoded: {target}")
            return None
        pending.attempts += 1
        for rule in _broken_rules(pending.event, headers, body):
            self.violated(rule)
        return (pending, _received(body)) if _is_object(body) else None

    def accept(self, pending: _Pending, response: ReceivedResponse) -> None:
        """Take *response*; the second one for an event is a violation."""
        pending.accepted.append(response)
        if len(pending.accepted) > 1:
            self.violated(f"{len(pending.accepted)} responses to one event: {pending.accepted}")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # The threads of hanging requests end with the test, so there is nothing to wait for.
    block_on_close = False
    cloudformation: CloudFormation


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_PUT(self) -> None:
        """Take one attempt at a response."""
        cloudformation = self.server.cloudformation
        if "Content-Length" not in self.headers:
            cloudformation.violated("no Content-Length")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        arrived = cloudformation.arrived(self.path, dict(self.headers), body)
        match cloudformation.reaction():
            case Fault.DROP:
                self.close_connection = True
            case Fault.HANG:
                cloudformation.hang()
                self.close_connection = True
            case int(status):
                if arrived and status in range(200, 300) and not self._is_given_up():
                    cloudformation.accept(*arrived)
                self._respond(status)

    def _is_given_up(self) -> bool:
        """Return whether the sender has hung up: on a machine so busy, it tries the same response again."""
        readable, _, _ = select.select([self.connection], [], [], 0)
        return bool(readable)

    def _respond(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        if status in range(300, 400):
            self.send_header("Location", "/elsewhere")
        if status >= 429:
            # Nobody has that much time.
            self.send_header("Retry-After", "3600")
        self.end_headers()

    def _no_put(self) -> None:
        self.server.cloudformation.violated(f"{self.command} instead of PUT")
        self._respond(405)

    do_GET = do_POST = do_HEAD = do_DELETE = do_PATCH = _no_put  # noqa: N815 - http.server's names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing: the access log would hold the URL, which tests look for in all that is written."""


def _presigned_target(stack_id: str, logical_resource_id: str, sent_at: datetime) -> str:
    """Return the target as the real ones are: the key is STACK_ID|LOGICAL_ID|UUID, encoded but for its slashes."""
    key = quote(f"{stack_id}|{logical_resource_id}|{uuid4()}", safe="/~")
    query = (
        f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date={sent_at:%Y%m%dT%H%M%SZ}&X-Amz-SignedHeaders=host"
        f"&X-Amz-Expires=7200&X-Amz-Credential={CREDENTIAL}&X-Amz-Security-Token={SECURITY_TOKEN}"
        f"&X-Amz-Signature={uuid4().hex}{uuid4().hex}"
    )
    return f"/{key}?{query}"


def _stringified(value: Any) -> Any:
    match value:
        case dict():
            return {key: _stringified(item) for key, item in value.items() if item is not None}
        case list() | tuple():
            return [_stringified(item) for item in value]
        case bool():
            return str(value).lower()
        case _:
            return str(value)


def _is_object(body: bytes) -> bool:
    try:
        return isinstance(json.loads(body), dict)
    except ValueError:
        return False


def _received(body: bytes) -> ReceivedResponse:
    content = json.loads(body)
    return ReceivedResponse(
        status=content.get("Status", ""),
        reason=content.get("Reason", ""),
        physical_resource_id=content.get("PhysicalResourceId", ""),
        data=content.get("Data", {}),
        no_echo=content.get("NoEcho", False),
    )


def _broken_rules(event: Mapping[str, Any], headers: Mapping[str, str], body: bytes) -> Iterator[str]:
    if headers.get("Content-Type") != "":
        yield f"Content-Type is not empty, so the signature does not match: {headers.get('Content-Type')!r}"
    if len(body) > LONGEST_BODY:
        yield f"a body of {len(body)} bytes"
    if not _is_object(body):
        yield f"no JSON object: {body!r}"
        return
    content = json.loads(body)
    for name in ("StackId", "RequestId", "LogicalResourceId"):
        if content.get(name) != event[name]:
            yield f"{name} is {content.get(name)!r} in the response and {event[name]!r} in the event"
    yield from _broken_content(content)


def _broken_content(content: Mapping[str, Any]) -> Iterator[str]:
    if content.get("Status") not in {"SUCCESS", "FAILED"}:
        yield f"Status {content.get('Status')!r}"
    physical_id = content.get("PhysicalResourceId")
    if not isinstance(physical_id, str) or not 0 < len(physical_id.encode()) <= LONGEST_PHYSICAL_ID:
        yield f"PhysicalResourceId {physical_id!r}"
    reason = content.get("Reason", "")
    if not isinstance(reason, str) or (content.get("Status") == "FAILED" and not reason.strip()):
        yield f"Reason {reason!r} with {content.get('Status')!r}"
    data = content.get("Data", {})
    if not isinstance(data, dict) or not all(isinstance(value, str) for value in data.values()):
        yield f"Data is no flat object of strings: {data!r}"
    if not isinstance(content.get("NoEcho", False), bool):
        yield f"NoEcho {content['NoEcho']!r}"
