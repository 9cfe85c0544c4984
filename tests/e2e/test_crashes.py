"""The handler's process is killed, with SIGKILL, around each request that it makes; the next delivery converges.

Where it may be killed is a table: what each event asks AWS for, in this order, and then the PUT of its answer. The
process that runs the handler is a real one, with the real boto3, against the embedded AWS.
"""

from __future__ import annotations

from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any, Final

import pytest
from e2e.crash_account import MADE_UP_ID, ORDERS, US, Account, Encryption, State, Told
from e2e.crash_situations import ACTS, LOOKS_AROUND, SITUATIONS, Situation, changing_the_target
from support.cloudformation import CloudFormation
from support.lambda_process import Kill, LambdaFunction

from log_group_kms.model.physical_id import PERHAPS_ASSOCIATED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e.crash_account import Event
    from support.lambda_process import Ended, Moment

    from local.client.embedded_aws import EmbeddedAws


def every_kill(situations: list[Situation], moments: tuple[Moment, ...] = ("before", "after")) -> list[Any]:
    """Each of them killed at each request."""
    return [
        pytest.param(situation, Kill(moment, number), id=f"{situation.title}: {moment} {number + 1} {request}")
        for situation in situations
        for number, request in enumerate(situation.requests)
        for moment in moments
    ]


@pytest.fixture(scope="module")
def function(embedded_aws: EmbeddedAws) -> Iterator[LambdaFunction]:
    """The handler, imported once."""
    with LambdaFunction.start(embedded_aws.environment) as started:
        yield started


@pytest.fixture
def account(aws: EmbeddedAws, function: LambdaFunction) -> Iterator[Account]:
    """An empty account."""
    with CloudFormation.start() as cloudformation:
        yield Account(aws, function, cloudformation)


@contextmanager
def no_key_lost(account: Account, situation: Situation) -> Iterator[None]:
    """Check that a log group with a key keeps one, at every moment, unless it is to be freed.

    A key goes in no other way than by DisassociateKmsKey, and AWS logs each of those.
    """
    account.aws.direction.forget_calls()
    yield
    freed = account.aws.direction.counts()["logs:DisassociateKmsKey"]
    assert situation.frees or not freed, account.aws.direction.calls()


def killed(account: Account, event: Event, kill: Kill) -> Ended:
    """An invocation that is killed for sure, and what was left is looked at."""
    ended = account.function.invoke(event, kill)
    assert (ended.killed, len(ended.requests)) == (True, kill.request + 1), ended
    return ended


def keyed(state: State) -> set[str]:
    """The log groups that have a key."""
    return {name for name, encryption in state.items() if encryption.key}


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.title)
def test_an_invocation_that_nobody_kills(account: Account, situation: Situation) -> None:
    """Makes these requests in this order, and ends in this state: what the other tests here compare with."""
    event = situation.sent(account)

    with no_key_lost(account, situation):
        ended = account.function.invoke(event)

    assert (ended.killed, ended.raised, ended.requests) == (False, None, situation.requests)
    assert account.state() == situation.state
    assert account.told(account.cloudformation.response_to(event)) == situation.told_by(account)


@pytest.mark.parametrize(("situation", "kill"), every_kill(SITUATIONS))
def test_the_next_delivery_converges(account: Account, situation: Situation, kill: Kill) -> None:
    """The second delivery ends as an undisturbed one does, wherever the first was killed, and it alone answers."""
    event = situation.sent(account)
    before = account.state()

    with no_key_lost(account, situation):
        killed(account, event, kill)
        left = account.state()
        answered_already = account.cloudformation.responses_to(event)[:]
        second = account.function.invoke(event)

    assert situation.frees or keyed(before) <= keyed(left)
    assert account.state() == situation.state
    assert (second.killed, second.raised) == (False, None)
    answered_by_put = kill == Kill("after", len(situation.requests) - 1)
    assert len(answered_already) == int(answered_by_put)
    if answered_by_put:
        late_answer_is_dropped(account, event)
    first, *late = (account.told(answer) for answer in account.cloudformation.responses_to(event))
    assert [first, *late] == [situation.told_by(account)] * (1 + len(answered_already))


