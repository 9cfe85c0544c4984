"""Whatever somebody writes into the tags of a log group: at worst, this one is refused, reported or overridden."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.fake_aws import log_group
from unit.lifecycle.hostile import (
    BEFORE,
    CLOSED,
    ME,
    NAMES,
    NEW,
    OUTSIDE,
    STRANGER,
    WANTED,
    Account,
)

from log_group_kms.association.decision import LONGEST_EVENT
from log_group_kms.fleet.checkpoint import Fate
from log_group_kms.lifecycle.progress import Done
from log_group_kms.model.errors import ProviderError
from log_group_kms.model.keys import KEY_ARN, KeyArn
from log_group_kms.model.ownership import Owner
from log_group_kms.model.results import Outcome
from log_group_kms.model.tags import (
    CANCELLED_TAG,
    OWNER_TAG,
    PREVIOUS_KEY_TAG,
    RELEASED_TAG,
    SCOPE_TAG,
    TAKEN_FROM_SCOPE_TAG,
    TAKEN_FROM_TAG,
    WORK_TAG,
    WRITTEN_TAG,
)

#: Of another account, whose keys nobody here may use.
FOREIGN: Final = KeyArn("arn:aws:kms:eu-west-1:999999999999:key/00000007-1111-2222-3333-444444444444")
EXPLICIT: Final = Owner.of_resource(
    "arn:aws:cloudformation:eu-west-1:111122223333:stack/orders/2f1a0c10-0000-0000-0000-000000000001",
    "Encryption",
    log_group(),
)
COMMAND_LINE: Final = "fleet:-/command-line"

#: What a tag's value may hold, in whatever script, up to its 256 characters.
anything: Final = st.text(
    st.characters(categories=("L", "Nd", "Zs"), include_characters="_.:/=+-@"), min_size=0, max_size=256
)
owners: Final = st.builds(
    lambda prefix, text: f"{prefix}{text}"[:256],
    st.sampled_from(["", "", "deleting:", "deleted:", "deleting:deleted:"]),
    st.sampled_from(
        [ME.text, EXPLICIT.text, STRANGER.text, COMMAND_LINE, f"{ME.text}x", "fleet:", "one:a/b/c", "one:" + "x" * 252]
    )
    | anything,
)
previous_keys: Final = (
    st.sampled_from(["none", "", *(key.text for key in (WANTED, NEW, BEFORE, OUTSIDE, CLOSED, FOREIGN))]) | anything
)
stamps: Final = (
    st.sampled_from(
        ["20270115T080000Z", "20270115T075000Z", "20991231T235959Z", "00010101T000000Z", "19700101T000000Z"]
    )
    | anything
)
written: Final = st.builds(lambda stamp, by: f"{stamp}{by}"[:256], stamps, st.sampled_from(["", " upkeep", " x"]))
claims: Final = st.fixed_dictionaries(
    {OWNER_TAG: owners},
    optional={
        PREVIOUS_KEY_TAG: previous_keys,
        SCOPE_TAG: st.sampled_from(["prefix=/app/", "prefix=", "prefix=/app"]) | anything,
        WRITTEN_TAG: written,
        TAKEN_FROM_TAG: owners,
        TAKEN_FROM_SCOPE_TAG: st.sampled_from(["prefix=/app/", "prefix=", "prefix=/app"]) | anything,
    },
)
#: Marks that the fleet's own events would read.
marks: Final = st.fixed_dictionaries(
    {},
    optional={
        f"{WORK_TAG}{ME.digest}": st.sampled_from(["creating", "failed", "mending"]) | anything,
        f"{CANCELLED_TAG}{ME.digest}": stamps,
        f"{RELEASED_TAG}{ME.digest}": st.builds(
            lambda stamp, name: f"{stamp} {name}"[:256],
            stamps,
            st.sampled_from(["/app/9", "/app/2", "\uffff", ""]) | anything,
        ),
        f"{CANCELLED_TAG}{EXPLICIT.digest}": stamps,
    },
)
#: How many of the fifty tags a log group may have are taken by others.
crowds: Final = st.sampled_from([0, 0, 0, 44, 46, 48])
names: Final = st.sampled_from(NAMES[:4])
keys_in_force: Final = st.sampled_from([None, WANTED, BEFORE, OUTSIDE])
options: Final = st.fixed_dictionaries(
    {},
    optional={
        "OnDelete": st.sampled_from(["RestorePrevious", "Disassociate", "Retain"]),
        "OnExistingKey": st.sampled_from(["Override", "Keep"]),
    },
)


def crowded(tags: dict[str, str], crowd: int) -> dict[str, str]:
    """Tags of others beside those."""
    return {f"others-{number}": "x" for number in range(crowd)} | tags


def remembered(tags: dict[str, str]) -> set[KeyArn | None]:
    """The previous key that a Delete may put back by these tags: one that the provider may use."""
    text = tags.get(PREVIOUS_KEY_TAG, "")
    usable: set[KeyArn | None] = {WANTED, NEW, BEFORE}
    return usable & {KeyArn(text)} if KEY_ARN.fullmatch(text) else set()


def others(account: Account, name: str) -> dict[str, tuple[KeyArn | None, str, str]]:
    """What the other log groups are like."""
    return {other: state for other, state in account.states().items() if other != name}


@given(
    st.sampled_from(["Create", "Update", "Delete", "reconcile", "enrol"]), names, keys_in_force, claims, crowds, options
)
@example("Create", "/app/0", None, {OWNER_TAG: STRANGER.text}, 0, {})
@example("Create", "/app/0", None, {OWNER_TAG: f"deleting:{ME.text}", SCOPE_TAG: ME.scope}, 0, {})
@example("Create", "/app/0", WANTED, {OWNER_TAG: f"deleting:{ME.text}", SCOPE_TAG: ME.scope}, 0, {})
@example("Delete", "/app/0", WANTED, {OWNER_TAG: ME.text, PREVIOUS_KEY_TAG: OUTSIDE.text}, 48, {})
def test_one_log_groups_tags_are_no_other_log_groups_fate(  # noqa: PLR0917 - columns
    asked: str, name: str, key: KeyArn | None, tags: dict[str, str], crowd: int, wanted: dict[str, str]
) -> None:
    """A fleet's events end for all the others as if nobody had written anything; no other key comes to this one."""
    account = Account.unclaimed() if asked == "Create" else Account.living()
    account.having(name, key, crowded(tags, crowd))
    alone = account.copy().having(name, key)

    told, expected = ask(account, asked, name, wanted), ask(alone, asked, name, wanted)

    assert isinstance(told, Done | Outcome | ProviderError | Fate)
    # Enrolment alone is about this very log group, and its retry and its queue tell of a refusal.
    assert isinstance(told, ProviderError) <= (isinstance(expected, ProviderError) or asked == "enrol")
    assert others(account, name) == others(alone, name)
    named = NEW if asked == "Update" else WANTED
    put: set[KeyArn | None] = set() if asked == "Delete" else {named}
    assert account.key_of(name) in {key, None} | put | remembered(tags)


