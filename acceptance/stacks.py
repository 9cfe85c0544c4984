"""Stacks driven through CloudFormation."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import ClientError

from acceptance.account import Account
from acceptance.names import Run

CREATED: Final = "CREATE_COMPLETE"
UPDATED: Final = "UPDATE_COMPLETE"
_NONE: Final[Mapping[str, str]] = {}
#: Roles without names of their own, and the transform of SAM.
_CAPABILITIES: Final = ("CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND")
#: The embedded AWS has no TLS.
_URL: Final = re.compile(r"https?://")


class StackFailedError(Exception):
    """A stack did not become what it should; the message has CloudFormation's reasons."""


@dataclass(frozen=True, slots=True)
class Stacks:
    """The stacks of a run."""

    account: Account
    run: Run

    def create(self, name: str, template: str, parameters: Mapping[str, str] = _NONE) -> dict[str, str]:
        """Create a stack from a template, or from the URL of one in a bucket, and return its outputs.

        Raises:
            StackFailedError: it is not created.
        """
        self._require(name, self.change("create_stack", name, template, parameters), CREATED)
        return self.outputs(name)

    def update(self, name: str, template: str) -> None:
        """Update a stack.

        Raises:
            StackFailedError: it is not updated.
        """
        self._require(name, self.change("update_stack", name, template), UPDATED)

    def delete(self, name: str) -> None:
        """Delete a stack that the run drives.

        Raises:
            StackFailedError: it is still there.
        """
        self.account.cloudformation.delete_stack(StackName=name)
        self._require(name, self.settled(name), "")

    def change(self, operation: str, name: str, template: str, parameters: Mapping[str, str] = _NONE) -> str:
        """Create or update a stack, and return its status once it has settled, whatever that is."""
        getattr(self.account.cloudformation, operation)(
            StackName=name,
            **{"TemplateURL" if _URL.match(template) else "TemplateBody": template},
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            Capabilities=list(_CAPABILITIES),
            Tags=[{"Key": key, "Value": value} for key, value in self.run.tags.items()],
        )
        return self.settled(name)

    def status(self, name: str) -> str:
        """Return the status of a stack; empty where there is none."""
        try:
            [stack] = self.account.cloudformation.describe_stacks(StackName=name)["Stacks"]
        except ClientError as error:
            if "does not exist" not in str(error):
                raise
            return ""
        return "" if stack["StackStatus"] == "DELETE_COMPLETE" else stack["StackStatus"]

    def settled(self, name: str) -> str:
        """Wait until a stack changes no more, and return its status.

        Raises:
            NotSeenError: it still changes after a long time.
        """

        def settled() -> str | None:
            status = self.status(name)
            return None if status.endswith("_IN_PROGRESS") else status

        return self.account.until(settled, self.account.waits.stack, f"the stack {name} has settled")[0]

    def outputs(self, name: str) -> dict[str, str]:
        """Return the outputs of a stack that is there."""
        [stack] = self.account.cloudformation.describe_stacks(StackName=name)["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}

    def failures(self, name: str) -> list[str]:
        """Return the reasons of all failures of a stack that is there, the first one first."""
        pages = self.account.cloudformation.get_paginator("describe_stack_events").paginate(StackName=name)
        events = [event for page in pages for event in page["StackEvents"]]
        failed = [event for event in reversed(events) if event.get("ResourceStatus", "").endswith("_FAILED")]
        return [event.get("ResourceStatusReason", "") for event in failed]

    def _require(self, name: str, status: str, wanted: str) -> None:
        if status != wanted:
            reasons = "; ".join(self.failures(name)[:3]) if status else "it is gone"
            raise StackFailedError(f"{name} is {status or 'gone'}: {reasons}")


def associations(run: Run, service_timeout: int, **resources: Mapping[str, Any]) -> str:
    """Return a template with these resources of the run's provider, and what each of them returns."""
    token = {"Fn::ImportValue": run.export}
    given = {"ServiceToken": token, "ServiceTimeout": service_timeout}
    counts = ("KmsKeyArn", "PreviousKmsKeyArn", "MatchedCount", "AssociatedCount", "SkippedCount")
    return json.dumps(
        {
            "Resources": {
                name: {"Type": "Custom::LogGroupKmsAssociation", "Properties": {**given, **properties}}
                for name, properties in resources.items()
            },
            "Outputs": {
                f"{name}{count}": {"Value": {"Fn::GetAtt": [name, count]}} for name in resources for count in counts
            },
        }
    )
