"""Properties at random: right ones, wrong ones, and those in between, in the tests' place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from hypothesis import strategies as st

from log_group_kms.request.properties import PROPERTIES, TARGET_NAMES
from support.fake_aws import PLACE, key_arn

if TYPE_CHECKING:
    from log_group_kms.request.properties import Property

_KEY_ID: Final = key_arn(1).text.rpartition("/")[2]
#: Of no property, or of one in the wrong case.
_NO_NAMES: Final = ("kmsKeyId", "OnExistingKeys", "RetentionInDays", "DeletionPolicy")
_TEXTS: Final = st.one_of(
    st.text(max_size=12),
    st.text("aAwWsS/", max_size=6),
    st.text(".-_/#azAZ09*", max_size=8),
    st.sampled_from(["", "x" * 512, "x" * 513, "aws/x", "/aws/x", "alias/", "a\n", "é", "٣", "{{x}}", "${x}"]),
)
_NUMBERS: Final = st.one_of(
    st.integers(-5, 4000).map(str), st.sampled_from(["007", "0900", "00900", "1e2", "9.0", " 1"])
)
_KEYS: Final = st.one_of(
    st.sampled_from([key_arn(1).text, _KEY_ID, f"mrk-{'0a' * 16}", f"mrk-{'0a' * 15}", f"{key_arn(1).text}/x"]),
    _TEXTS.map(lambda name: f"alias/{name}"),
    _TEXTS.map(lambda name: f"arn:aws:kms:{PLACE.region}:{PLACE.account}:alias/{name}"),
)
_IDENTIFIERS: Final = st.one_of(
    st.sampled_from(["query-result:*", "query-result:1", "query-results:*", "log-group:", "log-group:*"]),
    _TEXTS.map(lambda name: f"log-group:{name}"),
    _TEXTS.map(lambda name: f"log-group:{name}:*"),
).map(PLACE.logs_arn)
_OF_EACH: Final = st.one_of(_TEXTS, _NUMBERS, _KEYS, _IDENTIFIERS)


def _value(row: Property) -> st.SearchStrategy[Any]:
    """Return values for a property, most of which it takes."""
    fitting = st.sampled_from([*row.examples, *row.form.choices])
    texts = st.integers(0, 7).flatmap(lambda number: fitting if number else _OF_EACH)
    if not row.form.many:
        return texts
    return st.integers(0, 7).flatmap(lambda number: st.lists(texts, max_size=3) if number else texts)


@st.composite
def properties(draw: st.DrawFn) -> dict[str, Any]:
    """Draw properties as CloudFormation would pass them along; mostly with a key and one target."""
    rows = {row.name: row for row in PROPERTIES}
    options = [name for name in rows if name not in TARGET_NAMES]
    targets = draw(st.lists(st.sampled_from(TARGET_NAMES), min_size=1, max_size=1 + _seldom(draw), unique=True))
    names = {"KmsKeyId", *targets, *draw(st.sets(st.sampled_from(options), max_size=2))}
    left_out = {draw(st.sampled_from(sorted(names)))} if _seldom(draw) else set()
    given = {name: draw(_value(rows[name])) for name in sorted(names - left_out)}
    return given | ({draw(st.sampled_from(_NO_NAMES)): "x"} if _seldom(draw) else {})


def _seldom(draw: st.DrawFn) -> bool:
    return draw(st.integers(0, 9)) == 1
