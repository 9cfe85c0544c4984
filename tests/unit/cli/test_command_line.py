"""The command line on the fake account: what it shows, what it changes, and the exit codes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest
from support.fake_aws import (
    PLACE,
    STACK_ID,
    FakeAws,
    FakeClock,
    FakeLogGroup,
    fleet,
    key_arn,
    log_group,
    owner,
    role_denied,
    throttled,
)
from support.project import PROJECT

from log_group_kms.association.context import Context
from log_group_kms.association.requests import Ensure, Remove
from log_group_kms.cli.commands import Account, Terminal, main
from log_group_kms.cli.findings import prefix_of
from log_group_kms.fleet.rules import FleetRules
from log_group_kms.model.association import Association
from log_group_kms.model.errors import InvalidParameter
from log_group_kms.model.keys import KeyDescription
from log_group_kms.model.ownership import Claim, Owner
from log_group_kms.retry.rate_limits import DEFAULT_RATE_LIMITS
from log_group_kms.retry.retrier import Retrier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from log_group_kms.cli.options import Options
    from log_group_kms.model.keys import KeyArn

KEY, BEFORE, OTHER = key_arn(1), key_arn(2), key_arn(3)
COMMAND_LINE = Owner.of_command_line(fleet())
STRANGER = owner("Trail")
SOURCE = PROJECT / "src"
ONE_AFTER_THE_OTHER = replace(DEFAULT_RATE_LIMITS, workers=1)


@dataclass
class Desk:
    """The fake account, and somebody at a terminal or nobody."""

    capsys: pytest.CaptureFixture[str]
    aws: FakeAws = field(default_factory=lambda: FakeAws.holding(KEY, BEFORE, OTHER))
    clock: FakeClock = field(default_factory=FakeClock)
    terminal: bool = False
    typed: str = ""
    out: str = ""
    err: str = ""

    def holds(self, name: str, key: KeyArn | None = None, claim: Claim | None = None) -> None:
        """There is a log group."""
        self.aws.log_groups[log_group(name)] = FakeLogGroup(key, claim)

    def run(self, *arguments: str) -> int:
        """The exit code; what it printed is in `out` and `err`."""
        terminal = Terminal(self._connect, self.clock, ONE_AFTER_THE_OTHER, lambda: self.terminal, lambda: self.typed)
        try:
            code = main(arguments, terminal)
        except SystemExit as ended:
            code = int(ended.code or 0)
        self.out, self.err = self.capsys.readouterr()
        return code

    def json(self) -> dict[str, Any]:
        """The object on stdout."""
        found: dict[str, Any] = json.loads(self.out)
        return found

    def states(self) -> dict[str, FakeLogGroup]:
        """All log groups by name."""
        return {group.name.text: state for group, state in self.aws.log_groups.items()}

    def keys(self) -> dict[str, KeyArn | None]:
        """The keys in force by name."""
        return {name: state.key for name, state in self.states().items()}

    def writing_calls(self) -> set[str]:
        """Which calls changed something."""
        return set(self.aws.calls) - {"DescribeLogGroups", "ListTagsForResource", "DescribeKey"}

    @contextmanager
    def _connect(self, _: Options) -> Iterator[Account]:
        yield Account(PLACE, self.aws, self.aws, "logs.eu-west-1.example.com")


@pytest.fixture
def desk(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Desk:
    """An account with log groups of every kind, under an alias."""
    for name in ("COLUMNS", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    desk = Desk(capsys)
    desk.aws.aliases["alias/logs"] = KEY
    desk.aws.reserved.append("aws/spans")
    desk.holds("/aws/lambda/orders")
    desk.holds("/aws/lambda/payments", BEFORE)
    desk.holds("/compliant", KEY)
    desk.holds("/debug/a")
    desk.holds("/theirs", BEFORE, Claim(STRANGER, None))
    return desk


PLAN = ("plan", "--prefix", "*", "--kms-key-id", "alias/logs")
APPLY = ("apply", "--prefix", "*", "--kms-key-id", "alias/logs")
AS_JSON = "--json"

# --- plan -------------------------------------------------------------------------------------------------------------


def test_a_plan_tells_what_would_be_changed_and_why_not(desk: Desk) -> None:
    """Every change and every skip has its row; what is compliant is counted; nothing is changed."""
    before = BEFORE.text.rpartition("/")[2]
    expected = [
        "/aws/lambda/orders associate",
        f"/aws/lambda/payments re-key {before}",
        "/debug/a skip (excluded)",
        f"/theirs skip (owned) {before} Trail of stack orders",
        "aws/spans skip (reserved for AWS)",
    ]

    code = desk.run(*PLAN, "--exclude", "/debug/*")
    lines = [" ".join(line.split()) for line in desk.out.splitlines()]

    assert [line for line in lines[:-4] if " associate" in line or " re-key" in line or " skip" in line] == expected
    assert lines[-4:] == [
        "Account 111122223333, eu-west-1, every log group",
        f"Key: {KEY.text}",
        "To change: 1 associate, 1 re-key",
        "To leave as they are: 1 compliant, 1 skip (owned), 1 skip (reserved for AWS), 1 skip (excluded)",
    ]
    assert (code, desk.writing_calls()) == (3, set())


def test_a_plan_as_json(desk: Desk) -> None:
    """One object with the counts, and with the log groups that would be changed or skipped."""
    code = desk.run(*PLAN, AS_JSON, "--exclude", "/debug/*", "/theirs")

    assert (code, desk.err) == (3, "")
    assert desk.json() == {
        "command": "plan",
        "account": "111122223333",
        "region": "eu-west-1",
        "prefix": "*",
        "kms_key_arn": KEY.text,
        "owner": "fleet:-/command-line",
        "counts": {
            "associate": 1,
            "rekey": 1,
            "take_over": 0,
            "compliant": 1,
            "keep": 0,
            "conflict": 0,
            "leave": 0,
            "reserved": 1,
            "excluded": 2,
        },
        "log_groups": [
            {"log_group": "/aws/lambda/orders", "action": "associate", "kms_key_arn": None, "owner": None},
            {"log_group": "/aws/lambda/payments", "action": "rekey", "kms_key_arn": BEFORE.text, "owner": None},
            {"log_group": "/debug/a", "action": "excluded", "kms_key_arn": None, "owner": None},
            {"log_group": "/theirs", "action": "excluded", "kms_key_arn": BEFORE.text, "owner": None},
            {"log_group": "aws/spans", "action": "reserved", "kms_key_arn": None, "owner": None},
        ],
    }


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param([], {"/debug/a", "/theirs"}, id="what is to be seen to"),
        pytest.param(["--all"], {"/compliant", "/debug/a", "/theirs"}, id="all"),
    ],
)
def test_what_is_compliant_is_shown_on_request(desk: Desk, options: list[str], expected: set[str]) -> None:
    """Of a fleet that is nearly done, only the rest is of interest."""
    desk.run("plan", "--prefix", "/", "--kms-key-id", "alias/logs", "--exclude", "/aws/*", AS_JSON, *options)
    shown = {one["log_group"] for one in desk.json()["log_groups"]}

    assert shown - {"/aws/lambda/orders", "/aws/lambda/payments"} == expected


def test_a_plan_with_nothing_to_change_is_a_success(desk: Desk) -> None:
    """A pipeline that only looks goes on."""
    code = desk.run("plan", "--prefix", "/compliant", "--kms-key-id", KEY.text)

    assert (code, desk.out.splitlines()[-2:]) == (0, ["To change: none", "To leave as they are: 1 compliant"])


def test_a_long_plan_says_what_it_leaves_out(desk: Desk) -> None:
    """A table of thousands is of no use, and takes its time."""
    for number in range(1001):
        desk.holds(f"/many/{number:04}")

    desk.run("plan", "--prefix", "/many/", "--kms-key-id", KEY.text)

    assert "These are the first 1,000 of 1,001; --json tells all." in desk.out
    assert ("/many/0999" in desk.out, "/many/1000" in desk.out) == (True, False)


@pytest.mark.parametrize("command", [PLAN, (*APPLY, "--yes")], ids=["plan", "apply"])
def test_another_key_is_a_failure_where_that_is_asked_for(desk: Desk, command: tuple[str, ...]) -> None:
    """With Fail nothing is changed, as with a stack's fleet."""
    code = desk.run(*command, "--on-existing-key", "Fail")

    assert (code, desk.writing_calls()) == (1, set())
    assert desk.err.splitlines()[-1] == (
        "Log groups that have another key: 1. With --on-existing-key Fail nothing is changed before they have none"
    )


