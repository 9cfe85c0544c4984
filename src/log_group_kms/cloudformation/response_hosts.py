"""The hosts that a response may go to: whoever makes an event up names a host, and would have the answer sent there.

What CloudFormation signs leads to a bucket of its own in the Region of the stack, which is the function's own: a
ServiceToken is of the same Region. Its name: the CloudFormation user guide, "Access CloudFormation using an interface
endpoint", considerations. `src/responder.py` has the same rules once more; a test holds the two together.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from log_group_kms.cloudformation.errors import NotAnEvent

if TYPE_CHECKING:
    from collections.abc import Mapping

#: A comma-separated list in the function's environment: hosts that the deployer names, such as VPC endpoints'.
RESPONSE_HOSTS: Final = "RESPONSE_HOSTS"

#: The partition's domain, which the template knows (`AWS::URLSuffix`) and no code has to.
RESPONSE_DOMAIN: Final = "RESPONSE_DOMAIN"

#: Nothing in it that two readers of a URL could take for different hosts: no user, no backslash, no fragment.
_URL: Final = re.compile(
    r"(?P<scheme>https?)://(?P<host>[A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(:(?P<port>[0-9]{1,5}))?"
    r"(?P<path>/[!\"$-\[\]-~]*)"
)
_DEFAULT_PORTS: Final = {"http": "80", "https": "443"}


@dataclass(frozen=True, slots=True)
class ResponseHosts:
    """The hosts that this function answers to.

    Attributes:
        region: the function's own.
        domain: of its partition, such as `AWS::URLSuffix` has it; without both, no host is CloudFormation's.
        named: hosts that the deployer names.
        loopback: whether this machine's own addresses are taken: only where the function's AWS is there, too, as under
            the embedded AWS and `sam local`.
        runtime_api: Lambda's own interface to the function, `HOST:PORT`; never answered to.
    """

    region: str
    domain: str
    named: frozenset[str] = frozenset()
    loopback: bool = False
    runtime_api: str = ""
    _cloudformations: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_cloudformations", re.compile(_pattern(self.region, self.domain)))

    @classmethod
    def of_environment(cls, environment: Mapping[str, str]) -> ResponseHosts:
        """Return those of a function with this *environment*."""
        named = environment.get(RESPONSE_HOSTS, "").lower().split(",")
        # The service's own variable goes before the general one, as in botocore.
        endpoint = environment.get("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS") or environment.get("AWS_ENDPOINT_URL", "")
        found = _URL.fullmatch(f"{endpoint.rstrip('/')}/")
        return cls(
            environment.get("AWS_REGION", ""),
            environment.get(RESPONSE_DOMAIN, ""),
            frozenset(filter(None, named)),
            loopback=found is not None and _is_loopback(found["host"]),
            runtime_api=environment.get("AWS_LAMBDA_RUNTIME_API", ""),
        )

    def check(self, url: str, stack_id: str) -> None:
        """See that *url* is CloudFormation's for an event of the stack *stack_id*.

        Raises:
            NotAnEvent: it is not; without the URL, of which only the host is named.
        """
        if (broken := self._broken_rule(url, stack_id)) is not None:
            raise NotAnEvent(f"ResponseURL {broken}; nothing was changed")

    def _broken_rule(self, url: str, stack_id: str) -> str | None:
        found = _URL.fullmatch(url)
        if found is None:
            return "is not a URL as CloudFormation signs them"
        host = found["host"].lower()
        if not _names_stack(found["path"], stack_id):
            return f"at {host} is not one for the event's own stack"
        if self.loopback and _is_loopback(host):
            port = found["port"] or _DEFAULT_PORTS[found["scheme"]]
            return "is Lambda's own interface" if port == self.runtime_api.rpartition(":")[2] else None
        if found["scheme"] != "https" or found["port"]:
            return f"at {host} is not https without a port"
        if host in self.named or self._cloudformations.fullmatch(host):
            return None
        return f"is at {host}, which is no host of CloudFormation's in {self.region or 'an unknown Region'}"


def _pattern(region: str, domain: str) -> str:
    """Return all forms in which S3 names a host of CloudFormation's bucket; for no place, a pattern that nothing fits.

    With and without the Region, which had a hyphen before it in S3's first years; for IPv6; for FIPS.
    """
    if not (region and domain):
        return r"(?!)"
    bucket, place = f"cloudformation-custom-resource-response-{region.replace('-', '')}", re.escape(region)
    return rf"{bucket}\.s3(-fips)?((\.dualstack)?\.{place}|-{place}|)\.{re.escape(domain)}"


def _names_stack(path: str, stack_id: str) -> bool:
    """Return whether the *path*, up to the query, begins with the stack's id and nothing that goes on with it."""
    key = unquote(path.partition("?")[0]).removeprefix("/")
    return key.startswith(stack_id) and not re.match(r"[\w-]", key[len(stack_id) :])


def _is_loopback(host: str) -> bool:
    """Return whether *host* is this machine; an address of version 6 stands in brackets."""
    try:
        return host.lower() == "localhost" or ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
