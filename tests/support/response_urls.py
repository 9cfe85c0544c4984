"""ResponseURLs, good and bad, for both that answer them: the provider and the responder."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Mapping

STACK_ID: Final = "arn:aws:cloudformation:eu-west-1:111122223333:stack/orders/6d3c4a70-9c1e-11ef-8a2b-0a58a9feac02"
SIGNATURE: Final = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
PATH: Final = f"/{quote(STACK_ID, safe='/')}%7CLogEncryption%7C1b2c?X-Amz-Signature={SIGNATURE}"
BUCKET: Final = "cloudformation-custom-resource-response-euwest1"
HOST: Final = f"{BUCKET}.s3.eu-west-1.amazonaws.com"
ENDPOINT: Final = f"{BUCKET}.bucket.vpce-0a1b2c3d.s3.eu-west-1.vpce.amazonaws.com"

#: The environment of a function in AWS, and of one whose AWS is on this machine, as `sam local` has it.
IN_AWS: Final = {
    "AWS_REGION": "eu-west-1",
    "RESPONSE_DOMAIN": "amazonaws.com",
    "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001",
}
ON_LOOPBACK: Final = {**IN_AWS, "AWS_ENDPOINT_URL": "http://127.0.0.1:4566"}
SAM_LOCAL: Final = {**IN_AWS, "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS": "http://localhost:3999"}
NAMING: Final = {**IN_AWS, "RESPONSE_HOSTS": f"storage.example,{ENDPOINT}"}


@dataclass(frozen=True, slots=True)
class Case:
    """A ResponseURL, and whether a function with this *environment* answers to it."""

    url: str
    taken: bool
    environment: Mapping[str, str] = field(default_factory=lambda: IN_AWS)
    stack_id: str = STACK_ID


def _region(region: str, host: str, partition: str = "aws") -> Case:
    stack_id = STACK_ID.replace("eu-west-1", region).replace("arn:aws:", f"arn:{partition}:")
    path = PATH.replace("eu-west-1", region).replace("arn%3Aaws%3A", f"arn%3A{partition}%3A")
    environment = {"AWS_REGION": region, "RESPONSE_DOMAIN": host.rpartition(".s3.")[2].removeprefix(f"{region}.")}
    return Case(f"https://{host}{path}", taken=True, environment=environment, stack_id=stack_id)


def _at(host: str, environment: Mapping[str, str] = IN_AWS, *, taken: bool = False) -> Case:
    return Case(f"https://{host}{PATH}", taken, environment)


def _to(url: str, environment: Mapping[str, str] = IN_AWS, *, taken: bool = False) -> Case:
    return Case(f"{url}{PATH}", taken, environment)


def _with_path(path: str) -> Case:
    return Case(f"https://{HOST}{path}", taken=False)


CASES: Final[Mapping[str, Case]] = {
    # --- CloudFormation's, as users have pasted them, and as S3 names hosts ------------------------------------------
    "the Region's": _at(HOST, taken=True),
    "with a hyphen": _at(f"{BUCKET}.s3-eu-west-1.amazonaws.com", taken=True),
    "without the Region": _at(f"{BUCKET}.s3.amazonaws.com", taken=True),
    "dual stack": _at(f"{BUCKET}.s3.dualstack.eu-west-1.amazonaws.com", taken=True),
    "FIPS": _at(f"{BUCKET}.s3-fips.eu-west-1.amazonaws.com", taken=True),
    "upper case": _at(HOST.upper(), taken=True),
    "us-east-1": _region("us-east-1", "cloudformation-custom-resource-response-useast1.s3.amazonaws.com"),
    "China": _region(
        "cn-north-1",
        "cloudformation-custom-resource-response-cnnorth1.s3.cn-north-1.amazonaws.com.cn",
        "aws-cn",
    ),
    "GovCloud": _region(
        "us-gov-west-1",
        "cloudformation-custom-resource-response-usgovwest1.s3.us-gov-west-1.amazonaws.com",
        "aws-us-gov",
    ),
    "isolated": _region(
        "us-isob-east-1",
        "cloudformation-custom-resource-response-usisobeast1.s3.us-isob-east-1.sc2s.sgov.gov",
        "aws-iso-b",
    ),
    "sovereign": _region(
        "eusc-de-east-1",
        "cloudformation-custom-resource-response-euscdeeast1.s3.eusc-de-east-1.amazonaws.eu",
        "aws-eusc",
    ),
    "named": _at(ENDPOINT, NAMING, taken=True),
    "named otherwise": _at("Storage.Example", NAMING, taken=True),
    # --- others' ------------------------------------------------------------------------------------------------------
    "a stranger": _at("evil.example"),
    "a stranger's bucket": _at("evil.s3.eu-west-1.amazonaws.com"),
    "a bucket that begins like it": _at(f"{BUCKET}-evil.s3.eu-west-1.amazonaws.com"),
    "a bucket that ends like it": _at(f"evil-{BUCKET}.s3.eu-west-1.amazonaws.com"),
    "a Region that nobody has": _at("cloudformation-custom-resource-response-euwest9.s3.eu-west-9.amazonaws.com"),
    "another Region": _at("cloudformation-custom-resource-response-useast1.s3.us-east-1.amazonaws.com"),
    "another partition": _at(f"{BUCKET}.s3.eu-west-1.amazonaws.com.cn"),
    "a host that goes on": _at(f"{HOST}.evil.example"),
    "a dot for any letter": _at(HOST.replace(".s3.", "xs3x")),
    "a dot at the end": _at(f"{HOST}."),
    "a user": _at(f"user@{HOST}"),
    "as a user of a stranger": _at(f"{HOST}@evil.example"),
    "as a user with a password": _at(f"{HOST}:443@evil.example"),
    "before a backslash": _at(f"evil.example\\@{HOST}"),
    "after a backslash": _at(f"{HOST}\\.evil.example"),
    "behind a fragment": _at(f"evil.example#@{HOST}"),
    "behind a query": _at(f"evil.example?@{HOST}"),
    "a port": _at(f"{HOST}:443"),
    "another port": _at(f"{HOST}:8443"),
    "an empty port": _at(f"{HOST}:"),
    "plain http": _to(f"http://{HOST}"),
    "another scheme": _to(f"ftp://{HOST}"),
    "no scheme": _to(f"//{HOST}"),
    "no host": _to("https://"),
    "a tab": _to(f"https://{HOST[:9]}\t{HOST[9:]}"),
    "a line feed": _to(f"https://{HOST}\n"),
    "another alphabet": _to(f"https://{HOST.replace('o', 'о')}"),  # noqa: RUF001 - a Cyrillic letter
    "the path of another stack": _with_path(PATH.replace("orders", "payments")),
    "a stack that begins alike": _with_path(PATH.replace("feac02%7C", "feac021%7C")),
    "no path": _with_path(""),
    "an empty path": _with_path("/"),
    "a query alone": _with_path(f"?{PATH}"),
    "a path before the stack's": _with_path(f"/bucket{PATH}"),
    "quoted twice": _with_path(PATH.replace("%", "%25")),
    "a fragment": _with_path(PATH.replace("%7C", "#", 1)),
    "no Region": _at(HOST, {"RESPONSE_DOMAIN": "amazonaws.com"}),
    "no domain": _at(HOST, {"AWS_REGION": "eu-west-1"}),
    "neither": _at(f"{BUCKET.removesuffix('euwest1')}.s3..", {}),
    "named for others": _at(ENDPOINT),
    "named, with a port": _at(f"{ENDPOINT}:443", NAMING),
    "named, plain http": _to("http://storage.example", NAMING),
    "an empty name": _at("", {**IN_AWS, "RESPONSE_HOSTS": ","}),
    # --- this machine's -----------------------------------------------------------------------------------------------
    "loopback": _to("http://127.0.0.1:4566", ON_LOOPBACK, taken=True),
    "loopback otherwise": _to("http://127.1.2.3:80", ON_LOOPBACK, taken=True),
    "localhost": _to("http://localhost:4566", ON_LOOPBACK, taken=True),
    "version 6": _to("http://[::1]:4566", ON_LOOPBACK, taken=True),
    "with TLS": _to("https://localhost:4566", ON_LOOPBACK, taken=True),
    "sam local": _to("http://localhost:3999", SAM_LOCAL, taken=True),
    "CloudFormation's beside loopback": _at(HOST, ON_LOOPBACK, taken=True),
    "loopback in AWS": _to("http://127.0.0.1:4566"),
    "localhost in AWS": _to("https://localhost"),
    "loopback with another AWS": _to("http://127.0.0.1:4566", {**IN_AWS, "AWS_ENDPOINT_URL": "https://vpce.example/"}),
    "loopback with another CloudWatch Logs": _to(
        "http://127.0.0.1:4566", {**ON_LOOPBACK, "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS": "https://vpce.example"}
    ),
    "an endpoint that is no URL": _to("http://127.0.0.1:4566", {**IN_AWS, "AWS_ENDPOINT_URL": "127.0.0.1"}),
    "loopback as a name": _to("http://127.0.0.1.evil.example", ON_LOOPBACK),
    "loopback as a user": _to("http://127.0.0.1@evil.example", ON_LOOPBACK),
    "a private address": _to("http://10.0.0.1", ON_LOOPBACK),
    "the instance's metadata": _to("http://169.254.169.254", ON_LOOPBACK),
    "the runtime API": _to("http://127.0.0.1:9001", ON_LOOPBACK),
    "the runtime API by another name": _to("http://localhost:9001", ON_LOOPBACK),
    "the runtime API at the usual port": _to("http://[::1]", {**ON_LOOPBACK, "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:80"}),
    "loopback for another stack": _to("http://127.0.0.1:4566/other", ON_LOOPBACK),
}
