"""Log groups that no customer's call makes, as AWS's own services make them: many at once, or of reserved names."""

from contextlib import suppress

from ministack.core.responses import request_scope

from local.emulator import operations
from local.emulator.operations import OperationRefusedError
from local.emulator.script import LogGroups


def make(wanted: LogGroups) -> None:
    """Make those that are not there; nothing is checked, logged, or told to the event bus."""
    with request_scope(wanted.account, wanted.region):
        for name in wanted.names:
            with suppress(OperationRefusedError):
                make_one(name, kmsKeyId=wanted.key, tags=wanted.tags)


def make_one(name: str, **members: object) -> None:
    """Make a log group in the account and Region of the request at hand, with these members of CreateLogGroup.

    Raises:
        OperationRefusedError: it is there already.
    """
    operations.call("logs", "Logs_20140328.CreateLogGroup", logGroupName=name, **members)
