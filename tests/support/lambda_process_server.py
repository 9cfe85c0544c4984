"""The program that `lambda_process` starts: one line of JSON in for each invocation, one line out for how it ended."""

from __future__ import annotations

import json
import os
import signal
import ssl
import sys
import tempfile
import traceback
from functools import cache, wraps
from itertools import count
from typing import IO, TYPE_CHECKING, Any, Final, NoReturn

from urllib3.connectionpool import HTTPConnectionPool

from log_group_kms.association import claims
from log_group_kms.handlers import provider as handler
from support.lambda_context import LambdaContext

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Tell = Callable[[str, str], None]

#: The services as botocore's JSON protocol names them, and as IAM does.
_SERVICES: Final = {"Logs_20140328": "logs", "TrentService": "kms"}

#: Seconds.
_SLOW_MACHINE: Final = 60.0


def main() -> None:
    """Serve until the standard input ends."""
    # A machine with other things to do may take longer for three calls than Lambda; then the provider looks again.
    claims.FRESH = _SLOW_MACHINE  # type: ignore[misc] # a constant elsewhere
    # Made once and inherited by every fork: neither has a connection yet, and together they take 100 ms.
    _ = handler.aws.log_groups
    tls: Any = ssl
    tls.create_default_context = cache(ssl.create_default_context)
    tls.create_default_context()
    for line in sys.stdin:
        order = json.loads(line)
        print(json.dumps(_in_a_fork(order["event"], order["kill"])), flush=True)  # noqa: T201 - the answer


def _in_a_fork(event: Mapping[str, Any], kill: list[Any] | None) -> dict[str, Any]:
    reading, writing = os.pipe()
    with tempfile.TemporaryFile() as output:
        process = os.fork()
        if process == 0:
            os.close(reading)
            _invoke(event, kill, writing, output)
        os.close(writing)
        with os.fdopen(reading) as told:
            # Ends when the process does, whichever way; what it had told by then is all here.
            words = [json.loads(line) for line in told]
        _, status = os.waitpid(process, 0)
        output.seek(0)
        return {
            "ended_with": os.waitstatus_to_exitcode(status),
            "requests": [text for kind, text in words if kind == "requests"],
            "raised": next((text for kind, text in words if kind == "raised"), None),
            "output": output.read().decode(),
        }


def _invoke(event: Mapping[str, Any], kill: list[Any] | None, telling: int, output: IO[bytes]) -> NoReturn:
    """What one execution environment does; no end of it may run into the server's loop."""

    def tell(kind: str, text: str) -> None:
        os.write(telling, f"{json.dumps([kind, text])}\n".encode())

    ended_with = 1
    try:
        for standard in (1, 2):
            os.dup2(output.fileno(), standard)
        _watch_requests(tell, kill)
        try:
            handler.handler(dict(event), LambdaContext())  # type: ignore[arg-type] # all that is used of Lambda's
        except Exception as error:  # noqa: BLE001 - Lambda reports whatever it is
            tell("raised", "".join(traceback.format_exception_only(error)).strip())
        sys.stdout.flush()
        ended_with = 0
    except BaseException:  # noqa: BLE001 - a fault of this program, for the test to show
        traceback.print_exc()
    finally:
        # No clean-up of the server's: it is the server's to do.
        os._exit(ended_with)


def _watch_requests(tell: Tell, kill: list[Any] | None) -> None:
    """Every request of the process passes here, botocore's and the answer's."""
    pools: Any = HTTPConnectionPool
    send = pools.urlopen
    numbers = count()

    @wraps(send)
    def watched(pool: HTTPConnectionPool, method: str, *args: Any, **options: Any) -> Any:
        number = next(numbers)
        tell("requests", _name(method, options.get("headers") or {}))
        _die_if(kill == ["before", number])
        response = send(pool, method, *args, **options)
        _die_if(kill == ["after", number])
        return response

    pools.urlopen = watched


def _die_if(now: bool) -> None:  # noqa: FBT001 - reads as a sentence
    if now:
        os.kill(os.getpid(), signal.SIGKILL)


def _name(method: str, headers: Mapping[str, Any]) -> str:
    """What a request asks for; never its URL, which for an answer is a secret."""
    target = headers.get("X-Amz-Target")
    if target is None:
        return method
    service, _, operation = (target.decode() if isinstance(target, bytes) else str(target)).partition(".")
    return f"{_SERVICES[service]}:{operation}"


if __name__ == "__main__":
    main()
