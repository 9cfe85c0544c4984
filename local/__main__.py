"""Start the embedded AWS and leave it running: `python -m local`; end it: `python -m local stop`."""

import argparse
import os
import shlex
import sys
from pathlib import Path

from local.client import detached
from local.client.embedded_aws import ACCOUNT, REGION, EmbeddedAws
from local.client.server import Settings
from local.demo.seed import seed
from local.emulator.quotas import factor_in


def main() -> int:
    """Do what the command line says."""
    arguments = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    arguments.add_argument("action", nargs="?", choices=("start", "stop"), default="start")
    arguments.add_argument("--auth", action="store_true", help="enforce IAM policies")
    arguments.add_argument(
        "--quota-factor", type=factor_in, default=1.0, help="times AWS's own quotas, or off (default: 1)"
    )
    arguments.add_argument("--account", default=ACCOUNT)
    arguments.add_argument("--region", default=REGION)
    chosen = arguments.parse_args()
    if chosen.action == "stop":
        print("# Stopped." if detached.stop() else "# It was not running.")
        return 0
    running = detached.find()
    if running:
        print(f"# The embedded AWS is already running at {running.endpoint}.")
    else:
        running = detached.start(Settings(chosen.account, chosen.region, chosen.auth, chosen.quota_factor))
        seed(running)
        print(f"# The embedded AWS runs at {running.endpoint}, account {running.account}.")
    print_environment(running)
    return 0


def print_environment(running: EmbeddedAws) -> None:
    """Print lines for a shell; `eval "$(python -m local)"` works too."""
    print("unset AWS_PROFILE AWS_SESSION_TOKEN")
    for name, value in running.environment.items():
        print(f"export {name}={shlex.quote(value)}")
    tools = str(Path(sys.executable).parent)
    if tools not in os.environ.get("PATH", "").split(os.pathsep):
        # There is a `sam` in it.
        print(f"export PATH={shlex.quote(tools)}:$PATH")
    print("# To stop it: make local-stop. To empty it: make local-stop, and start it again")


if __name__ == "__main__":
    sys.exit(main())
