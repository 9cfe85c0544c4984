"""Contract: the same tests on the fake and on boto3, over moto in this process and over the embedded AWS on loopback.

A test leaves out a backend that cannot do what it needs with `leaving_out`, which wants the reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3
import pytest
from contract.accounts import MOTO_PLACE, EmbeddedAccount, FakeAccount, MotoAccount
from contract.backends import BACKENDS, SCRIPTED_BACKENDS
from moto import mock_aws
from support import moto_logs

from log_group_kms.model.targets import Place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contract.accounts import Account, ScriptedAccount
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_logs import CloudWatchLogsClient

    from local.client.embedded_aws import EmbeddedAws


@pytest.fixture(params=BACKENDS)
def account(request: pytest.FixtureRequest) -> Account:
    """An empty account, of each kind in turn."""
    made: Account = request.getfixturevalue(f"{request.param}_account")
    return made


@pytest.fixture(params=SCRIPTED_BACKENDS)
def scripted(request: pytest.FixtureRequest) -> ScriptedAccount:
    """An empty account that can be told to refuse, of each kind in turn."""
    made: ScriptedAccount = request.getfixturevalue(f"{request.param}_account")
    return made


@pytest.fixture
def fake_account() -> FakeAccount:
    """In the unit tests' fake."""
    return FakeAccount()


@pytest.fixture
def embedded_account(embedded_aws: EmbeddedAws) -> EmbeddedAccount:
    """In the embedded AWS, emptied for this test."""
    embedded_aws.reset()
    place = Place("aws", embedded_aws.region, embedded_aws.account)
    return EmbeddedAccount(place, embedded_aws.client("logs"), embedded_aws.client("kms"), embedded_aws)


@pytest.fixture(scope="session")
def moto_clients() -> Iterator[tuple[CloudWatchLogsClient, KMSClient]]:
    """Clients whose calls moto answers while it is on; away from it they would not get past their credentials."""
    moto_logs.teach()
    session = boto3.session.Session("nobody", "nothing", region_name=MOTO_PLACE.region)
    logs, kms = session.client("logs"), session.client("kms")
    yield logs, kms
    logs.close()
    kms.close()


@pytest.fixture
def moto_account(moto_clients: tuple[CloudWatchLogsClient, KMSClient]) -> Iterator[MotoAccount]:
    """In moto, which begins and ends empty; this process's environment stays as it is."""
    with mock_aws(config={"core": {"mock_credentials": False, "reset_boto3_session": False}}):
        yield MotoAccount(MOTO_PLACE, *moto_clients)
