"""`python -m log_group_kms`: see before it is done what a fleet would do, do it, give it back, and report coverage.

What `plan` shows, `apply` changes and `release` gives back is all the doing of `fleet`, as for a stack.
"""

from __future__ import annotations

import logging
import os
import re
import signal
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import IntEnum
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from log_group_kms.association.context import Context
from log_group_kms.association.diagnosis import Diagnosis
from log_group_kms.association.requests import Asker, Ensure, Remove
from log_group_kms.cli.findings import Cover, Coverage, Plan, Summary
from log_group_kms.cli.options import NO_KEY, Options, parsers
from log_group_kms.cli.screen import JsonScreen, TableScreen, told, totals, whose
from log_group_kms.fleet.checkpoint import Checkpoint
from log_group_kms.fleet.plan import Action
from log_group_kms.fleet.rules import FleetRules
from log_group_kms.model.errors import (
    AccessDenied,
    ApiError,
    InvalidRequest,
    KeyUnusable,
    ProviderError,
    ResourceConflict,
)
from log_group_kms.model.keys import KeyArn
from log_group_kms.model.ownership import Owner
from log_group_kms.request.parse import parse_association, parse_prefix
from log_group_kms.retry.clock import SystemClock
from log_group_kms.retry.policies import THROTTLED, UNAVAILABLE
from log_group_kms.retry.rate_limits import DEFAULT_RATE_LIMITS, AdaptiveRateLimiter
from log_group_kms.retry.retrier import Retrier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from types import FrameType

    from log_group_kms.association.ports import Keys, LogGroups
    from log_group_kms.cli.findings import Advance
    from log_group_kms.cli.screen import Screen
    from log_group_kms.fleet.plan import Planned
    from log_group_kms.model.association import Association
    from log_group_kms.model.keys import KeyReference
    from log_group_kms.model.results import Listed, Outcome
    from log_group_kms.model.targets import Fleet, Place
    from log_group_kms.retry.clock import Clock
    from log_group_kms.retry.rate_limits import RateLimits

T = TypeVar("T")

_PROPERTIES: Final = {
    "KmsKeyId": "--kms-key-id",
    "LogGroupNamePrefix": "--prefix",
    "ExcludeLogGroupNames": "--exclude",
    "OnExistingKey": "--on-existing-key",
    "OnDelete": "--on-delete",
}
#: AWS::CloudFormation::Stack: alphanumeric.
_LOGICAL_ID: Final = re.compile(r"[A-Za-z0-9]{1,255}")
#: What `pip install` is to bring.
_EXTRA: Final = ("boto3", "botocore", "rich")

#: Who may not look should hear of it at once: unlike the provider's role, the caller's was not made a moment before.
_LOOKING: Final = (THROTTLED, UNAVAILABLE)
#: 100,000 log groups take five and a half hours, which temporary credentials may not last.
_EXPIRED: Final = ("ExpiredToken", "ExpiredTokenException", "RequestExpired")

#: Seconds. Nobody waits for the command line but the one who started it.
_NO_DEADLINE: Final = 365 * 24 * 3600.0
#: Seconds after Ctrl-C for the calls that have begun; less than a fleet's own reserve, so that none begins.
_TO_FINISH: Final = 10.0


class Exit(IntEnum):
    """What a pipeline goes by."""

    DONE = 0
    ERROR = 1
    FOUND = 3
    INTERRUPTED = 130


class Misuse(Exception):  # noqa: N818 - named for what it is
    """An option breaks a rule, which only the account and Region could tell."""


@dataclass(frozen=True, slots=True)
class Account:
    """Where the caller's credentials lead, and the ports there.

    Attributes:
        place: partition, Region and account.
        log_groups: CloudWatch Logs.
        keys: KMS.
        service_principal: CloudWatch Logs, as a key policy names it.
    """

    place: Place
    log_groups: LogGroups
    keys: Keys
    service_principal: str


