"""MiniStack with this package around it, on the loopback address that the environment names."""

import argparse
import os
import shutil
import signal
import sys
import threading

from ministack import app

from local.emulator import (
    asynchronous,
    authorization,
    conditions,
    control,
    custom_resources,
    event_targets,
    execution_environments,
    function_resource,
    key_ids,
    log_group_resource,
    logs,
    physical_names,
    policies,
    rollback,
    seams,
    trail,
    transport,
)
from local.emulator.director import Director
from local.emulator.log_listing import LogListing
from local.emulator.log_summaries import LogSummaries
from local.emulator.quotas import Quotas, factor_in


def main() -> None:
    """Check, install, run."""
    arguments = argparse.ArgumentParser(prog="local.emulator", description=__doc__)
    arguments.add_argument("--check", action="store_true", help="only look whether MiniStack has all that is wrapped")
    arguments.add_argument("--with-parent", action="store_true", help="end when the standard input is closed")
    arguments.add_argument("--remove", metavar="DIR", help="with --with-parent: remove this directory at the end")
    chosen = arguments.parse_args()
    for seam in seams.SEAMS:
        seam.get()
    if chosen.check:
        return
    if chosen.with_parent:
        threading.Thread(target=_end_with_parent, args=(chosen.remove,), daemon=True).start()
    quotas = Quotas(factor_in(os.environ.get("EMBEDDED_AWS_QUOTA_FACTOR", "1")))
    director, queue = Director(quotas), asynchronous.AsynchronousQueue()
    listing, summaries = LogListing(), LogSummaries()
    policies.install()
    authorization.install()
    transport.install()
    logs.install(director, listing, summaries)
    key_ids.install()
    control.install(control.Control(director, listing, summaries))
    trail.install()
    asynchronous.install(queue)
    execution_environments.install()
    event_targets.install(queue)
    physical_names.install()
    conditions.install()
    log_group_resource.install()
    function_resource.install()
    custom_resources.install(custom_resources.CustomResources(director, queue))
    rollback.install()
    sys.argv[1:] = []
    app.main()


def _end_with_parent(remove: str | None) -> None:
    """Wait until whoever started the server is gone, however it went, and take the functions' processes along."""
    sys.stdin.buffer.read()
    if remove:
        shutil.rmtree(remove, ignore_errors=True)
    os.killpg(os.getpgrp(), signal.SIGKILL)


main()
