"""The way to AWS: TLS, as on AWS, and a latency that is the same for everyone; a proxy on loopback."""

from __future__ import annotations

import asyncio
import ssl
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import botocore
from support.certificates import self_signed

if TYPE_CHECKING:
    from collections.abc import Iterator

_PIECE: Final = 1 << 16


class Trust:
    """A certificate for localhost, and a bundle that has it among all that a machine trusts: loading takes time."""

    def __init__(self, folder: Path) -> None:
        certificate, private = self_signed()
        self.certificate = folder / "certificate.pem"
        self.certificate.write_bytes(private + certificate)
        #: For Node, which has the others built in.
        self.alone = folder / "alone.pem"
        self.alone.write_bytes(certificate)
        self.bundle = folder / "bundle.pem"
        self.bundle.write_bytes((Path(botocore.__file__).parent / "cacert.pem").read_bytes() + certificate)

    def server(self) -> ssl.SSLContext:
        """A server's side."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.certificate)
        return context

    def environment(self) -> dict[str, str]:
        """What makes botocore, Python and Node trust it."""
        return {
            "AWS_CA_BUNDLE": str(self.bundle),
            "SSL_CERT_FILE": str(self.bundle),
            "NODE_EXTRA_CA_CERTS": str(self.alone),
        }


class Wire:
    """Made by `start`; forwards every connection to one endpoint.

    Args:
        endpoint: a URL with host and port.
        latency: seconds that every response comes later.
    """

    def __init__(self, endpoint: str, latency: float) -> None:
        address = urlsplit(endpoint)
        self._host, self._port = address.hostname, address.port
        self._latency = latency
        self._closing = asyncio.Event()
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self.endpoint = ""

    @classmethod
    @contextmanager
    def start(cls, endpoint: str, trust: Trust, latency: float) -> Iterator[Wire]:
        """Run it in a thread of its own until the block ends."""
        wire = cls(endpoint, latency)
        thread = threading.Thread(target=wire._run, args=(trust.server(),), daemon=True)
        thread.start()
        wire._ready.wait()
        try:
            yield wire
        finally:
            wire._loop.call_soon_threadsafe(wire._closing.set)
            thread.join()

    def _run(self, context: ssl.SSLContext) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve(context))
        finally:
            self._loop.close()

    async def _serve(self, context: ssl.SSLContext) -> None:
        server = await asyncio.start_server(self._forward, "127.0.0.1", 0, ssl=context)
        self.endpoint = f"https://localhost:{server.sockets[0].getsockname()[1]}"
        self._ready.set()
        await self._closing.wait()
        server.close()
        open_ones = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in open_ones:
            task.cancel()
        await asyncio.gather(*open_ones, return_exceptions=True)

    async def _forward(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        # Ended by the end of the run, or by either side's, however it ends.
        with suppress(OSError, asyncio.CancelledError):
            server, to_server = await asyncio.open_connection(self._host, self._port)
            asked = asyncio.Event()
            ways = [
                asyncio.ensure_future(self._requests(client, to_server, asked)),
                asyncio.ensure_future(self._responses(server, to_client, asked)),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
                to_server.close()
                to_client.close()

    async def _requests(self, client: asyncio.StreamReader, to: asyncio.StreamWriter, asked: asyncio.Event) -> None:
        while piece := await client.read(_PIECE):
            asked.set()
            to.write(piece)
            await to.drain()

    async def _responses(self, server: asyncio.StreamReader, to: asyncio.StreamWriter, asked: asyncio.Event) -> None:
        while piece := await server.read(_PIECE):
            if asked.is_set():
                asked.clear()
                await asyncio.sleep(self._latency)
            to.write(piece)
            await to.drain()
