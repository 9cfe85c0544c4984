"""Log groups that no customer's call makes, as AWS's own services make them: many at once, or of reserved names."""

from ministack.core.responses import request_scope

from local.emulator import seams
from local.emulator.script import LogGroups


def make(wanted: LogGroups) -> None:
    """Make those that are not there; nothing is checked, logged, or told to the event bus."""
    with request_scope(wanted.account, wanted.region):
        for name in wanted.names:
            seams.CREATE_LOG_GROUP.get()({"logGroupName": name, "kmsKeyId": wanted.key, "tags": wanted.tags})
