"""The encryption operations of CloudWatch Logs that MiniStack lacks.

AssociateKmsKey and DisassociateKmsKey for log groups and for the query results of the account, CreateLogGroup with a
key, and what can be seen of them: `kmsKeyId` in DescribeLogGroups, `encryptionKey` in GetQueryResults.
"""

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from ministack.core.responses import AccountRegionScopedDict, get_account_id, get_region

from local.emulator import answers, seams, wire
from local.emulator.answers import RefusedError
from local.emulator.director import Director
from local.emulator.key_use import (
    CALLS_WITH_EVENTS,
    log_group_condition,
    query_result_condition,
    require_callers_key,
    require_usable_key,
)
from local.emulator.wire import Request, Response

_LOG_GROUP_NAME: Final = r"[\.\-_/#A-Za-z0-9]+"
#: `aws/spans` is one (landing-zone-accelerator-on-aws#751); `/aws/lambda/...` is not.
_RESERVED: Final = "aws/"

Forward = Callable[[], Awaitable[Response]]


@dataclass(slots=True)
class _StaleKey:
    """The key that DescribeLogGroups still shows of a log group, and how often."""

    key: str | None
    reads: int


class LogEncryption:
    """The operations, and the state that MiniStack has no place for."""

    def __init__(self, director: Director) -> None:
        self._director = director
        #: The key of the query results: one for each account and Region.
        self._query_result_keys = AccountRegionScopedDict()
        #: The key that was set when a query ran.
        self._keys_of_queries = AccountRegionScopedDict()
        self._stale = AccountRegionScopedDict()

    def clear(self) -> None:
        """Forget all accounts."""
        for store in (self._query_result_keys, self._keys_of_queries, self._stale):
            store.clear()

    async def answer(self, request: Request, forward: Forward) -> Response:
        """Return the response to a call of Logs: *forward* gives MiniStack's own.

        Raises:
            RefusedError: AWS would refuse the call.
        """
        match request.operation:
            case "logs:AssociateKmsKey":
                return self._associate(request)
            case "logs:DisassociateKmsKey":
                return self._disassociate(request)
            case "logs:CreateLogGroup":
                return await self._create_log_group(request, forward)
            case operation if operation in CALLS_WITH_EVENTS and self._director.callers_need_keys:
                _require_key_of_events(request)
                return await forward()
            case _:
                return self._amend(request, await forward())

    def _amend(self, request: Request, response: Response) -> Response:
        match request.operation:
            case "logs:DescribeLogGroups":
                return self._with_stale_keys(response)
            case "logs:StartQuery":
                return self._remember_key(response)
            case "logs:GetQueryResults":
                return self._with_key(request, response)
            case _:
                return response

    def _associate(self, request: Request) -> Response:
        key_id = str(request.payload.get("kmsKeyId") or "")
        name = _log_group_meant(request)
        if name is None:
            arn = _query_result_arn()
            require_usable_key(request, key_id, arn, query_result_condition(arn))
            self._query_result_keys["key"] = key_id
        else:
            group = _existing(name)
            arn = _log_group_arn(name)
            require_usable_key(request, key_id, arn, log_group_condition(arn))
            self._change(name, group, key_id)
        return wire.succeed()

    def _disassociate(self, request: Request) -> Response:
        name = _log_group_meant(request)
        if name is None:
            self._query_result_keys.pop("key", None)
        else:
            self._change(name, _existing(name), None)
        return wire.succeed()

    def _change(self, name: str, group: dict[str, Any], key: str | None) -> None:
        """Set a log group's key; setting what is there already succeeds, on AWS too."""
        reads = self._director.stale_reads_after_change(name)
        if reads:
            self._stale[name] = _StaleKey(group.get("kmsKeyId"), reads)
        group["kmsKeyId"] = key

    async def _create_log_group(self, request: Request, forward: Forward) -> Response:
        name = str(request.payload.get("logGroupName") or "")
        _require_log_group_name(name)
        if name in seams.LOG_GROUPS.get():
            raise RefusedError(answers.LOG_GROUP_EXISTS)
        key_id = request.payload.get("kmsKeyId")
        if key_id:
            arn = _log_group_arn(name)
            require_usable_key(request, str(key_id), arn, log_group_condition(arn))
        return await forward()

    def _with_stale_keys(self, response: Response) -> Response:
        status, headers, body = response
        found = wire.object_in(body)
        for group in found.get("logGroups", []):
            stale: _StaleKey | None = self._stale.get(group["logGroupName"])
            if stale is None:
                continue
            group.pop("kmsKeyId", None)
            if stale.key is not None:
                group["kmsKeyId"] = stale.key
            stale.reads -= 1
            if stale.reads == 0:
                self._stale.pop(group["logGroupName"])
        return status, headers, json.dumps(found).encode()

    def _remember_key(self, response: Response) -> Response:
        query = wire.object_in(response[2]).get("queryId")
        key = self._query_result_keys.get("key")
        if query and key:
            self._keys_of_queries[query] = key
        return response

    def _with_key(self, request: Request, response: Response) -> Response:
        status, headers, body = response
        key = self._keys_of_queries.get(request.payload.get("queryId"))
        if key is None or wire.error_code(response):
            return response
        return status, headers, json.dumps({**wire.object_in(body), "encryptionKey": key}).encode()


def _log_group_meant(request: Request) -> str | None:
    """Return the log group that the call is about, None for the query results."""
    name = request.payload.get("logGroupName")
    arn = request.payload.get("resourceIdentifier")
    if (name is None) == (arn is None):
        raise RefusedError(answers.ONE_TARGET_ONLY)
    if arn == _query_result_arn():
        return None
    if arn is not None:
        name = wire.log_group_in(arn)
        if name is None or arn.removesuffix(":*") != _log_group_arn(name):
            raise RefusedError(answers.not_here(arn))
    _require_log_group_name(str(name))
    return str(name)


def _require_log_group_name(name: str) -> None:
    if not re.fullmatch(_LOG_GROUP_NAME, name):
        raise RefusedError(answers.malformed("logGroupName", name, _LOG_GROUP_NAME))
    if name.lower().startswith(_RESERVED):
        raise RefusedError(answers.RESERVED_LOG_GROUP)


def _existing(name: str) -> dict[str, Any]:
    group: dict[str, Any] | None = seams.LOG_GROUPS.get().get(name)
    if group is None:
        raise RefusedError(answers.NO_SUCH_LOG_GROUP)
    return group


def _require_key_of_events(request: Request) -> None:
    """Ask for the caller's use of the key, where there is such a log group and it has one."""
    group = seams.LOG_GROUPS.get().get(request.log_group)
    if group is not None and group.get("kmsKeyId"):
        require_callers_key(request, group["kmsKeyId"], _log_group_arn(str(request.log_group)))


def _log_group_arn(name: str) -> str:
    return f"arn:aws:logs:{get_region()}:{get_account_id()}:log-group:{name}"


def _query_result_arn() -> str:
    return f"arn:aws:logs:{get_region()}:{get_account_id()}:query-result:*"
