"""`acceptance.md`: what was believed, whether it held, and what AWS said, fit to be sent to others."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import botocore

from acceptance import PROJECT
from acceptance.account import Account
from acceptance.names import PREFIX, Run
from acceptance.probe import Belief, Finding, Probe, Verdict
from acceptance.removal import Left

FILE: Final = Path("acceptance.md")
_INTERRUPTED: Final = Finding(Verdict.NOT_RUN, "It was not asked.")
_EMULATOR: Final = "emulator only"

#: What is nobody else's business, and what stands in its place; in this order.
_MASKS: Final = (
    (re.compile(r"https?://\S+"), "URL"),
    (re.compile(r"\b(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{12,}\b"), "ACCESS-KEY"),
    (re.compile(r"(?<=:federated-user/)\S+"), "CALLER"),
    (re.compile(rf"(?<=:user/)(?!{PREFIX})\S+"), "CALLER"),
    (re.compile(rf"(?<=:assumed-role/)(?!{PREFIX})[^\s/]+/\S+"), "CALLER"),
    (re.compile(rf"(?<=:role/)(?!{PREFIX})\S+"), "ROLE"),
    (re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE), "ID"),
    (re.compile(r"\bmrk-[0-9a-f]{32}\b"), "ID"),
    (re.compile(r"\b\d{12}\b"), "ACCOUNT"),
)


def masked(text: str) -> str:
    """Return a text without account ids, request ids, key ids, callers, addresses and credentials."""
    for pattern, stands in _MASKS:
        text = pattern.sub(stands, text)
    return text


@dataclass
class Report:
    """What a run has found so far."""

    run: Run
    place: str
    is_embedded: bool
    findings: dict[str, Finding] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)
    still_there: bool = True
    #: Why nothing, or not all, was asked.
    failure: str = ""

    @classmethod
    def of(cls, account: Account, run: Run) -> "Report":
        """Begin the report of a run."""
        return cls(run, f"{account.region} ({account.partition})", account.is_embedded)

    def note(self, left: Left) -> None:
        """Note what is still there after the removal."""
        self.left = list(left.lines())
        self.still_there = bool(left.things)

    def text(self, drives: Sequence[Probe], probes: Sequence[Probe]) -> str:
        """Return the report in Markdown, masked."""
        return masked("\n".join(self._lines(drives, probes)) + "\n")

    def finding(self, probe: Probe) -> Finding:
        """Return what was found, also for a probe that was not made."""
        return self.findings.get(probe.belief.name, _INTERRUPTED)

    def _lines(self, drives: Sequence[Probe], probes: Sequence[Probe]) -> Iterator[str]:
        yield "# Acceptance report"
        yield ""
        yield f"Custom::LogGroupKmsAssociation {_version()}, {self.place}, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC,"
        yield f"botocore {botocore.__version__}, run {self.run.id}."
        yield ""
        if self.is_embedded:
            yield f"This ran on the embedded AWS, which repeats what the project believes of AWS: *{_EMULATOR}*."
            yield "It proves nothing about AWS."
        else:
            yield "This ran on a real account. Account ids, ids, callers and addresses are replaced."
        yield ""
        if self.failure:
            yield from (f"**The run did not get to its end**: {_cell(self.failure)}", "")
        counts = Counter(self.finding(probe).verdict for probe in (*drives, *probes))
        yield ", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict) + "."
        yield from ("", "## The provider driven through CloudFormation", "")
        yield from self._table("What it should do", drives)
        yield from ("", "## Beliefs about AWS", "")
        yield from self._table("Belief", probes)
        yield from ("", "## What is left", "")
        yield from (f"- {line}" for line in self.left or ["Not looked at."])

    def _table(self, heading: str, probes: Iterable[Probe]) -> Iterator[str]:
        yield f"| Name | {heading} | Result | What was seen, and what AWS said | Used in |"
        yield "|---|---|---|---|---|"
        for probe in probes:
            belief, finding = probe.belief, self.finding(probe)
            only = self.is_embedded and finding.verdict != Verdict.NOT_RUN
            result = f"{finding.verdict} ({_EMULATOR})" if only else str(finding.verdict)
            yield f"| `{belief.name}` | {belief.statement} | {result} | {_cell(finding.said)} | {_uses(belief)} |"


def beliefs(probes: Iterable[Probe]) -> Iterator[str]:
    """Yield the rows of the reference: every belief, where it is used, and whether the embedded AWS can be asked."""
    yield "| Name | Belief | Used in | On the embedded AWS |"
    yield "|---|---|---|---|"
    for probe in probes:
        belief = probe.belief
        yield f"| `{belief.name}` | {belief.statement} | {_uses(belief)} | {belief.not_embedded or 'Repeated'} |"


def _uses(belief: Belief) -> str:
    return ", ".join(str(use) for use in belief.uses)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def _version() -> str:
    found = re.search(r"^ +SemanticVersion: (\S+)$", (PROJECT / "template.yaml").read_text(), re.MULTILINE)
    return found[1] if found else "of no version"
