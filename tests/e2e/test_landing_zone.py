"""The landing zone as a StackSet deploys it: the rendered template, in two accounts and two Regions side by side."""

import base64
import hashlib
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Final

import pytest
from e2e.scene import QUOTA_FACTOR
from e2e.waiting import eventually
from emulator.roles import allow, someone_with

from local.client.embedded_aws import EmbeddedAws
from local.client.server import PROJECT
from local.client.stacks import Stacks, elsewhere, make_log_groups, query_results_key
from local.demo.associations import Encryption, encryption_of, owner_of

ACCOUNTS: Final = ("111111111111", "222222222222")
REGIONS: Final = ("eu-west-1", "eu-central-1")
LANDING_ZONE: Final = PROJECT / "examples" / "landing-zone"
STACK: Final = "StackSet-landing-zone-logs"
BEFORE: Final = [f"/before/{number:02d}" for number in range(12)]


class Target:
    """An account and Region that the StackSet deploys to."""

    def __init__(self, aws: EmbeddedAws) -> None:
        self.aws = aws
        self.stacks = Stacks(aws)

    @property
    def key(self) -> str:
        """The ARN of this place's own key."""
        return self.aws.client("kms").describe_key(KeyId="alias/landing-zone-logs")["KeyMetadata"]["Arn"]

    @property
    def held(self) -> Encryption:
        """A log group as this place's fleet leaves it."""
        return Encryption(self.key, owner_of(self.stacks, STACK, "Fleet").replace("one:", "fleet:"), "none")

    def of(self, log_group: str) -> Encryption | None:
        """Return the encryption in force on a log group."""
        return encryption_of(self.aws, log_group)

    def deploy(self, package: Path) -> str:
        """Deploy one stack instance as CloudFormation does, by the template's URL; return its status."""
        template = f"{self.aws.endpoint}/{self.bucket}/template.yaml"
        sha256 = base64.b64encode(hashlib.sha256(package.read_bytes()).digest()).decode()
        code = {"CodeBucketPrefix": self.buckets, "CodeKey": package.name, "CodeSha256": sha256}
        return self.stacks.deploy(STACK, template, **code)

    def publish(self, package: Path) -> None:
        """Put code and template into the Region's bucket; MiniStack's Lambda does not see one of another account."""
        s3, bucket = self.aws.client("s3"), self.bucket
        s3.create_bucket(
            Bucket=bucket,
            CreateBucketConfiguration={"LocationConstraint": self.aws.region},  # type: ignore[typeddict-item]
        )
        for file in (package, LANDING_ZONE / "template.yaml"):
            s3.put_object(Bucket=bucket, Key=file.name, Body=file.read_bytes())

    @property
    def bucket(self) -> str:
        """The name of the Region's bucket."""
        return f"{self.buckets}-{self.aws.region}"

    @property
    def buckets(self) -> str:
        """The beginning of the names of the buckets with the code."""
        return f"landing-zone-code-{self.aws.account}"


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The code, packed as `make landing-zone` packs it."""
    folder = tmp_path_factory.mktemp("landing-zone")
    together, packed = folder / "built", folder / "packed"
    together.mkdir()
    packed.mkdir()
    for function in ("ProviderFunction", "WakerFunction"):
        command = ["make", "-C", str(PROJECT / "src"), f"build-{function}", f"ARTIFACTS_DIR={together}"]
        subprocess.run([*command, f"PYTHON={sys.executable}"], check=True, capture_output=True)  # noqa: S603 - ours
    command = [sys.executable, str(LANDING_ZONE / "package.py"), str(together), str(packed)]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - our own
    [path] = packed.iterdir()
    return path


@pytest.fixture(scope="module")
def targets(package: Path) -> Iterator[list[Target]]:
    """Two accounts times two Regions, each with log groups of before, and the landing zone in all of them."""
    with EmbeddedAws.start(auth=True, quota_factor=QUOTA_FACTOR, patient=True) as aws:
        seen = [elsewhere(aws, account=account, region=region) for account, region in product(ACCOUNTS, REGIONS)]
        targets = [Target(one) for one in seen]
        for target in targets:
            make_log_groups(target.aws, BEFORE)
            target.publish(package)
        for target in targets:
            assert target.deploy(package) == "CREATE_COMPLETE", target.stacks.failures(STACK)
        yield targets
        for one in seen:
            one.close()


def every_place_has_a_key_of_its_own_on_all_its_log_groups(targets: list[Target]) -> None:
    """Those of before the landing zone; no place has another one's key."""
    assert len({target.key for target in targets}) == len(targets)
    for target in targets:
        assert f":{target.aws.region}:{target.aws.account}:" in target.key
        assert {target.of(name) for name in BEFORE} == {target.held}


