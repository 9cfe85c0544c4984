"""The ResponseURL: which ones are taken, what they tell, and what has to be cut out of a text that quotes one."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, unquote_plus, urlsplit

from log_group_kms.cloudformation.errors import NotAnEvent

if TYPE_CHECKING:
    from collections.abc import Iterator

REDACTED: Final = "(redacted)"

#: What a pre-signed URL says beside its secrets; redacting these would only garble a message.
_HARMLESS: Final = frozenset({"X-Amz-Algorithm", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "Expires"})

#: Anything shorter is no secret, and would be found in the midst of other words.
SHORTEST_SECRET: Final = 8


class ResponseUrl:
    """The address of one response: a pre-signed URL. Whoever reads it can respond, so only `reveal` shows it.

    Attributes:
        signed_at: when CloudFormation signed it, and so sent the event, in seconds since the epoch; None if it does
            not say.
    """

    __slots__ = ("_text", "signed_at")

    def __init__(self, text: str) -> None:
        if (broken := _broken_rule(text)) is not None:
            raise NotAnEvent(f"ResponseURL {broken}")
        self._text = text
        (amz_date, *_) = parse_qs(urlsplit(text).query).get("X-Amz-Date", [""])
        self.signed_at = _epoch_seconds(amz_date)

    def reveal(self) -> str:
        """Return the secret itself, for the one PUT."""
        return self._text

    def redact(self, text: str) -> str:
        """Return *text* without this URL and without any secret that the URL carries."""
        for secret in self._secrets():
            text = text.replace(secret, REDACTED)
        return text

    def _secrets(self) -> Iterator[str]:
        """Yield the whole URL first: it could not be found any more once its parts are cut out."""
        yield self._text
        for name, _, value in (pair.partition("=") for pair in urlsplit(self._text).query.split("&")):
            if len(value) >= SHORTEST_SECRET and name not in _HARMLESS:
                yield from (value, unquote_plus(value))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ResponseUrl) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return f"<ResponseUrl at {urlsplit(self._text).hostname}, {REDACTED}>"


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
