"""Whose fault AWS's words do not tell: what has worked, how many in a row, and what KMS says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.fake_aws import role_denied
from unit.fleet.terminals import (
    ALL,
    ASKED,
    ME,
    OURS,
    Terminal,
    denied_by_scp,
    enrolling,
    give_back,
    many,
    not_supported,
    odd,
    refused,
)

from log_group_kms.association.requests import Ensure
from log_group_kms.fleet.checkpoint import Checkpoint, Counts, Phase
from log_group_kms.lifecycle import kinds as lifecycle
from log_group_kms.model.errors import (
    AccessDenied,
    ApiError,
    InvalidParameter,
    PartlyRefused,
    RoleDenied,
)
from log_group_kms.model.keys import KeyDescription
from log_group_kms.model.results import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_group_kms.model.targets import LogGroup


def disassociation_denied(group: LogGroup) -> ApiError:
    """A service control policy protects it from that."""
    return role_denied("logs:DisassociateKmsKey", "DisassociateKmsKey", group.arn)


# --- refused one after the other --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("odd_ones", "ends"), [(50, False), (51, True)])
@pytest.mark.parametrize("event", [Ensure(ME, ASKED), enrolling()], ids=["Create", "reconciliation"])
def test_so_many_refused_before_anything_has_worked_are_not_their_own_fault(
    event: Ensure, odd_ones: int, *, ends: bool
) -> None:
    """Fifty may be: a policy that protects a team's log groups. With the one after them all ends."""
    terminal = Terminal().having(*many(odd_ones), "/z")
    for name in many(odd_ones):
        odd(terminal, name, denied_by_scp)

    if ends:
        with pytest.raises(RoleDenied):
            terminal.through(event)
    else:
        assert terminal.through(event).refused == odd_ones

    assert refused(terminal) == [*many(odd_ones), *(["/z"] if ends else [])]


def test_one_that_works_shows_that_the_others_are_odd() -> None:
    """However many come after it."""
    names = many(112)
    terminal = Terminal().having(*names, "/z")
    stuck = [name for name in names if name != names[50]]
    for name in stuck:
        odd(terminal, name, denied_by_scp)

    outcome = terminal.create()

    assert (outcome.associated, outcome.refused) == (2, 111)
    assert refused(terminal) == stuck


def test_a_page_that_shows_the_key_shows_that_the_others_are_odd() -> None:
    """What has the key already does it, too: those in a row are counted anew."""
    terminal = Terminal().having(*many(100)).having("/app/00050", key=OURS).having("/z")
    stuck = [name for name in many(100) if name != "/app/00050"]
    for name in stuck:
        odd(terminal, name, denied_by_scp)

    outcome = terminal.update(ASKED)

    assert (outcome.associated, outcome.compliant, outcome.refused) == (1, 1, 99)
    assert refused(terminal) == stuck


def test_one_that_is_given_back_shows_that_the_others_are_odd() -> None:
    """As on Create: the Delete goes on."""
    names = many(13)
    terminal = Terminal().having("/a", *names, "/z")
    terminal.create()
    stuck = [name for name in names if name != names[6]]
    for name in stuck:
        odd(terminal, name, disassociation_denied)

    with pytest.raises(RoleDenied):
        terminal.delete()

    assert [name for name, (key, _) in terminal.states().items() if key] == stuck


def test_the_pass_that_comes_back_counts_those_in_a_row_anew() -> None:
    """Each of those that were put aside in the pass before is refused once more: twice thirty are no sixty."""
    terminal = Terminal().having(*many(30))
    for name in many(30):
        odd(terminal, name, denied_by_scp)

    with pytest.raises(RoleDenied) as told:
        terminal.through(enrolling())

    assert told.value.__notes__ == [
        f"Refused: {', '.join(many(5))}; the log has them all. Of its log groups: 30 refused by AWS."
    ]


def test_what_was_refused_in_an_earlier_invocation_is_told_at_the_end() -> None:
    """The last invocation has met none of these errors itself: it names the log groups."""
    terminal = Terminal().having(*many(200))
    terminal.create()
    for name in ("/app/00010", "/app/00020"):
        odd(terminal, name, disassociation_denied)

    with pytest.raises(PartlyRefused) as told:
        give_back(terminal, Checkpoint(Phase.RELEASE_BUSY, claimed=True))

    assert str(told.value) == f"AWS refused log groups of {ALL.arn} for their own sake"
    assert told.value.__notes__ == [
        "Refused: /app/00010, /app/00020; the log has them all. Of its log groups: 198 given back, 2 refused by AWS."
    ]


# --- whose fault AWS's words do not tell ------------------------------------------------------------------------------


