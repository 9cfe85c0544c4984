"""Calls that never get an answer that can be read.

On boto3 alone: the fake has no network, and an emulator always answers. What stands at the other end is a socket of
this process, on loopback.
"""

from __future__ import annotations

import socket
import threading
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Final

import boto3
import pytest
from botocore.config import Config
from contract.refusals import refusal_of
from support.fake_aws import PLACE, key_arn, log_group

from log_group_kms.aws.kms import Kms
from log_group_kms.aws.logs import CloudWatchLogs
from log_group_kms.model.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from mypy_boto3_kms import KMSClient
    from mypy_boto3_logs import CloudWatchLogsClient

ORDERS: Final = log_group()
KEY: Final = key_arn(1)
_CONFIG: Final = Config(
    region_name=PLACE.region,
    connect_timeout=1,
    read_timeout=0.2,
    retries={"total_max_attempts": 1},
    proxies={},
)


@contextmanager
def nobody_listens() -> Iterator[int]:
    """Connections are refused: the port is taken, so nobody else comes to listen there meanwhile."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@contextmanager
def nobody_answers() -> Iterator[int]:
    """The connection stands, and then nothing comes."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@contextmanager
def answering(words: bytes) -> Iterator[int]:
    """One connection is answered with *words*, which may be none, and closed."""

    def answer() -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(words)
            connection.shutdown(socket.SHUT_WR)
            # What is unread at the end would make it a reset, which may overtake the words.
            while connection.recv(65536):
                pass

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=answer)
        thread.start()
        yield server.getsockname()[1]
        thread.join()


HEAD: Final = b"Content-Type: application/x-amz-json-1.1\r\nConnection: close\r\n"
UNREACHABLE: Final = [
    pytest.param(nobody_listens, id="connection refused"),
    pytest.param(nobody_answers, id="time-out"),
    pytest.param(lambda: answering(b""), id="closed without a word"),
    pytest.param(
        lambda: answering(b"HTTP/1.1 200 OK\r\n" + HEAD + b"Content-Length: 999\r\n\r\n{"), id="closed half-way"
    ),
    pytest.param(
        lambda: answering(
            b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 11\r\nConnection: close\r\n\r\n<html/>\r\n\r\n"
        ),
        id="a proxy's own page",
    ),
]


@pytest.fixture(scope="module")
def session() -> boto3.session.Session:
    """Its credentials are nobody's."""
    return boto3.session.Session("nobody", "nothing")


@pytest.mark.parametrize("other_end", UNREACHABLE)
def test_cloudwatch_logs_cannot_be_reached(
    session: boto3.session.Session, other_end: Callable[[], AbstractContextManager[int]]
) -> None:
    """It is Unavailable: the change may have been made all the same, and the same call again is right."""
    with other_end() as port:
        client: CloudWatchLogsClient = session.client("logs", endpoint_url=f"http://127.0.0.1:{port}", config=_CONFIG)
        with closing(client):
            refusal = refusal_of(lambda: CloudWatchLogs(client).associate(ORDERS, KEY))

    assert (type(refusal), refusal.uncertain) == (Unavailable, True)
    assert (refusal.operation, refusal.target, refusal.key) == ("AssociateKmsKey", ORDERS.arn, KEY.text)


@pytest.mark.parametrize("other_end", UNREACHABLE)
def test_kms_cannot_be_reached(
    session: boto3.session.Session, other_end: Callable[[], AbstractContextManager[int]]
) -> None:
    """It is Unavailable, and not that there is no key."""
    with other_end() as port:
        client: KMSClient = session.client("kms", endpoint_url=f"http://127.0.0.1:{port}", config=_CONFIG)
        with closing(client):
            refusal = refusal_of(lambda: Kms(lambda: client).describe(KEY))

    assert (type(refusal), refusal.operation, refusal.key) == (Unavailable, "DescribeKey", KEY.text)
