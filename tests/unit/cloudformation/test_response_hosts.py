"""Whom a response may go to: the provider and the responder, by the same cases."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NoReturn
from urllib.parse import quote

import botocore.session
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.lambda_context import LambdaContext
from support.response_urls import CASES, HOST, IN_AWS, PATH, SIGNATURE, STACK_ID, Case

import responder
from log_group_kms.cloudformation.delivery import Delivery, DeliveryPolicy
from log_group_kms.cloudformation.errors import DeliveryFailed, NotAnEvent
from log_group_kms.cloudformation.resource import CustomResource
from log_group_kms.cloudformation.response_hosts import ResponseHosts

if TYPE_CHECKING:
    from collections.abc import Iterator

EACH: Final = pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in CASES.items()])


def is_taken(url: str, stack_id: str, environment: dict[str, str]) -> bool:
    """Return whether the provider answers to *url*."""
    try:
        ResponseHosts.of_environment(environment).check(url, stack_id)
    except NotAnEvent:
        return False
    return True


@EACH
def test_the_provider_answers_to_cloudformation_alone(case: Case) -> None:
    """Each form that CloudFormation signs is taken, and whatever leads elsewhere is not."""
    assert is_taken(case.url, case.stack_id, dict(case.environment)) is case.taken


@EACH
def test_the_responder_answers_to_cloudformation_alone(case: Case) -> None:
    """The same, by its own copy of the rules."""
    assert responder.is_response_url(case.url, case.stack_id, case.environment) is case.taken


@EACH
def test_a_refusal_holds_nothing_of_the_url_but_its_host(case: Case) -> None:
    """Neither the signature nor the key is in what is logged."""
    with suppress(NotAnEvent):
        ResponseHosts.of_environment(case.environment).check(case.url, case.stack_id)
        return
    with pytest.raises(NotAnEvent, match=r"^ResponseURL .*; nothing was changed$") as refused:
        ResponseHosts.of_environment(case.environment).check(case.url, case.stack_id)

    assert SIGNATURE not in str(refused.value)
    assert "LogEncryption" not in str(refused.value)
    assert refused.value.__context__ is None


def test_the_refusal_of_a_strange_host_names_it() -> None:
    """Whoever has an endpoint of his own reads what to name, and for which Region it was meant."""
    with pytest.raises(NotAnEvent) as refused:
        ResponseHosts("eu-west-1", "amazonaws.com").check(f"https://vpce.example{PATH}", STACK_ID)

    assert "is at vpce.example, which is no host of CloudFormation's in eu-west-1" in str(refused.value)


def every_region() -> Iterator[tuple[str, str]]:
    """Each Region that botocore knows, and the domain of its partition."""
    for partition in botocore.session.get_session().get_data("partitions")["partitions"]:
        for region in partition["regions"]:
            if not region.endswith("-global"):
                yield region, partition["outputs"]["dnsSuffix"]


@pytest.mark.parametrize(("region", "suffix"), [*every_region()])
def test_each_region_has_its_partitions_domain(region: str, suffix: str) -> None:
    """In each Region the host is the one of its own bucket in its own partition, for both, and in no other domain."""
    path = f"/{quote(STACK_ID, safe='/')}%7CL"
    bucket = f"cloudformation-custom-resource-response-{region.replace('-', '')}"
    domains = {suffix for _, suffix in every_region()}
    urls = {domain: f"https://{bucket}.s3.{region}.{domain}{path}" for domain in domains}
    environment = {"AWS_REGION": region, "RESPONSE_DOMAIN": suffix}

    assert {domain for domain, url in urls.items() if is_taken(url, STACK_ID, environment)} == {suffix}
    assert {domain for domain, url in urls.items() if responder.is_response_url(url, STACK_ID, environment)} == {suffix}


# --- no string leads elsewhere ----------------------------------------------------------------------------------------

#: What a URL is made of, and what makes two readers of one disagree.
PIECES: Final = st.sampled_from(
    [
        *("https://", "http://", "HTTPS://", "//", "/", "\\", "@", ":", "#", "?", "%2F", "%40", "%00", ".", "[", "]"),
        *("evil.example", "127.0.0.1", "localhost", "[::1]", "169.254.169.254", "0x7f.1", "2130706433", "0"),
        *(":443", ":80", ":9001", "\t", "\n", "\r", " ", "\x00", "\u3002", "\uff0f", "\u2100", "\ufffd"),
        *(HOST, HOST.upper(), f"{HOST}.", "cloudformation-custom-resource-response-", "s3.amazonaws.com"),
        *(PATH, PATH[1:], STACK_ID, f"/{STACK_ID}|", f"https://{HOST}{PATH}", f"https://{HOST}"),
    ]
)
URLS: Final = st.lists(PIECES | st.text(max_size=4), max_size=7).map("".join)
REACHABLE: Final = {(HOST, 443)}


class _UnreachableError(OSError):
    """No connection: it was only to be seen where it would have led."""


def watched(patch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Return the list of hosts and ports that anything in this process will look for; none is found."""
    seen: list[tuple[str, int]] = []

    def look_up(host: Any, port: Any, *_: Any, **__: Any) -> NoReturn:
        seen.append((host.decode() if isinstance(host, bytes) else str(host), int(port)))
        raise _UnreachableError

    patch.setattr(socket, "getaddrinfo", look_up)
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", "RESPONSE_HOSTS"):
        patch.delenv(name, raising=False)
    for name, value in IN_AWS.items():
        patch.setenv(name, value)
    patch.setattr(responder, "PAUSES", ())
    return seen


