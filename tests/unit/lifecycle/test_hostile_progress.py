"""Progress is a hint: whatever somebody makes up, no key changes but by what the event alone would change."""

from __future__ import annotations

from typing import Any, Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.fake_aws import PLACE, log_group
from unit.lifecycle.hostile import BEFORE, ELSEWHERE, FLEET, ME, NAMES, NEW, OUTSIDE, WANTED, Account, Json, claimed

from log_group_kms.cloudformation.envelope import Envelope
from log_group_kms.fleet.checkpoint import Checkpoint, Counts, Phase
from log_group_kms.lifecycle.deadlines import Deadlines
from log_group_kms.lifecycle.event import respond
from log_group_kms.lifecycle.progress import PROGRESS, Done, Propagating
from log_group_kms.lifecycle.return_values import RETURN_VALUES
from log_group_kms.model.errors import ProviderError
from log_group_kms.model.ownership import Owner

#: Any JSON, and what looks like progress more or less.
json_values: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)
texts: Final = (
    st.sampled_from(["", *NAMES, *ELSEWHERE, "/app/", "/app/9", "\uffff", "x" * 600])
    | st.text(max_size=10)
    | st.integers()
    | st.none()
)
keys: Final = st.sampled_from([WANTED.text, NEW.text, OUTSIDE.text, BEFORE.text, "", "x"])
counts: Final = (
    st.fixed_dictionaries({}, optional={name: st.integers(-3, 2_000_000) for name in Counts.__slots__}) | json_values
)
checkpoints: Final = st.fixed_dictionaries(
    {
        "version": st.sampled_from([1, 1, 1, 1, 1, 0, 2, "1", None]),
        "phase": st.sampled_from([*Phase, "strip"]),
        "key": keys,
        "token": texts,
        "counts": counts,
        "lookout": texts,
        "claimed": st.booleans() | st.none(),
        "refused": st.lists(texts, max_size=3) | st.none(),
        "undoing": st.booleans(),
        "inherits": st.booleans(),
        "begin": texts,
        "reached": texts,
    },
    optional={"else": json_values},
)


@st.composite
def answers(draw: st.DrawFn) -> Json:
    """Return an answer that waits for the end of PropagationWaitSeconds, or looks like one."""
    arn = draw(st.sampled_from([FLEET.arn, log_group("/app/1").arn, log_group("/audit/trail").arn, "x"]))
    data: Json = {each.name: draw(st.sampled_from(["0", "1", "", "-1", "9" * 30])) for each in RETURN_VALUES}
    data |= {"KmsKeyArn": draw(keys), "PreviousKmsKeyArn": draw(keys), "MatchedCount": draw(st.sampled_from("012"))}
    data |= draw(st.sampled_from([{}, {"LogGroupName": "/app/1", "LogGroupArn": arn}, {"More": "x"}, {"KmsKeyArn": 1}]))
    return {
        "version": draw(st.sampled_from([1, 1, 1, 2])),
        "until": draw(st.sampled_from([0, 1_800_000_000.0, 1_800_000_060.0, 9e15, float("nan"), float("inf")])),
        "done": {"physical_resource_id": arn, "data": data, "reason": draw(st.sampled_from(["", "x", "x" * 9000]))},
    }


progress: Final = checkpoints | answers() | json_values
#: It would fail at once, and leave the mark of a failed Create on a log group outside the fleet.
TO_FAIL: Final = Checkpoint(Phase.DONE, WANTED.text, counts=Counts(refused=1), lookout="/audit/trail").as_json()
short: Final = st.sampled_from([900.0, 60.0])


def arrived(request_type: str, *, of_fleet: bool, waits: bool) -> tuple[Account, Json]:
    """Return an account to which an event of this kind comes, and the event; one that waits is to leave its keys."""
    account = Account.unclaimed() if request_type == "Create" else Account.living()
    waiting = {"PropagationWaitSeconds": "60", "OnDelete": "Retain"} if waits else {}
    if of_fleet:
        return account, account.of_fleet(request_type, **waiting)
    if request_type != "Create":
        me = Owner.of_resource(account.of_one("Create", "/app/1")["StackId"], "Encryption", log_group("/app/1"))
        account.having("/app/1", WANTED, claimed(me, BEFORE))
    return account, account.of_one(request_type, "/app/1", **waiting)


