"""The process that MiniStack runs in: started with a clean environment, watched, and stopped without a trace."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Final

from local.client.direction import Direction

PROJECT: Final = Path(__file__).resolve().parents[2]
_UP_WITHIN: Final = 60.0
#: A custom resource that is never answered blocks a thread for its ServiceTimeout: SIGTERM is not enough then.
_DOWN_WITHIN: Final = 3.0
#: Another process may take the free port between looking and binding.
_PORTS_TRIED: Final = 5


class EmbeddedAwsError(Exception):
    """The embedded AWS did not start."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a server.

    Attributes:
        account: its default account.
        region: its default Region.
        auth: whether IAM policies are enforced.
        quota_factor: how many times AWS's own the quotas of CloudWatch Logs are; 0 for none.
    """

    account: str
    region: str
    auth: bool
    quota_factor: float = 1.0


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    process_id: int
    port: int

    @property
    def endpoint(self) -> str:
        """The URL that it listens at: loopback only."""
        return f"http://127.0.0.1:{self.port}"

    def answers(self) -> bool:
        """Return whether it is this process that answers at the port."""
        try:
            return Direction(self.endpoint).process_id() == self.process_id
        except (OSError, HTTPException, ValueError, KeyError):
            return False

    def stop(self) -> None:
        """End it and the functions that it runs: its process group, which has nobody else in it."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.process_id, signal.SIGTERM)
        deadline = time.monotonic() + _DOWN_WITHIN
        while _is_alive(self.process_id) and time.monotonic() < deadline:
            time.sleep(0.02)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process_id, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.process_id, 0)


def start(settings: Settings, state: Path, *, with_parent: bool) -> Server:
    """Start a server and wait until it answers.

    Args:
        settings: account, Region, quotas, and whether IAM is enforced.
        state: a directory for all that it writes.
        with_parent: whether it ends when this process ends, however that happens, and *state* goes with it.

    Raises:
        EmbeddedAwsError: it did not start; the message has the end of its log.
    """
    for directory in ("home", "tmp", "s3", "state"):
        (state / directory).mkdir(parents=True, exist_ok=True)
    for _ in range(_PORTS_TRIED):
        port = _free_port()
        command = [sys.executable, "-m", "local.emulator"]
        if with_parent:
            command += ["--with-parent", "--remove", str(state)]
        with (state / "server.log").open("ab") as log:
            process = subprocess.Popen(  # nosec B603 # noqa: S603 - our own module
                command,
                cwd=PROJECT,
                env=_environment(settings, state, port),
                stdin=subprocess.PIPE if with_parent else subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # A group of its own: Ctrl-C in the terminal is the tests' business, and the group ends as one.
                start_new_session=True,
            )
        server = Server(process.pid, port)
        if _comes_up(server, process):
            _KEPT[process.pid] = process
            return server
        _end(server, process)
    raise EmbeddedAwsError(f"The embedded AWS did not start:\n{_tail(state / 'server.log')}")


#: Popen objects of running servers: one that is collected closes the pipe that keeps its server alive.
_KEPT: Final[dict[int, "subprocess.Popen[bytes]"]] = {}


def release(server: Server) -> None:
    """Stop a server, whichever process has started it."""
    process = _KEPT.pop(server.process_id, None)
    if process is None:
        server.stop()
    else:
        _end(server, process)


def _end(server: Server, process: "subprocess.Popen[bytes]") -> None:
    server.stop()
    process.poll()
    if process.stdin:
        process.stdin.close()


def remove(state: Path) -> None:
    """Remove a state directory."""
    shutil.rmtree(state, ignore_errors=True)


def _environment(settings: Settings, state: Path, port: int) -> dict[str, str]:
    """Return all that the server sees. Functions inherit it, hence nothing of the caller's but PATH."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(state / "home"),
        "TMPDIR": str(state / "tmp"),
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "MINISTACK_HOST": "127.0.0.1",
        "MINISTACK_ACCOUNT_ID": settings.account,
        "MINISTACK_REGION": settings.region,
        "AUTH": "true" if settings.auth else "false",
        "EMBEDDED_AWS_QUOTA_FACTOR": str(settings.quota_factor),
        "LAMBDA_EXECUTOR": "local",
        "S3_DATA_DIR": str(state / "s3"),
        "STATE_DIR": str(state / "state"),
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        # Lambda sets it for every function; botocore puts it into the user agent, by which their calls are known.
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _comes_up(server: Server, process: "subprocess.Popen[bytes]") -> bool:
    deadline = time.monotonic() + _UP_WITHIN
    while process.poll() is None and time.monotonic() < deadline:
        if server.answers():
            return True
        time.sleep(0.05)
    return False


def _is_alive(process_id: int) -> bool:
    """Return whether it runs; a child that has ended is reaped."""
    with contextlib.suppress(ChildProcessError):
        if os.waitpid(process_id, os.WNOHANG)[0]:
            return False
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-30:])
