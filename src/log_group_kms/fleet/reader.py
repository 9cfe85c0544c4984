"""Reading a fleet's log groups, at the pace of reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from log_group_kms.association.gateway import Gateway
    from log_group_kms.model.ownership import Claim, Marks, Owner
    from log_group_kms.model.results import Listed, Page
    from log_group_kms.model.targets import Fleet, LogGroup
    from log_group_kms.retry.rate_limits import RateLimiter


@dataclass(frozen=True, slots=True)
class FleetReader:
    """Reads log groups of a fleet.

    Attributes:
        fleet: which ones.
        logs: CloudWatch Logs.
        reads: admits ListTagsForResource.
        pages: admits DescribeLogGroups for a page.
    """

    fleet: Fleet
    logs: Gateway
    reads: RateLimiter
    pages: RateLimiter

    def page(self, token: str) -> Page:
        """Return a page of the fleet."""
        self.pages.take()
        return self.logs.page(self.fleet, token)

    def every_page(self) -> Iterator[Listed]:
        """Yield every log group of the fleet, in the order of their names."""
        token: str | None = ""
        while token is not None:
            page = self.page(token)
            yield from page.log_groups
            token = page.next_token or None

    def claim_on(self, log_group: LogGroup) -> Claim | None:
        """Return the claim on *log_group*."""
        self.reads.take()
        return self.logs.claim_on(log_group)

    def marks_on(self, log_group: LogGroup, owner: Owner) -> Marks:
        """Return the marks that *owner*'s events left on *log_group*."""
        self.reads.take()
        return self.logs.marks_on(log_group, owner)
