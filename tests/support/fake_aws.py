"""CloudWatch Logs and KMS as the ports promise them, with state, and with faults on request."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, ClassVar, Self, TypeVar

from log_group_kms.model.errors import (
    AlreadyExists,
    ApiError,
    ConcurrentChange,
    InvalidParameter,
    KeyNotFound,
    KeyPolicyDenied,
    NotFound,
    ReservedLogGroup,
    RoleDenied,
    Throttled,
    Unavailable,
)
from log_group_kms.model.keys import KeyArn, KeyDescription
from log_group_kms.model.ownership import Claim, Marks, Owner
from log_group_kms.model.results import Listed, Page
from log_group_kms.model.targets import Fleet, LogGroup, LogGroupName, Place, QueryResults

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from log_group_kms.model.keys import KeyReference
    from log_group_kms.model.targets import Target

T = TypeVar("T")

PLACE = Place("aws", "eu-west-1", "111122223333")
STACK_ID = "arn:aws:cloudformation:eu-west-1:111122223333:stack/orders/2f1a0c10-0000-0000-0000-000000000001"
OTHER_STACK_ID = "arn:aws:cloudformation:eu-west-1:111122223333:stack/audit/2f1a0c10-0000-0000-0000-000000000002"


def key_arn(number: int) -> KeyArn:
    """A key of this place, told apart by its *number*."""
    return KeyArn(f"arn:aws:kms:eu-west-1:111122223333:key/{number:08d}-1111-2222-3333-444444444444")


def log_group(name: str = "/aws/lambda/orders") -> LogGroup:
    """A log group of this place."""
    return LogGroup(PLACE, LogGroupName(name))


def fleet(prefix: str = "") -> Fleet:
    """The log groups of this place whose names begin so."""
    return Fleet(PLACE, prefix)


def owner(logical_resource_id: str = "Encryption", stack_id: str = STACK_ID, target: Target | None = None) -> Owner:
    """A resource of a stack; for one log group, unless there is a *target*."""
    return Owner.of_resource(stack_id, logical_resource_id, target or log_group())


@dataclass
class FakeClock:
    """Time that passes only when someone sleeps."""

    time: float = 1_800_000_000.0
    slept: list[float] = field(default_factory=list)

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.slept.append(seconds)
        self.time += seconds


@dataclass
class FakeLogGroup:
    """What CloudWatch Logs keeps of a log group."""

    key: KeyArn | None = None
    claim: Claim | None = None
    tags: dict[str, str] = field(default_factory=dict)
    #: By the owner's digest.
    marks: dict[str, Marks] = field(default_factory=dict)

    @property
    def claim_read(self) -> Claim | None:
        """The claim as its tags and the marks beside it say."""
        if self.claim is None:
            return None
        marks = self.marks.get(self.claim.owner.digest, Marks())
        return Claim.of_tags({**self.claim.as_tags(), **marks.as_tags(self.claim.owner)})

    def write_claim(self, claim: Claim) -> None:
        """Tags that the claim does not have stay as they are."""
        before = self.claim.as_tags() if self.claim else {}
        self.claim = Claim.of_tags({**before, **claim.as_tags()})


class FakeLogGroups(dict[LogGroup, FakeLogGroup]):
    """The account's log groups, and their names in order, for as long as none comes or goes."""

    def __init__(self) -> None:
        super().__init__()
        self._in_order: list[str] | None = None

    def __setitem__(self, log_group: LogGroup, state: FakeLogGroup) -> None:
        self._in_order = None
        super().__setitem__(log_group, state)

    def __delitem__(self, log_group: LogGroup) -> None:
        self._in_order = None
        super().__delitem__(log_group)

    def after(self, token: str, prefix: str) -> list[str]:
        """Up to one more name than fits on a page."""
        if self._in_order is None:
            self._in_order = sorted(log_group.name.text for log_group in self)
        names, begin = self._in_order, bisect_right(self._in_order, token) if token else 0
        begin = max(begin, bisect_left(names, prefix))
        return [name for name in names[begin : begin + FakeAws.page_size + 1] if name.startswith(prefix)]


