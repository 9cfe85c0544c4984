"""The fleet: every log group whose name begins so; its Create, its Update and its Delete."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.fake_aws import log_group, role_denied
from unit.fleet.terminals import (
    ALL,
    ASKED,
    BEFORE,
    EXPLICIT,
    ME,
    NEW,
    OURS,
    SIBLING,
    STRANGE,
    STRANGER,
    WRITING,
    Terminal,
    enrolling,
    held,
    many,
    numbers,
)

from log_group_kms.association.requests import Ensure
from log_group_kms.fleet.checkpoint import Checkpoint, Phase
from log_group_kms.lifecycle import kinds as lifecycle
from log_group_kms.model.association import Association, OnDelete, OnExistingKey
from log_group_kms.model.errors import ResourceConflict, RoleDenied
from log_group_kms.model.keys import KeyArn, KeyName
from log_group_kms.model.ownership import Claim
from log_group_kms.model.physical_id import PERHAPS_ASSOCIATED
from log_group_kms.model.targets import Exclusions

# --- Create -----------------------------------------------------------------------------------------------------------


def test_every_log_group_on_every_page_is_associated_and_claimed() -> None:
    """More log groups than fit on a page; another key is remembered."""
    terminal = Terminal().having(*many(120)).having("/app/other", key=BEFORE)

    outcome = terminal.create()

    assert numbers(outcome) == (121, 0, 0)
    assert terminal.states() == {**{name: held() for name in many(120)}, "/app/other": held(BEFORE)}
    assert outcome.key == OURS
    assert outcome.note == ""
    assert terminal.failure_id == ALL.arn


def test_an_empty_fleet_is_no_failure() -> None:
    """Enrolment will bring the log groups."""
    assert numbers(Terminal().create()) == (0, 0, 0)


def test_fail_looks_at_all_before_it_changes_one() -> None:
    """The conflict on the last page is found before the first log group is changed, and named."""
    terminal = Terminal().having(*many(70)).having("/zzz", key=STRANGE)

    with pytest.raises(ResourceConflict, match="log-group:/zzz: OnExistingKey is Fail"):
        terminal.create(replace(ASKED, on_existing_key=OnExistingKey.FAIL))

    assert not WRITING & set(terminal.aws.calls)


def test_an_alias_is_resolved_in_each_invocation() -> None:
    """Where it means the same key, the work goes on: no log group is associated twice, and all are counted once."""
    terminal = Terminal().having(*many(200))
    terminal.aws.aliases["alias/logs"] = OURS

    outcome = terminal.create(replace(ASKED, key=KeyName("alias/logs")), seconds=40)

    assert terminal.invocations > 1
    assert (outcome.key, numbers(outcome)) == (OURS, (200, 0, 0))
    assert terminal.counts["AssociateKmsKey"] == 200
    assert terminal.counts["DescribeKey"] == terminal.invocations


def test_an_alias_that_means_another_key_by_now_begins_anew() -> None:
    """All log groups get that key, also those that an earlier invocation has done; what was before stays remembered."""
    terminal = Terminal().having(*many(200), key=BEFORE)
    terminal.aws.aliases["alias/logs"] = OURS
    first: dict[str, object] = {}

    def move(operation: str) -> None:
        if operation == "AssociateKmsKey" and not first:
            first.update({name: key for name, (key, _) in terminal.states().items() if key == OURS})
            terminal.aws.aliases["alias/logs"] = NEW

    terminal.aws.after = move

    outcome = terminal.create(replace(ASKED, key=KeyName("alias/logs")), seconds=40)

    assert terminal.invocations > 1
    assert len(first) == 1
    assert (outcome.key, numbers(outcome)) == (NEW, (200, 0, 0))
    assert set(terminal.states().values()) == {held(BEFORE, NEW)}
    assert terminal.counts["AssociateKmsKey"] > 200


def test_a_create_that_is_delivered_again_changes_nothing() -> None:
    """What was there before stays remembered."""
    terminal = Terminal().having("/a", key=BEFORE).having("/b")
    terminal.create()
    terminal.aws.calls.clear()

    outcome = terminal.create()

    assert numbers(outcome) == (0, 2, 0)
    assert not WRITING & set(terminal.aws.calls)
    assert terminal.states() == {"/a": held(BEFORE), "/b": held()}


# --- Update -----------------------------------------------------------------------------------------------------------


def test_a_new_key_is_associated_over_the_old_one() -> None:
    """What was there before the fleet stays remembered; there is no moment without a key."""
    terminal = Terminal().having("/a", key=BEFORE).having("/b")
    terminal.create()
    terminal.aws.calls.clear()

    outcome = terminal.update(replace(ASKED, key=NEW))

    assert numbers(outcome) == (2, 0, 0)
    assert terminal.states() == {"/a": held(BEFORE, NEW), "/b": held(None, NEW)}
    assert "DisassociateKmsKey" not in terminal.counts


def test_a_key_that_was_there_before_is_no_former_key_of_the_fleet() -> None:
    """A log group that had the fleet's old key without its doing gets that one back."""
    terminal = Terminal().having("/a", key=OURS)
    terminal.create()
    terminal.update(replace(ASKED, key=NEW))

    assert terminal.state("/a") == held(OURS, NEW)
    terminal.delete(replace(ASKED, key=NEW))
    assert terminal.state("/a") == (OURS, None)


