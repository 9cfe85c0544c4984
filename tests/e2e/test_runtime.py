"""The built package under AWS's own runtime client and Runtime Interface Emulator, as Lambda would run it."""

from __future__ import annotations

import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest
from samtranslator.yaml_helper import yaml_parse
from support.cloudformation import CloudFormation
from support.runtime_emulator import Function, RuntimeEmulator

from local.client import keys
from local.demo.provider import Sam
from local.emulator.script import Fault
from log_group_kms.model.physical_id import NOTHING_ASSOCIATED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from local.client.embedded_aws import EmbeddedAws

    Start = Callable[[Function], AbstractContextManager[RuntimeEmulator]]

# AWS publishes the runtime interface emulator for Linux alone. CI runs there, and there nothing is skipped.
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the emulator is a binary for Linux")

ORDERS: Final = "/orders"
SECRET: Final = "5ec2e7" * 10
OTHER_STACK: Final = "arn:aws:cloudformation:eu-west-1:111122223333:stack/audit/2f1a0c10-9c1e-11ef-8a2b-0a58a9feac02"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Function:
    """The package that `sam build` makes, as its template says to run it."""
    template = Sam(tmp_path_factory.mktemp("provider")).build()
    properties = yaml_parse(template.read_text())["Resources"]["ProviderFunction"]["Properties"]
    package = template.parent / properties["CodeUri"]
    return Function(package, properties["Handler"], properties["MemorySize"], properties["Timeout"], "INFO", {})


@pytest.fixture
def function(built: Function, aws: EmbeddedAws) -> Function:
    """The function towards the embedded AWS, which is empty."""
    return replace(built, environment=aws.environment)


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Starts a function."""
    return lambda function: RuntimeEmulator.start(function, tmp_path)


@pytest.fixture
def emulator(start: Start, function: Function) -> Iterator[RuntimeEmulator]:
    """The function as the template has it, not started yet."""
    with start(function) as emulator:
        yield emulator


@pytest.fixture
def cloudformation() -> Iterator[CloudFormation]:
    """The sender of events."""
    with CloudFormation.start() as cloudformation:
        yield cloudformation


def properties(key: str, log_group: str = ORDERS) -> dict[str, str]:
    """Return the properties that a template gives the resource."""
    return {"KmsKeyId": key, "LogGroupName": log_group}


def key_of(aws: EmbeddedAws, log_group: str = ORDERS) -> str | None:
    """The key in force."""
    (found,) = aws.client("logs").describe_log_groups(logGroupNamePrefix=log_group)["logGroups"]
    return found.get("kmsKeyId")


def a_create(aws: EmbeddedAws, cloudformation: CloudFormation) -> tuple[str, dict[str, Any]]:
    """A Create for a log group that is there, and the key that it asks for."""
    key = keys.create(aws)
    aws.client("logs").create_log_group(logGroupName=ORDERS)
    return key, cloudformation.event("Create", properties=properties(key))


def test_a_cold_start_answers(emulator: RuntimeEmulator, aws: EmbeddedAws, cloudformation: CloudFormation) -> None:
    """The first event of a fresh environment is carried out and answered."""
    key, event = a_create(aws, cloudformation)

    invocation = emulator.invoke(event)

    assert (invocation.status, invocation.body, emulator.cold_starts()) == (200, "null", 1)
    answer = cloudformation.response_to(event)
    assert (answer.status, answer.data["KmsKeyArn"], key_of(aws)) == ("SUCCESS", key, key)


def failing(cloudformation: CloudFormation, key: str) -> dict[str, Any]:
    """A Create for a log group that is not there."""
    return cloudformation.event("Create", properties=properties(key, "/gone"), stack_id=OTHER_STACK)


def of_unknown_type(cloudformation: CloudFormation, key: str) -> dict[str, Any]:
    """An event that no version of CloudFormation sends."""
    return cloudformation.event("Frobnicate", properties=properties(key), stack_id=OTHER_STACK)


def of_unknown_property(cloudformation: CloudFormation, key: str) -> dict[str, Any]:
    """A Create with a property that does not exist."""
    return cloudformation.event("Create", properties=properties(key) | {"Colour": "red"}, stack_id=OTHER_STACK)


@pytest.mark.parametrize(
    "second",
    [
        pytest.param(failing, id="one that fails"),
        pytest.param(of_unknown_property, id="one that cannot be understood"),
        pytest.param(of_unknown_type, id="one of an unknown type"),
    ],
)
def test_a_warm_environment_keeps_nothing(
    emulator: RuntimeEmulator,
    aws: EmbeddedAws,
    cloudformation: CloudFormation,
    second: Callable[[CloudFormation, str], dict[str, Any]],
) -> None:
    """Neither answer nor log of a second stack's event has anything of the first's."""
    key, event = a_create(aws, cloudformation)
    emulator.invoke(event)
    first = cloudformation.response_to(event)
    written = len(emulator.log())
    other = second(cloudformation, keys.create(aws))

    emulator.invoke(other)

    assert emulator.cold_starts() == 1
    answer = cloudformation.response_to(other)
    assert (answer.status, answer.physical_resource_id) == ("FAILED", NOTHING_ASSOCIATED)
    assert (answer.data, answer.no_echo) == ({}, False)
    said = answer.reason + emulator.log()[written:]
    of_the_first = [event["StackId"], event["RequestId"], key, first.physical_resource_id, "SUCCESS", "Succeeded"]
    assert [text for text in of_the_first if text in said] == []
    assert other["StackId"] in said


def test_a_warm_environment_answers_a_malformed_event_to_nobody(
    emulator: RuntimeEmulator, aws: EmbeddedAws, cloudformation: CloudFormation
) -> None:
    """The invocation fails, and the event before is not answered once more."""
    _, event = a_create(aws, cloudformation)
    emulator.invoke(event)

    invocation = emulator.invoke({"RequestType": "Delete"})

    assert (invocation.error_type, emulator.cold_starts()) == ("NotAnEvent", 1)
    assert cloudformation.attempts_at(event) == 1


@pytest.mark.parametrize(
    "event",
    [
        pytest.param([f"https://x/?X-Amz-Signature={SECRET}"], id="no object"),
        pytest.param({"ResponseURL": f"https://x/?X-Amz-Signature={SECRET}"}, id="no ids"),
        pytest.param(f"http://example.com/?X-Amz-Signature={SECRET}", id="not https"),
        pytest.param(f"https://x /?X-Amz-Signature={SECRET}", id="no URL"),
        pytest.param(f"https://[x/?X-Amz-Signature={SECRET}", id="a broken URL"),
    ],
)
def test_a_malformed_event_raises(start: Start, function: Function, event: object) -> None:
    """The invocation fails with NotAnEvent; neither the error nor the log has the URL, whatever the level."""
    if isinstance(event, str):
        ids = {"StackId": OTHER_STACK, "RequestId": "1", "LogicalResourceId": "LogEncryption"}
        event = {"RequestType": "Create", "ResponseURL": event, **ids}
    with start(at_debug(function)) as emulator:
        invocation = emulator.invoke(event)

        assert (invocation.status, invocation.error_type) == (200, "NotAnEvent")
        assert SECRET not in invocation.body + emulator.log()


@pytest.mark.parametrize("statuses", [(), (503,), (403,)], ids=["taken", "taken at last", "refused"])
def test_no_level_logs_the_response_url(
    start: Start, function: Function, aws: EmbeddedAws, cloudformation: CloudFormation, statuses: tuple[int, ...]
) -> None:
    """At DEBUG, where botocore and urllib3 tell everything, the ResponseURL is still missing; so it is in an error."""
    _, event = a_create(aws, cloudformation)
    cloudformation.will(*statuses)
    with start(at_debug(function)) as emulator:
        invocation = emulator.invoke(event)

        assert invocation.error_type == ("DeliveryFailed" if statuses == (403,) else None)
        said = emulator.log() + invocation.body
    assert "botocore" in said
    assert event["ResponseURL"].rpartition("X-Amz-Signature=")[2] not in said


def at_debug(function: Function) -> Function:
    """As with the parameter LogLevel DEBUG."""
    return replace(function, log_level="DEBUG", environment={**function.environment, "POWERTOOLS_LOG_LEVEL": "DEBUG"})


def test_the_handlers_deadline_comes_before_lambdas(
    start: Start, function: Function, aws: EmbeddedAws, cloudformation: CloudFormation
) -> None:
    """A refusal that never ends is answered, with its diagnosis, before the function's time is up."""
    _, event = a_create(aws, cloudformation)
    aws.direction.answer_with(Fault.operation_aborted(times=999))
    with start(replace(function, timeout=6)) as emulator:
        invocation = emulator.invoke(event)

        assert (invocation.body, emulator.cold_starts()) == ("null", 1)
    answer = cloudformation.response_to(event)
    assert (answer.status, "Someone else kept changing" in answer.reason) == ("FAILED", True)


