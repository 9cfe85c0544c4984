"""End to end: these tests may start servers on loopback that they stop again, and nothing else.

Those are the embedded AWS (one for each pytest-xdist worker), processes of the handler, and AWS's own runtime emulator.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e.scene import QUOTA_FACTOR, Scene

from local.client.embedded_aws import EmbeddedAws
from local.demo import provider


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
    with EmbeddedAws.start(auth=True, quota_factor=QUOTA_FACTOR, patient=True) as aws:
        sam.deploy(aws, built)
        yield aws


@pytest.fixture
def scene(deployed: EmbeddedAws) -> Scene:
    """A log group and a stack's name that no other test has, in the account that they share."""
    return Scene.in_(deployed)
