"""The report: fit to be sent to others."""

from typing import Final

import pytest

from acceptance.names import Run
from acceptance.probe import Finding, Probe, Verdict, probe
from acceptance.removal import Left
from acceptance.report import Report, masked
from acceptance.stage import Stage

RUN: Final = Run("0123abcd")
ROLE: Final = f"{RUN.name}-foundation-LogsOnly-1A2B"


@probe()
def asked(_: Stage) -> Finding:
    """AWS says so.

    Used in `template.yaml`.
    """
    raise NotImplementedError


@probe(not_embedded="It is not there.")
def not_asked(_: Stage) -> Finding:
    """AWS says otherwise.

    Used in `template.yaml:Fleet`, `src/responder.py:_has_run`.
    """
    raise NotImplementedError


def report(*, is_embedded: bool, **findings: Finding) -> str:
    """The text of a report with these findings."""
    found = Report(RUN, "eu-west-1 (aws)", is_embedded, findings)
    found.note(
        Left((), ("arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab, on 2026-12-05",))
    )
    return found.text([asked], [not_asked])


@pytest.mark.parametrize(
    ("said", "written"),
    [
        pytest.param(
            "Arn 'arn:aws:logs:eu-west-1:111122223333:log-group:/a'",
            "Arn 'arn:aws:logs:eu-west-1:ACCOUNT:log-group:/a'",
            id="account",
        ),
        pytest.param("(RequestId: 3F0C9C55-41d2-4f0c-9c55-b7e60000001a)", "(RequestId: ID)", id="request"),
        pytest.param("key/mrk-1234abcd12ab34cd56ef1234567890ab", "key/ID", id="multi-Region key"),
        pytest.param(
            "User: arn:aws:iam::111122223333:user/team/alice is not",
            "User: arn:aws:iam::ACCOUNT:user/CALLER is not",
            id="user",
        ),
        pytest.param(
            "User: arn:aws:sts::111122223333:assumed-role/Admin/alice@example.com is not",
            "User: arn:aws:sts::ACCOUNT:assumed-role/CALLER is not",
            id="session",
        ),
        pytest.param("arn:aws:iam::111122223333:role/Admin", "arn:aws:iam::ACCOUNT:role/ROLE", id="role"),
        pytest.param(
            "arn:aws:sts::111122223333:federated-user/bob", "arn:aws:sts::ACCOUNT:federated-user/CALLER", id="federated"
        ),
        pytest.param(
            f"assumed-role/{ROLE}/acceptance", f"assumed-role/{ROLE}/acceptance", id="the run's own role stays"
        ),
        pytest.param("key AKIAIOSFODNN7EXAMPLE", "key ACCESS-KEY", id="access key"),
        pytest.param("PUT https://bucket/a?X-Amz-Signature=abc failed", "PUT URL failed", id="address"),
        pytest.param("1764347049000 ms", "1764347049000 ms", id="a time is no account"),
    ],
)
def test_what_is_nobody_elses_business_is_replaced(said: str, written: str) -> None:
    """Each kind of it, wherever it stands."""
    assert masked(said) == written


def test_the_whole_of_a_report_is_masked() -> None:
    """Also the words of AWS and what is left."""
    text = report(is_embedded=False, asked=Finding(Verdict.HELD, "arn:aws:logs:eu-west-1:111122223333:*"))

    assert "111122223333" not in text
    assert "Pending deletion, at no cost: arn:aws:kms:eu-west-1:ACCOUNT:key/ID, on 2026-12-05" in text


def row(text: str, of: Probe) -> str:
    """The row of a probe."""
    (found,) = [line for line in text.splitlines() if line.startswith(f"| `{of.belief.name}` |")]
    return found


def test_a_row_says_what_was_believed_and_what_was_said() -> None:
    """A bar in AWS's words ends no cell."""
    text = report(is_embedded=False, asked=Finding(Verdict.NOT_HELD, "a | b"))

    assert row(text, asked) == "| `asked` | AWS says so. | not held | a \\| b | `template.yaml` |"
    assert "0 held, 1 not held, 0 not settled, 1 not run here." in text
    assert "real account" in text


def test_what_the_embedded_aws_repeats_is_marked() -> None:
    """What was not asked proves nothing either way, and is not marked."""
    text = report(is_embedded=True, asked=Finding(Verdict.HELD, "yes"))

    assert row(text, asked).split(" | ")[2] == "held (emulator only)"
    assert row(text, not_asked).split(" | ")[2:4] == ["not run here", "It was not asked."]
    assert "It proves nothing about AWS." in text


def test_a_failure_is_named_first() -> None:
    """Who reads it learns why so little was asked."""
    found = Report(RUN, "eu-west-1 (aws)", is_embedded=False, failure="no SAM CLI")

    assert "**The run did not get to its end**: no SAM CLI" in found.text([asked], [not_asked])
    assert found.finding(asked).verdict == Verdict.NOT_RUN
