"""The main job, for real, on an embedded AWS.

The steps build and deploy the provider with the SAM CLI and drive the examples' stacks through their whole life. After
each step, what AWS shows is compared with what the step claims.
"""

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from local.client import keys
from local.client.embedded_aws import EmbeddedAws
from local.client.server import PROJECT
from local.client.stacks import Stacks, query_results_key
from local.demo import provider
from local.demo.associations import encryption_of

ORDERS: Final = "/aws/lambda/orders"
PAYMENTS: Final = "/aws/lambda/payments"
LOGS_STACK: Final = "orders"
QUERIES_STACK: Final = "queries"
LOG_GROUP_EXAMPLE: Final = (PROJECT / "examples" / "log-group.yaml").read_text()
QUERY_RESULTS_EXAMPLE: Final = (PROJECT / "examples" / "query-results.yaml").read_text()
NONE: Final = "-"
#: The demo is to be looked at, not waited for: a dozen steps in a minute are more calls than AWS takes from an account.
_QUOTA_FACTOR: Final = 20.0

#: Seconds that a new log group's enrolment is waited for.
_ENROLMENT: Final = 30.0


@dataclass(frozen=True, slots=True)
class Row:
    """A log group as the table shows it."""

    key: str = NONE
    previous_key: str = NONE
    owner: str = NONE


@dataclass(frozen=True, slots=True)
class State:
    """All that a step claims, and all that is looked at after it."""

    stacks: Mapping[str, str] = field(default_factory=dict)
    orders: Row = field(default_factory=Row)
    payments: Row = field(default_factory=Row)
    query_results: str = NONE

    def differences(self, seen: "State") -> Iterator[str]:
        """Say what *seen* has that this does not claim, a line for each difference."""
        for what, claimed, found in (
            ("stacks", self.stacks, seen.stacks),
            (ORDERS, self.orders, seen.orders),
            (PAYMENTS, self.payments, seen.payments),
            ("query results", self.query_results, seen.query_results),
        ):
            if claimed != found:
                yield f"{what}: claimed {claimed}, found {found}"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the demo."""

    title: str
    do: Callable[["Demo"], None]
    claim: State
    #: Said after it; may look at what happened.
    remark: Callable[["Demo"], str] = lambda _: ""


class ClaimNotReachedError(Exception):
    """A step left another state than it claims."""


class Demo:
    """The account that the steps work in."""

    def __init__(self, aws: EmbeddedAws, workspace: Path) -> None:
        self.aws = aws
        self.stacks = Stacks(aws)
        self._sam = provider.Sam(workspace)
        #: An alias may go while its key is still in force.
        self._names: dict[str, str] = {}

    def deploy_provider(self) -> None:
        """Run the real `sam build` and `sam deploy` of template.yaml."""
        self._sam.deploy(self.aws, self._sam.build())

    def deploy_fleet(self) -> None:
        """Deploy the provider once more, now with a key for every log group whose name begins so, whatever it has."""
        self.aws.client("logs").delete_log_group(logGroupName=PAYMENTS)
        fleet = {
            "FleetKmsKeyId": "alias/next",
            "FleetLogGroupNamePrefix": "/aws/lambda/",
            "FleetOnExistingKey": "Override",
        }
        self._sam.deploy(self.aws, self._sam.build(), parameters=fleet)

    def create_log_group(self) -> None:
        """Make a log group of which nobody tells the provider, and wait for its event to have an effect."""
        self.aws.client("logs").create_log_group(logGroupName=PAYMENTS)
        deadline = time.monotonic() + _ENROLMENT
        while (found := encryption_of(self.aws, PAYMENTS)) and not found.key and time.monotonic() < deadline:
            time.sleep(0.1)

    def delete_provider(self) -> None:
        """Run the real `sam delete`."""
        self._sam.delete(self.aws)

    def others_at_work(self) -> None:
        """Make what was there before us: two log groups that a service made, one with its team's key; and a new key."""
        team = keys.create(self.aws, "alias/team")
        keys.create(self.aws, "alias/next")
        for name in (ORDERS, PAYMENTS):
            self.aws.client("logs").create_log_group(logGroupName=name)
        self.aws.client("logs").associate_kms_key(logGroupName=ORDERS, kmsKeyId=team)

    def encrypt_log_group(self, template: str = LOG_GROUP_EXAMPLE, **parameters: str) -> None:
        """Create or update the stack of examples/log-group.yaml."""
        self.stacks.deploy(LOGS_STACK, template, **parameters)

    def encrypt_query_results(self) -> None:
        """Create the stack of examples/query-results.yaml."""
        self.stacks.deploy(QUERIES_STACK, QUERY_RESULTS_EXAMPLE)

    def delete_stacks(self) -> None:
        """Delete both."""
        for name in (LOGS_STACK, QUERIES_STACK):
            self.stacks.delete(name)

    def last_failure(self) -> str:
        """Return the Reason that the stack's events show."""
        return f"CloudFormation shows: {self.stacks.failures(LOGS_STACK)[-1]}"

    def failures(self) -> list[str]:
        """Return every failure that CloudFormation shows."""
        return [reason for name in self.stacks.statuses() for reason in self.stacks.failures(name)]

    def state(self) -> State:
        """Return the state that AWS shows."""
        for alias in self.aws.client("kms").list_aliases()["Aliases"]:
            self._names[alias.get("TargetKeyId", "")] = alias["AliasName"]
        found = {name: self.stacks.status(name) for name in _stacks(logs=CREATED, queries=CREATED)}
        stacks = {name: status for name, status in found.items() if status}
        return State(stacks, self._row(ORDERS), self._row(PAYMENTS), self._name(self._query_results_key()))

    def _query_results_key(self) -> str | None:
        return query_results_key(self.aws, ORDERS) if encryption_of(self.aws, ORDERS) else None

    def _row(self, log_group: str) -> Row:
        found = encryption_of(self.aws, log_group)
        if found is None:
            return Row()
        return Row(self._name(found.key), self._name(found.previous_key), _shortened(found.owner))

    def _name(self, key: str | None) -> str:
        """Return the alias of a key, which says more than its id."""
        if key is None:
            return NONE
        return self._names.get(key.rpartition("/")[2], key)


