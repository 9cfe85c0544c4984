"""Claims and marks as tags: what is written is read back, and what others write there breaks nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fake_aws import OTHER_STACK_ID, STACK_ID, fleet, key_arn, log_group, owner

from log_group_kms.model.ownership import Claim, Marks, Owner, Work
from log_group_kms.model.tags import (
    CANCELLED_TAG,
    CLAIM_TAGS,
    OWNER_TAG,
    PREVIOUS_KEY_TAG,
    SCOPE_TAG,
    TAKEN_FROM_SCOPE_TAG,
    TAKEN_FROM_TAG,
    WORK_TAG,
    WRITTEN_TAG,
    fits_tag,
)

KEY = key_arn(1)
ONE, FLEET = owner(), owner("Fleet", target=fleet("/aws/"))
SENT = 1767608100.0
STAMP = "20260105T101500Z"
ALL_TAGS = (*CLAIM_TAGS, WORK_TAG + ONE.digest, CANCELLED_TAG + ONE.digest)

_NAMES = st.text(st.sampled_from("abcXYZ019"), min_size=1, max_size=255)
_STACKS = st.sampled_from([STACK_ID, OTHER_STACK_ID, "no stack's id"])
_TARGETS = st.sampled_from([log_group(), fleet(""), fleet("/aws/"), fleet("/team#1")])
OWNERS = st.builds(Owner.of_resource, _STACKS, _NAMES, _TARGETS) | st.sampled_from([Owner.of_command_line(fleet("/"))])
MOMENTS = st.integers(0, 4_000_000_000).map(float)
MARKS = st.builds(Marks, st.none() | st.sampled_from(list(Work)), st.none() | MOMENTS)


@st.composite
def claims(draw: st.DrawFn) -> Claim:
    """Any claim that is written."""
    who, state = draw(OWNERS), draw(st.sampled_from(["stands", "deleting", "deleted"]))
    claim = Claim(
        who,
        draw(st.none() | st.sampled_from([KEY, key_arn(2)])),
        deleting=state == "deleting",
        deleted=state == "deleted",
        written_at=draw(st.none() | MOMENTS),
    )
    if claim.written_at is not None:
        claim = replace(claim, by_upkeep=draw(st.booleans()))
    if not who.is_fleet:
        return claim
    former = draw(st.none() | OWNERS.filter(lambda other: other.is_fleet and other.text != who.text))
    return replace(claim, taken_from=former)


def parts(claim: Claim | None) -> object:
    """All that a claim says, what is not compared included."""
    assert claim
    return claim, claim.written_at, claim.by_upkeep, claim.taken_from, claim.cancelled


@given(claims())
def test_a_claim_is_read_back_whole(claim: Claim) -> None:
    """Owner, previous key, state, date, who wrote it, and whom it was taken from."""
    assert parts(Claim.of_tags(claim.as_tags())) == parts(claim)


@given(claims(), claims(), MARKS)
def test_a_claim_is_read_back_over_another(claim: Claim, before: Claim, marks: Marks) -> None:
    """Tags that it does not write stay as they were, and change nothing of what it means; nor do another's marks."""
    stranger = Owner("one:strange/uuid/Resource")
    read = Claim.of_tags({**before.as_tags(), **marks.as_tags(stranger), "team": "a", **claim.as_tags()})

    assert read == claim
    assert read
    assert not read.cancelled


@given(claims(), MARKS)
def test_every_tag_fits(claim: Claim, marks: Marks) -> None:
    """By the rules of TagResource: 256 characters of a few kinds, under a key of 128 at the most."""
    tags = {**claim.as_tags(), **marks.as_tags(claim.owner)}
    odd = {name: text for name, text in tags.items() if not fits_tag(text)}

    # A prefix may hold what a tag may not; AWS says so when the fleet claims.
    assert set(odd) <= {SCOPE_TAG}
    assert [name for name in tags if not (fits_tag(name) and len(name) <= 128)] == []
    assert all(tags.values())


