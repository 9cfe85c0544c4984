from __future__ import annotations

import logging
import os
import ssl
import subprocess
import sys
import threading
import traceback
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from support.certificates import self_signed_file
from support.cloudformation import CloudFormation, Fault
from support.lambda_context import LambdaContext

from log_group_kms.cloudformation import delivery
from log_group_kms.cloudformation.delivery import DeliveryFailed, DeliveryPolicy
from log_group_kms.cloudformation.envelope import NotAnEvent
from log_group_kms.cloudformation.resource import LogGroupKmsResource
from log_group_kms.model.physical_id import NOTHING_ASSOCIATED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ARN = "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/lambda/orders"

#: The same attempts as in production, without the pauses.
UNLIMITED = DeliveryPolicy(pause=0.0)

#: For a far side that hangs: gives up soon, and still waits long enough for one that does not.
SOON = DeliveryPolicy(attempts=2, longest_attempt=0.5, pause=0.0)

#: In milliseconds: the backstop fires at three quarters of it.
NEARLY_OVER = 40


@pytest.fixture
def cloudformation() -> Iterator[CloudFormation]:
    """A CloudFormation that raises, at the test's end, whatever the provider did against the protocol."""
    with CloudFormation.start() as it:
        yield it


def a_resource(
    work: Callable[[LogGroupKmsResource, dict[str, Any]], Any] = lambda _resource, _event: ARN,
    policy: DeliveryPolicy = UNLIMITED,
) -> LogGroupKmsResource:
    """A resource whose handler function does *work* for each request type."""
    resource = LogGroupKmsResource(policy)

    @resource.create
    @resource.update
    @resource.delete
    def answer(event: dict[str, Any], _context: object) -> Any:
        return work(resource, event)

    return resource


def raising(error: BaseException) -> Callable[[LogGroupKmsResource, dict[str, Any]], NoReturn]:
    """Work that fails."""

    def work(_resource: LogGroupKmsResource, _event: dict[str, Any]) -> NoReturn:
        raise error

    return work


def until_answered(resource: LogGroupKmsResource, _event: dict[str, Any]) -> str:
    """Work that would never end, and heeds the word that its time is over."""
    pause = threading.Event()
    while not resource.answered:
        pause.wait(0.001)
    return ARN


def backstop() -> threading.Timer:
    """The timer of the event at work."""
    timers = [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]
    (timer,) = [timer for timer in timers if not timer.finished.is_set()]
    return timer


# What the handler function does is what CloudFormation gets.


@pytest.mark.parametrize("request_type", ["Create", "Update", "Delete"])
def test_an_event_is_answered_with_what_the_handler_function_says(
    cloudformation: CloudFormation, request_type: str
) -> None:
    """Physical id, Data and Reason arrive as the handler function gave them."""

    def work(resource: LogGroupKmsResource, event: dict[str, Any]) -> str:
        resource.Data = {"LogGroupName": event["ResourceProperties"]["LogGroupName"]}
        resource.Reason = "had the key already"
        return ARN

    event = cloudformation.event(request_type, properties={"LogGroupName": "/aws/lambda/orders"})
    a_resource(work)(event, LambdaContext())

    answer = cloudformation.answer_to(event)
    assert (answer.status, answer.reason, answer.physical_resource_id, answer.data, answer.no_echo) == (
        "SUCCESS",
        "had the key already",
        ARN,
        {"LogGroupName": "/aws/lambda/orders"},
        False,
    )


def test_the_handler_function_gets_the_whole_event(cloudformation: CloudFormation) -> None:
    """What crhelper must not see, the handler function may need: it gets the event as Lambda handed it in."""
    event = cloudformation.event("Create")
    a_resource(lambda resource, seen: resource.fail(f"the same: {seen is event}"))(event, LambdaContext())

    assert cloudformation.answer_to(event).reason == "the same: True"


