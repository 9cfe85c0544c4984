"""CloudWatch Logs as the outside sees it: MiniStack's handler with this package around it."""

from typing import TYPE_CHECKING, Any

from local.emulator import operations, seams, wire
from local.emulator.answers import RefusedError
from local.emulator.authorization import require_tagging_allowed
from local.emulator.director import Director
from local.emulator.log_answers import in_aws_words, require_valid_tags
from local.emulator.log_encryption import LogEncryption
from local.emulator.log_listing import LogListing
from local.emulator.operations import Handler
from local.emulator.wire import Response

if TYPE_CHECKING:
    from collections.abc import Callable


def install(director: Director, listing: LogListing) -> None:
    """Wrap MiniStack's handler of Logs."""
    empty: Callable[[], None] = seams.RESET.get()
    encryption = LogEncryption(director)

    def empty_all() -> None:
        empty()
        encryption.clear()
        listing.expire_tokens()

    operations.wrap("logs", lambda handle: _extended(handle, encryption, listing))
    seams.RESET.replace(empty_all)


def _extended(handle: Handler, encryption: LogEncryption, listing: LogListing) -> Handler:
    async def extended(method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Response:
        request = wire.parse(method, path, headers, body)
        if request is None:
            return await handle(method, path, headers, body, query)

        async def forward(changed: bytes = body) -> Response:
            return await handle(method, path, headers, changed, query)

        async def answer() -> Response:
            if request.operation == "logs:DescribeLogGroups":
                return await listing.page(request, forward)
            return await forward()

        try:
            require_tagging_allowed(request)
            require_valid_tags(request)
            response = await encryption.answer(request, answer)
        except RefusedError as refused:
            return wire.refuse(refused.refusal)
        return in_aws_words(request, response)

    return extended