def _shortened(owner: str | None) -> str:
    """Return an owner tag without its stack's UUID."""
    if owner is None:
        return NONE
    stack, _, resource = owner.split("/", 2)
    return f"{stack}/…/{resource}"


def _stacks(logs: str = "", queries: str = "", provider_stack: str = "CREATE_COMPLETE") -> dict[str, str]:
    named = {provider.STACK: provider_stack, LOGS_STACK: logs, QUERIES_STACK: queries}
    return {name: status for name, status in named.items() if status}


CREATED: Final = "CREATE_COMPLETE"
UPDATED: Final = "UPDATE_COMPLETE"
OWNER: Final = f"one:{LOGS_STACK}/…/LogEncryption"
RENAMED: Final = "Encryption"
FLEET: Final = f"fleet:{provider.STACK}/…/Fleet"
TEAMS: Final = Row("alias/team")
QUERIES_KEY: Final = f"alias/{QUERIES_STACK}"
NO_SUCH_KEY: Final = "0987dcba-09fe-87dc-65ba-ab0987654321"

STEPS: Final = (
    Step(
        "sam build and sam deploy put the provider there",
        Demo.deploy_provider,
        State(_stacks()),
    ),
    Step(
        "Others at work: two log groups, the first under its team's key",
        Demo.others_at_work,
        State(_stacks(), orders=TEAMS),
    ),
    Step(
        "examples/log-group.yaml: its own key; the team's key is remembered",
        Demo.encrypt_log_group,
        State(_stacks(CREATED), Row(f"alias/{LOGS_STACK}", "alias/team", OWNER)),
    ),
    Step(
        "examples/query-results.yaml: the results of all Logs Insights queries",
        Demo.encrypt_query_results,
        State(
            _stacks(CREATED, CREATED),
            Row(f"alias/{LOGS_STACK}", "alias/team", OWNER),
            query_results=QUERIES_KEY,
        ),
    ),
    Step(
        "Another key: changed in place, the team's key is still remembered",
        lambda demo: demo.encrypt_log_group(KmsKeyId="alias/next"),
        State(
            _stacks(UPDATED, CREATED),
            Row("alias/next", "alias/team", OWNER),
            query_results=QUERIES_KEY,
        ),
    ),
    Step(
        "Another log group gets the key; the first gets its team's key back",
        lambda demo: demo.encrypt_log_group(KmsKeyId="alias/next", LogGroupName=PAYMENTS),
        State(_stacks(UPDATED, CREATED), TEAMS, Row("alias/next", "none", OWNER), QUERIES_KEY),
    ),
    Step(
        "A key that is not there: the update is rolled back, all is as it was",
        lambda demo: demo.encrypt_log_group(KmsKeyId=NO_SUCH_KEY, LogGroupName=PAYMENTS),
        State(
            _stacks("UPDATE_ROLLBACK_COMPLETE", CREATED),
            TEAMS,
            Row("alias/next", "none", OWNER),
            QUERIES_KEY,
        ),
        Demo.last_failure,
    ),
    Step(
        "Renamed in the template: the new one takes over, the old one's Delete yields",
        lambda demo: demo.encrypt_log_group(
            LOG_GROUP_EXAMPLE.replace("LogEncryption", RENAMED), KmsKeyId="alias/next", LogGroupName=PAYMENTS
        ),
        State(
            _stacks(UPDATED, CREATED),
            TEAMS,
            Row("alias/next", "none", f"one:{LOGS_STACK}/…/{RENAMED}"),
            QUERIES_KEY,
        ),
    ),
    Step(
        "Both stacks are deleted: all is as it was before them",
        Demo.delete_stacks,
        State(_stacks(), TEAMS),
    ),
    Step(
        "A fleet: every log group that is there, by parameters of the provider; FleetOnExistingKey is Override",
        Demo.deploy_fleet,
        State(_stacks(provider_stack=UPDATED), Row("alias/next", "alias/team", FLEET)),
    ),
    Step(
        "A new log group is enrolled as it is created",
        Demo.create_log_group,
        State(
            _stacks(provider_stack=UPDATED),
            Row("alias/next", "alias/team", FLEET),
            Row("alias/next", "none", FLEET),
        ),
    ),
    Step(
        "sam delete takes the provider away, and the fleet gives all back",
        Demo.delete_provider,
        State(_stacks(provider_stack=""), TEAMS),
    ),
)


