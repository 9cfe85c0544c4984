"""The provider dies, and CloudFormation hears of it within seconds: built, deployed and driven for real, IAM enforced.

What is deployed is the provider with one more module, which ends it in several ways. A test chooses one by making that
module's function the handler, and mends the provider by putting its own handler back.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from e2e.scene import QUOTA_FACTOR

from local.client import keys
from local.client.embedded_aws import EmbeddedAws
from local.client.stacks import Stacks
from local.demo import provider
from local.demo.associations import Encryption, encryption_of, owner_of, template
from local.emulator.script import CustomResourceAnswer, Fault

FUNCTION = "log-group-kms-association"
MARKER = "log-group-kms-association:nothing-associated"
PERHAPS = "log-group-kms-association:perhaps-associated"

#: Seconds to look for an answer that must come; CloudFormation itself would wait 60 (ServiceTimeout).
SOON = 25.0

WELL = "log_group_kms.handlers.provider.handler"
BROKEN_IMPORT = "import a_dependency_that_is_missing\n"
SABOTAGE = """
import os, signal, time
from log_group_kms.cloudformation.delivery import Delivery
from log_group_kms.handlers.provider import handler

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

def killed(event, context):
    die()

def hangs(event, context):
    time.sleep(60)

def killed_after_the_answer(event, context):
    handler(event, context)
    if event["RequestType"] == "Create":
        die()

def killed_before_the_answer(event, context):
    if event["RequestType"] == "Create":
        Delivery.put = die
    handler(event, context)
"""


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedAws]:
    """An account with a provider that can be broken, and whose events are kept for 2 s instead of 10 minutes."""
    sam = provider.Sam(tmp_path_factory.mktemp("sam"))
    built = sam.build()
    package = built.parent / "ProviderFunction"
    (package / "broken.py").write_text(BROKEN_IMPORT)
    (package / "sabotage.py").write_text(SABOTAGE)
    real = built.read_text()
    impatient = real.replace("MaximumEventAgeInSeconds: 600", "MaximumEventAgeInSeconds: 2")
    assert impatient != real
    built.write_text(impatient)
    with EmbeddedAws.start(auth=True, quota_factor=QUOTA_FACTOR, patient=True) as started:
        sam.deploy(started, built)
        yield started


@dataclass(frozen=True, slots=True)
class Scene:
    """One test's own log group and stack, and the provider that it breaks."""

    aws: EmbeddedAws
    log_group: str
    stack: str
    key: str

    @property
    def arn(self) -> str:
        """The id of a success."""
        return f"arn:aws:logs:{self.aws.region}:{self.aws.account}:log-group:{self.log_group}"

    @property
    def stacks(self) -> Stacks:
        """All stacks."""
        return Stacks(self.aws)

    @property
    def encryption(self) -> Encryption | None:
        """What is in force on the log group."""
        return encryption_of(self.aws, self.log_group)

    @property
    def answers(self) -> list[CustomResourceAnswer]:
        """What came for this stack, used or not."""
        return [answer for answer in self.aws.direction.answers() if f"stack/{self.stack}/" in answer.body]

    def handler(self, name: str, timeout: int = 900) -> None:
        """What the function runs from now on."""
        client = self.aws.client("lambda")
        client.update_function_configuration(FunctionName=FUNCTION, Handler=name, Timeout=timeout)

    def deploy(self, **properties: Any) -> str:
        """Create or update the stack; its status."""
        given = {"LogGroupName": self.log_group, "KmsKeyId": self.key, **properties}
        return self.stacks.deploy(self.stack, template(LogEncryption=given))

    def delete(self) -> str:
        """Delete the stack; empty once it is gone."""
        return self.stacks.delete(self.stack)


@pytest.fixture
def scene(aws: EmbeddedAws) -> Iterator[Scene]:
    """A log group that somebody made, a key, and a provider that is well again afterwards."""
    name = f"scene-{uuid4().hex[:8]}"
    scene = Scene(aws, f"/{name}", name, keys.create(aws))
    aws.client("logs").create_log_group(logGroupName=scene.log_group)
    yield scene
    scene.handler(WELL)
    aws.client("lambda").delete_function_concurrency(FunctionName=FUNCTION)
    aws.direction.forget_script()


@pytest.mark.parametrize(
    ("handler", "timeout", "reported"),
    [
        pytest.param("broken.handler", 900, "No module named 'a_dependency_that_is_missing'", id="cannot be imported"),
        pytest.param("sabotage.killed", 900, "died", id="is killed"),
        pytest.param("sabotage.hangs", 3, "Task timed out after 3.00 seconds", id="hangs"),
    ],
)
def test_a_stack_fails_soon_and_says_why(scene: Scene, handler: str, timeout: int, reported: str) -> None:
    """Create and the rollback's Delete are both answered FAILED; the stack can be deleted once the provider works."""
    scene.handler(handler, timeout)
    status = scene.deploy()
    reason, *_ = scene.stacks.failures(scene.stack)
    outputs = scene.stacks.outputs(provider.STACK)
    answered = [(a.request_type, a.answer_status, a.physical_resource_id, a.verdict) for a in scene.answers]
    scene.handler(WELL)

    assert status == "ROLLBACK_FAILED"
    assert answered == [("Create", "FAILED", PERHAPS, "used"), ("Delete", "FAILED", PERHAPS, "used")]
    assert f"The provider's function failed (RetriesExhausted). See log group {outputs['LogGroupName']}, " in reason
    assert reported in reason
    assert scene.delete() == ""
    assert scene.encryption == Encryption()


