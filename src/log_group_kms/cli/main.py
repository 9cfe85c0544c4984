"""`log-group-kms`: see what a fleet would do, do it, give it back; report coverage, check the account.

What `plan` shows, `apply` changes and `release` gives back is all the doing of `fleet`, as for a stack.
"""

from __future__ import annotations

import io
import logging
import os
import sys
from typing import TYPE_CHECKING, Final

from log_group_kms.cli.command import Exit, Invocation, Misuse
from log_group_kms.cli.commands.apply import APPLY
from log_group_kms.cli.commands.doctor import DOCTOR
from log_group_kms.cli.commands.plan import PLAN
from log_group_kms.cli.commands.release import RELEASE
from log_group_kms.cli.commands.report import REPORT
from log_group_kms.cli.options import Options, parsers
from log_group_kms.cli.screen import JsonScreen
from log_group_kms.cli.tables import TableScreen
from log_group_kms.cli.terminal import Terminal, tell
from log_group_kms.model.errors import ProviderError
from log_group_kms.retry.clock import Deadline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from log_group_kms.cli.command import Command
    from log_group_kms.cli.screen import Screen

#: A new command is entered here; in the order of the help.
COMMANDS: Final = (PLAN, APPLY, RELEASE, REPORT, DOCTOR)

#: What a clone that was not installed may lack.
_LIBRARIES: Final = ("boto3", "botocore", "rich")


def main(arguments: Sequence[str] | None = None, terminal: Terminal | None = None) -> int:
    """Run one command, and return the exit code.

    Raises:
        SystemExit: after `--help`, and with 2 for wrong usage.
    """
    # What goes wrong is told here; nobody else is to write between the lines of the progress.
    if isinstance(sys.stdout, io.TextIOWrapper):
        # What a terminal's encoding cannot show, it shows as a question mark: stderr does so by itself.
        sys.stdout.reconfigure(errors="replace")
    logging.getLogger("log_group_kms").addHandler(logging.NullHandler())
    parser, by_name = parsers(COMMANDS)
    options = Options.of(parser.parse_args(arguments))
    (command,) = (each for each in COMMANDS if each.name == options.command)
    try:
        return _run(command, options, terminal or Terminal())
    except Misuse as wrong:
        by_name[options.command].error(str(wrong))
    except BrokenPipeError:
        # Whoever read the result has seen enough; at its end, Python would try to write the rest.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.ERROR
    except KeyboardInterrupt:
        tell("Interrupted.")
        return Exit.INTERRUPTED
    except ModuleNotFoundError as missing:
        library = (missing.name or "").partition(".")[0]
        if library not in _LIBRARIES:
            raise
        tell(f"There is no {library} for this Python: pip install rich boto3 (with --json, boto3 is enough)")
        return Exit.ERROR


def _run(command: Command, options: Options, terminal: Terminal) -> Exit:
    if command.changes and not (options.yes or terminal.is_interactive()):
        raise Misuse(f"{command.name} asks before it changes anything, and there is no terminal: give --yes")
    screen: Screen = (JsonScreen if options.json else TableScreen)(terminal.clock)
    try:
        with terminal.connect(options) as account:
            invocation = Invocation(options, terminal, account, screen, Deadline())
            try:
                return command.run(invocation)
            except ProviderError as failure:
                return invocation.fail(failure)
    except ProviderError as unconfigured:
        screen.failure({"command": command.name, "error": str(unconfigured)})
        tell(str(unconfigured))
        return Exit.ERROR