def test_what_is_newly_excluded_is_given_back() -> None:
    """Others that are excluded, before or by now, are not touched."""
    terminal = (
        Terminal().having("/a", key=BEFORE).having("/b", "/c").having("/d", claim=Claim(EXPLICIT, None), key=STRANGE)
    )
    old = replace(ASKED, exclude=Exclusions(("/c",)))
    terminal.create(old)

    outcome = terminal.update(replace(ASKED, exclude=Exclusions(("/a", "/c", "/d"))), old)

    assert terminal.states() == {
        "/a": (BEFORE, None),
        "/b": held(),
        "/c": (None, None),
        "/d": (STRANGE, Claim(EXPLICIT, None)),
    }
    assert numbers(outcome) == (0, 1, 0)


def test_what_is_no_longer_excluded_is_associated() -> None:
    """The fleet has grown."""
    terminal = Terminal().having("/a", "/b")
    old = replace(ASKED, exclude=Exclusions(("/a",)))
    terminal.create(old)

    outcome = terminal.update(ASKED, old)

    assert numbers(outcome) == (1, 1, 0)
    assert terminal.states() == {"/a": held(), "/b": held()}


def test_an_update_mends_what_was_changed_by_hand() -> None:
    """Drift is put right like a new key."""
    terminal = Terminal().having("/a", "/b", "/c")
    terminal.create()
    terminal.aws.log_groups[log_group("/a")].key = None
    terminal.aws.log_groups[log_group("/b")].key = STRANGE

    outcome = terminal.update(ASKED)

    assert numbers(outcome) == (2, 1, 0)
    assert set(terminal.states().values()) == {held()}


# --- Delete -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("on_delete", "keys"),
    [
        (OnDelete.RESTORE_PREVIOUS, [BEFORE, None]),
        (OnDelete.DISASSOCIATE, [None, None]),
        (OnDelete.RETAIN, [OURS, OURS]),
    ],
)
def test_a_delete_gives_back_what_the_fleet_owns(on_delete: OnDelete, keys: list[KeyArn | None]) -> None:
    """As OnDelete says, on every page; no tag stays."""
    terminal = Terminal().having("/a", key=BEFORE).having("/b", *many(60))
    terminal.create()

    outcome = terminal.delete(replace(ASKED, on_delete=on_delete))

    assert [terminal.state("/a"), terminal.state("/b")] == [(key, None) for key in keys]
    assert {claim for _, claim in terminal.states().values()} == {None}
    assert "62 given back" in outcome.note


def test_a_delete_touches_nothing_else() -> None:
    """Neither what others own, nor what has the fleet's key without its doing."""
    claim = Claim(EXPLICIT, BEFORE)
    terminal = Terminal().having("/a").having("/b", key=OURS).having("/c", key=OURS, claim=claim)
    terminal.create()
    terminal.having("/d", key=OURS)

    terminal.delete()
    terminal.delete()

    assert terminal.states() == {"/a": (None, None), "/b": (OURS, None), "/c": (OURS, claim), "/d": (OURS, None)}


