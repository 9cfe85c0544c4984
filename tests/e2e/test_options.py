"""The properties of an association, in stacks with IAM enforced."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e.scene import CREATED, UPDATED, Scene

from local.client import keys
from local.client.embedded_aws import EmbeddedAws
from local.client.stacks import in_region, query_results_key
from local.demo import provider
from local.demo.associations import Encryption, encryption_of

#: The second Region's function has so many seconds, so that a short wait does not fit into one invocation.
SHORT_TIMEOUT = 13


@pytest.fixture(scope="module")
def other_region(deployed: EmbeddedAws, sam: provider.Sam, built: Path) -> Iterator[EmbeddedAws]:
    """Another Region of the account, where the provider's function has little time."""
    short = built.with_name("short.yaml")
    real = built.read_text()
    short.write_text(real.replace("Timeout: 870", f"Timeout: {SHORT_TIMEOUT}"))
    assert short.read_text() != real
    seen = in_region(deployed, "eu-central-1")
    sam.deploy(seen, short, f"{provider.STACK}-short")
    yield seen
    seen.close()


@pytest.mark.parametrize("on_delete", ["RestorePrevious", "Disassociate", "Retain"])
def test_on_delete_says_what_the_log_group_is_left_with(scene: Scene, on_delete: str) -> None:
    """The key before, none, or the one in force; never a tag."""
    teams, key = keys.create(scene.aws), keys.create(scene.aws)
    scene.put_key_by_hand(teams)
    scene.deploy(KmsKeyId=key, OnDelete=on_delete)

    assert scene.delete() == ""
    left = {"RestorePrevious": teams, "Disassociate": None, "Retain": key}[on_delete]
    assert scene.encryption == Encryption(left)


def test_a_missing_log_group_is_created_encrypted_and_stays(scene: Scene) -> None:
    """OnMissingLogGroup Create: one call makes it with its key, and no Delete removes it."""
    key = keys.create(scene.aws)
    missing = f"{scene.log_group}/missing"

    created = scene.deploy(KmsKeyId=key, LogGroupName=missing, OnMissingLogGroup="Create")
    encryption, expected = encryption_of(scene.aws, missing), scene.claimed(key)
    scene.delete()

    assert created == CREATED
    assert encryption == expected
    assert scene.calls(missing)["logs:AssociateKmsKey"] == 0
    assert encryption_of(scene.aws, missing) == Encryption()


def test_a_long_propagation_wait_goes_on_in_a_further_invocation(other_region: EmbeddedAws) -> None:
    """The function invokes itself where the wait does not fit, and CloudFormation hears only after it."""
    scene = Scene.in_(other_region)
    key = keys.create(other_region)

    created = scene.deploy(KmsKeyId=key, PropagationWaitSeconds=5)
    calls = [call.operation for call in other_region.direction.calls() if call.region == other_region.region]

    assert created == CREATED
    assert calls.count("lambda:Invoke") >= 1
    # The claim is looked at once more after the wait, so in the last invocation.
    assert calls[-1] == "logs:ListTagsForResource"
    assert scene.calls()["logs:AssociateKmsKey"] == 1
    assert scene.encryption == scene.claimed(key)
    assert scene.stacks.outputs(scene.stack)["LogEncryptionAssociatedCount"] == "1"


@pytest.mark.parametrize("form", ["key id", "alias", "alias ARN"])
def test_a_key_may_be_named_in_any_way(scene: Scene, form: str) -> None:
    """The key is associated and returned by its ARN."""
    alias = f"alias/{scene.stack}"
    key = keys.create(scene.aws, alias)
    names = {"key id": key.rpartition("/")[2], "alias": alias, "alias ARN": f"{key.rpartition(':')[0]}:{alias}"}

    assert scene.deploy(KmsKeyId=names[form]) == CREATED
    assert scene.encryption == scene.claimed(key)
    assert scene.stacks.outputs(scene.stack)["LogEncryptionKmsKeyArn"] == key


def test_a_multi_region_key_may_be_named_by_its_id(scene: Scene) -> None:
    """An mrk- id means the key of this Region."""
    key = keys.create(scene.aws, MultiRegion=True)

    assert scene.deploy(KmsKeyId=key.rpartition("/")[2]) == CREATED
    assert scene.encryption == scene.claimed(key)


@pytest.mark.parametrize("suffix", ["", ":*"], ids=["plain ARN", "ARN with :*"])
def test_a_log_group_may_be_named_by_its_arn(scene: Scene, suffix: str) -> None:
    """Both forms of the ARN are the log group, under the same physical id."""
    key = keys.create(scene.aws)

    assert scene.deploy(KmsKeyId=key, ResourceIdentifier=scene.arn + suffix) == CREATED
    assert scene.encryption == scene.claimed(key)
    assert scene.stacks.physical_id(scene.stack, "LogEncryption") == scene.arn


def test_query_results_have_a_key_as_long_as_the_stack_lives(scene: Scene) -> None:
    """Create and Update associate, Delete disassociates; the log-group return values are empty."""
    first, second = keys.create(scene.aws), keys.create(scene.aws)
    query_results = f"arn:aws:logs:{scene.aws.region}:{scene.aws.account}:query-result:*"

    created = scene.deploy(KmsKeyId=first, ResourceIdentifier=query_results)
    after_create = query_results_key(scene.aws, scene.log_group)
    updated = scene.deploy(KmsKeyId=second, ResourceIdentifier=query_results)
    after_update = query_results_key(scene.aws, scene.log_group)
    outputs = scene.stacks.outputs(scene.stack)
    scene.delete()

    assert (created, after_create) == (CREATED, first)
    assert (updated, after_update) == (UPDATED, second)
    assert (outputs["LogEncryptionRef"], outputs["LogEncryptionLogGroupName"]) == (query_results, "")
    assert query_results_key(scene.aws, scene.log_group) is None
