"""The port `Stacks` on CloudFormation."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from log_group_kms.aws.error_codes import translated_errors
from log_group_kms.model.errors import ApiError, InvalidParameter

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_cloudformation import CloudFormationClient

    from log_group_kms.model.ownership import Owner
    from log_group_kms.model.targets import Place

_DELETED: Final = "DELETE_COMPLETE"
_NO_SUCH_STACK: Final = "does not exist"


class CloudFormationStacks:
    """The port `Stacks` on CloudFormation. Each stack is asked for once; several threads may ask.

    Args:
        client: returns CloudFormation's client; it is made when it is needed.
        place: the account and Region.
    """

    def __init__(self, client: Callable[[], CloudFormationClient], place: Place) -> None:
        self._client = client
        self._place = place
        self._lock = threading.Lock()
        self._gone: dict[str, bool] = {}

    def is_gone(self, owner: Owner) -> bool:
        """See `ports.Stacks`.

        DescribeStacks knows a deleted stack by its id for 90 days; after that it says that there is none.
        """
        with self._lock:
            if owner.stack not in self._gone:
                self._gone[owner.stack] = owner.stack != "" and self._is_gone(owner.stack)
            return self._gone[owner.stack]

    def _is_gone(self, stack: str) -> bool:
        place = self._place
        stack_id = f"arn:{place.partition}:cloudformation:{place.region}:{place.account}:stack/{stack}"
        try:
            with translated_errors("DescribeStacks", None):
                (found,) = self._client().describe_stacks(StackName=stack_id)["Stacks"]
        except InvalidParameter as error:
            return _NO_SUCH_STACK in error.message
        except ApiError:
            return False
        return found["StackStatus"] == _DELETED