def test_a_key_that_was_disabled_meanwhile_ends_it() -> None:
    """AWS calls the key invalid, and KMS says why: no log group will fare better."""
    terminal = Terminal().having(*many(20))

    def disable(operation: str) -> None:
        if operation == "AssociateKmsKey" and terminal.counts[operation] == 10:
            terminal.aws.keys[OURS] = KeyDescription(OURS, state="Disabled")

    terminal.aws.after = disable
    with pytest.raises(InvalidParameter) as told:
        terminal.create()

    assert told.value.key == OURS.text
    assert terminal.counts["AssociateKmsKey"] == 11
    assert refused(terminal) == many(20)[10:]


@pytest.mark.parametrize(
    ("name", "event", "left"),
    [
        pytest.param("/app/00000", enrolling(), many(20), id="before anything has worked"),
        pytest.param("/app/00010", Ensure(ME, ASKED), ["/app/00010"], id="after others have worked"),
        pytest.param("/app/00010", enrolling(), ["/app/00010"], id="after others have worked, without a stack"),
    ],
)
def test_a_key_of_which_kms_does_not_tell_is_judged_by_what_has_worked(
    name: str, event: Ensure, left: list[str]
) -> None:
    """Once a log group is under it the fault is the other one's; before, nobody knows better than to end."""
    terminal = Terminal().having(*many(20))
    odd(terminal, name, not_supported)
    terminal.aws.refuse("DescribeKey", *[role_denied("kms:DescribeKey", "DescribeKey")] * 99)

    if len(left) > 1:
        with pytest.raises(InvalidParameter):
            terminal.through(event)
    else:
        assert terminal.through(event).refused == 1

    assert refused(terminal) == left


def test_an_invalid_call_that_is_not_about_the_key_is_not_blamed_on_it() -> None:
    """Nobody asks KMS, which would not tell: the others are done."""
    terminal = Terminal().having(*many(20))
    odd(terminal, "/app/00000", tags_not_supported)
    terminal.aws.refuse("DescribeKey", *[role_denied("kms:DescribeKey", "DescribeKey")] * 99)

    assert terminal.through(enrolling()).refused == 1
    assert refused(terminal) == ["/app/00000"]
    assert "DescribeKey" not in terminal.counts


def test_an_invalid_call_of_a_delete_is_that_log_groups_own() -> None:
    """A Delete wants no key, so that none can be at fault."""
    terminal = Terminal().having(*many(20))
    terminal.create()
    odd(terminal, "/app/00005", disassociation_not_supported)

    with pytest.raises(InvalidParameter):
        terminal.delete()

    assert [name for name, (key, _) in terminal.states().items() if key] == ["/app/00005"]


def tags_not_supported(group: LogGroup) -> ApiError:
    """Its class takes no tags."""
    return InvalidParameter("TagResource", "InvalidParameterException", "Not supported", group.arn)


def disassociation_not_supported(group: LogGroup) -> ApiError:
    """Its class keeps its key."""
    return InvalidParameter("DisassociateKmsKey", "InvalidParameterException", "Not supported", group.arn)


def expired(group: LogGroup) -> ApiError:
    """The function's credentials are too old."""
    return AccessDenied("AssociateKmsKey", "ExpiredTokenException", "The security token is expired", group.arn)


def kms_denied(group: LogGroup) -> ApiError:
    """The role may not use the key."""
    return role_denied("kms:Encrypt", "AssociateKmsKey", group.arn, OURS.text)


@pytest.mark.parametrize("refusal", [expired, kms_denied])
def test_what_is_nobodys_own_fault_ends_it_though_others_have_worked(refusal: Callable[[LogGroup], ApiError]) -> None:
    """No log group that comes after will fare better."""
    terminal = Terminal().having(*many(20))
    odd(terminal, "/app/00005", refusal)

    with pytest.raises(AccessDenied):
        terminal.create()

    assert refused(terminal) == many(20)[5:]


# --- what shows that the role is able ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("checkpoint", "waits"),
    [
        pytest.param(Checkpoint(Phase.CHANGE, OURS.text), True, id="nothing"),
        pytest.param(Checkpoint(Phase.CHANGE, OURS.text, claimed=True), False, id="an invocation before has claimed"),
        pytest.param(
            Checkpoint(Phase.CHANGE, OURS.text, counts=Counts(compliant=1)), False, id="a log group is under the key"
        ),
    ],
)
def test_the_first_one_that_is_refused_is_waited_for_where_nothing_shows_that_the_role_is_able(
    checkpoint: Checkpoint, *, waits: bool
) -> None:
    """The role's policy may be seen late; else the fault is that log group's. The others are done in any case."""
    terminal = Terminal().having("/a", "/b")
    odd(terminal, "/a", denied_by_scp)
    begun = terminal.clock.now()

    outcome = lifecycle.ensure(terminal.context(), Ensure(ME, ASKED), checkpoint)

    assert isinstance(outcome, Outcome)
    assert outcome.refused == 1
    assert refused(terminal) == ["/a"]
    assert (terminal.clock.now() - begun > 25) == waits