@given(st.sampled_from(["Create", "Update", "Delete", "reconcile"]), names, keys_in_force, claims, marks, options)
def test_marks_that_anybody_may_write_change_no_key_to_another(  # noqa: PLR0917 - columns
    asked: str, name: str, key: KeyArn | None, tags: dict[str, str], marked: dict[str, str], wanted: dict[str, str]
) -> None:
    """They may hold the fleet's event up, or let its Delete put back what was before; no other key comes in."""
    account = Account.unclaimed() if asked == "Create" else Account.living()
    account.having(name, key, tags | marked)
    before = account.keys()
    alone = account.copy().having(name, key)
    restoring = account.copy().having(name, key)

    ask(account, asked, name, wanted)
    ask(alone, asked, name, wanted)
    ask(restoring, asked, name, wanted | {"OnDelete": "RestorePrevious"})

    outcomes = [before, alone.keys(), *([restoring.keys()] if asked == "Delete" else [])]
    wrong = [
        one for one, held in account.keys().items() if one != name and held not in [each[one] for each in outcomes]
    ]
    assert wrong == []
    named = NEW if asked == "Update" else WANTED
    put: set[KeyArn | None] = set() if asked == "Delete" else {named}
    assert account.key_of(name) in {key, None} | put | remembered(tags)


@given(
    st.sampled_from(["Create", "Update", "Delete"]),
    keys_in_force,
    claims,
    marks,
    crowds,
    options,
    st.sampled_from(["Fail", "TakeOver"]),
)
def test_a_resource_for_one_log_group_puts_no_other_key_there(  # noqa: PLR0917 - columns
    asked: str,
    key: KeyArn | None,
    tags: dict[str, str],
    marked: dict[str, str],
    crowd: int,
    wanted: dict[str, str],
    on_existing_owner: str,
) -> None:
    """It succeeds, or it is refused with a reason; nothing else in the account changes."""
    account, name = Account.living(), "/app/1"
    account.having(name, key, crowded(tags | marked, crowd))
    before = others(account, name)
    event = account.of_one(asked, name, OnExistingOwner=on_existing_owner, **wanted)

    told = account.carry_out(event)

    assert isinstance(told, Done) or str(told)
    assert others(account, name) == before
    named = NEW if asked == "Update" else WANTED
    put: set[KeyArn | None] = set() if asked == "Delete" else {named}
    assert account.key_of(name) in {key, None} | put | remembered(tags)


