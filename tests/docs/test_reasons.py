"""The page of Reasons quotes the provider: each text is one that it gives, and each refusal is explained."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass
from typing import Final

import pytest
from support.pages import PROJECT, code_in, page

from log_group_kms.association.diagnosis import Diagnosis
from log_group_kms.model.errors import (
    AccessDenied,
    AlreadyExists,
    ApiError,
    ConcurrentChange,
    InvalidParameter,
    InvalidRequest,
    KeyNotFound,
    KeyPolicyDenied,
    LimitExceeded,
    NotFound,
    ReservedLogGroup,
    RoleDenied,
    Throttled,
    Unavailable,
)
from log_group_kms.model.keys import KeyArn, KeyDescription, KeyReference
from log_group_kms.model.targets import LogGroup, LogGroupName, Place
from log_group_kms.request.parse import parse_association

PLACE: Final = Place("aws", "eu-west-1", "111122223333")
KEY: Final = KeyArn("arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab")
LOG_GROUP: Final = LogGroup(PLACE, LogGroupName("/aws/lambda/orders"))
REASONS: Final = page("docs/reference/reasons.md")


def reason(refusal: ApiError, description: KeyDescription | ApiError) -> str:
    """What the provider says of *refusal*, with the key as KMS describes it."""

    @dataclass(frozen=True, slots=True)
    class Keys:
        def describe(self, _: KeyReference) -> KeyDescription:
            if isinstance(description, ApiError):
                raise description
            return description

    return Diagnosis(Keys(), PLACE, f"logs.{PLACE.region}.amazonaws.com").reason(refusal)


def test_the_example_of_mistakes_is_what_the_code_says() -> None:
    """The three mistakes of the example event, in the code's own words."""
    event = json.loads((PROJECT / "events" / "malformed-three-mistakes.json").read_text())
    (example,) = REASONS.section("Mistakes in the properties").blocks("text")

    with pytest.raises(InvalidRequest) as raised:
        parse_association(event["ResourceProperties"], PLACE)

    assert example.strip() == str(raised.value)


def patterns() -> dict[str, re.Pattern[str]]:
    """What the tables of failures say that a Reason says; `…` stands for anything."""
    texts = [text for row in REASONS.rows for text in code_in(row[0])]
    texts += [text for text in REASONS.section("Notes on success").code if " " in text]
    return {text: re.compile(re.escape(text).replace("…", ".*"), re.DOTALL) for text in texts}


def messages_in_source() -> list[str]:
    """Every string of the provider's source, with `…` for what is filled in."""
    found = []
    for path in (PROJECT / "src" / "log_group_kms").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.JoinedStr):
                parts = [str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values]
                found.append("".join(parts))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    return found


ABOUT: Final = ("AssociateKmsKey", "Code", "AWS's own words", LOG_GROUP.arn, KEY.text)
FINE: Final = KeyDescription(KEY)
UNDESCRIBED: Final = RoleDenied("DescribeKey", "AccessDeniedException", "", action="kms:DescribeKey")
REFUSALS: Final = {
    "key policy": reason(KeyPolicyDenied(*ABOUT), FINE),
    "key policy, key not to be described": reason(KeyPolicyDenied(*ABOUT), UNDESCRIBED),
    "role and key": reason(RoleDenied(*ABOUT, action="kms:Encrypt"), FINE),
    "role and log group": reason(RoleDenied(*ABOUT, action="logs:TagResource"), FINE),
    "explicit deny": reason(
        RoleDenied("TagResource", "Code", "with an explicit deny", action="logs:TagResource"), FINE
    ),
    "no such key": reason(KeyPolicyDenied(*ABOUT), KeyNotFound("DescribeKey", "NotFoundException", "")),
    "disabled": reason(InvalidParameter(*ABOUT), KeyDescription(KEY, state="Disabled")),
    "pending deletion": reason(InvalidParameter(*ABOUT), KeyDescription(KEY, state="PendingDeletion")),
    "pending import": reason(InvalidParameter(*ABOUT), KeyDescription(KEY, state="PendingImport")),
    "asymmetric": reason(InvalidParameter(*ABOUT), KeyDescription(KEY, spec="RSA_2048")),
    "AWS managed": reason(InvalidParameter(*ABOUT), KeyDescription(KEY, aws_managed=True)),
    "key refused": reason(InvalidParameter(*ABOUT), FINE),
    "denied": reason(AccessDenied(*ABOUT), FINE),
    "no log group": reason(NotFound(*ABOUT), FINE),
    "reserved": reason(ReservedLogGroup(*ABOUT), FINE),
    "concurrent change": reason(ConcurrentChange(*ABOUT), FINE),
    "throttled": reason(Throttled(*ABOUT), FINE),
    "unavailable": reason(Unavailable(*ABOUT), FINE),
    "limit": reason(LimitExceeded(*ABOUT), FINE),
    "anything else": reason(AlreadyExists(*ABOUT), FINE),
}


@pytest.mark.parametrize("text", patterns())
def test_what_a_reason_says_is_what_the_code_says(text: str) -> None:
    """Each text in the tables of failures is one that the provider gives."""
    says = patterns()[text]

    assert [said for said in (*REFUSALS.values(), *messages_in_source()) if says.search(said)] != []


@pytest.mark.parametrize("said", [pytest.param(said, id=name) for name, said in REFUSALS.items()])
def test_each_refusal_has_a_row(said: str) -> None:
    """Whoever reads a refusal's Reason finds it in the table of refusals."""
    table = {text for row in REASONS.section("Refusals").rows for text in code_in(row[0])}

    assert [text for text in table if patterns()[text].search(said)] != []
