"""What a fleet tells of each log group that it changes or skips."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from support.fake_aws import concurrent_change, log_group
from unit.fleet.terminals import (
    A_WHILE,
    ASKED,
    BEFORE,
    EXPLICIT,
    ME,
    OURS,
    SIBLING,
    STRANGE,
    Terminal,
    busy_until,
    enrolling,
    odd,
    reserved,
)

from log_group_kms.association.requests import Ensure, Remove
from log_group_kms.fleet.checkpoint import Fate
from log_group_kms.model.association import OnDelete, OnExistingKey
from log_group_kms.model.ownership import Claim

if TYPE_CHECKING:
    import pytest


def test_each_log_group_that_changes_or_is_skipped_is_told() -> None:
    """With the key of before, or with whom it is left to; of what is under the key there is nothing to tell."""
    terminal = Terminal().having("/a").having("/b", key=BEFORE).having("/d", key=OURS)
    terminal.having("/c", key=STRANGE, claim=Claim(EXPLICIT, None)).having("/e", key=OURS, claim=Claim(SIBLING, None))
    terminal.aws.reserved.append("aws/spans")

    assert terminal.told(Ensure(ME, ASKED)) == [
        ("/a", Fate.ASSOCIATED, ""),
        ("/b", Fate.ASSOCIATED, f"before: {BEFORE.text}"),
        ("/c", Fate.OWNED, EXPLICIT.text),
        ("/e", Fate.INHERITED, SIBLING.text),
        ("aws/spans", Fate.RESERVED, ""),
    ]


def test_a_key_that_is_kept_is_told() -> None:
    """OnExistingKey says so: there is no owner to name."""
    terminal = Terminal().having("/a", key=STRANGE)

    assert terminal.told(Ensure(ME, replace(ASKED, on_existing_key=OnExistingKey.KEEP))) == [("/a", Fate.KEPT, "")]


def test_drift_that_a_reconciliation_mends_is_told_as_such() -> None:
    """An Update tells the same log group as associated: there the key may be a new one."""
    terminal = Terminal().having("/a", claim=Claim(ME, BEFORE)).having("/b", key=BEFORE)

    assert terminal.told(enrolling()) == [
        ("/a", Fate.MENDED, ""),
        ("/b", Fate.ASSOCIATED, f"before: {BEFORE.text}"),
    ]


def test_a_log_group_that_vanishes_before_it_is_changed_is_told() -> None:
    """Whoever reads the log sees why it is in no count."""
    terminal = Terminal().having("/a")

    def vanish(operation: str) -> None:
        if operation == "TagResource":
            terminal.aws.before = lambda _: None
            del terminal.aws.log_groups[log_group("/a")]

    terminal.aws.before = vanish

    assert terminal.told(Ensure(ME, ASKED)) == [("/a", Fate.PASSED, "it vanished meanwhile")]


def test_a_busy_log_group_is_told_twice() -> None:
    """When it is put aside, with AWS's words, and when it is done."""
    terminal = Terminal().having("/a", "/b")
    busy_until(terminal, "/a", terminal.clock.now() + 30)

    assert terminal.told(Ensure(ME, ASKED)) == [
        ("/a", Fate.BUSY, str(concurrent_change())),
        ("/a", Fate.ASSOCIATED, ""),
        ("/b", Fate.ASSOCIATED, ""),
    ]


def test_what_a_delete_gives_back_is_told() -> None:
    """Also where the key of before could not be put back, and why; of what others own there is nothing to tell."""
    terminal = Terminal().having("/a", key=OURS, claim=Claim(ME, BEFORE)).having("/b", key=OURS, claim=Claim(ME, None))
    terminal.having("/c", key=OURS, claim=Claim(EXPLICIT, None)).having("/d", key=OURS)
    terminal.aws.closed_to_logs.add(BEFORE)

    (name, fate, why), *others = terminal.told(Remove.of(ME, ASKED))

    assert (name, fate) == ("/a", Fate.UNRESTORED)
    assert why.startswith(f"The previous key {BEFORE.text} could not be put back")
    assert others == [("/b", Fate.RELEASED, "")]