def test_a_call_that_hangs_is_answered_before_lambda_ends_the_function(
    start: Start, function: Function, cloudformation: CloudFormation
) -> None:
    """The backstop answers FAILED in time; Lambda's time-out then ends the function, and the next start is cold."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = "http://127.0.0.1:{1}".format(*silent.getsockname())
        environment = {**function.environment, "AWS_ENDPOINT_URL": endpoint}
        event = cloudformation.event("Create", properties=properties("alias/logs"))
        with start(replace(function, timeout=5, environment=environment)) as emulator:
            invocation = emulator.invoke(event)

            assert "Task timed out after 5.00 seconds" in invocation.body
            answer = cloudformation.response_to(event)
            assert (answer.status, "ran out of time" in answer.reason) == ("FAILED", True)
            again = cloudformation.event("Create")
            assert emulator.invoke(again).body == "null"
            assert (cloudformation.response_to(again).status, emulator.cold_starts()) == ("FAILED", 2)


def test_after_a_crash_the_next_start_is_cold_and_converges(
    emulator: RuntimeEmulator, aws: EmbeddedAws, cloudformation: CloudFormation
) -> None:
    """Lambda reports a process that was killed amid its work; the same event, delivered again, is carried out."""
    before = keys.create(aws)
    key, event = a_create(aws, cloudformation)
    aws.client("logs").associate_kms_key(logGroupName=ORDERS, kmsKeyId=before)
    aws.direction.forget_calls()
    aws.direction.answer_with(Fault.operation_aborted(times=999))
    with ThreadPoolExecutor() as threads:
        first = threads.submit(emulator.invoke, event)
        while not aws.direction.counts()["logs:AssociateKmsKey"]:
            time.sleep(0.02)
        emulator.kill_runtime()
        crashed = first.result()
    aws.direction.forget_script()

    again = emulator.invoke(event)

    assert (crashed.status, crashed.error_type) == (502, "Runtime.ExitError")
    assert (again.body, emulator.cold_starts()) == ("null", 2)
    answer = cloudformation.response_to(event)
    assert (answer.status, answer.data["PreviousKmsKeyArn"], key_of(aws)) == ("SUCCESS", before, key)
