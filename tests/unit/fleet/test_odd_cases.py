"""The fleet in odd cases: tags that someone takes off, odd log groups, short time, targets of another kind."""

from __future__ import annotations

import re
import threading
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import pytest
from support.fake_aws import (
    PLACE,
    STACK_ID,
    FakeClock,
    concurrent_change,
    log_group,
    owner,
    role_denied,
    throttled,
)
from unit.fleet.test_rules import (
    ALL,
    ASKED,
    BEFORE,
    ME,
    NEW,
    OURS,
    SIBLING,
    Terminal,
    enrolling,
    held,
    many,
    numbers,
)

from log_group_kms.association.requests import Ensure, Remove, Update
from log_group_kms.cloudformation.envelope import Envelope
from log_group_kms.fleet.checkpoint import Checkpoint, Counts, Ending, Fate, Phase
from log_group_kms.fleet.cutoff import Cutoff
from log_group_kms.fleet.pages import PageRunner
from log_group_kms.fleet.triage import Triage
from log_group_kms.fleet.upkeep import Upkeep
from log_group_kms.lifecycle import kinds as lifecycle
from log_group_kms.lifecycle.deadlines import Deadlines
from log_group_kms.lifecycle.event import respond
from log_group_kms.lifecycle.progress import PROGRESS, Done
from log_group_kms.model.association import Association
from log_group_kms.model.errors import ClaimLost, InvalidParameter, LimitExceeded, OutOfTime, ProviderError
from log_group_kms.model.ownership import Claim
from log_group_kms.model.physical_id import NOTHING_ASSOCIATED
from log_group_kms.model.results import Listed, Page
from log_group_kms.model.targets import Exclusions
from log_group_kms.retry.retrier import Retrier

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_group_kms.model.errors import ApiError
    from log_group_kms.model.results import Outcome
    from log_group_kms.model.targets import LogGroup

EXPLICIT = owner("Orders")


def keys(terminal: Terminal) -> set[object]:
    """The keys in force."""
    return {key for key, _ in terminal.states().values()}


def strip(terminal: Terminal, *names: str) -> None:
    """What a tool that tidies tags does."""
    for name in names:
        terminal.aws.log_groups[log_group(name)].claim = None


# --- one witness's tags, and the whole fleet is given back -----------------------------------------------------------


def test_an_update_whose_first_log_group_loses_its_tags_leaves_the_rest_encrypted() -> None:
    """No Delete passes by an Update: whoever strips one log group of its tags does not decrypt all others."""
    terminal = Terminal().having(*many(150))
    terminal.create()

    def after(operation: str) -> None:
        if operation == "AssociateKmsKey" and terminal.counts[operation] == 150 + 60:
            strip(terminal, "/app/00000")

    terminal.aws.after = after
    with suppress(ClaimLost):
        terminal.update(replace(ASKED, key=NEW))

    assert None not in keys(terminal)


def test_a_reconciliation_whose_first_log_group_loses_its_tags_leaves_the_rest_encrypted() -> None:
    """The fleet is alive: what it has held for months is not given back for one log group's tags."""
    terminal = Terminal().having(*many(150))
    terminal.create()
    for name in ("/app/00000", "/app/00001", "/app/00120"):
        terminal.aws.log_groups[log_group(name)].key = None

    def after(operation: str) -> None:
        if operation == "AssociateKmsKey" and terminal.state("/app/00120")[0]:
            strip(terminal, "/app/00000")

    terminal.aws.after = after
    with suppress(ClaimLost):
        terminal.through(enrolling())

    assert keys(terminal) == {OURS}


def test_an_explicit_resource_that_comes_and_goes_does_not_undo_the_fleet() -> None:
    """A stack beside it took the fleet's first log group over with a key of its own, and was rolled back."""
    terminal = Terminal().having(*many(150))
    explicit = Association(log_group("/app/00000"), NEW)

    def after(operation: str) -> None:
        if operation == "AssociateKmsKey" and terminal.counts[operation] == 60:
            terminal.aws.after = lambda _: None
            lifecycle.ensure(terminal.work(), Ensure(EXPLICIT, explicit))
            lifecycle.remove(terminal.work(), Remove.of(EXPLICIT, explicit, minted=True))

    terminal.aws.after = after
    with suppress(ClaimLost):
        terminal.create()

    assert None not in keys(terminal)