@given(claims())
def test_a_claim_is_gone_with_its_tags(claim: Claim) -> None:
    """What is taken off is all that was written."""
    assert set(claim.as_tags()) <= set(CLAIM_TAGS)


@given(MARKS, OWNERS)
def test_marks_are_read_back_by_their_owner_alone(marks: Marks, who: Owner) -> None:
    """Each owner has tags of its own, also where two are at work on one log group."""
    tags = marks.as_tags(who)

    assert Marks.of_tags(tags, who) == marks
    assert Marks.of_tags(tags, Owner("one:strange/uuid/Resource")) == Marks()
    assert OWNER_TAG not in tags


def test_the_names_of_the_marks() -> None:
    """Part of the contract: another version of the provider has to find them."""
    assert Marks(Work.CREATING, SENT).as_tags(FLEET) == {
        "log-group-kms-association:work/" + FLEET.digest: "creating",
        "log-group-kms-association:cancelled/" + FLEET.digest: STAMP,
    }
    assert Marks().as_tags(FLEET) == {}
    assert [work.value for work in Work] == ["creating", "failed", "mending"]
    assert FLEET.digest == "f1f62db3ad318be4"


def test_fleets_of_two_prefixes_have_marks_of_their_own() -> None:
    """A changed prefix is another owner, with its own Delete."""
    narrower = owner("Fleet", target=fleet("/aws/lambda/"))

    assert FLEET.text == narrower.text
    assert len({FLEET.digest, narrower.digest, ONE.digest}) == 3


def test_all_that_a_claim_says() -> None:
    """Word for word, as people see it in the console."""
    former = owner("Renamed", target=fleet("/aws/lambda/"))
    claim = Claim(FLEET, KEY, deleting=True, written_at=SENT, by_upkeep=True, taken_from=former)

    assert claim.as_tags() == {
        OWNER_TAG: f"deleting:{FLEET.text}",
        PREVIOUS_KEY_TAG: KEY.text,
        SCOPE_TAG: "prefix=/aws/",
        WRITTEN_TAG: f"{STAMP} upkeep",
        TAKEN_FROM_TAG: former.text,
        TAKEN_FROM_SCOPE_TAG: "prefix=/aws/lambda/",
    }
    assert Claim(ONE, None).as_tags() == {OWNER_TAG: ONE.text, PREVIOUS_KEY_TAG: "none"}


def test_claims_are_equal_where_they_mean_the_same() -> None:
    """When they were written, by whom, over whom, and what came after is history."""
    claim = Claim(FLEET, KEY)
    history = [
        replace(claim, written_at=SENT),
        replace(claim, by_upkeep=True),
        replace(claim, taken_from=ONE),
        replace(claim, cancelled=True),
    ]

    assert history == [claim] * 4
    others = [Claim(ONE, KEY), Claim(FLEET, None), replace(claim, deleting=True), replace(claim, deleted=True)]
    assert claim not in others


# --- what others write ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tags", [{}, {OWNER_TAG: ""}, {PREVIOUS_KEY_TAG: KEY.text, WRITTEN_TAG: STAMP}, {"team": "a"}])
def test_no_claim_without_an_owner(tags: dict[str, str]) -> None:
    """The owner tag alone makes one."""
    assert Claim.of_tags(tags) is None


@pytest.mark.parametrize(
    ("written", "written_at", "by_upkeep"),
    [
        pytest.param(STAMP, SENT, False, id="an event's"),
        pytest.param(f"{STAMP} upkeep", SENT, True, id="upkeep's"),
        pytest.param(f"{STAMP} Upkeep", SENT, False, id="in another case"),
        pytest.param(f"{STAMP}  upkeep", SENT, False, id="two blanks"),
        pytest.param(f"{STAMP} by hand", SENT, False, id="by a version of later"),
        pytest.param("upkeep", None, False, id="without a date"),
        pytest.param("yesterday upkeep", None, True, id="with a date that is none"),
        pytest.param("", None, False, id="empty"),
    ],
)
def test_whatever_the_date_says(written: str, written_at: float | None, *, by_upkeep: bool) -> None:
    """What cannot be read is not known; an event's date is known only where an event wrote it."""
    claim = Claim.of_tags({OWNER_TAG: ONE.text, WRITTEN_TAG: written})

    assert claim
    assert (claim.written_at, claim.by_upkeep) == (written_at, by_upkeep)
    assert claim.event_at == (None if by_upkeep else written_at)


