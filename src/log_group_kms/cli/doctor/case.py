"""The case of `doctor`: what its checks look at, each part read when it is first needed."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from log_group_kms.model.errors import ApiError
from log_group_kms.model.keys import KeyArn
from log_group_kms.model.targets import Exclusions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from log_group_kms.association.diagnosis import Diagnosis
    from log_group_kms.cli.doctor.ports import Surroundings
    from log_group_kms.model.association import Association
    from log_group_kms.model.keys import KeyDescription, KeyReference
    from log_group_kms.model.results import Listed
    from log_group_kms.model.surroundings import Provider
    from log_group_kms.model.targets import Fleet


@dataclass(frozen=True)
class Case:
    """An account, and the fleet that is wanted there.

    Attributes:
        fleet: which log groups.
        wanted: what would be asked for them.
        surroundings: the port on what surrounds them.
        describe: returns what KMS says of a key.
        listing: lists the log groups.
        diagnosis: knows CloudWatch Logs, as a key policy names it, and the statement that one needs.
    """

    fleet: Fleet
    wanted: Association
    surroundings: Surroundings
    describe: Callable[[KeyReference], KeyDescription]
    listing: Callable[[], Iterable[Listed]]
    diagnosis: Diagnosis

    @cached_property
    def key(self) -> KeyDescription:
        """The description of the key."""
        return self.describe(self.wanted.key)

    @property
    def key_arn(self) -> KeyArn:
        """The key's ARN, which may be all that is known of it."""
        return self.wanted.key if isinstance(self.wanted.key, KeyArn) else self.key.arn

    @cached_property
    def policy(self) -> Mapping[str, Any]:
        """The key's policy."""
        return self.surroundings.key_policy(self.key_arn)

    @cached_property
    def provider(self) -> Provider | None:
        """The provider; None where it is not deployed."""
        return self.surroundings.provider()

    @cached_property
    def counts(self) -> Counter[str]:
        """The log groups, counted by what would become of them: from the listing alone, whoever owns them."""
        key = None
        with suppress(ApiError):
            # Without it, each has another key.
            key = self.key_arn
        return Counter(kind for listed in self.listing() for kind in self._kinds(listed, key))

    @cached_property
    def _protected(self) -> Exclusions:
        """What the provider never touches; nothing, where it may not be looked at."""
        with suppress(ApiError):
            return Exclusions(self.provider.protected if self.provider else ())
        return Exclusions()

    def _kinds(self, listed: Listed, key: KeyArn | None) -> Iterable[str]:
        yield "matched"
        if not self.fleet.log_group(listed.name):
            yield "reserved"
        elif self.wanted.exclude.cover(listed.name) or self._protected.cover(listed.name):
            return
        elif listed.key is None or (listed.key != key and self.wanted.overrides):
            yield "changes"
            if "#" in listed.name:
                yield "odd"
        elif listed.key != key and self.wanted.looks_first:
            yield "conflicts"