def test_a_log_group_that_loses_key_and_tags_before_its_read_back_is_brought_in_again() -> None:
    """The witnesses still stand, so no Delete passed by: as before the read-back."""
    terminal = Terminal().having(*many(20))

    def after(operation: str) -> None:
        if operation == "AssociateKmsKey" and terminal.counts[operation] == 20:
            terminal.aws.log_groups[log_group("/app/00009")].key = None
            strip(terminal, "/app/00009")

    terminal.aws.after = after
    with suppress(ClaimLost):
        terminal.create()

    assert terminal.state("/app/00005") == held()


def reconcile(terminal: Terminal) -> None:
    """As the enrolment function does, for a fleet that is alive; what it cannot do is left to the next schedule."""
    upkeep = Upkeep(terminal.work(), ALL, enrolling(), lambda: True, lambda *_: None)
    checkpoint: Checkpoint | None = None
    with suppress(ProviderError):
        while isinstance(outcome := upkeep.reconcile(checkpoint), Checkpoint):
            checkpoint = outcome


def test_a_reconciliation_beside_someone_who_takes_a_key_and_tags_off_keeps_the_rest_encrypted() -> None:
    """Between change and read-back; the fleet is alive, and nobody has asked whether it is."""
    terminal = Terminal().having(*many(20))
    terminal.create()
    terminal.aws.log_groups[log_group("/app/00009")].key = None

    def after(operation: str) -> None:
        if operation == "AssociateKmsKey":
            terminal.aws.after = lambda operation: take_off() if operation == "ListTagsForResource" else None

    def take_off() -> None:
        terminal.aws.after = lambda _: None
        terminal.aws.log_groups[log_group("/app/00009")].key = None
        strip(terminal, "/app/00009")

    terminal.aws.after = after
    reconcile(terminal)

    assert [name for name, (key, _) in terminal.states().items() if key != OURS] in (["/app/00009"], [])


def test_a_reconciliation_beside_a_tool_that_strips_one_log_group_at_once_keeps_the_rest_encrypted() -> None:
    """A tag policy's remedy works within the second, again and again: that log group's trouble, not the fleet's."""
    terminal = Terminal().having(*many(20))
    terminal.create()
    terminal.having("/bot")

    def after(operation: str) -> None:
        if operation == "TagResource":
            strip(terminal, "/bot")

    terminal.aws.after = after
    reconcile(terminal)

    assert {terminal.state(name) for name in many(20)} == {held()}


# --- the answer to CloudFormation -------------------------------------------------------------------------------------


def fleet_event(terminal: Terminal, **properties: object) -> dict[str, object]:
    """A Create of a fleet, sent now."""
    sent = datetime.fromtimestamp(terminal.clock.now(), tz=UTC).strftime("%Y%m%dT%H%M%SZ")
    return {
        "RequestType": "Create",
        "RequestId": "11111111-2222-3333-4444-555555555555",
        "ResponseURL": f"https://cloudformation.example/answer?X-Amz-Date={sent}",
        "StackId": STACK_ID,
        "LogicalResourceId": "Fleet",
        "ResourceProperties": {"KmsKeyId": OURS.text, "LogGroupNamePrefix": "*", **properties},
    }


def invoke(terminal: Terminal, event: dict[str, object], seconds: float = 900) -> Done:
    """As many invocations as it takes, as Lambda and the handler make them."""
    terminal.failure_id = NOTHING_ASSOCIATED
    envelope = Envelope.of(event)
    while True:
        deadlines = Deadlines.of(envelope, event, terminal.clock.now(), seconds)
        retrier = Retrier(terminal.clock, deadlines.earliest, jitter=lambda _, most: most)
        work = terminal.work().under(retrier)
        outcome = respond(envelope, event, PLACE, work, deadlines)
        if isinstance(outcome, Done):
            return outcome
        event = {**event, PROGRESS: outcome.as_json()}


@dataclass
class Stripping(FakeClock):
    """During a long wait, someone takes tags off."""

    strip: Callable[[], object] = list

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if seconds > 100:
            self.strip()


def test_a_claim_lost_during_the_propagation_wait_leaves_nothing_to_nobody() -> None:
    """The id says that something is associated, so that the rollback's Delete gives the other log groups back."""
    clock = Stripping()
    terminal = Terminal(clock=clock).having(*many(4))
    clock.strip = partial(strip, terminal, *many(3))

    with pytest.raises(ClaimLost):
        invoke(terminal, fleet_event(terminal, PropagationWaitSeconds="300"))

    assert [claim is not None for _, claim in terminal.states().values()] == [False, False, False, True]
    assert terminal.failure_id != NOTHING_ASSOCIATED


