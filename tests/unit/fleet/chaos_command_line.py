"""The command line in the model of fleets at random: it applies and releases, also amid the events of others."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from hypothesis.stateful import rule
from support.chaos import Killed, Mishap, Strikes
from support.fake_aws import fleet
from unit.fleet.chaos_checks import Checks
from unit.fleet.chaos_contract import held, released
from unit.fleet.chaos_deliveries import A_WHILE
from unit.fleet.chaos_values import (
    CALM,
    COMMAND_LINE,
    KEYS,
    LONG,
    Applied,
    Incident,
    Turmoil,
    Wanted,
    fleets,
    note,
    turmoil_of,
)

from log_group_kms.association.context import Context
from log_group_kms.association.requests import Asker, Ensure, Remove
from log_group_kms.fleet.checkpoint import Checkpoint
from log_group_kms.fleet.rules import FleetRules
from log_group_kms.model.association import OnDelete, OnExistingKey
from log_group_kms.model.errors import ResourceConflict
from log_group_kms.model.targets import Fleet
from log_group_kms.retry.retrier import Retrier

if TYPE_CHECKING:
    from log_group_kms.model.targets import LogGroup

#: It is killed, or comes to its end of time, so often at most: then the user gives the same command again.
_COMMANDS: Final = 200


class CommandLine(Checks):
    """Somebody at a terminal, who knows nothing of the stacks."""

    @rule(wanted=fleets, turmoil=turmoil_of)
    def apply(self, wanted: Wanted, turmoil: Turmoil) -> None:
        """Whatever comes in between, it takes nothing from a resource, and never takes for a Delete what is none."""
        before = self.begin_step()
        new = Applied.to(wanted)
        self.acting = {COMMAND_LINE}
        expected = held(before, COMMAND_LINE, wanted, new, upkeep=True, now=self.clock.now())

        done = self.command(new, self.fit(turmoil, wanted), ends=False)

        assert done == (expected is not None) or self.touched
        self.expect(expected or before, before)
        self.meddled |= self.touched - self.fixed
        note("applied" if done else "not applied")

    @rule(wanted=fleets, turmoil=turmoil_of)
    def release_what_was_applied(self, wanted: Wanted, turmoil: Turmoil) -> None:
        """All that carries the command line's claim has the key of before; nothing else has changed."""
        before = self.begin_step()
        # It is not asked for OnExistingKey, so that nothing of the turmoil could make it fail.
        wanted = replace(wanted, on_delete=OnDelete.RESTORE_PREVIOUS, on_existing_key=OnExistingKey.OVERRIDE)
        old = Applied.to(wanted)
        self.acting = {COMMAND_LINE}

        assert self.command(old, self.fit(turmoil, wanted), ends=True)
        self.expect(released(before, old), before)
        self.meddled |= self.touched - self.fixed
        note("released")

    def happen(self, one: Mishap, operation: str, event: dict[str, Any] | None) -> None:
        assert isinstance(one, Incident)
        if one.what not in ("applied", "released"):
            super().happen(one, operation, event)
        elif one.group in self.aws.log_groups and (one.after or operation.startswith(("Describe", "List"))):
            # As with an explicit resource: a change is not under way for seconds.
            self.interfere(
                one.group, Wanted(fleet(one.group.name.text), one.key or KEYS[1]), ends=one.what == "released"
            )

    def interfere(self, group: LogGroup, wanted: Wanted, *, ends: bool) -> None:
        """Apply, or release, this log group alone in the midst."""
        before, acting = self.states()[group], self.acting
        with self.beside():
            assert self.command(Applied.to(wanted), CALM, ends=ends)
        self.clock.time += A_WHILE
        self.acting = acting
        now = self.states()[group]
        if now != before:
            assert COMMAND_LINE in {state.claim.owner for state in (before, now) if state.claim}
            self.alone[group] = now
            self.touched.add(group)
            self.fixed.discard(group)
            note("released in the midst" if ends else "applied in the midst")

    def command(self, asked: Applied, turmoil: Turmoil, *, ends: bool) -> bool:
        """Give the command until it is through; False where it is refused."""
        strikes = Strikes(self.aws, turmoil.incidents, lambda one, at: self.happen(one, at, None))
        wanted = asked.wanted
        assert isinstance(wanted.target, Fleet)
        for _ in range(_COMMANDS):
            retrier = Retrier(self.clock, self.clock.now() + LONG, jitter=lambda _, most: most)
            rules = FleetRules(Context.of(self.aws, self.aws, retrier, rate_limits=self.rate_limits), wanted.target)
            try:
                with self.struck(strikes if turmoil.incidents else None):
                    if ends:
                        outcome = rules.remove(Remove(COMMAND_LINE, wanted.target, wanted.on_delete))
                    else:
                        outcome = rules.ensure(Ensure(COMMAND_LINE, wanted.association, asker=Asker.COMMAND_LINE))
            except Killed:
                note("command killed")
                continue
            except ResourceConflict:
                self.aws.forgive()
                return False
            if not isinstance(outcome, Checkpoint):
                self.aws.forgive()
                return True
        raise AssertionError("It does not end")
