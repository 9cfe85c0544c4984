"""One log group in odd moments: a call of a Delete that is refused once, and a Delete beside a creation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.fake_aws import FakeLogGroup, concurrent_change, log_group, owner
from unit.fleet.terminals import BEFORE, OURS, Terminal

from log_group_kms.association.requests import Ensure, Remove
from log_group_kms.lifecycle import kinds as lifecycle
from log_group_kms.model.association import Association, OnDelete, OnMissingLogGroup
from log_group_kms.model.errors import ClaimLost
from log_group_kms.model.ownership import Claim

if TYPE_CHECKING:
    from log_group_kms.model.keys import KeyArn

ME = owner()
HERE = log_group("/a")
READING = ["DescribeLogGroups", "ListTagsForResource"]


@pytest.mark.parametrize(
    ("on_delete", "previous", "calls", "left"),
    [
        pytest.param(
            OnDelete.RESTORE_PREVIOUS,
            BEFORE,
            ["TagResource", "AssociateKmsKey", "UntagResource"],
            (BEFORE, None),
            id="the key of before comes back",
        ),
        pytest.param(
            OnDelete.RESTORE_PREVIOUS,
            None,
            ["TagResource", "DisassociateKmsKey", "UntagResource"],
            (None, None),
            id="there was none",
        ),
        pytest.param(OnDelete.RETAIN, BEFORE, ["UntagResource"], (OURS, None), id="the key stays"),
        pytest.param(
            OnDelete.RESTORE_PREVIOUS,
            OURS,
            ["TagResource"],
            (OURS, Claim(ME, OURS, deleted=True)),
            id="it was under the same key before",
        ),
    ],
)
@pytest.mark.parametrize("times", [1, 2])
def test_a_delete_is_through_though_each_of_its_calls_is_refused_at_first(
    on_delete: OnDelete, previous: KeyArn | None, calls: list[str], left: tuple[object, object], times: int
) -> None:
    """Before a retry it looks whether the log group is still as it left it; it is."""
    terminal = Terminal()
    terminal.aws.log_groups[HERE] = FakeLogGroup(OURS, Claim(ME, previous))
    for operation in (*READING, *calls):
        terminal.aws.refuse(operation, *[concurrent_change(operation)] * times)

    lifecycle.remove(terminal.context(), Remove.of(ME, Association(HERE, OURS, on_delete), minted=True))

    assert terminal.state("/a") == left


def test_a_delete_whose_last_call_is_refused_writes_its_mark_all_the_same() -> None:
    """Of a log group that was under the same key before, the mark tells a second delivery that it is through."""
    terminal = Terminal()
    terminal.aws.log_groups[HERE] = FakeLogGroup(OURS, Claim(ME, OURS))
    terminal.aws.after = lambda operation: (
        terminal.aws.refuse(operation, concurrent_change(operation))
        if operation == "TagResource" and terminal.counts[operation] == 1
        else None
    )

    lifecycle.remove(terminal.context(), Remove.of(ME, Association(HERE, OURS), minted=True))

    assert terminal.counts["TagResource"] == 3
    assert terminal.state("/a") == (OURS, Claim(ME, OURS, deleted=True))


def test_a_delete_that_overtakes_a_creation_leaves_no_key() -> None:
    """The log group stays, as it would have without this resource."""
    terminal = Terminal()

    def strip(operation: str) -> None:
        if operation == "CreateLogGroup":
            terminal.aws.log_groups[HERE].claim = None

    terminal.aws.after = strip
    desired = Association(HERE, OURS, on_missing_log_group=OnMissingLogGroup.CREATE)

    with pytest.raises(ClaimLost):
        lifecycle.ensure(terminal.context(), Ensure(ME, desired))

    assert terminal.state("/a") == (None, None)
