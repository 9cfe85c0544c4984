"""The outer part of a custom-resource event: what an answer needs, and nothing of what the event asks for.

The fields: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requests.html
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, unquote_plus, urlsplit

from log_group_kms.cloudformation.physical_id import fits, is_physical_resource_id

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Real ones are far shorter (a stack's ARN some 235 bytes, a logical id at most 255 characters). Every answer carries
#: all three, and has to keep room for a physical id and a Reason in its 4,096 bytes.
LONGEST_ECHOED_ID: Final = 512

REDACTED: Final = "(redacted)"

#: What a pre-signed URL says beside its secrets; redacting these would only garble a message.
_HARMLESS: Final = frozenset({"X-Amz-Algorithm", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "Expires"})

#: Anything shorter is no secret, and would be found in the midst of other words.
_SHORTEST_SECRET: Final = 8


class NotAnEvent(ValueError):  # noqa: N818 - named like CloudFormation's own words for errors (NotFound, AccessDenied)
    """No answer can reach CloudFormation for this; the text never holds the ResponseURL."""


class ResponseUrl:
    """Where one answer goes: a pre-signed URL, which lets anyone who reads it answer; so only `reveal` shows it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        if (broken := _broken_rule(text)) is not None:
            raise NotAnEvent(f"ResponseURL {broken}")
        self._text = text

    def reveal(self) -> str:
        """The secret itself, for the one PUT."""
        return self._text

    def redact(self, text: str) -> str:
        """*text* without this URL and without any secret that the URL carries."""
        for secret in self._secrets():
            text = text.replace(secret, REDACTED)
        return text

    @property
    def signed_at(self) -> float | None:
        """When CloudFormation signed it, and so sent the event, in seconds since the epoch; None if it does not say."""
        (amz_date, *_) = parse_qs(urlsplit(self._text).query).get("X-Amz-Date", [""])
        return _epoch_seconds(amz_date)

    def _secrets(self) -> Iterator[str]:
        """The whole first: it could not be found any more once its parts are cut out."""
        yield self._text
        for name, _, value in (pair.partition("=") for pair in urlsplit(self._text).query.split("&")):
            if len(value) >= _SHORTEST_SECRET and name not in _HARMLESS:
                yield from (value, unquote_plus(value))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ResponseUrl) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return f"<ResponseUrl at {urlsplit(self._text).hostname}, {REDACTED}>"


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who asks, and where the answer goes.

    An unknown or missing RequestType is kept as it is ("" if missing): such an event can still be answered FAILED.
    """

    request_type: str
    request_id: str
    stack_id: str
    logical_resource_id: str
    resource_type: str
    #: None if there is none (every Create), or none that could stand in an answer.
    physical_resource_id: str | None
    response_url: ResponseUrl

    @classmethod
    def of(cls, event: object) -> Envelope:
        """Read what Lambda handed in; raises NotAnEvent where nobody could be answered."""
        if not isinstance(event, dict):
            raise NotAnEvent(f"the event is not an object but {type(event).__name__}")
        physical_id = event.get("PhysicalResourceId")
        return cls(
            request_type=_text_or_nothing(event, "RequestType"),
            request_id=_echoed_id(event, "RequestId"),
            stack_id=_echoed_id(event, "StackId"),
            logical_resource_id=_echoed_id(event, "LogicalResourceId"),
            resource_type=_text_or_nothing(event, "ResourceType"),
            physical_resource_id=physical_id if is_physical_resource_id(physical_id) else None,
            response_url=ResponseUrl(_required(event, "ResponseURL")),
        )

    @property
    def sent_at(self) -> float | None:
        """When CloudFormation sent the event, in seconds since the epoch; None if that cannot be told."""
        return self.response_url.signed_at


def _text_or_nothing(event: dict[Any, Any], name: str) -> str:
    value = event.get(name)
    return value if isinstance(value, str) else ""


def _required(event: dict[Any, Any], name: str) -> str:
    if not (value := _text_or_nothing(event, name)):
        raise NotAnEvent(f"{name} is missing or not a non-empty string")
    return value


def _echoed_id(event: dict[Any, Any], name: str) -> str:
    value = _required(event, name)
    if not fits(value, LONGEST_ECHOED_ID):
        raise NotAnEvent(f"{name} is longer than {LONGEST_ECHOED_ID} bytes or not valid Unicode")
    return value


def _broken_rule(url: str) -> str | None:
    if not (url.isascii() and url.isprintable()) or " " in url:
        return "is not a URL: it has characters that no URL has"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        # The error itself quotes the URL, so it is not passed on.
        return "is not a URL"
    if parts.scheme == "https" and host:
        return None
    if parts.scheme == "http" and host and _is_loopback(host):
        return None
    return "is not https (plain http is for loopback hosts alone)"


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _epoch_seconds(amz_date: str) -> float | None:
    try:
        return datetime.strptime(amz_date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None
