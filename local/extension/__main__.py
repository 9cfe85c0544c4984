"""Runs MiniStack with the extension around it, on the loopback address that the environment names."""

import argparse
import os
import shutil
import signal
import sys
import threading

from ministack import app

from local.extension import asynchronous, authorization, control, custom_resources, key_ids, logs, rollback, seams
from local.extension.director import Director


def main() -> None:
    """Check, install, run."""
    arguments = argparse.ArgumentParser(prog="local.extension", description=__doc__)
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
    director, queue = Director(), asynchronous.AsynchronousQueue()
    authorization.install()
    logs.install(director)
    key_ids.install()
    control.install(director)
    asynchronous.install(queue)
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
