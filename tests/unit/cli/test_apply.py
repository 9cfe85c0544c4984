"""`apply`: what it changes and tells, and what a stack's fleet makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from support.desk import APPLY, AS_JSON, BEFORE, COMMAND_LINE, KEY, OVERRIDE, STRANGER, Desk
from support.fake_aws import STACK_ID, FakeAws, FakeLogGroup, fleet, owner, throttled

from log_group_kms.association.requests import Ensure, Remove
from log_group_kms.fleet.rules import FleetRules
from log_group_kms.model.association import Association
from log_group_kms.model.errors import LimitExceeded
from log_group_kms.model.ownership import Claim

if TYPE_CHECKING:
    from log_group_kms.model.keys import KeyArn
    from log_group_kms.model.targets import LogGroup


def test_apply_does_what_plan_shows(desk: Desk) -> None:
    """What is changed is claimed for the command line, with what was there before; all else stays."""
    code = desk.run(*APPLY, "--exclude", "/debug/*", "--yes")

    assert code == 0
    assert desk.states() == {
        "/aws/lambda/orders": FakeLogGroup(KEY, Claim(COMMAND_LINE, None)),
        "/aws/lambda/payments": FakeLogGroup(KEY, Claim(COMMAND_LINE, BEFORE)),
        "/compliant": FakeLogGroup(KEY),
        "/debug/a": FakeLogGroup(),
        "/theirs": FakeLogGroup(BEFORE, Claim(STRANGER, None)),
    }
    assert [" ".join(line.split()) for line in desk.out.splitlines()][:3] == [
        "associated 2",
        "had the key already 1",
        "skipped 2",
    ]
    assert desk.out.splitlines()[-1].startswith(
        "Account 111122223333, eu-west-1, every log group, for the command line"
    )


def test_apply_as_json(desk: Desk) -> None:
    """The summary counts as a stack's fleet does, and tells what AWS throttled."""
    desk.aws.refuse("AssociateKmsKey", throttled(), throttled())

    code = desk.run(*APPLY, "--exclude", "/debug/*", "--yes", AS_JSON)
    summary = desk.json()

    assert summary.pop("seconds") > 0
    assert (code, summary) == (
        0,
        {
            "command": "apply",
            "account": "111122223333",
            "region": "eu-west-1",
            "prefix": "*",
            "kms_key_arn": KEY.text,
            "owner": "fleet:-/command-line",
            "planned": 2,
            "changed": 2,
            "compliant": 1,
            "skipped": 2,
            "unrestored": [],
            "refused": [],
            "not_held": [],
            "throttled": 2,
            "complete": True,
            "error": None,
        },
    )


def test_a_second_apply_changes_nothing(desk: Desk) -> None:
    """It tells the counts, and neither asks nor writes."""
    desk.run(*APPLY, "--yes")
    desk.aws.calls.clear()
    desk.terminal = True

    code = desk.run(*APPLY, AS_JSON)

    assert (code, desk.writing_calls()) == (0, set())
    assert {name: desk.json()[name] for name in ("planned", "changed", "compliant", "skipped")} == {
        "planned": 0,
        "changed": 0,
        "compliant": 4,
        "skipped": 2,
    }


@pytest.mark.parametrize(
    ("typed", "code", "key"),
    [
        pytest.param("y\n", 0, KEY, id="yes"),
        pytest.param("Yes\n", 0, KEY, id="yes in full"),
        pytest.param("\n", 1, None, id="nothing"),
        pytest.param("", 1, None, id="end of input"),
        pytest.param("yo\n", 1, None, id="something else"),
    ],
)
def test_apply_asks(desk: Desk, typed: str, code: int, key: KeyArn | None) -> None:
    """Only a Yes, after the totals, changes anything."""
    desk.terminal, desk.typed = True, typed

    assert desk.run(*APPLY) == code
    assert desk.keys()["/aws/lambda/orders"] == key
    assert desk.err.splitlines()[2].startswith(
        f"Associate 3 log groups of account 111122223333 in eu-west-1 with {KEY.text}? [y/N] "
    )


