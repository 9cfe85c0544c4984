"""`make scan` finds what is wrong with a template, and lets nothing pass that nobody explained."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest
from support.template import PROJECT, load

from tools.scan import checkov, guard
from tools.scan.__main__ import ENVIRONMENT, TEMPLATES, scanned, wrong
from tools.scan.deployed import as_deployed
from tools.scan.finding import Finding, Scan, Suppression, stale, suppressions, unexplained

if TYPE_CHECKING:
    from pathlib import Path

#: Two faults: one that checkov knows, one that AWS's rules know.
FAULTY: Final = {
    "AWSTemplateFormatVersion": "2010-09-09",
    "Parameters": {"Days": {"Type": "Number", "Default": 7}},
    "Resources": {
        "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"AccessControl": "PublicRead"}},
        "Log": {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": {"Ref": "Days"}}},
    },
}


def scan(*findings: Finding, rules: tuple[str, ...] = ("RULE",)) -> Scan:
    """Return a scan of these rules with these findings."""
    return Scan("template.yaml", frozenset(findings), frozenset(rules))


class TestFindings:
    @pytest.mark.parametrize(
        ("suppressed", "left"),
        [
            pytest.param([], ["template.yaml: Queue: RULE: encryption"], id="nothing suppresses it"),
            pytest.param([Suppression("Queue", "RULE", "x" * 20)], [], id="suppressed with a reason"),
            pytest.param(
                [Suppression("Queue", "RULE", "because")],
                ["template.yaml: Queue: RULE is suppressed without a reason"],
                id="no reason",
            ),
            pytest.param(
                [Suppression("Other", "RULE", "x" * 20)],
                ["template.yaml: Queue: RULE: encryption"],
                id="another resource",
            ),
        ],
    )
    def test_need_an_explanation(self, suppressed: list[Suppression], left: list[str]) -> None:
        """Each is suppressed for its own resource with a reason, or is told."""
        assert unexplained(scan(Finding("Queue", "RULE", "encryption")), suppressed) == left

    @pytest.mark.parametrize(
        ("rules", "left"),
        [
            pytest.param(("RULE",), ["Queue: RULE is suppressed, and nothing breaks it"], id="the rule looked"),
            pytest.param((), [], id="the rule is not among those that ran"),
        ],
    )
    def test_make_a_suppression_stale_when_they_go(self, rules: tuple[str, ...], left: list[str]) -> None:
        """What a mended template still suppresses is told, so that a new fault of the kind is not hidden."""
        assert stale([scan(rules=rules)], [Suppression("Queue", "RULE", "x" * 20)]) == left

    def test_of_either_template_keep_a_suppression(self) -> None:
        """The landing zone has a key for its logs, the provider alone may have none: one suppression serves both."""
        both = [scan(), scan(Finding("Log", "RULE"))]

        assert stale(both, [Suppression("Log", "RULE", "x" * 20)]) == []

    def test_may_be_explained_once_for_two_scanners(self) -> None:
        """A reason that names checkov's check is that check's comment."""
        skip = {"id": "CKV_1", "comment": "for a good reason"}
        metadata = {"checkov": {"skip": [skip]}, "guard": {"SuppressedRules": ["A", "B"], "Reasons": {"A": "As CKV_1"}}}

        assert suppressions({"Resources": {"Queue": {"Metadata": metadata}}}) == [
            Suppression("Queue", "CKV_1", "for a good reason"),
            Suppression("Queue", "A", "for a good reason"),
            Suppression("Queue", "B", ""),
        ]


@pytest.fixture(scope="module")
def cfn_guard() -> guard.Guard:
    """cfn-guard with AWS's rules, from the scanners' environment."""
    return guard.unpacked(ENVIRONMENT, ENVIRONMENT / "cfn-guard")


@pytest.fixture
def faulty(tmp_path: Path) -> Path:
    """Return the path of the faulty template."""
    path = tmp_path / "faulty.yaml"
    path.write_text(json.dumps(FAULTY))
    return path


def broken(scan: Scan) -> set[tuple[str, str]]:
    """Return the resources that break a rule, with the rule."""
    return {(finding.resource, finding.rule) for finding in scan.findings}


class TestScanners:
    def test_checkov_finds_a_public_bucket(self, faulty: Path) -> None:
        """CKV_AWS_20 is about buckets that everybody may read."""
        found = checkov.scan(ENVIRONMENT / "bin" / "checkov", faulty, "faulty.yaml")

        assert ("Bucket", "CKV_AWS_20") in broken(found)

    def test_checkov_fails_at_what_is_no_template(self, tmp_path: Path) -> None:
        """A scan that looked at nothing has not passed."""
        path = tmp_path / "none.yaml"
        path.write_text("Resources: {}\n")

        with pytest.raises(RuntimeError, match=r"checkov could not read none\.yaml"):
            checkov.scan(ENVIRONMENT / "bin" / "checkov", path, "none.yaml")

    def test_cfn_guard_finds_a_short_retention(self, faulty: Path, cfn_guard: guard.Guard) -> None:
        """The rule reads the default of the parameter; it asks for a year."""
        (found,) = [
            one for one in cfn_guard.scan(as_deployed(faulty), "faulty.yaml").findings if "retention" in one.rule
        ]

        assert found.resource == "Log"
        assert found.asks.startswith("[CT.CLOUDWATCH.PR.2]: Require an Amazon CloudWatch log group to be retained")

    def test_cfn_guard_fails_at_a_rule_that_it_cannot_read(self, tmp_path: Path, faulty: Path) -> None:
        """A broken rule is not a rule that passes."""
        (tmp_path / "broken.guard").write_text("rule broken {")
        program = guard.unpacked(ENVIRONMENT, ENVIRONMENT / "cfn-guard").program

        with pytest.raises(RuntimeError, match=r"cfn-guard .* faulty\.yaml"):
            guard.Guard(program, (tmp_path / "broken.guard",)).scan(as_deployed(faulty), "faulty.yaml")


class TestOurTemplates:
    @pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.parent.name)
    def test_each_suppression_is_needed(self, path: Path, cfn_guard: guard.Guard) -> None:
        """Without its metadata, a template has findings; with them, none is left."""
        scans = scanned(path, cfn_guard)
        template: dict[str, Any] = load(path)

        assert [line for scan in scans for line in unexplained(scan, [])] != []
        assert [line for scan in scans for line in unexplained(scan, suppressions(template))] == []

    def test_a_new_fault_is_told(self, cfn_guard: guard.Guard) -> None:
        """A rule that a template breaks in a further place is not covered by the suppressions of another."""
        path = PROJECT / "template.yaml"
        template = as_deployed(path)
        template["Resources"]["NewQueue"] = {"Type": "AWS::SQS::Queue", "Properties": {}}
        found = cfn_guard.scan(template, "template.yaml")

        assert any(
            line.startswith("template.yaml: NewQueue: ")
            for line in wrong({path: [found]}, {path: suppressions(load(path))})
        )
