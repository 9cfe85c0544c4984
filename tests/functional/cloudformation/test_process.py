"""The process that makes a resource is left as it is."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from functional.cloudformation.resources import (
    ARN,
    FAILED_CREATE,
    a_resource,
)
from support.lambda_context import LambdaContext

from log_group_kms.cloudformation.resource import CustomResource

if TYPE_CHECKING:
    from support.cloudformation import CloudFormation


@pytest.mark.parametrize("before", [None, "true", "1"])
def test_making_the_resource_leaves_the_environment_as_it_is(
    monkeypatch: pytest.MonkeyPatch, before: str | None
) -> None:
    """AWS_SAM_LOCAL, which keeps crhelper from making clients, is what it was before."""
    if before is None:
        monkeypatch.delenv("AWS_SAM_LOCAL", raising=False)
    else:
        monkeypatch.setenv("AWS_SAM_LOCAL", before)
    CustomResource(FAILED_CREATE)

    assert os.environ.get("AWS_SAM_LOCAL") == before


def test_making_the_resource_makes_no_client() -> None:
    """No AWS client is made at import or for an event; without a Region, crhelper's would fail and say so."""
    program = (
        "import boto3; boto3.client = None\n"
        "from log_group_kms.cloudformation.resource import CustomResource\n"
        "resource = CustomResource('nothing-was-done')\n"
        "assert not any(name.endswith('_client') for name in vars(resource)), vars(resource)\n"
    )
    environment = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "PATH": os.defpath}
    made = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-c", program], env=environment, check=False, capture_output=True, text=True
    )

    assert (made.returncode, made.stdout, made.stderr) == (0, "", "")


@pytest.mark.parametrize("level", [logging.WARNING, logging.INFO, logging.NOTSET], ids=logging.getLevelName)
def test_no_level_or_handler_of_the_process_is_changed(cloudformation: CloudFormation, level: int) -> None:
    """The root logger, its handlers and the SDK's loggers are the function's own business."""
    loggers = [logging.getLogger(name) for name in (None, "boto", "boto3", "botocore", "urllib3", "crhelper")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(level)
    handlers = [(handler, handler.formatter, handler.level) for handler in logging.root.handlers]
    try:
        a_resource()(cloudformation.event("Create"), LambdaContext())
        after = [logger.level for logger in loggers]
    finally:
        for logger, former in zip(loggers, before, strict=True):
            logger.setLevel(former)

    assert after == [level] * len(loggers)
    assert [(handler, handler.formatter, handler.level) for handler in logging.root.handlers] == handlers


def test_a_delete_does_not_sleep(cloudformation: CloudFormation) -> None:
    """The two minutes that crhelper waits for its logs are gone: it asks for no sleep at all."""
    slept: list[float] = []
    event = cloudformation.event("Delete", physical_resource_id=ARN)
    resource = a_resource()
    resource(event, LambdaContext())
    resource._wait_for_cwlogs(sleep=slept.append)  # type: ignore[attr-defined]  # noqa: SLF001 - crhelper's own seam

    assert cloudformation.response_to(event).status == "SUCCESS"
    assert slept == []


@pytest.mark.parametrize("decorator", ["poll_create", "poll_update", "poll_delete"])
def test_there_is_no_polling(decorator: str) -> None:
    """A poll function would make every event poll, with a rule and a permission each: it cannot be registered."""
    with pytest.raises(NotImplementedError, match="defer"):
        getattr(CustomResource(FAILED_CREATE), decorator)(lambda _event, _context: ARN)


def test_without_an_event_there_is_nothing_to_answer() -> None:
    """A resource that has not seen an event is not settled, and has no id to give."""
    resource = CustomResource(FAILED_CREATE)

    assert not resource.settled.is_set()
    with pytest.raises(RuntimeError, match="no event"):
        resource.defer()
