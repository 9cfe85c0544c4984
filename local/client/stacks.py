"""Stacks driven through CloudFormation, and an account seen and changed beside them."""

import time
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from local.client.embedded_aws import EmbeddedAws
from local.client.server import Server, Settings
from local.emulator.script import LogGroups

#: Seconds. Longer than a custom resource waits for anything that a test does not script.
_PATIENCE: Final = 180.0
_BETWEEN_LOOKS: Final = 0.05


class StackNotSettledError(Exception):
    """A stack is still changing after a long time."""


class Stacks:
    """The stacks of an account and Region."""

    def __init__(self, aws: EmbeddedAws) -> None:
        self._client = aws.client("cloudformation")

    def deploy(self, name: str, template: str, **parameters: str) -> str:
        """Create or update a stack from a template or the URL of one; return its status once it has settled.

        An update that changes nothing is no error, as for `aws cloudformation deploy`.

        Raises:
            ClientError: CloudFormation refused the template or a parameter.
            StackNotSettledError: the stack is still changing after three minutes.
        """
        given = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
        change = self._client.update_stack if self.status(name) else self._client.create_stack
        source = "TemplateURL" if template.startswith("http") else "TemplateBody"
        try:
            change(
                StackName=name,
                # The stubs know either name alone, and parameters as a type of their own.
                **{source: template},  # type: ignore[arg-type] # see above
                Parameters=given,  # type: ignore[arg-type] # see above
                # A template may make roles, and none with a name of its own.
                Capabilities=["CAPABILITY_IAM"],
            )
        except ClientError as error:
            if "No updates are to be performed" not in str(error):
                raise
        return self._settled(name)

    def delete(self, name: str) -> str:
        """Delete a stack, and return its status in the end: empty where it is gone.

        Raises:
            StackNotSettledError: as for `deploy`.
        """
        self._client.delete_stack(StackName=name)
        status = self._settled(name)
        return "" if status == "DELETE_COMPLETE" else status

    def status(self, name: str) -> str:
        """Return the status that DescribeStacks shows; empty where there is no such stack."""
        try:
            [stack] = self._client.describe_stacks(StackName=name)["Stacks"]
        except ClientError as error:
            if "does not exist" not in str(error):
                raise
            return ""
        return stack["StackStatus"]

    def stack_id(self, name: str) -> str:
        """Return the ARN of a stack that is there."""
        [stack] = self._client.describe_stacks(StackName=name)["Stacks"]
        return stack["StackId"]

    def statuses(self) -> dict[str, str]:
        """Return the status of every stack that is not deleted, by its name."""
        found = self._client.describe_stacks()["Stacks"]
        return {stack["StackName"]: stack["StackStatus"] for stack in found}

    def outputs(self, name: str) -> dict[str, str]:
        """Return the outputs of a stack that is there."""
        [stack] = self._client.describe_stacks(StackName=name)["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}

    def physical_id(self, name: str, logical_id: str) -> str:
        """Return the physical id of a resource; empty where it has none yet."""
        found = self._client.describe_stack_resource(StackName=name, LogicalResourceId=logical_id)
        return found["StackResourceDetail"].get("PhysicalResourceId", "")

    def failures(self, name: str) -> list[str]:
        """Return the Reasons of all failed events of a stack that is there, the first one first."""
        events = self._client.describe_stack_events(StackName=name)["StackEvents"]
        return [
            event.get("ResourceStatusReason", "")
            for event in reversed(events)
            if event.get("ResourceStatus", "").endswith("_FAILED")
        ]

    def history(self, name: str, logical_id: str) -> list[str]:
        """Return every status that one resource of a stack has had, the first one first."""
        events = self._client.describe_stack_events(StackName=name)["StackEvents"]
        return [e.get("ResourceStatus", "") for e in reversed(events) if e.get("LogicalResourceId") == logical_id]

    def _settled(self, name: str) -> str:
        deadline = time.monotonic() + _PATIENCE
        while (status := self.status(name)).endswith("_IN_PROGRESS"):
            if time.monotonic() > deadline:
                raise StackNotSettledError(f"{name} is still {status} after {_PATIENCE:.0f} s")
            time.sleep(_BETWEEN_LOOKS)
        return status


def query_results_key(aws: EmbeddedAws, log_group: str) -> str | None:
    """Return the ARN of the key that query results are encrypted with, None for none.

    Only a finished query shows it; this runs one over *log_group*, which has to be there.
    """
    logs = aws.client("logs")
    query = logs.start_query(logGroupName=log_group, startTime=0, endTime=1, queryString="fields @message")
    return logs.get_query_results(queryId=query["queryId"]).get("encryptionKey")


def make_log_groups(aws: EmbeddedAws, names: Iterable[str], key: str | None = None, **tags: str) -> None:
    """Make log groups that no call makes, thousands at once, of names that are reserved for AWS too."""
    aws.direction.make_log_groups(LogGroups(list(names), aws.account, aws.region, key, tags))


def fire(aws: EmbeddedAws, rule: str) -> None:
    """Let the time of a scheduled rule come, now.

    Raises:
        NotFiredError: there is no such rule with a schedule and a target, or it is disabled.
    """
    aws.direction.fire(rule, aws.account, aws.region)


def in_region(aws: EmbeddedAws, region: str) -> EmbeddedAws:
    """Return the same embedded AWS, seen from another Region; whoever asks for it closes it."""
    return elsewhere(aws, region=region)


def elsewhere(aws: EmbeddedAws, *, account: str | None = None, region: str | None = None) -> EmbeddedAws:
    """Return the same embedded AWS, seen from another account or Region; whoever asks for it closes it."""
    running = Server(aws.direction.process_id(), urlsplit(aws.endpoint).port or 0)
    return EmbeddedAws(running, Settings(account or aws.account, region or aws.region, auth=True), patient=aws.patient)
