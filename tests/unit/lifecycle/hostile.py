"""An account that somebody hostile writes into, and every event that may come to it then."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from support.fake_aws import (
    OTHER_STACK_ID,
    PLACE,
    STACK_ID,
    FakeClock,
    FakeLogGroup,
    fleet,
    key_arn,
    log_group,
    owner,
)
from support.tagged_aws import TaggedAws

from log_group_kms.association.context import Context
from log_group_kms.association.requests import Asker, Ensure
from log_group_kms.cloudformation.envelope import Envelope
from log_group_kms.fleet.upkeep import Enrol, Reconcile, Upkeep
from log_group_kms.lifecycle.deadlines import Deadlines
from log_group_kms.lifecycle.event import respond
from log_group_kms.lifecycle.progress import PROGRESS, Done
from log_group_kms.model.association import Association, OnExistingKey
from log_group_kms.model.errors import ProviderError
from log_group_kms.model.ownership import Claim, Owner
from log_group_kms.model.results import Outcome
from log_group_kms.model.tags import OWNER_TAG, PREVIOUS_KEY_TAG, SCOPE_TAG
from log_group_kms.request.upkeep import parse_upkeep
from log_group_kms.retry.rate_limits import RateLimits
from log_group_kms.retry.retrier import Retrier

if TYPE_CHECKING:
    from collections.abc import Mapping

    from log_group_kms.fleet.checkpoint import Fate
    from log_group_kms.model.keys import KeyArn

WANTED, NEW, BEFORE = key_arn(1), key_arn(2), key_arn(3)
#: A key of the account that `KmsKeyArns` does not name, and one that is closed to CloudWatch Logs.
OUTSIDE, CLOSED = key_arn(8), key_arn(9)
FLEET: Final = fleet("/app/")
ME: Final = owner("Fleet", target=FLEET)
STRANGER: Final = owner("Trail", OTHER_STACK_ID)
#: Names of the fleet, and of what is none of its business.
NAMES: Final = ("/app/0", "/app/1", "/app/2", "/app/3", "/app/4")
ELSEWHERE: Final = ("/elsewhere", "/audit/trail")

#: What a template may ask of a fleet, and of one log group.
FLEET_PROPERTIES: Final[Mapping[str, Any]] = {"LogGroupNamePrefix": "/app/", "OnExistingKey": "Override"}
Json = dict[str, Any]


class OneStackGone:
    """CloudFormation that knows of one stack that it is gone: the stranger's."""

    def is_gone(self, owner: Owner) -> bool:
        """See `ports.Stacks`."""
        return owner.stack == STRANGER.stack


