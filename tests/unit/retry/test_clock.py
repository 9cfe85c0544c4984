"""Deadlines: a moment that can come nearer, and others that keep their distance from it."""

from __future__ import annotations

import pytest

from log_group_kms.retry.clock import Deadline


def test_a_deadline_that_nobody_set_never_comes() -> None:
    """It is infinitely far away, and so is one before it."""
    assert Deadline().at == Deadline().less(60).at == float("inf")


@pytest.mark.parametrize(("moments", "at"), [([90.0], 90.0), ([110.0], 100.0), ([90.0, 95.0, 80.0], 80.0)], ids=str)
def test_a_deadline_only_comes_nearer(moments: list[float], at: float) -> None:
    """A later moment changes nothing."""
    deadline = Deadline(100.0)
    for moment in moments:
        deadline.bring_forward(moment)

    assert deadline.at == at


def test_a_deadline_before_another_follows_it() -> None:
    """It keeps its distance, also when the other comes nearer, and at any depth."""
    deadline = Deadline(100.0)
    before = deadline.less(10.0)
    long_before = before.less(5.0)

    seen = [(before.at, long_before.at)]
    deadline.bring_forward(50.0)
    seen.append((before.at, long_before.at))

    assert seen == [(90.0, 85.0), (40.0, 35.0)]


def test_a_deadline_before_another_can_come_nearer_by_itself() -> None:
    """The other one stays; whichever is earlier holds."""
    deadline = Deadline(100.0)
    before = deadline.less(10.0)

    before.bring_forward(30.0)

    assert (deadline.at, before.at) == (100.0, 30.0)
    deadline.bring_forward(20.0)
    assert (deadline.at, before.at) == (20.0, 10.0)
