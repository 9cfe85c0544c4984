"""Coverage: who of a fleet is left without a key."""

from __future__ import annotations

import pytest
from support.fake_aws import FakeAws, FakeLogGroup, fleet, log_group, role_denied
from unit.fleet.accounts import BEFORE, OURS

from log_group_kms.fleet.coverage import Coverage
from log_group_kms.model.errors import ApiError, NotFound
from log_group_kms.model.targets import Exclusions

FLEET = fleet("/")
A, B = log_group("/a"), log_group("/b")


@pytest.fixture
def aws() -> FakeAws:
    """Two log groups without a key, one with another one's, one that is excluded, and one of AWS's own."""
    aws = FakeAws.holding(OURS, BEFORE)
    aws.reserved = ["aws/spans"]
    for group in (A, B, log_group("/excluded/x")):
        aws.log_groups[group] = FakeLogGroup()
    aws.log_groups[log_group("/keyed")] = FakeLogGroup(BEFORE)
    return aws


def seen(aws: FakeAws) -> Coverage:
    """The port, after a look at all pages."""
    coverage = Coverage(aws, Exclusions(("/excluded/*",)))
    coverage.page(fleet(), "")
    return coverage


def test_a_listing_shows_who_has_no_key(aws: FakeAws) -> None:
    """What has any key is covered; what is excluded or AWS's own is none of the fleet's."""
    assert seen(aws).uncovered == ("/a", "/b")


def test_who_gets_a_key_is_covered(aws: FakeAws) -> None:
    """And who loses it is not."""
    coverage = seen(aws)

    coverage.associate(A, OURS)
    covered = coverage.uncovered
    coverage.disassociate(A)

    assert (covered, coverage.uncovered) == (("/b",), ("/a", "/b"))


def test_who_is_refused_is_not_covered(aws: FakeAws) -> None:
    """The call that failed counts for nothing."""
    coverage = seen(aws)
    aws.refuse("AssociateKmsKey", role_denied("logs:AssociateKmsKey"))

    with pytest.raises(ApiError):
        coverage.associate(A, OURS)
    assert coverage.uncovered == ("/a", "/b")


@pytest.mark.parametrize("call", ["key_of", "claim_on"])
def test_who_has_vanished_is_forgotten(aws: FakeAws, call: str) -> None:
    """There is nothing to cover any more."""
    coverage = seen(aws)
    del aws.log_groups[A]

    with pytest.raises(NotFound):
        getattr(coverage, call)(A)
    assert coverage.uncovered == ("/b",)


def test_who_got_a_key_from_another_is_covered(aws: FakeAws) -> None:
    """A later look counts."""
    coverage = seen(aws)
    aws.log_groups[A].key = BEFORE

    coverage.key_of(A)

    assert coverage.uncovered == ("/b",)
