"""AWS's Runtime Interface Emulator, as aws-sam-cli ships it, with AWS's own runtime client in it; no container.

It is a binary for Linux. It enforces the time-out, and no limit on memory; it makes the function's ARN up, and a second
invocation while one runs would crash it.
"""

from __future__ import annotations

import json
import os
import platform
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from signal import SIGKILL
from threading import Lock
from typing import IO, TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

#: What AWS's runtime brings along: boto3 and its dependencies, the runtime client and its own.
_RUNTIME: Final = (
    *("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3"),
    *("awslambdaric", "runtime_client", "simplejson", "snapshot_restore_py"),
)
_ARCHITECTURES: Final = {"x86_64": "x86_64", "aarch64": "arm64"}
#: Starts the rest of its arguments, tells their process id, and ends it when its own standard input ends: so also where
#: the tests are killed.
_TOGETHER: Final = 'log=$1; shift; "$@" >"$log" 2>&1 </dev/null & echo $!; read -r _; kill $!; wait'
_UP_WITHIN: Final = 20.0
_ENDS_WITHIN: Final = 10.0
#: No proxy stands before the loopback address.
_DIRECT: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, slots=True)
class Function:
    """What Lambda knows of a function.

    Attributes:
        package: the folder that `sam build` made, with nothing else.
        handler: MODULE.FUNCTION.
        memory: MemorySize; the emulator only passes it on.
        timeout: seconds.
        log_level: the least severe messages, as LoggingConfig has it, in JSON.
        environment: the function's own variables.
    """

    package: Path
    handler: str
    memory: int
    timeout: int
    log_level: str
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Invocation:
    """What came back for an event: a HTTP status of the emulator's, and the function's result or the error."""

    status: int
    body: str

    @property
    def error_type(self) -> str | None:
        """Lambda's word for how it failed; None where it did not, or was ended by its time-out."""
        with suppress(ValueError, AttributeError):
            return cast("str | None", json.loads(self.body).get("errorType"))
        return None


