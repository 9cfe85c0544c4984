"""A batch of the enrolment queue's messages: what is done, what comes back, when, and what is told."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import pytest
from support.fake_aws import (
    STACK_ID,
    FakeAws,
    FakeClock,
    FakeLogGroup,
    key_policy_denied,
    log_group,
    throttled,
    unavailable,
)
from support.lambda_context import LambdaContext
from unit.fleet.accounts import OURS, SETTINGS

from log_group_kms.association.context import AllStacksStand
from log_group_kms.handlers import batch, enrolment
from log_group_kms.model.keys import KeyDescription

if TYPE_CHECKING:
    from log_group_kms.model.errors import ProviderError
    from log_group_kms.model.keys import KeyArn
    from log_group_kms.model.targets import LogGroup, Place, QueryResults

QUEUE: Final = "https://sqs.eu-west-1.amazonaws.com/111122223333/enrolment"


@dataclass
class Account(FakeAws):
    """Log groups that cannot be put under a key, each for its own reason."""

    faults: dict[str, Exception] = field(default_factory=dict)

    def associate(self, target: LogGroup | QueryResults, key: KeyArn) -> None:
        if fault := self.faults.get(target.log_group_name):
            raise fault
        super().associate(target, key)


@dataclass
class Queue:
    """The enrolment's way to AWS, and what it lets the queue do; a fleet that is alive."""

    monkeypatch: pytest.MonkeyPatch
    log_groups: Account = field(default_factory=lambda: Account(keys={OURS: KeyDescription(OURS)}))
    clock: FakeClock = field(default_factory=FakeClock)
    shown_again: dict[str, int] = field(default_factory=dict)
    refusal: ProviderError | None = None

    @property
    def keys(self) -> Account:
        return self.log_groups

    def has_rule(self, _: str) -> bool:
        return True

    def stacks(self, _: Place) -> AllStacksStand:
        return AllStacksStand()

    def show_again(self, queue_url: str, receipt_handle: str, seconds: int) -> None:
        assert queue_url == QUEUE
        if self.refusal:
            raise self.refusal
        self.shown_again[receipt_handle] = seconds

    def having(self, *names: str) -> Queue:
        for name in names:
            self.log_groups.log_groups[log_group(name)] = FakeLogGroup()
        return self

    def under_the_key(self) -> set[str]:
        return {group.name.text for group, state in self.log_groups.log_groups.items() if state.key == OURS}

    def work_off(self, *messages: dict[str, Any]) -> set[str]:
        """The ids of the messages that the queue is to keep."""
        # Where its stream leads was settled when the module was imported.
        self.monkeypatch.setattr(enrolment.logger.registered_handler, "stream", sys.stdout)
        answer = enrolment.handler({"Records": list(messages)}, LambdaContext())  # type: ignore[arg-type] # all of it
        return {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}


def creation(name: str) -> dict[str, Any]:
    """As much of CloudTrail's event as is looked at."""
    return {"detail": {"eventName": "CreateLogGroup", "requestParameters": {"logGroupName": name}}}


