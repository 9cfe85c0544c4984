"""AWS::Lambda::Function as CloudFormation treats it where a function of that name is there already.

MiniStack writes the new function over it, and the rollback then deletes what belongs to another stack. CreateFunction
refuses: Lambda's API reference, CreateFunction (ResourceConflictException). The words are those of CloudFormation's
resource handler (cloudformation-coverage-roadmap#2075, ask-cli#416).
"""

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from local.emulator import seams
from local.emulator.asynchronous import function_for

if TYPE_CHECKING:
    from collections.abc import Callable

_TYPE: Final = "AWS::Lambda::Function"

#: A physical id, and the attributes.
Made: TypeAlias = tuple[str, dict[str, Any]]


class FunctionExistsError(Exception):
    """A function of this name is there; the message is what the stack event says."""


def install() -> None:
    """Treat functions so, in every stack."""
    handlers: dict[str, Any] = seams.RESOURCE_HANDLERS.get()[_TYPE]
    make: Callable[..., Made] = handlers["create"]

    def create(logical_id: str, props: dict[str, Any], stack_name: str) -> Made:
        name = props.get("FunctionName")
        if name and function_for(name):
            raise FunctionExistsError(
                'Resource handler returned message: "Function creation failed because the function already exists" '
                "(HandlerErrorCode: AlreadyExists)"
            )
        return make(logical_id, props, stack_name)

    handlers["create"] = create
