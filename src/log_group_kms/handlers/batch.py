"""A batch of the enrolment queue's messages, by Powertools' batch utility; no rules.

A message that fails is shown again after a pause, and in the end goes into the dead-letter queue: SQS counts how often
it was handed out. So nothing is waited for inside an invocation for long: the queue is where a message waits.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

from log_group_kms.model.errors import ProviderError
from log_group_kms.retry.rate_limits import AdaptiveRateLimiter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aws_lambda_powertools import Logger
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from log_group_kms.retry.clock import Clock

#: The event source mapping's MaximumConcurrency, the least there is: so many batches at once share the quota.
EXECUTIONS: Final = 2
#: The queue's maxReceiveCount.
MOST_RECEIVES: Final = 8

#: Seconds: the first pause before a message is shown again, which doubles, and the longest. All of them together are an
#: hour: a key policy is seen after seconds or minutes, and whoever is at work on a log group is through by then.
_FIRST_PAUSE: Final = 60
_LONGEST_PAUSE: Final = 900

#: Seconds that a message may take, most of which is waiting for the quota; and what is left to each of the others once
#: one has failed. Where the key is at fault all do: then a batch of ten takes two minutes, and not ten windows of two.
PATIENCE: Final = 60.0
AFTER_A_FAULT: Final = 8.0


class NotACreation(Exception):  # noqa: N818 - named for what it is
    """Nobody sends such a message; handed out again, it would be the same."""


def pause(receives: int) -> int:
    """Return the seconds before a message is shown again that was handed out so often."""
    return min(_LONGEST_PAUSE, _FIRST_PAUSE << (receives - 1))


class Batch:
    """Works messages off, one after the other, at the share of the quota that one of the executions has.

    Args:
        logger: the function's.
        clock: the time.
        per_second: log groups a second, of all executions together.
        enrol: does what a message asks, in so many seconds at most; raises NotACreation for one that nobody sends.
        show_again: lets a queue hand out a message again: queue, receipt handle, seconds.
        refused: counts log groups that are given up.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - all that it is wired with
        self,
        logger: Logger,
        clock: Clock,
        per_second: float,
        enrol: Callable[[object, float], None],
        show_again: Callable[[str, str, int], None],
        refused: Callable[[int], None],
    ) -> None:
        self._logger = logger
        self._pace = AdaptiveRateLimiter(clock, per_second / EXECUTIONS)
        # The batch before may have ended just now.
        self._pace.take()
        self._enrol = enrol
        self._show_again = show_again
        self._refused = refused
        self._patience = PATIENCE

    def work_off(self, event: Mapping[str, Any], context: LambdaContext, queue_url: str) -> dict[str, Any]:
        """Return the messages that the queue is to keep, as the event source mapping wants to be told."""

        def one(record: SQSRecord) -> None:
            self._pace.take()
            try:
                self._enrol(_body(record), self._patience)
            except Exception as error:
                self._failed(record, error, queue_url)
                raise

        # All of them may fail: the others' time-out is the queue's own then, and not the one that is set here.
        processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
        kept: dict[str, Any] = dict(process_partial_response(dict(event), one, processor, context))
        return kept

    def _failed(self, record: SQSRecord, error: Exception, queue_url: str) -> None:
        """Log the cause, and let the queue show the message again in time."""
        receives = int(record.attributes.approximate_receive_count or 1)
        hopeless = isinstance(error, NotACreation)
        if not hopeless:
            self._patience = AFTER_A_FAULT
        last = receives >= MOST_RECEIVES
        about = {"message_id": record.message_id, "receives": receives, "of": MOST_RECEIVES}
        known = hopeless or isinstance(error.__cause__, ProviderError)
        after = "goes into the dead-letter queue" if last else "is tried again"
        self._logger.error("A message %s: %s", after, error, extra=about, exc_info=None if known else error)
        if last:
            self._refused(1)
        try:
            self._show_again(queue_url, record.receipt_handle, 0 if hopeless or last else pause(receives))
        except ProviderError as failure:
            self._logger.warning("It is shown again after the queue's visibility time-out: %s", failure, extra=about)


def _body(record: SQSRecord) -> object:
    try:
        return json.loads(record.body)
    except ValueError as broken:
        raise NotACreation(f"The message is no JSON: {broken}") from None