def late_answer_is_dropped(account: Account, event: Event) -> None:
    """CloudFormation drops the answer of a delivery that comes after one; the double calls it a violation."""
    (violation,) = account.cloudformation.violations
    assert violation.startswith("2 responses to one event"), violation
    assert account.cloudformation.attempts_at(event) == 2
    account.cloudformation.violations.clear()


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.title)
def test_delivery_after_delivery_is_killed(account: Account, situation: Situation) -> None:
    """One is killed after its first request, the next after its second, and so on, until one has answered."""
    event = situation.sent(account)

    with no_key_lost(account, situation):
        for request in count():
            account.function.invoke(event, Kill("after", request))
            if account.cloudformation.responses_to(event):
                break

    assert account.state() == situation.state
    assert account.told(account.cloudformation.response_to(event)) == situation.told_by(account)


#: Where a Create is given up, and what the log group is left with where it had been claimed.
GIVEN_UP: Final = {
    "Create over a previous key": Encryption("before"),
    "Create where there is no key": Encryption(None),
    "Create where our key is already": Encryption("ours", f"deleted:{US}", "ours"),
}


def given_up() -> list[Any]:
    """Creates that are killed for good, and the id that CloudFormation then knows: its own, or the responder's."""
    return [
        pytest.param(
            situation,
            number,
            by_responder,
            id=f"{situation.title}: {number + 1} {request}, {'responder' if by_responder else 'nobody'} answers",
        )
        for situation in SITUATIONS
        if situation.title in GIVEN_UP
        for number, request in enumerate(situation.requests)
        for by_responder in (False, True)
    ]


@pytest.mark.parametrize(("situation", "last", "by_responder"), given_up())
def test_the_delete_of_a_create_that_was_killed_for_good(
    account: Account, situation: Situation, last: int, *, by_responder: bool
) -> None:
    """A Create is killed after this request and never delivered again: the Delete that follows leaves all as before."""
    killed(account, situation.sent(account), Kill("after", last))
    physical_id = PERHAPS_ASSOCIATED if by_responder else MADE_UP_ID
    delete = account.delete(physical_id)

    account.function.invoke(delete)

    assert account.told(account.cloudformation.response_to(delete)) == Told("SUCCESS", physical_id)
    claimed = "logs:TagResource" in situation.requests[: last + 1]
    left = GIVEN_UP[situation.title]
    assert account.state() == {ORDERS: left if claimed else Encryption(left.key)}


@pytest.mark.parametrize(
    "last",
    [pytest.param(number, id=f"{number + 1} {request}") for number, request in enumerate((*LOOKS_AROUND, *ACTS[:-1]))],
)
def test_the_rollback_of_a_new_target_that_was_killed_for_good(account: Account, last: int) -> None:
    """An Update to another log group is killed after this request, and answered FAILED under the old id.

    Then CloudFormation sends the Update back and no Delete for the new log group, which nobody owns in the end.
    """
    event = changing_the_target(account)
    before = account.state()
    killed(account, event, Kill("after", last))
    back = account.update(event["ResourceProperties"], event["OldResourceProperties"])
    back = {**back, "PhysicalResourceId": account.arn(ORDERS)}

    account.function.invoke(back)

    assert account.cloudformation.response_to(back).status == "SUCCESS"
    assert account.state() == before


def test_the_output_holds_no_response_url(account: Account) -> None:
    """Neither the killed nor the living write it."""
    account.log_group(ORDERS)
    event = account.create()
    signature = event["ResponseURL"].rpartition("X-Amz-Signature=")[2]

    written = account.function.invoke(event, Kill("before", 6)).output + account.function.invoke(event).output

    assert "Answered SUCCESS" in written
    assert signature not in written