def test_another_key_is_kept_where_that_is_asked_for(desk: Desk) -> None:
    """With Keep the log group is a skip."""
    desk.run(*PLAN, "--on-existing-key", "Keep", AS_JSON)

    assert desk.json()["counts"]["keep"] == 1


# --- apply ------------------------------------------------------------------------------------------------------------


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
    assert [" ".join(line.split()) for line in desk.out.splitlines()][3:6] == [
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
            "throttled": 2,
            "complete": True,
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
    desk.run("apply", "--prefix", "/aws/", "--kms-key-id", KEY.text, "--yes", "--owner", STACK_ID, "Fleet")
    prefix = fleet("/aws/")
    theirs = owner("Fleet", target=prefix)

    assert desk.states()["/aws/lambda/payments"] == FakeLogGroup(KEY, Claim(theirs, BEFORE))

    FleetRules(work(desk), prefix).remove(Remove.of(theirs, Association(prefix, KEY), minted=True))

    assert desk.states()["/aws/lambda/payments"] == FakeLogGroup(BEFORE)


def test_the_fleet_of_a_stack_takes_over(desk: Desk) -> None:
    """Deployed after `apply`, it needs no change of a key, and its Delete puts back what was there before."""
    desk.run(*APPLY, "--yes")
    desk.aws.calls.clear()
    everything = fleet()
    theirs, wanted = owner("Fleet", target=everything), Association(everything, KEY)

    FleetRules(work(desk), everything).ensure(Ensure(theirs, wanted))

    assert desk.writing_calls() == {"TagResource"}
    assert desk.states()["/aws/lambda/payments"] == FakeLogGroup(KEY, Claim(theirs, BEFORE))

    FleetRules(work(desk), everything).remove(Remove.of(theirs, wanted, minted=True))

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


def test_what_fails_on_the_way_tells_how_far_it_came(desk: Desk) -> None:
    """The refusal is diagnosed, and a second run goes on with the rest."""
    done: list[str] = []

    def close(operation: str) -> None:
        if operation == "AssociateKmsKey" and not done:
            done.append(operation)
            desk.aws.closed_to_logs.add(KEY)

    desk.aws.after = close

    code = desk.run(*APPLY, "--yes")
    told = desk.err.splitlines()

    assert (code, desk.out) == (1, "")
    assert told[-2] == "1 were changed before this:"
    assert told[-1].startswith(f"The policy of the key {KEY.text} does not let CloudWatch Logs use it for ")

    desk.aws.closed_to_logs.clear()

    assert desk.run(*APPLY, "--yes") == 0
    assert desk.states()["/aws/lambda/payments"] == FakeLogGroup(KEY, Claim(COMMAND_LINE, BEFORE))


def interrupt(desk: Desk, after: int, times: int = 1) -> Callable[[str], None]:
    """Presses Ctrl-C once so many associations are made."""
    made: list[str] = []

    def press(operation: str) -> None:
        made.extend([operation] * (operation == "AssociateKmsKey"))
        if operation == "AssociateKmsKey" and len(made) == after:
            for _ in range(times):
                os.kill(os.getpid(), signal.SIGINT)

    desk.aws.after = press
    return press


def test_ctrl_c_ends_between_two_log_groups(desk: Desk) -> None:
    """What has begun is finished, the summary says how far it came, and the same command goes on."""
    for number in range(9):
        desk.holds(f"/many/{number}")
    interrupt(desk, after=4)
    handler = signal.getsignal(signal.SIGINT)

    code = desk.run("apply", "--prefix", "/many/", "--kms-key-id", KEY.text, "--yes", AS_JSON)
    summary = desk.json()

    assert (code, signal.getsignal(signal.SIGINT)) == (130, handler)
    assert (summary["complete"], summary["changed"], summary["planned"], summary["compliant"]) == (False, 4, 9, None)
    assert desk.err.splitlines()[-1] == "Interrupted: 4 of 9 are done. The same command goes on with the rest."
    assert [state.claim is not None for name, state in desk.states().items() if "many" in name] == (
        [True] * 4 + [False] * 5
    )
    assert [state.key for name, state in desk.states().items() if "many" in name] == [KEY] * 4 + [None] * 5

    desk.aws.after = lambda _: None

    assert desk.run("apply", "--prefix", "/many/", "--kms-key-id", KEY.text, "--yes", AS_JSON) == 0
    assert (desk.json()["changed"], desk.json()["compliant"]) == (5, 4)


def test_a_second_ctrl_c_ends_at_once(desk: Desk) -> None:
    """What it leaves half done, the next run mends."""
    interrupt(desk, after=1, times=2)

    assert (desk.run(*APPLY, "--yes"), desk.err.splitlines()[-1]) == (130, "Interrupted.")

    desk.aws.after = lambda _: None

    assert desk.run(*APPLY, "--yes") == 0
    assert desk.states()["/aws/lambda/orders"] == FakeLogGroup(KEY, Claim(COMMAND_LINE, None))


# --- release ----------------------------------------------------------------------------------------------------------


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
        "Give back (RestorePrevious) what the command line holds of every log group in account 111122223333, "
        "eu-west-1? [y/N] Nothing was changed.\n"
    )


