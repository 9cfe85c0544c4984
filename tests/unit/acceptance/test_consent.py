"""What is said before anything is done, and the question."""

import io
import json
from collections import Counter
from types import SimpleNamespace
from typing import Any, cast

import pytest
from samtranslator.yaml_helper import yaml_parse
from support.pages import PROJECT

from acceptance.account import EMBEDDED, Account
from acceptance.consent import NotConfirmedError, announcement, ask
from acceptance.foundation import template
from acceptance.names import Run

RUN = Run("0123abcd")


class Terminal(io.StringIO):
    """Someone who answers."""

    def isatty(self) -> bool:
        """There is someone."""
        return True


def account() -> Account:
    """An account of which nothing is asked."""
    arn = "arn:aws:logs:eu-west-1:111122223333:{}".format
    caller = "arn:aws:iam::111122223333:user/alice"
    found = SimpleNamespace(
        id="111122223333", region="eu-west-1", caller=caller, is_embedded=False, waits=EMBEDDED, query_results=arn("q")
    )
    found.log_group_arn = lambda name: arn(f"log-group:{name}")
    found.arn = lambda service, resource: f"arn:aws:{service}:eu-west-1:111122223333:{resource}"
    return cast("Account", found)


@pytest.mark.parametrize("answer", ["yes\n", " YES \n"])
def test_yes_at_the_terminal_goes_on(answer: str) -> None:
    """However it is written."""
    ask("Go on?", {}, Terminal(answer))


@pytest.mark.parametrize("answer", ["\n", "y\n", "no\n", ""])
def test_anything_else_ends_it(answer: str) -> None:
    """Also the end of the input."""
    with pytest.raises(NotConfirmedError, match=r"^Nothing was done\.$"):
        ask("Go on?", {}, Terminal(answer))


def test_a_pipeline_says_yes_beforehand() -> None:
    """And `no` is no, whoever sits at the terminal."""
    ask("Go on?", {"CONFIRM": "yes"}, io.StringIO())
    with pytest.raises(NotConfirmedError, match="Nothing was done"):
        ask("Go on?", {"CONFIRM": "no"}, Terminal("yes\n"))


def test_without_anyone_to_ask_it_says_how_to_go_on() -> None:
    """Nothing is done unasked."""
    with pytest.raises(NotConfirmedError, match="CONFIRM=yes"):
        ask("Go on?", {}, io.StringIO("yes\n"))


def test_the_announcement_counts_what_the_templates_have() -> None:
    """Keys, functions, roles, queues, rules and alarms, and whose account it is."""
    said = announcement(account(), RUN)
    provider: dict[str, Any] = yaml_parse((PROJECT / "template.yaml").read_text())
    made = [*json.loads(template(account(), RUN))["Resources"].values(), *provider["Resources"].values()]
    kinds = Counter(each["Type"].rpartition("::")[2] for each in made)

    assert f"{kinds['Key']} KMS keys" in said
    assert (
        f"{kinds['Function']} Lambda functions, {kinds['Role']} roles, {kinds['Queue']} queues, {kinds['Rule']} rules, "
        f"{kinds['Alarm']} alarms and a bucket"
    ) in said
    assert "a REAL AWS account: account 111122223333, eu-west-1, as arn:aws:iam::111122223333:user/alice" in said


def test_a_template_fits_into_one_call() -> None:
    """CloudFormation takes 51,200 bytes, and 4,096 of a function's text."""
    made = json.loads(template(account(), RUN))["Resources"].values()
    texts = [each["Properties"]["Code"]["ZipFile"] for each in made if each["Type"] == "AWS::Lambda::Function"]

    assert len(template(account(), RUN)) < 51_200
    assert max(map(len, texts)) < 4_096
