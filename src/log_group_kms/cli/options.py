"""The options of `python -m log_group_kms`, typed; what only the account and Region can tell is not checked here."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from log_group_kms.model.association import OnDelete, OnExistingKey
from log_group_kms.retry.rate_limits import DEFAULT_RATE_LIMITS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_NAME: Final = "python -m log_group_kms"
_EPILOG: Final = """\
exit codes:
  0    done; nothing to change (plan); every log group under a customer managed key (report)
  1    an error, told on stderr; a No to the question; with --on-existing-key Fail, a log group with another key
  2    wrong usage
  3    plan: there is something to change; report: a log group is under no customer managed key
  130  ended by Ctrl-C: what had begun was finished, and the same command goes on with the rest

--json prints one object:
  plan            command, account, region, prefix, kms_key_arn, owner, counts (by action),
                  log_groups: [log_group, action, kms_key_arn (in force, or null), owner (or null)]
  apply, release  command, account, region, prefix, kms_key_arn, owner, planned, changed, compliant, skipped,
                  unrestored (names), throttled (calls), seconds, complete (false after Ctrl-C)
  report          command, account, region, prefix, matched, encrypted, unencrypted, reserved,
                  keys: [kms_key_arn, log_groups], prefixes: [prefix, matched, encrypted, unencrypted, reserved]
  The actions: associate, rekey, take_over, compliant, keep, conflict, leave, reserved, excluded.
"""
#: The rules want a key, also where none is used.
NO_KEY: Final = "alias/none"


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says; what a command does not have is left at its default."""

    command: str
    prefix: str
    region: str | None = None
    profile: str | None = None
    json: bool = False
    all: bool = False
    kms_key_id: str = NO_KEY
    exclude: Sequence[str] = ()
    on_existing_key: str = OnExistingKey.OVERRIDE
    on_delete: str = OnDelete.RESTORE_PREVIOUS
    owner: Sequence[str] | None = None
    rate: float = DEFAULT_RATE_LIMITS.changes
    yes: bool = False


def parsers() -> tuple[argparse.ArgumentParser, dict[str, argparse.ArgumentParser]]:
    """The parser of the whole command line, and those of its commands by name."""
    parser = _parser(
        argparse.ArgumentParser, _NAME, "Encrypt CloudWatch Logs log groups with a KMS key, as a stack's fleet would."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    plan, apply, release, report = (
        _parser(partial(commands.add_parser, name, help=text), f"{_NAME} {name}", text)
        for name, text in (
            ("plan", "show what apply would change; changes nothing"),
            ("apply", "associate the key with every log group that has another one or none"),
            ("release", "give back what apply holds"),
            ("report", "show which log groups are under which key; changes nothing"),
        )
    )
    for command in (plan, apply, release):
        _add_where(command, prefix=None)
    for command in (plan, apply):
        _add_wanted(command)
    for command in (plan, apply, release):
        _add_owner(command)
    _add_where(report, prefix="*")
    plan.add_argument("--all", action="store_true", help="show also the log groups that have the key already")
    apply.add_argument(
        "--rate", type=_rate, default=DEFAULT_RATE_LIMITS.changes, metavar="N",
        help="AssociateKmsKey calls a second, default %(default)g; AWS allows 5 for account and Region and no more",
    )  # fmt: skip
    release.add_argument(
        "--on-delete", choices=[*OnDelete], default=OnDelete.RESTORE_PREVIOUS,
        help="what becomes of the key, as with a stack's Delete (default %(default)s)",
    )  # fmt: skip
    for command in (apply, release):
        command.add_argument("--yes", action="store_true", help="do not ask")
    return parser, {"plan": plan, "apply": apply, "release": release, "report": report}


def _parser(make: Callable[..., argparse.ArgumentParser], name: str, description: str) -> argparse.ArgumentParser:
    return make(
        prog=name,
        description=description[0].upper() + description[1:],
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _add_where(command: argparse.ArgumentParser, prefix: str | None) -> None:
    command.add_argument(
        "--prefix", type=_prefix, required=prefix is None, default=prefix, metavar="P",
        help="the log groups whose names begin so; * for every log group" + (" (default)" if prefix else ""),
    )  # fmt: skip
    command.add_argument("--region", help="AWS Region (default: the profile's, or AWS_DEFAULT_REGION)")
    command.add_argument("--profile", help="profile of the AWS configuration (default: the usual search)")
    command.add_argument("--json", action="store_true", help="print one JSON object, see below; needs no Rich")


def _add_wanted(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--kms-key-id", required=True, metavar="KEY", help="key ARN, alias ARN, alias/NAME, key id or mrk-… id"
    )
    command.add_argument(
        "--exclude", nargs="+", action="extend", default=[], metavar="PATTERN",
        help="names to leave alone; * stands for any characters",
    )  # fmt: skip
    command.add_argument(
        "--on-existing-key", choices=[*OnExistingKey], default=OnExistingKey.OVERRIDE,
        help="what to do with a log group that has another key (default %(default)s)",
    )  # fmt: skip


def _add_owner(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--owner", nargs=2, metavar=("STACK_ID", "LOGICAL_ID"),
        help="work for the fleet that this resource of a stack is, with the same --prefix as there (default: for the "
        "command line itself; a stack's fleet takes that over, with what was there before)",
    )  # fmt: skip


def _prefix(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("it must not be empty; * means every log group")
    return text


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0 < rate < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return rate
