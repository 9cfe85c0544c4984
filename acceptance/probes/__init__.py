"""The beliefs, by theme, in the order in which they are put to AWS."""

from typing import Final

from acceptance.probe import Probe
from acceptance.probes import functions, odd_log_groups, pace, permissions, refusals, trail, visibility

PROBES: Final[tuple[Probe, ...]] = (
    *refusals.PROBES,
    *permissions.PROBES,
    *odd_log_groups.PROBES,
    *visibility.PROBES,
    *functions.PROBES,
    *trail.PROBES,
    # Last: they use up the account's quotas.
    *pace.PROBES,
)
