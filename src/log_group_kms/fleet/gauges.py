"""Gauges: how far the fleet reaches, after each look through the whole of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from log_group_kms.fleet.checkpoint import Counts


def gauges(counts: Counts) -> Mapping[str, int]:
    """Return how many log groups are under the fleet's key and how many are not, by cause; all by their metric's name.

    What was counted as changed on a page and is gone when the page is seen again leaves less than none under the key.
    """
    covered = max(0, counts.changed + counts.compliant)
    causes = {
        "LogGroupsExcluded": counts.excluded,
        "LogGroupsProtected": counts.protected,
        "LogGroupsReserved": counts.reserved,
        "LogGroupsRefused": counts.refused,
        "LogGroupsKept": counts.kept,
        "LogGroupsOwned": counts.owned,
        "LogGroupsOwnedWithoutKey": counts.uncovered,
    }
    uncovered = sum(causes.values())
    return {
        "LogGroups": covered + uncovered,
        "LogGroupsCovered": covered,
        "LogGroupsUncovered": uncovered,
        **causes,
    }