def test_a_throttled_provider_has_done_nothing_and_the_stack_is_rolled_back(scene: Scene) -> None:
    """Create gets the id of one that changed nothing, so that its Delete needs no provider either."""
    scene.aws.client("lambda").put_function_concurrency(FunctionName=FUNCTION, ReservedConcurrentExecutions=0)
    status = scene.deploy()
    (reason,) = scene.stacks.failures(scene.stack)

    assert status == "ROLLBACK_COMPLETE"
    assert [(a.request_type, a.answer_status, a.physical_resource_id) for a in scene.answers] == [
        ("Create", "FAILED", MARKER),
        ("Delete", "SUCCESS", MARKER),
    ]
    assert "The provider's function was throttled until Lambda gave the event up (EventAgeExceeded)" in reason


def test_an_answer_after_the_providers_own_changes_nothing(scene: Scene) -> None:
    """The provider answered and died all the same: CloudFormation overlooks the responder, the stack stays."""
    scene.handler("sabotage.killed_after_the_answer")
    status = scene.deploy()
    deadline = time.monotonic() + SOON
    while len(scene.answers) == 1 and time.monotonic() < deadline:
        time.sleep(0.05)
    answers = scene.answers

    assert [(a.answer_status, a.verdict) for a in answers] == [("SUCCESS", "used"), ("FAILED", "late")]
    assert status == scene.stacks.status(scene.stack) == "CREATE_COMPLETE"
    assert scene.stacks.failures(scene.stack) == []
    assert scene.encryption == Encryption(scene.key, owner_of(scene.stacks, scene.stack, "LogEncryption"), "none")
    assert scene.delete() == ""
    assert scene.encryption == Encryption()


def test_what_a_create_did_before_it_died_is_undone(scene: Scene) -> None:
    """The rollback's Delete goes by the tags: it finds the claim and gives back."""
    teams = keys.create(scene.aws)
    scene.aws.client("logs").associate_kms_key(logGroupName=scene.log_group, kmsKeyId=teams)
    scene.handler("sabotage.killed_before_the_answer")
    status = scene.deploy()
    associated = [c.operation for c in scene.aws.direction.calls() if c.by_function and c.log_group == scene.log_group]

    assert status == "ROLLBACK_COMPLETE"
    assert [(a.request_type, a.answer_status, a.verdict) for a in scene.answers] == [
        ("Create", "FAILED", "used"),
        ("Delete", "SUCCESS", "used"),
    ]
    assert associated.count("logs:AssociateKmsKey") == 2
    assert scene.encryption == Encryption(teams)


def test_an_answer_that_the_provider_could_not_deliver_is_the_responders(scene: Scene) -> None:
    """Refused once for good, the provider's invocation fails; the responder's answer is taken, and all is undone."""
    scene.aws.direction.answer_with(Fault("cloudformation:Answer", "AccessDenied", "Access Denied", status=403))
    status = scene.deploy()
    reason, *_ = scene.stacks.failures(scene.stack)

    assert status == "ROLLBACK_COMPLETE"
    assert "CloudFormation did not get the response: HTTP status 403" in reason
    assert [(a.request_type, a.answer_status, a.http_status) for a in scene.answers] == [
        ("Create", "SUCCESS", 403),
        ("Create", "FAILED", 200),
        ("Delete", "SUCCESS", 200),
    ]
    assert scene.encryption == Encryption()


def test_an_update_that_died_keeps_the_resource(scene: Scene) -> None:
    """The physical id stays, so that nothing is deleted; the rollback goes on once the provider works."""
    scene.deploy()
    scene.handler("sabotage.killed")
    status = scene.deploy(OnDelete="Retain")
    answered = [(a.request_type, a.answer_status, a.physical_resource_id) for a in scene.answers[1:]]
    kept = scene.encryption
    scene.handler(WELL)
    client = scene.aws.client("cloudformation")
    client.continue_update_rollback(StackName=scene.stack)
    client.get_waiter("stack_rollback_complete").wait(StackName=scene.stack, WaiterConfig={"Delay": 1})

    assert status == "UPDATE_ROLLBACK_FAILED"
    assert scene.stacks.status(scene.stack) == "UPDATE_ROLLBACK_COMPLETE"
    assert answered == [("Update", "FAILED", scene.arn)] * 2
    assert kept == Encryption(scene.key, owner_of(scene.stacks, scene.stack, "LogEncryption"), "none")
    assert scene.delete() == ""


def test_a_responder_that_is_refused_is_invoked_again(scene: Scene) -> None:
    """CloudFormation's storage is down for longer than one invocation of the responder tries."""
    scene.aws.direction.answer_with(Fault("cloudformation:Answer", "SlowDown", "Slow down", status=503, times=5))
    scene.handler("broken.handler")
    status = scene.deploy()
    scene.handler(WELL)

    assert status == "ROLLBACK_FAILED"
    assert [a.http_status for a in scene.answers] == [503] * 5 + [200] * 2


def test_the_responders_log_says_what_it_answered_and_holds_no_url(scene: Scene) -> None:
    """Under its own role, in its own log group."""
    scene.handler("broken.handler")
    scene.deploy()
    log = scene.stacks.outputs(provider.STACK)["ResponderLogGroupName"]
    pages = scene.aws.client("logs").get_paginator("filter_log_events").paginate(logGroupName=log)
    lines = [event["message"] for page in pages for event in page["events"]]

    assert len([line for line in lines if scene.stack in line and '"status": "FAILED"' in line]) == 2
    assert [line for line in lines if "X-Amz-" in line] == []
