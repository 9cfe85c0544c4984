"""A failed custom resource gets a Delete: CloudFormation cannot know how far it came.

MiniStack rolls back only what was created. The failed resource is put among that, with the id of its FAILED answer or a
made-up one, so that MiniStack's own rollback, RollbackStack and DeleteStack send the Delete with all events.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ministack.core.responses import now_iso

from local.emulator import seams

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_FAILED: Final = "CREATE_FAILED"


@dataclass(frozen=True, slots=True)
class FailedResource:
    """A custom resource whose Create failed, or whose Update failed and named another physical id."""

    stack_name: str
    logical_id: str
    resource_type: str
    physical_id: str
    props: dict[str, Any]

    def remember(self) -> None:
        """Record it in its stack."""
        stack = seams.STACKS.get().get(self.stack_name)
        if stack is None:
            return  # everything was reset meanwhile
        resources = stack.setdefault("_resources", {})
        known = resources.get(self.logical_id)
        if known is not None and known["PhysicalResourceId"] == self.physical_id:
            return  # an Update that failed and stayed in place is sent back, and not deleted
        resources[self.logical_id] = {
            "PhysicalResourceId": self.physical_id,
            "ResourceType": self.resource_type,
            "ResourceStatus": _FAILED,
            "LogicalResourceId": self.logical_id,
            "Properties": self.props,
            "Attributes": {},
            "Timestamp": now_iso(),
        }


def install() -> None:
    """Let every rollback delete the failed resource too."""
    roll_back: Callable[..., Awaitable[None]] = seams.ROLL_BACK.get()

    async def including_failed(
        stack_name: str, stack_id: str, stack: dict[str, Any], operation: dict[str, Any], **named: Any
    ) -> None:
        failed = operation.get("failed_logical_id")
        record = stack.get("_resources", {}).get(failed)
        if record is not None and record.get("ResourceStatus") == _FAILED and failed not in operation["created"]:
            operation["created"].append(failed)
        await roll_back(stack_name, stack_id, stack, operation, **named)

    seams.ROLL_BACK.replace(including_failed)