def message(name: str, body: object = None, receives: int = 1) -> dict[str, Any]:
    """A message, as the event source mapping hands it in: its id and its receipt handle are the name."""
    text = body if isinstance(body, str) else json.dumps(creation(name) if body is None else body)
    return {
        "messageId": name,
        "receiptHandle": name,
        "body": text,
        "attributes": {"ApproximateReceiveCount": str(receives)},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-west-1:111122223333:enrolment",
        "awsRegion": "eu-west-1",
    }


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> Queue:
    """An empty account, whose function writes where the test looks."""
    made = Queue(monkeypatch)
    for name, value in (SETTINGS | {"ENROLMENT_QUEUE_URL": QUEUE}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(enrolment, "aws", made)
    monkeypatch.setattr(enrolment, "clock", made.clock)
    return made


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """All that was written, line by line."""
    return [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]


def metric(written: list[dict[str, Any]], name: str) -> float:
    """The sum of a metric."""
    return sum(sum(line[name]) for line in written if name in line and "_aws" in line)


def test_all_that_works_leaves_the_queue(queue: Queue, capsys: pytest.CaptureFixture[str]) -> None:
    """Ten log groups are enrolled, and each has its audit line in the fleet's name."""
    names = [f"/{number}" for number in range(10)]
    queue.having(*names)

    assert queue.work_off(*map(message, names)) == set()
    assert queue.under_the_key() == set(names)
    written = lines(capsys)
    audit = [line for line in written if "audit" in line]
    assert {line["target"].rpartition(":")[2] for line in audit} == set(names)
    assert {(line["source"], line["stack_id"], line["logical_resource_id"]) for line in audit} == {
        ("enrolment", STACK_ID, "Fleet")
    }
    assert metric(written, "Enrolled") == 10


def test_only_what_failed_comes_back(queue: Queue, capsys: pytest.CaptureFixture[str]) -> None:
    """One of three is refused: the others are done, and it is tried again in a minute; the log has the cause."""
    queue.having("/a", "/b", "/c")
    queue.log_groups.faults["/b"] = key_policy_denied(key=OURS.text)

    assert queue.work_off(message("/a"), message("/b"), message("/c")) == {"/b"}
    assert queue.under_the_key() == {"/a", "/c"}
    assert queue.shown_again == {"/b": 60}
    (error,) = [line for line in lines(capsys) if line.get("level") == "ERROR"]
    assert (error["message_id"], error["receives"], error["of"]) == ("/b", 1, 8)
    assert error["message"].startswith("A message is tried again: ")
    assert "key policy" in error["message"]


@pytest.mark.parametrize(("receives", "seconds"), [(1, 60), (2, 120), (3, 240), (4, 480), (5, 900), (7, 900)], ids=str)
def test_the_pauses_grow(queue: Queue, receives: int, seconds: int) -> None:
    """A message waits in the queue and not in an invocation, each time for longer."""
    queue.having("/a")
    queue.log_groups.refuse("AssociateKmsKey", *[key_policy_denied(key=OURS.text)] * 999)

    assert queue.work_off(message("/a", receives=receives)) == {"/a"}
    assert queue.shown_again == {"/a": seconds}


def test_the_pauses_outlast_a_key_policy(queue: Queue) -> None:
    """A policy that is seen after ten minutes is waited for, and one that never comes is told after an hour."""
    waited = [sum(batch.pause(each) for each in range(1, receives)) for receives in range(1, batch.MOST_RECEIVES + 1)]
    queue.having("/a")
    begun = queue.clock.now()
    queue.log_groups.before = lambda _: (
        queue.log_groups.refuse("AssociateKmsKey", key_policy_denied(key=OURS.text))
        if queue.clock.now() < begun + 600
        else queue.log_groups.forgive()
    )

    for receives in range(1, batch.MOST_RECEIVES + 1):
        if not queue.work_off(message("/a", receives=receives)):
            break
        queue.clock.sleep(queue.shown_again["/a"])

    assert waited[-1] == 3600
    assert queue.under_the_key() == {"/a"}
    assert receives < batch.MOST_RECEIVES


@pytest.mark.parametrize(
    ("body", "why"),
    [
        pytest.param("{", "The message is no JSON", id="no JSON"),
        pytest.param("null", "The event must be CloudTrail's", id="no event"),
        pytest.param({"detail": {"eventName": "DeleteLogGroup"}}, "The event must be CloudTrail's", id="another event"),
        pytest.param({"Reconcile": True}, "A reconciliation does not come through the queue", id="reconciliation"),
        pytest.param({"Reconcile": True, "Progress": {"x": 1}}, "", id="a forged progress"),
    ],
)
def test_a_poisoned_message_harms_no_other(
    queue: Queue, capsys: pytest.CaptureFixture[str], body: object, why: str
) -> None:
    """It is not waited for: what is wrong with it stays so. The cause is in the log, its text is not."""
    queue.having("/a")

    assert queue.work_off(message("poison", body), message("/a")) == {"poison"}
    assert queue.under_the_key() == {"/a"}
    assert queue.shown_again == {"poison": 0}
    (error,) = [line for line in lines(capsys) if line.get("level") == "ERROR"]
    assert why in error["message"]
    assert "exception" not in error


@pytest.mark.parametrize(("receives", "refused"), [(7, 0), (8, 1)])
def test_what_is_given_up_is_told(
    queue: Queue, capsys: pytest.CaptureFixture[str], receives: int, refused: int
) -> None:
    """The last time it goes into the dead-letter queue at once, and counts as refused."""
    queue.having("/a")
    queue.log_groups.refuse("AssociateKmsKey", *[key_policy_denied(key=OURS.text)] * 999)

    queue.work_off(message("/a", receives=receives))

    written = lines(capsys)
    (error,) = [line for line in written if line.get("level") == "ERROR"]
    assert ("goes into the dead-letter queue" in error["message"]) is bool(refused)
    assert (queue.shown_again["/a"] == 0) is bool(refused)
    assert metric(written, "Refused") == refused


def test_a_queue_that_cannot_be_told_shows_it_later(queue: Queue, capsys: pytest.CaptureFixture[str]) -> None:
    """Then the visibility time-out counts: nothing is lost."""
    queue.having("/a")
    queue.refusal = unavailable("ChangeMessageVisibility")
    queue.log_groups.refuse("AssociateKmsKey", *[key_policy_denied(key=OURS.text)] * 999)

    assert queue.work_off(message("/a")) == {"/a"}
    (warning,) = [line["message"] for line in lines(capsys) if line.get("level") == "WARNING"]
    assert warning.startswith("It is shown again after the queue's visibility time-out: AWS answered ChangeMessage")


def test_a_fault_of_the_function_is_one_messages_own(queue: Queue, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever it is, the others are done; the log has the traceback."""
    queue.having("/a", "/b")

    queue.log_groups.faults["/a"] = RuntimeError("a fault")

    assert queue.work_off(message("/a"), message("/b")) == {"/a"}
    assert queue.under_the_key() == {"/b"}
    (error,) = [line for line in lines(capsys) if line.get("level") == "ERROR"]
    assert "RuntimeError: a fault" in error["exception"]


def test_a_batch_takes_its_share_of_the_quota(queue: Queue) -> None:
    """Two executions at once come to the quota together: half of five a second for each, reading back included."""
    names = [f"/{number}" for number in range(10)]
    queue.having(*names)
    begun = queue.clock.now()

    queue.work_off(*map(message, names))

    assert queue.clock.now() - begun == pytest.approx(10 / 2.5, rel=0.15)


def test_a_key_at_fault_holds_no_execution(queue: Queue) -> None:
    """Ten messages that all fail end within two minutes or so, and not after ten windows."""
    names = [f"/{number}" for number in range(10)]
    queue.having(*names)
    queue.log_groups.refuse("AssociateKmsKey", *[key_policy_denied(key=OURS.text)] * 999)
    begun = queue.clock.now()

    assert queue.work_off(*map(message, names)) == set(names)
    assert queue.clock.now() - begun < 60 + 9 * 8 + 5


def test_throttling_is_waited_out(queue: Queue) -> None:
    """Others use the quota, too."""
    queue.having("/a")
    queue.log_groups.refuse("AssociateKmsKey", *[throttled()] * 5)

    assert queue.work_off(message("/a")) == set()
    assert queue.under_the_key() == {"/a"}


def test_a_failed_call_is_no_failure(queue: Queue) -> None:
    """CloudTrail tells of those, too; there is nothing to enrol."""
    failed = {"detail": {"eventName": "CreateLogGroup", "errorCode": "AccessDenied", "requestParameters": None}}

    assert queue.work_off(message("/a", failed)) == set()
