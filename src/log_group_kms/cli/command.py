"""Commands: what each is, runs with and ends with.

A new command is a module in `commands` and an entry in `main.COMMANDS`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from log_group_kms.association.context import Context
from log_group_kms.association.diagnosis import Diagnosis, Wording
from log_group_kms.cli import patience
from log_group_kms.cli.terminal import tell
from log_group_kms.model.errors import ApiError
from log_group_kms.model.targets import Exclusions
from log_group_kms.request.properties import PROPERTIES
from log_group_kms.retry.retrier import Retrier

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Callable, Mapping

    from log_group_kms.association.requests import Ensure, Remove
    from log_group_kms.cli.options import Options
    from log_group_kms.cli.screen import Screen
    from log_group_kms.cli.terminal import Account, Terminal
    from log_group_kms.model.errors import ProviderError
    from log_group_kms.model.targets import Place
    from log_group_kms.retry.clock import Deadline


class Exit(IntEnum):
    """The exit codes."""

    DONE = 0
    ERROR = 1
    FOUND = 3
    INTERRUPTED = 130


#: 100,000 log groups take five and a half hours, which temporary credentials may not last.
_EXPIRED: Final = ("ExpiredToken", "ExpiredTokenException", "RequestExpired")
_FLAGS: Final = {each.name: each.flag for each in PROPERTIES if each.option}
_WORDS: Final = Wording(
    caller="The caller",
    asker="the caller",
    account="the caller's account",
    again="run the same command again",
    key=_FLAGS["KmsKeyId"],
    missing="it was deleted meanwhile, run the same command again",
    denied="change that policy",
    grant="add it to the caller's policies, or take back what removed it",
    grant_key=(
        "add it to the caller's policies, and where the key is in another account, let its policy allow the caller "
        "{action} as well"
    ),
)


class Misuse(Exception):  # noqa: N818 - named for what it is
    """An option that breaks a rule, as only the account and Region could tell."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """One run of a command, with all that it needs.

    Attributes:
        options: what the command line says.
        terminal: the outside.
        account: where the credentials lead.
        screen: shows what is found and done.
        deadline: the end of the run: none, until Ctrl-C brings it forward.
    """

    options: Options
    terminal: Terminal
    account: Account
    screen: Screen
    deadline: Deadline

    @property
    def place(self) -> Place:
        """The account and Region."""
        return self.account.place

    def context(self, *, telling: bool = False) -> Context:
        """Return the way to AWS that the rules take; one that is *telling* says at once what it waits for."""
        rate_limits = replace(self.terminal.rate_limits, log_groups=self.options.rate)
        retrier = Retrier(self.terminal.clock, self.deadline)
        log_groups = self.account.log_groups
        if telling:
            log_groups = patience.telling(log_groups, self.terminal.clock)
        context = Context.of(log_groups, self.account.keys, retrier, rate_limits=rate_limits)
        return context.protecting(self._protected)

    @property
    def _protected(self) -> Exclusions:
        """The log groups that nothing is to change.

        Raises:
            Misuse: one is no name.
        """
        try:
            return Exclusions(tuple(self.options.protected))
        except ValueError as broken:
            raise Misuse(f"--protected: {broken}") from None

    def agreed(self, question: str) -> bool:
        """Ask before anything is changed, unless `--yes` is given; True for a Yes."""
        if self.options.yes or self.terminal.ask(question):
            return True
        self.screen.failure({"command": self.options.command, "error": "Nothing was changed."})
        tell("Nothing was changed.")
        return False

    def fail(self, failure: ProviderError, so_far: Mapping[str, object] | None = None) -> Exit:
        """Tell the *failure*, with the object that `--json` prints of what was done before it; return the exit code."""
        told = self._reason(failure)
        self.screen.failure({"command": self.options.command, **(so_far or {}), "error": told})
        tell(told)
        return Exit.ERROR

    def _reason(self, failure: ProviderError) -> str:
        if not isinstance(failure, ApiError):
            return in_options(str(failure))
        if failure.code in _EXPIRED:
            return f"The credentials have expired: renew them, and the same command goes on with the rest. {failure}"
        account = self.account
        return Diagnosis(account.keys, account.place, account.service_principal, _WORDS).reason(failure)


def in_options(text: str) -> str:
    """Return *text* with the option in place of each property."""
    return re.sub(r"\w+", lambda word: _FLAGS.get(word[0], word[0]), text)


def _no_options(_: ArgumentParser) -> None:
    """Add nothing."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command.

    Attributes:
        name: as it is typed.
        summary: what it does, in a line.
        run: does it.
        request: the kind of request that it makes, whose properties are its options; None where it only looks at
            a fleet.
        add_options: adds the options of this command alone.
        changes: True where it changes something, so that it asks first.
        claims: True where it matters for whom it claims.
        fields: those of the object that `--json` prints, as `--help` lists them.
        found: what its exit code 3 means; empty where it has none.
    """

    name: str
    summary: str
    run: Callable[[Invocation], Exit]
    request: type[Ensure | Remove] | None = None
    add_options: Callable[[ArgumentParser], None] = _no_options
    changes: bool = False
    claims: bool = True
    fields: str = ""
    found: str = ""
