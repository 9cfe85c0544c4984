"""One Create from the function's entry point to CloudFormation's double, over the tests' fake; run by `calls`.

It prints the modules of all calls, as JSON, in its last line. `_handler` is what changes when the entry point does.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from support.cloudformation import CloudFormation
from support.fake_aws import PLACE, STACK_ID, FakeAws, FakeClock, FakeLogGroup, key_arn, log_group
from support.lambda_context import LambdaContext

# It and `support` are those of the tree that is measured: see `calls`.
import log_group_kms

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType

    Handler = Callable[[dict[str, Any], object], None]

_FOLDER: Final = f"{Path(log_group_kms.__file__).parent}/"
_PART_OF_A_FUNCTION: Final = ("<genexpr>", "<listcomp>", "<setcomp>", "<dictcomp>")
_TARGETS: Final = {
    "log-group": {"LogGroupName": log_group().name.text},
    "query-results": {"ResourceIdentifier": f"arn:aws:logs:{PLACE.region}:{PLACE.account}:query-result:*"},
}


class _FakePorts:
    """All that the entry point uses of AWS."""

    def __init__(self) -> None:
        fake = FakeAws.holding(key_arn(1))
        fake.log_groups[log_group()] = FakeLogGroup()
        self.log_groups = self.keys = fake

    def stacks(self, _place: object) -> _FakePorts:
        """Return CloudFormation's port."""
        return self

    def is_gone(self, _owner: object) -> bool:
        """No stack is; the port's own class is not there in each tree that is measured."""
        return False


def _handler() -> Handler:
    """The function's entry point, over the fake."""
    # The first version has no packages; it is measured too, with `--root`.
    new = Path(_FOLDER, "handlers").is_dir()
    module: Any = importlib.import_module(f"log_group_kms.{'handlers.provider' if new else 'handler'}")
    module.aws = _FakePorts()
    module.clock = FakeClock(time.time())
    handler: Handler = module.handler
    return handler


def _event(properties: dict[str, str]) -> dict[str, Any]:
    context = LambdaContext()
    return {
        "RequestType": "Create",
        "RequestId": "11111111-2222-3333-4444-555555555555",
        "StackId": STACK_ID,
        "LogicalResourceId": "Encryption",
        "ResourceProperties": {
            "ServiceToken": context.invoked_function_arn,
            "KmsKeyId": key_arn(1).text,
            **properties,
        },
    }


def _module_of(code: CodeType) -> str | None:
    """The module below `log_group_kms`; None for anything else."""
    if not code.co_filename.startswith(_FOLDER) or code.co_name in _PART_OF_A_FUNCTION:
        return None
    return code.co_filename.removeprefix(_FOLDER).removesuffix(".py").replace("/", ".")


def _traced(run: Callable[[], None]) -> list[str]:
    modules: list[str] = []

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and (module := _module_of(frame.f_code)):
            modules.append(module)

    sys.setprofile(note)
    try:
        run()
    finally:
        sys.setprofile(None)
    return modules


def main(target: str) -> None:
    """Trace the Create, see that it worked, and print what was called."""
    with CloudFormation.start() as cloudformation:
        handler = _handler()
        event = cloudformation.sending(_event(_TARGETS[target]))
        modules = _traced(lambda: handler(event, LambdaContext()))
        # The first version's double has another word for it.
        double: Any = cloudformation
        read = double.response_to if hasattr(double, "response_to") else double.answer_to
        response = read(event)
    if response.status != "SUCCESS":
        raise SystemExit(f"the Create failed: {response.reason}")
    sys.stdout.write(f"\n{json.dumps(modules)}\n")


if __name__ == "__main__":
    main(sys.argv[1])