def test_a_failure_is_answered_without_a_traceback(
    cloudformation: CloudFormation, caplog: pytest.LogCaptureFixture
) -> None:
    """`return resource.fail(...)` answers FAILED with that Reason and id, and is nothing to be alarmed by."""
    event = cloudformation.event("Create")
    a_resource(lambda resource, _: resource.fail("no such key", ARN))(event, LambdaContext())

    answer = cloudformation.answer_to(event)
    assert (answer.status, answer.reason, answer.physical_resource_id) == ("FAILED", "no such key", ARN)
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize(
    ("request_type", "own_id", "answered"),
    [
        pytest.param("Create", None, ("FAILED", NOTHING_ASSOCIATED), id="a Create has nothing to fall back on"),
        pytest.param("Update", ARN, ("SUCCESS", ARN), id="an Update keeps its own"),
        pytest.param("Delete", ARN, ("SUCCESS", ARN), id="a Delete keeps its own"),
    ],
)
@pytest.mark.parametrize("returned", [None, ""], ids=["None", "empty"])
def test_no_physical_id_is_made_up(
    cloudformation: CloudFormation, request_type: str, own_id: str | None, *, answered: object, returned: str | None
) -> None:
    """Where the handler function gives no id, crhelper invents one, and the rollback's Delete would come with it."""
    event = cloudformation.event(request_type, physical_resource_id=own_id)
    a_resource(lambda _resource, _event: returned)(event, LambdaContext())

    answer = cloudformation.answer_to(event)
    assert (answer.status, answer.physical_resource_id) == answered


# Whatever goes wrong, CloudFormation gets a valid answer.


@pytest.mark.parametrize(
    ("error", "told"),
    [
        pytest.param(KeyError("KmsKeyId"), "Internal error: KeyError: 'KmsKeyId'.", id="exception"),
        pytest.param(ValueError(), "Internal error: ValueError.", id="exception without a word"),
        pytest.param(SystemExit(3), "Internal error: SystemExit: 3.", id="exit"),
        pytest.param(GeneratorExit(), "Internal error: GeneratorExit.", id="no Exception"),
    ],
)
def test_whatever_ends_the_handler_function_is_a_failure(
    cloudformation: CloudFormation, error: BaseException, told: str
) -> None:
    """The Reason begins with the cause and ends with where to look; the id is the marker."""
    context = LambdaContext()
    event = cloudformation.event("Create")
    a_resource(raising(error))(event, context)

    answer = cloudformation.answer_to(event)
    assert answer.status == "FAILED"
    assert answer.reason == f"{told} See log group {context.log_group_name}, request id {context.aws_request_id}."
    assert answer.physical_resource_id == NOTHING_ASSOCIATED
    assert answer.data == {}


def test_an_interrupt_from_the_keyboard_is_no_answer(cloudformation: CloudFormation) -> None:
    """Control-C, which only a developer can press, ends the program and leaves no timer behind."""
    before = threading.active_count()
    event = cloudformation.event("Create")

    with pytest.raises(KeyboardInterrupt):
        a_resource(raising(KeyboardInterrupt()))(event, LambdaContext())

    assert cloudformation.answers_to(event) == []
    wait_until(lambda: threading.active_count() <= before)


def test_an_unexpected_error_is_logged_once_with_its_traceback(
    cloudformation: CloudFormation, caplog: pytest.LogCaptureFixture
) -> None:
    """One record holds the traceback; the answer has one of its own."""
    a_resource(raising(KeyError("KmsKeyId")))(cloudformation.event("Create"), LambdaContext())

    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert [(record.name, "Traceback" in record.getMessage()) for record in errors] == [
        ("log_group_kms.cloudformation.resource", True),
        ("log_group_kms.cloudformation.resource", False),
    ]


def test_a_failed_event_keeps_its_own_physical_id(cloudformation: CloudFormation) -> None:
    """Until the handler function knows better, a failure has the event's own id."""
    event = cloudformation.event("Update", physical_resource_id=ARN)
    a_resource(raising(KeyError()))(event, LambdaContext())

    assert cloudformation.answer_to(event).physical_resource_id == ARN


def test_a_failed_create_has_the_id_that_the_handler_function_knew(cloudformation: CloudFormation) -> None:
    """Once something is claimed, a failure has the id of what is claimed."""

    def work(resource: LogGroupKmsResource, _event: dict[str, Any]) -> NoReturn:
        assert resource.fallback_physical_resource_id == NOTHING_ASSOCIATED
        resource.read_failure_id_from(lambda: ARN)
        raise KeyError

    event = cloudformation.event("Create")
    a_resource(work)(event, LambdaContext())

    assert cloudformation.answer_to(event).physical_resource_id == ARN


