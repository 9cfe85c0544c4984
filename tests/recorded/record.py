"""`make record`: write down what this version writes, as cases that every later version must read.

Before 1.0.0 is released the formats may change, and with them these cases; from then on they are frozen. A later
version that writes something new gets a folder of its own beside this one.
"""

from __future__ import annotations

import json
import sys
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from recorded.accounts import ALL, BEFORE, KEY, LAMBDA, NEW, OWNERS, Account, Json
from support.fake_aws import OTHER_STACK_ID, PLACE, STACK_ID, fleet, owner
from support.project import PROJECT

from log_group_kms.fleet.checkpoint import Checkpoint, Counts, Phase
from log_group_kms.fleet.upkeep import Reconcile
from log_group_kms.lifecycle.progress import PROGRESS
from log_group_kms.model.ownership import Claim, Marks, Owner, Work
from log_group_kms.model.physical_id import NOTHING_ASSOCIATED, PERHAPS_ASSOCIATED
from log_group_kms.model.targets import QueryResults

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FOLDER: Final = Path(__file__).parent / "1.0"
_RELEASED: Final = "## [1.0.0]"
_WRITTEN: Final = 1_800_000_000.0
ONE, FLEET, _ = OWNERS
ORDERS: Final = "/aws/lambda/orders"
#: In seconds; some thirty log groups, and then a further invocation.
_SHORT: Final = 12.0


class Died(BaseException):
    """The function is gone, as after a crash."""


def is_frozen() -> bool:
    """Return True once 1.0.0 is released."""
    return _RELEASED in (PROJECT / "CHANGELOG.md").read_text()


# --- tags -------------------------------------------------------------------------------------------------------------


def _claims() -> Iterator[tuple[str, Claim]]:
    yield "one log group, without a key before", Claim(ONE, None, written_at=_WRITTEN)
    yield "one log group, with a key before", Claim(ONE, BEFORE, written_at=_WRITTEN)
    yield "a Delete has begun", Claim(ONE, BEFORE, deleting=True, written_at=_WRITTEN)
    yield "a Delete left its own key in force", Claim(ONE, KEY, deleted=True, written_at=_WRITTEN)
    yield "a fleet of every log group", Claim(FLEET, None, written_at=_WRITTEN)
    yield "a fleet with a prefix", Claim(owner("Fleet", target=LAMBDA), BEFORE, written_at=_WRITTEN)
    sharp = owner("Fleet", target=fleet("/odd#name/"))
    yield "a fleet whose prefix is no tag's value", Claim(sharp, None, written_at=_WRITTEN)
    yield "a fleet, written by upkeep", Claim(FLEET, None, written_at=_WRITTEN, by_upkeep=True)
    taken = Claim(FLEET, None, written_at=_WRITTEN, taken_from=owner("Renamed", target=ALL))
    yield "a fleet that took it from another", taken
    yield "a logical id that does not fit", Claim(owner("L" * 255, OTHER_STACK_ID), None, written_at=_WRITTEN)
    yield "the command line", Claim(Owner.of_command_line(ALL), None, written_at=_WRITTEN, by_upkeep=True)


def meaning_of_claim(claim: Claim) -> Json:
    """Return what a claim means, in plain words."""
    return {
        "owner": claim.owner.text,
        "scope": claim.owner.scope,
        "is_fleet": claim.owner.is_fleet,
        "is_command_line": claim.owner.is_command_line,
        "previous_key": claim.previous and claim.previous.text,
        "deleting": claim.deleting,
        "deleted": claim.deleted,
        "written_at": claim.written_at,
        "by_upkeep": claim.by_upkeep,
        "taken_from": claim.taken_from and claim.taken_from.text,
        "cancelled": claim.cancelled,
    }


def tags() -> list[Json]:
    """Return the tags of claims, each with its meaning."""
    cases = [{"case": case, "tags": one.as_tags(), "means": meaning_of_claim(one)} for case, one in _claims()]
    written = Claim(ONE, None, written_at=_WRITTEN).as_tags()
    cancelled = written | Marks(cancelled_at=_WRITTEN + 60).as_tags(ONE)
    found = Claim.of_tags(cancelled)
    if found is None or not found.cancelled:
        raise AssertionError(cancelled)
    return [*cases, {"case": "a Delete came after it", "tags": cancelled, "means": meaning_of_claim(found)}]


def meaning_of_marks(marks: Marks) -> Json:
    """Return what marks mean, in plain words."""
    return {
        "work": marks.work and marks.work.value,
        "cancelled_at": marks.cancelled_at,
        "released_at": marks.released_at,
        "released_to": marks.released_to,
    }


