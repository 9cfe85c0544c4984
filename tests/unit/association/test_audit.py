"""The audit log: a line for each change of a key, with whom it was for, and none for anything else."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from jsonschema import Draft202012Validator
from support.fake_aws import (
    STACK_ID,
    FakeAws,
    FakeClock,
    FakeLogGroup,
    concurrent_change,
    fleet,
    log_group,
    owner,
    role_denied,
    unavailable,
)
from unit.association.account import ASKED, BEFORE, ME, NEW, ORDERS, OURS, RESULTS, STRANGE

from log_group_kms.association.audit import Audited, Request, Source
from log_group_kms.association.context import Context
from log_group_kms.association.requests import Ensure, Remove, Update
from log_group_kms.lifecycle import kinds as lifecycle
from log_group_kms.model.association import Association, OnExistingKey, OnMissingLogGroup
from log_group_kms.model.errors import ApiError, ClaimLost
from log_group_kms.model.ownership import Claim
from log_group_kms.retry.retrier import Retrier

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_group_kms.model.keys import KeyArn

SCHEMA: Final = Path(__file__).parents[3] / "docs" / "reference" / "audit-log.schema.json"
VALIDATOR: Final = Draft202012Validator(json.loads(SCHEMA.read_text()))
REQUEST: Final = Request(Source.CREATE, STACK_ID, "Encryption", "11111111-2222-3333-4444-555555555555", "an-invocation")


@dataclass
class Audit:
    """A fake account, and the audit log of what is done to it."""

    aws: FakeAws = field(default_factory=lambda: FakeAws.holding(OURS, NEW, BEFORE, STRANGE))
    clock: FakeClock = field(default_factory=FakeClock)
    written: list[str] = field(default_factory=list)

    def having(self, key: KeyArn | None = None, claim: Claim | None = None) -> Audit:
        self.aws.log_groups[ORDERS] = FakeLogGroup(key, claim)
        return self

    def port(self, source: Source = Source.CREATE) -> Audited:
        return Audited(self.aws, REQUEST._replace(source=source), self.clock.now, self.written.append)

    def context(self, source: Source) -> Context:
        retrier = Retrier(self.clock, self.clock.time + 600, jitter=lambda _, most: most)
        return Context.of(self.port(source), self.aws, retrier)

    def ensure(self, event: Ensure, source: Source = Source.CREATE) -> None:
        lifecycle.ensure(self.context(source), event)

    def remove(self, event: Remove) -> None:
        lifecycle.remove(self.context(Source.DELETE), event)

    @property
    def records(self) -> list[dict[str, Any]]:
        """The lines, each of which keeps to the schema."""
        records = [json.loads(line) for line in self.written]
        assert [error.message for record in records for error in VALIDATOR.iter_errors(record)] == []
        return records

    @property
    def changes(self) -> list[tuple[str, str, str | None, str, str]]:
        """Source, action, both keys and the outcome of each line."""
        names = ("source", "action", "key_before", "key_after", "outcome")
        return [tuple(record[name] for name in names) for record in self.records]


def test_a_line_has_all_that_is_asked_for() -> None:
    """Who changed which key of which log group to what, for whom, and when."""
    audit = Audit().having(BEFORE)

    audit.ensure(Ensure(ME, ASKED))

    (line,) = audit.written
    assert audit.records == [
        {
            "audit": 1,
            "timestamp": "2027-01-15T08:00:00.000Z",
            "level": "INFO",
            "action": "associate",
            "target": ORDERS.arn,
            "key_before": BEFORE.text,
            "key_after": OURS.text,
            "outcome": "done",
            "source": "create",
            "stack_id": STACK_ID,
            "logical_resource_id": "Encryption",
            "request_id": "11111111-2222-3333-4444-555555555555",
            "function_request_id": "an-invocation",
        }
    ]
    assert "\n" not in line


MISSING: Final = replace(ASKED, on_missing_log_group=OnMissingLogGroup.CREATE)
UPDATED: Final = replace(ASKED, key=NEW)


@pytest.mark.parametrize(
    ("audit", "act", "expected"),
    [
        pytest.param(
            Audit().having(),
            lambda audit: audit.ensure(Ensure(ME, ASKED)),
            [("create", "associate", "", OURS.text, "done")],
            id="Create, no key before",
        ),
        pytest.param(
            Audit(),
            lambda audit: audit.ensure(Ensure(ME, MISSING)),
            [("create", "create", "", OURS.text, "done")],
            id="Create of the log group itself",
        ),
        pytest.param(
            Audit(),
            lambda audit: audit.ensure(Ensure(ME, Association(RESULTS, OURS))),
            [("create", "associate", None, OURS.text, "done")],
            id="query results, which nobody can read",
        ),
        pytest.param(
            Audit().having(OURS, Claim(ME, BEFORE)),
            lambda audit: audit.ensure(Ensure(ME, UPDATED, Update(ORDERS.arn, ASKED, ME)), Source.UPDATE),
            [("update", "associate", OURS.text, NEW.text, "done")],
            id="Update",
        ),
        pytest.param(
            Audit().having(OURS, Claim(ME, BEFORE)),
            lambda audit: audit.remove(Remove.of(ME, ASKED, minted=True)),
            [("delete", "associate", OURS.text, BEFORE.text, "done")],
            id="Delete, back to the key of before",
        ),
        pytest.param(
            Audit().having(OURS, Claim(ME, None)),
            lambda audit: audit.remove(Remove.of(ME, ASKED, minted=True)),
            [("delete", "disassociate", OURS.text, "", "done")],
            id="Delete, back to none",
        ),
        pytest.param(
            Audit(),
            lambda audit: audit.remove(Remove.of(ME, Association(RESULTS, OURS), minted=True)),
            [("delete", "disassociate", None, "", "done")],
            id="Delete of query results",
        ),
        pytest.param(
            Audit().having(OURS),
            lambda audit: audit.ensure(Ensure(ME, ASKED)),
            [],
            id="nothing to change",
        ),
    ],
)
def test_each_kind_of_change_is_a_line(
    audit: Audit, act: Callable[[Audit], None], expected: list[tuple[str, ...]]
) -> None:
    """With both keys, and by the schema that the documentation has."""
    act(audit)

    assert audit.changes == expected


def test_what_is_undone_says_so() -> None:
    """A Create whose claim a Delete took away puts back what was there; its lines tell the two apart."""
    audit = Audit().having(BEFORE)

    def delete_passes_by(operation: str) -> None:
        if operation == "AssociateKmsKey" and len(audit.aws.calls) < 8:
            audit.aws.log_groups[ORDERS].claim = None

    audit.aws.after = delete_passes_by

    with pytest.raises(ClaimLost):
        audit.ensure(Ensure(ME, ASKED))
    assert audit.changes == [
        ("create", "associate", BEFORE.text, OURS.text, "done"),
        ("undo", "associate", OURS.text, BEFORE.text, "done"),
    ]


def test_what_is_undone_to_no_key_says_so() -> None:
    """No event but a Delete takes a key away, unless it undoes."""
    audit = Audit().having()

    def delete_passes_by(operation: str) -> None:
        if operation == "AssociateKmsKey":
            audit.aws.log_groups[ORDERS].claim = None

    audit.aws.after = delete_passes_by

    with pytest.raises(ClaimLost):
        audit.ensure(Ensure(ME, ASKED))
    assert audit.changes[1:] == [("undo", "disassociate", OURS.text, "", "done")]


def test_a_refused_change_is_none() -> None:
    """Nothing was changed, so there is no line; what goes through in the end is one."""
    audit = Audit().having()
    audit.aws.refuse("AssociateKmsKey", concurrent_change(), concurrent_change())

    audit.ensure(Ensure(ME, ASKED))

    assert audit.changes == [("create", "associate", "", OURS.text, "done")]


def test_a_change_of_which_nobody_knows_is_told() -> None:
    """A call that failed in transit may have been made."""
    audit = Audit().having()
    audit.aws.refuse("AssociateKmsKey", unavailable())

    audit.ensure(Ensure(ME, ASKED))

    assert audit.changes == [
        ("create", "associate", "", OURS.text, "unknown"),
        ("create", "associate", "", OURS.text, "done"),
    ]


def test_a_refusal_for_good_leaves_no_line() -> None:
    """The Reason and CloudTrail have it."""
    audit = Audit().having()
    audit.aws.refuse("AssociateKmsKey", *[role_denied("logs:AssociateKmsKey")] * 99)

    with pytest.raises(ApiError):
        audit.ensure(Ensure(ME, ASKED))
    assert audit.written == []


def test_a_fleet_knows_the_key_before() -> None:
    """Each of a page's log groups has its own line, with its own key before."""
    audit = Audit()
    target = fleet("/app/")
    me = owner("Fleet", target=target)
    for number in range(60):
        audit.aws.log_groups[log_group(f"/app/{number:02}")] = FakeLogGroup(BEFORE if number % 2 else None)

    audit.ensure(Ensure(me, Association(target, OURS, on_existing_key=OnExistingKey.OVERRIDE)))

    before = {record["target"].rpartition("/")[2]: record["key_before"] for record in audit.records}
    assert before == {f"{number:02}": BEFORE.text if number % 2 else "" for number in range(60)}
    assert {(record["source"], record["key_after"]) for record in audit.records} == {("create", OURS.text)}


def test_a_key_that_nobody_has_read_is_not_made_up() -> None:
    """Null is not known; an empty text is none."""
    audit = Audit().having(BEFORE)

    audit.port().associate(ORDERS, OURS)

    (record,) = audit.records
    assert record["key_before"] is None


def test_memory_stays_flat() -> None:
    """What was read long ago is forgotten."""
    audit = Audit().having(BEFORE)
    port = audit.port()
    port.key_of(ORDERS)
    for number in range(2_000):
        port.page(fleet(f"/{number}"), "")
        audit.aws.log_groups[log_group("/x")] = FakeLogGroup()
        port._remember_key(f"arn:{number}", None)  # noqa: SLF001 - ten thousands of log groups take a minute

    port.associate(ORDERS, OURS)

    assert audit.records[-1]["key_before"] is None