@given(names, claims, crowds)
@example("/app/0", {OWNER_TAG: STRANGER.text}, 0)
@example("/app/0", {OWNER_TAG: f"deleting:{ME.text}", SCOPE_TAG: ME.scope}, 0)
@example("/app/0", {OWNER_TAG: STRANGER.text, WRITTEN_TAG: "20991231T235959Z"}, 0)
def test_no_tag_exempts_a_log_group_from_encryption_for_ever(name: str, tags: dict[str, str], crowd: int) -> None:
    """Once nobody can be at work any more, reconciliation brings it in, or names what AWS refuses."""
    account = Account.living().having(name, None, crowded(tags, crowd))
    first = account.reconcile()
    account.clock.time += LONGEST_EVENT

    second = account.reconcile()

    assert isinstance(first, Outcome)
    assert isinstance(second, Outcome)
    assert account.key_of(name) == WANTED or account.told[name] is Fate.REFUSED


@pytest.mark.parametrize("key", [OUTSIDE, CLOSED, FOREIGN], ids=["not in KmsKeyArns", "closed", "another account's"])
@pytest.mark.parametrize("of_fleet", [True, False])
def test_a_remembered_key_that_the_provider_may_not_use_is_not_put_back(key: KeyArn, *, of_fleet: bool) -> None:
    """The Delete succeeds, leaves no key there, and says so; all others have what was before."""
    account = Account.living()
    owner = ME if of_fleet else EXPLICIT
    account.having("/app/1", WANTED, account.tags("/app/1") | {OWNER_TAG: owner.text, PREVIOUS_KEY_TAG: key.text})
    event = account.of_fleet("Delete") if of_fleet else account.of_one("Delete", "/app/1")

    told = account.carry_out(event)

    assert isinstance(told, Done)
    assert "could not be put back" in told.reason
    assert account.key_of("/app/1") is None
    assert account.key_of("/app/4") == (BEFORE if of_fleet else WANTED)


def test_who_may_be_at_work_is_waited_for_and_told_of() -> None:
    """The stranger's stack is there: until its longest event is over, its log group is told of as not covered."""
    account = Account.living()
    living = STRANGER.text.replace("audit", "living")
    account.having("/app/0", None, {OWNER_TAG: living, WRITTEN_TAG: "20270115T080000Z"})

    account.reconcile()
    told, key = account.told["/app/0"], account.key_of("/app/0")
    account.clock.time += LONGEST_EVENT
    account.reconcile()

    assert (told, key) == (Fate.UNCOVERED, None)
    assert account.key_of("/app/0") == WANTED


def test_an_owner_whose_stack_is_gone_is_not_waited_for() -> None:
    """CloudFormation says so, and reconciliation brings its log group in at once."""
    account = Account.living().having("/app/0", None, {OWNER_TAG: STRANGER.text, WRITTEN_TAG: "20270115T080000Z"})

    account.reconcile()

    assert (account.told["/app/0"], account.key_of("/app/0")) == (Fate.ASSOCIATED, WANTED)


def test_a_forged_note_of_a_delete_leaves_nothing_behind() -> None:
    """Somebody writes that all was given back: where AWS shows claims, the Delete goes by these."""
    account = Account.living()
    forged = {f"{WORK_TAG}{ME.digest}": "creating", f"{RELEASED_TAG}{ME.digest}": "20270115T080000Z /app/9"}
    account.having("/app/0", WANTED, account.tags("/app/0") | forged)

    told = account.carry_out(account.of_fleet("Delete"))

    assert isinstance(told, Done)
    assert {name: account.key_of(name) for name in NAMES} == dict.fromkeys(NAMES) | {"/app/4": BEFORE}


def test_a_cancellation_that_is_dated_ahead_holds_nothing_up() -> None:
    """No Delete was sent in the year 2099."""
    account = Account.living().having("/app/0", None, {f"{CANCELLED_TAG}{ME.digest}": "20991231T235959Z"})

    told = account.reconcile()

    assert isinstance(told, Outcome)
    assert account.key_of("/app/0") == WANTED


def ask(account: Account, asked: str, name: str, wanted: dict[str, str]) -> Done | Outcome | Fate | ProviderError:
    """Let one event of the fleet, or of its upkeep, come."""
    match asked:
        case "reconcile":
            return account.reconcile(on_existing_key=wanted.get("OnExistingKey", "Override"))
        case "enrol":
            return account.enrol(name)
        case request_type:
            return account.carry_out(account.of_fleet(request_type, **wanted))
