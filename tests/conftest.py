"""What all tests share: an embedded AWS for those that want one, and properties that never fail for a slow machine."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import HealthCheck, settings

from local.client.embedded_aws import EmbeddedAws

if TYPE_CHECKING:
    from collections.abc import Iterator

# The machine may be shared, and drawing Unicode for the first time builds a table: time says nothing here.
settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("default")


def pytest_xdist_auto_num_workers() -> int:
    """Return how many workers `-n auto` means: the longest tests wait for servers, most of their time."""
    return max(4, 2 * (os.cpu_count() or 1))


#: Modules whose lines others have to cover: chance does that some days alone, and tracing takes half of their time.
UNTRACED: Final = {
    "test_agreement",
    "test_at_the_same_time",
    "test_fleets_at_random",
    "test_stacks_at_random",
    "test_threads",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files first that take longest, and mark what coverage does not trace."""
    # Lest one worker is at such a file when all others are through.
    items.sort(key=lambda item: "e2e" not in item.path.parts)
    for item in items:
        if item.path.stem in UNTRACED:
            item.add_marker(pytest.mark.no_cover)


#: Tests call as fast as they can, and for many of them no sleep takes time: at AWS's own quotas they would be refused
#: for what no user does. Those that are about quotas set them. A test that makes hundreds of calls a second is refused.
QUOTA_FACTOR: Final = 100.0


@pytest.fixture(scope="session")
def embedded_aws() -> Iterator[EmbeddedAws]:
    """One for each pytest-xdist worker; a test that writes resets it first."""
    with EmbeddedAws.start(quota_factor=QUOTA_FACTOR) as aws:
        yield aws


@pytest.fixture
def aws(embedded_aws: EmbeddedAws) -> EmbeddedAws:
    """The shared embedded AWS, emptied for this test."""
    embedded_aws.reset()
    return embedded_aws


@pytest.fixture(scope="session")
def embedded_aws_with_auth() -> Iterator[EmbeddedAws]:
    """An embedded AWS that enforces IAM policies, shared."""
    with EmbeddedAws.start(auth=True, quota_factor=QUOTA_FACTOR) as aws:
        yield aws


@pytest.fixture
def aws_with_auth(embedded_aws_with_auth: EmbeddedAws) -> EmbeddedAws:
    """The one that enforces IAM policies, emptied for this test."""
    embedded_aws_with_auth.reset()
    return embedded_aws_with_auth
