"""The fake account with tags as AWS keeps them: plain text that anybody may write, at most fifty of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from log_group_kms.model.errors import InvalidParameter, LimitExceeded
from log_group_kms.model.ownership import Claim, Marks
from log_group_kms.model.tags import CLAIM_TAGS, OWNER_TAG, fits_tag
from support.fake_aws import FakeAws, role_denied

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from log_group_kms.model.keys import KeyArn
    from log_group_kms.model.ownership import Owner
    from log_group_kms.model.targets import LogGroup, QueryResults

#: CloudWatch Logs API reference, TagResource.
MOST_TAGS: Final = 50


@dataclass
class TaggedAws(FakeAws):
    """Both ports over tags as plain text; the role may use the keys that IAM lets it use."""

    #: The keys that `KmsKeyArns` names; all, where there is none.
    allowed: frozenset[KeyArn] | None = field(default=None)

    def claim_on(self, log_group: LogGroup) -> Claim | None:
        tags = self._called("ListTagsForResource", log_group).tags
        return self._answered("ListTagsForResource", Claim.of_tags(tags))

    def marks_on(self, log_group: LogGroup, owner: Owner) -> Marks:
        tags = self._called("ListTagsForResource", log_group).tags
        return self._answered("ListTagsForResource", Marks.of_tags(tags, owner))

    def write_claim(self, log_group: LogGroup, claim: Claim) -> None:
        self._tag(log_group, claim.as_tags())

    def write_marks(self, log_group: LogGroup, owner: Owner, marks: Marks) -> None:
        self._tag(log_group, marks.as_tags(owner))

    def remove_claim(self, log_group: LogGroup) -> None:
        self._untag(log_group, CLAIM_TAGS)

    def remove_marks(self, log_group: LogGroup, owner: Owner, marks: Marks) -> None:
        self._untag(log_group, tuple(marks.as_tags(owner)))

    def claimed(self, owners: Sequence[str], token: str) -> tuple[Sequence[str], str] | None:
        self._begin("ListLogGroups")
        if not self.knows_tags:
            return None
        assert token == ""
        tags = {group.name.text: state.tags.get(OWNER_TAG, "") for group, state in self.log_groups.items()}
        names = [name for name, tag in sorted(tags.items()) if any(fnmatchcase(tag, owner) for owner in owners)]
        return self._answered("ListLogGroups", (names, ""))

    def associate(self, target: LogGroup | QueryResults, key: KeyArn) -> None:
        if self.allowed is not None and key not in self.allowed:
            self._begin("AssociateKmsKey")
            raise role_denied("kms:GenerateDataKey", "AssociateKmsKey", target.arn, key.text)
        super().associate(target, key)

    def _tag(self, log_group: LogGroup, tags: Mapping[str, str]) -> None:
        state = self._called("TagResource", log_group)
        wrong = [value for value in tags.values() if not fits_tag(value)]
        if wrong:
            message = f"Tag value {wrong[0]!r} is invalid"
            raise InvalidParameter("TagResource", "InvalidParameterException", message, log_group.arn)
        if len(state.tags | dict(tags)) > MOST_TAGS:
            message = "The resource can have no more than 50 tags"
            raise LimitExceeded("TagResource", "TooManyTagsException", message, log_group.arn)
        state.tags.update(tags)
        self._answered("TagResource", None)

    def _untag(self, log_group: LogGroup, names: Sequence[str]) -> None:
        state = self._called("UntagResource", log_group)
        for name in names:
            state.tags.pop(name, None)
        self._answered("UntagResource", None)
