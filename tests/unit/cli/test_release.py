"""`release`: it gives back what the command line, or a stack's fleet, holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.desk import APPLY, AS_JSON, BEFORE, COMMAND_LINE, KEY, OTHER, STRANGER, Desk
from support.fake_aws import STACK_ID, FakeLogGroup, fleet, log_group, owner, role_denied

from log_group_kms.model.ownership import Claim

if TYPE_CHECKING:
    from log_group_kms.model.keys import KeyArn
    from log_group_kms.model.targets import LogGroup, QueryResults


@pytest.mark.parametrize(
    ("options", "key"),
    [
        pytest.param([], BEFORE, id="RestorePrevious"),
        pytest.param(["--on-delete", "Disassociate"], None, id="Disassociate"),
        pytest.param(["--on-delete", "Retain"], KEY, id="Retain"),
    ],
)
def test_release_gives_back(desk: Desk, options: list[str], key: KeyArn | None) -> None:
    """What becomes of the key is as with a stack's Delete; no claim of the command line stays."""
    desk.run(*APPLY, "--yes")

    assert desk.run("release", "--prefix", "*", "--yes", *options, AS_JSON) == 0
    assert (desk.json()["changed"], desk.json()["complete"], desk.json()["kms_key_arn"]) == (3, True, None)
    assert desk.states()["/aws/lambda/payments"] == FakeLogGroup(key)
    assert desk.states()["/theirs"] == FakeLogGroup(BEFORE, Claim(STRANGER, None))


def test_release_of_a_part(desk: Desk) -> None:
    """The prefix need not be the one that was applied."""
    desk.run(*APPLY, "--yes")

    assert desk.run("release", "--prefix", "/aws/", "--yes") == 0
    assert desk.states()["/aws/lambda/payments"] == FakeLogGroup(BEFORE)
    assert desk.states()["/debug/a"] == FakeLogGroup(KEY, Claim(COMMAND_LINE, None))


def test_release_for_the_fleet_of_a_stack(desk: Desk) -> None:
    """With an owner, that one's are given back, and nobody else's."""
    theirs = owner("Fleet", target=fleet("/aws/"))
    desk.holds("/aws/lambda/orders", KEY, Claim(theirs, OTHER))
    desk.holds("/aws/lambda/payments", KEY, Claim(COMMAND_LINE, BEFORE))

    desk.run("release", "--prefix", "/aws/", "--yes", "--owner", STACK_ID, "Fleet")

    assert desk.states()["/aws/lambda/orders"] == FakeLogGroup(OTHER)
    assert desk.states()["/aws/lambda/payments"] == FakeLogGroup(KEY, Claim(COMMAND_LINE, BEFORE))


def test_release_asks(desk: Desk) -> None:
    """A No changes nothing."""
    desk.run(*APPLY, "--yes")
    applied = desk.keys()
    desk.terminal, desk.typed = True, "n\n"

    assert desk.run("release", "--prefix", "*") == 1
    assert desk.keys() == applied
    assert desk.err == (
        "Give back (RestorePrevious) 3 log groups that the command line holds of every log group in account "
        "111122223333, eu-west-1? [y/N] Nothing was changed.\n"
    )


def test_the_number_comes_first_also_where_nobody_may_ask_for_tags(desk: Desk) -> None:
    """Then each claim is read."""
    desk.run(*APPLY, "--yes")
    desk.aws.knows_tags = False
    desk.terminal, desk.typed = True, "y\n"

    assert desk.run("release", "--prefix", "/aws/") == 0
    assert desk.err.startswith(
        "Give back (RestorePrevious) 2 log groups that the command line holds of log groups /aws/*"
    )


def test_release_of_nothing_says_so_before_it_looks(desk: Desk) -> None:
    """AWS may not show a tag yet, so the look is offered."""
    desk.terminal, desk.typed = True, "n\n"

    assert desk.run("release", "--prefix", "*") == 1
    assert desk.err.startswith("AWS shows none that the command line holds of every log group in account ")
    assert "Look at each of the 3 log groups that have a key? [y/N]" in desk.err


def test_what_is_under_the_key_but_not_held_is_listed(desk: Desk) -> None:
    """It stays as it is, and nobody has to wonder why."""
    desk.run(*APPLY, "--yes")

    desk.run("release", "--prefix", "*", "--yes")

    assert desk.keys()["/compliant"] == KEY
    assert desk.out.splitlines()[-3:-1] == [
        "Left as they are, for they are under the same key but the command line does not hold them:",
        "  /compliant",
    ]

    desk.run(*APPLY, "--yes")
    desk.run("release", "--prefix", "*", "--yes", AS_JSON)

    assert (desk.json()["not_held"], desk.json()["planned"]) == (["/compliant"], 3)


def test_a_long_list_says_what_it_leaves_out(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """At a terminal the summary stays in sight."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    for number in range(22):
        desk.holds(f"/many/{number:02}", KEY)
    desk.holds("/many/new")
    desk.run("apply", "--prefix", "/many/", "--kms-key-id", "alias/logs", "--yes")

    desk.run("release", "--prefix", "/many/", "--yes")

    assert "… and 2 more; --json tells all." in desk.out
    assert ("/many/19" in desk.out, "/many/20" in desk.out) == (True, False)


def test_a_key_that_cannot_be_put_back_is_told(desk: Desk) -> None:
    """The log group is left without a key, by name and with the reason."""
    desk.run(*APPLY, "--yes")
    desk.aws.closed_to_logs.add(BEFORE)

    code = desk.run("release", "--prefix", "*", "--yes", AS_JSON)

    assert (code, desk.json()["unrestored"], desk.json()["changed"]) == (0, ["/aws/lambda/payments"], 3)
    assert f"/aws/lambda/payments: The previous key {BEFORE.text} could not be put back" in desk.err


@pytest.mark.parametrize("options", [(), (AS_JSON,)], ids=["as tables", "as JSON"])
def test_every_log_group_that_is_not_given_back_is_named(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    """The others are given back; one object with `--json`."""
    desk.run(*APPLY, "--yes")
    disassociate = desk.aws.disassociate

    def refusing(target: LogGroup | QueryResults) -> None:
        if target == log_group("/aws/lambda/orders"):
            raise role_denied("logs:DisassociateKmsKey", "DisassociateKmsKey", target.arn)
        disassociate(target)

    monkeypatch.setattr(desk.aws, "disassociate", refusing)

    code = desk.run("release", "--prefix", "*", "--yes", *options)
    told = desk.err.splitlines()

    assert (code, told[-3].partition(":")[0]) == (1, "/aws/lambda/orders")
    assert told[-1].startswith("The caller lacks the permission logs:DisassociateKmsKey on ")
    assert (desk.json()["refused"] if options else desk.out) == (["/aws/lambda/orders"] if options else "")


def test_a_log_group_that_vanishes_while_it_is_counted_is_counted_out(desk: Desk) -> None:
    """Nobody may ask for tags, so each claim is read."""
    desk.run(*APPLY, "--yes")
    desk.aws.knows_tags = False

    def vanish(operation: str) -> None:
        if operation == "ListTagsForResource":
            desk.aws.before = lambda _: None
            del desk.aws.log_groups[log_group("/aws/lambda/payments")]

    desk.aws.before = vanish

    assert desk.run("release", "--prefix", "*", "--yes") == 0
    assert COMMAND_LINE not in {state.claim.owner for state in desk.states().values() if state.claim}
