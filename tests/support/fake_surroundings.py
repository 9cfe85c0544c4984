"""The surroundings of log groups and keys, with state, for `doctor`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from log_group_kms.model.errors import RoleDenied
from log_group_kms.model.surroundings import CentralizationRule, Provider, Trail
from log_group_kms.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from log_group_kms.model.keys import KeyArn

ACCOUNT: Final = "111122223333"
LOGS: Final = "logs.eu-west-1.example.com"
ROLE: Final = f"arn:aws:iam::{ACCOUNT}:role/provider"
CALLER: Final = f"arn:aws:iam::{ACCOUNT}:role/caller"
ACTIONS: Final = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"]


def allow(principal: Any, condition: Mapping[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """Return a statement of a key's policy."""
    whole = {"Effect": "Allow", "Principal": principal, "Action": ACTIONS, "Resource": "*", **changes}
    return {**whole, "Condition": condition} if condition else whole


ROOT: Final = allow({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, Action="kms:*")
FOR_LOGS: Final = allow(
    {"Service": LOGS},
    {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:*"}},
)
FOR_WRITERS: Final = allow({"AWS": "*"}, {"StringEquals": {"kms:ViaService": LOGS, "kms:CallerAccount": ACCOUNT}})


@dataclass
class FakeSurroundings:
    """An account where everything is as it should be, until something is changed.

    Attributes:
        denied: the operations that are denied, and the permission that is missing.
        lacking: the actions that a principal's own policies do not allow.
        asked: what was asked of IAM's simulation: action, resource, names of condition keys.
    """

    deployed: Provider | None = field(default_factory=lambda: Provider(ROLE, "stack/provider", VERSION))
    statements: list[dict[str, Any]] = field(default_factory=lambda: [ROOT, FOR_LOGS, FOR_WRITERS])
    principal: str = CALLER
    lacking: dict[str, set[str]] = field(default_factory=dict)
    trailing: tuple[Trail, ...] = (Trail("org", logging=True, management_writes=True),)
    rules: tuple[CentralizationRule, ...] | None = ()
    denied: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str, tuple[str, ...]]] = field(default_factory=list)

    def provider(self) -> Provider | None:
        self._check("provider")
        return self.deployed

    def key_policy(self, key: KeyArn) -> Mapping[str, Any]:
        del key
        self._check("key_policy")
        return {"Statement": self.statements}

    def caller(self) -> str:
        self._check("caller")
        return self.principal

    def not_allowed(
        self, principal: str, actions: Sequence[str], resource: str, context: Mapping[str, Sequence[str]]
    ) -> tuple[str, ...]:
        self._check("not_allowed")
        self.asked += [(action, resource, tuple(context)) for action in actions]
        return tuple(action for action in actions if action in self.lacking.get(principal, set()))

    def trails(self, region: str) -> tuple[Trail, ...]:
        del region
        self._check("trails")
        return self.trailing

    def centralization(self) -> tuple[CentralizationRule, ...] | None:
        self._check("centralization")
        return self.rules

    def _check(self, operation: str) -> None:
        if operation in self.denied:
            action = self.denied[operation]
            message = f"User: {CALLER} is not authorized to perform: {action}"
            raise RoleDenied(action.partition(":")[2], "AccessDenied", message, action=action)
