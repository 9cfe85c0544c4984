"""Lambda's context object, as far as the provider uses it."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import uuid4

#: Lambda's longest: 15 minutes.
LONGEST = 900_000


@dataclass(slots=True)
class LambdaContext:
    """Time stands still in here: a test says how much is left."""

    remaining_in_millis: int = LONGEST
    function_name: str = "log-group-kms-association"
    invoked_function_arn: str = "arn:aws:lambda:eu-west-1:111122223333:function:log-group-kms-association"
    log_group_name: str = "/aws/lambda/log-group-kms-association"
    memory_limit_in_mb: int = 256
    aws_request_id: str = field(default_factory=lambda: str(uuid4()))

    def get_remaining_time_in_millis(self) -> int:
        return self.remaining_in_millis
