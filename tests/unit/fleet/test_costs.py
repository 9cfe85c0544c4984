"""What a log group costs: at most one call of each kind, as the quota of each is five a second."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from unit.fleet.terminals import ALL, ASKED, ME, NEW, SIBLING, Terminal, enrolling, many

from log_group_kms.association.requests import Ensure, Remove, Update


def calls_for_twenty(terminal: Terminal, event: Ensure | Remove) -> Counter[str]:
    """The calls for each of twenty log groups, without those that are made once."""
    terminal.aws.calls.clear()
    terminal.told(event)
    return Counter({operation: count // 20 for operation, count in terminal.counts.items() if count >= 20})


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(Ensure(ME, ASKED), id="Create"),
        pytest.param(Ensure(ME, ASKED, Update(ALL.arn, replace(ASKED, key=NEW), ME)), id="Update"),
        pytest.param(enrolling(), id="reconciliation"),
    ],
)
def test_a_log_group_that_is_associated_costs_four_calls(event: Ensure) -> None:
    """One of each kind: its tags and its key are read, it is claimed, and associated. Its page reads it back."""
    terminal = Terminal().having(*many(20))

    assert calls_for_twenty(terminal, event) == {
        "DescribeLogGroups": 1,
        "ListTagsForResource": 1,
        "TagResource": 1,
        "AssociateKmsKey": 1,
    }


def test_a_log_group_that_the_fleet_has_already_costs_one_call() -> None:
    """A Create that is delivered again asks whose it is, no more."""
    terminal = Terminal().having(*many(20))
    terminal.create()

    assert calls_for_twenty(terminal, Ensure(ME, ASKED)) == {"ListTagsForResource": 1}


def test_a_log_group_that_is_taken_over_costs_two_calls() -> None:
    """Its page shows the key: whose it is is read, and it is claimed. The key may be read once more."""
    terminal = Terminal().having(*many(20))
    terminal.create()

    calls = calls_for_twenty(terminal, Ensure(SIBLING, ASKED))

    assert calls.pop("DescribeLogGroups", 0) <= 1
    assert calls == {"ListTagsForResource": 1, "TagResource": 1}


def test_a_log_group_that_is_given_back_costs_five_calls() -> None:
    """One of each kind: whose it is, the mark of the Delete, the key, the change, and the tags go."""
    terminal = Terminal().having(*many(20))
    terminal.create()

    assert calls_for_twenty(terminal, Remove.of(ME, ASKED)) == {
        "DescribeLogGroups": 1,
        "ListTagsForResource": 1,
        "TagResource": 1,
        "DisassociateKmsKey": 1,
        "UntagResource": 1,
    }
