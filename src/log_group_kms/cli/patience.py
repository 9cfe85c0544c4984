"""A refusal that is asked again for minutes is told at once: whoever waits wants to know for what, and until when."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Final, cast

from log_group_kms.cli.terminal import tell
from log_group_kms.model.errors import KeyPolicyDenied, RoleDenied
from log_group_kms.retry.policies import KEY_POLICY_PROPAGATION, ROLE_PROPAGATION

if TYPE_CHECKING:
    from log_group_kms.association.ports import LogGroups
    from log_group_kms.model.keys import KeyArn
    from log_group_kms.model.targets import LogGroup, QueryResults
    from log_group_kms.retry.clock import Clock

#: Each is asked again, as a policy that was made just now takes a while to be seen.
_WAITED_OUT: Final = (
    (KeyPolicyDenied, "CloudWatch Logs may not use the key", KEY_POLICY_PROPAGATION.backoff.window),
    (RoleDenied, "the caller lacks a permission", ROLE_PROPAGATION.backoff.window),
)


def telling(log_groups: LogGroups, clock: Clock) -> LogGroups:
    """Return the port *log_groups*, which tells on stderr of the first refusal of each kind that is asked again."""
    return cast("LogGroups", _Telling(log_groups, clock))


class _Telling:
    def __init__(self, log_groups: LogGroups, clock: Clock) -> None:
        self._log_groups = log_groups
        self._clock = clock
        self._told: set[str] = set()
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log_groups, name)

    def associate(self, target: LogGroup | QueryResults, key: KeyArn) -> None:
        """See `LogGroups`."""
        try:
            self._log_groups.associate(target, key)
        except (KeyPolicyDenied, RoleDenied) as refused:
            self._tell(refused, target)
            raise

    def _tell(self, refused: KeyPolicyDenied | RoleDenied, target: LogGroup | QueryResults) -> None:
        what, window = next((words, seconds) for kind, words, seconds in _WAITED_OUT if isinstance(refused, kind))
        with self._lock:
            if what in self._told:
                return
            self._told.add(what)
        until = time.strftime("%H:%M:%S", time.localtime(self._clock.now() + window))
        tell(
            f"AWS refuses the key for {target.log_group_name}: {what}. A policy that is new takes a while to be seen, "
            f"so this is tried again until {until} ({window:.0f} s). Ctrl-C ends it."
        )
