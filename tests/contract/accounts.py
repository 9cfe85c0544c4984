"""Three accounts that the same tests run in: a fake, boto3 over moto, and boto3 over the embedded AWS."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from enum import Enum
from itertools import count
from typing import TYPE_CHECKING, Final, Protocol, Unpack

from moto.core import DEFAULT_ACCOUNT_ID
from moto.kms.models import kms_backends
from support import moto_logs
from support.fake_aws import PLACE, FakeAws, FakeLogGroup, key_arn

from local.emulator.script import Fault
from local.emulator.script import LogGroups as MadeLogGroups
from log_group_kms.aws.kms import Kms
from log_group_kms.aws.logs import CloudWatchLogs
from log_group_kms.model.keys import KeyArn, KeyDescription
from log_group_kms.model.tags import OWNER_TAG, PREVIOUS_KEY_TAG, SCOPE_TAG
from log_group_kms.model.targets import LogGroup, LogGroupName, Place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mypy_boto3_kms import KMSClient
    from mypy_boto3_kms.type_defs import CreateKeyRequestTypeDef
    from mypy_boto3_logs import CloudWatchLogsClient

    from local.client.embedded_aws import EmbeddedAws
    from local.emulator.answers import Refusal
    from log_group_kms.association.ports import Keys, LogGroups
    from log_group_kms.model.errors import ApiError

MOTO_PLACE: Final = Place("aws", "us-west-2", str(DEFAULT_ACCOUNT_ID))
#: A key that no account has.
UNKNOWN_KEY_ID: Final = "0f0f0f0f-1111-2222-3333-444444444444"
_NOTHING: Final[Mapping[str, str]] = {}


class Meaning(Protocol):
    """A kind of refusal, made of what AWS answered."""

    def __call__(self, operation: str, code: str, message: str, /) -> ApiError: ...


class Opened(Enum):
    """The use of a key that its policy allows CloudWatch Logs."""

    TO_ALL = "log groups and query results"
    TO_LOG_GROUPS = "log groups, by the statement that the documentation gives for them"
    TO_NOTHING = "nothing: KMS's default policy"


class Account(Protocol):
    """The two ports into an account; beside them, what its owner does and sees there without the ports."""

    @property
    def place(self) -> Place: ...
    @property
    def log_groups(self) -> LogGroups: ...
    @property
    def keys(self) -> Keys: ...

    def make_log_group(self, name: str, key: KeyArn | None = None, tags: Mapping[str, str] = _NOTHING) -> LogGroup: ...
    def make_reserved_log_group(self, name: str) -> None:
        """One whose name belongs to AWS, as only AWS makes it."""

    def delete_log_group(self, log_group: LogGroup) -> None: ...
    def key_on(self, log_group: LogGroup) -> str | None:
        """The key in force; KeyError where there is no such log group."""

    def tags_on(self, log_group: LogGroup) -> dict[str, str]:
        """All of its tags."""

    def key_on_query_results(self) -> str | None: ...

    def make_key(self, opened: Opened = Opened.TO_ALL) -> KeyArn: ...
    def make_asymmetric_key(self) -> KeyArn:
        """An elliptic curve's, for signatures."""

    def make_multi_region_key(self) -> KeyArn: ...
    def make_aws_managed_key(self) -> KeyArn: ...
    def make_alias(self, name: str, key: KeyArn) -> None: ...
    def disable(self, key: KeyArn) -> None: ...
    def schedule_deletion(self, key: KeyArn) -> None: ...


class ScriptedAccount(Account, Protocol):
    """An account that can be told to have a bad moment."""

    def refuse_once(self, operation: str, refusal: Refusal, meaning: Meaning) -> None:
        """Answer the next call so; *meaning* is for an account that speaks in the ports' own words."""

    def lose_the_answer_once(self, operation: str, refusal: Refusal, meaning: Meaning) -> None:
        """Carry out the next call and then answer so."""

    def let_a_day_pass_for(self, token: str) -> None:
        """The *token* of a page is too old from now on."""


def log_group_in(account: Account, name: str) -> LogGroup:
    """A log group of the account's, whether it is there or not."""
    return LogGroup(account.place, LogGroupName(name))


def unknown_key_in(account: Account) -> KeyArn:
    """The ARN of a key that the account does not have."""
    return _key_arn(account.place, UNKNOWN_KEY_ID)


def key_id_of(key: KeyArn) -> str:
    """The last part of its ARN."""
    return key.text.rpartition("/")[2]


def _key_arn(place: Place, key_id: str) -> KeyArn:
    return KeyArn(f"arn:{place.partition}:kms:{place.region}:{place.account}:key/{key_id}")


