"""moto's CloudWatch Logs, taught the two operations that it lacks, as far as the ports can call them.

The refusals are those of `local.emulator.answers`: AWS's own words, where a source has them.
"""

from __future__ import annotations

import json
import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

from moto.kms.models import kms_backends
from moto.logs.exceptions import LogsClientError
from moto.logs.models import logs_backends
from moto.logs.responses import LogsResponse

from local.emulator import answers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.emulator.answers import Refusal

_KEY_ARN: Final = re.compile(r"arn:[^:]+:kms:(?P<region>[^:]+):(?P<account>[^:]+):key/(?P<id>.+)")


def teach() -> None:
    """Let moto answer AssociateKmsKey and DisassociateKmsKey from now on; it finds operations by their names."""
    LogsResponse.associate_kms_key = _associate_kms_key
    LogsResponse.disassociate_kms_key = _disassociate_kms_key


def query_results_key(account: str, region: str) -> str | None:
    """The key of the query results, which moto itself shows nowhere."""
    return getattr(logs_backends[account][region], "query_results_key", None)


def _associate_kms_key(call: Any) -> str:
    given = json.loads(call.body)
    name, key_arn = given.get("logGroupName"), given["kmsKeyId"]
    if name is None:
        target_arn = given["resourceIdentifier"]
        seen = {"aws:SourceArn": target_arn, "aws:SourceAccount": call.current_account}
        _require_usable_key(key_arn, target_arn, seen)
        call.logs_backend.query_results_key = key_arn
    else:
        log_group = _existing(call, name)
        _require_usable_key(key_arn, log_group.arn, {"kms:EncryptionContext:aws:logs:arn": log_group.arn})
        log_group.kms_key_id = key_arn
    return ""


def _disassociate_kms_key(call: Any) -> str:
    name = json.loads(call.body).get("logGroupName")
    if name is None:
        call.logs_backend.query_results_key = None
    else:
        _existing(call, name).kms_key_id = None
    return ""


def _existing(call: Any, name: str) -> Any:
    if name not in call.logs_backend.groups:
        raise _refused(answers.NO_SUCH_LOG_GROUP)
    return call.logs_backend.groups[name]


def _require_usable_key(key_arn: str, target_arn: str, seen: Mapping[str, str]) -> None:
    """Raise AWS's refusal unless the key may, and can, encrypt; *seen* is what the key's conditions see."""
    found = _KEY_ARN.fullmatch(key_arn)
    if found is None:
        raise _refused(answers.key_not_found(key_arn))
    key = kms_backends[found["account"]][found["region"]].keys.get(found["id"])
    if key is None or not _opens(json.loads(key.policy), f"logs.{found['region']}.amazonaws.com", seen):
        raise _refused(answers.key_denied(target_arn))
    if key.key_state != "Enabled" or key.key_spec != "SYMMETRIC_DEFAULT":
        raise _refused(answers.key_unusable(key_arn))


def _opens(policy: Mapping[str, Any], service: str, seen: Mapping[str, str]) -> bool:
    """Whether a statement allows *service* under conditions that all hold; of operators it knows …Like and …Equals."""
    return any(
        statement["Effect"] == "Allow"
        and statement["Principal"].get("Service") == service
        and all(
            fnmatchcase(seen.get(name, ""), pattern)
            for patterns in statement.get("Condition", {}).values()
            for name, pattern in patterns.items()
        )
        for statement in policy["Statement"]
    )


def _refused(refusal: Refusal) -> Exception:
    error: Exception = LogsClientError(refusal.code, refusal.message)
    return error
