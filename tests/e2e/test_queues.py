"""The two queues, as `sam deploy` makes them, IAM enforced: log groups that wait to be enrolled, events that wait."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pytest
from botocore.exceptions import ClientError
from e2e.waiting import eventually

from local.client import keys
from local.client.embedded_aws import EmbeddedAws
from local.client.stacks import Stacks
from local.demo import provider
from local.demo.associations import encryption_of, template
from local.emulator.script import Fault

#: Seconds. A message that failed comes again after a minute.
LONGEST: Final = 90
#: Times AWS's quotas of all calls.
QUOTA_FACTOR: Final = 10.0
#: AssociateKmsKey's calls a second.
QUOTA: Final = 50
BURST: Final = [f"/burst/{number:03d}" for number in range(250)]
FUNCTION: Final = "log-group-kms-association"
#: Seconds: the shortest wait that is put off.
WAIT: Final = 32


class Account:
    """An account with the provider and its fleet."""

    def __init__(self, aws: EmbeddedAws) -> None:
        self.aws = aws
        self.key = keys.create(aws)
        self.stacks = Stacks(aws)

    def output(self, name: str) -> str:
        """Return an output of the provider's stack."""
        return self.stacks.outputs(provider.STACK)[name]

    def log(self, output: str) -> list[dict[str, Any]]:
        """Return what a function has written in JSON, the first line first."""
        pages = self.aws.client("logs").get_paginator("filter_log_events").paginate(logGroupName=self.output(output))
        lines = [event["message"] for page in pages for event in page["events"]]
        return [json.loads(line) for line in lines if line.startswith("{")]

    def covered(self, prefix: str) -> set[str]:
        """Return the names of the log groups under the fleet's key."""
        pages = self.aws.client("logs").get_paginator("describe_log_groups").paginate(logGroupNamePrefix=prefix)
        groups = [group for page in pages for group in page["logGroups"]]
        return {group["logGroupName"] for group in groups if group.get("kmsKeyId") == self.key}

    def waiting(self, output: str) -> int:
        """Return the number of messages in a queue, those at work included."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.aws.client("sqs").get_queue_attributes(QueueUrl=self.output(output), AttributeNames=names)
        return sum(int(found["Attributes"][name]) for name in names)

    def send(self, body: object) -> None:
        """Put a message into the enrolment's queue."""
        text = body if isinstance(body, str) else json.dumps(body)
        self.aws.client("sqs").send_message(QueueUrl=self.output("EnrolmentQueueUrl"), MessageBody=text)


@pytest.fixture(scope="module")
def account(sam: provider.Sam, built: Path) -> Iterator[Account]:
    """An account whose fleet is every log group from /burst on."""
    with EmbeddedAws.start(auth=True, quota_factor=QUOTA_FACTOR, patient=True) as aws:
        account = Account(aws)
        parameters = {
            "FleetKmsKeyId": account.key,
            "FleetLogGroupNamePrefix": "/burst/",
            "AssociationsPerSecond": str(QUOTA),
        }
        sam.deploy(aws, built, parameters=parameters)
        yield account


def executions(lines: list[dict[str, Any]]) -> dict[str, tuple[float, float]]:
    """Return begin and end of each invocation, as far as its lines show them."""
    spans: dict[str, tuple[float, float]] = {}
    for line in lines:
        if "function_request_id" in line and "timestamp" in line and isinstance(line["timestamp"], str):
            moment = datetime.fromisoformat(line["timestamp"]).timestamp()
            begin, end = spans.get(line["function_request_id"], (moment, moment))
            spans[line["function_request_id"]] = (min(begin, moment), max(end, moment))
    return spans


def at_once(spans: dict[str, tuple[float, float]]) -> int:
    """Return how many of them there were at most at one moment."""
    return max(sum(begin <= moment <= end for begin, end in spans.values()) for moment, _ in spans.values())


def test_a_burst_is_worked_off_by_two_executions(account: Account) -> None:
    """250 log groups at once: all under the key, each changed once, at the quota, by at most two executions."""
    account.aws.direction.forget_calls()
    begun = time.monotonic()
    logs = account.aws.client("logs")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda name: logs.create_log_group(logGroupName=name), BURST))

    eventually(lambda: account.covered("/burst/") == set(BURST), seconds=LONGEST)
    seconds = time.monotonic() - begun

    eventually(lambda: account.waiting("EnrolmentQueueUrl") == 0, seconds=LONGEST)
    called, refused = account.aws.direction.counts(by_function=True), account.aws.direction.refused(by_function=True)
    audit = [line for line in account.log("EnrolmentLogGroupName") if "audit" in line]
    spans = executions(audit)
    assert called["logs:AssociateKmsKey"] - refused["logs:AssociateKmsKey"] == len(BURST)
    assert refused["logs:AssociateKmsKey"] <= 0.02 * len(BURST)
    assert seconds >= len(BURST) / QUOTA * 0.8
    assert sorted(line["target"].rpartition(":")[2] for line in audit) == BURST
    assert len(spans) >= len(BURST) / 10
    assert at_once(spans) <= 2
    assert account.waiting("EnrolmentDeadLetterQueueUrl") == 0


