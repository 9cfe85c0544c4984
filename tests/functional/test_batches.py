"""The enrolment's function with messages of a real queue, and what becomes of them there."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from local.emulator.script import Fault

if TYPE_CHECKING:
    from functional.enrolments import Enrolment

SOURCE: Final = Path(__file__).parents[2] / "src"
FAULTY: Final = "/faulty"


class Queue:
    """A queue, and the event source mapping's part in it."""

    def __init__(self, fleet: Enrolment) -> None:
        self.sqs = fleet.deployment.aws.client("sqs")
        self.url = self.sqs.create_queue(QueueName="enrolment", Attributes={"VisibilityTimeout": "5220"})["QueueUrl"]
        self.fleet = fleet
        fleet.setting(ENROLMENT_QUEUE_URL=self.url)

    def put(self, *log_groups: str) -> None:
        """What EventBridge does for each new log group."""
        for name in log_groups:
            body = {"detail": {"eventName": "CreateLogGroup", "requestParameters": {"logGroupName": name}}}
            self.sqs.send_message(QueueUrl=self.url, MessageBody=json.dumps(body))

    def deliver(self) -> list[dict[str, Any]]:
        """Hand out what can be seen, and delete all that the function does not want kept; what was kept."""
        received = self.sqs.receive_message(
            QueueUrl=self.url, MaxNumberOfMessages=10, AttributeNames=["ApproximateReceiveCount"]
        ).get("Messages", [])
        records = [
            {
                "messageId": each["MessageId"],
                "receiptHandle": each["ReceiptHandle"],
                "body": each["Body"],
                "attributes": each["Attributes"],
                "eventSource": "aws:sqs",
            }
            for each in received
        ]
        answer = self.fleet.send({"Records": records}) if records else {"batchItemFailures": []}
        kept = {each["itemIdentifier"] for each in answer["batchItemFailures"]}
        for each in received:
            if each["MessageId"] not in kept:
                self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=each["ReceiptHandle"])
        return [each for each in received if each["MessageId"] in kept]

    @property
    def numbers(self) -> tuple[int, int]:
        """How many messages can be seen, and how many cannot."""
        names: Any = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)["Attributes"]
        return int(found[names[0]]), int(found[names[1]])


@pytest.fixture
def queue(fleet: Enrolment) -> Queue:
    """An empty one."""
    return Queue(fleet)


def test_what_is_done_is_gone_from_the_queue(queue: Queue) -> None:
    """Ten log groups, under the key."""
    names = [f"/{number}" for number in range(10)]
    queue.fleet.log_groups(*names)
    queue.put(*names)

    assert queue.deliver() == []
    assert queue.numbers == (0, 0)
    assert {queue.fleet.deployment.key_of(name) for name in names} == {queue.fleet.key}


def test_what_failed_waits_in_the_queue(queue: Queue) -> None:
    """Nobody sees it for a while, and the others are done; when it is seen again it works."""
    queue.fleet.log_groups("/a", FAULTY, "/b")
    queue.put("/a", FAULTY, "/b")
    queue.fleet.deployment.aws.direction.answer_with(Fault.operation_aborted(times=999, log_group=FAULTY))

    (kept,) = queue.deliver()

    assert FAULTY in kept["Body"]
    assert queue.numbers == (0, 1)
    assert {queue.fleet.deployment.key_of(name) for name in ("/a", "/b")} == {queue.fleet.key}
    queue.fleet.deployment.aws.direction.forget_script()
    queue.sqs.change_message_visibility(QueueUrl=queue.url, ReceiptHandle=kept["ReceiptHandle"], VisibilityTimeout=0)
    assert queue.deliver() == []
    assert queue.fleet.deployment.key_of(FAULTY) == queue.fleet.key


def test_a_poisoned_message_is_seen_again_at_once(queue: Queue) -> None:
    """So it comes to the dead-letter queue soon."""
    queue.sqs.send_message(QueueUrl=queue.url, MessageBody="poison")

    (kept,) = queue.deliver()

    assert kept["Body"] == "poison"
    assert queue.numbers == (1, 0)


@pytest.mark.parametrize("handler", ["provider", "enrolment"])
@pytest.mark.parametrize(("level", "expected"), [("WARN", "WARNING"), ("DEBUG", "DEBUG"), ("ERROR", "ERROR")])
def test_the_level_is_the_functions_own(handler: str, level: str, expected: str) -> None:
    """Lambda lets DEBUG through and has set the root logger to it: LogLevel decides all the same."""
    code = (
        "import logging, importlib\n"
        "logging.getLogger().setLevel('DEBUG')\n"
        f"module = importlib.import_module('log_group_kms.handlers.{handler}')\n"
        "loggers = (logging.getLogger(), logging.getLogger(module.logger.name), logging.getLogger('log_group_kms'))\n"
        "print(*(logging.getLevelName(each.level) for each in loggers))\n"
    )
    environment = {
        "PYTHONPATH": str(SOURCE),
        "AWS_DEFAULT_REGION": "eu-west-1",
        "PATH": "",
        "AWS_LAMBDA_LOG_LEVEL": "DEBUG",
        "POWERTOOLS_LOG_LEVEL": level,
    }

    found = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-W", "error", "-c", code], env=environment, capture_output=True, text=True, check=True
    )

    assert found.stdout.split() == [expected] * 3
