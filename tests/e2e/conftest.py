"""End to end: these tests may start servers on loopback that they stop again, and nothing else.

Those are the embedded AWS (one for each pytest-xdist worker), processes of the handler, and AWS's own runtime emulator.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.client.embedded_aws import EmbeddedAws
from local.demo import provider


@pytest.fixture
def aws(embedded_aws: EmbeddedAws) -> EmbeddedAws:
    """The shared embedded AWS, emptied for this test."""
    embedded_aws.reset()
    return embedded_aws


@pytest.fixture(scope="session")
def embedded_aws_with_auth() -> Iterator[EmbeddedAws]:
    """An embedded AWS that enforces IAM policies, shared."""
    with EmbeddedAws.start(auth=True) as aws:
        yield aws


@pytest.fixture
def aws_with_auth(embedded_aws_with_auth: EmbeddedAws) -> EmbeddedAws:
    """The one that enforces IAM policies, emptied for this test."""
    embedded_aws_with_auth.reset()
    return embedded_aws_with_auth


@pytest.fixture(scope="session")
def sam(tmp_path_factory: pytest.TempPathFactory) -> provider.Sam:
    """The SAM CLI."""
    return provider.Sam(tmp_path_factory.mktemp("provider"))


@pytest.fixture(scope="session")
def built(sam: provider.Sam) -> Path:
    """The template that `sam build` makes."""
    return sam.build()


@pytest.fixture(scope="session")
def deployed(sam: provider.Sam, built: Path) -> Iterator[EmbeddedAws]:
    """An account that enforces IAM, with the provider as `sam deploy` puts it there; no test empties it."""
    with EmbeddedAws.start(auth=True) as aws:
        sam.deploy(aws, built)
        yield aws
