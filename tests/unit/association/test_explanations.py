"""What a user reads for an error: its reason, and how far the work had come."""

from __future__ import annotations

import pytest
from support.fake_aws import PLACE, FakeAws, throttled

from log_group_kms.association.diagnosis import Diagnosis
from log_group_kms.model.errors import NotStabilized, OutOfTime, ProviderError


@pytest.mark.parametrize(
    ("error", "notes", "said"),
    [
        pytest.param(OutOfTime("Time ran out."), [], "Time ran out.", id="as it is"),
        pytest.param(NotStabilized("It does not."), ["One.", "Two."], "It does not. One. Two.", id="with its notes"),
    ],
)
def test_what_the_provider_says_is_told_with_its_notes(error: ProviderError, notes: list[str], said: str) -> None:
    """They tell how far a fleet came."""
    for note in notes:
        error.add_note(note)

    assert Diagnosis(FakeAws(), PLACE, "logs.eu-west-1.amazonaws.com").explain(error) == said


def test_what_aws_says_is_told_with_its_cause() -> None:
    """And with the notes, too."""
    diagnosis, error = Diagnosis(FakeAws(), PLACE, "logs.eu-west-1.amazonaws.com"), throttled()
    error.add_note("Of its log groups: none was changed.")

    assert diagnosis.explain(error) == f"{diagnosis.reason(error)} Of its log groups: none was changed."
    assert diagnosis.reason(error).endswith(str(error))