@pytest.mark.parametrize("fallback", ["", "x" * 1025], ids=["empty", "over 1 KB"])
def test_a_fallback_that_is_no_id_is_a_failure_at_once(cloudformation: CloudFormation, fallback: str) -> None:
    """The handler function cannot set an id with which a later failure could not be answered."""

    def work(resource: LogGroupKmsResource, _event: dict[str, Any]) -> str:
        resource.read_failure_id_from(lambda: fallback)
        return ARN

    event = cloudformation.event("Create")
    a_resource(work)(event, LambdaContext())

    answer = cloudformation.answer_to(event)
    assert (answer.status, answer.physical_resource_id) == ("FAILED", NOTHING_ASSOCIATED)
    assert "no physical resource id" in answer.reason


@pytest.mark.parametrize(
    "request_type",
    ["Rename", "create", "CREATE", "poll_create", "", None, 7, ["Create"]],
)
def test_an_unknown_request_type_is_a_failure(cloudformation: CloudFormation, request_type: object) -> None:
    """What is not exactly Create, Update or Delete is answered FAILED, and nothing is done."""
    event = cloudformation.event("Create") | {"RequestType": request_type}
    a_resource(raising(AssertionError("called")))(event, LambdaContext())

    answer = cloudformation.answer_to(event)
    kept = request_type if isinstance(request_type, str) else ""
    assert (answer.status, answer.reason) == (
        "FAILED",
        f"RequestType {kept!r} is not known; known are Create, Update, Delete",
    )


def test_a_request_type_without_a_handler_function_is_a_failure(cloudformation: CloudFormation) -> None:
    """Nothing registered means nothing done, which is no success."""
    event = cloudformation.event("Create")
    LogGroupKmsResource(UNLIMITED)(event, LambdaContext())

    assert cloudformation.answer_to(event).status == "FAILED"


@pytest.mark.parametrize(
    ("data", "told"),
    [
        pytest.param({"At": object()}, "cannot be written as JSON", id="no JSON"),
        pytest.param({"Count": 7}, "not all strings: 'Count'", id="no string"),
        pytest.param({"KmsKeyArn": "x" * 5000}, "The return values do not fit into the 4,096 bytes", id="too long"),
    ],
)
def test_data_that_cannot_be_sent_is_a_failure_with_ids(
    cloudformation: CloudFormation, data: dict[str, Any], told: str
) -> None:
    """With such Data, crhelper drops the ids, so that CloudFormation cannot tell whose answer it is."""

    def work(resource: LogGroupKmsResource, _event: dict[str, Any]) -> str:
        resource.Data = data
        return ARN

    event = cloudformation.event("Create")
    a_resource(work)(event, LambdaContext())

    answer = cloudformation.answer_to(event)
    assert (answer.status, answer.physical_resource_id, answer.data) == ("FAILED", ARN, {})
    assert told in answer.reason


def test_data_does_not_hide_the_reason_of_a_failure(cloudformation: CloudFormation) -> None:
    """Nobody reads the Data of a failure, so what is wrong with it is not told instead of the Reason."""

    def work(resource: LogGroupKmsResource, _event: dict[str, Any]) -> str:
        resource.Data = {"Count": 7}  # type: ignore[dict-item] # the mistake
        return resource.fail("no such key")

    event = cloudformation.event("Create")
    a_resource(work)(event, LambdaContext())

    assert cloudformation.answer_to(event).reason == "no such key"


def test_an_id_that_is_no_string_is_a_failure(cloudformation: CloudFormation) -> None:
    """A wrong return value is our own fault, and still has a valid answer."""
    event = cloudformation.event("Create")
    a_resource(lambda _resource, _event: True)(event, LambdaContext())

    answer = cloudformation.answer_to(event)
    assert (answer.status, answer.physical_resource_id) == ("FAILED", NOTHING_ASSOCIATED)


def test_a_long_reason_keeps_its_beginning(cloudformation: CloudFormation) -> None:
    """The cause stands at the beginning; crhelper keeps the last 240 characters."""
    event = cloudformation.event("Create")
    a_resource(lambda resource, _: resource.fail("The key is disabled. " + "x" * 5000, ARN))(event, LambdaContext())

    reason = cloudformation.answer_to(event).reason
    assert reason.startswith("The key is disabled. ")
    assert len(reason) > 3000


