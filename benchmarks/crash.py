"""What a stack loses to a function that dies before it has answered."""

from __future__ import annotations

import io
import json
import time
import zipfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from benchmarks.report import Section, Table, median
from benchmarks.stage import QUIET
from local.client import keys
from local.client.embedded_aws import EmbeddedAws
from local.client.stacks import Stacks
from local.demo import provider
from local.demo.associations import template

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.bench import Bench

ROUNDS: Final = 3
FUNCTION: Final = "log-group-kms-association"
DEAD: Final = {
    "It cannot be imported": ("broken", "import a_dependency_that_is_missing\n"),
    "It is killed": ("killed", "import os\n\n\ndef handler(event, context):\n    os.kill(os.getpid(), 9)\n"),
}

_ASKED: Final = (
    "A stack with one resource is created, and the provider's function dies of it: from the call to the stack's end,"
    " roll-back included, for the provider as `sam deploy` deploys it to the embedded AWS. The peer is any function"
    " without an on-failure destination: CloudFormation waits for the resource's whole ServiceTimeout, for the Create"
    " and for the roll-back's Delete."
)


def measure(bench: Bench) -> Section:
    """Deploy, break, and create stacks."""
    kinds = dict(list(DEAD.items())[-1:]) if bench.short else DEAD
    service_timeout = 2 if bench.short else 5
    with _deployed(bench) as aws:
        rows = [
            (title, _ours(aws, module, bench.rounds(ROUNDS)), _peers(aws, module, source, service_timeout))
            for title, (module, source) in kinds.items()
        ]
    header = ("The function", "This provider", f"Peer with a ServiceTimeout of {service_timeout} s")
    notes = (
        "Without one, the peer's ServiceTimeout is CloudFormation's default of 3600 s: an hour for the Create alone.",
        "Lambda's own time to give an event up is not in the embedded AWS: a few seconds more on AWS.",
    )
    return Section("A function that dies", _ASKED, (Table(header, tuple(rows)),), notes)


@contextmanager
def _deployed(bench: Bench) -> Iterator[EmbeddedAws]:
    workspace = bench.folder / "sam"
    workspace.mkdir()
    sam = provider.Sam(workspace)
    built = sam.build()
    for module, source in DEAD.values():
        (built.parent / "ProviderFunction" / f"{module}.py").write_text(source)
    with EmbeddedAws.start(quota_factor=QUIET) as aws:
        sam.deploy(aws, built)
        yield aws


def _ours(aws: EmbeddedAws, module: str, rounds: int) -> str:
    aws.client("lambda").update_function_configuration(FunctionName=FUNCTION, Handler=f"{module}.handler")
    token = Stacks(aws).outputs(provider.STACK)["ServiceToken"]
    return _told([_stack(aws, f"{module}-{number}", token, None) for number in range(rounds)])


def _peers(aws: EmbeddedAws, module: str, source: str, service_timeout: int) -> str:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(f"{module}.py", source)
    made = aws.client("lambda").create_function(
        FunctionName=f"peer-{module}",
        Handler=f"{module}.handler",
        Code={"ZipFile": packed.getvalue()},
        Runtime="python3.13",
        Role=f"arn:aws:iam::{aws.account}:role/peer",
    )
    return _told([_stack(aws, f"peer-{module}", made["FunctionArn"], service_timeout)])


def _stack(aws: EmbeddedAws, name: str, token: str, service_timeout: int | None) -> float:
    """Seconds to the stack's end."""
    aws.client("logs").create_log_group(logGroupName=f"/{name}")
    properties = {"LogGroupName": f"/{name}", "KmsKeyId": keys.create(aws), "ServiceToken": token}
    body = json.loads(template(Encryption=properties))
    body.pop("Outputs", None)
    asked = body["Resources"]["Encryption"]["Properties"]
    asked.pop("ServiceTimeout")
    if service_timeout is not None:
        asked["ServiceTimeout"] = service_timeout
    begun = time.monotonic()
    Stacks(aws).deploy(name, json.dumps(body))
    return time.monotonic() - begun


def _told(seconds: list[float]) -> str:
    between = f" ({min(seconds):.1f} to {max(seconds):.1f})" if len(seconds) > 1 else ""
    return f"{median(seconds):.1f} s{between}"
