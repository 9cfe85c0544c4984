"""Commands that change something: until it is done, or Ctrl-C is pressed."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from log_group_kms.cli.command import Exit
from log_group_kms.cli.terminal import tell
from log_group_kms.fleet.checkpoint import Checkpoint
from log_group_kms.fleet.rules import FleetRules
from log_group_kms.model.errors import KeyPolicyDenied, ProviderError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from log_group_kms.cli.command import Invocation
    from log_group_kms.cli.findings import Summary
    from log_group_kms.cli.progress import Progress
    from log_group_kms.model.results import Outcome

#: Seconds after Ctrl-C for the calls that have begun; less than a fleet's own reserve, so that none begins.
_TO_FINISH: Final = 10.0


def carry_out(
    invocation: Invocation, title: str, summary: Summary, change: Callable[[FleetRules], Outcome | Checkpoint]
) -> Exit:
    """Let *change* do its work on the fleet of *summary*, and show what it came to."""
    clock = invocation.terminal.clock
    begun = clock.now()
    with (
        invocation.screen.progress(title, summary.planned) as progress,
        _ended_by_ctrl_c(invocation, progress),
    ):
        context = invocation.context(telling=True)
        rules = FleetRules(context, summary.fleet, saw=progress.count_visit, throttled=progress.count_throttled)
        result: Outcome | Checkpoint | ProviderError
        try:
            result = change(rules)
        except KeyPolicyDenied as failure:
            # The statement that is asked for: one for the first log group alone would fail at the next.
            failure.target = summary.fleet.arn
            result = failure
        except ProviderError as failure:
            result = failure
        except KeyboardInterrupt:
            tell(f"{progress.changed:,} were changed before this. One that is half done, the same command mends.")
            raise
        except Exception:
            tell(f"{progress.changed:,} were changed before this:")
            raise
    for name, why in progress.unrestored:
        tell(f"{name}: {why}")
    summary = replace(
        summary,
        seconds=clock.now() - begun,
        throttled=progress.throttled,
        unrestored=tuple(name for name, _ in progress.unrestored),
    )
    if isinstance(result, ProviderError):
        return _fail(invocation, summary, progress, result)
    for name, why in progress.refused:
        tell(f"{name}: {why}")
    summary = replace(summary, refused=tuple(name for name, _ in progress.refused))
    return conclude(invocation, _with_result(summary, result))


def _fail(invocation: Invocation, summary: Summary, progress: Progress, failure: ProviderError) -> Exit:
    """Tell how far it came before the *failure*, and every log group that AWS refused."""
    for name in failure.refused:
        tell(f"{name}: {progress.put_aside.get(name, 'refused')}")
    tell(f"{progress.changed:,} were changed before this:")
    so_far = replace(summary, changed=progress.changed, refused=failure.refused, complete=False)
    return invocation.fail(failure, so_far.as_json())


def conclude(invocation: Invocation, summary: Summary) -> Exit:
    """Show the *summary*, and return the exit code that fits."""
    invocation.screen.summary(summary)
    if summary.complete:
        return Exit.DONE
    of = "" if summary.planned is None else f" of {summary.planned:,}"
    tell(f"Interrupted: {summary.changed:,}{of} are done. The same command goes on with the rest.")
    return Exit.INTERRUPTED


@contextmanager
def _ended_by_ctrl_c(invocation: Invocation, progress: Progress) -> Iterator[None]:
    """Let what has begun come to its end after the first Ctrl-C; a second one is Python's own."""

    def stop(_: int, __: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        invocation.deadline.bring_forward(invocation.terminal.clock.now() + _TO_FINISH)
        progress.stop()

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _with_result(summary: Summary, result: Outcome | Checkpoint) -> Summary:
    if isinstance(result, Checkpoint):
        counts = result.counts
        return replace(summary, changed=counts.changed + counts.released + counts.unrestored, complete=False)
    if summary.key is None:
        return replace(summary, changed=result.associated)
    return replace(summary, changed=result.associated, compliant=result.compliant, skipped=result.skipped)