def query_results_are_under_the_key_too(targets: list[Target]) -> None:
    """In every place under its own."""
    assert [query_results_key(target.aws, BEFORE[0]) for target in targets] == [target.key for target in targets]


def a_new_log_group_is_enrolled_where_it_is_created(targets: list[Target]) -> None:
    """By the enrolment of its own account and Region."""
    here, *elsewhere_ = targets
    here.aws.client("logs").create_log_group(logGroupName="/new")

    eventually(lambda: here.of("/new") == here.held)
    assert [target.of("/new") for target in elsewhere_] == [None] * len(elsewhere_)


def an_applications_own_key_wins_over_the_fleet(targets: list[Target]) -> None:
    """It holds against the reconciliation, too; the same stack in two Regions has two keys."""
    application = (LANDING_ZONE / "application.yaml").read_text()
    for target in targets[:2]:
        assert target.stacks.deploy("payments", application) == "CREATE_COMPLETE"
        function = "log-group-kms-association-enrolment"
        target.aws.client("lambda").invoke(FunctionName=function, Payload=b'{"Reconcile": true}')
        found = target.of("/aws/lambda/payments")
        assert found
        assert found.owner == owner_of(target.stacks, "payments", "LogEncryption")
        assert found.key not in (None, target.key)


def whoever_writes_and_reads_needs_nothing_of_their_own(targets: list[Target]) -> None:
    """The key of a place is for the roles of its account, through CloudWatch Logs, also where AWS asks them for it."""
    here = targets[0].aws
    role = here.client("logs", credentials=someone_with(here, allow("logs:*", "*")))
    here.direction.require_key_use()

    role.create_log_stream(logGroupName=BEFORE[0], logStreamName="s")
    now = int(time.time() * 1000)
    role.put_log_events(logGroupName=BEFORE[0], logStreamName="s", logEvents=[{"timestamp": now, "message": "paid"}])

    found = role.get_log_events(logGroupName=BEFORE[0], logStreamName="s")["events"]
    here.direction.require_key_use(required=False)
    assert [event["message"] for event in found] == ["paid"]


def a_landing_zone_that_goes_gives_back_what_it_took(targets: list[Target]) -> None:
    """In its own place alone; the key stays."""
    *stay, gone = targets
    key = gone.key

    assert gone.stacks.delete(STACK) == ""

    assert {gone.of(name) for name in BEFORE} == {Encryption()}
    assert gone.aws.client("kms").describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Enabled"
    for target in stay:
        assert {target.of(name) for name in BEFORE} == {target.held}


#: Every step goes on where the one before has left it.
STORY: Final = (
    every_place_has_a_key_of_its_own_on_all_its_log_groups,
    query_results_are_under_the_key_too,
    a_new_log_group_is_enrolled_where_it_is_created,
    an_applications_own_key_wins_over_the_fleet,
    whoever_writes_and_reads_needs_nothing_of_their_own,
    a_landing_zone_that_goes_gives_back_what_it_took,
)


def test_the_life_of_a_landing_zone(targets: list[Target]) -> None:
    """Each step's docstring says what holds after it."""
    for step in STORY:
        step(targets)
