"""The enrolment's function in this process, and what it writes."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from support.lambda_context import LambdaContext
from support.self_invocations import invocations, keep_invocations

from local.emulator.script import LogGroups
from log_group_kms.handlers import enrolment
from log_group_kms.model.tags import OWNER_TAG, PREVIOUS_KEY_TAG, SCOPE_TAG, WRITTEN_TAG
from log_group_kms.model.times import moment_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pytest
    from functional.conftest import Deployment

EVENTS: Final = Path(__file__).parents[2] / "events"
RULE: Final = "log-group-kms-association-enrolment"
FUNCTION: Final = "log-group-kms-association-enrolment"
FUNCTION_ARN: Final = f"arn:aws:lambda:eu-west-1:111122223333:function:{FUNCTION}"
ORDERS: Final = "/aws/lambda/orders"
OWNER: Final = "fleet:log-group-kms-association/91d3c4e0-8d3a-11ef-a1c7-0a58a9feac02/Fleet"
SCOPE: Final = "prefix=/"
#: The metrics of every invocation.
NOTHING: Final = dict.fromkeys(("Enrolled", "DriftMended", "Busy", "TugOfWar", "Refused", "Throttled"), 0)
WRITING: Final = {
    f"logs:{operation}"
    for operation in ("AssociateKmsKey", "DisassociateKmsKey", "TagResource", "UntagResource", "CreateLogGroup")
}


@dataclass
class Enrolment:
    """The enrolment's function beside the provider, with an environment as `sam local` gives it."""

    deployment: Deployment
    key: str
    monkeypatch: pytest.MonkeyPatch
    context: LambdaContext = field(default_factory=lambda: LambdaContext(invoked_function_arn=FUNCTION_ARN))

    def setting(self, **settings: object) -> None:
        """Change the function's environment."""
        for name, value in settings.items():
            self.monkeypatch.setenv(name, str(value))

    def send(self, event: object) -> dict[str, Any]:
        """Return the function's result for *event*, as JSON has it."""
        # Where its stream leads was settled when the module was imported.
        self.monkeypatch.setattr(enrolment.logger.registered_handler, "stream", sys.stdout)
        answer = enrolment.handler(event, self.context)  # type: ignore[arg-type] # all that is used of the context
        found: dict[str, Any] = json.loads(json.dumps(answer))
        return found

    def send_file(self, name: str) -> dict[str, Any]:
        """Send a file of `events/`."""
        return self.send(json.loads((EVENTS / name).read_text()))

    def log_groups(self, *names: str, key: str | None = None, tags: Mapping[str, str] | None = None) -> None:
        """Log groups that are there at once."""
        aws = self.deployment.aws
        aws.direction.make_log_groups(LogGroups(list(names), aws.account, aws.region, key, dict(tags or {})))

    def delete_rule(self) -> None:
        """Delete the rule, as the fleet's stack does before it deletes the fleet."""
        self.deployment.aws.client("events").delete_rule(Name=RULE)

    def writing_calls(self) -> set[str]:
        """The calls that change something, as AWS has seen them."""
        return WRITING & set(self.deployment.aws.direction.counts())

    def held(self, previous: str = "none") -> dict[str, str]:
        """The tags of what belongs to the fleet; such a claim has no date."""
        return {OWNER_TAG: OWNER, PREVIOUS_KEY_TAG: previous, SCOPE_TAG: SCOPE}

    def check_enrolled(self, name: str, previous: str = "none") -> None:
        """See that upkeep claimed the log group in the fleet's name, within the last minutes."""
        tags = self.deployment.tags_of(name)
        stamp, _, by = tags.pop(WRITTEN_TAG).partition(" ")
        assert (tags, by) == (self.held(previous), "upkeep")
        written = moment_of(stamp)
        assert written is not None
        assert abs(self.deployment.clock.now() - written) < 600


def json_lines(text: str) -> list[dict[str, Any]]:
    """All that was written, line by line."""
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def metrics_in(text: str) -> dict[str, float]:
    """The metrics in the embedded metric format, summed up."""
    found: dict[str, float] = {}
    for line in json_lines(text):
        for directive in line.get("_aws", {}).get("CloudWatchMetrics", []):
            assert directive["Namespace"] == "LogGroupKmsAssociation"
            for metric in directive["Metrics"]:
                found[metric["Name"]] = found.get(metric["Name"], 0) + sum(line[metric["Name"]])
    return found


def to_the_end(fleet: Enrolment, event: dict[str, Any], already: int = 0) -> list[dict[str, Any]]:
    """Invoke the function with *event*, then with each event that it sends itself; return all that it returned.

    Args:
        fleet: the function.
        event: the first event.
        already: the number of events that it had sent itself before.
    """
    answers = [fleet.send(event)]
    while answers[-1].get("GoesOn"):
        answers.append(fleet.send(invocations(fleet.deployment.aws, FUNCTION, already + len(answers))[-1]))
    return answers


def slow(fleet: Enrolment) -> None:
    """A fleet at AWS's own pace, in invocations of 40 seconds."""
    keep_invocations(fleet.deployment.aws, FUNCTION)
    fleet.setting(ASSOCIATIONS_PER_SECOND=5, LOG_GROUP_NAME_PREFIX="/app/")
    fleet.context.remaining_in_millis = 40_000