def test_a_key_that_cannot_be_put_back_is_told(desk: Desk) -> None:
    """The log group is left without a key, by name and with the reason."""
    desk.run(*APPLY, "--yes")
    desk.aws.closed_to_logs.add(BEFORE)

    code = desk.run("release", "--prefix", "*", "--yes", AS_JSON)

    assert (code, desk.json()["unrestored"], desk.json()["changed"]) == (0, ["/aws/lambda/payments"], 3)
    assert f"/aws/lambda/payments: The previous key {BEFORE.text} could not be put back" in desk.err


# --- report -----------------------------------------------------------------------------------------------------------


def test_a_report_costs_no_call_per_log_group(desk: Desk) -> None:
    """Coverage by key and by prefix comes from the listing alone."""
    code = desk.run("report", AS_JSON)

    assert (code, desk.aws.calls) == (3, ["DescribeLogGroups"])
    assert desk.json() == {
        "command": "report",
        "account": "111122223333",
        "region": "eu-west-1",
        "prefix": "*",
        "matched": 6,
        "encrypted": 3,
        "unencrypted": 2,
        "reserved": 1,
        "keys": [{"kms_key_arn": BEFORE.text, "log_groups": 2}, {"kms_key_arn": KEY.text, "log_groups": 1}],
        "prefixes": [
            {"prefix": "/", "matched": 2, "encrypted": 2, "unencrypted": 0, "reserved": 0},
            {"prefix": "/aws/lambda/", "matched": 2, "encrypted": 1, "unencrypted": 1, "reserved": 0},
            {"prefix": "/debug/", "matched": 1, "encrypted": 0, "unencrypted": 1, "reserved": 0},
            {"prefix": "aws/", "matched": 1, "encrypted": 0, "unencrypted": 0, "reserved": 1},
        ],
    }