@pytest.mark.parametrize(
    ("written", "cancelled", "expected"),
    [
        pytest.param(STAMP, STAMP, True, id="in the same second"),
        pytest.param(STAMP, "20260105T101501Z", True, id="a second later"),
        pytest.param(STAMP, "20260105T101459Z", False, id="a second before"),
        pytest.param(f"{STAMP} upkeep", "20260105T101501Z", True, id="what upkeep wrote"),
        pytest.param("", STAMP, False, id="written nobody knows when"),
        pytest.param(STAMP, "yesterday", False, id="cancelled nobody knows when"),
        pytest.param(STAMP, "", False, id="an empty mark"),
        pytest.param(STAMP, None, False, id="no mark"),
    ],
)
def test_which_claims_are_cancelled(written: str, cancelled: str | None, *, expected: bool) -> None:
    """Those that an event wrote which was sent before the Delete, or in the same second."""
    marks = {} if cancelled is None else {CANCELLED_TAG + ONE.digest: cancelled}
    claim = Claim.of_tags({OWNER_TAG: ONE.text, WRITTEN_TAG: written, **marks})

    assert claim
    assert claim.cancelled is expected


def test_the_mark_of_another_cancels_nothing() -> None:
    """Also not that of the same resource as a fleet."""
    for other in (owner("Other"), owner(target=fleet("/")), FLEET):
        claim = Claim.of_tags({OWNER_TAG: ONE.text, WRITTEN_TAG: STAMP, CANCELLED_TAG + other.digest: STAMP})

        assert claim
        assert not claim.cancelled


@pytest.mark.parametrize(
    ("taken_from", "expected"),
    [
        pytest.param("fleet:a/b/Former", Owner("fleet:a/b/Former", "prefix=/"), id="a fleet"),
        pytest.param(FLEET.text, None, id="itself"),
        pytest.param("", None, id="empty"),
    ],
)
def test_whom_a_fleet_took_it_from(taken_from: str, expected: Owner | None) -> None:
    """The tag outlives the Create; one that names the owner itself says nothing more."""
    former = {TAKEN_FROM_TAG: taken_from, TAKEN_FROM_SCOPE_TAG: "prefix=/"}
    claim = Claim.of_tags({OWNER_TAG: FLEET.text, SCOPE_TAG: FLEET.scope, **former})

    assert claim
    assert (claim.owner, claim.taken_from) == (FLEET, expected)


@pytest.mark.parametrize(
    ("work", "expected"),
    [("creating", Work.CREATING), ("Creating", None), ("deleting", None), ("", None), ("creating ", None)],
)
def test_only_known_work_is_work(work: str, expected: Work | None) -> None:
    """A word of another version, or of a hand, is none."""
    assert Marks.of_tags({WORK_TAG + ONE.digest: work}, ONE) == Marks(expected)


@given(st.dictionaries(st.sampled_from(ALL_TAGS), st.text(max_size=60) | st.sampled_from([STAMP, KEY.text, ONE.text])))
def test_forged_tags_break_nothing(tags: dict[str, str]) -> None:
    """Whatever they hold, they are read, and what is written back means the same."""
    claim = Claim.of_tags(tags)
    Marks.of_tags(tags, ONE)

    assert (claim is None) == (not tags.get(OWNER_TAG))
    if claim and claim.owner.text:
        assert Claim.of_tags(claim.as_tags()) == claim