def test_a_failed_start_is_answered_with_a_physical_id(cloudformation: CloudFormation) -> None:
    """With crhelper's empty id, CloudFormation would complain about that instead of telling the cause."""
    resource = a_resource()
    resource.init_failure(ImportError("no module named boto3"))
    event = cloudformation.event("Create")
    resource(event, LambdaContext())

    answer = cloudformation.answer_to(event)
    assert (answer.status, answer.physical_resource_id) == ("FAILED", NOTHING_ASSOCIATED)
    assert answer.reason.startswith("Internal error: no module named boto3. See log group")


# One event's state is not the next one's.


def test_nothing_of_an_event_is_left_for_the_next(cloudformation: CloudFormation) -> None:
    """On a warm function, Data, Reason, NoEcho and id of one event are not in the next one's answer."""

    def work(resource: LogGroupKmsResource, event: dict[str, Any]) -> str:
        if event["LogicalResourceId"] == "First":
            resource.Data = {"Password": "secret"}
            resource.Reason = "first"
            resource.NoEcho = True
            resource.read_failure_id_from(lambda: ARN)
            return ARN
        raise KeyError

    resource = a_resource(work)
    first, second = (cloudformation.event("Create", logical_resource_id=name) for name in ("First", "Second"))
    resource(first, LambdaContext())
    resource(second, LambdaContext())

    assert cloudformation.answer_to(first).no_echo
    answer = cloudformation.answer_to(second)
    assert (answer.physical_resource_id, answer.data, answer.no_echo) == (NOTHING_ASSOCIATED, {}, False)
    assert "first" not in answer.reason


@pytest.mark.parametrize(
    "malformed",
    [
        pytest.param(lambda _event: None, id="nothing"),
        pytest.param(lambda _event: [], id="list"),
        pytest.param(lambda _event: {}, id="empty"),
        pytest.param(lambda event: {k: v for k, v in event.items() if k != "RequestId"}, id="no RequestId"),
        pytest.param(lambda event: {k: v for k, v in event.items() if k != "ResponseURL"}, id="no ResponseURL"),
        pytest.param(lambda event: event | {"ResponseURL": "http://example.com/"}, id="plain http"),
    ],
)
def test_a_malformed_event_is_not_answered_to_the_previous_url(
    cloudformation: CloudFormation, malformed: Callable[[dict[str, Any]], object]
) -> None:
    """On a warm function, an event that cannot be answered raises, and nobody gets anything."""
    resource = a_resource()
    first = cloudformation.event("Create")
    resource(first, LambdaContext())
    second = cloudformation.event("Create")

    with pytest.raises(NotAnEvent):
        resource(malformed(second), LambdaContext())

    assert cloudformation.attempts_at(first) == 1
    assert cloudformation.attempts_at(second) == 0


# The backstop.


@pytest.mark.parametrize("own_id", [None, ARN], ids=["Create", "Update"])
def test_time_running_out_is_answered_with_a_valid_id(cloudformation: CloudFormation, own_id: str | None) -> None:
    """Before the function's end the event is answered FAILED, the work is told so, and its own answer is dropped."""
    event = cloudformation.event("Update" if own_id else "Create", physical_resource_id=own_id)
    a_resource(until_answered)(event, LambdaContext(remaining_in_millis=NEARLY_OVER))

    answer = cloudformation.answer_to(event)
    assert (answer.status, answer.physical_resource_id) == ("FAILED", own_id or NOTHING_ASSOCIATED)
    assert answer.reason.startswith("The function ran out of time before the work was done. See log group /aws/lambda/")


def test_work_that_fails_because_its_time_is_over_is_not_answered_twice(
    cloudformation: CloudFormation, caplog: pytest.LogCaptureFixture
) -> None:
    """The work heeds the backstop by raising: CloudFormation hears nothing of that, the log does."""

    def work(resource: LogGroupKmsResource, event: dict[str, Any]) -> NoReturn:
        until_answered(resource, event)
        raise TimeoutError("over")

    event = cloudformation.event("Create")
    a_resource(work)(event, LambdaContext(remaining_in_millis=NEARLY_OVER))

    assert cloudformation.answer_to(event).reason.startswith("The function ran out of time")
    assert "The handler's answer came too late: FAILED Internal error: TimeoutError: over." in caplog.text