def test_the_reason_of_a_fleet_that_ran_out_of_time_has_no_negative_counts() -> None:
    """A page that was cut counts what it has changed, and nothing below none."""
    terminal = Terminal().having(*many(300))

    with pytest.raises(OutOfTime) as failed:
        invoke(terminal, fleet_event(terminal, ServiceTimeout="60"))

    assert not re.search(r" -\d", str(failed.value)), failed.value


def test_what_vanishes_between_two_invocations_is_not_counted_below_none() -> None:
    """Every return value is a number of log groups."""
    terminal = Terminal().having(*many(120))
    event = Ensure(ME, ASKED)
    checkpoint = lifecycle.ensure(terminal.work(32), event)
    assert isinstance(checkpoint, Checkpoint)
    cut = [name for name, (key, _) in terminal.states().items() if key][50:]
    assert cut
    for name in cut:
        del terminal.aws.log_groups[log_group(name)]

    outcome = lifecycle.ensure(terminal.work(), event, checkpoint)

    assert not isinstance(outcome, Checkpoint)
    assert min(numbers(outcome)) >= 0, numbers(outcome)


def test_a_token_that_is_too_old_in_the_last_pass_spoils_no_count() -> None:
    """The pass for the busy ones counts these alone: there is nothing to count anew."""
    terminal = Terminal().having(*many(60), key=OURS).having("/busy")
    terminal.aws.stale_tokens.add("/app/00049")
    checkpoint = Checkpoint(
        Phase.CHANGE_BUSY, OURS.text, "/app/00049", Counts(associated=40, compliant=20, kept=5, busy=1)
    )

    outcome = lifecycle.ensure(terminal.work(), Ensure(ME, ASKED), checkpoint)

    assert not isinstance(outcome, Checkpoint)
    assert numbers(outcome) == (41, 20, 5)


def test_an_excluded_reserved_log_group_is_not_counted() -> None:
    """MatchedCount is all but excluded and vanished."""
    terminal = Terminal().having("/a")
    terminal.aws.reserved.append("aws/spans")

    assert numbers(terminal.create(replace(ASKED, exclude=Exclusions(("aws/*",))))) == (1, 0, 0)


# --- owned by the dead ------------------------------------------------------------------------------------------------


def test_a_delete_that_overtakes_a_take_over_leaves_nothing_behind() -> None:
    """A renamed fleet's Create claims without changing a key, and is cancelled: its Delete passes by."""
    terminal = Terminal().having(*many(120))
    terminal.create()

    def after(operation: str) -> None:
        if operation == "DescribeLogGroups" and terminal.state("/app/00060")[1] == Claim(SIBLING, None):
            terminal.aws.after = lambda _: None
            terminal.delete(me=SIBLING)

    terminal.aws.after = after
    with suppress(ClaimLost):
        terminal.create(me=SIBLING)

    assert [name for name, (_, claim) in terminal.states().items() if claim and claim.owner == SIBLING] == []


def test_from_one_log_group_to_a_fleet_and_the_clean_up_leaves_it_encrypted() -> None:
    """The same resource: the fleet takes over what it held by name, and the old id's Delete finds nothing."""
    one = Association(log_group("/a"), OURS)
    me = owner("Fleet")
    terminal = Terminal().having("/a", "/b")
    lifecycle.ensure(terminal.work(), Ensure(me, one))

    terminal.through(Ensure(ME, ASKED, Update(log_group("/a").arn, one, me)))
    lifecycle.remove(terminal.work(), Remove.of(me, one, minted=True))

    assert keys(terminal) == {OURS}


def test_from_a_fleet_to_one_log_group_what_was_before_stays_remembered() -> None:
    """The same resource: its last Delete puts back what was there before its first Create."""
    one = Association(log_group("/a"), OURS)
    me = owner("Fleet")
    terminal = Terminal().having("/a", key=BEFORE).having("/b")
    terminal.create()

    lifecycle.ensure(terminal.work(), Ensure(me, one, Update(ALL.arn, ASKED, ME)))
    terminal.delete()
    lifecycle.remove(terminal.work(), Remove.of(me, one, minted=True))

    assert terminal.states() == {"/a": (BEFORE, None), "/b": (None, None)}


def test_a_fleet_gives_back_what_an_update_to_one_log_group_had_claimed_before_it_died() -> None:
    """CloudFormation sends the Update back to the fleet: the log group is the fleet's again, or nobody's."""
    one = Association(log_group("/a"), OURS)
    me = owner("Fleet")
    terminal = Terminal().having("/a", "/b")
    terminal.create()
    lifecycle.ensure(terminal.work(), Ensure(me, one, Update(ALL.arn, ASKED, ME)))  # and then it died, unanswered

    terminal.through(Ensure(ME, ASKED, Update(ALL.arn, one, me)))
    terminal.delete()

    assert set(terminal.states().values()) == {(None, None)}