def run(console: Console, steps: tuple[Step, ...] = STEPS) -> None:
    """Go through the steps, on an embedded AWS that is gone afterwards.

    Raises:
        ClaimNotReachedError: at the first step that left another state than it claims.
        CommandFailedError: SAM failed.
    """
    with (
        tempfile.TemporaryDirectory(prefix="demo-") as workspace,
        EmbeddedAws.start(auth=True, quota_factor=_QUOTA_FACTOR) as aws,
    ):
        console.print("An embedded AWS runs on the loopback address, and enforces IAM.")
        demo = Demo(aws, Path(workspace))
        for number, step in enumerate(steps, 1):
            console.print(f"\n[bold]{number}. {step.title}[/]")
            with console.status("…"):
                step.do(demo)
                seen = demo.state()
            _show(console, seen)
            differences = list(step.claim.differences(seen))
            if differences:
                raise ClaimNotReachedError("\n".join([*differences, *demo.failures()]))
            remark = step.remark(demo)
            if remark:
                console.print(Padding(Text(remark), (1, 0, 0, 2)))


def _show(console: Console, state: State) -> None:
    stacks = Table("Stack", "Status", box=None, header_style="dim")
    for name, status in state.stacks.items():
        stacks.add_row(name, status)
    log_groups = Table("Log group", "Key", "Previous key", "Owner", box=None, header_style="dim")
    for name, row in ((ORDERS, state.orders), (PAYMENTS, state.payments)):
        log_groups.add_row(name, row.key, row.previous_key, row.owner)
    log_groups.add_row("query results", state.query_results, "", "")
    for table in (stacks, log_groups):
        if table is log_groups or state.stacks:
            console.print(Padding(table, (0, 0, 0, 1)))
