"""The progress that one invocation leaves to the next."""

from __future__ import annotations

import json

import pytest
from unit.lifecycle.provider import KEY, ORDERS, Provider

from log_group_kms.lifecycle.progress import PROGRESS, Done, Propagating


def test_progress_travels_whole() -> None:
    """Progress is read as it was written."""
    progress = Propagating(1_800_000_900.0, Done(ORDERS.arn, {"KmsKeyArn": KEY.text}, "what the user should know"))

    assert Propagating.of_json(json.loads(json.dumps(progress.as_json()))) == progress


@pytest.mark.parametrize("value", ["x", {"until": "soon"}, {"until": 1.0, "done": {}}])
def test_progress_that_this_function_never_wrote(provider: Provider, value: object) -> None:
    """A value that is no progress in its place is left, and the event begins anew."""
    done = provider.invoke(provider.event() | {PROGRESS: value})

    assert isinstance(done, Done)
    assert (done.data["AssociatedCount"], provider.aws.log_groups[ORDERS].key) == ("1", KEY)
