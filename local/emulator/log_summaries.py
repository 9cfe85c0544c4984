"""ListLogGroups, which MiniStack lacks: names, ARNs and classes, found by name, class and tags, 1,000 a page.

Source: the service model and its documentation. Not known, and so our reading: that the listing is in the order of
names as DescribeLogGroups' is; that a value with `!` wants the tag to be there; that a change of tags shows at once;
and that a token is good for as long as that of DescribeLogGroups.
"""

import base64
import fnmatch
import re
from collections.abc import Iterator
from typing import Any, Final

from ministack.core.responses import AccountRegionScopedDict, get_account_id, get_region

from local.emulator import answers, seams, wire
from local.emulator.answers import RefusedError
from local.emulator.wire import Request, Response

_LONGEST_PAGE: Final = 1000
_PAGE: Final = 50
_MOST_FILTERS: Final = 5
_PART: Final = r"\^?[\.\-_/#A-Za-z0-9]{3,24}"
_PATTERN: Final = rf"({_PART})(\|{_PART}){{0,4}}"


class LogSummaries:
    """The tokens that were given."""

    def __init__(self) -> None:
        self._given = AccountRegionScopedDict()

    def expire_tokens(self) -> None:
        """Let all tokens given so far be too old, in every account and Region."""
        self._given.clear()

    def page(self, request: Request) -> Response:
        """Return one page.

        Raises:
            RefusedError: a filter is malformed, the page would be too long, or the token is none.
        """
        limit, after = _limit(request.payload), self._after(request.payload.get("nextToken"))
        found = [name for name in _found(request.payload) if name > after]
        shown = found[:limit]
        page: dict[str, Any] = {"logGroups": [_summary(name) for name in shown]}
        if len(found) > limit:
            page["nextToken"] = base64.b64encode(shown[-1].encode()).decode()
            self._given[page["nextToken"]] = shown[-1]
        return wire.succeed(page)

    def _after(self, token: str | None) -> str:
        if token is None:
            return ""
        name = self._given.get(token)
        if name is None:
            raise RefusedError(answers.INVALID_TOKEN)
        return str(name)


def _limit(payload: dict[str, Any]) -> int:
    limit = int(payload.get("limit") or _PAGE)
    if limit > _LONGEST_PAGE:
        raise RefusedError(answers.too_great("limit", str(limit), _LONGEST_PAGE))
    return limit


def _found(payload: dict[str, Any]) -> Iterator[str]:
    """Yield the names of the log groups that satisfy all filters, in order."""
    pattern, wanted_class = payload.get("logGroupNamePattern"), payload.get("logGroupClass")
    filters = payload.get("logGroupTags") or []
    if pattern is not None and not re.fullmatch(_PATTERN, pattern):
        raise RefusedError(answers.malformed("logGroupNamePattern", pattern, _PATTERN))
    if len(filters) > _MOST_FILTERS or any(len(each.get("values") or []) > _MOST_FILTERS for each in filters):
        raise RefusedError(answers.too_many("logGroupTags", _MOST_FILTERS))
    # A dot in it is a dot of the name: the pattern knows `^` and `|` alone.
    named = re.compile((pattern or "").replace(".", r"\."))
    groups = seams.LOG_GROUPS.get()
    for name in sorted(groups):
        group = groups[name]
        if (
            named.search(name)
            and wanted_class in (None, _class_of(group))
            and all(_has_tag(group["tags"], each["key"], each.get("values") or []) for each in filters)
        ):
            yield name


def _has_tag(tags: dict[str, str], key: str, values: list[str]) -> bool:
    """Return whether the tag is there, with any of *values* where there are some."""
    return key in tags and (not values or any(_matches(tags[key], value) for value in values))


def _matches(there: str, wanted: str) -> bool:
    """Compare exactly; without regard to case where *wanted* has a wildcard; the opposite after `!`."""
    text = wanted.removeprefix("!")
    same = fnmatch.fnmatchcase(there.lower(), text.lower()) if "*" in text else there == text
    return same != wanted.startswith("!")


def _summary(name: str) -> dict[str, str]:
    return {
        "logGroupName": name,
        "logGroupArn": f"arn:aws:logs:{get_region()}:{get_account_id()}:log-group:{name}",
        "logGroupClass": _class_of(seams.LOG_GROUPS.get()[name]),
    }


def _class_of(group: dict[str, Any]) -> str:
    """Return the class; one that a stack or a function has made may have none noted."""
    return str(group.get("logGroupClass") or "STANDARD")
