"""One log group and one stack in the account that has the provider.

No test empties that account: each has log groups, keys and stacks of its own.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

from local.client.embedded_aws import EmbeddedAws
from local.client.stacks import Stacks
from local.demo.associations import Encryption, encryption_of, owner_of, template

CREATED, UPDATED = "CREATE_COMPLETE", "UPDATE_COMPLETE"
#: At AWS's own quotas these tests, several stacks at once, would mostly wait: a throttled call is asked again after
#: seconds. What the quotas do to many resources at once is in `benchmarks`.
QUOTA_FACTOR: Final = 20.0


@dataclass(frozen=True, slots=True)
class Scene:
    """One test's own log group and stack."""

    aws: EmbeddedAws
    log_group: str
    stack: str

    @classmethod
    def in_(cls, aws: EmbeddedAws) -> "Scene":
        """Return one with a log group that somebody else made."""
        name = f"scene-{uuid4().hex[:8]}"
        scene = cls(aws, f"/{name}", name)
        scene.create_log_group(scene.log_group)
        return scene

    @property
    def stacks(self) -> Stacks:
        """All stacks of the Region."""
        return Stacks(self.aws)

    @property
    def encryption(self) -> Encryption | None:
        """The encryption in force on the log group."""
        return encryption_of(self.aws, self.log_group)

    @property
    def arn(self) -> str:
        """The log group's ARN, which is the physical id too."""
        return f"arn:aws:logs:{self.aws.region}:{self.aws.account}:log-group:{self.log_group}"

    def create_log_group(self, name: str, key: str | None = None) -> str:
        """A log group, under a key where one is given; its name."""
        self.aws.client("logs").create_log_group(logGroupName=name)
        if key:
            self.aws.client("logs").associate_kms_key(logGroupName=name, kmsKeyId=key)
        return name

    def put_key_by_hand(self, key: str) -> None:
        """Someone associates a key without telling anyone."""
        self.aws.client("logs").associate_kms_key(logGroupName=self.log_group, kmsKeyId=key)

    def deploy(self, stack: str | None = None, **properties: Any) -> str:
        """Create or update a stack with one association of the log group; the stack's status."""
        target = {} if "ResourceIdentifier" in properties else {"LogGroupName": self.log_group}
        return self.stacks.deploy(stack or self.stack, template(LogEncryption={**target, **properties}))

    def delete(self, stack: str | None = None) -> str:
        """Delete the stack; empty once it is gone."""
        return self.stacks.delete(stack or self.stack)

    def claimed(self, key: str, previous_key: str = "none", logical_id: str = "LogEncryption") -> Encryption:
        """The log group under *key*, owned by the stack's resource."""
        return Encryption(key, owner_of(self.stacks, self.stack, logical_id), previous_key)

    def calls(self, log_group: str | None = None) -> Counter[str]:
        """Count the provider's calls about the log group, by operation."""
        about = log_group or self.log_group
        calls = self.aws.direction.calls()
        return Counter(call.operation for call in calls if call.by_function and call.log_group == about)
