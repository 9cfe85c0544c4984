"""`make invoke EVENT=events/create.json`: build, run the event in a container, show the answer, stop everything.

It starts an embedded AWS with what the events speak of, and `events/catch.py`, which stands between that and the
container. The exit code is 0 where the function answered: the provider to CloudFormation, FAILED or not; the enrolment,
which answers nobody, by what it returns.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from local.client.embedded_aws import EmbeddedAws
from local.client.server import PROJECT, EmbeddedAwsError
from local.demo import provider
from local.demo.seed import SeedError, seed
from local.invoke.engine import Engine, NoEngineError, find

if TYPE_CHECKING:
    from collections.abc import Iterator

FUNCTIONS: Final = ("ProviderFunction", "EnrolmentFunction")
#: It answers nobody: what it returns is its answer.
_RETURNS: Final = "EnrolmentFunction"
_IMAGE: Final = "public.ecr.aws/lambda/python:3.13-rapid-{architecture}"
#: Seconds from the end of the function until the answer has been shown.
_SHOWN_WITHIN: Final = 5.0
_UP_WITHIN: Final = 10.0
_READY: Final = "Listening"


class NoAnswerError(Exception):
    """The function ended, and nobody got an answer."""


def main() -> int:
    """Do it."""
    arguments = argparse.ArgumentParser(prog="make invoke", description="One event in Lambda's own container image.")
    arguments.add_argument("event", type=Path, help="a file of events/")
    arguments.add_argument("--function", choices=FUNCTIONS, help="by default the one that the event's file is for")
    chosen = arguments.parse_args()
    # Nothing may be left running, also where it is ended from outside.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    function = chosen.function or function_for(chosen.event)
    try:
        if not chosen.event.is_file():
            raise NoAnswerError(f"There is no event {chosen.event}: events/ has one for each situation.")
        engine = find()
        _say(f"{engine.name} runs {function} with {chosen.event}.")
        with tempfile.TemporaryDirectory(prefix="invoke-") as workspace:
            return invoke(function, chosen.event.resolve(), engine, Path(workspace))
    except KeyboardInterrupt:
        _say("Interrupted; nothing is left running.")
        return 130
    except (NoEngineError, NoAnswerError, provider.CommandFailedError, EmbeddedAwsError, SeedError) as error:
        _say(str(error))
        return 1


def function_for(event: Path) -> str:
    """Return the function that an event of events/ is for, by its file's name."""
    return _RETURNS if event.name.startswith(("enrolment-", "reconcile")) else "ProviderFunction"


def invoke(function: str, event: Path, engine: Engine, workspace: Path) -> int:
    """Run *event* in a container of *engine*; all that it writes is in *workspace*.

    Raises:
        NoAnswerError: the function died, or answered nobody.
        CommandFailedError: the build failed.
    """
    _say("Building (sam build)")
    provider.Sam(workspace / ".aws-sam").build()
    # The template names the built code beside itself.
    (workspace / "events").mkdir()
    template = shutil.copy(PROJECT / "events" / "template.yaml", workspace / "events")
    with EmbeddedAws.start() as aws:
        seed(aws)
        environment = {**provider.environment_without_aws(), **aws.environment, "DOCKER_HOST": engine.url}
        with _catcher(engine.listen_on, environment) as catcher:
            _say("Invoking (sam local invoke)")
            status = _sam_local_invoke(function, event, engine, Path(template), environment)
            if function == _RETURNS:
                return status
            return _answered(catcher)


def _sam_local_invoke(function: str, event: Path, engine: Engine, template: Path, environment: dict[str, str]) -> int:
    command = [str(Path(sys.executable).parent / "sam"), "local", "invoke", function, "--event", str(event)]
    command += ["--template-file", str(template), "--config-file", str(PROJECT / "samconfig.toml")]
    command += ["--add-host", f"localhost:{engine.name_for_containers}"]
    command += ["--parameter-overrides", f"Architecture={engine.architecture}"]
    if engine.has_image(_IMAGE.format(architecture=engine.architecture)):
        command += ["--skip-pull-image"]
    process = subprocess.Popen(  # nosec B603 # noqa: S603 - our own
        command,
        cwd=template.parent,
        env=environment,
        stdin=subprocess.DEVNULL,
        # On stdout there is the answer and nothing else.
        stdout=subprocess.PIPE if function == _RETURNS else sys.stderr,
        text=True,
    )
    try:
        returned, _ = process.communicate()
        if returned:
            sys.stdout.write(f"{returned.strip()}\n")
        return 1 if returned and '"errorType"' in returned else process.returncode
    finally:
        # It removes its container on SIGINT, and not on SIGTERM.
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(_UP_WITHIN)
        if process.poll() is None:
            process.kill()
            process.wait()


@contextmanager
def _catcher(address: str, environment: dict[str, str]) -> "Iterator[subprocess.Popen[str]]":
    """Yield the catcher while it listens.

    Raises:
        NoAnswerError: it cannot listen there.
    """
    catcher = subprocess.Popen(  # nosec B603 # noqa: S603 - our own
        [sys.executable, "-u", str(PROJECT / "events" / "catch.py"), address],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        first = catcher.stderr.readline() if catcher.stderr else ""
        if _READY not in first:
            said = first + (catcher.stderr.read() if catcher.stderr else "")
            raise NoAnswerError(f"events/catch.py cannot listen: {said.strip().splitlines()[-1]}")
        yield catcher
    finally:
        if catcher.poll() is None:
            catcher.terminate()
        catcher.wait()


def _answered(catcher: "subprocess.Popen[str]") -> int:
    try:
        catcher.wait(_SHOWN_WITHIN)
    except subprocess.TimeoutExpired:
        raise NoAnswerError(
            "The function ended, and CloudFormation would have got no answer: what it printed above says why."
        ) from None
    return 0


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    os.environ["SAM_CLI_TELEMETRY"] = "0"
    sys.exit(main())
