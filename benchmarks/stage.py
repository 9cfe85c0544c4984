"""Where the contenders are measured: an AWS, a CloudFormation, and execution environments, all on loopback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from signal import SIGKILL
from typing import IO, TYPE_CHECKING, Any, Final, cast

from support import runtime_emulator
from support.cloudformation import CloudFormation
from support.runtime_emulator import Function, RuntimeEmulator

from benchmarks.wire import Trust, Wire
from local.client import keys
from local.client.embedded_aws import EmbeddedAws

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from support.cloudformation import ReceivedResponse

    from benchmarks.contenders import Contender

#: The quotas where nothing is asked about them: one event's time is taken, on an account where nobody else calls, and
#: events follow one another faster than they would there.
QUIET: Final = 100.0
#: As template.yaml has them, for everyone.
MEMORY: Final = 512
TIMEOUT: Final = 870
#: As `RuntimeEmulator` starts it: whoever is left ends with this process.
_TOGETHER: Final = 'log=$1; shift; "$@" >"$log" 2>&1 </dev/null & echo $!; read -r _; kill $!; wait'
#: No proxy stands before the loopback address.
_DIRECT: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))
#: The moment just before the runtime's own process begins.
_STARTED: Final = 'BENCH_STARTED=$(date +%s%N); export BENCH_STARTED; exec "$@"'


@dataclass(frozen=True, slots=True)
class Times:
    """What the contender told of its own event, in seconds; the moments are the system's clock's."""

    started: float
    module: float
    imported: float
    handler: float
    clients: tuple[tuple[float, float], ...]
    calls: tuple[tuple[float, float], ...]
    importing: float
    paused: float


@dataclass(frozen=True, slots=True)
class Heard:
    """What CloudFormation heard of an event.

    Attributes:
        sent: when the event was sent.
        at: when the answer had arrived.
        answer: the answer.
        calls: the calls of Logs and KMS for this event's log group.
        times: what the contender told.
    """

    sent: float
    at: float
    answer: ReceivedResponse
    calls: int
    times: Times

    @property
    def seconds(self) -> float:
        """From the event to the answer, with the pause that was not waited for."""
        return self.at - self.sent + self.times.paused


class Listening(CloudFormation):
    """The double that notes when it heard an answer, and leaves judging the protocol to the tests: peers break it."""

    def __init__(self, tls: Any = None) -> None:
        super().__init__(tls)
        self.heard: dict[str, float] = {}

    def accept(self, pending: Any, answer: ReceivedResponse) -> None:
        """Take it, and note the moment."""
        self.heard.setdefault(pending.event["RequestId"], time.time())
        super().accept(pending, answer)

    def violated(self, rule: str) -> None:
        """Not here."""


@dataclass(frozen=True, slots=True)
class Environment:
    """A contender's execution environment, which starts with its first event."""

    stage: Stage
    contender: Contender
    emulator: RuntimeEmulator
    port: int
    times: Path

    def hear(self, event: Mapping[str, Any]) -> Heard:
        """Send *event*, and listen."""
        sent = time.time()
        invocation = self._invoke(event)
        heard = self.stage.cloudformation.heard.get(event["RequestId"])
        if heard is None:
            raise RuntimeError(f"{self.contender.name} did not answer: {invocation}\n{self.emulator.log()}")
        answer = self.stage.cloudformation.responses_to(event)[0]
        calls = self.stage.calls_about(self.stage.log_group_of(event))
        return Heard(sent, heard, answer, calls, _last_told(self.times))

    def _invoke(self, event: Mapping[str, Any]) -> str:
        # Not the emulator's own `invoke`, which gives up after two minutes: a refusal may be waited out for longer.
        url = f"http://127.0.0.1:{self.port}/2015-03-31/functions/function/invocations"
        request = urllib.request.Request(url, data=json.dumps(event).encode())
        with _DIRECT.open(request, timeout=TIMEOUT) as response:
            return str(response.read().decode())

    def processor_time(self) -> float:
        """Seconds that the process has had of a processor so far, in all its threads."""
        threads = Path(f"/proc/{self.emulator.runtime_process()}/task").glob("*/schedstat")
        return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9

    def peak_memory(self) -> int:
        """The process's largest resident size so far, in bytes."""
        status = Path(f"/proc/{self.emulator.runtime_process()}/status").read_text()
        (line,) = [line for line in status.splitlines() if line.startswith("VmHWM:")]
        return int(line.split()[1]) * 1024


