# ruff: noqa: INP001, T201 - a program beside the events, not a package; it prints
"""Stands between a function in `sam local invoke`'s container and this machine; ends once the function has answered.

`make invoke EVENT=events/create.json` does all of it in one command; by hand: docs/how-to/run-locally.md.

The events' ResponseURL leads here: the answer that CloudFormation would get is printed. Every other request is a call
to AWS, and goes on to the embedded AWS at $AWS_ENDPOINT_URL (`make local` prints it), which listens on loopback alone.

The enrolment answers nobody, but returns what `sam local invoke` prints: end this program yourself then.
"""

import json
import os
import socket
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar, Final
from urllib.error import HTTPError
from urllib.parse import urljoin
from urllib.request import Request, urlopen

#: Loopback, which Docker Desktop's `host-gateway` leads to. On Linux, containers reach their bridge's address, which is
#: given as an argument: 172.17.0.1 is Docker's as a rule, 10.88.0.1 podman's.
HOST: Final = "127.0.0.1"
PORT: Final = 3999
#: Linux, ip(7). podman's bridge has its address only while a container runs, and this begins before.
IP_FREEBIND: Final = 15


class Between(BaseHTTPRequestHandler):
    """One request out of the container."""

    answered: ClassVar = False

    def do_PUT(self) -> None:
        """The answer."""
        print(json.dumps(json.loads(self._body()), indent=2))
        self._reply(200)
        Between.answered = True

    def do_POST(self) -> None:
        """A call to AWS."""
        url = urljoin(os.environ["AWS_ENDPOINT_URL"], self.path)
        call = Request(url, self._body(), dict(self.headers))  # noqa: S310 - where the caller's own environment points
        try:
            with urlopen(call) as answer:  # noqa: S310 - as above
                self._reply(answer.status, answer.headers["Content-Type"], answer.read())
        except HTTPError as refusal:
            self._reply(refusal.code, refusal.headers["Content-Type"], refusal.read())

    def log_message(self, *_: object) -> None:
        """Leave the output to the answer."""

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers["Content-Length"]))

    def _reply(self, status: int, content_type: str | None = None, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type or "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Catcher(HTTPServer):
    """Listens at an address that may be there only later."""

    def server_bind(self) -> None:
        """Bind."""
        if sys.platform == "linux":
            self.socket.setsockopt(socket.IPPROTO_IP, IP_FREEBIND, 1)
        super().server_bind()


if __name__ == "__main__":
    if "AWS_ENDPOINT_URL" not in os.environ:
        sys.exit("AWS_ENDPOINT_URL is not set: start the embedded AWS with `make local` and set what it prints")
    host = sys.argv[1] if len(sys.argv) > 1 else HOST
    with Catcher((host, PORT), Between) as server:
        print(f"Listening at {host}:{PORT}", file=sys.stderr, flush=True)
        while not Between.answered:
            server.handle_request()