def test_a_report_as_tables(desk: Desk) -> None:
    """The same for people; the last line is the sum."""
    desk.holds("audit", KEY)

    desk.run("report")
    lines = [" ".join(line.split()) for line in desk.out.splitlines()]

    assert f"{BEFORE.text} 2" in lines
    assert "none of yours 2" in lines
    assert "none, reserved for AWS 1" in lines
    assert "/aws/lambda/ 2 1 1" in lines
    assert "(no slash) 1 1 0" in lines
    assert lines[-1] == (
        "Account 111122223333, eu-west-1, every log group: 4 of 6 under a customer managed key (67%), 2 without; "
        "1 more reserved for AWS."
    )


@pytest.mark.parametrize(
    ("prefix", "told"),
    [
        pytest.param("/compliant", "1 of 1 under a customer managed key (100%), 0 without.", id="covered"),
        pytest.param("/none", "there is no log group.", id="nothing there"),
    ],
)
def test_full_coverage_is_a_success(desk: Desk, prefix: str, told: str) -> None:
    """A pipeline may go on."""
    assert desk.run("report", "--prefix", prefix) == 0
    assert desk.out.splitlines()[-1].endswith(f"log groups {prefix}*: {told}")


def test_what_is_reserved_is_no_gap(desk: Desk) -> None:
    """Nobody can put it under a key of their own."""
    desk.aws.log_groups.clear()

    assert desk.run("report") == 0


