"""The progress that one invocation leaves to the next."""

from __future__ import annotations

import json

import pytest
from unit.fleet.terminals import OURS, Terminal, fleet_event, invoke
from unit.lifecycle.provider import KEY, ORDERS, Provider

from log_group_kms.fleet.checkpoint import Checkpoint, Phase
from log_group_kms.lifecycle.progress import PROGRESS, Done, Propagating


def test_progress_travels_whole() -> None:
    """Progress is read as it was written."""
    progress = Propagating(1_800_000_900.0, Done(ORDERS.arn, {"KmsKeyArn": KEY.text}, "what the user should know"))

    assert Propagating.of_json(json.loads(json.dumps(progress.as_json()))) == progress


@pytest.mark.parametrize("value", ["x", {"until": "soon"}, {"until": 1.0, "done": {}}])
def test_with_progress_that_this_function_never_wrote_the_event_begins_anew(
    provider: Provider, value: object, caplog: pytest.LogCaptureFixture
) -> None:
    """As one that is delivered again does: it is no error, no success without work, and the log tells."""
    outcome = provider.invoke(provider.event() | {PROGRESS: value})

    assert isinstance(outcome, Done)
    assert outcome.data["AssociatedCount"] == "1"
    assert provider.aws.log_groups[ORDERS].key == KEY
    assert f"{PROGRESS} is none that this version writes: the event begins anew" in caplog.messages


@pytest.mark.parametrize("count", ["2", True, 1_000_001, -1_000_001, 1.5], ids=repr)
def test_with_a_count_that_is_none_a_fleet_begins_anew(count: object, caplog: pytest.LogCaptureFixture) -> None:
    """No account has a million log groups."""
    terminal = Terminal().having("/a", "/b")
    checkpoint = Checkpoint(Phase.DONE, OURS.text).as_json()

    done = invoke(terminal, fleet_event(terminal) | {PROGRESS: checkpoint | {"counts": {"associated": count}}})

    assert done.data["AssociatedCount"] == "2"
    assert f"{PROGRESS} is none that this version writes: the event begins anew" in caplog.messages


def test_without_progress_nothing_is_told(provider: Provider, caplog: pytest.LogCaptureFixture) -> None:
    """Every event of CloudFormation's own begins so."""
    provider.invoke(provider.event())

    assert not [message for message in caplog.messages if PROGRESS in message]


def test_with_a_checkpoint_of_another_version_a_fleet_begins_anew(caplog: pytest.LogCaptureFixture) -> None:
    """A function that is updated amid an event: what its former code left is not believed, nor is it an error."""
    terminal = Terminal().having("/a", "/b")
    checkpoint = Checkpoint(Phase.DONE, OURS.text).as_json()

    done = invoke(terminal, fleet_event(terminal) | {PROGRESS: checkpoint | {"version": 0}})

    assert done.data["AssociatedCount"] == "2"
    assert {key for key, _ in terminal.states().values()} == {OURS}
    assert f"{PROGRESS} is none that this version writes: the event begins anew" in caplog.messages
