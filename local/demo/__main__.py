"""The demo: `python -m local.demo`. The exit code is 0 only if every scene reached its claim."""

import os
import signal
import sys
import time
from typing import Final

from rich.console import Console
from rich.text import Text

from local.client.server import EmbeddedAwsError
from local.client.stacks import StackNotSettledError
from local.demo import provider
from local.demo.scenario import SCENES, ClaimNotReachedError, run

_INTERRUPTED: Final = 130


def main() -> int:
    """Run the demo."""
    # Nothing may be left running, also where it is ended from outside, or a script's shell told it to overlook Ctrl-C.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # Whatever accounts and profiles the caller works with: none is looked at.
    environment = provider.environment_without_aws()
    os.environ.clear()
    os.environ.update(environment)
    console = Console(highlight=False)
    begun = time.monotonic()
    try:
        run(console)
    except KeyboardInterrupt:
        console.print("\nInterrupted; nothing is left running.")
        return _INTERRUPTED
    except ClaimNotReachedError as error:
        console.print("\n[bold red]This scene did not reach what it claims.[/]", Text(str(error)), sep="\n")
        return 1
    except (provider.CommandFailedError, StackNotSettledError, EmbeddedAwsError) as error:
        console.print("\n[bold red]This failed:[/]", Text(str(error)), sep="\n")
        return 1
    console.print(
        f"\n[bold green]Every scene reached the state that it claims[/] "
        f"({len(SCENES)} scenes, {time.monotonic() - begun:.0f} s). Nothing is left running.",
        soft_wrap=True,
    )
    console.print(
        "Next: docs/tutorial.md encrypts one log group of yours, docs/how-to/fleet.md every one.", soft_wrap=True
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