def test_no_time_at_all_is_answered_too(cloudformation: CloudFormation) -> None:
    """An event that arrives after its function's time is answered at once."""
    event = cloudformation.event("Create")
    a_resource(until_answered)(event, LambdaContext(remaining_in_millis=0))

    assert cloudformation.answer_to(event).status == "FAILED"


@pytest.mark.parametrize(
    ("remaining", "delay"),
    [
        pytest.param(900_000, 892.0, id="15 minutes: 8 seconds before the end"),
        pytest.param(32_000, 24.0, id="32 seconds: both rules meet"),
        pytest.param(4_000, 3.0, id="4 seconds: a quarter of them"),
    ],
)
def test_the_backstop_leaves_time_for_a_delivery(cloudformation: CloudFormation, remaining: int, delay: float) -> None:
    """It fires 8 seconds before the function's end, or for a short-lived one with a quarter of its time left."""
    timers: list[threading.Timer] = []

    def work(_resource: LogGroupKmsResource, _event: dict[str, Any]) -> str:
        timers.append(backstop())
        return ARN

    a_resource(work)(cloudformation.event("Create"), LambdaContext(remaining_in_millis=remaining))

    (timer,) = timers
    assert (timer.interval, timer.daemon) == (delay, True)
    wait_until(lambda: not timer.is_alive())


def test_an_answer_on_its_way_is_not_overtaken_by_the_backstop(cloudformation: CloudFormation) -> None:
    """The time runs out while the handler's answer is being delivered: that stays the only one."""
    fired: list[threading.Thread] = []

    def fire_and_give_it_time() -> None:
        fired.append(threading.Thread(target=backstop().function))
        fired[0].start()
        fired[0].join(0.05)

    cloudformation.will(fire_and_give_it_time)
    event = cloudformation.event("Create")
    a_resource()(event, LambdaContext())
    fired[0].join()

    assert cloudformation.answer_to(event).status == "SUCCESS"
    assert cloudformation.attempts_at(event) == 1


def test_the_invocation_waits_for_the_backstops_answer(cloudformation: CloudFormation) -> None:
    """The work ends while the backstop delivers: Lambda would freeze that half sent, so the invocation waits."""
    held = threading.Event()
    cloudformation.will(lambda: held.wait(0.1))
    event = cloudformation.event("Create")
    a_resource(until_answered)(event, LambdaContext(remaining_in_millis=NEARLY_OVER))

    assert cloudformation.answer_to(event).status == "FAILED"


def test_a_late_backstop_does_not_touch_the_next_event(cloudformation: CloudFormation) -> None:
    """A timer's thread that gets to run only after its event was answered says nothing about the next one."""
    callbacks: list[Callable[[], None]] = []

    def work(_resource: LogGroupKmsResource, event: dict[str, Any]) -> str:
        if event["LogicalResourceId"] == "First":
            callbacks.append(backstop().function)
        else:
            callbacks[0]()
        return ARN

    resource = a_resource(work)
    events = [cloudformation.event("Create", logical_resource_id=name) for name in ("First", "Second")]
    for event in events:
        resource(event, LambdaContext())

    assert [cloudformation.answer_to(event).status for event in events] == ["SUCCESS", "SUCCESS"]


# Another invocation will answer.


def test_an_event_left_to_a_further_invocation_is_not_answered_now(
    cloudformation: CloudFormation, caplog: pytest.LogCaptureFixture
) -> None:
    """After `answer_later()`, neither the handler's return nor the backstop sends anything."""

    def work(resource: LogGroupKmsResource, event: dict[str, Any]) -> str:
        left.append(resource.answer_later())
        backstop().function()
        return until_answered(resource, event)

    left: list[bool] = []
    event = cloudformation.event("Create")
    a_resource(work)(event, LambdaContext())

    assert left == [True]
    assert cloudformation.attempts_at(event) == 0
    assert caplog.text == ""


