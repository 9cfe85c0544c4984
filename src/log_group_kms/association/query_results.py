"""The results of all Logs Insights queries of the account and Region.

AWS neither shows which key they are under nor lets them carry a tag, so there is nothing to observe, claim or confirm:
the last writer wins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from log_group_kms.association.trail import Footprint
from log_group_kms.model.results import Outcome

if TYPE_CHECKING:
    from log_group_kms.association.context import Context
    from log_group_kms.association.requests import Ensure, Remove
    from log_group_kms.model.targets import QueryResults


@dataclass(frozen=True, slots=True)
class QueryResultsRules:
    """The rules for query results."""

    context: Context
    query_results: QueryResults

    def ensure(self, event: Ensure) -> Outcome:
        """Associate the wanted key, also on an Update that does not change it: another stack's may be in force.

        Raises:
            ProviderError: it could not be done; see `errors`.
        """
        self.context.trail.leave(Footprint.NOTHING)
        key = self.context.keys.resolve(event.association.key)
        self.context.logs.associate_unclaimed(self.query_results, key)
        return Outcome(self.query_results, key, associated=1, settling=event.changes_key)

    def remove(self, event: Remove) -> Outcome:
        """Disassociate, unless OnDelete says Retain; nobody knows which key was there before.

        Raises:
            ApiError: AWS refused for good.
        """
        if event.retains:
            return Outcome(
                self.query_results, None, skipped=1, note="Query results keep their key, as OnDelete says: Retain"
            )
        self.context.logs.disassociate(self.query_results)
        return Outcome(self.query_results, None, associated=1)

    def check_claim(self, _event: Ensure) -> None:
        """Look at nothing: query results carry no claim."""