def marks() -> list[Json]:
    """Return the tags of marks, whose they are, and their meaning."""
    kinds = {
        **{f"a fleet at work: {work}": Marks(work) for work in Work},
        "a Delete came": Marks(cancelled_at=_WRITTEN),
        "a Delete gave up": Marks(released_at=_WRITTEN, released_to="/aws/lambda/orders"),
    }
    return [
        {
            "case": case,
            "stack_id": STACK_ID,
            "logical_id": "Fleet",
            "prefix": ALL.prefix,
            "tags": one.as_tags(FLEET),
            "means": meaning_of_marks(one),
        }
        for case, one in kinds.items()
    ]


# --- progress ---------------------------------------------------------------------------------------------------------


def meaning_of_checkpoint(checkpoint: Checkpoint) -> Json:
    """Return what a checkpoint means, in plain words."""
    return {
        "phase": checkpoint.phase.value,
        "key": checkpoint.wanted_key and checkpoint.wanted_key.text,
        "token": checkpoint.token,
        "claimed": checkpoint.claimed,
        "undoing": checkpoint.undoing,
        "inherits": checkpoint.inherits,
        "refused": list(checkpoint.refused),
        "begin": checkpoint.begin,
        "reached": checkpoint.reached,
        "counts": {each.name: getattr(checkpoint.counts, each.name) for each in fields(Counts)},
    }


def progress() -> list[Json]:
    """Return a checkpoint of each phase, with its meaning."""
    counts = Counts(**{each.name: number for number, each in enumerate(fields(Counts), 1)})
    cases = []
    for phase in Phase:
        releasing = phase.value.startswith("release")
        one = Checkpoint(
            phase,
            key="" if releasing else KEY.text,
            token="/app/00049",
            counts=counts,
            lookout="/app/00000",
            claimed=True,
            refused=("/app/00007",),
            undoing=releasing,
            inherits=not releasing,
            begin="/app/00010" if releasing else "",
            reached="/app/00049",
        )
        cases.append({"case": phase.value, "progress": one.as_json(), "means": meaning_of_checkpoint(one)})
    return json.loads(json.dumps(cases))  # type: ignore[no-any-return] # as it travels


def reconciliations() -> list[Json]:
    """Return the event of a reconciliation's further invocation, with its meaning."""
    one = Checkpoint(Phase.CHANGE, KEY.text, "/app/00049", Counts(mended=3), claimed=True, reached="/app/00049")
    event = Reconcile(hops=2).further(one)
    means = {"hops": 3, "dry_run": False, "checkpoint": meaning_of_checkpoint(one)}
    cases = [{"case": "a further invocation", "event": event, "means": means}]
    return json.loads(json.dumps(cases))  # type: ignore[no-any-return] # as it travels


# --- stories ----------------------------------------------------------------------------------------------------------


