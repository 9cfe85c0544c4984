"""CloudWatch Logs as the outside sees it: MiniStack's handler with this package around it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local.emulator import operations, seams, wire
from local.emulator.answers import RefusedError
from local.emulator.authorization import require_tagging_allowed
from local.emulator.director import Director
from local.emulator.log_answers import in_aws_words
from local.emulator.log_encryption import LogEncryption
from local.emulator.log_listing import LogListing
from local.emulator.log_summaries import LogSummaries
from local.emulator.log_tags import require_valid_tags
from local.emulator.operations import Handler
from local.emulator.wire import Response

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class _Parts:
    """What answers in MiniStack's place."""

    encryption: LogEncryption
    listing: LogListing
    summaries: LogSummaries


def install(director: Director, listing: LogListing, summaries: LogSummaries) -> None:
    """Wrap MiniStack's handler of Logs."""
    empty: Callable[[], None] = seams.RESET.get()
    parts = _Parts(LogEncryption(director), listing, summaries)

    def empty_all() -> None:
        empty()
        parts.encryption.clear()
        listing.expire_tokens()
        summaries.expire_tokens()

    operations.wrap("logs", lambda handle: _extended(handle, parts))
    seams.RESET.replace(empty_all)


def _extended(handle: Handler, parts: _Parts) -> Handler:
    async def extended(method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Response:
        request = wire.parse(method, path, headers, body)
        if request is None:
            return await handle(method, path, headers, body, query)

        async def forward(changed: bytes = body) -> Response:
            return await handle(method, path, headers, changed, query)

        async def answer() -> Response:
            if request.operation == "logs:DescribeLogGroups":
                return await parts.listing.page(request, forward)
            if request.operation == "logs:ListLogGroups":
                return parts.summaries.page(request)
            return await forward()

        try:
            require_tagging_allowed(request)
            require_valid_tags(request)
            response = await parts.encryption.answer(request, answer)
        except RefusedError as refused:
            return wire.refuse(refused.refusal)
        return in_aws_words(request, response)

    return extended