@dataclass
class FakeAccount:
    """In `support.fake_aws`. Its tags of claims are values, and become text here only."""

    aws: FakeAws = field(default_factory=FakeAws)
    place: Place = PLACE
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def log_groups(self) -> LogGroups:
        return self.aws

    @property
    def keys(self) -> Keys:
        return self.aws

    def make_log_group(self, name: str, key: KeyArn | None = None, tags: Mapping[str, str] = _NOTHING) -> LogGroup:
        made = LogGroup(self.place, LogGroupName(name))
        self.aws.log_groups[made] = FakeLogGroup(key, tags=dict(tags))
        return made

    def make_reserved_log_group(self, name: str) -> None:
        self.aws.reserved.append(name)

    def delete_log_group(self, log_group: LogGroup) -> None:
        del self.aws.log_groups[log_group]

    def key_on(self, log_group: LogGroup) -> str | None:
        key = self.aws.log_groups[log_group].key
        return key.text if key else None

    def tags_on(self, log_group: LogGroup) -> dict[str, str]:
        found = self.aws.log_groups[log_group]
        if found.claim is None:
            return dict(found.tags)
        ours = {OWNER_TAG: found.claim.owner_tag, PREVIOUS_KEY_TAG: found.claim.previous_tag}
        scope = {SCOPE_TAG: found.claim.owner.scope} if found.claim.owner.scope else {}
        return {**found.tags, **ours, **scope}

    def key_on_query_results(self) -> str | None:
        return self.aws.query_results_key.text if self.aws.query_results_key else None

    def make_key(self, opened: Opened = Opened.TO_ALL) -> KeyArn:
        made = self._keep(KeyDescription(key_arn(next(self._numbers))))
        match opened:
            case Opened.TO_LOG_GROUPS:
                raise NotImplementedError("a key of the fake is open to log groups and query results, or to neither")
            case Opened.TO_NOTHING:
                self.aws.closed_to_logs.add(made)
        return made

    def make_asymmetric_key(self) -> KeyArn:
        made = key_arn(next(self._numbers))
        return self._keep(KeyDescription(made, spec="ECC_NIST_P256", usage="SIGN_VERIFY"))

    def make_multi_region_key(self) -> KeyArn:
        return self._keep(KeyDescription(_key_arn(PLACE, f"mrk-{next(self._numbers):032x}")))

    def make_aws_managed_key(self) -> KeyArn:
        return self._keep(KeyDescription(key_arn(next(self._numbers)), aws_managed=True))

    def make_alias(self, name: str, key: KeyArn) -> None:
        self.aws.aliases[name] = key

    def disable(self, key: KeyArn) -> None:
        self.aws.keys[key] = replace(self.aws.keys[key], state="Disabled")

    def schedule_deletion(self, key: KeyArn) -> None:
        self.aws.keys[key] = replace(self.aws.keys[key], state="PendingDeletion")

    def refuse_once(self, operation: str, refusal: Refusal, meaning: Meaning) -> None:
        self.aws.refuse(operation, meaning(operation, refusal.code, refusal.message))

    def lose_the_answer_once(self, operation: str, refusal: Refusal, meaning: Meaning) -> None:
        def lose(called: str) -> None:
            if called == operation:
                self.aws.after = lambda _: None
                raise meaning(operation, refusal.code, refusal.message)

        self.aws.after = lose

    def let_a_day_pass_for(self, token: str) -> None:
        self.aws.stale_tokens.add(token)

    def _keep(self, description: KeyDescription) -> KeyArn:
        self.aws.keys[description.arn] = description
        return description.arn


