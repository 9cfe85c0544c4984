"""A fleet whose account has protected log groups: none of them is called about, whatever asks."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest
from support.fake_aws import log_group
from unit.fleet.accounts import Account
from unit.fleet.terminals import (
    ALL,
    ASKED,
    BEFORE,
    EXPLICIT,
    ME,
    NEW,
    OURS,
    STRANGE,
    Terminal,
    enrolling,
    held,
    numbers,
)

from log_group_kms.association.requests import Ensure, Remove
from log_group_kms.fleet.checkpoint import Checkpoint, Counts, Fate, Phase
from log_group_kms.fleet.plan import Action
from log_group_kms.fleet.rules import FleetRules
from log_group_kms.lifecycle import kinds as lifecycle
from log_group_kms.model.association import OnDelete, OnExistingKey
from log_group_kms.model.keys import KeyName
from log_group_kms.model.ownership import Claim, Marks, Work
from log_group_kms.model.results import Outcome
from log_group_kms.model.targets import Exclusions

if TYPE_CHECKING:
    from log_group_kms.association.context import Context
    from log_group_kms.model.keys import KeyArn

PROTECTED = Exclusions(("/audit/*", "/vault"))


@dataclass
class Guarded(Terminal):
    """A terminal in an account that protects some of its log groups."""

    protected: Exclusions = field(default=PROTECTED)

    def context(self, seconds: float = 800) -> Context:
        return super().context(seconds).protecting(self.protected)


@dataclass
class GuardedAccount(Account):
    """An enrolment in an account that protects some of its log groups."""

    def context(self, seconds: float = 800) -> Context:
        return super().context(seconds).protecting(PROTECTED)


def unprotected(terminal: Terminal, *names: str, key: KeyArn | None = None) -> None:
    """Let log groups come under the fleet before they are protected."""
    terminal.having(*names, key=key)
    ordinary = Terminal(aws=terminal.aws)
    ordinary.create()
    assert {ordinary.state(name) for name in names} == {held(key)}


def refuse(terminal: Terminal, method: str) -> None:
    """No call of this *method* is about "/vault"."""
    real = getattr(terminal.aws, method)

    def refusing(target: object, *rest: object) -> object:
        assert target != log_group("/vault"), method
        return real(target, *rest)

    setattr(terminal.aws, method, refusing)


@pytest.mark.parametrize("key", [None, STRANGE, OURS], ids=["without a key", "another key", "the fleet's key"])
@pytest.mark.parametrize(
    "claim", [None, Claim(EXPLICIT, BEFORE), Claim(ME, BEFORE)], ids=["unclaimed", "owned", "ours"]
)
def test_a_create_leaves_them_and_counts_them_as_skipped(key: KeyArn | None, claim: Claim | None) -> None:
    """Whatever state they are in, they stay in it; the others are brought in."""
    terminal = Guarded().having("/app", "/vault2").having("/audit/trail", "/vault", key=key, claim=claim)

    outcome = terminal.create()

    assert numbers(outcome) == (2, 0, 2)
    assert {name: terminal.state(name) for name in ("/audit/trail", "/vault")} == {
        "/audit/trail": (key, claim),
        "/vault": (key, claim),
    }
    assert {terminal.state("/app"), terminal.state("/vault2")} == {held()}
    assert outcome.note == ("Of its log groups: 2 associated, 2 protected by ProtectedLogGroupNames.")


def test_none_of_them_is_even_read() -> None:
    """No call of any kind is about them: a role with the Deny alone may lack the right to read them, too."""
    alone, beside = Guarded().having("/app"), Guarded().having("/app").having("/audit/trail", "/vault")

    alone.create()
    beside.create()

    assert beside.counts == alone.counts


def test_what_is_excluded_is_not_counted() -> None:
    """A name that is both is excluded, as it was before it was protected."""
    terminal = Guarded().having("/app", "/vault")

    outcome = terminal.create(replace(ASKED, exclude=Exclusions(("/vault",))))

    assert numbers(outcome) == (1, 0, 0)
    assert outcome.note == ""


def test_their_other_key_is_no_conflict() -> None:
    """OnExistingKey Fail is about what the fleet would change."""
    terminal = Guarded().having("/app").having("/vault", key=STRANGE)

    outcome = terminal.create(replace(ASKED, on_existing_key=OnExistingKey.FAIL))

    assert numbers(outcome) == (1, 0, 1)
    assert terminal.state("/vault") == (STRANGE, None)


def test_a_new_key_does_not_reach_them() -> None:
    """They keep the former one, and the claim."""
    terminal = Guarded()
    unprotected(terminal, "/app", "/vault")

    outcome = terminal.update(replace(ASKED, key=NEW))

    assert numbers(outcome) == (1, 0, 1)
    assert (terminal.state("/app"), terminal.state("/vault")) == (held(key=NEW), held())


@pytest.mark.parametrize("on_delete", OnDelete)
def test_a_delete_leaves_them(on_delete: OnDelete) -> None:
    """Neither key nor claim is taken away, and the Delete succeeds."""
    terminal = Guarded()
    unprotected(terminal, "/app", "/vault", key=BEFORE)

    terminal.delete(replace(ASKED, on_delete=on_delete))

    assert terminal.state("/vault") == held(BEFORE)
    assert terminal.state("/app")[1] is None


def test_an_exclusion_does_not_give_them_back() -> None:
    """An Update that excludes them makes no call about them."""
    terminal = Guarded()
    unprotected(terminal, "/app", "/vault")

    terminal.update(replace(ASKED, exclude=Exclusions(("/vault", "/app"))))

    assert (terminal.state("/app"), terminal.state("/vault")) == ((None, None), held())


@pytest.mark.parametrize("undoing", [False, True])
@pytest.mark.parametrize("phase", Phase)
def test_made_up_progress_does_not_reach_them(phase: Phase, *, undoing: bool) -> None:
    """Whatever an invocation claims to be in the middle of, it leaves them as they are, and asks nothing about them."""
    terminal = Guarded()
    unprotected(terminal, "/app", "/vault")
    before = terminal.aws.log_groups[log_group("/vault")]
    before.marks[ME.digest] = Marks(Work.CREATING)
    marked = replace(before, marks=dict(before.marks))
    for method in ("claim_on", "marks_on", "write_claim", "write_marks", "remove_claim", "remove_marks"):
        refuse(terminal, method)
    forged = Checkpoint(
        phase, OURS.text, counts=Counts(associated=9, compliant=9), lookout="/vault", claimed=True, undoing=undoing
    )

    outcome = lifecycle.ensure(terminal.context(), Ensure(ME, ASKED, sent_at=terminal.clock.now()), forged)
    assert isinstance(outcome, Outcome)
    outcome = lifecycle.remove(terminal.context(), Remove.of(ME, ASKED, minted=True), forged)
    assert isinstance(outcome, Outcome)

    assert terminal.aws.log_groups[log_group("/vault")] == marked


def test_a_plan_names_them() -> None:
    """They are protected in the plan, too, and no change."""
    terminal = Guarded().having("/app").having("/audit/trail", key=STRANGE).having("/vault")
    desired = replace(ASKED, exclude=Exclusions(("/vault",)))

    planned = list(FleetRules(terminal.context(), ALL).plan(Ensure(ME, desired)))

    assert {one.name: (one.action, one.changes) for one in planned} == {
        "/app": (Action.ASSOCIATE, True),
        "/audit/trail": (Action.PROTECTED, False),
        "/vault": (Action.EXCLUDED, False),
    }


def test_an_enrolment_leaves_them() -> None:
    """CloudTrail tells of a new log group that is protected: it is told so, and no call is made."""
    account = GuardedAccount().having("/audit/trail")

    assert account.enrol("/audit/trail") is Fate.PROTECTED
    assert (account.state("/audit/trail"), account.aws.calls) == ((None, None), [])
    assert account.told == [("/audit/trail", Fate.PROTECTED)]


def test_a_late_enrolment_does_not_give_them_back() -> None:
    """The fleet is gone by then."""
    account = GuardedAccount(is_alive=lambda: False).having("/vault", key=OURS, claim=Claim(ME, None))

    assert account.enrol("/vault") is Fate.PASSED
    assert account.state("/vault") == (OURS, Claim(ME, None))


def test_a_reconciliation_leaves_them() -> None:
    """They are neither brought in nor mended."""
    account = GuardedAccount().having("/app").having("/vault", key=STRANGE, claim=Claim(ME, None))

    outcome = account.reconcile()

    assert numbers(outcome) == (1, 0, 1)
    assert account.state("/vault") == (STRANGE, Claim(ME, None))


def test_an_alias_is_resolved_for_the_others_alone() -> None:
    """Enrolment of a protected log group asks KMS nothing."""
    terminal = Guarded().having("/vault")

    fate = FleetRules(terminal.context(), ALL).enrol(
        enrolling(replace(ASKED, key=KeyName("alias/nobodys"))), log_group("/vault")
    )

    assert fate is Fate.PROTECTED
