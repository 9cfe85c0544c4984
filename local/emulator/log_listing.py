"""The pages of DescribeLogGroups.

AWS's nextToken is the name of the last log group shown (boto3#3170, localstack#1527), so that a log group that
vanishes between two pages hides no other one; MiniStack counts, and skips one then, and takes any token. "The token
expires after 24 hours" is the API reference's; that a token which was not given, or has expired, is refused in the
words of boto3#1467 (the same sentence of FilterLogEvents) is our reading.
"""

import bisect
import json
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from ministack.core.responses import AccountRegionScopedDict

from local.emulator import answers, seams, wire
from local.emulator.answers import RefusedError
from local.emulator.wire import Request, Response

_LONGEST_PAGE: Final = 50

Forward = Callable[[bytes], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class _Query:
    """The listing that a token was given for."""

    prefix: str
    pattern: str

    @classmethod
    def of(cls, payload: dict[str, Any]) -> "_Query":
        return cls(payload.get("logGroupNamePrefix") or "", payload.get("logGroupNamePattern") or "")

    def names(self) -> Iterable[str]:
        """Return the names of the listing, selected and sorted as MiniStack does."""
        pattern = self.pattern.lower()
        return sorted(n for n in seams.LOG_GROUPS.get() if n.startswith(self.prefix) and pattern in n.lower())


class LogListing:
    """The tokens that were given."""

    def __init__(self) -> None:
        self._given = AccountRegionScopedDict()

    def expire_tokens(self) -> None:
        """Let 24 hours pass for all tokens given so far, in every account and Region."""
        self._given.clear()

    async def page(self, request: Request, forward: Forward) -> Response:
        """Return one page, from MiniStack, which is asked to skip what came before.

        Raises:
            RefusedError: the token is not one for this listing, or the page would be too long.
        """
        query = _Query.of(request.payload)
        _require_short_page(request.payload)
        token = request.payload.get("nextToken")
        asked = dict(request.payload)
        if token is not None:
            if self._given.get((query, token)) is None:
                raise RefusedError(answers.INVALID_TOKEN)
            asked["nextToken"] = seams.ENCODE_OFFSET.get()(bisect.bisect_right(list(query.names()), token))
        return self._with_token(query, await forward(json.dumps(asked).encode()))

    def _with_token(self, query: _Query, response: Response) -> Response:
        if wire.error_code(response):
            return response
        status, headers, body = response
        found = wire.object_in(body)
        if "nextToken" in found:
            found["nextToken"] = found["logGroups"][-1]["logGroupName"]
            self._given[query, found["nextToken"]] = True
        return status, headers, json.dumps(found).encode()


def _require_short_page(payload: dict[str, Any]) -> None:
    limit = payload.get("limit")
    if limit is not None and limit > _LONGEST_PAGE:
        raise RefusedError(answers.too_great("limit", str(limit), _LONGEST_PAGE))