@dataclass
class Account:
    """A fake account, and the events that come to it."""

    aws: TaggedAws = field(default_factory=lambda: TaggedAws.holding(WANTED, NEW, BEFORE, OUTSIDE, CLOSED))
    clock: FakeClock = field(default_factory=FakeClock)
    #: What became of log groups, as enrolment and reconciliation tell it.
    told: dict[str, Fate] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.aws.allowed = frozenset({WANTED, NEW, BEFORE, CLOSED})
        self.aws.closed_to_logs.add(CLOSED)

    @classmethod
    def living(cls) -> Account:
        """An account in which the fleet has been for long, and somebody else has log groups, too."""
        account = cls()
        for name in NAMES:
            account.having(name, WANTED, claimed(ME, BEFORE if name == "/app/4" else None))
        account.having(ELSEWHERE[0], BEFORE).having(ELSEWHERE[1], OUTSIDE, claimed(STRANGER))
        return account

    @classmethod
    def unclaimed(cls) -> Account:
        """The same account before the fleet."""
        account = cls()
        for name in NAMES:
            account.having(name, BEFORE if name == "/app/4" else None)
        account.having(ELSEWHERE[0], BEFORE).having(ELSEWHERE[1], OUTSIDE, claimed(STRANGER))
        return account

    def copy(self) -> Account:
        """The same once more."""
        return copy.deepcopy(self)

    def having(self, name: str, key: KeyArn | None = None, tags: Mapping[str, str] | None = None) -> Account:
        """With this log group."""
        self.aws.log_groups[log_group(name)] = FakeLogGroup(key, tags=dict(tags or {}))
        return self

    def key_of(self, name: str) -> KeyArn | None:
        """The key in force."""
        return self.aws.log_groups[log_group(name)].key

    def keys(self) -> dict[str, KeyArn | None]:
        """All keys in force."""
        return {group.name.text: state.key for group, state in self.aws.log_groups.items()}

    def tags(self, name: str) -> dict[str, str]:
        """All tags of a log group."""
        return dict(self.aws.log_groups[log_group(name)].tags)

    def states(self) -> dict[str, tuple[KeyArn | None, str, str]]:
        """The key, the owner and the previous key of each log group."""
        found = {group.name.text: state for group, state in self.aws.log_groups.items()}
        return {
            name: (state.key, state.tags.get(OWNER_TAG, ""), state.tags.get(PREVIOUS_KEY_TAG, ""))
            for name, state in found.items()
        }

    # --- what may come ------------------------------------------------------------------------------------------------

    def event(self, request_type: str, logical_id: str, properties: Mapping[str, Any], physical_id: str) -> Json:
        """An event of CloudFormation, sent now; an Update is one to a new key."""
        sent = datetime.fromtimestamp(self.clock.now(), tz=UTC).strftime("%Y%m%dT%H%M%SZ")
        event: Json = {
            "RequestType": request_type,
            "RequestId": "11111111-2222-3333-4444-555555555555",
            "ResponseURL": f"https://cloudformation.example/answer?X-Amz-Date={sent}",
            "StackId": STACK_ID,
            "LogicalResourceId": logical_id,
            "ResourceProperties": {"KmsKeyId": WANTED.text, "ServiceTimeout": "3600", **properties},
        }
        if request_type != "Create":
            event["PhysicalResourceId"] = physical_id
        if request_type == "Update":
            event["OldResourceProperties"] = event["ResourceProperties"]
            event["ResourceProperties"] = event["ResourceProperties"] | {"KmsKeyId": NEW.text}
        return event

    def of_fleet(self, request_type: str, **properties: Any) -> Json:
        """An event of the fleet."""
        return self.event(request_type, "Fleet", {**FLEET_PROPERTIES, **properties}, FLEET.arn)

    def of_one(self, request_type: str, name: str, **properties: Any) -> Json:
        """An event of a resource for one log group."""
        arn = log_group(name).arn
        return self.event(request_type, "Encryption", {"LogGroupName": name, **properties}, arn)

    def carry_out(self, event: Json, seconds: float = 900, invocations: int = 40) -> Done | ProviderError:
        """Return the answer, or the reason of a failure: in as many invocations as it takes, as Lambda makes them."""
        envelope = Envelope.of(event)
        try:
            for _ in range(invocations):
                deadlines = Deadlines.of(envelope, event, self.clock.now(), seconds)
                outcome = respond(envelope, event, PLACE, self.context(deadlines.earliest), deadlines)
                if isinstance(outcome, Done):
                    return outcome
                event = json.loads(json.dumps({**event, PROGRESS: outcome.as_json()}))
        except ProviderError as error:
            return error
        raise AssertionError("it does not end")

    def reconcile(self, progress: object = None, *, on_existing_key: str = "Override") -> Outcome | ProviderError:
        """Reconcile; *progress* comes with the first invocation."""
        asked: Json = {"Reconcile": True} | ({} if progress is None else {"Progress": progress, "Hops": 1})
        try:
            for _ in range(40):
                wanted = parse_upkeep(asked, PLACE)
                assert isinstance(wanted, Reconcile)
                outcome = self._upkeep(on_existing_key).reconcile(wanted.checkpoint)
                if isinstance(outcome, Outcome):
                    return outcome
                asked = json.loads(json.dumps(wanted.further(outcome)))
        except ProviderError as error:
            return error
        raise AssertionError("it does not end")

    def enrol(self, name: str) -> Fate | ProviderError:
        """Enrol one log group."""
        try:
            return self._upkeep("Override").enrol(Enrol(log_group(name)).log_group)
        except ProviderError as error:
            return error

    def context(self, until: float) -> Context:
        """Return the context of an event that has time *until* then."""
        retrier = Retrier(self.clock, until, jitter=lambda _, most: most)
        return Context.of(self.aws, self.aws, retrier, rate_limits=RateLimits(workers=1)).asking(OneStackGone())

    def _upkeep(self, on_existing_key: str) -> Upkeep:
        association = Association(FLEET, WANTED, on_existing_key=OnExistingKey(on_existing_key))
        event = Ensure(ME, association, asker=Asker.ENROLMENT)
        return Upkeep(self.context(self.clock.now() + 800), FLEET, event, lambda: True, self._saw)

    def _saw(self, name: str, fate: Fate, _: str) -> None:
        self.told[name] = fate


def claimed(owner: Owner, previous: KeyArn | None = None) -> dict[str, str]:
    """The tags of an honest claim."""
    tags = Claim(owner, previous, written_at=1_790_000_000.0).as_tags()
    assert (SCOPE_TAG in tags) == owner.is_fleet
    return tags
