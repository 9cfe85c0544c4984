"""The forms in which properties are written."""

from __future__ import annotations

from enum import StrEnum

import pytest
from support.fake_aws import PLACE

from log_group_kms.request.forms import one_of
from log_group_kms.request.values import Scope


class Colour(StrEnum):
    """What something may be."""

    RED = "Red"
    BLUE = "Blue"


def test_one_of_several_is_read_as_it_is_written() -> None:
    """The schema has its pattern and its choices."""
    form = one_of(Colour)

    assert form.read("Blue", Scope(PLACE)) is Colour.BLUE
    assert (form.pattern, form.choices) == ("Red|Blue", ("Red", "Blue"))


@pytest.mark.parametrize("text", ["blue", "", "Green", "Red|Blue"])
def test_any_other_is_a_mistake_that_names_them_all(text: str) -> None:
    """Also in another case: CloudFormation compares with what was there before."""
    with pytest.raises(ValueError, match=r"^it must be one of Red, Blue$"):
        one_of(Colour).read(text, Scope(PLACE))