class Stage:
    """Made by `start`."""

    def __init__(self, aws: EmbeddedAws, cloudformation: Listening, wire: Wire, trust: Trust, runtime: Runtime) -> None:
        self.aws = aws
        self.cloudformation = cloudformation
        self._wire = wire
        self._trust = trust
        self._runtime = runtime
        self._numbers = count()
        self._log_groups: dict[str, str] = {}
        self.keys = (keys.create(aws), keys.create(aws))

    @classmethod
    @contextmanager
    def start(cls, runtime: Runtime, latency: float = 0.0) -> Iterator[Stage]:
        """An empty account, *latency* seconds away."""
        trust = runtime.trust
        with (
            EmbeddedAws.start(quota_factor=QUIET) as aws,
            Wire.start(aws.endpoint, trust, latency) as wire,
            Listening.start(trust.server()) as cloudformation,
        ):
            yield cls(aws, cast("Listening", cloudformation), wire, trust, runtime)

    @contextmanager
    def environment(self, contender: Contender) -> Iterator[Environment]:
        """An execution environment of *contender*'s."""
        number = next(self._numbers)
        workspace = self._runtime.folder / f"environment-{id(self)}-{number}"
        workspace.mkdir()
        times = workspace / "times"
        variables = {
            **self.aws.environment,
            **self._trust.environment(),
            "AWS_ENDPOINT_URL": self._wire.endpoint,
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
            "PYTHONPATH": os.pathsep.join(map(str, (contender.package, self._runtime.modules, self._runtime.probe))),
            "BENCH_HANDLER": contender.handler,
            "BENCH_TIMES": str(times),
            **contender.environment,
        }
        function = Function(contender.package, contender.handler, MEMORY, TIMEOUT, "INFO", variables)
        with _running(function, contender.command, self._runtime, workspace) as (emulator, port):
            yield Environment(self, contender, emulator, port, times)

    def log_group(self) -> str:
        """A new one, without a key."""
        name = f"/bench/{next(self._numbers):05d}"
        self.aws.client("logs").create_log_group(logGroupName=name)
        return name

    def create(self, contender: Contender, log_group: str, *, service_timeout: int | None = None) -> dict[str, Any]:
        """A Create for *log_group* with the first key."""
        properties = contender.properties(log_group, self.keys[0])
        return self._event("Create", log_group, properties=properties, service_timeout=service_timeout)

    def update(self, contender: Contender, log_group: str) -> dict[str, Any]:
        """The Update to the second key."""
        before, after = (contender.properties(log_group, key) for key in self.keys)
        physical_id = self._physical_id(contender, log_group)
        more = {"old_properties": before, "physical_resource_id": physical_id}
        return self._event("Update", log_group, properties=after, **more)

    def delete(self, contender: Contender, log_group: str) -> dict[str, Any]:
        """The Delete after that Update."""
        properties = contender.properties(log_group, self.keys[1])
        physical_id = self._physical_id(contender, log_group)
        return self._event("Delete", log_group, properties=properties, physical_resource_id=physical_id)

    def log_group_of(self, event: Mapping[str, Any]) -> str:
        """The one that an event of this stage's is about."""
        return self._log_groups[event["RequestId"]]

    def calls_about(self, log_group: str) -> int:
        """How many calls there were since `forget_calls`."""
        return sum(call.log_group == log_group for call in self.aws.direction.calls())

    def _event(self, kind: str, log_group: str, **more: Any) -> dict[str, Any]:
        logical_id = f"Encryption{log_group.rpartition('/')[2]}"
        event = self.cloudformation.event(kind, logical_resource_id=logical_id, **more)
        self._log_groups[event["RequestId"]] = log_group
        return event

    def _physical_id(self, contender: Contender, log_group: str) -> str:
        arn = f"arn:aws:logs:{self.aws.region}:{self.aws.account}:log-group:{log_group}"
        return arn if contender.whole else log_group


class Runtime:
    """What /var/runtime has, and the module that takes the times; all with bytecode. Made once for a run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.trust = Trust(folder)
        self.modules = runtime_emulator.runtime_folder(folder / "runtime")
        self.probe = folder / "probe"
        self.probe.mkdir()
        (self.probe / "timed.py").write_text((Path(__file__).parent / "timed.py").read_text())
        # What is one file there is linked, and its bytecode is looked for beside the link.
        for place in (self.modules, self.probe):
            subprocess.run([sys.executable, "-Im", "compileall", "-q", "-l", str(place)], check=True)  # noqa: S603 - our own


@contextmanager
def _running(
    function: Function, command: tuple[str, ...], runtime: Runtime, workspace: Path
) -> Iterator[tuple[RuntimeEmulator, int]]:
    """As `RuntimeEmulator.start`, with any command for the runtime; with the port that it listens on."""
    ports, log = runtime_emulator.free_ports(), workspace / "log"
    address, api = (f"127.0.0.1:{port}" for port in ports)
    emulator = [str(runtime_emulator.emulator_path()), "--log-level", "info"]
    emulator += ["--runtime-interface-emulator-address", address, "--runtime-api-address", api]
    with subprocess.Popen(  # noqa: S603 - our own words
        ["/bin/sh", "-c", _TOGETHER, "sh", str(log), *emulator, "/bin/sh", "-c", _STARTED, "sh", *command],
        cwd=function.package,
        env=runtime_emulator.environment(function, runtime.modules),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as shell:
        process_id = int(cast("IO[str]", shell.stdout).readline())
        running = RuntimeEmulator(process_id, ports[0], log)
        try:
            runtime_emulator.wait_until(lambda: runtime_emulator.listens(ports[0]), "the emulator does not listen")
            yield running, ports[0]
        finally:
            left = running.runtime_process()
            if left is not None:
                # It has nothing to finish, and SIGTERM takes the emulator two seconds.
                os.kill(left, SIGKILL)
            cast("IO[str]", shell.stdin).close()
            runtime_emulator.end(shell, process_id, None)


def _last_told(times: Path) -> Times:
    told = json.loads(times.read_text().splitlines()[-1])

    def spans(name: str) -> tuple[tuple[float, float], ...]:
        return tuple((begin / 1e9, end / 1e9) for begin, end in told[name])

    moments = {name: told[name] / 1e9 for name in ("started", "module", "imported", "handler")}
    return Times(
        **moments,
        clients=spans("clients"),
        calls=spans("calls"),
        importing=told["importing"] / 1e9,
        paused=told["paused"],
    )
