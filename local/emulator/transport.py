"""Plain HTTP on loopback stands for TLS.

Policies refuse plain HTTP by `aws:SecureTransport`, as AWS's controls want it of buckets, queues and topics. Nothing
here goes over a network, and nobody deploys those policies to have every call refused: to them, each call came by TLS.
What comes with no request, as from EventBridge to a queue, did so too.
"""

from contextvars import ContextVar
from typing import Final

from local.emulator import seams

_LOOPBACK: Final = "127.0.0.1"


class _OriginByTls:
    """The origin of the request at hand, in the place of MiniStack's context variable: address, and by TLS or not."""

    def __init__(self) -> None:
        self._address = ContextVar("address", default=_LOOPBACK)

    def get(self) -> tuple[str, bool]:
        """Return the address of this request, as one that came by TLS."""
        return self._address.get(), True

    def set(self, origin: tuple[str, bool]) -> None:
        """Note the address of this request."""
        self._address.set(origin[0])


def install() -> None:
    """Let every call pass for one by TLS."""
    seams.ORIGIN.replace(_OriginByTls())