def test_an_event_that_is_answered_cannot_be_left_to_another(cloudformation: CloudFormation) -> None:
    """The backstop came first: there is nothing to continue."""
    left = []

    def work(resource: LogGroupKmsResource, event: dict[str, Any]) -> str:
        until_answered(resource, event)
        left.append(resource.answer_later())
        return ARN

    event = cloudformation.event("Create")
    a_resource(work)(event, LambdaContext(remaining_in_millis=NEARLY_OVER))

    assert left == [False]
    assert cloudformation.answer_to(event).status == "FAILED"


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(raising(ConnectionError("lambda:InvokeFunction")), id="raises"),
        pytest.param(lambda resource, _event: resource.fail("lambda:InvokeFunction"), id="fails"),
    ],
)
def test_a_further_invocation_that_cannot_be_had_is_a_failure(
    cloudformation: CloudFormation, end: Callable[[LogGroupKmsResource, dict[str, Any]], str]
) -> None:
    """If the handler function raises or fails after `answer_later()`, nobody else would answer."""

    def work(resource: LogGroupKmsResource, event: dict[str, Any]) -> str:
        resource.answer_later()
        return end(resource, event)

    event = cloudformation.event("Create")
    a_resource(work)(event, LambdaContext())

    answer = cloudformation.answer_to(event)
    assert answer.status == "FAILED"
    assert "lambda:InvokeFunction" in answer.reason


# Delivery.


@pytest.mark.parametrize(
    "faults",
    [
        pytest.param([500], id="500"),
        pytest.param([503, 503, 503], id="503 three times"),
        pytest.param([429], id="429"),
        pytest.param([Fault.DROP], id="connection closed"),
        pytest.param([Fault.DROP, 502, 504], id="one thing after the other"),
    ],
)
def test_a_delivery_that_failed_in_transit_is_repeated(
    cloudformation: CloudFormation, faults: list[int | Fault]
) -> None:
    """What S3 or the network may heal is tried again, without pausing for as long as Retry-After says."""
    cloudformation.will(*faults)
    event = cloudformation.event("Create")
    a_resource()(event, LambdaContext())

    assert cloudformation.answer_to(event).status == "SUCCESS"
    assert cloudformation.attempts_at(event) == len(faults) + 1


def test_a_far_side_that_hangs_is_asked_again(cloudformation: CloudFormation) -> None:
    """No socket is waited on until the function is killed."""
    cloudformation.will(Fault.HANG)
    event = cloudformation.event("Create")
    a_resource(policy=SOON)(event, LambdaContext())

    assert cloudformation.answer_to(event).status == "SUCCESS"


@pytest.mark.parametrize(
    ("reactions", "attempts", "told"),
    [
        pytest.param([403], 1, "HTTP status 403", id="403 is final"),
        pytest.param([307], 1, "HTTP status 307", id="a redirect is not followed"),
        pytest.param([503] * 9, 4, "HTTP status 503", id="503 for too long"),
        pytest.param([Fault.DROP] * 9, 4, "ProtocolError", id="connections closed for too long"),
    ],
)
@pytest.mark.parametrize(
    "work", [lambda *_: ARN, raising(KeyError()), until_answered], ids=["works", "raises", "times out"]
)
def test_an_answer_that_cannot_be_delivered_fails_the_invocation(
    cloudformation: CloudFormation,
    work: Callable[[LogGroupKmsResource, dict[str, Any]], Any],
    reactions: list[int | Fault],
    attempts: int,
    told: str,
) -> None:
    """The invocation raises, after one series of attempts; neither the error nor where it came from has the URL."""
    cloudformation.will(*reactions)
    event = cloudformation.event("Create")
    context = LambdaContext(remaining_in_millis=NEARLY_OVER if work is until_answered else 900_000)

    with pytest.raises(DeliveryFailed, match=f"^CloudFormation did not get the answer: {told}$") as caught:
        a_resource(work)(event, context)

    assert cloudformation.attempts_at(event) == attempts
    assert cloudformation.answers_to(event) == []
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


def test_a_failed_delivery_is_not_the_next_events_failure(cloudformation: CloudFormation) -> None:
    """A warm function answers the next event as ever."""
    cloudformation.will(403)
    resource = a_resource()
    with pytest.raises(DeliveryFailed):
        resource(cloudformation.event("Create"), LambdaContext())
    event = cloudformation.event("Create")
    resource(event, LambdaContext())

    assert cloudformation.answer_to(event).status == "SUCCESS"


