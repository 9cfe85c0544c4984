"""What each version has written, every later one reads: stacks, tags and events outlive the provider that made them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from recorded import record
from recorded.accounts import Account
from support.fake_aws import PLACE

from log_group_kms.fleet.checkpoint import Checkpoint, Phase
from log_group_kms.fleet.upkeep import Reconcile
from log_group_kms.lifecycle.progress import parse_progress
from log_group_kms.model.ownership import Claim, Marks, Owner
from log_group_kms.model.targets import Fleet
from log_group_kms.request.upkeep import parse_upkeep

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _pytest.mark import ParameterSet

Json = dict[str, Any]
FOLDER = Path(__file__).parent


def cases(name: str) -> Iterator[Json]:
    """The cases of this *name* that any version has left, each with where it is from."""
    for path in sorted(FOLDER.glob(f"*/{name}.json")):
        for case in json.loads(path.read_text()):
            yield {"id": f"{path.parent.name}: {case.get('case') or case['story']}", **case}


def recorded(name: str) -> list[ParameterSet]:
    """The same as parameters of a test."""
    return [pytest.param(case, id=case["id"]) for case in cases(name)]


def known(found: Json, means: Json) -> Json:
    """What is *found*, as far as the version that recorded it could tell."""
    return {name: found.get(name) for name in means}


@pytest.mark.parametrize("case", recorded("tags"))
def test_tags_of_a_claim(case: Json) -> None:
    """They mean what they meant: who owns the log group, and which key to put back."""
    claim = Claim.of_tags(case["tags"])

    assert claim
    assert known(record.meaning_of_claim(claim), case["means"]) == case["means"]


@pytest.mark.parametrize("case", recorded("marks"))
def test_tags_of_marks(case: Json) -> None:
    """The owner is known by the same digest, and its marks mean what they meant."""
    owner = Owner.of_resource(case["stack_id"], case["logical_id"], Fleet(PLACE, case["prefix"]))

    assert known(record.meaning_of_marks(Marks.of_tags(case["tags"], owner)), case["means"]) == case["means"]


@pytest.mark.parametrize("case", recorded("progress"))
def test_progress_of_a_fleet(case: Json) -> None:
    """A further invocation goes on with what the version before had left to it."""
    progress = parse_progress(case["progress"])

    assert isinstance(progress, Checkpoint)
    found, means = record.meaning_of_checkpoint(progress), case["means"]
    assert known(found["counts"], means["counts"]) == means["counts"]
    assert known(found, means) | {"counts": {}} == means | {"counts": {}}


@pytest.mark.parametrize("case", recorded("reconciliations"))
def test_a_reconciliation_goes_on(case: Json) -> None:
    """From where it was, and with as many invocations behind it."""
    found, means = parse_upkeep(case["event"], PLACE), case["means"]

    assert isinstance(found, Reconcile)
    assert found.checkpoint
    assert (found.hops, found.dry_run) == (means["hops"], means["dry_run"])
    assert known(record.meaning_of_checkpoint(found.checkpoint), means["checkpoint"]) == means["checkpoint"]


@pytest.mark.parametrize("case", recorded("stories"))
def test_an_event_on_what_another_version_left(case: Json) -> None:
    """It is answered under the same physical id, and ends with the same keys and the same owners."""
    account = Account.of_json(case["before"], case["now"])

    answer = account.play(case["event"])
    after, expected = account.as_json(), case["after"]

    assert (answer["Status"], answer["PhysicalResourceId"]) == (
        case["answer"]["Status"],
        case["answer"]["PhysicalResourceId"],
    )
    assert known(answer["Data"], case["answer"]["Data"]) == case["answer"]["Data"]
    assert after["query_results_key"] == expected["query_results_key"]
    assert states(after) == states(expected)


def states(account: Json) -> dict[str, tuple[str | None, Claim | None]]:
    """Each log group's key and claim: tags that a later version writes beside them are its own business."""
    return {name: (found["key"], Claim.of_tags(found["tags"])) for name, found in account["log_groups"].items()}


def test_the_stories_tell_of_each_kind_of_event() -> None:
    """None is forgotten: all three types, further invocations of each kind, both marker ids."""
    events = [case["event"] for case in cases("stories")]
    further = [event["LogGroupKmsAssociationProgress"] for event in events if "LogGroupKmsAssociationProgress" in event]

    assert {event["RequestType"] for event in events} == {"Create", "Update", "Delete"}
    assert {event["RequestType"] for event in events if "LogGroupKmsAssociationProgress" in event} == {
        *("Create", "Update", "Delete")
    }
    assert {"phase" in progress for progress in further} == {True, False}
    ids = {event.get("PhysicalResourceId", "").rpartition("association:")[2] for event in events}
    assert {"nothing-associated", "perhaps-associated"} <= ids


def test_the_progress_has_each_phase() -> None:
    """A phase that a version has and the cases have not would be read by nobody."""
    found = {case["progress"]["phase"] for case in cases("progress")}

    assert {phase.value for phase in Phase} <= found


@pytest.mark.parametrize("name", record.CASES)
def test_the_cases_are_what_this_version_writes(name: str) -> None:
    """Until 1.0.0 `make record` wrote them anew; a later version that writes otherwise needs cases of its own."""
    assert (FOLDER / "1.0" / f"{name}.json").read_text() == record.text_of(record.CASES[name]())
