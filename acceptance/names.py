"""The names and the tag by which all that a run makes is found again, also by another process."""

import re
import secrets
from dataclasses import dataclass
from typing import Final

#: Of every stack, function, rule, role and log group.
PREFIX: Final = "log-group-kms-acceptance"
#: On all that takes tags. Its value is the run's id.
RUN_TAG: Final = f"{PREFIX}:run"

_OF_A_RUN: Final = re.compile(rf"{PREFIX}[-/](?P<id>[0-9a-f]{{8}})(?![0-9a-f])")


@dataclass(frozen=True, slots=True, order=True)
class Run:
    """One run of the suite."""

    id: str

    @classmethod
    def new(cls) -> "Run":
        """Make one that no other has the id of."""
        return cls(secrets.token_hex(4))

    @classmethod
    def of(cls, name: str) -> "Run | None":
        """Return the run that made what has this *name*; None where it is not the suite's."""
        found = _OF_A_RUN.search(name)
        return cls(found["id"]) if found else None

    @property
    def name(self) -> str:
        """The name of the provider's function, with which all other names begin."""
        return f"{PREFIX}-{self.id}"

    @property
    def tags(self) -> dict[str, str]:
        """The tag on all that takes one."""
        return {RUN_TAG: self.id}

    @property
    def foundation(self) -> str:
        """The stack of keys, roles, functions, queue and bucket."""
        return self.stack("foundation")

    @property
    def provider(self) -> str:
        """The provider's stack."""
        return self.stack("provider")

    @property
    def export(self) -> str:
        """The export of the provider's ServiceToken."""
        return f"{self.name}-ServiceToken"

    @property
    def log_groups(self) -> tuple[str, ...]:
        """What the names of the run's log groups begin with: its own, and those of the provider's functions."""
        return f"/{PREFIX}/{self.id}/", f"/aws/lambda/{self.name}"

    @property
    def fleet(self) -> str:
        """The prefix of the log groups that the provider's own fleet takes, now and from now on."""
        return self.log_group("enrolled/")

    def stack(self, what: str) -> str:
        """Return the name of a stack."""
        return f"{self.name}-{what}"

    def log_group(self, what: str) -> str:
        """Return the name of a log group."""
        return f"/{PREFIX}/{self.id}/{what}"
