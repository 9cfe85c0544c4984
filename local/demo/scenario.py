"""The story of the demo: what a plain template does today, beside what this provider does; then a whole fleet.

Each scene happens for real, on an embedded AWS. What AWS then shows is compared with what the scene claims.
"""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.text import Text

from local.client.embedded_aws import EmbeddedAws
from local.demo import provider
from local.demo.pictures import NONE, Facts, Picture
from local.demo.world import FLEET, FLEETS, OWN, PLAIN_PROVIDER, TEAM, TEAMS_OWN, World

#: The embedded AWS holds every call of CloudWatch Logs at AWS's own quotas, 5 a second for most; here at so many times
#: that, or the demo would be a quarter of an hour of waiting.
QUOTA_FACTOR: Final = 20.0
#: Seconds to read a scene, at a terminal.
_TO_READ: Final = 2.5


@dataclass(frozen=True, slots=True)
class Scene:
    """A scene of the demo.

    Attributes:
        title: what happens.
        story: what is behind it.
        do: lets it happen, and returns what can be seen then.
        claim: the facts that this must show.
    """

    title: str
    story: str
    do: Callable[[World], Picture]
    claim: Facts


class ClaimNotReachedError(Exception):
    """A scene left another state than it claims."""


CREATED: Final = "CREATE_COMPLETE"
UPDATED: Final = "UPDATE_COMPLETE"
_LAMBDAS: Final = sum(name.startswith("/aws/lambda/") for name in FLEET)
_TEAMS: Final = len(TEAMS_OWN)
_OTHERS: Final = len(FLEET) - _LAMBDAS - _TEAMS


def _both(plains_key: str, our_key: str, stack: str) -> Facts:
    """Return the claim on two columns."""
    return {"plain: key": plains_key, "plain: stack": stack, "ours: key": our_key, "ours: stack": stack}


SCENES: Final = (
    Scene(
        "Two providers are deployed",
        "CloudFormation encrypts only log groups that the same stack makes. For one that Lambda made, a template needs "
        "a custom resource: a plain one, as many are written, or this one.",
        World.set_up,
        {PLAIN_PROVIDER: CREATED, provider.STACK: CREATED},
    ),
    Scene(
        "A stack puts /aws/lambda/orders under its own key",
        "Its team had put the log group under alias/team before. Both do what they are asked.",
        lambda world: world.encrypt(remarks=("", "It remembers alias/team, in a tag on the log group")),
        _both(OWN, OWN, CREATED),
    ),
    Scene(
        "The resource is renamed in the template: LogEncryption becomes Encryption",
        "CloudFormation creates the new one, then deletes the old one. Both are the same log group.",
        lambda world: world.encrypt(
            "Encryption",
            (
                "The old one's Delete took the key away, and the stack is green",
                "The old one's Delete saw that the new one owns the log group",
            ),
        ),
        _both(NONE, OWN, UPDATED),
    ),
    Scene(
        "The provider dies: its function cannot be imported",
        "A new stack is deployed while it is broken.",
        lambda world: world.die("Shipping"),
        _both(NONE, OWN, "CREATE_FAILED"),
    ),
    Scene(
        "The stack is deleted",
        "What does the team find?",
        lambda world: world.delete(
            ("Events of the team's log group are no longer under its key", "The team's key is back")
        ),
        _both(NONE, TEAM, "gone"),
    ),
    Scene(
        "Now every log group of the account: what would change?",
        f"{len(FLEET)} log groups that five services made; a team has put {_TEAMS} under a key of its own. (The "
        "plan counts orders and the provider's own two logs, too.) A plain template has no answer to that.",
        World.make_fleet,
        {NONE: len(FLEET) - _TEAMS, TEAM: _TEAMS},
    ),
    Scene(
        "The command line does a part of it",
        "It keeps to AWS's quota, asks first unless --yes is given, and Ctrl-C loses nothing.",
        World.apply,
        {NONE: _OTHERS, TEAM: _TEAMS, FLEETS: _LAMBDAS},
    ),
    Scene(
        "A fleet in the provider's stack does the rest, and takes over what the command line did",
        "A team's own key stays, unless it is told otherwise.",
        World.deploy_fleet,
        {TEAM: _TEAMS, FLEETS: _LAMBDAS + _OTHERS},
    ),
    Scene(
        "A service makes a new log group",
        "Nobody tells the provider: CloudTrail's event does.",
        World.create_log_group,
        {TEAM: _TEAMS, FLEETS: _LAMBDAS + _OTHERS + 1},
    ),
    Scene(
        "The provider's stack is deleted",
        "Each log group gets back what it had before.",
        World.delete_provider,
        {NONE: len(FLEET) - _TEAMS + 1, TEAM: _TEAMS},
    ),
)


def run(console: Console, scenes: tuple[Scene, ...] = SCENES, *, pause: float = _TO_READ) -> None:
    """Go through the scenes, on an embedded AWS that is gone afterwards.

    Raises:
        ClaimNotReachedError: at the first scene that left another state than it claims.
        CommandFailedError: SAM or the command line failed.
    """
    with (
        tempfile.TemporaryDirectory(prefix="demo-") as workspace,
        EmbeddedAws.start(auth=True, quota_factor=QUOTA_FACTOR, patient=True) as aws,
    ):
        console.print(
            "An embedded AWS runs on this machine's loopback address and enforces IAM. Nothing leaves the machine. "
            f"Its quotas are {QUOTA_FACTOR:.0f} times AWS's own, so that this is short.",
            soft_wrap=not console.is_terminal,
        )
        world = World(aws, Path(workspace))
        try:
            for number, scene in enumerate(scenes, 1):
                _play(console, world, number, scene)
                if console.is_terminal and number < len(scenes):
                    time.sleep(pause)
        finally:
            world.close()


def _play(console: Console, world: World, number: int, scene: Scene) -> None:
    console.print()
    console.print(Text(f"{number}. {scene.title}", "bold"), soft_wrap=not console.is_terminal)
    console.print(Text(f"   {scene.story}", "dim"), soft_wrap=not console.is_terminal)
    begun = time.monotonic()
    with console.status(f"{scene.title} …"):
        picture = scene.do(world)
    picture.draw(console)
    console.print(Text(f"   {time.monotonic() - begun:.0f} s", "dim"))
    found = picture.facts
    wrong = [
        f"{what}: claimed {scene.claim.get(what)}, found {found.get(what)}"
        for what in sorted({*scene.claim, *found})
        if scene.claim.get(what) != found.get(what)
    ]
    if wrong:
        raise ClaimNotReachedError("\n".join([*wrong, *world.failures()]))
