"""The trail of an event, and the physical id that is read off it."""

from __future__ import annotations

import pytest

from log_group_kms.association.trail import FleetTrail, Footprint, Trail
from log_group_kms.model.physical_id import NOTHING_ASSOCIATED, PERHAPS_ASSOCIATED


def test_the_markers_are_part_of_the_contract() -> None:
    """A stack may keep one for years: they outlive versions, and no success has such an id."""
    assert NOTHING_ASSOCIATED == "log-group-kms-association:nothing-associated"
    assert PERHAPS_ASSOCIATED == "log-group-kms-association:perhaps-associated"


@pytest.mark.parametrize("footprint", list(Footprint))
def test_an_event_that_nobody_understood_yet_has_one_id(footprint: Footprint) -> None:
    """Before it is known what the event asks for, whatever is left has the id that the trail begins with."""
    assert (Trail().failure_id, Trail("an id", footprint).failure_id) == (NOTHING_ASSOCIATED, "an id")


def test_the_last_footprint_counts() -> None:
    """The id is read when it is asked for, by the rule that is followed then."""
    trail = Trail("at first")
    seen = [trail.failure_id]
    trail.leave(Footprint.PERHAPS)
    trail.follow(lambda footprint: footprint.name)
    seen.append(trail.failure_id)
    trail.leave(Footprint.CLAIMED)
    seen.append(trail.failure_id)
    trail.leave(Footprint.NOTHING)
    seen.append(trail.failure_id)

    assert seen == ["at first", "PERHAPS", "CLAIMED", "NOTHING"]


@pytest.mark.parametrize("before", list(Footprint))
@pytest.mark.parametrize(
    ("left", "expected"),
    [
        pytest.param([Footprint.PERHAPS], None, id="perhaps"),
        pytest.param([Footprint.PERHAPS, Footprint.NOTHING], None, id="nothing"),
        pytest.param([Footprint.PERHAPS, Footprint.CLAIMED], Footprint.CLAIMED, id="claimed"),
        pytest.param([Footprint.CLAIMED, Footprint.NOTHING], Footprint.CLAIMED, id="claimed, and given back"),
    ],
)
def test_one_log_group_of_a_fleet_tells_the_fleet_of_claims_alone(
    before: Footprint, left: list[Footprint], expected: Footprint | None
) -> None:
    """The fleet is claimed once one log group is; nothing else that is known of one is told to the fleet."""
    fleet = Trail(footprint=before)
    trail = FleetTrail(fleet)
    for footprint in left:
        trail.leave(footprint)

    assert (trail.footprint, fleet.footprint) == (left[-1], expected or before)