@pytest.mark.parametrize("command", [APPLY, ("release", "--prefix", "/")], ids=["apply", "release"])
def test_nobody_there_to_be_asked(desk: Desk, command: tuple[str, ...]) -> None:
    """Without a terminal a Yes has to be given beforehand; nothing is called."""
    assert desk.run(*command) == 2
    assert desk.err.endswith("asks before it changes anything, and there is no terminal: give --yes\n")
    assert desk.aws.calls == []


def test_apply_for_the_fleet_of_a_stack(desk: Desk) -> None:
    """What it claims, that fleet's Delete gives back."""
    desk.run("apply", "--prefix", "/aws/", "--kms-key-id", KEY.text, *OVERRIDE, "--yes", "--owner", STACK_ID, "Fleet")
    prefix = fleet("/aws/")
    theirs = owner("Fleet", target=prefix)

    assert desk.states()["/aws/lambda/payments"] == FakeLogGroup(KEY, Claim(theirs, BEFORE))

    FleetRules(desk.context(), prefix).remove(Remove.of(theirs, Association(prefix, KEY), minted=True))

    assert desk.states()["/aws/lambda/payments"] == FakeLogGroup(BEFORE)


def test_the_fleet_of_a_stack_takes_over(desk: Desk) -> None:
    """Deployed after `apply`, it needs no change of a key, and its Delete puts back what was there before."""
    desk.run(*APPLY, "--yes")
    desk.aws.calls.clear()
    everything = fleet()
    theirs, wanted = owner("Fleet", target=everything), Association(everything, KEY)

    FleetRules(desk.context(), everything).ensure(Ensure(theirs, wanted))

    # UntagResource takes the fleet's own mark off, and nothing else.
    assert desk.writing_calls() == {"TagResource", "UntagResource"}
    assert desk.states()["/aws/lambda/payments"] == FakeLogGroup(KEY, Claim(theirs, BEFORE))

    FleetRules(desk.context(), everything).remove(Remove.of(theirs, wanted, minted=True))

    assert desk.keys() == {
        "/aws/lambda/orders": None,
        "/aws/lambda/payments": BEFORE,
        "/compliant": KEY,
        "/debug/a": None,
        "/theirs": BEFORE,
    }


def test_the_rate_is_kept(desk: Desk) -> None:
    """Twelve changes at two a second take five and a half seconds and more of the clock."""
    for number in range(12):
        desk.holds(f"/many/{number}")

    desk.run("apply", "--prefix", "/many/", "--kms-key-id", KEY.text, "--yes", "--rate", "2", AS_JSON)

    assert 5.5 < desk.json()["seconds"] < 7


def test_progress_where_there_is_no_terminal(desk: Desk) -> None:
    """A line every ten seconds: how many, how fast, how long still, and what AWS throttled."""
    for number in range(30):
        desk.holds(f"/many/{number}")

    desk.run("apply", "--prefix", "/many/", "--kms-key-id", KEY.text, "--yes", "--rate", "1")
    progress = [line for line in desk.err.splitlines() if line.startswith("Associating")]

    assert progress == [
        "Associating: 11 of 30, 1.1 a second, 0:00:17 left, 0 calls refused for the quota",
        "Associating: 21 of 30, 1.0 a second, 0:00:09 left, 0 calls refused for the quota",
    ]


FAIL = ("--on-refused-log-group", "Fail")


@dataclass
class OddLogGroups(FakeAws):
    """Some log groups have fifty tags already."""

    odd: tuple[str, ...] = ()

    def write_claim(self, log_group: LogGroup, claim: Claim) -> None:
        """See `LogGroups`."""
        if log_group.name.text in self.odd:
            self.calls.append("TagResource")
            message = "The resource can have no more than 50 tags"
            raise LimitExceeded("TagResource", "TooManyTagsException", message, log_group.arn)
        super().write_claim(log_group, claim)