def test_https_is_spoken_with_whom_the_system_trusts(trusted: ssl.SSLContext) -> None:
    """An answer goes over TLS to a host whose certificate the system's authorities vouch for."""
    with CloudFormation.start(tls=trusted) as cloudformation:
        event = cloudformation.event("Create")
        a_resource()(event, LambdaContext())

        assert cloudformation.answer_to(event).status == "SUCCESS"


def test_nobody_else_gets_an_answer_over_https(trusted: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch) -> None:
    """A certificate that nobody vouches for ends the delivery before a byte of the answer is sent."""
    monkeypatch.delenv("SSL_CERT_FILE")
    with CloudFormation.start(tls=trusted) as cloudformation:
        event = cloudformation.event("Create")
        with pytest.raises(DeliveryFailed, match="SSLError"):
            a_resource()(event, LambdaContext())

        assert cloudformation.attempts_at(event) == 0


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ssl.SSLContext]:
    """A server's side of TLS, with a certificate that the system trusts for this test."""
    certificate = self_signed_file(tmp_path / "certificate.pem")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    # The pool outlives an event, and so would this test's idea of whom to trust.
    delivery._pool.cache_clear()  # noqa: SLF001
    yield context
    delivery._pool.cache_clear()  # noqa: SLF001


# No log holds what lets anyone answer.


@pytest.mark.parametrize("work", ["works", "raises", "quotes the event", "chains the event", "times out"])
@pytest.mark.parametrize("far_side", ["well", 403, 503, Fault.DROP, "refuses"], ids=str)
def test_no_log_at_any_level_holds_the_url(
    cloudformation: CloudFormation,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    work: str,
    far_side: str | int | Fault,
) -> None:
    """Every logger at DEBUG, in every path: no part of signature, credential or token is written or raised."""
    for name in (None, "urllib3", "urllib3.connectionpool", "urllib3.util.retry", "boto3", "botocore", "crhelper"):
        caplog.set_level(logging.DEBUG, logger=name)
    event = cloudformation.event("Create")
    if far_side == "refuses":
        cloudformation.close()
    elif isinstance(far_side, int | Fault):
        cloudformation.will(*[far_side] * 4)
    context = LambdaContext(remaining_in_millis=NEARLY_OVER if work == "times out" else 900_000)

    raised = ""
    try:
        a_resource(WORKS[work])(event, context)
    except DeliveryFailed:
        raised = traceback.format_exc()

    assert bool(raised) == (far_side != "well")
    written = caplog.text + raised + "".join(capfd.readouterr())
    assert [secret for secret in secrets_of(event) if secret in written] == []
    assert [answer for answer in cloudformation.answers_to(event) if "X-Amz" in answer.reason] == []


def quote_the_event(_resource: LogGroupKmsResource, event: dict[str, Any]) -> NoReturn:
    """An error such as a validation library's, which shows what it got."""
    raise ValueError(f"cannot understand {event}")


def chain_the_event(_resource: LogGroupKmsResource, event: dict[str, Any]) -> NoReturn:
    """The URL is in what the error came from."""
    try:
        raise KeyError(event["ResponseURL"])
    except KeyError as error:
        raise ValueError("cannot understand it") from error


WORKS: dict[str, Callable[[LogGroupKmsResource, dict[str, Any]], Any]] = {
    "works": lambda _resource, _event: ARN,
    "raises": raising(KeyError("KmsKeyId")),
    "quotes the event": quote_the_event,
    "chains the event": chain_the_event,
    "times out": until_answered,
}


def secrets_of(event: dict[str, Any]) -> list[str]:
    """The parts of the URL that nobody may read, and some that would only be there with them."""
    query = event["ResponseURL"].partition("?")[2]
    values = dict(pair.split("=", 1) for pair in query.split("&"))
    return [
        values["X-Amz-Signature"],
        values["X-Amz-Signature"][:16],
        "AKIAIOSFODNN7EXAMPLE",
        "IQoJb3JpZ2luX2VjE",
        "X-Amz-Signature",
    ]