@given(st.sampled_from(["Create", "Update", "Delete"]), st.booleans(), st.booleans(), progress, short)
@example("Delete", True, False, Checkpoint(Phase.RELEASE, begin="").as_json(), 900.0)  # noqa: FBT003 - a column
@example("Delete", True, True, Checkpoint(Phase.RELEASE, undoing=True).as_json(), 900.0)  # noqa: FBT003 - a column
@example("Create", True, False, Checkpoint(Phase.CHANGE, NEW.text).as_json(), 900.0)  # noqa: FBT003 - a column
@example("Create", True, False, TO_FAIL, 900.0)  # noqa: FBT003 - a column
@example("Update", True, False, Checkpoint(Phase.CHANGE, OUTSIDE.text).as_json(), 900.0)  # noqa: FBT003 - a column
@example("Create", True, False, Checkpoint(Phase.CHANGE, WANTED.text, lookout="/audit/trail").as_json(), 900.0)  # noqa: FBT003 - so
def test_no_key_changes_but_by_what_the_event_alone_changes(
    request_type: str,
    of_fleet: bool,  # noqa: FBT001 - a column
    waits: bool,  # noqa: FBT001 - a column
    forged: object,
    seconds: float,
) -> None:
    """Each log group is as it was, or as the event alone leaves it; what is outside its target has not even a tag."""
    account, event = arrived(request_type, of_fleet=of_fleet, waits=waits)
    alone, before = account.copy(), account.keys()
    outside = {name: account.tags(name) for name in ELSEWHERE}
    expected = alone.carry_out(event, seconds)

    told = account.carry_out(event | {PROGRESS: forged}, seconds)

    assert [name for name, key in account.keys().items() if key not in (before[name], alone.keys()[name])] == []
    assert {name: account.tags(name) for name in ELSEWHERE} == outside
    assert isinstance(expected, Done)
    if isinstance(told, Done):
        assert told.physical_resource_id == expected.physical_resource_id
        fixed = {"KmsKeyArn", "LogGroupName", "LogGroupArn"}
        assert told.data.keys() == expected.data.keys()
        assert {name: told.data[name] for name in fixed & told.data.keys()} == {
            name: expected.data[name] for name in fixed & expected.data.keys()
        }


@given(progress)
@example(Checkpoint(Phase.RELEASE).as_json())
@example(Checkpoint(Phase.TAKE_OVER, WANTED.text).as_json())
@example(Checkpoint(Phase.CHANGE, OUTSIDE.text).as_json())
@example(Checkpoint(Phase.CHANGE, NEW.text).as_json())
@example(Checkpoint(Phase.DONE, WANTED.text, lookout="/audit/trail").as_json())
def test_a_reconciliation_with_made_up_progress_mends_or_leaves(forged: object) -> None:
    """No living fleet is stripped or brought under another key by it, and nothing outside has a tag more."""
    account = Account.living().having("/app/2", None).having("/app/3", BEFORE, account_tags())
    alone, before = account.copy(), account.keys()
    outside = {name: account.tags(name) for name in ELSEWHERE}
    alone.reconcile()

    account.reconcile(forged)

    assert [name for name, key in account.keys().items() if key not in (before[name], alone.keys()[name])] == []
    assert {name: account.tags(name) for name in ELSEWHERE} == outside