class Recorder:
    """Plays one event after the other in an account, and writes each down with what was there before and after it."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.stories: list[Json] = []

    def tell(self, story: str, event: Json) -> str:
        """Play *event* to its end, and write it down; return the physical id of the answer."""
        before, now = self.account.as_json(), self.account.clock.now()
        answer = self.account.play(event)
        self.stories.append(
            {
                "story": story,
                "now": now,
                "before": before,
                "event": event,
                "answer": answer,
                "after": self.account.as_json(),
            }
        )
        physical_id: str = answer["PhysicalResourceId"]
        return physical_id

    def die(self, event: Json, after: str) -> None:
        """Play *event* until a call of the operation *after* has taken effect; then the function dies."""

        def end(operation: str) -> None:
            if operation == after:
                raise Died

        self.account.aws.after = end
        try:
            self.account.invoke(event)
        except Died:
            return
        finally:
            self.account.aws.after = lambda _: None
        raise AssertionError(f"it never called {after}")

    def hand_over(self, event: Json, invocations: int = 1) -> Json:
        """Play so many short invocations of *event*; return the event of the next one."""
        for _ in range(invocations):
            event = self.account.invoke(event, _SHORT)
            if PROGRESS not in event:
                raise AssertionError("it came to its end")
        return event


def _one_log_group() -> list[Json]:
    recorder = Recorder(Account.holding(ORDERS, key=BEFORE))
    event = recorder.account.event
    first = {"LogGroupName": ORDERS, "KmsKeyId": KEY.text}
    second = {**first, "KmsKeyId": NEW.text}
    physical_id = recorder.tell("a Create", event("Create", **first))
    same = {"PhysicalResourceId": physical_id}
    recorder.tell("the same Create, delivered once more", event("Create", **first))
    recorder.tell("an Update to another key", event("Update", **second, **same, OldResourceProperties=first))
    recorder.die(event("Delete", **second, **same), after="TagResource")
    recorder.tell("a Delete that died after it took the claim away", event("Delete", **second, **same))
    recorder.tell("the same Delete, delivered once more", event("Delete", **second, **same))
    recorder.die(event("Create", **first), after="TagResource")
    recorder.tell("a Create that died after it claimed", event("Create", **first))
    retained = {**first, "OnDelete": "Retain"}
    recorder.tell("a Delete that retains the key", event("Delete", **retained, **same))
    return recorder.stories


def _markers() -> list[Json]:
    recorder = Recorder(Account.holding(ORDERS))
    event = recorder.account.event
    missing = {"LogGroupName": "/no/such/group", "KmsKeyId": KEY.text}
    failed = recorder.tell("a Create that fails and has claimed nothing", event("Create", **missing))
    if failed != NOTHING_ASSOCIATED:
        raise AssertionError(failed)
    asked = {"LogGroupName": ORDERS, "KmsKeyId": KEY.text}
    recorder.tell("the Delete after it", event("Delete", **asked, PhysicalResourceId=failed))
    recorder.die(event("Create", **asked), after="AssociateKmsKey")
    perhaps = event("Delete", **asked, PhysicalResourceId=PERHAPS_ASSOCIATED)
    recorder.tell("the Delete after a Create that could not tell whether it claimed", perhaps)
    return recorder.stories


def _query_results() -> list[Json]:
    recorder = Recorder(Account())
    event = recorder.account.event
    asked = {"ResourceIdentifier": QueryResults(PLACE).arn, "KmsKeyId": KEY.text}
    physical_id = recorder.tell("query results", event("Create", **asked))
    recorder.tell("query results go", event("Delete", **asked, PhysicalResourceId=physical_id))
    return recorder.stories


def _waiting() -> list[Json]:
    recorder = Recorder(Account.holding(ORDERS))
    asked = {"LogGroupName": ORDERS, "KmsKeyId": KEY.text, "PropagationWaitSeconds": "300"}
    waiting = recorder.hand_over(recorder.account.event("Create", **asked))
    recorder.tell("a Create that waits, in a further invocation", waiting)
    return recorder.stories


def _fleet() -> list[Json]:
    names = [f"/app/{number:05d}" for number in range(70)]
    recorder = Recorder(Account.holding(*names, ORDERS))
    asked = {"LogGroupNamePrefix": "*", "KmsKeyId": KEY.text, "OnExistingKey": "Override"}

    def event(request_type: str, **more: Any) -> Json:
        return recorder.account.event(request_type, "Fleet", **more)

    half_way = recorder.hand_over(event("Create", **asked))
    physical_id = recorder.tell("a fleet's Create, in a further invocation", half_way)
    same = {"PhysicalResourceId": physical_id}
    another = {**asked, "KmsKeyId": NEW.text}
    half_way = recorder.hand_over(event("Update", **another, **same, OldResourceProperties=asked))
    recorder.tell("a fleet's Update to another key, in a further invocation", half_way)
    narrow = {**another, "LogGroupNamePrefix": "/aws/lambda/"}
    recorder.tell(
        "a fleet's Update to another prefix", event("Update", **narrow, **same, OldResourceProperties=another)
    )
    half_way = recorder.hand_over(event("Delete", **another, **same))
    recorder.tell("the Delete of the fleet before, in a further invocation", half_way)
    return recorder.stories


def stories() -> list[Json]:
    """Return events on accounts that this version left so, with the answers and what was there in the end."""
    told = [*_one_log_group(), *_markers(), *_query_results(), *_waiting(), *_fleet()]
    return json.loads(json.dumps(told))  # type: ignore[no-any-return] # as it travels


#: By the file's name.
CASES: Final[dict[str, Callable[[], list[Json]]]] = {
    "tags": tags,
    "marks": marks,
    "progress": progress,
    "reconciliations": reconciliations,
    "stories": stories,
}


def text_of(cases: list[Json]) -> str:
    """Return the file's text: a case a line, so that a change shows which."""
    return "[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n"


def main() -> int:
    """Write them."""
    if is_frozen():
        print("1.0.0 is released: its cases are frozen.", file=sys.stderr)  # noqa: T201 - a program
        return 1
    FOLDER.mkdir(exist_ok=True)
    for name, make in CASES.items():
        cases = make()
        (FOLDER / f"{name}.json").write_text(text_of(cases))
        print(f"{name}: {len(cases)} cases")  # noqa: T201 - a program
    return 0


if __name__ == "__main__":
    sys.exit(main())