def an_event(url: str) -> dict[str, Any]:
    """A Delete that a stranger may have made up."""
    return {
        "RequestType": "Delete",
        "RequestId": "1",
        "StackId": STACK_ID,
        "LogicalResourceId": "LogEncryption",
        "PhysicalResourceId": "x",
        "ResponseURL": url,
    }


def invoke_provider(url: str) -> list[str]:
    """Let the provider have an event; return what it worked on."""
    worked = []
    resource = CustomResource("nothing", Delivery(DeliveryPolicy(attempts=1, longest_attempt=0.5, pause=0.0)))

    @resource.delete
    def work(event: dict[str, Any], _context: object) -> str:
        worked.append(event["ResponseURL"])
        return "x"

    with suppress(NotAnEvent, DeliveryFailed):
        resource(an_event(url), LambdaContext())
    for timer in threading.enumerate():
        if isinstance(timer, threading.Timer):
            timer.cancel()
    return worked


def invoke_responder(url: str) -> None:
    """Let the responder have the record of a failed event."""
    with suppress(responder.DeliveryFailed):
        responder.handler({"requestPayload": an_event(url), "responsePayload": {"errorType": "x"}}, LambdaContext())


@given(URLS)
@example(f"https://{HOST}{PATH}")
@example(f"https://evil.example\\@{HOST}{PATH}")
def test_no_string_brings_a_request_to_another_host(url: str) -> None:
    """Whatever stands for the ResponseURL: a connection leads to CloudFormation or is not made, by either function.

    What counts is the host that is looked for, and not what any reader of URLs makes of the text. Where there is no
    request, nothing was worked on.
    """
    with pytest.MonkeyPatch.context() as patch:
        seen = watched(patch)
        worked = invoke_provider(url)
        by_provider = {*seen}
        seen.clear()
        invoke_responder(url)

    assert {(host.lower(), port) for host, port in (*by_provider, *seen)} <= REACHABLE
    assert bool(worked) is bool(by_provider)
    assert bool(by_provider) is bool(seen)


@given(URLS, st.sampled_from([case.environment for case in CASES.values()]))
def test_both_take_the_same(url: str, environment: dict[str, str]) -> None:
    """There is no URL that one of the two takes and the other does not."""
    assert responder.is_response_url(url, STACK_ID, environment) is is_taken(url, STACK_ID, environment)
