"""A Create of a fleet that fails: its Delete undoes it, whatever OnDelete says, and hands back what it took over."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from support.fake_aws import fleet, key_policy_denied, log_group, role_denied
from unit.fleet.overtaking import Stage
from unit.fleet.terminals import ALL, ASKED, BEFORE, ME, NEW, OURS, SIBLING, Terminal, held, many, odd

from log_group_kms.association.decision import LONGEST_EVENT
from log_group_kms.association.requests import Asker, Ensure, Remove, Update
from log_group_kms.fleet.lookouts import FENCE
from log_group_kms.model.association import OnDelete, OnRefusedLogGroup
from log_group_kms.model.errors import ApiError, KeyPolicyDenied
from log_group_kms.model.ownership import Claim, Marks, Owner, Work

if TYPE_CHECKING:
    from log_group_kms.model.targets import Fleet

COMMAND_LINE = Owner.of_command_line(ALL)
FAILING = replace(ASKED, on_refused_log_group=OnRefusedLogGroup.FAIL)


def fail(terminal: Stage, event: Ensure, at: str) -> None:
    """*event* ends when it comes to the log group of this name: the key is at fault."""
    real = terminal.aws.associate
    odd(terminal, at, lambda group: key_policy_denied("AssociateKmsKey", group.arn, OURS.text))
    with pytest.raises(KeyPolicyDenied):
        terminal.do(event)
    terminal.aws.associate = real  # type: ignore[method-assign] # as it was


def apply(terminal: Stage) -> None:
    """What `log-group-kms apply` does for nobody's stack."""
    terminal.do(Ensure(COMMAND_LINE, ASKED, asker=Asker.COMMAND_LINE))


@pytest.mark.parametrize("on_delete", OnDelete)
def test_its_delete_puts_back_what_was_there_whatever_on_delete_says(on_delete: OnDelete) -> None:
    """OnDelete is for what a stack has had. This fleet never came to be."""
    desired = replace(ASKED, on_delete=on_delete)
    terminal = Stage().having(*many(9), key=BEFORE)
    fail(terminal, terminal.send_create(desired), at="/app/00006")
    assert terminal.works() == {"/app/00000": Work.FAILED}
    assert terminal.state("/app/00003") == held(BEFORE)

    terminal.do(terminal.send_delete(desired, made_up=False))

    assert set(terminal.states().values()) == {(BEFORE, None)}
    assert terminal.works() == {}


@pytest.mark.parametrize("work", [Work.FAILED, Work.CREATING])
def test_a_mark_on_a_fleet_that_came_to_be_undoes_nothing(work: Work) -> None:
    """Anybody may have written that a Create failed: the claims are older than any that could have."""
    retaining = replace(ASKED, on_delete=OnDelete.RETAIN)
    terminal = Stage().having(*many(9), key=BEFORE)
    terminal.do(terminal.send_create(retaining))
    terminal.clock.time += LONGEST_EVENT
    terminal.aws.log_groups[log_group("/app/00000")].marks[ME.digest] = Marks(work)

    terminal.do(terminal.send_delete(retaining, made_up=False))

    assert set(terminal.states().values()) == {(OURS, None)}
    assert terminal.works() == {}


def test_its_delete_waits_for_nobody() -> None:
    """The Create has said that it is through."""
    terminal = Stage().having(*many(9))
    fail(terminal, terminal.send_create(), at="/app/00006")
    terminal.clock.slept.clear()

    terminal.do(terminal.send_delete(made_up=False))

    assert FENCE not in terminal.clock.slept


def test_a_create_that_fails_for_what_was_refused_is_undone_too() -> None:
    """OnRefusedLogGroup says Fail: all others were done before."""
    terminal = Stage().having(*many(9), key=BEFORE)
    odd(terminal, "/app/00006", lambda group: role_denied("logs:AssociateKmsKey", target=group.arn, key=OURS.text))
    retaining = replace(FAILING, on_delete=OnDelete.RETAIN)
    with pytest.raises(ApiError):
        terminal.do(terminal.send_create(retaining))
    assert [name for name, (key, _) in terminal.states().items() if key == OURS] == [
        name for name in many(9) if name != "/app/00006"
    ]

    terminal.do(terminal.send_delete(retaining, made_up=False))

    assert set(terminal.states().values()) == {(BEFORE, None)}


