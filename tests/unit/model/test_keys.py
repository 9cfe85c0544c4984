"""KMS keys: what is the ARN of one, and what keeps one from encrypting log groups."""

from __future__ import annotations

import pytest
from support.fake_aws import key_arn

from log_group_kms.model.keys import KeyArn, KeyDescription

UUID = "1234abcd-12ab-34cd-56ef-1234567890ab"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"arn:aws:kms:eu-west-1:111122223333:key/{UUID}", id="key"),
        pytest.param(f"arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/{UUID}", id="another partition"),
        pytest.param("arn:aws:kms:eu-west-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab", id="multi-Region"),
    ],
)
def test_the_arn_of_a_key(text: str) -> None:
    """It is kept as it is written."""
    assert KeyArn(text).text == text


@pytest.mark.parametrize(
    "text",
    ["", UUID, "alias/logs", "arn:aws:kms:eu-west-1:1:key/a", f"arn:aws:logs:eu-west-1:111122223333:key/{UUID}"],
)
def test_what_is_no_arn_of_a_key(text: str) -> None:
    """An alias, an id or the ARN of something else is refused."""
    with pytest.raises(ValueError, match="is not the ARN of a KMS key"):
        KeyArn(text)


@pytest.mark.parametrize(
    ("description", "begin"),
    [
        pytest.param(KeyDescription(key_arn(1), usage="SIGN_VERIFY", state="Disabled"), "is no symmetric", id="usage"),
        pytest.param(KeyDescription(key_arn(1), state="Disabled", aws_managed=True), "is disabled", id="disabled"),
        pytest.param(KeyDescription(key_arn(1), aws_managed=True), "is an AWS managed key", id="AWS managed"),
        pytest.param(KeyDescription(key_arn(1)), "", id="none"),
    ],
)
def test_the_gravest_defect_is_told(description: KeyDescription, begin: str) -> None:
    """The defect that no change of the key's state would cure comes first."""
    assert description.defect.startswith(begin)
    assert bool(description.defect) == bool(begin)
