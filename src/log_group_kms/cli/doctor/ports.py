"""The port of `doctor` on what surrounds log groups and keys. `aws` keeps it; so does the tests' fake."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from log_group_kms.model.keys import KeyArn
    from log_group_kms.model.surroundings import CentralizationRule, Provider, Trail


class Surroundings(Protocol):
    """The account and Region. Every method may raise any `ApiError`, and changes nothing."""

    def provider(self) -> Provider | None:
        """Return the provider; None where it is not deployed."""

    def key_policy(self, key: KeyArn) -> Mapping[str, Any]:
        """Return the policy of *key*."""

    def caller(self) -> str:
        """Return the ARN by which IAM knows the caller."""

    def not_allowed(
        self, principal: str, actions: Sequence[str], resource: str, context: Mapping[str, Sequence[str]]
    ) -> tuple[str, ...]:
        """Return those of *actions* that the policies of *principal* itself do not allow on *resource*."""

    def trails(self, region: str) -> tuple[Trail, ...]:
        """Return the trails that cover *region*."""

    def centralization(self) -> tuple[CentralizationRule, ...] | None:
        """Return the organisation's rules; None where they cannot be looked up with this botocore."""