@dataclass
class Boto3Account:
    """The common part of accounts behind boto3; the ports and the owner share two clients."""

    place: Place
    logs: CloudWatchLogsClient
    kms: KMSClient

    @property
    def log_groups(self) -> LogGroups:
        return CloudWatchLogs(self.logs)

    @property
    def keys(self) -> Keys:
        return Kms(lambda: self.kms)

    def make_log_group(self, name: str, key: KeyArn | None = None, tags: Mapping[str, str] = _NOTHING) -> LogGroup:
        self.logs.create_log_group(logGroupName=name, tags=dict(tags))
        if key:
            self.logs.associate_kms_key(logGroupName=name, kmsKeyId=key.text)
        return LogGroup(self.place, LogGroupName(name))

    def delete_log_group(self, log_group: LogGroup) -> None:
        self.logs.delete_log_group(logGroupName=log_group.name.text)

    def key_on(self, log_group: LogGroup) -> str | None:
        found = self.logs.describe_log_groups(logGroupNamePrefix=log_group.name.text)["logGroups"]
        return {group["logGroupName"]: group.get("kmsKeyId") for group in found}[log_group.name.text]

    def tags_on(self, log_group: LogGroup) -> dict[str, str]:
        return self.logs.list_tags_for_resource(resourceArn=log_group.arn)["tags"]

    def make_key(self, opened: Opened = Opened.TO_ALL) -> KeyArn:
        return self._created(Policy=key_policy(self.place, opened))

    def make_asymmetric_key(self) -> KeyArn:
        policy = key_policy(self.place, Opened.TO_ALL)
        return self._created(Policy=policy, KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")

    def make_multi_region_key(self) -> KeyArn:
        return self._created(MultiRegion=True)

    def make_alias(self, name: str, key: KeyArn) -> None:
        self.kms.create_alias(AliasName=name, TargetKeyId=key_id_of(key))

    def disable(self, key: KeyArn) -> None:
        self.kms.disable_key(KeyId=key_id_of(key))

    def schedule_deletion(self, key: KeyArn) -> None:
        self.kms.schedule_key_deletion(KeyId=key_id_of(key))

    def _created(self, **given: Unpack[CreateKeyRequestTypeDef]) -> KeyArn:
        # moto shows a default usage as none at all.
        request: CreateKeyRequestTypeDef = {"KeyUsage": "ENCRYPT_DECRYPT", **given}
        return KeyArn(self.kms.create_key(**request)["KeyMetadata"]["Arn"])


@dataclass
class MotoAccount(Boto3Account):
    """In this process. What moto has no call for is looked up in its state."""

    def make_reserved_log_group(self, name: str) -> None:
        """Moto lets its customers have such names too."""
        self.logs.create_log_group(logGroupName=name)

    def key_on_query_results(self) -> str | None:
        return moto_logs.query_results_key(self.place.account, self.place.region)

    def make_aws_managed_key(self) -> KeyArn:
        made = self.make_key(Opened.TO_NOTHING)
        kms_backends[self.place.account][self.place.region].keys[key_id_of(made)].key_manager = "AWS"
        return made


@dataclass
class EmbeddedAccount(Boto3Account):
    """In the embedded AWS, a process of its own."""

    aws: EmbeddedAws

    def make_reserved_log_group(self, name: str) -> None:
        self.aws.direction.make_log_groups(MadeLogGroups([name], self.place.account, self.place.region))

    def key_on_query_results(self) -> str | None:
        """AWS itself shows it only on a query that ran under it."""
        self.logs.create_log_group(logGroupName="/asked-for-the-key")
        query = self.logs.start_query(logGroupName="/asked-for-the-key", startTime=0, endTime=1, queryString="limit 1")
        self.logs.delete_log_group(logGroupName="/asked-for-the-key")
        return self.logs.get_query_results(queryId=query["queryId"]).get("encryptionKey")

    def make_aws_managed_key(self) -> KeyArn:
        raise NotImplementedError("MiniStack has customer managed keys only")

    def refuse_once(self, operation: str, refusal: Refusal, meaning: Meaning) -> None:  # noqa: ARG002 - the port says what it means
        self.aws.direction.answer_with(Fault.of(refusal, _action(operation)))

    def lose_the_answer_once(self, operation: str, refusal: Refusal, meaning: Meaning) -> None:  # noqa: ARG002 - as above
        self.aws.direction.answer_with(replace(Fault.of(refusal, _action(operation)), carried_out=True))

    def let_a_day_pass_for(self, token: str) -> None:  # noqa: ARG002 - it passes for all tokens
        self.aws.direction.expire_tokens()


def _action(operation: str) -> str:
    return f"kms:{operation}" if operation == "DescribeKey" else f"logs:{operation}"


def key_policy(place: Place, opened: Opened) -> str:
    """The statements that the documentation of CloudWatch Logs gives, beside KMS's default one."""
    owner = {"Principal": {"AWS": f"arn:{place.partition}:iam::{place.account}:root"}, "Action": "kms:*"}
    service = {
        "Principal": {"Service": f"logs.{place.region}.amazonaws.com"},
        "Action": ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"],
    }
    context, source = {"kms:EncryptionContext:aws:logs:arn": "log-group:*"}, {"aws:SourceArn": "query-result:*"}
    conditions = {Opened.TO_ALL: [context, source], Opened.TO_LOG_GROUPS: [context], Opened.TO_NOTHING: []}[opened]
    limited = [
        {**service, "Condition": {"ArnLike": {name: place.logs_arn(resource) for name, resource in each.items()}}}
        for each in conditions
    ]
    statements = [{"Effect": "Allow", "Resource": "*", **statement} for statement in (owner, *limited)]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})
