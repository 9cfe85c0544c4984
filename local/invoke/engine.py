"""The container engine: where its socket is, and at which address its containers reach this machine.

Docker, podman and finch answer the same API on a socket: GET /info and GET /networks/NAME of the Docker Engine API.
"""

import json
import os
import socket
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

#: Seconds. An engine that is there answers at once.
_PATIENCE: Final = 5.0
_LOOPBACK: Final = "127.0.0.1"
#: A name that each engine replaces by the way out of its own virtual machine, to this machine's loopback.
_HOST_GATEWAY: Final = "host-gateway"


class NoEngineError(Exception):
    """There is no engine to run containers with; the message says where one was looked for."""


@dataclass(frozen=True, slots=True)
class Engine:
    """A running container engine.

    Attributes:
        url: of its API, as DOCKER_HOST has it.
        name: Docker, podman or finch, and its version.
        architecture: of its containers, as a function names it: `x86_64` or `arm64`.
        listen_on: the address of this machine that its containers reach.
        name_for_containers: what leads there from inside a container, for `--add-host`.
    """

    url: str
    name: str
    architecture: str
    listen_on: str
    name_for_containers: str

    def has_image(self, name: str) -> bool:
        """Return whether the engine has an image of this name, so that nothing need be pulled."""
        return _ask(self.url, f"/images/{quote(name, safe=':')}/json") is not None


def find(environment: Mapping[str, str] = os.environ, home: Path | None = None) -> Engine:
    """Return the first engine that answers: DOCKER_HOST's own, or one at the usual places.

    Raises:
        NoEngineError: none does.
    """
    tried = []
    for url in _places(environment, home or Path.home()):
        tried.append(url)
        found = _engine(url)
        if found:
            return found
    raise NoEngineError(
        "There is no container engine here: start Docker, podman (`podman system service`) or finch, and set "
        f"DOCKER_HOST if its socket is at none of the usual places. Looked at: {', '.join(tried)}."
    )


def _places(environment: Mapping[str, str], home: Path) -> Iterator[str]:
    given = environment.get("DOCKER_HOST")
    if given:
        # Whoever names one means that one.
        yield given
        return
    run = Path(environment.get("XDG_RUNTIME_DIR", f"/run/user/{os.getuid()}"))
    for path in (
        Path("/var/run/docker.sock"),
        run / "docker.sock",
        home / ".docker/run/docker.sock",
        home / ".colima/default/docker.sock",
        Path("/run/podman/podman.sock"),
        run / "podman/podman.sock",
        Path("/var/run/finch.sock"),
        Path("/Applications/Finch/lima/data/finch/sock/finch.sock"),
    ):
        yield f"unix://{path}"


def _engine(url: str) -> Engine | None:
    version, info = _ask(url, "/version"), _ask(url, "/info")
    if version is None or info is None:
        return None
    components = [str(each.get("Name", "")) for each in version.get("Components") or []]
    listen_on, name_for_containers = _way_out(url, info)
    return Engine(
        url,
        f"{_product(url, components)} {version.get('Version', '')}".strip(),
        "arm64" if str(version.get("Arch")) in {"arm64", "aarch64"} else "x86_64",
        listen_on,
        name_for_containers,
    )


def _product(url: str, components: Iterable[str]) -> str:
    named = " ".join(components).lower()
    if "podman" in named:
        return "podman"
    return "finch" if "finch" in url or "nerdctl" in named or "containerd" in named.split()[:1] else "Docker"


def _way_out(url: str, info: Mapping[str, Any]) -> tuple[str, str]:
    """Return the address to listen on, and the name or address that leads there from a container.

    Where the engine runs in a virtual machine (Docker Desktop, colima, podman machine, finch on macOS), it forwards to
    this machine's loopback. On Linux itself its containers reach the machine at their bridge's address.
    """
    in_a_machine = sys.platform != "linux" or "desktop" in str(info.get("OperatingSystem", "")).lower()
    bridge = None if in_a_machine else _ask(url, "/networks/bridge")
    configured = ((bridge or {}).get("IPAM") or {}).get("Config") or []
    gateways = [str(each["Gateway"]) for each in configured if ":" not in str(each.get("Gateway", ":"))]
    if not gateways:
        return _LOOPBACK, _HOST_GATEWAY
    return gateways[0], gateways[0]


def _ask(url: str, path: str) -> dict[str, Any] | None:
    """Return the object at *path* of the engine's API; None where there is none, or nobody answers."""
    connection = _Connection(url)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read()
        found: object = json.loads(body) if response.status == HTTPStatus.OK else None
    except (OSError, HTTPException, ValueError):
        return None
    finally:
        connection.close()
    return found if isinstance(found, dict) else None


class _Connection(HTTPConnection):
    """HTTP over the engine's socket, or over TCP."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        super().__init__(parts.hostname or "localhost", parts.port or 2375, timeout=_PATIENCE)
        self._path = parts.path if parts.scheme == "unix" else None

    def connect(self) -> None:
        """Connect to it."""
        if self._path is None:
            super().connect()
            return
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(_PATIENCE)
        self.sock.connect(self._path)