def test_one_log_group_gives_back_all_that_an_update_to_a_fleet_had_claimed_before_it_died() -> None:
    """Also more than fits into a minute: nobody else will ever come for it."""
    one = Association(log_group("/a"), OURS)
    me = owner("Fleet")
    terminal = Terminal().having("/a", *many(500))
    lifecycle.ensure(terminal.work(), Ensure(me, one))
    terminal.through(Ensure(ME, ASKED, Update(log_group("/a").arn, one, me)))  # and then it died, unanswered

    for _ in range(10):
        if not isinstance(
            lifecycle.ensure(terminal.work(), Ensure(me, one, Update(log_group("/a").arn, ASKED, ME))), Checkpoint
        ):
            break

    assert [name for name, (_, claim) in terminal.states().items() if claim and claim.owner == ME] == []


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


# --- one odd log group ------------------------------------------------------------------------------------------------


def limit_exceeded(group: LogGroup) -> ApiError:
    """It has fifty tags already."""
    return LimitExceeded("TagResource", "TooManyTagsException", "The resource can have no more than 50 tags", group.arn)


def not_supported(group: LogGroup) -> ApiError:
    """Its class takes no key."""
    return InvalidParameter("AssociateKmsKey", "InvalidParameterException", "Not supported", group.arn, OURS.text)


def denied_by_scp(group: LogGroup) -> ApiError:
    """A service control policy protects it."""
    return role_denied("logs:AssociateKmsKey", "AssociateKmsKey", group.arn, OURS.text)


def odd(terminal: Terminal, name: str, refusal: Callable[[LogGroup], ApiError]) -> None:
    """AWS refuses every such call about this log group, and no other."""
    group, operation = log_group(name), refusal(log_group(name)).operation
    method = {"TagResource": "write_claim", "AssociateKmsKey": "associate", "DisassociateKmsKey": "disassociate"}
    real = getattr(terminal.aws, method[operation])

    def refusing(target: object, *rest: object) -> None:
        if target == group:
            terminal.aws.calls.append(operation)
            raise refusal(group)
        real(target, *rest)

    setattr(terminal.aws, method[operation], refusing)


@pytest.mark.parametrize("refusal", [limit_exceeded, not_supported, denied_by_scp])
def test_one_log_group_that_aws_refuses_does_not_keep_the_others_from_their_key(
    refusal: Callable[[LogGroup], ApiError],
) -> None:
    """Once the key has proved good, the fault is that log group's: the others are done, then it is told."""
    terminal = Terminal().having(*many(100))
    odd(terminal, "/app/00010", refusal)

    with pytest.raises(ProviderError):
        terminal.create()

    assert [name for name, (key, _) in terminal.states().items() if key != OURS] == ["/app/00010"]


def test_one_log_group_with_fifty_tags_does_not_end_every_reconciliation() -> None:
    """What comes after it by name is mended all the same, day by day."""
    terminal = Terminal().having(*many(3))
    terminal.create()
    terminal.having("/app/00000a").having("/new")
    odd(terminal, "/app/00000a", limit_exceeded)

    with pytest.raises(ProviderError):
        terminal.through(enrolling())

    assert terminal.state("/new") == held()


def test_one_log_group_that_cannot_be_given_back_does_not_keep_the_others() -> None:
    """The Delete fails at the end, with all others given back: deleted again, it has one left to do."""
    terminal = Terminal().having(*many(100))
    terminal.create()
    odd(terminal, "/app/00010", lambda group: role_denied("logs:DisassociateKmsKey", "DisassociateKmsKey", group.arn))

    with pytest.raises(ProviderError):
        terminal.delete()

    assert [name for name, (key, _) in terminal.states().items() if key] == ["/app/00010"]


# --- time -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("phase", [Phase.CHANGE, Phase.CONFIRM])
def test_a_throttled_look_at_a_witness_goes_on_in_the_next_invocation(phase: Phase) -> None:
    """What the end of the invocation cuts short is no failure."""
    terminal = Terminal().having("/a", key=OURS, claim=Claim(ME, None)).having("/b")
    until = terminal.clock.now() + 60

    def before(operation: str) -> None:
        if operation == "ListTagsForResource" and terminal.clock.now() < until:
            terminal.aws.refuse(operation, throttled(operation))

    terminal.aws.before = before
    checkpoint = Checkpoint(phase, OURS.text, counts=Counts(associated=1), sentinels=("/a",), claimed=True)

    outcome = lifecycle.ensure(terminal.work(40), Ensure(ME, ASKED), checkpoint)

    assert isinstance(outcome, Checkpoint)


