"""The names by which all that a run makes is found again."""

import re

import pytest
from support.pages import PROJECT

from acceptance.deployment import renamed
from acceptance.names import Run

RUN = Run("0123abcd")
TEMPLATE = (PROJECT / "template.yaml").read_text()


@pytest.mark.parametrize(
    "name",
    [
        RUN.name,
        RUN.foundation,
        RUN.provider,
        RUN.stack("one"),
        RUN.log_group("odd/by-arn#1"),
        f"/aws/lambda/{RUN.name}-responder-5f3c",
        f"stack {RUN.provider}",
    ],
)
def test_a_name_tells_its_run(name: str) -> None:
    """Of stacks, functions and log groups alike."""
    assert Run.of(name) == RUN


@pytest.mark.parametrize(
    "name", ["log-group-kms-association", "/log-group-kms-acceptance", "log-group-kms-acceptance-0123abcdef", "/orders"]
)
def test_anybody_elses_name_tells_none(name: str) -> None:
    """Nothing of theirs is ever removed."""
    assert Run.of(name) is None


def test_no_two_runs_are_alike() -> None:
    """They may run side by side."""
    assert len({Run.new() for _ in range(100)}) == 100


def test_the_providers_own_names_become_the_runs() -> None:
    """Function, roles, rules, parameter, log groups and export; the tags of the contract stay."""
    deployed = renamed(TEMPLATE, RUN)
    ours = re.findall(r"log-group-kms-association:?[\w-]*", deployed)

    assert set(ours) == {"log-group-kms-association:"}
    assert f"FunctionName: {RUN.name}\n" in deployed
    assert f"FunctionName: {RUN.stack('responder')}\n" in deployed
    assert f"Export: {{ Name: {RUN.export} }}" in deployed
    assert "LogGroupKmsAssociation-ServiceToken" not in deployed


def test_no_name_is_too_long() -> None:
    """Lambda, EventBridge and the like take 64 characters."""
    names = re.findall(rf"{RUN.name}[\w-]*", renamed(TEMPLATE, RUN))

    assert max(map(len, names)) <= 64
