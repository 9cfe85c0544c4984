"""The plain look at a key's policy: yes, no, or look at it yourself."""

from __future__ import annotations

from typing import Any, Final

import pytest
from support.fake_surroundings import FOR_LOGS, LOGS, ROOT, allow

from log_group_kms.cli.doctor.key_policy import Access, allows

CONTEXT: Final = "kms:EncryptionContext:aws:logs:arn"
HERE: Final = "arn:aws:logs:eu-west-1:111122223333:"
SERVICE: Final = {"Service": LOGS}


def access(prefix: str = "/aws/") -> Access:
    """The use of a key by CloudWatch Logs for a fleet."""
    return Access(
        frozenset({("Service", LOGS)}),
        {CONTEXT.lower(): f"{HERE}log-group:{prefix}*"},
        perhaps=frozenset({("AWS", "*")}),
    )


def on(pattern: str | list[str], operator: str = "ArnLike") -> dict[str, Any]:
    """The documented statement, for what *pattern* takes."""
    return allow(SERVICE, {operator: {CONTEXT: pattern}})


@pytest.mark.parametrize(
    ("statements", "told"),
    [
        pytest.param([FOR_LOGS], True, id="as documented"),
        pytest.param([allow(SERVICE)], True, id="no condition"),
        pytest.param([allow({"Service": ["other.example.com", LOGS]}, Action="kms:*")], True, id="lists, all actions"),
        pytest.param([on(f"{HERE}*")], True, id="the documentation's other pattern"),
        pytest.param([on("arn:aws:logs:*:*:log-group:/aws/*", "StringLike")], True, id="wildcards"),
        pytest.param([on([f"{HERE}log-group:/x", f"{HERE}log-group:/a*"])], True, id="one of several patterns"),
        pytest.param([on(f"{HERE}log-group:/aws/lambda/*")], False, id="a part of the fleet"),
        pytest.param([on(f"{HERE}log-group:/aws/x")], False, id="one log group"),
        pytest.param([on("arn:aws:logs:us-east-1:111122223333:*")], False, id="another Region"),
        pytest.param([on(f"{HERE}log-group:/aws/*", "StringEquals")], False, id="a literal"),
        pytest.param([on("arn:aws:logs:*")], False, id="no ARN pattern"),
        pytest.param([on(f"{HERE}log-group:${{aws:x}}*")], None, id="a policy variable"),
        pytest.param([on(f"{HERE}*", "ArnLikeIfExists")], None, id="an unknown operator"),
        pytest.param([allow(SERVICE, {"StringEquals": {"aws:SourceAccount": "1"}})], None, id="an unknown key"),
        pytest.param([allow("*")], None, id="everybody, and perhaps the service"),
        pytest.param([ROOT], False, id="somebody else"),
        pytest.param([], False, id="nothing"),
        pytest.param([allow(SERVICE, Action=["kms:Encrypt", "kms:Decrypt"])], False, id="some actions"),
        pytest.param(
            [allow(SERVICE, Action="kms:Encrypt"), allow(SERVICE, Action=["kms:[D]*", "kms:De*", "KMS:ReEncrypt*"]),
             allow(SERVICE, Action="kms:GenerateDataKey*")],
            True,
            id="actions of several statements",
        ),
        pytest.param([FOR_LOGS, allow(SERVICE, Effect="Deny", Action="kms:Decrypt")], False, id="denied"),
        pytest.param([FOR_LOGS, allow(SERVICE, Effect="Deny", Action="kms:PutKeyPolicy")], True, id="denied otherwise"),
        pytest.param(
            [FOR_LOGS, {**on(f"{HERE}log-group:/aws/x"), "Effect": "Deny"}], None, id="denied, perhaps in part"
        ),
        pytest.param(
            [allow("*", Effect="Deny"), {**on(f"{HERE}*"), "Effect": "Deny"}, FOR_LOGS], None, id="two unclear ones"
        ),
        pytest.param(
            [allow(SERVICE, Effect="Deny"), {**on(f"{HERE}*"), "Effect": "Deny"}, FOR_LOGS], False, id="denied first"
        ),
        pytest.param(
            [FOR_LOGS, {"Effect": "Deny", "NotPrincipal": {"AWS": "x"}, "Action": "kms:*", "Resource": "*"}],
            None,
            id="NotPrincipal",
        ),
        pytest.param([{"Effect": "Allow", "Principal": SERVICE, "NotAction": "kms:Put*"}], None, id="NotAction"),
    ],
)  # fmt: skip
def test_whether_it_allows(statements: list[dict[str, Any]], told: bool | None) -> None:  # noqa: FBT001 - a column
    """Only what is understood is answered."""
    assert allows({"Statement": statements}, access()) is told


def test_a_single_statement() -> None:
    """A policy may have one that stands by itself."""
    assert allows({"Statement": FOR_LOGS}, access("")) is True
