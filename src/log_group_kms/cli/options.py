"""The options of `log-group-kms`, typed; what only the account and Region can tell is not checked here.

A property of the resource is an option as its row in `request.properties` says.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field, fields
from functools import partial
from pathlib import Path  # noqa: TC003 - the fields of `Options` are read at run time
from typing import TYPE_CHECKING, Any, Final, cast

from log_group_kms.model.targets import Fleet
from log_group_kms.request.properties import FLEET_TARGET, PROPERTIES
from log_group_kms.retry.rate_limits import DEFAULT_RATE_LIMITS
from log_group_kms.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from log_group_kms.cli.command import Command
    from log_group_kms.request.properties import Option, Property

NAME: Final = "log-group-kms"
_SUMMARY: Final = "Encrypt CloudWatch Logs log groups with a KMS key, as a stack's fleet would."
_EXITS: Final = """\
exit codes:
  0    done; nothing to change (plan); every log group under a customer managed key (report);
       no problem (doctor)
  1    an error, told on stderr (and with --json, where nothing else is printed, as an object: command, error);
       a No to the question; with --on-existing-key Fail, a log group with another key
  2    wrong usage
  3    {found}
  130  ended by Ctrl-C: what had begun was finished, and the same command goes on with the rest
"""


@dataclass(frozen=True, slots=True)
class Options:
    """The options as they are given; one that a command does not have is left at its default.

    Attributes:
        command: the command's name.
        properties: those that are the resource's properties, by the property's name, as a template would say them.
        region: of AWS; by default the configuration's.
        profile: of the AWS configuration; by default the usual search.
        json: True for one JSON object in place of tables.
        all: True where a plan shows also what has the key already.
        html: the file for the page of a report; None for no page.
        names: True where a report names what is not covered.
        owner: stack id and logical id of the resource to work for; None for the command line itself.
        rate: changes a second.
        yes: True where nobody is to be asked.
        protected: names of log groups that nothing is to change.
    """

    command: str
    properties: Mapping[str, Any] = field(default_factory=dict)
    region: str | None = None
    profile: str | None = None
    json: bool = False
    all: bool = False
    html: Path | None = None
    names: bool = False
    owner: Sequence[str] | None = None
    rate: float = DEFAULT_RATE_LIMITS.log_groups
    yes: bool = False
    protected: Sequence[str] = ()

    @classmethod
    def of(cls, parsed: argparse.Namespace) -> Options:
        """Return the options that were *parsed*."""
        given = {name: value for name, value in vars(parsed).items() if value is not None}
        own = {each.name for each in fields(cls)}
        properties = {name: given[name] for name in given.keys() - own}
        return cls(properties=properties, **{name: given[name] for name in given.keys() & own})


def parsers(
    commands: Iterable[Command],
) -> tuple[argparse.ArgumentParser, dict[str, argparse.ArgumentParser]]:
    """Return the parser of the whole command line, and those of its *commands* by name."""
    commands = tuple(commands)
    found = (f"{each.name}: {each.found}" for each in commands if each.found)
    epilog = _EXITS.format(found=";\n       ".join(found)) + _fields_of(commands)
    parser = _parser(argparse.ArgumentParser, NAME, _SUMMARY, epilog)
    parser.add_argument("--version", action="version", version=f"{NAME} {VERSION}")
    adder = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    by_name = {}
    for command in commands:
        make = partial(adder.add_parser, command.name, help=command.summary)
        epilog = _EXITS.format(found=command.found or "not of this command") + _fields_of((command,))
        by_name[command.name] = _parser(make, f"{NAME} {command.name}", command.summary, epilog)
        _add_options(by_name[command.name], command)
    return parser, by_name


def _fields_of(commands: Sequence[Command]) -> str:
    """Return what `--json` prints, for the end of the help."""
    lines = ["", "--json prints one object:"]
    for command in commands:
        first, *more = command.fields.splitlines()
        lines += [f"  {command.name:<8} {first}", *(f"{'':11}{line}" for line in more)]
    return "\n".join(lines)


def _parser(
    make: Callable[..., argparse.ArgumentParser], name: str, description: str, epilog: str
) -> argparse.ArgumentParser:
    return make(
        prog=name,
        description=description[0].upper() + description[1:],
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _add_options(parser: argparse.ArgumentParser, command: Command) -> None:
    _add_prefix(parser, default=None if command.request else "*")
    parser.add_argument("--region", help="AWS Region (default: AWS_DEFAULT_REGION, the profile's, or AWS_REGION)")
    parser.add_argument("--profile", help="profile of the AWS configuration (default: the usual search)")
    parser.add_argument("--json", action="store_true", help="print one JSON object, see below; needs no Rich")
    if command.request:
        for each in PROPERTIES:
            if each.option and each is not FLEET_TARGET and command.request in each.option.requests:
                _add_property(parser, each, each.option)
        if command.claims:
            _add_owner(parser)
            _add_protected(parser)
    command.add_options(parser)
    if command.changes:
        parser.add_argument("--yes", action="store_true", help="do not ask")


def _add_prefix(parser: argparse.ArgumentParser, default: str | None) -> None:
    more: dict[str, Any] = {"type": _not_empty, "required": default is None, "default": default}
    _add_property(parser, FLEET_TARGET, cast("Option", FLEET_TARGET.option), " (default)" if default else "", **more)


def _add_property(
    parser: argparse.ArgumentParser, each: Property, option: Option, more_help: str = "", **more: Any
) -> None:
    if each.form.many:
        more |= {"nargs": "+", "action": "extend", "default": []}
    elif each.form.choices:
        more |= {"type": partial(_fold, each.form.choices), "choices": each.form.choices}
        more |= {"default": each.default_for(Fleet)}
        more_help = " (default %(default)s)"
    if each.required:
        more["required"] = True
    parser.add_argument(each.flag, dest=each.name, metavar=option.metavar, help=option.help + more_help, **more)


def _add_owner(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--owner", nargs=2, metavar=("STACK_ID", "LOGICAL_ID"),
        help="work for the fleet that this resource of a stack is, with the same --prefix as there (default: for the "
        "command line itself; a stack's fleet takes that over, with what was there before)",
    )  # fmt: skip


def _add_protected(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--protected", nargs="+", action="extend", default=[], metavar="NAME",
        help="leave these alone whoever owns them (* stands for any characters): the provider's own "
        "ProtectedLogGroupNames, which `doctor` shows",
    )  # fmt: skip


def _fold(choices: Sequence[str], text: str) -> str:
    """Return the choice that *text* is but for its case; *text* itself, which is refused, where it is none."""
    return {choice.lower(): choice for choice in choices}.get(text.lower(), text)


def _not_empty(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("it must not be empty; * means every log group")
    return text
