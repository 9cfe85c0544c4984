"""A fleet too large for one event: what an event leaves undone, the next one goes on with, until nothing is left."""

from __future__ import annotations

import pytest
from unit.fleet.terminals import ALL, ME, OURS, Terminal, fleet_event, invoke, keys, many

from log_group_kms.model.errors import OutOfTime
from log_group_kms.model.ownership import Claim, Owner
from log_group_kms.retry.rate_limits import RateLimits

#: CloudFormation waits an hour at most; here, each log group takes as long as ten do at AWS's quota.
LONGEST = "3600"
COMMAND_LINE = Owner.of_command_line(ALL)
SLOW = RateLimits(log_groups=0.5, workers=1)
#: Fifteen minutes, the longest that Lambda lets a function run.
INVOCATION = 900.0
#: Of an event's hour, the share in which log groups are changed: the rest is the beginning and the end of invocations.
IN_AN_HOUR = 0.5 * 3600 * 0.8
#: As many as 40,000, so.
MANY = 4000
NO_MORE = int(MANY / IN_AN_HOUR) + 1


def deliveries(terminal: Terminal, request_type: str) -> list[int]:
    """Send the event, again and again until it succeeds; return how many log groups were done after each."""
    wanted = None if request_type == "Delete" else OURS
    done: list[int] = []
    for _ in range(2 * NO_MORE):
        try:
            invoke(terminal, fleet_event(terminal, request_type, ServiceTimeout=LONGEST), INVOCATION)
        except OutOfTime:
            done.append(sum(key == wanted for key, _ in terminal.states().values()))
            # CloudFormation asks again when somebody does.
            terminal.clock.time += 60
        else:
            return [*done, MANY]
    raise AssertionError(f"It does not end: {done}")


@pytest.mark.parametrize("knows_tags", [True, False], ids=["by a listing with tags", "by the listing"])
def test_a_delete_ends_after_finitely_many_deliveries(*, knows_tags: bool) -> None:
    """Each gives back as many as fit into an hour, whether or not ListLogGroups tells which ones are left."""
    terminal = Terminal(rate_limits=SLOW).having(*many(MANY), key=OURS, claim=Claim(ME, None))
    terminal.aws.knows_tags = knows_tags

    done = deliveries(terminal, "Delete")

    assert 1 < len(done) <= NO_MORE
    assert all(
        later - sooner >= min(IN_AN_HOUR, MANY - sooner) for sooner, later in zip([0, *done], done, strict=False)
    )
    assert set(terminal.states().values()) == {(None, None)}
    assert not any(group.marks for group in terminal.aws.log_groups.values())


def test_a_create_leaves_the_next_event_less_to_do() -> None:
    """What one has put under the key, the next one passes over, page by page."""
    terminal = Terminal(rate_limits=SLOW).having(*many(MANY))

    done = deliveries(terminal, "Update")

    assert 1 < len(done) <= NO_MORE
    assert all(
        later - sooner >= min(IN_AN_HOUR, MANY - sooner) for sooner, later in zip([0, *done], done, strict=False)
    )
    assert keys(terminal) == {OURS}


@pytest.mark.parametrize("knows_tags", [True, False], ids=["by a listing with tags", "by the listing"])
def test_what_apply_did_beforehand_is_not_what_a_create_fails_for(*, knows_tags: bool) -> None:
    """It is under the key: where there is no time to claim it anew, the Create succeeds, and says who has it."""
    terminal = Terminal(rate_limits=SLOW).having(*many(MANY), key=OURS, claim=Claim(COMMAND_LINE, None))
    terminal.aws.knows_tags = knows_tags

    done = invoke(terminal, fleet_event(terminal, "Create", ServiceTimeout=LONGEST), INVOCATION)

    assert (done.data["MatchedCount"], done.data["CompliantCount"]) == (str(MANY), str(MANY))
    assert "log-group-kms release gives back" in done.reason
    assert keys(terminal) == {OURS}
