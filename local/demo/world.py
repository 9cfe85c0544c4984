"""The account that the demo works in: a plain template in one Region, this provider in another, and a fleet."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar

from botocore.exceptions import ClientError

from local.client import keys
from local.client.embedded_aws import EmbeddedAws
from local.client.server import PROJECT
from local.client.stacks import Stacks, in_region, make_log_groups
from local.demo import plain, provider
from local.demo.associations import encryption_of
from local.demo.pictures import NONE, Deployed, FleetPicture, Side, TwoColumns

T = TypeVar("T")

ORDERS: Final = "/aws/lambda/orders"
STACK: Final = "orders"
PLAIN_PROVIDER: Final = "plain-provider"
PLAINS_REGION: Final = "eu-central-1"
TEAM: Final = "alias/team"
OWN: Final = "alias/orders"
FLEETS: Final = "alias/fleet"
LATE: Final = "/aws/codebuild/made-later"

_SERVICES: Final = {
    "/aws/lambda/": ("cart", "checkout", "invoice", "login", "mail", "price", "search", "ship", "stock", "tax"),
    "/aws/codebuild/": ("api", "docs", "shop", "web"),
    "/ecs/": ("admin", "edge", "feed", "jobs", "shop", "sync"),
    "/aws/rds/instance/": ("audit", "main", "reports"),
    "/apigateway/": ("partners", "shop"),
}
#: Two stages of each; the teams of some have a key already.
FLEET: Final = tuple(
    f"{prefix}{name}-{stage}" for prefix, names in _SERVICES.items() for name in names for stage in ("prod", "test")
)
TEAMS_OWN: Final = tuple(name for name in FLEET if name.startswith("/aws/rds/"))

#: Seconds that anything is waited for which happens by itself.
_PATIENCE: Final = 30.0
#: So much of a Reason is shown.
_REASON: Final = 120
_GONE: Final = "gone.handler"


class World:
    """Both Regions of an embedded AWS."""

    def __init__(self, aws: EmbeddedAws, workspace: Path) -> None:
        self.aws = aws
        self._plains = in_region(aws, PLAINS_REGION)
        self._sam = provider.Sam(workspace)
        self._built = Path()
        self._stacks = Stacks(aws)
        self._plains_stacks = Stacks(self._plains)
        self._before: dict[str, str] = {}
        self._sides = (NONE, NONE)

    def close(self) -> None:
        """Close the clients of the other Region."""
        self._plains.close()

    # --- one log group: two columns -----------------------------------------------------------------------------------

    def set_up(self) -> Deployed:
        """Deploy both providers, and make what services and teams have made: log groups, and a team's key on one."""
        self._both(self._deploy_plain, self._deploy_ours)
        for aws in (self._plains, self.aws):
            team = keys.create(aws, TEAM)
            keys.create(aws, OWN)
            aws.client("logs").create_log_group(logGroupName=ORDERS)
            aws.client("logs").associate_kms_key(logGroupName=ORDERS, kmsKeyId=team)
        self._sides = (TEAM, TEAM)
        statuses = {
            PLAIN_PROVIDER: self._plains_stacks.status(PLAIN_PROVIDER),
            provider.STACK: self._stacks.status(provider.STACK),
        }
        meanings = {PLAIN_PROVIDER: "twenty lines, inline in a template", provider.STACK: "this provider"}
        return Deployed(statuses, meanings)

    def encrypt(self, logical_id: str = "LogEncryption", remarks: tuple[str, str] = ("", "")) -> TwoColumns:
        """Create or update the stack of either side, with this logical id."""
        self._both(
            lambda: self._plains_stacks.deploy(STACK, self._plain_template(logical_id)),
            lambda: self._stacks.deploy(STACK, self._our_template(logical_id)),
        )
        return self._columns(*remarks)

    def delete(self, remarks: tuple[str, str]) -> TwoColumns:
        """Delete the stack of either side."""
        self._both(lambda: self._plains_stacks.delete(STACK), lambda: self._stacks.delete(STACK))
        return self._columns(*remarks)

    def die(self, logical_id: str) -> TwoColumns:
        """Let both functions lack a module, and deploy a stack; how long does CloudFormation wait?"""
        name = "shipping"
        waited = self._both(
            lambda: self._dies(self._plains, plain.FUNCTION, name, self._plain_template(logical_id)),
            lambda: self._dies(self.aws, provider.STACK, name, self._our_template(logical_id)),
        )
        [reason, *_] = self._stacks.failures(name)
        columns = self._columns(
            f"After {waited[0]:.0f} s, all of its ServiceTimeout: an hour where a template sets none. No cause is told",
            f"After {waited[1]:.0f} s. A second, tiny function answered: {_shortened(reason)}",
            of=name,
        )
        self._both(lambda: self._plains_stacks.delete(name), lambda: self._stacks.delete(name))
        return columns

    # --- a fleet ------------------------------------------------------------------------------------------------------

    def make_fleet(self) -> FleetPicture:
        """Make what the services of an account have made, and show what the command line plans."""
        team = self.aws.client("kms").describe_key(KeyId=TEAM)["KeyMetadata"]["Arn"]
        keys.create(self.aws, FLEETS)
        make_log_groups(self.aws, [name for name in FLEET if name not in TEAMS_OWN])
        make_log_groups(self.aws, TEAMS_OWN, team)
        return self._fleet("plan", "--prefix", "/", "--kms-key-id", FLEETS, shown=2)

    def apply(self) -> FleetPicture:
        """Change a part from the command line."""
        return self._fleet(
            "apply", "--prefix", "/aws/lambda/", "--kms-key-id", FLEETS, "--yes", "--rate", "50", shown=1
        )

    def deploy_fleet(self) -> FleetPicture:
        """Deploy the provider with a key for every log group."""
        fleet = {"FleetKmsKeyId": FLEETS, "FleetLogGroupNamePrefix": "/", "AssociationsPerSecond": "50"}
        self._sam.deploy(self.aws, self._built, parameters=fleet)
        said = "$ sam deploy --parameter-overrides FleetKmsKeyId=alias/fleet FleetLogGroupNamePrefix=/"
        return self._picture(said)

    def create_log_group(self) -> FleetPicture:
        """Make a log group of which nobody tells the provider, and wait for its event to have an effect."""
        self.aws.client("logs").create_log_group(logGroupName=LATE)
        begun = time.monotonic()
        _wait(lambda: bool((found := encryption_of(self.aws, LATE)) and found.key))
        return self._picture(f"{LATE}: under the key after {time.monotonic() - begun:.1f} s")

    def delete_provider(self) -> FleetPicture:
        """Delete the provider's stack."""
        self._stacks.delete(provider.STACK)
        return self._picture(f"$ sam delete --stack-name {provider.STACK}")

    def failures(self) -> list[str]:
        """Return the Reasons of stacks that failed."""
        found = []
        for stacks, name in ((self._plains_stacks, STACK), (self._stacks, STACK), (self._stacks, provider.STACK)):
            with suppress(ClientError):
                found += stacks.failures(name)
        return found

    # --- what they share ----------------------------------------------------------------------------------------------

    def _deploy_plain(self) -> None:
        self._plains_stacks.deploy(PLAIN_PROVIDER, plain.provider())

    def _deploy_ours(self) -> None:
        self._built = self._sam.build()
        self._sam.deploy(self.aws, self._built)

    def _plain_template(self, logical_id: str) -> str:
        return plain.template(logical_id, ORDERS, self._arn(self._plains))

    def _our_template(self, logical_id: str) -> str:
        return plain.our_template(logical_id, ORDERS, self._arn(self.aws))

    @staticmethod
    def _arn(aws: EmbeddedAws) -> str:
        return aws.client("kms").describe_key(KeyId=OWN)["KeyMetadata"]["Arn"]

    @staticmethod
    def _dies(aws: EmbeddedAws, function: str, stack: str, template: str) -> float:
        """Return the seconds until a Create has failed whose function lacks a module; it is well afterwards."""
        client, stacks = aws.client("lambda"), Stacks(aws)
        well = client.get_function_configuration(FunctionName=function)["Handler"]
        client.update_function_configuration(FunctionName=function, Handler=_GONE)
        begun = time.monotonic()
        aws.client("cloudformation").create_stack(StackName=stack, TemplateBody=template, DisableRollback=True)
        _wait(lambda: stacks.status(stack) == "CREATE_FAILED")
        waited = time.monotonic() - begun
        client.update_function_configuration(FunctionName=function, Handler=well)
        return waited

    def _columns(self, plains_remark: str, our_remark: str, of: str = STACK) -> TwoColumns:
        before = self._sides
        now = (_key_of(self._plains, ORDERS), _key_of(self.aws, ORDERS))
        self._sides = now
        return TwoColumns(
            Side(before[0], now[0], self._plains_stacks.status(of), plains_remark),
            Side(before[1], now[1], self._stacks.status(of), our_remark),
        )

    def _fleet(self, *arguments: str, shown: int) -> FleetPicture:
        """Run the command line as anybody would, and show the end of what it printed."""
        ran = subprocess.run(  # nosec B603 # noqa: S603 - our own
            [sys.executable, "-m", "log_group_kms", *arguments],
            cwd=PROJECT / "src",
            # Its lines are shown as they are: none is folded.
            env={**os.environ, **self.aws.environment, "COLUMNS": "250"},
            capture_output=True,
            text=True,
            check=False,
        )
        if ran.returncode not in {0, 3}:
            raise provider.CommandFailedError(f"log-group-kms {' '.join(arguments)}\n{ran.stderr}")
        return self._picture(f"$ log-group-kms {' '.join(arguments)}", *ran.stdout.splitlines()[-shown:])

    def _picture(self, *said: str) -> FleetPicture:
        before, aliases = self._before, _aliases(self.aws)
        logs = self.aws.client("logs").get_paginator("describe_log_groups")
        found = {
            group["logGroupName"]: group.get("kmsKeyId", "") for page in logs.paginate() for group in page["logGroups"]
        }
        fleet = (*FLEET, LATE)
        self._before = {name: aliases.get(key, NONE) for name, key in found.items() if name in fleet}
        return FleetPicture(before, self._before, said)

    @staticmethod
    def _both(plains: Callable[[], T], ours: Callable[[], T]) -> tuple[T, T]:
        """Do both at once, and return what either came to."""
        with ThreadPoolExecutor(2) as pool:
            first, second = pool.submit(plains), pool.submit(ours)
            return first.result(), second.result()


def _key_of(aws: EmbeddedAws, log_group: str) -> str:
    found = encryption_of(aws, log_group)
    return _aliases(aws).get(found.key or "", NONE) if found else "no log group"


def _shortened(reason: str) -> str:
    """Return the beginning of what a provider said, without CloudFormation's own words."""
    said = reason.partition("Message returned: ")[2] or reason
    return said if len(said) <= _REASON else f"{said[:_REASON].rpartition(' ')[0]} …"


def _aliases(aws: EmbeddedAws) -> dict[str, str]:
    """Return the aliases by the ARNs of their keys: they say more."""
    begin = f"arn:aws:kms:{aws.region}:{aws.account}:key/"
    found = aws.client("kms").list_aliases()["Aliases"]
    return {begin + alias["TargetKeyId"]: alias["AliasName"] for alias in found if "TargetKeyId" in alias}


def _wait(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not reached() and time.monotonic() < deadline:
        time.sleep(0.1)
