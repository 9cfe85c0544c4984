"""A question to AWS and its answer: a belief of the code, and what was found."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from botocore.exceptions import ClientError

from acceptance.stage import Stage

#: `path` or `path:word`; the word stands in the file.
_USE: Final = re.compile(r"`([\w./-]+\.\w+)(?::([^`]+))?`")
_USED_IN: Final = "Used in "
_THROTTLED: Final = ("ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded")


class Verdict(StrEnum):
    """The outcome of a probe, in the words of the report."""

    HELD = "held"
    NOT_HELD = "not held"
    #: AWS answered, and the answer decides nothing; or it did not answer.
    NOT_SETTLED = "not settled"
    NOT_RUN = "not run here"


@dataclass(frozen=True, slots=True)
class Use:
    """A place in the code or the pages that goes by a belief: a file of the project, and a word in it."""

    path: str
    word: str = ""

    def __str__(self) -> str:
        return f"`{self.path}`"


@dataclass(frozen=True, slots=True)
class Belief:
    """A belief about AWS that no page of AWS settles.

    Attributes:
        name: by which the report and the reference call it.
        statement: the belief.
        uses: where the code goes by it.
        not_embedded: why the embedded AWS cannot be asked; empty where it can, and then only repeats the belief.
    """

    name: str
    statement: str
    uses: tuple[Use, ...]
    not_embedded: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of a probe, and what AWS said."""

    verdict: Verdict
    said: str

    @classmethod
    def of(cls, held: bool, said: object) -> "Finding":  # noqa: FBT001 - the question that every probe ends in
        """Return that the belief held, or that it did not."""
        return cls(Verdict.HELD if held else Verdict.NOT_HELD, str(said))


@dataclass(frozen=True, slots=True)
class Answer:
    """AWS's answer to one call; without a code it succeeded. "Slow down" is none."""

    code: str
    message: str

    @classmethod
    def to(cls, call: Callable[[], object]) -> "Answer":
        """Make the call.

        Raises:
            ClientError: AWS throttled it.
        """
        try:
            call()
        except ClientError as error:
            if is_throttled(error):
                raise
            return cls(error.response["Error"].get("Code", ""), error.response["Error"].get("Message", ""))
        return cls("", "")

    @property
    def succeeded(self) -> bool:
        """Whether AWS did it."""
        return not self.code

    def denies(self, action: str) -> bool:
        """Return whether AWS refused for want of a permission that is named so."""
        return self.code == "AccessDeniedException" and f"is not authorized to perform: {action}" in self.message

    def __str__(self) -> str:
        return f"{self.code}: {self.message}" if self.code else "It succeeded."


def is_throttled(error: ClientError) -> bool:
    """Return whether AWS refused a call because there were too many."""
    return error.response["Error"].get("Code", "") in _THROTTLED


class NotRunHereError(Exception):
    """The probe cannot be made in this account; the message says why."""


Ask: TypeAlias = Callable[[Stage], Finding]


@dataclass(frozen=True, slots=True)
class Probe:
    """A belief, and the function that puts it to AWS."""

    belief: Belief
    ask: Ask

    def run(self, stage: Stage) -> Finding:
        """Put the belief to AWS; a refusal that the probe does not expect settles nothing."""
        if stage.account.is_embedded and self.belief.not_embedded:
            return Finding(Verdict.NOT_RUN, self.belief.not_embedded)
        try:
            return self.ask(stage)
        except NotRunHereError as why:
            return Finding(Verdict.NOT_RUN, str(why))
        except Exception as error:  # noqa: BLE001 - whatever it is, the other beliefs are still to be asked about
            return Finding(Verdict.NOT_SETTLED, f"{type(error).__name__}: {error}")


def probe(*, not_embedded: str = "") -> Callable[[Ask], Probe]:
    """Make a probe of a function: its name is the belief's, its docstring states the belief and where it is used.

    Raises:
        ValueError: the docstring does not.
    """

    def made(ask: Ask) -> Probe:
        statement, _, rest = (ask.__doc__ or "").partition("\n\n")
        uses = tuple(Use(path, word) for path, word in _USE.findall(rest.partition(_USED_IN)[2]))
        if not statement or not uses:
            raise ValueError(f"{ask.__name__} states no belief, or not where it is used")
        return Probe(Belief(ask.__name__.replace("_", "-"), statement.strip(), uses, not_embedded), ask)

    return made
