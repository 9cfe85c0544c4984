"""What a scanner found, what a template suppresses, and what is left of both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

#: In characters. A shorter text gives no reason.
SHORTEST_REASON: Final = 20


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """A rule that a resource breaks."""

    resource: str
    rule: str
    #: What the rule asks for, in the scanner's words.
    asks: str = ""


@dataclass(frozen=True, slots=True, order=True)
class Suppression:
    """A rule that a resource may break, and why."""

    resource: str
    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class Scan:
    """What one scanner makes of one template.

    Attributes:
        template: Path of the template, for people.
        findings: Each rule that a resource breaks, suppressed or not.
        rules: Names of the rules that looked at the template. A suppression of another one is not judged.
    """

    template: str
    findings: frozenset[Finding]
    rules: frozenset[str]


def suppressions(template: dict[str, Any]) -> list[Suppression]:
    """Return what the resources' metadata suppress: checkov's, and cfn-guard's with their reasons."""
    found = []
    for name, resource in template["Resources"].items():
        metadata = resource.get("Metadata", {})
        skips = metadata.get("checkov", {}).get("skip", [])
        found += [Suppression(name, skip["id"], skip.get("comment", "")) for skip in skips]
        guard = metadata.get("guard", {})
        for rule in guard.get("SuppressedRules", []):
            reason = guard.get("Reasons", {}).get(rule, "")
            found.append(Suppression(name, rule, _as_for_checkov(reason, metadata)))
    return found


def _as_for_checkov(reason: str, metadata: dict[str, Any]) -> str:
    """Return the comment of the check that a *reason* names in its place: "As CKV_AWS_117"."""
    comments = {f"As {skip['id']}": skip.get("comment", "") for skip in metadata.get("checkov", {}).get("skip", [])}
    return str(comments.get(reason, reason))


def unexplained(scan: Scan, suppressed: Iterable[Suppression]) -> list[str]:
    """Return what is wrong with a template: findings that nothing suppresses, and suppressions without a reason."""
    known = {(one.resource, one.rule): one.reason for one in suppressed}
    left = [
        f"{scan.template}: {one.resource}: {one.rule}: {one.asks}"
        for one in sorted(scan.findings)
        if (one.resource, one.rule) not in known
    ]
    silent = [
        f"{scan.template}: {resource}: {rule} is suppressed without a reason"
        for (resource, rule), reason in sorted(known.items())
        if rule in scan.rules and len(reason) < SHORTEST_REASON
    ]
    return left + silent


def stale(scans: Iterable[Scan], suppressed: Iterable[Suppression]) -> list[str]:
    """Return each suppression that silences nothing in any of the *scans*.

    Both templates carry the same suppressions, and one of them may fulfil what the other cannot.
    """
    scans = tuple(scans)
    silenced = {(one.resource, one.rule) for scan in scans for one in scan.findings}
    rules = {rule for scan in scans for rule in scan.rules}
    left = {(one.resource, one.rule) for one in suppressed if one.rule in rules} - silenced
    return [f"{resource}: {rule} is suppressed, and nothing breaks it" for resource, rule in sorted(left)]
