"""The ARNs that AWS authorises calls on; MiniStack uses others for some.

Sources: the service authorization reference of CloudWatch Logs, of KMS and of EventBridge; the ARN in the refusals that
users paste.
"""

import json
from typing import TYPE_CHECKING, Any, Final

from ministack.core.responses import get_account_id, get_region

from local.emulator import answers, operations, policies, seams, wire
from local.emulator.answers import RefusedError
from local.emulator.director import access_key_of
from local.emulator.operations import OperationRefusedError
from local.emulator.wire import Request

if TYPE_CHECKING:
    from collections.abc import Callable

_ENCRYPTION: Final = ("AssociateKmsKey", "DisassociateKmsKey")


def install() -> None:
    """Authorise calls of Logs and KMS, and DescribeRule, as AWS does."""
    general: Callable[..., str] = seams.RESOURCE_ARN.get()
    context_of: Callable[..., dict[str, Any]] = seams.LOGS_CONTEXT.get()

    def resource_arn(  # noqa: PLR0913, PLR0917 - MiniStack's own signature
        service: str,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        query: dict[str, Any],
        region: str,
        account: str,
    ) -> str:
        operation = headers.get("x-amz-target", "").rpartition(".")[2]
        if service == "logs" and operation in _ENCRYPTION:
            return _encrypted_arn(wire.object_in(body), region, account)
        if service == "logs" and operation == "DescribeLogGroups":
            # Authorised on an empty name: a policy scoped to one name denies it.
            return f"arn:aws:logs:{region}:{account}:log-group::log-stream:"
        if service == "events" and operation == "DescribeRule":
            return f"arn:aws:events:{region}:{account}:rule/{wire.object_in(body).get('Name', '')}"
        found = general(service, method, path, headers, body, query, region, account)
        if service == "kms" and ":alias/" in found:
            # KMS authorises on the key, never on its alias; where there is none, it says so to whoever may see keys.
            return _arn_of_aliased_key(found) or f"arn:aws:kms:{region}:{account}:key/"
        return found

    def logs_context(action: str, body: bytes, arn: str, region: str, account: str) -> dict[str, Any]:
        return context_of(action, body, arn.removesuffix(":*"), region, account)

    seams.RESOURCE_ARN.replace(resource_arn)
    seams.LOGS_CONTEXT.replace(logs_context)


def _arn_of_aliased_key(alias: str) -> str | None:
    try:
        return str(operations.call("kms", "TrentService.DescribeKey", KeyId=alias)["KeyMetadata"]["Arn"])
    except OperationRefusedError:
        return None


def _encrypted_arn(payload: dict[str, Any], region: str, account: str) -> str:
    """Return `log-group:NAME:*`, as without the suffix no statement matches; for query results, the ARN as given."""
    name = payload.get("logGroupName")
    if name:
        return f"arn:aws:logs:{region}:{account}:log-group:{name}:*"
    arn = str(payload.get("resourceIdentifier") or "*")
    return f"{arn.removesuffix(':*')}:*" if wire.log_group_in(arn) else arn


def require_tagging_allowed(request: Request) -> None:
    """Refuse a CreateLogGroup with tags unless the caller has logs:TagResource too.

    Raises:
        RefusedError: the caller has not.
    """
    if request.operation != "logs:CreateLogGroup" or not request.payload.get("tags") or not policies.are_enforced():
        return
    arn = f"arn:aws:logs:{get_region()}:{get_account_id()}:log-group:{request.log_group}"
    # What AWS puts into the context of the second check is not documented; the tags of the request are.
    denied = seams.ENFORCE.get()(
        access_key_of(request),
        "logs:TagResource",
        "logs",
        get_region(),
        resource_arn=arn,
        service_context=seams.LOGS_CONTEXT.get()(
            "CreateLogGroup", json.dumps(request.payload).encode(), arn, get_region(), get_account_id()
        ),
    )
    if denied is not None:
        raise RefusedError(answers.not_authorized_to_tag(get_account_id()))
