"""`make invoke`: one event in Lambda's own container image, in one command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Final

import pytest

from local.client.server import PROJECT
from local.invoke.engine import NoEngineError, find

KEY: Final = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def no_engine() -> str:
    """Why nothing can run here; empty where it can."""
    try:
        find()
    except NoEngineError as why:
        return str(why)
    return ""


# Nothing but Python, git and make is asked for; what happens without an engine is tested everywhere.
WITH_AN_ENGINE: Final = pytest.mark.skipif(bool(no_engine()), reason=no_engine() or "there is one")


def invoke(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """What `make invoke` runs."""
    return subprocess.run(  # noqa: S603 - our own
        [sys.executable, "-m", "local.invoke", *arguments],
        cwd=PROJECT,
        env={**os.environ, "AWS_PROFILE": "not-there", **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@WITH_AN_ENGINE
def test_an_event_of_cloudformation() -> None:
    """The provider runs in the container, works on the embedded AWS, and its answer is all of stdout."""
    ran = invoke("events/create.json")
    answer = json.loads(ran.stdout)

    assert (ran.returncode, answer["Status"], answer["Data"]["KmsKeyArn"]) == (0, "SUCCESS", KEY), ran.stderr
    assert answer["Data"]["AssociatedCount"] == "1"


@WITH_AN_ENGINE
def test_an_event_of_the_enrolment() -> None:
    """Its function is found by the event's name, and what it returns is shown."""
    ran = invoke("events/enrolment-create-log-group.json")

    assert (ran.returncode, json.loads(ran.stdout)["Fate"]) == (0, "associated"), ran.stderr


@WITH_AN_ENGINE
def test_an_event_that_nobody_is_answered_for() -> None:
    """Without a ResponseURL there is no answer, and a sentence says so."""
    ran = invoke("events/malformed-missing-response-url.json")

    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.splitlines()[-1].startswith("The function ended, and CloudFormation would have got no answer")


def test_without_an_engine_a_sentence_says_what_to_do() -> None:
    """Nothing is built or started first."""
    ran = invoke("events/create.json", DOCKER_HOST="unix:///nowhere.sock")

    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith("There is no container engine here: start Docker, podman")
    assert ran.stderr.endswith("Looked at: unix:///nowhere.sock.\n")


def test_an_event_that_is_not_there() -> None:
    """It is named."""
    ran = invoke("events/none.json")

    assert (ran.returncode, ran.stderr) == (
        1,
        "There is no event events/none.json: events/ has one for each situation.\n",
    )