@pytest.mark.parametrize("target", [ALL, fleet("/")], ids=["the same prefix", "another prefix"])
def test_what_apply_had_done_stays_so_after_a_create_that_was_rolled_back(target: Fleet) -> None:
    """Under the key, and the command line's: a Create that is tried again takes it over, and `release` ends it."""
    terminal = Stage().having("/a", key=BEFORE).having(*many(9))
    apply(terminal)
    applied = terminal.states()
    assert applied == {"/a": held(BEFORE, me=COMMAND_LINE), **{name: held(me=COMMAND_LINE) for name in many(9)}}
    terminal.having("/new", "/zz")
    failing, me = replace(FAILING, target=target), replace(ME, scope=target.scope)
    create = terminal.send_create(failing, me)
    terminal.clock.time += 1
    odd(terminal, "/zz", lambda group: role_denied("logs:AssociateKmsKey", target=group.arn, key=OURS.text))
    with pytest.raises(ApiError):
        terminal.do(create)
    assert terminal.state("/a") == held(BEFORE, me=me)

    terminal.do(terminal.send_delete(failing, me, made_up=False))

    assert terminal.states() == applied | {"/new": (None, None), "/zz": (None, None)}
    terminal.do(Remove(COMMAND_LINE, ALL))
    assert terminal.states() == {"/a": (BEFORE, None), **dict.fromkeys([*many(9), "/new", "/zz"], (None, None))}


def test_what_apply_had_done_is_given_back_with_a_fleet_that_came_to_be() -> None:
    """It was held for that fleet."""
    terminal = Stage().having("/a", key=BEFORE).having(*many(9))
    apply(terminal)
    terminal.do(terminal.send_create())
    terminal.clock.time += 60

    terminal.do(terminal.send_delete(made_up=False))

    assert terminal.states() == {"/a": (BEFORE, None), **dict.fromkeys(many(9), (None, None))}


def test_a_renamed_fleet_whose_create_fails_leaves_the_old_ones_claims() -> None:
    """The rollback deletes the new one; the old one owns what it owned, with what it remembered."""
    terminal = Stage().having("/a", key=BEFORE).having(*many(9))
    terminal.do(terminal.send_create())
    terminal.having("/zz")
    terminal.clock.time += 60
    odd(terminal, "/zz", lambda group: role_denied("logs:AssociateKmsKey", target=group.arn, key=OURS.text))
    with pytest.raises(ApiError):
        terminal.do(terminal.send_create(FAILING, SIBLING))
    assert terminal.state("/a") == held(BEFORE, me=SIBLING)

    terminal.do(terminal.send_delete(FAILING, SIBLING, made_up=False))

    assert terminal.states() == {"/a": held(BEFORE), **{name: held() for name in many(9)}, "/zz": (None, None)}
    terminal.do(terminal.send_delete(made_up=False))
    assert terminal.states() == {"/a": (BEFORE, None), **dict.fromkeys([*many(9), "/zz"], (None, None))}


def test_a_renamed_fleet_that_came_to_be_keeps_what_it_took_over() -> None:
    """The clean-up deletes the old one, which finds nothing of its own."""
    terminal = Stage().having("/a", key=BEFORE).having(*many(9))
    terminal.do(terminal.send_create())
    terminal.clock.time += 60
    terminal.do(terminal.send_create(me=SIBLING))

    terminal.do(terminal.send_delete(made_up=False))

    assert terminal.states() == {"/a": held(BEFORE, me=SIBLING), **{name: held(me=SIBLING) for name in many(9)}}