@pytest.mark.parametrize("options", [(), (AS_JSON,)], ids=["as tables", "as JSON"])
def test_every_log_group_that_aws_refuses_is_named(desk: Desk, options: tuple[str, ...]) -> None:
    """On stderr with the reason; with `--json` in the one object as well, which counts what was done."""
    odd = tuple(f"/many/{number}" for number in range(7))
    desk.aws = OddLogGroups(keys=FakeAws.holding(KEY, BEFORE).keys, odd=odd)
    for name in (*odd, "/aws/lambda/orders", "/zzz"):
        desk.holds(name)

    code = desk.run("apply", "--prefix", "/", "--kms-key-id", KEY.text, "--yes", *FAIL, *options)
    told = desk.err.splitlines()

    why = "AWS answered TagResource with TooManyTagsException: The resource can have no more than 50 tags"
    assert code == 1
    assert told[-9:-1] == [*(f"{name}: {why}" for name in odd), "2 were changed before this:"]
    assert told[-1].startswith("A quota is used up for arn:aws:logs:eu-west-1:111122223333:log-group:/many/0")
    if options:
        summary = desk.json()
        assert {name: summary[name] for name in ("command", "planned", "changed", "refused", "complete", "error")} == {
            "command": "apply",
            "planned": 9,
            "changed": 2,
            "refused": [*odd],
            "complete": False,
            "error": told[-1],
        }
    else:
        assert desk.out == ""


@pytest.mark.parametrize("options", [(), (AS_JSON,)], ids=["as tables", "as JSON"])
def test_what_aws_refuses_is_named_where_the_rest_is_enough(desk: Desk, options: tuple[str, ...]) -> None:
    """With OnRefusedLogGroup Skip the command succeeds, and says all the same which log groups were left out."""
    odd = tuple(f"/many/{number}" for number in range(7))
    desk.aws = OddLogGroups(keys=FakeAws.holding(KEY, BEFORE).keys, odd=odd)
    for name in (*odd, "/zzz"):
        desk.holds(name)

    code = desk.run("apply", "--prefix", "/", "--kms-key-id", KEY.text, "--yes", *options)

    why = "AWS answered TagResource with TooManyTagsException: The resource can have no more than 50 tags"
    assert code == 0
    assert [line for line in desk.err.splitlines() if why in line] == [f"{name}: {why}" for name in odd]
    if options:
        summary = desk.json()
        assert {name: summary[name] for name in ("changed", "refused", "complete", "error")} == {
            "changed": 1,
            "refused": [*odd],
            "complete": True,
            "error": None,
        }
    else:
        assert "refused by AWS\t7" in desk.out.splitlines()


def test_what_fails_on_the_way_tells_how_far_it_came(desk: Desk) -> None:
    """The refusal is diagnosed, and a second run goes on with the rest."""
    done: list[str] = []

    def close(operation: str) -> None:
        if operation == "AssociateKmsKey" and not done:
            done.append(operation)
            desk.aws.closed_to_logs.add(KEY)

    desk.aws.after = close

    code = desk.run(*APPLY, *FAIL, "--yes")
    told = desk.err.splitlines()

    assert (code, desk.out) == (1, "")
    assert told[-2] == "1 were changed before this:"
    assert told[-1].startswith(f"The policy of the key {KEY.text} does not let CloudWatch Logs use it for ")

    desk.aws.closed_to_logs.clear()

    assert desk.run(*APPLY, "--yes") == 0
    assert desk.states()["/aws/lambda/payments"] == FakeLogGroup(KEY, Claim(COMMAND_LINE, BEFORE))


def test_what_nobody_expects_tells_how_far_it_came_too(desk: Desk) -> None:
    """A mistake in the command line itself is shown as it is, after the number."""

    def break_down(operation: str) -> None:
        if operation == "AssociateKmsKey":
            raise ZeroDivisionError

    desk.aws.after = break_down

    with pytest.raises(ZeroDivisionError):
        desk.run(*APPLY, "--yes")
    assert desk.capsys.readouterr().err.splitlines()[-1] == "0 were changed before this:"
