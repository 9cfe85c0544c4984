"""An account whose provider can be killed, shown with short names for keys and owners."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from support.cloudformation import STACK_ID, CloudFormation

from local.client import keys
from log_group_kms.model.tags import OWNER_TAG, PREVIOUS_KEY_TAG

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from support.cloudformation import ReceivedResponse
    from support.lambda_process import LambdaFunction

    from local.client.embedded_aws import EmbeddedAws

    Event = Mapping[str, Any]

ORDERS, BILLING = "/orders", "/billing"
LOGICAL_ID = "LogEncryption"
#: As CloudFormation makes one up where a Create was never answered.
MADE_UP_ID: Final = f"landing-zone-{LOGICAL_ID}-1V5D3Z0JW2Q4K"
#: What `Encryption` calls the owners.
US, RENAMED = LOGICAL_ID, "Renamed"

#: None of a test's events may be sent in the future.
_EARLIER: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Encryption:
    """A log group as AWS shows it, with keys by their names here and owners by their logical ids."""

    key: str | None
    owner: str | None = None
    previous: str | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """The meaning of an answer; counts are left out, since a second delivery tells its own share alone."""

    status: str
    physical_resource_id: str
    key: str | None = None
    previous: str | None = None


State = dict[str, Encryption]


@dataclass
class Account:
    """An account with the provider, and CloudFormation on the other side."""

    aws: EmbeddedAws
    function: LambdaFunction
    cloudformation: CloudFormation
    _keys: dict[str, str] = field(default_factory=dict)
    #: Each event is sent a second after the one before: the second is what a claim's date shows.
    _moments: Iterator[datetime] = field(default_factory=lambda: _seconds_from(datetime.now(UTC) - _EARLIER))

    def key(self, name: str) -> str:
        """The ARN of the key that is called *name* here."""
        if name not in self._keys:
            self._keys[name] = keys.create(self.aws)
        return self._keys[name]

    def log_group(self, name: str, key: str | None = None) -> None:
        """A log group, under the key of this name."""
        logs = self.aws.client("logs")
        logs.create_log_group(logGroupName=name)
        if key:
            logs.associate_kms_key(logGroupName=name, kmsKeyId=self.key(key))

    def state(self) -> State:
        """Every log group."""
        groups = self.aws.client("logs").describe_log_groups()["logGroups"]
        return {group["logGroupName"]: self._encryption(group.get("kmsKeyId"), group["arn"]) for group in groups}

    def create(self, key: str = "ours", target: str = ORDERS, logical_id: str = US, **options: str) -> Event:
        return self._event("Create", self.properties(key, target, **options), logical_resource_id=logical_id)

    def update(self, before: Mapping[str, str], after: Mapping[str, str]) -> Event:
        former_id = self.arn(before["LogGroupName"])
        return self._event("Update", after, old_properties=before, physical_resource_id=former_id)

    def delete(self, physical_id: str = "", **options: str) -> Event:
        properties = self.properties("ours", ORDERS, **options)
        return self._event("Delete", properties, physical_resource_id=physical_id or self.arn(ORDERS))

    def properties(self, key: str, target: str, **options: str) -> dict[str, str]:
        named = key if key.startswith("alias/") else self.key(key)
        return {"KmsKeyId": named, "LogGroupName": target, **options}

    def done(self, event: Event) -> None:
        """Deliver *event*, whose success the test takes for granted."""
        self.function.invoke(event)
        assert self.cloudformation.response_to(event).status == "SUCCESS"

    def told(self, answer: ReceivedResponse) -> Told:
        """Return the meaning of *answer*."""
        key, previous = answer.data.get("KmsKeyArn"), answer.data.get("PreviousKmsKeyArn")
        return Told(answer.status, answer.physical_resource_id, self._named(key), self._named(previous))

    def arn(self, log_group: str) -> str:
        return f"arn:aws:logs:{self.aws.region}:{self.aws.account}:log-group:{log_group}"

    def _event(self, request_type: str, properties: Mapping[str, str], **more: Any) -> Event:
        return self.cloudformation.event(request_type, properties=properties, sent_at=next(self._moments), **more)

    def _encryption(self, key: str | None, arn: str) -> Encryption:
        tags = self.aws.client("logs").list_tags_for_resource(resourceArn=arn.removesuffix(":*"))["tags"]
        owner = tags.get(OWNER_TAG, "").replace(f"one:{STACK_ID.split('/', 1)[1]}/", "")
        return Encryption(self._named(key), owner or None, self._named(tags.get(PREVIOUS_KEY_TAG)))

    def _named(self, key: str | None) -> str | None:
        """A key's name here; none and nothing stay what they are."""
        return {arn: name for name, arn in self._keys.items()}.get(key or "", key or None)


def _seconds_from(begin: datetime) -> Iterator[datetime]:
    return (begin + timedelta(seconds=number) for number in count())