def test_a_poisoned_event_ends_in_the_dead_letter_queue(account: Account) -> None:
    """The cause is in the log; what came with it is enrolled."""
    account.send("poison")
    account.aws.client("logs").create_log_group(logGroupName="/burst/beside-poison")

    eventually(lambda: account.waiting("EnrolmentDeadLetterQueueUrl") == 1, seconds=LONGEST)

    found = account.aws.client("sqs").receive_message(
        QueueUrl=account.output("EnrolmentDeadLetterQueueUrl"), VisibilityTimeout=0
    )
    errors = [line for line in account.log("EnrolmentLogGroupName") if line.get("level") == "ERROR"]
    assert [message["Body"] for message in found["Messages"]] == ["poison"]
    assert {error["message"].partition(": ")[2] for error in errors} == {
        "The message is no JSON: Expecting value: line 1 column 1 (char 0)"
    }
    told = {error["receives"]: error["message"] for error in errors}
    assert sorted(told) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert "goes into the dead-letter queue" in told[8]
    eventually(lambda: "/burst/beside-poison" in account.covered("/burst/beside"), seconds=LONGEST)


def test_a_log_group_that_is_refused_is_tried_again(account: Account) -> None:
    """What fails in its batch comes again after a minute, from the queue, and the others do not wait for it."""
    account.aws.direction.answer_with(
        Fault.operation_aborted("logs:TagResource", times=999, log_group="/burst/busy"),
    )
    names = ["/burst/busy", "/burst/idle-1", "/burst/idle-2"]
    for name in names:
        account.aws.client("logs").create_log_group(logGroupName=name)

    eventually(lambda: account.covered("/burst/idle") == {"/burst/idle-1", "/burst/idle-2"}, seconds=LONGEST)
    eventually(
        lambda: any(
            line.get("receives") == 1 and "Someone else kept changing" in str(line.get("message"))
            for line in account.log("EnrolmentLogGroupName")
        )
    )
    assert account.waiting("EnrolmentQueueUrl") == 1
    account.aws.direction.forget_script()

    eventually(lambda: account.covered("/burst/busy") == {"/burst/busy"}, seconds=120)
    eventually(lambda: account.waiting("EnrolmentQueueUrl") == 0, seconds=LONGEST)


def test_a_wait_holds_no_execution(account: Account) -> None:
    """Four stacks that wait: each is answered once, in time, and the provider runs for seconds of it."""
    logs = account.aws.client("logs")
    names = [f"/waits/{number}" for number in range(4)]
    for name in names:
        logs.create_log_group(logGroupName=name)

    def deploy(name: str) -> tuple[str, float]:
        begun = time.monotonic()
        properties = {
            "LogGroupName": name,
            "KmsKeyId": account.key,
            "ServiceTimeout": 600,
            "PropagationWaitSeconds": WAIT,
        }
        status = Stacks(account.aws).deploy(name.strip("/").replace("/", "-"), template(Wait=properties))
        return status, time.monotonic() - begun

    with ThreadPoolExecutor(len(names)) as pool:
        settled = list(pool.map(deploy, names))

    assert [status for status, _ in settled] == ["CREATE_COMPLETE"] * len(names)
    assert min(seconds for _, seconds in settled) >= WAIT
    answers = [answer for answer in account.aws.direction.answers() if "stack/waits-" in answer.body]
    assert len(answers) == len(names)
    lines = [line for line in account.log("LogGroupName") if "stack/waits-" in str(line.get("stack_id"))]
    spans = executions(lines)
    held = sum(end - begin for begin, end in spans.values())
    assert len(spans) == 2 * len(names)
    assert held < 0.25 * WAIT * len(names)
    assert account.aws.client("sqs").list_queues()["QueueUrls"]
    assert "X-Amz-Signature" not in json.dumps(account.log("LogGroupName"))


def test_nobody_but_the_provider_puts_events_off(account: Account) -> None:
    """Not even the account's root: who sends an event there has the provider invoked, and who reads one can answer."""
    sqs = account.aws.client("sqs")
    [url] = [url for url in sqs.list_queues()["QueueUrls"] if "WaitQueue" in url]

    with pytest.raises(ClientError, match="AccessDenied"):
        sqs.send_message(QueueUrl=url, MessageBody="{}")
    with pytest.raises(ClientError, match="AccessDenied"):
        sqs.receive_message(QueueUrl=url)


def test_the_responder_answers_for_a_provider_that_dies_when_it_is_woken(account: Account) -> None:
    """The wait is over, and the provider's package is broken by then: FAILED, and the Delete gives back."""
    name = "/waits/broken"
    account.aws.client("logs").create_log_group(logGroupName=name)
    functions = account.aws.client("lambda")
    properties = {"LogGroupName": name, "KmsKeyId": account.key, "ServiceTimeout": 600, "PropagationWaitSeconds": WAIT}
    stacks = account.aws.client("cloudformation")
    stacks.create_stack(StackName="broken", TemplateBody=template(Wait=properties), OnFailure="DO_NOTHING")

    def is_associated() -> bool:
        found = encryption_of(account.aws, name)
        return found is not None and found.key == account.key

    eventually(is_associated)
    eventually(
        lambda: any(line.get("message", "").startswith("The event goes on in") for line in of_broken(account)),
        seconds=LONGEST,
    )
    good = functions.get_function_configuration(FunctionName=FUNCTION)["Handler"]
    functions.update_function_configuration(FunctionName=FUNCTION, Handler="log_group_kms.gone.handler")
    try:
        eventually(lambda: account.stacks.status("broken") == "CREATE_FAILED", seconds=LONGEST)
    finally:
        functions.update_function_configuration(FunctionName=FUNCTION, Handler=good)

    assert any("The provider's function failed" in reason for reason in account.stacks.failures("broken"))
    assert account.stacks.delete("broken") == ""
    found = encryption_of(account.aws, name)
    assert found is not None
    assert found.key is None


def of_broken(account: Account) -> list[dict[str, Any]]:
    """The provider's lines about that stack."""
    return [line for line in account.log("LogGroupName") if "stack/broken/" in str(line.get("stack_id"))]