def account_tags() -> dict[str, str]:
    """The tags of a log group of the fleet that somebody has put under another key."""
    return claimed(ME)


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("undoing", [True, False])
def test_no_phase_of_a_made_up_checkpoint_strips_a_living_fleet(phase: Phase, *, undoing: bool) -> None:
    """An Update that changes no key, and a reconciliation, leave every key as it is, whatever they are told to do."""
    account = Account.living()
    before = account.states()
    forged = Checkpoint(phase, WANTED.text, undoing=undoing, inherits=True, claimed=True).as_json()
    event = account.of_fleet("Update")
    event["ResourceProperties"] = event["OldResourceProperties"]

    told = account.carry_out(event | {PROGRESS: forged}), account.reconcile(forged)

    assert account.states() == before
    assert [one for one in told if isinstance(one, ProviderError)] == []


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"physical_resource_id": log_group("/audit/trail").arn}, id="another resource"),
        pytest.param({"data": {}}, id="no values"),
        pytest.param({"reason": "x" * 5000}, id="a long reason"),
        pytest.param({"KmsKeyArn": OUTSIDE.text}, id="another key"),
        pytest.param({"LogGroupName": "/audit/trail"}, id="another name"),
        pytest.param({"PreviousKmsKeyArn": "x"}, id="a previous key that is none"),
        pytest.param({"PreviousKmsKeyArn": BEFORE.text + "x" * 300}, id="a previous key that is too long"),
        pytest.param({"AssociatedCount": "99999999"}, id="a count that no account has"),
        pytest.param({"MatchedCount": "7"}, id="a sum that is none"),
        pytest.param({"CompliantCount": 0}, id="no text"),
        pytest.param({"More": "x"}, id="one value more"),
        pytest.param({"version": 2}, id="another version"),
        pytest.param({"until": 1_800_000_999.0}, id="a longer wait"),
        pytest.param({"until": float("nan")}, id="no time"),
    ],
)
def test_an_answer_that_is_none_of_the_event_is_not_given(change: dict[str, Any]) -> None:
    """The event begins anew: the key is in force by then, and the answer is the event's own."""
    account, event = arrived("Create", of_fleet=False, waits=True)
    honest = honest_progress(account, event)
    now = account.clock.now()
    account = arrived("Create", of_fleet=False, waits=True)[0]
    # Else the wait would be longer than the event's, whatever else is forged.
    account.clock.time = now
    data = {name: value for name, value in change.items() if name in honest["done"]["data"] or name == "More"}
    done = {name: value for name, value in change.items() if name in honest["done"]}
    rest = {name: value for name, value in change.items() if name in honest}
    forged = honest | rest | {"done": honest["done"] | {"data": honest["done"]["data"] | data} | done}

    told = account.carry_out(event | {PROGRESS: forged})

    assert isinstance(told, Done)
    assert (told.physical_resource_id, told.data["AssociatedCount"]) == (log_group("/app/1").arn, "1")
    assert (account.key_of("/app/1"), told.reason) == (WANTED, "")


def test_an_answer_of_the_event_is_given() -> None:
    """What an invocation left is taken by the next: nothing is associated twice, and the wait goes on."""
    account, event = arrived("Create", of_fleet=False, waits=True)
    honest = honest_progress(account, event)
    account.aws.calls.clear()

    told = account.carry_out(event | {PROGRESS: honest})

    assert isinstance(told, Done)
    assert told.data == honest["done"]["data"]
    assert set(account.aws.calls) == {"ListTagsForResource"}


def test_an_alias_that_means_another_key_by_now_begins_anew() -> None:
    """The answer is not that the former key is in force."""
    account, _ = arrived("Create", of_fleet=False, waits=True)
    account.aws.aliases["alias/logs"] = BEFORE
    event = account.of_one("Create", "/app/1", KmsKeyId="alias/logs", PropagationWaitSeconds="60")
    honest = honest_progress(account, event)
    account.aws.aliases["alias/logs"] = WANTED

    told = account.carry_out(event | {PROGRESS: honest})

    assert isinstance(told, Done)
    assert told.data["KmsKeyArn"] == WANTED.text
    assert account.key_of("/app/1") == WANTED


def honest_progress(account: Account, event: Json) -> Json:
    """Return what an invocation that is too short for the wait leaves to the next."""
    envelope = Envelope.of(event)
    deadlines = Deadlines.of(envelope, event, account.clock.now(), 40)
    left = respond(envelope, event, PLACE, account.context(deadlines.earliest), deadlines)
    assert isinstance(left, Propagating)
    return left.as_json()