def test_a_delete_gives_back_also_what_was_changed_by_hand() -> None:
    """The tags say whose it is."""
    terminal = Terminal().having("/a", key=BEFORE).having("/b")
    terminal.create()
    terminal.aws.log_groups[log_group("/a")].key = None
    terminal.aws.log_groups[log_group("/b")].key = STRANGE

    terminal.delete()

    assert terminal.states() == {"/a": (BEFORE, None), "/b": (None, None)}


def test_a_delete_leaves_what_an_explicit_resource_took_over() -> None:
    """The last writer wins."""
    terminal = Terminal().having("/a", "/b")
    terminal.create()
    lifecycle.ensure(terminal.context(), Ensure(EXPLICIT, Association(log_group("/a"), NEW)))

    terminal.delete()

    assert terminal.states() == {"/a": (NEW, Claim(EXPLICIT, OURS)), "/b": (None, None)}


def test_a_delete_delivered_twice_at_once_takes_no_key_that_was_there_before() -> None:
    """A fleet's Delete touches only what carries its tag, also where that went a moment ago."""
    terminal = Terminal().having("/a", key=OURS)
    terminal.create()
    terminal.update(replace(ASKED, key=NEW))
    terminal.update(ASKED, replace(ASKED, key=NEW))
    assert terminal.state("/a") == held(OURS)

    def after(operation: str) -> None:
        if operation == "ListTagsForResource":
            terminal.aws.after = lambda _: None
            terminal.delete()

    terminal.aws.after = after
    terminal.delete()

    assert terminal.state("/a") == (OURS, None)


# --- enrolment and reconciliation -------------------------------------------------------------------------------------


def test_reconciliation_mends_drift_and_finds_what_was_missed() -> None:
    """What it associates belongs to the fleet, so that the fleet's Delete gives it back."""
    terminal = Terminal().having(*many(60))
    terminal.create()
    terminal.having("/new").having("/b", key=BEFORE)
    terminal.aws.log_groups[log_group("/app/00007")].key = None

    outcome = terminal.through(enrolling())

    assert numbers(outcome) == (3, 59, 0)
    assert terminal.state("/b") == held(BEFORE)
    terminal.delete()
    assert terminal.states() == {**dict.fromkeys((*many(60), "/new"), (None, None)), "/b": (BEFORE, None)}


def test_reconciliation_leaves_explicit_owners_and_other_fleets_alone() -> None:
    """Also another fleet of its own stack: which of the two comes after, only CloudFormation knows."""
    claims = [Claim(EXPLICIT, None), Claim(STRANGER, None), Claim(SIBLING, None)]
    terminal = Terminal()
    for number, claim in enumerate(claims):
        terminal.having(f"/{number}", key=STRANGE, claim=claim)

    outcome = terminal.through(enrolling())

    assert numbers(outcome) == (0, 0, 3)
    assert [claim for _, claim in terminal.states().values()] == claims


# --- the id of a failed answer ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claimed", "failure_id"),
    [
        pytest.param(True, ALL.arn, id="an invocation before has claimed"),
        pytest.param(False, PERHAPS_ASSOCIATED, id="an earlier delivery may have"),
    ],
)
def test_a_create_that_fails_before_it_claims_goes_by_what_was_claimed_before(
    failure_id: str, *, claimed: bool
) -> None:
    """Under the fleet's own id the rollback's Delete gives it back."""
    terminal = Terminal().having("/a")
    denied = role_denied("logs:DescribeLogGroups", "DescribeLogGroups")
    terminal.aws.refuse("DescribeLogGroups", *[denied] * 99)

    with pytest.raises(RoleDenied):
        lifecycle.ensure(terminal.context(), Ensure(ME, ASKED), Checkpoint(Phase.CHANGE, OURS.text, claimed=claimed))

    assert terminal.failure_id == failure_id
