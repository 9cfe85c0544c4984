"""`python -m acceptance`: run the suite; `clean`: remove what runs have left; `beliefs`: list them.

Exit codes: 0 all went well, also where a belief did not hold; 1 the provider did not do what it should, or something is
left; 2 nothing was done; 130 interrupted.
"""

import argparse
import signal
import sys
from pathlib import Path
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from acceptance.account import Account, NoAccountError, NotSeenError
from acceptance.consent import NotConfirmedError, announcement, ask
from acceptance.deployment import BuildFailedError
from acceptance.names import Run
from acceptance.probes import PROBES
from acceptance.removal import Removal
from acceptance.report import FILE, beliefs
from acceptance.stacks import StackFailedError
from acceptance.suite import ALL, Suite, clean

NAMES: Final = [probe.belief.name for probe in ALL]
_NOTHING_DONE: Final = 2
_INTERRUPTED: Final = 130


def main() -> int:
    """Do what the command line says."""
    arguments = argparse.ArgumentParser(prog="python -m acceptance", description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("action", nargs="?", choices=("run", "clean", "beliefs"), default="run")
    arguments.add_argument("--report", type=Path, default=FILE, help="where the report goes (%(default)s)")
    arguments.add_argument(
        "--only", action="append", default=[], choices=NAMES, metavar="NAME", help="ask this alone; may be given again"
    )
    chosen = arguments.parse_args()
    if chosen.action == "beliefs":
        print(*beliefs(PROBES), sep="\n")
        return 0
    # As Ctrl-C, also where a script's shell told it to overlook that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        account = Account()
        return _clean(account) if chosen.action == "clean" else _run(account, chosen.report, chosen.only)
    except (NoAccountError, NotConfirmedError) as error:
        print(error, file=sys.stderr)
        return _NOTHING_DONE
    except (BotoCoreError, ClientError, NotSeenError, StackFailedError, BuildFailedError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted. If anything is left: make acceptance-clean", file=sys.stderr)
        return _INTERRUPTED


def _run(account: Account, report: Path, only: list[str]) -> int:
    run = Run.new()
    print(announcement(account, run))
    ask("Go on?")
    suite = Suite(account, run, report, _tell, only)
    went_well = suite.go()
    _tell(f"The report is in {report}")
    return 0 if went_well else 1


def _clean(account: Account) -> int:
    removal = Removal(account, _tell)
    runs = removal.runs()
    print(f"In account {account.id}, {account.region}, as {account.caller}:")
    print(*(removal.left(*runs).things if runs else ["nothing of the suite's."]), sep="\n")
    if runs:
        ask("Remove all of this?")
    return 0 if clean(removal, _tell) else 1


def _tell(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
