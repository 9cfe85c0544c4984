"""Policies, for the calls that AWS's own services make."""

import os
import re
from typing import TYPE_CHECKING, Any, Final

from ministack.core.arn import parse_arn
from ministack.core.responses import get_region

from local.emulator import seams

if TYPE_CHECKING:
    from collections.abc import Callable

_SESSION: Final = re.compile(
    r"arn:(?P<partition>[^:]+):sts::(?P<account>\d{12}):assumed-role/(?P<role>[^/]+)/(?P<session>.+)"
)


def are_enforced() -> bool:
    """Return whether MiniStack was started with AUTH=true: without it every caller may do everything."""
    return os.environ.get("AUTH", "false").lower() == "true"


def install() -> None:
    """Let aws:PrincipalArn be the role's ARN, as on AWS, where MiniStack has the session's."""
    general: Callable[[str, Any], Any] = seams.CONDITION_KEY.get()

    def condition_key(key: str, evaluation: Any) -> Any:
        found = general(key, evaluation)
        return _role_of(str(found)) if key.lower() == "aws:principalarn" else found

    seams.CONDITION_KEY.replace(condition_key)


def _role_of(principal: str) -> str:
    """Return the ARN of a session's role, without its path, which a session's ARN has not; any other ARN as it is."""
    found = _SESSION.fullmatch(principal)
    return f"arn:{found['partition']}:iam::{found['account']}:role/{found['role']}" if found else principal


def let_service(  # noqa: PLR0913 - the evaluation has these parts
    policy: Any, *, service: str, action: str, resource: str, account: str, context: dict[str, str]
) -> bool:
    """Return whether a resource's own *policy* lets an AWS service do *action*.

    Args:
        policy: the policy document, as JSON or as a dictionary; empty for none.
        service: the service's principal, such as `events.amazonaws.com`.
        action: as in a policy, such as `sqs:SendMessage`.
        resource: the ARN that the policy belongs to.
        account: the account that the service acts for.
        context: the condition keys, in lower case.
    """
    evaluation = seams.EVALUATION.get()(
        principal_arn=service,
        principal_type="Service",
        principal_account=account,
        action=action,
        resource_arn=resource,
        region=get_region(),
        service_context=context,
    )
    found = seams.EVALUATE_RESOURCE_POLICY.get()(policy, evaluation, service=service)
    return bool(found.decision == "Allow")


def let_role(role_arn: str, action: str, resource: str) -> bool:
    """Return whether the policies of a role allow *action* on *resource*, an ARN."""
    role = parse_arn(role_arn)
    evaluation = seams.EVALUATION.get()(
        principal_arn=role_arn,
        principal_type="AssumedRole",
        principal_account=role.account_id,
        action=action,
        resource_arn=resource,
        region=get_region(),
    )
    policies = seams.ROLE_POLICIES.get()(role.resource.rpartition("/")[2], role.account_id)
    return bool(seams.EVALUATE.get()(evaluation, policies).decision == "Allow")
