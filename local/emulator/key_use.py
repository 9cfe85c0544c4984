"""The conditions for the use of a key: its policy, its state, and the caller's permissions.

The order is KMS's own: who may, before in what state. Sources: the user guide's "Encrypt log data in CloudWatch Logs
using AWS KMS" for the policies, the issues named in `local.emulator.answers` for the refusals. That who writes or reads
log events needs the key is AWS's advice (step 2 of the same page); whether AWS enforces it is not known.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from ministack.core.responses import get_account_id, get_region, request_scope

from local.emulator import answers, policies, seams
from local.emulator.answers import RefusedError
from local.emulator.director import access_key_of, caller_of
from local.emulator.wire import Request

_KEY_ARN: Final = re.compile(r"arn:aws:kms:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):key/(?P<id>[a-zA-Z0-9-]+)")

#: What the documented key policy grants to the service. `kms:Describe*` is in it too, but under a condition on the
#: encryption context, which DescribeKey does not have: the service cannot depend on it.
_SERVICE_ACTIONS: Final = (
    "kms:Encrypt",
    "kms:Decrypt",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
)

#: What the documentation asks of the caller. In which order AWS asks is not known; a refusal has been seen for Encrypt.
_CALLER_ACTIONS: Final = (*_SERVICE_ACTIONS, "kms:DescribeKey")

#: What a caller of these needs on the key in force, where it is asked for. AWS's managed policy
#: CloudWatchLogsAPIKeyAccess allows the first two beside PutLogEvents; what was encrypted is read with the second.
CALLS_WITH_EVENTS: Final[Mapping[str, tuple[str, ...]]] = {
    "logs:PutLogEvents": ("kms:GenerateDataKey", "kms:Decrypt"),
    "logs:GetLogEvents": ("kms:Decrypt",),
    "logs:FilterLogEvents": ("kms:Decrypt",),
}


def require_usable_key(request: Request, key_id: str, target_arn: str, condition: dict[str, str]) -> None:
    """Raise AWS's refusal unless the logs service and the caller may use *key_id* for *target_arn*.

    The ARN of a key of this Region that does not exist, or whose policy refuses, gets the AccessDenied form, so that
    nobody learns from it whether a key exists; anything else (a bare id, an alias, another Region) the InvalidParameter
    form. An alias's ARN is refused because no source says that AWS takes it.

    Args:
        request: the call that names the key.
        key_id: what it gives as the key.
        target_arn: what the key is to encrypt.
        condition: the condition keys that the logs service's calls to KMS carry for this kind of target.

    Raises:
        RefusedError: one of them may not.
    """
    _require_key_arn(key_id)
    _require_caller(request, _CALLER_ACTIONS, key_id, condition)
    require_open_key(key_id, target_arn, condition)


def require_callers_key(request: Request, key_arn: str, log_group_arn: str) -> None:
    """Raise AWS's refusal unless the caller may use the key of the log group whose events it writes or reads.

    Events that came under a former key would need that one; it is the key in force that is asked for.

    Raises:
        RefusedError: the caller may not.
    """
    _require_caller(request, CALLS_WITH_EVENTS[request.operation], key_arn, log_group_condition(log_group_arn))


def require_open_key(key_id: str, target_arn: str, condition: dict[str, str]) -> None:
    """Raise AWS's refusal unless there is such a key, and the logs service may use it; the caller is not looked at.

    Raises:
        RefusedError: it may not.
    """
    found = _require_key_arn(key_id)
    key = seams.KEYS.get().get_scoped(found["account"], found["region"], found["id"])
    if key is None or not _policy_allows_service(key, found["account"], condition):
        raise RefusedError(answers.key_denied(target_arn))
    if key["KeyState"] != "Enabled" or key["KeySpec"] != "SYMMETRIC_DEFAULT":
        raise RefusedError(answers.key_unusable(key_id))


def _require_key_arn(key_id: str) -> re.Match[str]:
    found = _KEY_ARN.fullmatch(key_id)
    if found is None or found["region"] != get_region():
        raise RefusedError(answers.key_not_found(key_id))
    return found


def log_group_condition(log_group_arn: str) -> dict[str, str]:
    """Return the condition keys that KMS sees when the logs service uses a key for a log group."""
    return {"kms:encryptioncontext:aws:logs:arn": log_group_arn}


def query_result_condition(query_result_arn: str) -> dict[str, str]:
    """Return those for query results: no log group's statement covers them."""
    return {"aws:sourcearn": query_result_arn, "aws:sourceaccount": get_account_id()}


def _require_caller(request: Request, actions: tuple[str, ...], key_arn: str, condition: dict[str, str]) -> None:
    """Look, under AUTH, at the caller's own permissions on the key, as seen through the logs service."""
    if not policies.are_enforced():
        return
    context = {
        "kms:viaservice": f"logs.{get_region()}.amazonaws.com",
        "kms:calleraccount": get_account_id(),
        **condition,
    }
    for action in actions:
        denied = seams.ENFORCE.get()(
            access_key_of(request), action, "kms", get_region(), resource_arn=key_arn, service_context=context
        )
        if denied is not None:
            raise RefusedError(answers.not_authorized(caller_of(request), action, key_arn))


def _policy_allows_service(key: dict[str, Any], account: str, condition: dict[str, str]) -> bool:
    service = f"logs.{get_region()}.amazonaws.com"
    with request_scope(account, get_region()):
        return all(
            policies.let_service(
                key["Policy"],
                service=service,
                action=action,
                resource=key["Arn"],
                account=account,
                context=condition,
            )
            for action in _SERVICE_ACTIONS
        )