@dataclass
class FakeAws:
    """Both ports; *calls* counts what an account would see."""

    page_size: ClassVar[int] = 50

    log_groups: FakeLogGroups = field(default_factory=FakeLogGroups)
    keys: dict[KeyArn, KeyDescription] = field(default_factory=dict)
    aliases: dict[str, KeyArn] = field(default_factory=dict)
    closed_to_logs: set[KeyArn] = field(default_factory=set)
    query_results_key: KeyArn | None = None
    #: Names of log groups that belong to AWS: they are listed, and cannot be associated.
    reserved: list[str] = field(default_factory=list)
    #: The key under which AWS has these.
    key_of_reserved: KeyArn | None = None
    #: Tokens of pages that are too old.
    stale_tokens: set[str] = field(default_factory=set)
    #: Whether this version of boto3 knows ListLogGroups' filter for tags.
    knows_tags: bool = True
    calls: list[str] = field(default_factory=list)
    #: Called before and after each call takes effect, with the operation's name; may change state, or raise.
    before: Callable[[str], None] = field(default=lambda _: None)
    after: Callable[[str], None] = field(default=lambda _: None)
    _refusals: dict[str, list[ApiError]] = field(default_factory=dict)

    @classmethod
    def holding(cls, *keys: KeyArn) -> Self:
        """An account with these enabled *keys*."""
        return cls(keys={key: KeyDescription(key) for key in keys})

    def refuse(self, operation: str, *refusals: ApiError) -> None:
        """Answer the next calls of *operation* so."""
        self._refusals.setdefault(operation, []).extend(refusals)

    def forgive(self) -> None:
        """Forget the refusals that were not needed."""
        self._refusals.clear()

    # --- the port LogGroups ---

    def key_of(self, log_group: LogGroup) -> KeyArn | None:
        with_state = self._called("DescribeLogGroups", log_group)
        return self._answered("DescribeLogGroups", with_state.key)

    def page(self, fleet: Fleet, token: str) -> Page:
        self._begin("DescribeLogGroups")
        if token in self.stale_tokens:
            self.stale_tokens.discard(token)  # the next one for this page is a new one
            message = "The specified nextToken is invalid."
            raise InvalidParameter("DescribeLogGroups", "InvalidParameterException", message, fleet.arn)
        reserved = [name for name in self.reserved if name > token and name.startswith(fleet.prefix)]
        names = sorted([*self.log_groups.after(token, fleet.prefix), *reserved])
        shown = names[: self.page_size]
        listed = tuple(
            Listed(name, self.key_of_reserved if name in reserved else self._key_shown(fleet, name)) for name in shown
        )
        page = Page(listed, shown[-1] if len(names) > len(shown) else "")
        return self._answered("DescribeLogGroups", page)

    def claimed(self, owners: Sequence[str], token: str) -> tuple[Sequence[str], str] | None:
        self._begin("ListLogGroups")
        if not self.knows_tags:
            return None
        found = [
            group.name.text
            for group, state in sorted(self.log_groups.items(), key=lambda one: one[0].name.text)
            if state.claim and any(fnmatchcase(state.claim.owner_tag, owner) for owner in owners)
        ]
        begin = int(token or 0)
        end = begin + 20 * self.page_size
        answer = found[begin:end], str(end) if end < len(found) else ""
        return self._answered("ListLogGroups", answer)

    def _key_shown(self, fleet: Fleet, name: str) -> KeyArn | None:
        return self.log_groups[LogGroup(fleet.place, LogGroupName(name))].key

    def claim_on(self, log_group: LogGroup) -> Claim | None:
        with_state = self._called("ListTagsForResource", log_group)
        return self._answered("ListTagsForResource", with_state.claim_read)

    def write_claim(self, log_group: LogGroup, claim: Claim) -> None:
        with_state = self._called("TagResource", log_group)
        with_state.write_claim(claim)
        self._answered("TagResource", None)

    def remove_claim(self, log_group: LogGroup) -> None:
        with_state = self._called("UntagResource", log_group)
        with_state.claim = None
        # This mark is a claim's, and no owner's.
        kept = {digest: replace(marks, mended_at=None, mended=0) for digest, marks in with_state.marks.items()}
        with_state.marks = {digest: marks for digest, marks in kept.items() if marks != Marks()}
        self._answered("UntagResource", None)

    def marks_on(self, log_group: LogGroup, owner: Owner) -> Marks:
        with_state = self._called("ListTagsForResource", log_group)
        return self._answered("ListTagsForResource", with_state.marks.get(owner.digest, Marks()))

    def write_marks(self, log_group: LogGroup, owner: Owner, marks: Marks) -> None:
        with_state = self._called("TagResource", log_group)
        before = with_state.marks.get(owner.digest, Marks())
        with_state.marks[owner.digest] = Marks.of_tags({**before.as_tags(owner), **marks.as_tags(owner)}, owner)
        self._answered("TagResource", None)

    def remove_marks(self, log_group: LogGroup, owner: Owner, marks: Marks) -> None:
        with_state = self._called("UntagResource", log_group)
        tags = with_state.marks.pop(owner.digest, Marks()).as_tags(owner)
        left = Marks.of_tags({key: tags[key] for key in tags.keys() - marks.as_tags(owner).keys()}, owner)
        if left != Marks():
            with_state.marks[owner.digest] = left
        self._answered("UntagResource", None)

    def create(self, log_group: LogGroup, key: KeyArn, claim: Claim) -> None:
        self._begin("CreateLogGroup")
        if log_group in self.log_groups:
            message = "The specified log group already exists"
            raise AlreadyExists("CreateLogGroup", "ResourceAlreadyExistsException", message, log_group.arn, key.text)
        self._check_key("CreateLogGroup", log_group, key)
        self.log_groups[log_group] = FakeLogGroup(key, Claim.of_tags(claim.as_tags()))
        self._answered("CreateLogGroup", None)

    def associate(self, target: LogGroup | QueryResults, key: KeyArn) -> None:
        if isinstance(target, QueryResults):
            self._begin("AssociateKmsKey")
            self._check_key("AssociateKmsKey", target, key)
            self.query_results_key = key
        else:
            with_state = self._called("AssociateKmsKey", target, key)
            self._check_key("AssociateKmsKey", target, key)
            with_state.key = key
        self._answered("AssociateKmsKey", None)

    def disassociate(self, target: LogGroup | QueryResults) -> None:
        if isinstance(target, QueryResults):
            self._begin("DisassociateKmsKey")
            self.query_results_key = None
        else:
            self._called("DisassociateKmsKey", target).key = None
        self._answered("DisassociateKmsKey", None)

    # --- the port Keys ---

    def describe(self, key: KeyReference) -> KeyDescription:
        self._begin("DescribeKey")
        arn = self._keys_by_name().get(key.text)
        if arn is None or arn not in self.keys:
            raise KeyNotFound("DescribeKey", "NotFoundException", f"{key.text} is not found.", key=key.text)
        return self._answered("DescribeKey", self.keys[arn])

    def _keys_by_name(self) -> dict[str, KeyArn]:
        """A key is known by its ARN and its id, by its aliases and their ARNs."""
        ids = {name: arn for arn in self.keys for name in (arn.text, arn.text.rpartition("/")[2])}
        alias_arns = {f"{arn.text.rpartition(':')[0]}:{alias}": arn for alias, arn in self.aliases.items()}
        return {**ids, **self.aliases, **alias_arns}

    # --- what all calls share ---

    def _begin(self, operation: str) -> None:
        self.before(operation)
        self.calls.append(operation)
        if self._refusals.get(operation):
            raise self._refusals[operation].pop(0)

    def _called(self, operation: str, log_group: LogGroup, key: KeyArn | None = None) -> FakeLogGroup:
        self._begin(operation)
        if log_group not in self.log_groups:
            message = "The specified log group does not exist."
            raise NotFound(operation, "ResourceNotFoundException", message, log_group.arn, key.text if key else "")
        return self.log_groups[log_group]

    def _answered(self, operation: str, result: T) -> T:
        self.after(operation)
        return result

    def _check_key(self, operation: str, target: Target, key: KeyArn) -> None:
        about = (target.arn, key.text)
        if isinstance(target, LogGroup) and target.name.text.startswith("aws/"):
            message = "Log groups starting with AWS/ are reserved for AWS."
            raise ReservedLogGroup(operation, "InvalidParameterException", message, *about)
        if key not in self.keys or key in self.closed_to_logs:
            raise key_policy_denied(operation, *about)
        if self.keys[key].defect:
            raise InvalidParameter(operation, "InvalidParameterException", "The key cannot be used.", *about)


def key_policy_denied(operation: str = "AssociateKmsKey", target: str = "", key: str = "") -> KeyPolicyDenied:
    message = f"The specified KMS key does not exist or is not allowed to be used with Arn '{target}'"
    return KeyPolicyDenied(operation, "AccessDeniedException", message, target, key)


def concurrent_change(operation: str = "AssociateKmsKey") -> ConcurrentChange:
    message = "A conflicting operation is currently in progress against this resource. Please try again."
    return ConcurrentChange(operation, "OperationAbortedException", message)


def throttled(operation: str = "AssociateKmsKey") -> Throttled:
    return Throttled(operation, "ThrottlingException", "Rate exceeded")


def unavailable(operation: str = "AssociateKmsKey") -> Unavailable:
    return Unavailable(operation, "ServiceUnavailableException", "The service cannot complete the request.")


def role_denied(action: str, operation: str = "AssociateKmsKey", target: str = "", key: str = "") -> RoleDenied:
    message = f"User: arn:aws:sts::111122223333:assumed-role/provider/f is not authorized to perform: {action}"
    return RoleDenied(operation, "AccessDeniedException", message, target, key, action=action)
