"""Reading a fleet's log groups, at the pace of reads."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from log_group_kms.model.errors import AccessDenied, InvalidParameter, NotFound

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from log_group_kms.association.gateway import Gateway
    from log_group_kms.model.ownership import Claim, Owner
    from log_group_kms.model.results import Listed, Page
    from log_group_kms.model.targets import Fleet, LogGroup
    from log_group_kms.retry.rate_limits import RateLimiter

logger = logging.getLogger(__name__)


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

    def claimed(self, owners: Sequence[str]) -> frozenset[str] | None:
        """Return the names of the fleet's log groups whose owner tag is one of *owners*, in which `*` is a wildcard.

        None where nobody can tell: boto3 is too old, or the role may not ask.
        """
        names: list[str] = []
        token: str | None = ""
        while token is not None:
            self.pages.take()
            try:
                found = self.logs.claimed(owners, token)
            except (AccessDenied, InvalidParameter) as error:
                logger.info("ListLogGroups does not tell: %s", error)
                return None
            if found is None:
                return None
            names += found[0]
            token = found[1] or None
        return frozenset(name for name in names if name.startswith(self.fleet.prefix))

    def claim_on(self, log_group: LogGroup) -> Claim | None:
        """Return the claim on *log_group*."""
        self.reads.take()
        return self.logs.claim_on(log_group)

    def owner_of(self, log_group: LogGroup) -> Owner | None:
        """Return the owner of *log_group*; None where nobody has a claim, or it vanished meanwhile."""
        try:
            claim = self.claim_on(log_group)
        except NotFound:
            return None
        return claim.owner if claim else None
