"""The server's process: started, left running, and gone without a trace."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from local.client import detached
from local.client.server import PROJECT, Server, Settings


def test_an_interrupted_test_run_leaves_nothing(tmp_path: Path) -> None:
    """The server and its files go even when the process that started it is killed."""
    program = (
        "import tempfile, time\n"
        "from local.client.embedded_aws import EmbeddedAws\n"
        "with EmbeddedAws.start() as aws:\n"
        "    print(aws.direction.process_id(), aws.endpoint.rpartition(':')[2], flush=True)\n"
        "    time.sleep(60)\n"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(  # noqa: S603 - the program above
        [sys.executable, "-c", program], cwd=PROJECT, env=environment, stdout=subprocess.PIPE
    ) as run:
        assert run.stdout is not None
        process_id, port = map(int, run.stdout.readline().split())
        server = Server(process_id, port)
        was_up = server.answers()
        run.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 10
    while (server.answers() or list(tmp_path.iterdir())) and time.monotonic() < deadline:
        time.sleep(0.05)

    assert was_up
    assert not server.answers()
    assert list(tmp_path.iterdir()) == []


def test_one_can_be_left_running(tmp_path: Path) -> None:
    """A detached one is found again by its state, is not started twice, and leaves nothing when stopped."""
    state = tmp_path / "state"

    started = detached.start(Settings("111122223333", "eu-west-1", auth=False), state)
    found = detached.find(state)
    stopped = detached.stop(state)

    assert found is not None
    assert found.environment == started.environment
    assert found.environment["AWS_ENDPOINT_URL"].startswith("http://127.0.0.1:")
    assert (stopped, detached.stop(state), detached.find(state), state.exists()) == (True, False, None, False)
