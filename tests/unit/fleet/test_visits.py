"""What becomes of one log group of a fleet, whatever the others do."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from support.fake_aws import OTHER_STACK_ID, log_group, owner
from unit.fleet.terminals import (
    ASKED,
    BEFORE,
    EXPLICIT,
    LAMBDA,
    ME,
    NEW,
    OURS,
    STRANGE,
    STRANGER,
    Terminal,
    held,
    many,
    numbers,
)

from log_group_kms.association.requests import Ensure
from log_group_kms.lifecycle import kinds as lifecycle
from log_group_kms.model.association import Association, OnExistingKey
from log_group_kms.model.ownership import Claim
from log_group_kms.model.targets import Exclusions

if TYPE_CHECKING:
    from log_group_kms.model.keys import KeyArn


def test_only_names_that_begin_so_belong_to_the_fleet() -> None:
    """Others are neither changed nor counted."""
    terminal = Terminal().having("/aws/lambda/a", "/aws/lambd", "/aws/rds/b", "x/aws/lambda/c")
    me = owner("Fleet", target=LAMBDA)

    outcome = terminal.create(replace(ASKED, target=LAMBDA), me)

    assert numbers(outcome) == (1, 0, 0)
    assert terminal.state("/aws/lambda/a") == held(me=me)
    assert [terminal.state(name) for name in ("/aws/lambd", "/aws/rds/b", "x/aws/lambda/c")] == [(None, None)] * 3


def test_excluded_log_groups_are_neither_read_nor_counted() -> None:
    """A wildcard stands for any characters, at any place."""
    terminal = Terminal().having("/a", "/b/secret/x", "/b/open", "/c")

    outcome = terminal.create(replace(ASKED, exclude=Exclusions(("*secret*", "/c"))))

    assert numbers(outcome) == (2, 0, 0)
    assert (terminal.state("/b/secret/x"), terminal.state("/c")) == ((None, None), (None, None))


def test_what_has_the_key_already_is_left_unclaimed() -> None:
    """It was under the key before the fleet, and stays so after it."""
    terminal = Terminal().having("/a", key=OURS).having("/b")

    created = terminal.create()
    terminal.delete()

    assert numbers(created) == (1, 1, 0)
    assert terminal.states() == {"/a": (OURS, None), "/b": (None, None)}


@pytest.mark.parametrize(
    ("claim", "key"),
    [
        pytest.param(Claim(EXPLICIT, None), STRANGE, id="an explicit resource of the same stack"),
        pytest.param(Claim(owner(stack_id=OTHER_STACK_ID), BEFORE), STRANGE, id="one of another stack"),
        pytest.param(Claim(STRANGER, None), STRANGE, id="another stack's fleet"),
        pytest.param(Claim(EXPLICIT, None), None, id="claimed, and not associated yet"),
    ],
)
def test_what_another_owns_is_left_alone(claim: Claim, key: KeyArn | None) -> None:
    """It is skipped and counted, its key and tags stay."""
    terminal = Terminal().having("/a", key=key, claim=claim).having("/b")

    outcome = terminal.create()

    assert numbers(outcome) == (1, 0, 1)
    assert terminal.state("/a") == (key, claim)
    assert "1 left to another resource" in outcome.note


def test_reserved_log_groups_are_skipped_without_a_call() -> None:
    """Names that begin with aws/ belong to AWS."""
    terminal = Terminal().having("/a")
    terminal.aws.reserved.append("aws/spans")

    outcome = terminal.create()

    assert numbers(outcome) == (1, 0, 1)
    assert "1 reserved for AWS" in outcome.note


def test_an_excluded_reserved_log_group_is_not_counted() -> None:
    """MatchedCount is all but excluded and vanished."""
    terminal = Terminal().having("/a")
    terminal.aws.reserved.append("aws/spans")

    assert numbers(terminal.create(replace(ASKED, exclude=Exclusions(("aws/*",))))) == (1, 0, 0)


@pytest.mark.parametrize("operation", ["DescribeLogGroups", "ListTagsForResource", "TagResource", "AssociateKmsKey"])
@pytest.mark.parametrize("call", [2, 3])
def test_a_log_group_that_vanishes_meanwhile_is_passed_over(operation: str, call: int) -> None:
    """Whenever it goes, the others are done, and it is not counted."""
    terminal = Terminal().having("/a", "/b", "/c")
    seen = 0

    def vanish(called: str) -> None:
        nonlocal seen
        seen += called == operation
        if called == operation and seen == call:
            for name in ("/b", "/c"):
                if log_group(name) in terminal.aws.log_groups:
                    del terminal.aws.log_groups[log_group(name)]

    terminal.aws.before = vanish
    outcome = terminal.create()

    assert set(terminal.states().values()) == {held()}
    assert outcome.associated == len(terminal.states())


def test_keep_leaves_other_keys_alone() -> None:
    """It claims nothing there, so its Delete changes nothing there."""
    terminal = Terminal().having("/a", key=STRANGE).having("/b")

    outcome = terminal.create(replace(ASKED, on_existing_key=OnExistingKey.KEEP))

    assert numbers(outcome) == (1, 0, 1)
    assert terminal.states() == {"/a": (STRANGE, None), "/b": held()}
    assert "1 kept another key" in outcome.note


def test_fail_accepts_what_others_own() -> None:
    """That is skipped, as always; there is nothing to fail for."""
    claim = Claim(EXPLICIT, None)
    terminal = Terminal().having("/a").having("/b", key=STRANGE, claim=claim)

    outcome = terminal.create(replace(ASKED, on_existing_key=OnExistingKey.FAIL))

    assert numbers(outcome) == (1, 0, 1)
    assert terminal.state("/b") == (STRANGE, claim)


def test_an_explicit_resource_that_comes_in_between_keeps_the_log_group() -> None:
    """The last writer wins, and it is counted as left to it."""
    terminal = Terminal().having("/a", "/b", "/c")
    explicit = Ensure(EXPLICIT, Association(log_group("/b"), NEW))

    def come(operation: str) -> None:
        if operation == "TagResource" and (terminal.state("/b")[1] or Claim(STRANGER, None)).owner == ME:
            terminal.aws.after = lambda _: None
            lifecycle.ensure(terminal.context(), explicit)

    terminal.aws.after = come
    outcome = terminal.create()

    _, claim = terminal.state("/b")
    assert claim
    assert claim.owner == EXPLICIT
    assert numbers(outcome) == (2, 0, 1)


def test_a_previous_key_that_is_gone_is_waited_for_once() -> None:
    """All others that had it are left without a key, at once, and told."""
    terminal = Terminal().having(*many(30), key=BEFORE)
    terminal.create()
    terminal.aws.closed_to_logs.add(BEFORE)
    begun = terminal.clock.now()

    outcome = terminal.delete()

    assert set(terminal.states().values()) == {(None, None)}
    assert "30 left without a key" in outcome.note
    assert terminal.clock.now() - begun < 30 * 0.2 * 2 + 15