def test_a_claim_lost_beside_a_job_that_is_out_of_time_is_a_claim_lost() -> None:
    """Else the Create fails without giving back what it has claimed behind the Delete's back."""
    overtaken = threading.Event()

    def slow() -> Fate:
        overtaken.wait(5)
        raise OutOfTime("The turn of this call would come too late")

    def lost() -> Fate:
        try:
            raise ClaimLost("gone")
        finally:
            overtaken.set()

    jobs: dict[str, Callable[[], Fate]] = {"/a": lambda: Fate.ASSOCIATED, "/b": slow, "/c": lost}
    pages = {"": Page((Listed("/a", None), Listed("/b", None)), "2"), "2": Page((Listed("/c", None),))}
    cutoff = Cutoff(Retrier(FakeClock(), FakeClock().now() + 800))
    runner = PageRunner(
        cutoff,
        2,
        stopped=threading.Event(),
        triage=Triage(Terminal().work().keys, cutoff, enrolling=False),
        page=lambda token: pages[token],
        before_changes=lambda _: None,
        confirm=lambda _, __: {},
    )

    try:
        _, ending = runner.run(Checkpoint(Phase.CHANGE, OURS.text), lambda listed: jobs[listed.name])
    except ClaimLost:
        pytest.fail("the claim was lost, and `run` does not say so: nothing is given back")

    assert ending is Ending.LOST


def test_one_busy_log_group_does_not_have_all_others_read_once_more() -> None:
    """A second pass over ten thousand log groups at twenty reads a second is eight minutes of CloudFormation's hour."""
    terminal = Terminal().having(*many(200), key=OURS).having("/b")
    terminal.aws.refuse("AssociateKmsKey", *[concurrent_change()] * 6)

    terminal.create()

    assert terminal.counts["ListTagsForResource"] < 300


# --- second look: what is put aside ----------------------------------------------------------------------------------


@pytest.mark.parametrize("refusal", [not_supported, denied_by_scp])
def test_one_log_group_that_aws_refuses_does_not_end_every_reconciliation(
    refusal: Callable[[LogGroup], ApiError],
) -> None:
    """Day by day it is the first that there is to change, so that no change has proved the key before it."""
    terminal = Terminal().having(*many(3))
    terminal.create()
    terminal.having("/app/00000a").having("/new")
    odd(terminal, "/app/00000a", refusal)

    with pytest.raises(ProviderError):
        terminal.through(enrolling())

    assert terminal.state("/new") == held()


def test_a_dozen_odd_log_groups_do_not_end_every_reconciliation() -> None:
    """They are a dozen in a row only because what has the key already is not looked at."""
    terminal = Terminal().having(*many(200))
    terminal.create()
    for name in many(12):
        terminal.having(f"{name}odd")
        odd(terminal, f"{name}odd", limit_exceeded)
    terminal.having("/new")

    with pytest.raises(ProviderError):
        terminal.through(enrolling())

    assert terminal.state("/new") == held()


@pytest.mark.parametrize("phase", [Phase.UNDO, Phase.RELEASE_BUSY])
def test_what_is_refused_does_not_end_a_giving_back_that_goes_on_in_further_invocations(phase: Phase) -> None:
    """All others are given back, over as many invocations as that takes; then it is told."""
    terminal = Terminal().having(*many(200))
    terminal.create()
    odd(terminal, "/app/00010", lambda group: role_denied("logs:DisassociateKmsKey", "DisassociateKmsKey", group.arn))

    with pytest.raises(ProviderError):
        give_back(terminal, Checkpoint(phase, OURS.text if phase is Phase.UNDO else "", claimed=True))

    assert [name for name, (key, _) in terminal.states().items() if key] == ["/app/00010"]


def give_back(terminal: Terminal, checkpoint: Checkpoint) -> None:
    """In as many invocations of half a minute as it takes."""
    outcome: Outcome | Checkpoint = checkpoint
    while isinstance(outcome, Checkpoint):
        if checkpoint.phase is Phase.UNDO:
            outcome = lifecycle.ensure(terminal.work(30), Ensure(ME, ASKED), outcome)
        else:
            outcome = lifecycle.remove(terminal.work(30), Remove.of(ME, ASKED, minted=True), outcome)