def test_a_report_of_many_pages(desk: Desk) -> None:
    """All pages are seen, at the pace of pages."""
    for number in range(120):
        desk.holds(f"/many/{number}")

    desk.run("report", "--prefix", "/many/", AS_JSON)

    assert (desk.json()["matched"], desk.aws.calls) == (120, ["DescribeLogGroups"] * 3)


@pytest.mark.parametrize(
    ("name", "prefix"),
    [
        ("/aws/lambda/orders", "/aws/lambda/"),
        ("/aws/lambda/orders/deep/er", "/aws/lambda/"),
        ("/ecs/shop", "/ecs/"),
        ("/orders", "/"),
        ("orders", ""),
        ("API-Gateway-Execution-Logs_a1/prod", "API-Gateway-Execution-Logs_a1/"),
    ],
)
def test_the_prefix_of_a_name(name: str, prefix: str) -> None:
    """Its path, cut to two segments: what could be given as --prefix."""
    assert prefix_of(name) == prefix


# --- what goes wrong --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param([], "the following arguments are required: COMMAND", id="no command"),
        pytest.param(["plan"], "the following arguments are required: --prefix, --kms-key-id", id="nothing said"),
        pytest.param([*PLAN, "--prefix", ""], "argument --prefix: it must not be empty; * means every", id="no prefix"),
        pytest.param([*PLAN, "--prefix", "/a*"], "--prefix is '/a*'; it is the beginning of a name", id="wildcard"),
        pytest.param([*PLAN, "--exclude", "a b"], "--exclude is ['a b']; 'a b' is no name", id="no name"),
        pytest.param([*PLAN, "--kms-key-id", "logs"], "--kms-key-id is 'logs'; it must be a key ARN", id="no key"),
        pytest.param([*PLAN, "--on-existing-key", "No"], "argument --on-existing-key: invalid choice", id="no choice"),
        pytest.param([*APPLY, "--rate", "0"], "argument --rate: '0' is no number above 0", id="no rate"),
        pytest.param([*APPLY, "--rate", "five"], "argument --rate: 'five' is no number above 0", id="a word as rate"),
        pytest.param(
            [*APPLY, "--yes", "--owner", STACK_ID.replace("eu-west-1", "us-east-1"), "Fleet"],
            "the id of a stack of this account and Region is "
            "arn:aws:cloudformation:eu-west-1:111122223333:stack/NAME/UUID",
            id="stack elsewhere",
        ),
        pytest.param(
            [*APPLY, "--yes", "--owner", STACK_ID, "a/b"],
            "--owner a/b: a logical id has 1 to 255 characters of A-Z a-z 0-9",
            id="no logical id",
        ),
    ],
)
def test_wrong_usage(desk: Desk, arguments: list[str], told: str) -> None:
    """The option is named, with the rule that a template's property has to keep as well."""
    assert desk.run(*arguments) == 2
    assert told in desk.err
    assert desk.writing_calls() == set()


def test_all_mistakes_are_told_at_once(desk: Desk) -> None:
    """As with a template."""
    desk.run("plan", "--prefix", "a b", "--kms-key-id", "logs")

    assert "--kms-key-id is 'logs'" in desk.err
    assert "--prefix is 'a b'" in desk.err


def test_a_refusal_is_diagnosed(desk: Desk) -> None:
    """On stderr stands what is missing; there is no traceback."""
    denied = role_denied("logs:DescribeLogGroups", "DescribeLogGroups")
    desk.aws.refuse("DescribeLogGroups", *[denied] * 100)

    assert (desk.run("report"), desk.out) == (1, "")
    assert "lacks the permission logs:DescribeLogGroups" in desk.err.splitlines()[-1]


def test_a_missing_permission_to_look_is_told_at_once(desk: Desk) -> None:
    """Unlike the provider's role, the caller's is not made a moment before."""
    desk.aws.refuse("DescribeLogGroups", role_denied("logs:DescribeLogGroups", "DescribeLogGroups"))

    assert (desk.run("report"), desk.clock.slept) == (1, [])


def test_expired_credentials(desk: Desk) -> None:
    """Hours into a run nothing is wrong with the key: the rest waits for new credentials."""
    expired = InvalidParameter("AssociateKmsKey", "ExpiredTokenException", "The token is expired", "", KEY.text)
    desk.aws.refuse("AssociateKmsKey", expired)

    assert desk.run(*APPLY, "--yes") == 1
    assert desk.err.splitlines()[-2:] == [
        "0 were changed before this:",
        (
            "The credentials have expired: renew them, and the same command goes on with the rest. "
            "AWS answered AssociateKmsKey with ExpiredTokenException: The token is expired"
        ),
    ]


