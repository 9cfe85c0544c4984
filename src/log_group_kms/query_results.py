"""The results of all Logs Insights queries of the account and Region.

AWS neither shows which key they are under nor lets them carry a tag, so there is nothing to observe, claim or confirm:
the last writer wins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from log_group_kms.model import OnDelete, Outcome

if TYPE_CHECKING:
    from log_group_kms.model import QueryResults
    from log_group_kms.work import Ensure, Remove, Work


@dataclass(frozen=True, slots=True)
class AllQueryResults:
    """The rules for query results."""

    work: Work
    query_results: QueryResults

    def ensure(self, event: Ensure) -> Outcome:
        """Associate the wanted key, also on an Update that does not change it: another stack's may be in force.

        Raises:
            ProviderError: it could not be done; see `errors`.
        """
        if event.new_target:
            self.work.if_this_fails(event.id_without_claim)
        key = self.work.resolve(event.desired.key)
        self.work.first_change(event, lambda: self.work.log_groups.associate(self.query_results, key))
        return Outcome(self.query_results, key, associated=1, settling=event.changes_key)

    def remove(self, event: Remove) -> Outcome:
        """Disassociate, unless OnDelete says Retain; nobody knows which key was there before.

        Raises:
            Refused: AWS refused for good.
        """
        if event.former.on_delete is OnDelete.RETAIN:
            return Outcome(
                self.query_results, None, skipped=1, note="Query results keep their key, as OnDelete says: Retain"
            )
        self.work.patience.attempt(lambda: self.work.log_groups.disassociate(self.query_results))
        return Outcome(self.query_results, None, associated=1)
