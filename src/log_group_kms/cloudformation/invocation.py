"""One invocation of the function: the time that is left, and where its log is."""

from __future__ import annotations

from typing import Protocol


class LambdaContext(Protocol):
    """The part of Lambda's context that a response needs.

    All of it: https://docs.aws.amazon.com/lambda/latest/dg/python-context.html
    """

    @property
    def aws_request_id(self) -> str:
        """The invocation's id, as the log has it."""

    @property
    def log_group_name(self) -> str:
        """The log group of the function."""

    def get_remaining_time_in_millis(self) -> int:
        """Return the time until Lambda ends the function."""


def seconds_left(context: LambdaContext) -> float:
    """Return the seconds until Lambda ends the function."""
    return float(context.get_remaining_time_in_millis()) / 1000


def where_to_look(context: LambdaContext) -> str:
    """Return the sentence that tells whoever reads a Reason where the log is."""
    return f"See log group {context.log_group_name}, request id {context.aws_request_id}."
