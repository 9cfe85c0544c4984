"""Plain HTTP on loopback stands for TLS.

Policies refuse plain HTTP by `aws:SecureTransport`, as AWS's controls want it of buckets, queues and topics. Nothing
here goes over a network, and nobody deploys those policies to have every call refused: to them, each call came by TLS.
What comes with no request, as from EventBridge to a queue, did so too.
"""

from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

from local.emulator import seams

if TYPE_CHECKING:
    from collections.abc import Callable

_LOOPBACK: Final = "127.0.0.1"


def install() -> None:
    """Let every call pass for one by TLS."""
    pin: Callable[[str, bool], None] = seams.PIN_ORIGIN.get()

    def pin_by_tls(source_ip: str, secure_transport: bool) -> None:  # noqa: ARG001, FBT001 - MiniStack's own signature
        pin(source_ip, True)  # noqa: FBT003

    seams.ORIGIN.replace(ContextVar("origin", default=(_LOOPBACK, True)))
    seams.PIN_ORIGIN.replace(pin_by_tls)
