"""The two deadlines of an event: Lambda's and CloudFormation's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from log_group_kms.cloudformation.envelope import Envelope
from log_group_kms.lifecycle.deadlines import Deadlines
from log_group_kms.lifecycle.progress import Done
from log_group_kms.model.errors import StaleEvent

if TYPE_CHECKING:
    from unit.lifecycle.provider import Provider


@pytest.mark.parametrize("request_type", ["Create", "Update", "Delete"])
@pytest.mark.parametrize(
    ("age", "timeout", "stale"),
    [
        pytest.param(0, "60", False, id="fresh"),
        pytest.param(59, "60", False, id="old"),
        pytest.param(60, "60", True, id="given up"),
        pytest.param(3599, None, False, id="old, default"),
        pytest.param(3600, None, True, id="given up, default"),
    ],
)
def test_an_event_that_cloudformation_gave_up_changes_nothing(
    provider: Provider, request_type: str, age: int, timeout: str | None, *, stale: bool
) -> None:
    """An event older than its own ServiceTimeout is a zombie: no call is made for it."""
    event = provider.event(request_type, dated=True)
    if timeout:
        event["ResourceProperties"]["ServiceTimeout"] = timeout
    provider.clock.sleep(age)

    if stale:
        with pytest.raises(StaleEvent):
            provider.invoke(event)
        assert provider.aws.calls == []
    else:
        deadlines = Deadlines.of(Envelope.of(event), event, provider.clock.now(), 900)
        assert deadlines.stack > provider.clock.now() - age


@pytest.mark.parametrize(("seconds", "most"), [(900, 875), (30, 18), (3, 1.8)])
def test_the_handler_stops_well_before_the_function_ends(provider: Provider, seconds: float, most: float) -> None:
    """Its own deadline leaves time for a hanging call, a diagnosis and the answer, also in a short-lived function."""
    event = provider.event()

    deadlines = Deadlines.of(Envelope.of(event), event, provider.clock.now(), seconds)

    assert deadlines.earliest - provider.clock.now() == pytest.approx(most)


@pytest.mark.parametrize(
    ("timeout", "most"),
    [
        pytest.param("900", 875, id="a margin"),
        pytest.param("60", 36, id="a share"),
        pytest.param("3600", 1175, id="the function ends first"),
    ],
)
def test_the_handler_stops_well_before_cloudformation_gives_up(provider: Provider, timeout: str, most: float) -> None:
    """ServiceTimeout counts from when the event was sent, and the earlier of the two ends holds."""
    event = provider.event(dated=True, ServiceTimeout=timeout)

    deadlines = Deadlines.of(Envelope.of(event), event, provider.clock.now(), 1200)

    assert deadlines.earliest - provider.clock.now() == pytest.approx(most)


def test_without_a_date_only_the_function_ends_it(provider: Provider) -> None:
    """An event that does not tell when it was sent is not old."""
    event = provider.event()
    provider.clock.sleep(100_000)

    assert isinstance(provider.invoke(event), Done)


def test_a_stale_event_says_how_old_it_is(provider: Provider) -> None:
    """The Reason has the event's age and what CloudFormation waited, word for word: people search for it."""
    event = provider.event(dated=True, ServiceTimeout="60")
    provider.clock.sleep(120)

    with pytest.raises(StaleEvent) as stale:
        provider.invoke(event)

    assert str(stale.value) == (
        "This event is 120 s old and CloudFormation waited 60 s for it (ServiceTimeout), so nothing was changed"
    )
