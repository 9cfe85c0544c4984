"""A probe: a belief out of a docstring, and a finding whatever happens."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from acceptance.account import NotSeenError
from acceptance.probe import Answer, Belief, Finding, NotRunHereError, Use, Verdict, probe
from acceptance.stage import Stage


def refusal(code: str, message: str = "m") -> ClientError:
    """What boto3 raises."""
    return ClientError({"Error": {"Code": code, "Message": message}}, "AssociateKmsKey")


def stage(*, is_embedded: bool = False) -> Stage:
    """A stage of which a probe asks nothing but where it is."""
    return cast("Stage", SimpleNamespace(account=SimpleNamespace(is_embedded=is_embedded)))


def raising(error: Exception) -> Callable[[Any], Finding]:
    """A probe's function that raises."""

    def ask(_: Stage) -> Finding:
        """AWS does so.

        Used in `template.yaml`.
        """
        raise error

    return ask


def test_a_belief_is_what_the_docstring_says() -> None:
    """The name is the function's; the places may name a word of the file."""

    @probe(not_embedded="It has none.")
    def some_belief(_: Stage) -> Finding:
        """AWS does so; `this` is no place.

        Used in `template.yaml:some 16`, `src/responder.py`.
        """
        return Finding(Verdict.HELD, "")

    uses = (Use("template.yaml", "some 16"), Use("src/responder.py"))
    assert some_belief.belief == Belief("some-belief", "AWS does so; `this` is no place.", uses, "It has none.")


def test_a_probe_without_a_place_that_uses_it_is_a_mistake() -> None:
    """What nothing goes by need not be asked."""

    def idle(_: Stage) -> Finding:
        """AWS does so."""
        return Finding(Verdict.HELD, "")

    with pytest.raises(ValueError, match="idle states no belief"):
        probe()(idle)


@pytest.mark.parametrize(
    ("error", "verdict", "said"),
    [
        pytest.param(NotRunHereError("no trail"), Verdict.NOT_RUN, "no trail", id="cannot be made here"),
        pytest.param(NotSeenError("never"), Verdict.NOT_SETTLED, "NotSeenError: never", id="nothing was seen"),
        pytest.param(
            refusal("Surprise"),
            Verdict.NOT_SETTLED,
            "ClientError: An error occurred (Surprise) when calling the AssociateKmsKey operation: m",
            id="an unexpected refusal",
        ),
    ],
)
def test_an_error_is_a_finding(error: Exception, verdict: Verdict, said: str) -> None:
    """One probe that fails keeps no other from being made."""
    assert probe()(raising(error)).run(stage()) == Finding(verdict, said)


def test_where_the_embedded_aws_cannot_be_asked_it_is_not() -> None:
    """A real account is."""
    made = probe(not_embedded="It has none.")(raising(NotRunHereError("asked")))

    assert made.run(stage(is_embedded=True)).said == "It has none."
    assert made.run(stage()).said == "asked"


def test_throttling_is_no_answer() -> None:
    """A belief about a refusal is not disproved by another caller's haste."""

    def throttled() -> None:
        raise refusal("ThrottlingException", "Rate exceeded")

    with pytest.raises(ClientError, match="Rate exceeded"):
        Answer.to(throttled)


def test_a_denial_names_the_action() -> None:
    """By the words that the provider goes by, too."""
    answer = Answer("AccessDeniedException", "User: u is not authorized to perform: kms:Encrypt on resource: k")

    assert answer.denies("kms:")
    assert not answer.denies("logs:")
    assert not Answer("", "").denies("")