@pytest.mark.parametrize("key", [KEY.text, "alias/logs"])
def test_a_dry_run_tells_that_the_key_is_no_good(desk: Desk, key: str) -> None:
    """Also of a key ARN, which a stack's fleet takes as it is."""
    desk.aws.keys[KEY] = KeyDescription(KEY, state="Disabled")

    assert (desk.run("plan", "--prefix", "/", "--kms-key-id", key), desk.out) == (1, "")
    assert desk.err == (f"The key {KEY.text} is disabled: enable it with kms:EnableKey, or use another key\n")


def test_a_key_that_may_not_be_described_is_taken_as_it_is(desk: Desk) -> None:
    """A key ARN says enough; one of another account may keep the rest to itself."""
    denied = role_denied("kms:DescribeKey", "DescribeKey")
    desk.aws.refuse("DescribeKey", *[denied] * 100)

    assert desk.run("plan", "--prefix", "/compliant", "--kms-key-id", KEY.text) == 0


def test_an_alias_that_may_not_be_described_is_refused(desk: Desk) -> None:
    """Nobody knows which key it means."""
    denied = role_denied("kms:DescribeKey", "DescribeKey")
    desk.aws.refuse("DescribeKey", *[denied] * 100)

    assert desk.run("plan", "--prefix", "/compliant", "--kms-key-id", "alias/logs") == 1


def test_ctrl_c_while_it_only_looks(desk: Desk) -> None:
    """There is nothing to finish."""
    desk.aws.before = lambda _: os.kill(os.getpid(), signal.SIGINT)

    assert (desk.run("report"), desk.out, desk.err) == (130, "", "Interrupted.\n")


@pytest.mark.parametrize(("library", "options"), [("rich", []), ("botocore", []), ("botocore", [AS_JSON])])
def test_a_library_that_is_not_there(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, library: str, options: list[str]
) -> None:
    """A sentence says what to install."""
    monkeypatch.setitem(sys.modules, library, None)
    for name in [
        name for name in sys.modules if name.startswith((f"{library}.", "log_group_kms.aws", "log_group_kms.session"))
    ]:
        monkeypatch.delitem(sys.modules, name)

    try:
        code = main(["report", *options])
    finally:
        told = desk.capsys.readouterr().err

    assert (code, told) == (
        1,
        f"There is no {library} for this Python: pip install rich boto3 (with --json, boto3 is enough)\n",
    )


def test_json_needs_no_rich(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipeline's image may be small."""
    for name in [name for name in sys.modules if name.split(".")[0] == "rich"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "rich", None)

    assert desk.run(*PLAN, AS_JSON) == 3
    assert desk.run(*APPLY, AS_JSON, "--yes") == 0
    assert desk.run("release", "--prefix", "*", AS_JSON, "--yes") == 0
    assert desk.run("report", AS_JSON) == 3


def test_a_module_of_our_own_that_is_missing_is_no_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Such a fault is not explained away."""
    monkeypatch.setitem(sys.modules, "log_group_kms.aws.clients", None)

    with pytest.raises(ModuleNotFoundError):
        main(["report", AS_JSON])


def test_the_function_never_loads_the_command_line() -> None:
    """Nor argparse, nor Rich."""
    code = "import sys; import log_group_kms.handlers.provider; print('\\n'.join(sys.modules))"
    environment = {"PYTHONPATH": str(SOURCE), "AWS_DEFAULT_REGION": "eu-west-1", "PATH": ""}

    loaded = subprocess.run(  # noqa: S603 - our own interpreter and our own code
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    ).stdout.split()

    ours = {name for name in loaded if name.startswith("log_group_kms.cli")}
    assert "log_group_kms.handlers.provider" in loaded
    assert {*ours, "rich"} & set(loaded) == set()


def work(desk: Desk) -> Context:
    """What a stack's event works with."""
    retrier = Retrier(desk.clock, desk.clock.now() + 3600)
    return Context.of(desk.aws, desk.aws, retrier, rate_limits=ONE_AFTER_THE_OTHER)
