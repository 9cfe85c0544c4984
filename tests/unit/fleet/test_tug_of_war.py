"""A log group whose key someone else keeps changing: mended at once, and not for ever."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest
from support.fake_aws import log_group, role_denied
from unit.fleet.accounts import BEFORE, EXPLICIT, ME, ORDERS, OURS, SETTINGS, STRANGE, Account, held

from log_group_kms.association.requests import Remove
from log_group_kms.fleet.checkpoint import Fate
from log_group_kms.fleet.rounds import HOUR, MOST_ROUNDS
from log_group_kms.lifecycle import kinds as lifecycle
from log_group_kms.model.errors import RoleDenied
from log_group_kms.model.ownership import Claim, Marks

if TYPE_CHECKING:
    from log_group_kms.model.keys import KeyArn

TOOL: Final = "arn:aws:sts::111122223333:assumed-role/compliance/bot"


def fleets_own() -> Account:
    """An account with a log group of the fleet's."""
    return Account().having(ORDERS, key=OURS, claim=Claim(ME, BEFORE))


def change(account: Account, key: KeyArn | None = None) -> None:
    """Someone puts another key in place, or takes the key away."""
    account.aws.log_groups[log_group(ORDERS)].key = key


def look(account: Account, by: str = TOOL) -> Fate:
    """CloudTrail's event arrives."""
    return account.upkeep().enrol(log_group(ORDERS), by)


def marks(account: Account) -> Marks:
    """What the log group carries beside the claim."""
    return account.aws.log_groups[log_group(ORDERS)].marks.get(ME.digest, Marks())


@pytest.mark.parametrize("key", [None, STRANGE], ids=["taken away", "changed"])
def test_a_changed_key_is_mended_and_counted(key: KeyArn | None) -> None:
    """The fleet's key is in force again, and what was there before the fleet is still remembered."""
    account = fleets_own()
    change(account, key)
    began = account.clock.now()

    assert look(account) is Fate.MENDED
    assert account.state(ORDERS) == held(BEFORE)
    assert (marks(account).mended_at, marks(account).mended) == (began, 1)


def test_a_look_at_what_is_as_it_should_be_changes_nothing() -> None:
    """No claim, no key, no count: so no look brings about another one."""
    account = fleets_own()

    assert [look(account) for _ in range(MOST_ROUNDS + 2)] == [Fate.COMPLIANT] * (MOST_ROUNDS + 2)
    assert not {"TagResource", "UntagResource", "AssociateKmsKey"} & set(account.aws.calls)


@pytest.mark.parametrize("most", [1, MOST_ROUNDS, 5])
def test_after_so_many_rounds_the_other_one_has_its_way(most: int) -> None:
    """Each look is another invocation, which knows nothing but the tag; the last one tells who it was."""
    account = fleets_own()
    told: list[str] = []
    fates = []
    for _ in range(most + 2):
        change(account)
        upkeep = replace(account.upkeep(), saw=lambda _, __, why: told.append(why), most_rounds=most)
        fates.append(upkeep.enrol(log_group(ORDERS), TOOL))
        account.clock.time += 60

    assert fates == [Fate.MENDED] * most + [Fate.TUG_OF_WAR] * 2
    assert account.state(ORDERS) == (None, Claim(ME, BEFORE))
    assert told[-1] == f"last changed by {TOOL}"


def test_the_rounds_of_another_hour_do_not_count() -> None:
    """From the first round on, an hour counts; then it begins anew."""
    account = fleets_own()
    for _ in range(MOST_ROUNDS):
        change(account)
        look(account)
    change(account)
    account.clock.time += HOUR - 60
    late = look(account)
    account.clock.time += 60
    later = look(account)

    assert (late, later) == (Fate.TUG_OF_WAR, Fate.MENDED)
    assert marks(account).mended == 1


def test_a_reconciliation_still_mends() -> None:
    """It comes on its own schedule, counts no round, and looks at no count."""
    account = fleets_own()
    for _ in range(MOST_ROUNDS + 1):
        change(account)
        look(account)

    account.reconcile()

    assert account.state(ORDERS) == held(BEFORE)
    assert marks(account).mended == MOST_ROUNDS


def test_what_the_other_one_gave_up_is_no_fight() -> None:
    """Where the key is the fleet's again, a look after the last round raises nothing."""
    account = fleets_own()
    for _ in range(MOST_ROUNDS):
        change(account)
        look(account)

    assert look(account) is Fate.COMPLIANT


def test_a_round_that_cannot_be_counted_is_not_made() -> None:
    """Else it would be made for ever."""
    account = fleets_own()
    change(account)
    account.aws.refuse("TagResource", *[role_denied("logs:TagResource", "TagResource")] * 99)

    with pytest.raises(RoleDenied):
        look(account)
    assert account.state(ORDERS) == (None, Claim(ME, BEFORE))


def test_what_is_given_back_comes_under_the_fleets_key_uncounted() -> None:
    """An explicit resource's Delete leaves no key where there was none; CloudTrail names the provider for it."""
    account = Account().having(ORDERS, key=STRANGE, claim=Claim(EXPLICIT, None))
    lifecycle.remove(account.context(), Remove(EXPLICIT, log_group(ORDERS), minted=True))
    assert account.state(ORDERS) == (None, None)

    assert look(account, by="") is Fate.ASSOCIATED
    assert account.state(ORDERS) == held()
    assert marks(account) == Marks()


def test_the_count_goes_with_the_claim() -> None:
    """Nothing of it is left on a log group that the fleet has given back."""
    account = fleets_own()
    change(account)
    look(account)

    account.delete_fleet()

    assert account.aws.log_groups[log_group(ORDERS)].marks == {}


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        pytest.param("/scratch/x", {}, id="excluded"),
        pytest.param(ORDERS, {"LOG_GROUP_NAME_PREFIX": "/app/"}, id="of another prefix"),
    ],
)
def test_what_is_not_the_fleets_is_not_even_looked_at(name: str, settings: dict[str, str]) -> None:
    """A key that others change there costs no call."""
    account = Account(settings=SETTINGS | settings).having(name)

    assert account.upkeep().enrol(log_group(name), TOOL) is Fate.PASSED
    assert account.aws.calls == []


def test_a_key_that_is_kept_is_no_round() -> None:
    """A log group that nobody owns keeps the key that a team puts in place, where the fleet says Keep."""
    account = Account(settings=SETTINGS | {"ON_EXISTING_KEY": "Keep"}).having(ORDERS, key=STRANGE)

    assert look(account) is Fate.KEPT
    assert marks(account) == Marks()


def test_a_log_group_that_is_gone_is_no_failure() -> None:
    """Who took the key away has deleted it meanwhile."""
    account = Account()

    assert look(account) is Fate.PASSED


def test_the_mark_is_a_tag_that_reads_back() -> None:
    """Its value has characters that a tag may have; a value of nobody's is none."""
    written = Marks(mended_at=1_700_000_000.0, mended=2)
    tags = written.as_tags(ME)

    assert json.loads(json.dumps(tags)) == {"log-group-kms-association:mended": "20231114T221320Z 2"}
    assert Marks.of_tags(tags, ME) == written
    for odd in ("", "2", "20231114T221320Z", "20231114T221320Z x", "yesterday 2"):
        assert Marks.of_tags({"log-group-kms-association:mended": odd}, ME) == Marks()
