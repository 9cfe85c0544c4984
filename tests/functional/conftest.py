"""Functional: events in, answers out. The handler runs in this process, AWS and CloudFormation on loopback."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest
from functional.enrolments import EVENTS, RULE, Enrolment
from samtranslator.yaml_helper import yaml_parse
from support.cloudformation import CloudFormation
from support.lambda_context import LambdaContext

from log_group_kms.aws.clients import Aws
from log_group_kms.handlers import enrolment, shared
from log_group_kms.handlers import provider as handler
from log_group_kms.retry.rate_limits import DEFAULT_RATE_LIMITS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mypy_boto3_kms.literals import KeySpecType
    from support.cloudformation import ReceivedResponse

    from local.client.embedded_aws import EmbeddedAws


@dataclass
class HurriedClock:
    """Real time, but no sleep takes any."""

    ahead: float = 0.0
    slept: list[float] = field(default_factory=list)

    def now(self) -> float:
        return time.time() + self.ahead

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.ahead += seconds


@dataclass
class Deployment:
    """The provider in an account, and the CloudFormation that sends it events."""

    aws: EmbeddedAws
    cloudformation: CloudFormation
    clock: HurriedClock
    context: LambdaContext = field(default_factory=LambdaContext)

    def send(self, event: Mapping[str, Any]) -> ReceivedResponse:
        """What CloudFormation gets for *event*."""
        handler.handler(dict(event), self.context)  # type: ignore[arg-type] # all that is used of Lambda's context
        return self.cloudformation.response_to(event)

    def send_file(self, name: str, **changes: object) -> ReceivedResponse:
        """The same for a file of `events/`, with *changes* to its top level."""
        event = json.loads((EVENTS / name).read_text()) | changes
        return self.send(self.cloudformation.sending(event))

    def key_of(self, log_group: str) -> str | None:
        """The key in force."""
        return self._group(log_group).get("kmsKeyId")

    def tags_of(self, log_group: str) -> dict[str, str]:
        """All of the log group's tags."""
        arn = self._group(log_group)["logGroupArn"]
        return self.aws.client("logs").list_tags_for_resource(resourceArn=arn)["tags"]

    def log_group(self, name: str, key: str | None = None) -> str:
        """A log group, under *key* if given."""
        logs = self.aws.client("logs")
        logs.create_log_group(logGroupName=name)
        if key:
            logs.associate_kms_key(logGroupName=name, kmsKeyId=key)
        return name

    def key(self, *, for_logs: bool = True, spec: KeySpecType = "SYMMETRIC_DEFAULT") -> str:
        """A customer managed key; its policy lets CloudWatch Logs use it unless told otherwise."""
        root: dict[str, object] = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{self.aws.account}:root"}}
        logs: dict[str, object] = {"Effect": "Allow", "Principal": {"Service": f"logs.{self.aws.region}.amazonaws.com"}}
        whom = [root, logs] if for_logs else [root]
        policy = {
            "Version": "2012-10-17",
            "Statement": [{**statement, "Action": "kms:*", "Resource": "*"} for statement in whom],
        }
        made = self.aws.client("kms").create_key(Policy=json.dumps(policy), KeySpec=spec)
        return made["KeyMetadata"]["Arn"]

    def _group(self, name: str) -> dict[str, Any]:
        found = self.aws.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
        (group,) = (dict(group) for group in found if group["logGroupName"] == name)
        return group


@pytest.fixture
def deployment(embedded_aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    """An empty account, whose provider waits without taking time."""
    embedded_aws.reset()
    for name, value in embedded_aws.environment.items():
        monkeypatch.setenv(name, value)
    clock = HurriedClock()
    monkeypatch.setattr(handler, "clock", clock)
    monkeypatch.setattr(handler, "aws", Aws())
    with CloudFormation.start() as cloudformation:
        yield Deployment(embedded_aws, cloudformation, clock)


@pytest.fixture
def one_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fleet whose log groups are worked on one by one.

    No sleep takes time here, but each call does: while one of several workers calls, the others' turns would take the
    clock ahead by seconds, and no look at a log group would be fresh when it is acted upon.
    """
    monkeypatch.setattr(shared, "DEFAULT_RATE_LIMITS", replace(DEFAULT_RATE_LIMITS, workers=1))


@pytest.fixture
def fleet(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> Enrolment:
    """An account with a key, the fleet's rule, and the function that works for it."""
    template = yaml_parse((EVENTS / "template.yaml").read_text())
    declared = template["Resources"]["EnrolmentFunction"]["Properties"]["Environment"]["Variables"]
    for name, value in declared.items():
        if not name.startswith("AWS_"):
            text = value["Fn::Sub"].replace("${AWS::Partition}", "aws") if isinstance(value, dict) else str(value)
            monkeypatch.setenv(name, text)
    monkeypatch.setenv("ASSOCIATIONS_PER_SECOND", "1000")
    key = deployment.key()
    monkeypatch.setenv("KMS_KEY_ID", key)
    monkeypatch.setattr(enrolment, "clock", deployment.clock)
    monkeypatch.setattr(enrolment, "aws", Aws())
    deployment.aws.client("events").put_rule(Name=RULE, EventPattern='{"source": ["aws.logs"]}')
    return Enrolment(deployment, key, monkeypatch)
