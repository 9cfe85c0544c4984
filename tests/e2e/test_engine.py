"""The container engine: found at its socket, with the address at which its containers reach this machine."""

from __future__ import annotations

import json
import socketserver
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest

from local.invoke.engine import Engine, NoEngineError, find

if TYPE_CHECKING:
    from collections.abc import Iterator

# The bridge is the machine's own there alone.
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere every engine runs in a virtual machine")


def version(component: str, arch: str = "amd64") -> dict[str, Any]:
    """What GET /version answers."""
    return {"Components": [{"Name": component}], "Version": "1.2", "Arch": arch}


def bridge(*gateways: str) -> dict[str, Any]:
    """What GET /networks/bridge answers."""
    return {"IPAM": {"Config": [{"Gateway": gateway} for gateway in gateways]}}


@contextmanager
def engine(name: str = "engine.sock", **answers: dict[str, Any]) -> Iterator[Path]:
    """An engine's API that answers so, by the last part of the path; the folder that its socket is in."""

    class Api(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = answers.get(self.path.rpartition("/")[2])
            body = json.dumps({"message": "not there"} if found is None else found).encode()
            self.send_response(404 if found is None else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

        def address_string(self) -> str:
            return name

    # A socket's path has at most some hundred characters.
    with TemporaryDirectory(dir="/tmp") as folder:
        path = Path(folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with socketserver.ThreadingUnixStreamServer(str(path), Api) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield Path(folder)
            server.shutdown()


def found_at(folder: Path) -> Engine:
    """The engine at the socket that DOCKER_HOST names."""
    return find({"DOCKER_HOST": f"unix://{folder}/engine.sock"})


@LINUX
@pytest.mark.parametrize(
    ("component", "gateway", "name"),
    [
        pytest.param("Engine", "172.17.0.1", "Docker 1.2", id="Docker on Linux"),
        pytest.param("Podman Engine", "10.88.0.1", "podman 1.2", id="podman"),
        pytest.param("nerdctl", "10.4.0.1", "finch 1.2", id="finch"),
    ],
)
def test_containers_reach_the_bridge(component: str, gateway: str, name: str) -> None:
    """On Linux the bridge's address is listened on, and is what a container takes."""
    with engine(
        version=version(component), info={"OperatingSystem": "debian"}, bridge=bridge("fd00::1", gateway)
    ) as at:
        found = found_at(at)

    assert (found.name, found.architecture) == (name, "x86_64")
    assert (found.listen_on, found.name_for_containers) == (gateway, gateway)


def test_containers_of_a_virtual_machine_reach_loopback() -> None:
    """Docker Desktop forwards its own name for the host to loopback, whatever its bridge is."""
    desktop = {"OperatingSystem": "Docker Desktop"}
    with engine(version=version("Engine", "arm64"), info=desktop, bridge=bridge("172.17.0.1")) as at:
        found = found_at(at)

    assert found.architecture == "arm64"
    assert (found.listen_on, found.name_for_containers) == ("127.0.0.1", "host-gateway")


def test_an_image_that_is_there_need_not_be_pulled() -> None:
    """The engine is asked for it by name."""
    with engine(version=version("Engine"), info={}, json={"Id": "1"}) as at:
        assert found_at(at).has_image("public.ecr.aws/lambda/python:3.13-rapid-x86_64")
    with engine(version=version("Engine"), info={}) as at:
        assert not found_at(at).has_image("public.ecr.aws/lambda/python:3.13-rapid-x86_64")


def test_an_engine_at_its_usual_place_is_found() -> None:
    """Nobody has to set DOCKER_HOST for it; the user's own folder counts."""
    with engine(".docker/run/docker.sock", version=version("Engine"), info={}) as home:
        found = find({"XDG_RUNTIME_DIR": "/nowhere"}, home)

    # A machine that tests run on may have an engine of its own.
    assert found.url in {f"unix://{home}/.docker/run/docker.sock", "unix:///var/run/docker.sock"}


def test_no_engine_is_an_error_that_says_where_it_was_looked_for() -> None:
    """What is named and does not answer is not replaced by another."""
    with pytest.raises(NoEngineError, match=r"Looked at: unix:///nowhere/docker\.sock\.$"):
        find({"DOCKER_HOST": "unix:///nowhere/docker.sock"})
