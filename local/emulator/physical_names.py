"""Generated names that no two stacks share.

MiniStack makes the suffix of a generated name from the names of stack and resource. So a stack of the same name in
another Region gets the same IAM role, which has no Region, and either stack's Delete takes the other's away. AWS's
suffix is random, is drawn once for each resource of a stack, and stays for as long as the resource is not replaced:
the CloudFormation user guide, "Resources quick reference". Here it comes from the stack's id as well, which does the
same.
"""

import hashlib
from typing import TYPE_CHECKING, Any, Final

from local.emulator import seams

if TYPE_CHECKING:
    from collections.abc import Callable

#: AWS's suffixes, and MiniStack's, have so many characters.
_SUFFIX: Final = 13


def install() -> None:
    """Let the stack's id into every generated name."""
    general: Callable[..., str] = seams.PHYSICAL_NAME.get()

    def of_this_stack(stack_name: str, logical_id: str, **options: Any) -> str:
        stack = seams.STACKS.get().get(stack_name) or {}
        name = general(stack_name, logical_id, **options)
        suffix = hashlib.sha256(f"{name}{stack.get('StackId', '')}".encode()).hexdigest()[:_SUFFIX]
        return name[:-_SUFFIX] + (suffix if name.islower() else suffix.upper())

    seams.PHYSICAL_NAME.replace(of_this_stack)