def test_a_create_that_works_after_one_that_failed_leaves_no_mark() -> None:
    """CloudFormation sends it anew once the Delete is through: what then stands is its own, and OnDelete holds."""
    terminal = Stage().having(*many(9), key=BEFORE)
    fail(terminal, terminal.send_create(), at="/app/00006")
    terminal.do(terminal.send_delete(made_up=False))
    terminal.clock.time += 60
    retaining = replace(ASKED, on_delete=OnDelete.RETAIN)

    terminal.do(terminal.send_create(retaining))

    assert terminal.works() == {}
    terminal.do(terminal.send_delete(retaining, made_up=False))
    assert set(terminal.states().values()) == {(OURS, None)}


def test_a_failed_update_of_the_key_leaves_no_mark() -> None:
    """The fleet is there, and stays: its Delete does what OnDelete says."""
    terminal = Stage().having(*many(9), key=BEFORE)
    terminal.do(terminal.send_create())
    update = Ensure(ME, replace(ASKED, key=NEW), Update(ALL.arn, ASKED, ME), sent_at=terminal.this_second)
    odd(terminal, "/app/00006", lambda group: key_policy_denied("AssociateKmsKey", group.arn, NEW.text))

    with pytest.raises(KeyPolicyDenied):
        terminal.do(update)

    assert terminal.works() == {}


def test_a_failed_reconciliation_is_not_undone() -> None:
    """What it brought in stays; the fleet's Delete knows no Create that failed."""
    terminal = Stage().having(*many(3), key=BEFORE)
    retaining = replace(FAILING, on_delete=OnDelete.RETAIN)
    terminal.do(terminal.send_create(retaining))
    terminal.having("/new", "/zz", key=BEFORE)
    odd(terminal, "/zz", lambda group: role_denied("logs:AssociateKmsKey", target=group.arn, key=OURS.text))
    with pytest.raises(ApiError):
        terminal.do(Ensure(ME, retaining, asker=Asker.ENROLMENT))
    assert terminal.works() == {}

    terminal.do(terminal.send_delete(retaining, made_up=False))

    assert {terminal.state(name) for name in [*many(3), "/new"]} == {(OURS, None)}


def test_the_delete_of_a_failed_create_may_be_delivered_twice() -> None:
    """The second finds no mark and nothing of the fleet's."""
    terminal = Stage().having("/a", key=BEFORE).having(*many(9))
    apply(terminal)
    applied = terminal.states()
    terminal.having("/zz")
    odd(terminal, "/zz", lambda group: role_denied("logs:AssociateKmsKey", target=group.arn, key=OURS.text))
    with pytest.raises(ApiError):
        terminal.do(terminal.send_create(FAILING))
    delete = terminal.send_delete(FAILING, made_up=False)

    terminal.do(delete)
    terminal.do(delete)

    assert terminal.states() == applied | {"/zz": (None, None)}


def test_the_delete_of_a_failed_create_that_dies_goes_on_where_it_was() -> None:
    """At whichever call: its mark goes last."""
    died = 0
    for call in range(80):
        terminal = Stage().having("/a", key=BEFORE).having(*many(3))
        apply(terminal)
        applied = terminal.states()
        terminal.having("/new", "/zz")
        odd(terminal, "/zz", lambda group: role_denied("logs:AssociateKmsKey", target=group.arn, key=OURS.text))
        with pytest.raises(ApiError):
            terminal.do(terminal.send_create(FAILING))
        delete = terminal.send_delete(FAILING, made_up=False)
        died += terminal.dies_at(call, delete)

        terminal.do(delete)

        assert terminal.states() == applied | {"/new": (None, None), "/zz": (None, None)}, call
    assert died > 20


def test_a_claim_of_another_stacks_fleet_is_never_handed_on() -> None:
    """Only what was taken over under the very key is handed back; what had another key was the fleet's to restore."""
    terminal = Terminal().having("/a", key=BEFORE, claim=Claim(SIBLING, None))
    terminal.create()

    assert terminal.state("/a") == held()
    claim = terminal.state("/a")[1]
    assert claim
    assert claim.taken_from is None
