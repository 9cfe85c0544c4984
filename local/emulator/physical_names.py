"""Generated names that no two stacks share.

MiniStack makes the suffix of a generated name from the names of stack and resource. So a stack of the same name in
another Region gets the same IAM role, which has no Region, and either stack's Delete takes the other's away. AWS's
suffix is random, is drawn once for each resource of a stack, and stays for as long as the resource is not replaced:
the CloudFormation user guide, "Resources quick reference". Here it comes from the stack's id as well, which does the
same.
"""

from typing import TYPE_CHECKING, Any

from local.emulator import seams

if TYPE_CHECKING:
    from collections.abc import Callable


def install() -> None:
    """Let the stack's id into every generated name."""
    general: Callable[..., str] = seams.PHYSICAL_NAME.get()

    def of_this_stack(stack_name: str, logical_id: str, **options: Any) -> str:
        stack = seams.STACKS.get().get(stack_name) or {}
        seed = seams.NAME_SEED.get()
        before = seed.set(f"{seed.get()}{stack.get('StackId', '')}")
        try:
            return general(stack_name, logical_id, **options)
        finally:
            seed.reset(before)

    seams.PHYSICAL_NAME.replace(of_this_stack)