@contextmanager
def connect(options: Options) -> Iterator[Account]:
    """The real account; for as long as the block runs.

    Raises:
        ModuleNotFoundError: there is no boto3.
        ProviderError: there are no credentials, or they are no good.
    """
    from log_group_kms.aws.clients import Aws, configured, logs_service_principal  # noqa: PLC0415 - boto3 is an extra

    with configured():
        aws = Aws(profile=options.profile, region=options.region)
        place = aws.place()
        yield Account(place, aws.log_groups, aws.keys, logs_service_principal(place))


def _at_terminal() -> bool:
    return sys.stdin.isatty()


def _answer() -> str:
    return sys.stdin.readline()


@dataclass(frozen=True, slots=True)
class Terminal:
    """What the command line meets outside.

    Attributes:
        connect: the way to an account.
        clock: the time.
        tempo: how fast a fleet goes, but for `--rate`.
        at_terminal: whether somebody is there to be asked.
        answer: what that one types.
    """

    connect: Callable[[Options], AbstractContextManager[Account]] = connect
    clock: Clock = field(default_factory=SystemClock)
    rate_limits: RateLimits = DEFAULT_RATE_LIMITS
    at_terminal: Callable[[], bool] = _at_terminal
    answer: Callable[[], str] = _answer


class EndingClock:
    """Time that can be brought near its end: then a fleet begins nothing more, and finishes what it has begun."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ahead = 0.0
        self.deadline = clock.now() + _NO_DEADLINE
        self.sleep = clock.sleep

    def now(self) -> float:
        """See `Clock`."""
        return self._clock.now() + self._ahead

    def end(self) -> None:
        """Let there be just the time to finish."""
        self._ahead = max(0.0, self.deadline - _TO_FINISH - self._clock.now())


def main(arguments: Sequence[str] | None = None, terminal: Terminal | None = None) -> int:
    """Run one command, and tell the exit code.

    Raises:
        SystemExit: after `--help`, and with 2 for wrong usage.
    """
    # What goes wrong is told here; nobody else is to write between the lines of the progress.
    logging.getLogger("log_group_kms").addHandler(logging.NullHandler())
    parser, commands = parsers()
    options = Options(**vars(parser.parse_args(arguments)))
    try:
        return _run(options, terminal or Terminal())
    except Misuse as wrong:
        commands[options.command].error(str(wrong))
    except BrokenPipeError:
        # Whoever read the result has seen enough; at its end, Python would try to write the rest.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.ERROR
    except KeyboardInterrupt:
        told("Interrupted.")
        return Exit.INTERRUPTED
    except ModuleNotFoundError as missing:
        library = (missing.name or "").partition(".")[0]
        if library not in _EXTRA:
            raise
        told(f"There is no {library} for this Python: pip install rich boto3 (with --json, boto3 is enough)")
        return Exit.ERROR
    except ProviderError as error:
        told(str(error))
        return Exit.ERROR


# --- the commands -----------------------------------------------------------------------------------------------------


def _run(options: Options, terminal: Terminal) -> Exit:
    if options.command in ("apply", "release") and not (options.yes or terminal.at_terminal()):
        raise Misuse(f"{options.command} asks before it changes anything, and there is no terminal: give --yes")
    screen = (JsonScreen if options.json else TableScreen)(terminal.clock)
    with terminal.connect(options) as account:
        command = _Command(options, terminal, account, screen, EndingClock(terminal.clock))
        run = {"plan": command.plan, "apply": command.apply, "release": command.release, "report": command.report}
        try:
            return run[options.command]()
        except ApiError as refusal:
            told(_reason(account, refusal))
            return Exit.ERROR


def _reason(account: Account, refusal: ApiError) -> str:
    if refusal.code in _EXPIRED:
        return f"The credentials have expired: renew them, and the same command goes on with the rest. {refusal}"
    whose, again = "The caller", "run the same command again"
    return Diagnosis(account.keys, account.place, account.service_principal, whose, again).reason(refusal)


@dataclass(frozen=True, slots=True)
class _Command:
    """One command, with all that it needs."""

    options: Options
    terminal: Terminal
    account: Account
    screen: Screen
    clock: EndingClock

    def plan(self) -> Exit:
        plan = self._planned(self._wanted(), lambda one: self.options.all or one.action is not Action.COMPLIANT)
        self.screen.plan(plan)
        _check_conflicts(plan)
        return Exit.FOUND if plan.changes else Exit.DONE

    def apply(self) -> Exit:
        event = self._wanted()
        plan = self._planned(event, lambda _: False)
        told(totals(plan))
        _check_conflicts(plan)
        summary = Summary("apply", plan.fleet, plan.owner, key=plan.key, planned=plan.changes)
        if not plan.changes:
            compliant = plan.counts[Action.COMPLIANT]
            return self._ended(replace(summary, compliant=compliant, skipped=plan.skipped))
        number = "1 log group" if plan.changes == 1 else f"{plan.changes:,} log groups"
        place = self.account.place
        if not self._agreed(f"Associate {number} of account {place.account} in {place.region} with {plan.key.text}?"):
            return Exit.ERROR
        return self._carry_out("Associating", summary, lambda whole: whole.ensure(event))

    def release(self) -> Exit:
        association = self._association(NO_KEY)
        fleet = self._fleet
        owner = self._owner(fleet)
        which = "every log group" if self.options.prefix == "*" else f"log groups {self.options.prefix}*"
        where = f"{which} in account {fleet.place.account}, {fleet.place.region}"
        if not self._agreed(f"Give back ({association.on_delete}) what {whose(owner)} holds of {where}?"):
            return Exit.ERROR
        event = Remove.of(owner, association)
        return self._carry_out("Giving back", Summary("release", fleet, owner), lambda whole: whole.remove(event))

    def report(self) -> Exit:
        self._association(NO_KEY)
        fleet = self._fleet
        with self.screen.advance("Looking") as advance:
            coverage = Coverage.of(fleet, _each(self._listing(fleet), advance))
        self.screen.coverage(coverage)
        return Exit.FOUND if coverage.totals[Cover.UNENCRYPTED] else Exit.DONE

    # --- what is asked for --------------------------------------------------------------------------------------------

    def _wanted(self) -> Ensure:
        """What a fleet would be asked for, by no event of CloudFormation: what has the key already costs no call."""
        association = self._association(self.options.kms_key_id)
        desired = replace(association, key=self._usable(association.key))
        fleet = self._fleet
        return Ensure(self._owner(fleet), desired, asker=Asker.COMMAND_LINE)

    def _association(self, key: str) -> Association:
        """The options as a template would say them.

        Raises:
            Misuse: with every mistake.
        """
        options = self.options
        properties = {
            "KmsKeyId": key,
            "LogGroupNamePrefix": options.prefix,
            "ExcludeLogGroupNames": [*options.exclude],
            "OnExistingKey": str(options.on_existing_key),
            "OnDelete": str(options.on_delete),
        }
        try:
            return parse_association(properties, self.account.place)
        except InvalidRequest as wrong:
            raise Misuse("; ".join(map(_in_options, wrong.mistakes))) from None

    @property
    def _fleet(self) -> Fleet:
        """The log groups in question; `_association` has found the prefix to be one."""
        return parse_prefix(self.options.prefix, self.account.place)

    def _usable(self, reference: KeyReference) -> KeyArn:
        """The key's ARN. A dry run that would not tell that the key is disabled would be worth little.

        Raises:
            KeyUnusable: it cannot encrypt log groups.
            Refused: there is no such key. Of a key ARN alone, AWS may keep the rest to itself.
        """
        try:
            described = self._context().retrier.attempt(
                lambda: self.account.keys.describe(reference), policies=_LOOKING
            )
        except AccessDenied:
            if isinstance(reference, KeyArn):
                return reference
            raise
        if described.defect:
            raise KeyUnusable(f"The key {described.arn.text} {described.defect}")
        return described.arn

    def _owner(self, fleet: Fleet) -> Owner:
        """Whom to claim for.

        For the command line it is the same one whatever the prefix, so that `release` may give back a part.

        Raises:
            Misuse: there can be no such stack in this account and Region.
        """
        if self.options.owner is None:
            return Owner.of_command_line(replace(fleet, prefix=""))
        stack_id, logical_id = self.options.owner
        place = self.account.place
        begin = f"arn:{place.partition}:cloudformation:{place.region}:{place.account}:stack/"
        if not re.fullmatch(re.escape(begin) + "[^/]+/[^/]+", stack_id):
            raise Misuse(f"--owner {stack_id}: the id of a stack of this account and Region is {begin}NAME/UUID")
        if not _LOGICAL_ID.fullmatch(logical_id):
            raise Misuse(f"--owner {logical_id}: a logical id has 1 to 255 characters of A-Z a-z 0-9")
        return Owner.of_resource(stack_id, logical_id, fleet)

    # --- doing it -----------------------------------------------------------------------------------------------------

    def _context(self) -> Context:
        rate_limits = replace(self.terminal.rate_limits, changes=self.options.rate)
        retrier = Retrier(self.clock, self.clock.deadline)
        return Context.of(self.account.log_groups, self.account.keys, retrier, rate_limits=rate_limits)

    def _planned(self, event: Ensure, shown: Callable[[Planned], bool]) -> Plan:
        fleet = self._fleet
        with self.screen.advance("Looking") as advance:
            planned = FleetRules(self._context(), fleet).plan(event)
            key = self._context().keys.resolve(event.association.key)
            return Plan.of(fleet, key, event.owner, _each(planned, advance), shown)

    def _listing(self, fleet: Fleet) -> Iterator[Listed]:
        context = self._context()
        pages = AdaptiveRateLimiter(self.clock, context.rate_limits.pages)
        token: str | None = ""
        while token is not None:
            pages.take()
            page = context.retrier.attempt(partial(self.account.log_groups.page, fleet, token), policies=_LOOKING)
            yield from page.log_groups
            token = page.next_token or None

    def _agreed(self, question: str) -> bool:
        if self.options.yes:
            return True
        sys.stderr.write(f"{question} [y/N] ")
        sys.stderr.flush()
        if self.terminal.answer().strip().lower() in ("y", "yes"):
            return True
        told("Nothing was changed.")
        return False

    def _carry_out(self, title: str, summary: Summary, do: Callable[[FleetRules], Outcome | Checkpoint]) -> Exit:
        """Change what is to be changed, until it is done or Ctrl-C is pressed."""
        begun = self.terminal.clock.now()
        with self.screen.advance(title, summary.planned) as advance, _ended_by_ctrl_c(self.clock, advance):
            try:
                result = do(FleetRules(self._context(), summary.fleet, saw=advance.met, throttled=advance.refused))
            except Exception:
                told(f"{advance.changed:,} were changed before this:")
                raise
        for name, why in advance.unrestored:
            told(f"{name}: {why}")
        return self._ended(
            replace(
                _with_result(summary, result),
                seconds=self.terminal.clock.now() - begun,
                throttled=advance.throttled,
                unrestored=tuple(name for name, _ in advance.unrestored),
            )
        )

    def _ended(self, summary: Summary) -> Exit:
        self.screen.summary(summary)
        if summary.complete:
            return Exit.DONE
        of = "" if summary.planned is None else f" of {summary.planned:,}"
        told(f"Interrupted: {summary.changed:,}{of} are done. The same command goes on with the rest.")
        return Exit.INTERRUPTED


@contextmanager
def _ended_by_ctrl_c(clock: EndingClock, advance: Advance) -> Iterator[None]:
    """The first Ctrl-C lets what has begun come to its end; a second one is Python's own."""

    def stop(_: int, __: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        clock.end()
        advance.stop()

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


def _check_conflicts(plan: Plan) -> None:
    conflicts = plan.counts[Action.CONFLICT]
    if conflicts:
        raise ResourceConflict(
            f"Log groups that have another key: {conflicts:,}. With --on-existing-key Fail nothing is changed before"
            " they have none"
        )


def _each(items: Iterable[T], advance: Advance) -> Iterator[T]:
    for item in items:
        yield item
        advance.looked()


def _in_options(mistake: str) -> str:
    """The mistake in a property, as one in an option."""
    name, _, rest = mistake.partition(" ")
    return f"{_PROPERTIES.get(name, name)} {rest}"
