"""Policies judged as IAM judges them, without an AWS: by the embedded one's evaluator."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ministack.core.iam_evaluator import EvalContext, evaluate, parse_policy_document

if TYPE_CHECKING:
    from collections.abc import Mapping

ACCOUNT = "111122223333"


@dataclass(frozen=True, slots=True)
class Call:
    """One call to AWS.

    Attributes:
        action: as a policy names it.
        resource: the ARN that AWS checks it on.
        principal: the ARN of the role that calls.
        keys: condition keys, with the case that AWS gives them.
    """

    action: str
    resource: str
    principal: str = f"arn:aws:iam::{ACCOUNT}:role/admin"
    keys: Mapping[str, Any] = field(default_factory=dict)


def decision(call: Call, *documents: Mapping[str, Any]) -> str:
    """Return `Allow`, `Deny`, or `ImplicitDeny`, for whoever has these policies and no other."""
    context = EvalContext(
        principal_arn=call.principal,
        principal_type="AssumedRole",
        principal_account=ACCOUNT,
        action=call.action,
        resource_arn=call.resource,
        region="eu-west-1",
        secure_transport=call.keys.get("aws:SecureTransport") != "false",
        principal_keys={name.lower(): value for name, value in call.keys.items() if name.startswith("aws:Principal")},
        service_context={name.lower(): value for name, value in call.keys.items()},
    )
    found: str = evaluate(context, [parse_policy_document(dict(document)) for document in documents]).decision
    return found
