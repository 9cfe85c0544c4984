"""The last word: it responds to CloudFormation where the provider could not.

The template makes it the on-failure destination of the provider's function.

The standard library alone, and nothing of the provider: whatever broke that, this still runs. What both must know
stands here once more, and a test compares the two.
The record: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
"""

import json
import os
import re
import time
from bisect import bisect_right
from collections.abc import Mapping
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPSConnection
from ipaddress import ip_address
from typing import Any
from urllib.parse import SplitResult, unquote, unquote_plus, urlsplit

NOTHING_ASSOCIATED = "log-group-kms-association:nothing-associated"
PERHAPS_ASSOCIATED = "log-group-kms-association:perhaps-associated"
PROGRESS = "LogGroupKmsAssociationProgress"
REDACTED = "(redacted)"
LONGEST_BODY, LONGEST_PHYSICAL_ID, LONGEST_ECHOED_ID, SHORTEST_SECRET = 4096, 1024, 512, 8

#: What Lambda's Python runtime reports where it found no handler to call: awslambdaric, lambda_runtime_exception.py.
NO_HANDLER = ("ImportModuleError", "HandlerNotFound", "UserCodeSyntaxError", "MalformedHandlerName")

#: The form of a URL that CloudFormation signs: no two readers of one could take it for another host's.
RESPONSE_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>[A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(:(?P<port>[0-9]{1,5}))?(?P<path>/[!\"$-\[\]-~]*)"
)

#: Seconds. If each of the four attempts stalls, this takes 15.5: about half of the function's Timeout.
SOCKET_TIMEOUT, PAUSES = 3.0, (0.5, 1.0, 2.0)


class NotAnEvent(ValueError):  # noqa: N818 - as the provider's
    """Nobody waits for a response to this; the text never holds the ResponseURL."""


class DeliveryFailed(Exception):  # noqa: N818 - as the provider's
    """CloudFormation has not got the response; neither the text nor a cause holds the ResponseURL."""


def handler(record: object, context: Any) -> None:
    """Respond to the event in the *record* of a failed invocation; if this raises, Lambda tries again in a minute."""
    try:
        url, response = response_to(_object(record))
    except NotAnEvent as why:
        _log("WARNING", f"Nothing to answer: {why}", {})
        return
    if problem := _deliver(urlsplit(url), body_of(response), context.get_remaining_time_in_millis() / 1000):
        _log("ERROR", f"CloudFormation did not get the response: {problem}", response)
        raise DeliveryFailed(f"CloudFormation did not get the response: {problem}")
    _log("ERROR", "Answered in the provider's place", response)


def response_to(failed: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """Return the URL and the response to PUT there."""
    event = _object(failed.get("requestPayload"))
    url = event.get("ResponseURL")
    if not isinstance(url, str) or not is_response_url(url, str(event.get("StackId")), os.environ):
        raise NotAnEvent("it is no event of CloudFormation's: ResponseURL is missing or leads elsewhere")
    response = {"PhysicalResourceId": _physical_id(failed, event)}
    for name in ("StackId", "RequestId", "LogicalResourceId"):
        response[name] = event.get(name, "")
        if not _is_text(response[name], LONGEST_ECHOED_ID):
            raise NotAnEvent(f"it is no event of CloudFormation's: {name} is missing or no such id")
    if event.get("RequestType") == "Delete" and event.get("PhysicalResourceId") == NOTHING_ASSOCIATED:
        # As the provider, which would not look at anything either: so a stack without it can at least be rolled back.
        return url, {"Status": "SUCCESS", "Reason": "There was nothing to undo", **response}
    return url, {"Status": "FAILED", "Reason": _redacted(_reason(failed), url), **response}


def _reason(failed: dict[str, Any]) -> str:
    """Return the Reason, with Lambda's own words at the end: what is too long is cut from the right."""
    invocation, error = _object(failed.get("requestContext")), _object(failed.get("responsePayload"))
    what = "failed" if _has_run(failed) else "was throttled until Lambda gave the event up"
    where = f"log group {os.environ.get('PROVIDER_LOG_GROUP')}, request id {invocation.get('requestId')}"
    said = ": ".join(str(error[name]) for name in ("errorType", "errorMessage") if error.get(name))
    told = f"The provider's function {what} ({invocation.get('condition')}). See {where}."
    told += f" Lambda reports {said}" if said else ""
    return told.encode(errors="replace").decode()  # a lone surrogate cannot travel


def _has_run(failed: dict[str, Any]) -> bool:
    """Return False for an event that Lambda only ever throttled: it counts no invocation then, and has no response."""
    invocations = _object(failed.get("requestContext")).get("approximateInvokeCount")
    return invocations != 0 or bool(failed.get("responsePayload"))


def _physical_id(failed: dict[str, Any], event: dict[str, Any]) -> str:
    """Return the event's own id; for a Create a marker, which says whether the function can have claimed anything."""
    if _is_text(own := event.get("PhysicalResourceId"), LONGEST_PHYSICAL_ID) and str(own).strip():
        return str(own)
    error_type = str(_object(failed.get("responsePayload")).get("errorType"))
    never_began = not _has_run(failed) or error_type.removeprefix("Runtime.") in NO_HANDLER
    perhaps = event.get("RequestType") == "Create" and (PROGRESS in event or not never_began)
    return PERHAPS_ASSOCIATED if perhaps else NOTHING_ASSOCIATED


def _is_text(value: object, limit: int) -> bool:
    """Return True for a text of at most *limit* bytes in a response, escapes included."""
    try:
        return isinstance(value, str) and value != "" and len(_json(value)) - len('""') <= limit
    except UnicodeEncodeError:
        return False


def is_response_url(url: str, stack_id: str, environment: Mapping[str, str]) -> bool:
    """Return True where *url* is CloudFormation's for that stack, as the provider's `ResponseHosts` says."""
    endpoint = environment.get("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS") or environment.get("AWS_ENDPOINT_URL", "")
    at_home = RESPONSE_URL.fullmatch(f"{endpoint.rstrip('/')}/")
    if (found := RESPONSE_URL.fullmatch(url)) is None:
        return False
    key = unquote(found["path"].partition("?")[0])[1:]
    if not key.startswith(stack_id) or re.match(r"[\w-]", key[len(stack_id) :]):
        return False
    if at_home and _is_loopback(at_home["host"]) and _is_loopback(found["host"]):
        port = found["port"] or ("443" if found["scheme"] == "https" else "80")
        return port != environment.get("AWS_LAMBDA_RUNTIME_API", "").rpartition(":")[2]
    if found["scheme"] != "https" or found["port"]:
        return False
    host, region, domain = found["host"].lower(), environment.get("AWS_REGION"), environment.get("RESPONSE_DOMAIN")
    if host in environment.get("RESPONSE_HOSTS", "").lower().split(","):
        return True
    place, bucket = (
        re.escape(region or ""),
        f"cloudformation-custom-resource-response-{(region or '').replace('-', '')}",
    )
    known = rf"{bucket}\.s3(-fips)?((\.dualstack)?\.{place}|-{place}|)\.{re.escape(domain or '')}"
    return bool(region and domain and re.fullmatch(known, host))


def _is_loopback(host: str) -> bool:
    try:
        return host.lower() == "localhost" or ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _redacted(text: str, url: str) -> str:
    """Return *text* without the URL, without any secret of its query, and without parts of one."""
    pairs = [pair.partition("=") for pair in urlsplit(url).query.split("&")]
    harmless = re.compile(r"X-Amz-(Algorithm|Date|Expires|SignedHeaders)|Expires")
    values = [value for name, _, value in pairs if len(value) >= SHORTEST_SECRET and not harmless.fullmatch(name)]
    secrets = [*values, *map(unquote_plus, values)]
    for secret in (url, *secrets):
        text = text.replace(secret, REDACTED)
    # What is left of one in a message that was cut.
    return re.sub(
        r"[\w%+./~-]{16,}", lambda word: REDACTED if any(word[0] in secret for secret in secrets) else word[0], text
    )


def body_of(response: dict[str, str]) -> bytes:
    """Return the body to PUT, with as much of the Reason as CloudFormation reads."""
    if len(body := _json(response)) <= LONGEST_BODY:
        return body

    def cut(length: int) -> bytes:
        return _json({**response, "Reason": response["Reason"][:length] + "…"})

    return cut(bisect_right(range(len(response["Reason"])), LONGEST_BODY, key=lambda length: len(cut(length))) - 1)


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _deliver(url: SplitResult, body: bytes, seconds: float) -> str:
    """PUT *body* within *seconds*; return what went wrong, in words without the URL, or nothing."""
    end = time.monotonic() + seconds
    problem = "no time was left"
    for pause in (0.0, *PAUSES):
        if time.monotonic() + pause + SOCKET_TIMEOUT > end:
            break
        time.sleep(pause)
        problem, final = _put(url, body)
        if final:
            break
    return problem


def _put(url: SplitResult, body: bytes) -> tuple[str, bool]:
    """Make one attempt; return what went wrong, or nothing, and whether another one would end in the same way."""
    connection = (HTTPSConnection if url.scheme == "https" else HTTPConnection)(
        url.hostname or "", url.port, timeout=SOCKET_TIMEOUT
    )
    try:
        # As it came, for it is signed; with an empty Content-Type, for that is signed too.
        target = (url.path or "/") + (f"?{url.query}" if url.query else "")
        connection.request("PUT", target, body, {"Content-Type": ""})
        status = connection.getresponse().status
    except Exception as error:  # noqa: BLE001 - whatever it is, its text may quote the URL
        return type(error).__name__, False
    finally:
        connection.close()
    fine = status in range(200, 300)
    return "" if fine else f"HTTP status {status}", status < 500 and status != 429  # noqa: PLR2004 - HTTP's numbers


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _log(level: str, message: str, response: dict[str, str]) -> None:
    """Write one line of JSON, with the names that the provider's log has."""
    named = {re.sub(r"(?<=.)[A-Z]", r"_\g<0>", name).lower(): value for name, value in response.items()}
    line = {"timestamp": datetime.now(UTC).isoformat(), "level": level, "message": message, **named}
    print(json.dumps(line), flush=True)  # noqa: T201 - where a function logs
