"""The findings of `doctor`, and the object that `--json` prints."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from log_group_kms.model.targets import Fleet


class Level(StrEnum):
    """The levels of findings, from good to bad."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to a question.

    Attributes:
        level: how good it is.
        answer: the answer, in a sentence.
        remedy: what to do; empty where nothing is to be done.
        figures: its numbers, by name.
    """

    level: Level
    answer: str
    remedy: str = ""
    figures: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finding:
    """A question, and its answer.

    Attributes:
        check: the name of the question.
        question: as people read it.
        verdict: the answer.
    """

    check: str
    question: str
    verdict: Verdict

    @property
    def line(self) -> str:
        """The finding as people read it."""
        remedy = f" To do: {self.verdict.remedy}." if self.verdict.remedy else ""
        return f"{self.verdict.level:<8} {self.question} {self.verdict.answer}.{remedy}"


@dataclass(frozen=True, slots=True)
class Checkup:
    """The findings of one run.

    Attributes:
        fleet: which log groups were looked at.
        findings: in the order of the questions.
    """

    fleet: Fleet
    findings: tuple[Finding, ...]

    @property
    def has_problem(self) -> bool:
        """True where a finding is a problem."""
        return any(each.verdict.level is Level.PROBLEM for each in self.findings)

    def as_json(self) -> dict[str, object]:
        """Return the object of `--json`."""
        place = self.fleet.place
        return {
            "command": "doctor",
            "account": place.account,
            "region": place.region,
            "prefix": self.fleet.prefix or "*",
            "checks": [
                {
                    "check": each.check,
                    "level": each.verdict.level.value,
                    "answer": each.verdict.answer,
                    "remedy": each.verdict.remedy or None,
                    "figures": dict(each.verdict.figures),
                }
                for each in self.findings
            ],
        }