def test_what_a_delete_lets_go_under_the_key_is_told_as_given_back() -> None:
    """OnDelete is Retain: the claim goes, the key stays, and the note says why."""
    terminal = Terminal().having("/a", key=OURS, claim=Claim(ME, BEFORE))

    assert terminal.told(Remove.of(ME, replace(ASKED, on_delete=OnDelete.RETAIN))) == [
        ("/a", Fate.RELEASED, "The log group keeps its key, as OnDelete says: Retain")
    ]
    assert terminal.state("/a") == (OURS, None)


def test_what_another_takes_while_a_delete_looks_at_it_is_left_to_it() -> None:
    """Before it is asked again, somebody looks whether it is as it was. It is told, and not counted as given back."""
    terminal = Terminal().having("/a", key=OURS, claim=Claim(ME, BEFORE))

    def take(operation: str) -> None:
        if operation == "TagResource":
            terminal.aws.before = lambda _: None
            terminal.aws.log_groups[log_group("/a")].claim = Claim(EXPLICIT, OURS)
            terminal.aws.refuse(operation, concurrent_change(operation))

    terminal.aws.before = take
    told = terminal.told(Remove.of(ME, ASKED))

    assert told == [
        ("/a", Fate.PASSED, "The log group was taken over, or given back, meanwhile; it was left as it is"),
    ]
    assert terminal.state("/a") == (OURS, Claim(EXPLICIT, OURS))


def test_the_log_has_a_line_for_each_log_group(caplog: pytest.LogCaptureFixture) -> None:
    """With what became of it and, where there is more to say, why."""
    terminal = Terminal().having("/a").having("/b", key=BEFORE)

    with caplog.at_level("INFO"):
        terminal.create()

    assert caplog.messages == ["/a: associated", f"/b: associated (before: {BEFORE.text})"]


def test_a_log_group_that_another_takes_meanwhile_is_told() -> None:
    """With who took it: before the association is asked for again, the claim is looked at."""
    terminal = Terminal().having("/a", "/b")

    def take(operation: str) -> None:
        if operation == "AssociateKmsKey" and terminal.state("/b")[1]:
            terminal.aws.before = lambda _: None
            terminal.having("/b", key=STRANGE, claim=Claim(EXPLICIT, None))
            terminal.aws.refuse(operation, concurrent_change())

    terminal.aws.before = take

    assert terminal.told(Ensure(ME, ASKED)) == [
        ("/a", Fate.ASSOCIATED, ""),
        ("/b", Fate.OWNED, f"{EXPLICIT.text} took {log_group('/b').arn} over meanwhile; the last writer wins"),
    ]


def test_a_log_group_that_turns_out_to_be_reserved_is_told() -> None:
    """As those that look like it."""
    terminal = Terminal().having("/vended")
    odd(terminal, "/vended", reserved)

    assert terminal.told(Ensure(ME, ASKED)) == [("/vended", Fate.RESERVED, "")]


def test_a_log_group_that_another_claims_before_its_turn_is_told() -> None:
    """What was read a while ago is read again."""
    terminal = Terminal().having("/a")

    def claim(operation: str) -> None:
        if operation == "DescribeLogGroups" and terminal.counts["ListTagsForResource"]:
            terminal.aws.after = lambda _: None
            terminal.clock.time += A_WHILE
            terminal.having("/a", key=STRANGE, claim=Claim(EXPLICIT, None))

    terminal.aws.after = claim

    assert terminal.told(Ensure(ME, ASKED)) == [("/a", Fate.OWNED, EXPLICIT.text)]


def test_a_log_group_that_another_claims_while_the_tags_are_refused_is_told() -> None:
    """Before it is asked again, somebody looks whether it is as it was."""
    terminal = Terminal().having("/a")

    def claim(operation: str) -> None:
        # The first tag marks a lookout.
        if operation == "TagResource" and terminal.counts["TagResource"] == 1:
            terminal.aws.before = lambda _: None
            terminal.having("/a", key=STRANGE, claim=Claim(EXPLICIT, None))
            terminal.aws.refuse(operation, concurrent_change(operation))

    terminal.aws.before = claim

    assert terminal.told(Ensure(ME, ASKED)) == [("/a", Fate.OWNED, EXPLICIT.text)]
