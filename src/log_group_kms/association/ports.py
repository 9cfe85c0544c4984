"""The ports: what the rules need of AWS, in their own words. `aws` keeps these promises; so does the tests' fake."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from log_group_kms.model.keys import KeyArn, KeyDescription, KeyReference
    from log_group_kms.model.ownership import Claim, Marks, Owner
    from log_group_kms.model.results import Page
    from log_group_kms.model.targets import Fleet, LogGroup, QueryResults


class LogGroups(Protocol):
    """CloudWatch Logs.

    Every method may raise any `errors.Refused`; each that is about a log group, `NotFound`. Reading changes nothing.
    """

    def key_of(self, log_group: LogGroup) -> KeyArn | None:
        """The key in force; None where there is none.

        Raises:
            NotFound: there is no such log group.
        """

    def page(self, fleet: Fleet, token: str) -> Page:
        """One page of the *fleet*'s log groups in the order of their names; an empty *token* means the first.

        Raises:
            InvalidParameter: the *token* is none, or too old.
        """

    def claimed(self, owners: Sequence[str], token: str) -> tuple[Sequence[str], str] | None:
        """A page of the names of log groups whose owner tag is one of *owners*, and the token of the next page.

        In *owners*, `*` stands for any characters. The order is AWS's own, and how soon it shows a change is not known.
        None where this version of boto3 has no such call.
        """

    def claim_on(self, log_group: LogGroup) -> Claim | None:
        """The claim that the log group's tags hold; None where there is no owner tag.

        Raises:
            NotFound: there is no such log group.
        """

    def write_claim(self, log_group: LogGroup, claim: Claim) -> None:
        """Write the tags, over what they held; tags of others stay."""

    def remove_claim(self, log_group: LogGroup) -> None:
        """Remove the tags; tags of others stay."""

    def marks_on(self, log_group: LogGroup, owner: Owner) -> Marks:
        """The marks that *owner*'s events left on the log group.

        Raises:
            NotFound: there is no such log group.
        """

    def write_marks(self, log_group: LogGroup, owner: Owner, marks: Marks) -> None:
        """Write those of *marks* that are set; others stay."""

    def remove_marks(self, log_group: LogGroup, owner: Owner, marks: Marks) -> None:
        """Remove those of *marks* that are set; others stay."""

    def create(self, log_group: LogGroup, key: KeyArn, claim: Claim) -> None:
        """Create the log group, already encrypted and claimed, in one call.

        Raises:
            AlreadyExists: someone else created it meanwhile.
        """

    def associate(self, target: LogGroup | QueryResults, key: KeyArn) -> None:
        """Put *target* under *key*, directly over any other key; succeeds where it is there already."""

    def disassociate(self, target: LogGroup | QueryResults) -> None:
        """Take *target*'s key away; succeeds where there is none."""


class Stacks(Protocol):
    """CloudFormation."""

    def is_gone(self, owner: Owner) -> bool:
        """Return whether the stack of *owner* no longer exists; False where that cannot be told."""


class Keys(Protocol):
    """KMS."""

    def describe(self, key: KeyReference) -> KeyDescription:
        """Return what KMS says of *key*.

        Raises:
            KeyNotFound: there is no such key or alias in this Region.
            RoleDenied: the provider may not describe it.
        """