def test_others_are_still_heard(cloudformation: CloudFormation, caplog: pytest.LogCaptureFixture) -> None:
    """urllib3's own words are only kept back while an answer is delivered, and only in that thread."""
    caplog.set_level(logging.DEBUG)
    heard = logging.getLogger("urllib3.connectionpool")

    def say_something() -> None:
        heard.debug("from another thread, meanwhile")

    cloudformation.will(say_something)
    a_resource()(cloudformation.event("Create"), LambdaContext())
    heard.debug("from this thread, afterwards")

    said = [record.getMessage() for record in caplog.records if record.name == heard.name]
    assert said == ["from another thread, meanwhile", "from this thread, afterwards"]


# What crhelper does to the process.


@pytest.mark.parametrize("before", [None, "true", "1"])
def test_making_the_resource_leaves_the_environment_as_it_is(
    monkeypatch: pytest.MonkeyPatch, before: str | None
) -> None:
    """AWS_SAM_LOCAL, which keeps crhelper from making clients, is what it was before."""
    if before is None:
        monkeypatch.delenv("AWS_SAM_LOCAL", raising=False)
    else:
        monkeypatch.setenv("AWS_SAM_LOCAL", before)
    LogGroupKmsResource()

    assert os.environ.get("AWS_SAM_LOCAL") == before


def test_making_the_resource_makes_no_client() -> None:
    """No AWS client is made at import or for an event; without a Region, crhelper's would fail."""
    program = (
        "import boto3; boto3.client = None\n"
        "from log_group_kms.cloudformation.resource import LogGroupKmsResource\n"
        "resource = LogGroupKmsResource()\n"
        "assert not any(name.endswith('_client') for name in vars(resource)), vars(resource)\n"
        "assert resource._init_failed is None\n"
    )
    environment = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "PATH": os.defpath}

    subprocess.run([sys.executable, "-c", program], env=environment, check=True)  # noqa: S603 - our own words


@pytest.mark.parametrize("level", [logging.WARNING, logging.INFO, logging.NOTSET], ids=logging.getLevelName)
def test_no_level_or_handler_of_the_process_is_changed(cloudformation: CloudFormation, level: int) -> None:
    """The root logger, its handlers and the SDK's loggers are the function's own business."""
    loggers = [logging.getLogger(name) for name in (None, "boto", "boto3", "botocore", "urllib3", "crhelper")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(level)
    handlers = [(handler, handler.formatter, handler.level) for handler in logging.root.handlers]
    try:
        a_resource()(cloudformation.event("Create"), LambdaContext())
        after = [logger.level for logger in loggers]
    finally:
        for logger, former in zip(loggers, before, strict=True):
            logger.setLevel(former)

    assert after == [level] * len(loggers)
    assert [(handler, handler.formatter, handler.level) for handler in logging.root.handlers] == handlers


def test_a_delete_does_not_sleep(cloudformation: CloudFormation) -> None:
    """The two minutes that crhelper waits for its logs are gone: it asks for no sleep at all."""
    slept: list[float] = []
    event = cloudformation.event("Delete", physical_resource_id=ARN)
    resource = a_resource()
    resource(event, LambdaContext())
    resource._wait_for_cwlogs(sleep=slept.append)  # type: ignore[attr-defined]  # noqa: SLF001 - crhelper's own seam

    assert cloudformation.answer_to(event).status == "SUCCESS"
    assert slept == []


@pytest.mark.parametrize("decorator", ["poll_create", "poll_update", "poll_delete"])
def test_there_is_no_polling(decorator: str) -> None:
    """A poll function would make every event poll, with a rule and a permission each: it cannot be registered."""
    with pytest.raises(NotImplementedError, match="answer_later"):
        getattr(LogGroupKmsResource(), decorator)(lambda _event, _context: ARN)


def test_without_an_event_there_is_nothing_to_answer() -> None:
    """A resource that has not seen an event is not over, and has no id to give."""
    resource = LogGroupKmsResource()

    assert not resource.answered
    with pytest.raises(RuntimeError, match="no event"):
        resource.answer_later()


def wait_until(reached: Callable[[], bool]) -> None:
    """Let other threads end; a test that waits in vain is ended by the runner."""
    pause = threading.Event()
    while not reached():
        pause.wait(0.001)