class RuntimeEmulator:
    """Made by `start`; one execution environment."""

    def __init__(self, process_id: int, port: int, log: Path) -> None:
        self._process_id = process_id
        self._url = f"http://127.0.0.1:{port}/2015-03-31/functions/function/invocations"
        self._log = log
        self._one_at_a_time = Lock()

    @classmethod
    @contextmanager
    def start(cls, function: Function, workspace: Path) -> Iterator[RuntimeEmulator]:
        """Start it, and stop it with the block; the function's process starts with its first event.

        Args:
            function: what to run.
            workspace: a folder where nothing else is.
        """
        ports = free_ports()
        log = workspace / "log"
        with subprocess.Popen(  # noqa: S603 - our own words
            ["/bin/sh", "-c", _TOGETHER, "sh", str(log), *_command(function, *ports)],
            cwd=function.package,
            env=environment(function, runtime_folder(workspace / "runtime")),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as shell:
            emulator = cls(int(cast("IO[str]", shell.stdout).readline()), ports[0], log)
            try:
                wait_until(lambda: listens(ports[0]), "the emulator does not listen")
                yield emulator
            finally:
                runtime = emulator.runtime_process()
                cast("IO[str]", shell.stdin).close()
                end(shell, emulator._process_id, runtime)

    def invoke(self, event: object) -> Invocation:
        """Let the function have *event*, and wait for its end."""
        request = urllib.request.Request(self._url, data=json.dumps(event).encode())  # noqa: S310 - on loopback
        with self._one_at_a_time:
            try:
                with _DIRECT.open(request, timeout=120) as response:
                    return Invocation(response.status, response.read().decode())
            except urllib.error.HTTPError as error:
                with error:
                    return Invocation(error.code, error.read().decode())

    def log(self) -> str:
        """All that the emulator and the function have written, once every invocation that began is in it to its end."""

        def complete() -> bool:
            text = self._log.read_text()
            return text.count("START RequestId") == text.count("END RequestId")

        wait_until(complete, "an invocation that crashed has no end in the log")
        return self._log.read_text()

    def cold_starts(self) -> int:
        """How often the function was started."""
        return self._log.read_text().count("INIT START")

    def runtime_process(self) -> int | None:
        """The function's process; None before its first event, and after its end."""
        return next(iter(_children(self._process_id)), None)

    def kill_runtime(self) -> None:
        """SIGKILL the function's process."""
        process_id = self.runtime_process()
        assert process_id is not None, "nothing runs that could be killed"
        os.kill(process_id, SIGKILL)


def _command(function: Function, port: int, runtime_port: int) -> list[str]:
    # Without either address it would listen on every interface.
    emulator = [str(emulator_path()), "--log-level", "info"]
    emulator += ["--runtime-interface-emulator-address", f"127.0.0.1:{port}"]
    emulator += ["--runtime-api-address", f"127.0.0.1:{runtime_port}"]
    # -S: of this virtual environment only what AWS's runtime has, too.
    return [*emulator, sys.executable, "-S", "-m", "awslambdaric", function.handler]


def environment(function: Function, runtime: Path) -> dict[str, str]:
    """What Lambda sets for a function."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "TZ": ":UTC",
        # As Lambda has it: the function's own modules before the runtime's.
        "PYTHONPATH": os.pathsep.join([str(function.package), str(runtime)]),
        # /var/task is read-only.
        "PYTHONDONTWRITEBYTECODE": "1",
        "LAMBDA_TASK_ROOT": str(function.package),
        "_HANDLER": function.handler,
        "AWS_EXECUTION_ENV": "AWS_Lambda_python{}.{}".format(*sys.version_info),
        "AWS_LAMBDA_FUNCTION_NAME": "log-group-kms-association",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
        "AWS_LAMBDA_FUNCTION_TIMEOUT": str(function.timeout),
        "AWS_LAMBDA_LOG_FORMAT": "JSON",
        "AWS_LAMBDA_LOG_LEVEL": function.log_level,
        **function.environment,
    }


def emulator_path() -> Path:
    """The emulator that the SAM CLI brings."""
    (sam,) = cast("Any", find_spec("samcli")).submodule_search_locations
    return Path(sam) / "local" / "rapid" / f"aws-lambda-rie-{_ARCHITECTURES[platform.machine()]}"


def runtime_folder(folder: Path) -> Path:
    """What /var/runtime has, and nothing else of this virtual environment."""
    folder.mkdir()
    for name in _RUNTIME:
        module = Path(str(cast("Any", find_spec(name)).origin))
        installed = module.parent if module.name == "__init__.py" else module
        (folder / installed.name).symlink_to(installed)
    return folder


def free_ports() -> tuple[int, int]:
    """Two ports that nobody listens on."""
    with socket.socket() as first, socket.socket() as second:
        for probe in (first, second):
            probe.bind(("127.0.0.1", 0))
        return int(first.getsockname()[1]), int(second.getsockname()[1])


def listens(port: int) -> bool:
    """Whether somebody takes connections."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _children(process_id: int) -> list[int]:
    """The living children of a process, by what Linux tells of each process."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            # After the name, which stands in brackets and may hold anything: state, parent.
            state, parent, *_ = stat.read_text().rpartition(")")[2].split()
            if int(parent) == process_id and state != "Z":
                found.append(int(stat.parent.name))
    return found


def wait_until(reached: Callable[[], bool], otherwise: str) -> None:
    """Fail with what is so *otherwise*, if it takes too long."""
    deadline = time.monotonic() + _UP_WITHIN
    while not reached():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.01)


def end(shell: subprocess.Popen[str], emulator: int, runtime: int | None) -> None:
    """The shell has begun to end them; whoever is left is killed."""
    try:
        shell.wait(_ENDS_WITHIN)
    except subprocess.TimeoutExpired:
        for process_id in filter(None, (emulator, runtime)):
            with suppress(ProcessLookupError):
                os.kill(process_id, SIGKILL)
        shell.kill()
