"""botocore's session, with its way to its own data cut short: that is a fifth of what importing the handler costs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

import botocore.session
from botocore.loaders import Loader

if TYPE_CHECKING:
    from collections.abc import Mapping

#: All that a function has clients for.
SERVICES: Final = ("cloudformation", "events", "kms", "lambda", "logs", "sqs", "sts")


def new_session(
    *, profile: str | None = None, region: str | None = None, any_service: bool = False
) -> botocore.session.Session:
    """A session; not boto3's, which imports its resources and the transfers of S3 (45 ms).

    It knows the services of a function alone, or *any_service*: the ways to credentials that a person's configuration
    may name take some (`sso`, `sso-oidc`, …).

    Raises:
        botocore.exceptions.ProfileNotFound: there is no such profile.
    """
    session = botocore.session.Session(profile=profile)
    session.get_scoped_config()
    # botocore knows AWS_DEFAULT_REGION alone; the AWS CLI and other SDKs take AWS_REGION as well.
    region = region or session.get_config_variable("region") or os.environ.get("AWS_REGION")
    if region:
        session.set_config_variable("region", region)
    if not any_service:
        session.register_component("data_loader", Data())
    return session


class Data(Loader):
    """The data that ships with botocore. What is not overridden here is read as ever, so that only time can be lost."""

    def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002 - botocore's
        """Return the services without a look into each of some 400 folders, once for every kind of file (20 ms)."""
        return list(SERVICES)

    def load_data_with_path(self, name: str) -> tuple[Any, str]:
        """Return the data, but not the 1.2 MB of `endpoints.json` (20 ms): these services need few lines of it.

        The rules that each service has beside its model decide where a request goes and for which Region it is signed;
        a test compares every Region's.
        """
        if name == "endpoints":
            known, path = super().load_data_with_path("partitions")
            try:
                return {"partitions": [_endpoints(partition) for partition in known["partitions"]]}, path
            except (KeyError, TypeError):
                # Another botocore than was tested: its own way, only slower.
                pass
        return super().load_data_with_path(name)


def _endpoints(partition: Mapping[str, Any]) -> dict[str, Any]:
    """A partition in the form of `endpoints.json`, where every service is named in the same way."""
    suffix, dual_stack = partition["outputs"]["dnsSuffix"], partition["outputs"]["dualStackDnsSuffix"]
    plain, fips = "{service}.{region}.{dnsSuffix}", "{service}-fips.{region}.{dnsSuffix}"
    return {
        "partition": partition["id"],
        "dnsSuffix": suffix,
        "regionRegex": partition["regionRegex"],
        "regions": partition["regions"],
        "services": {},
        "defaults": {
            "hostname": plain,
            "protocols": ["https"],
            "signatureVersions": ["v4"],
            "variants": [
                {"hostname": fips, "dnsSuffix": suffix, "tags": ["fips"]},
                {"hostname": plain, "dnsSuffix": dual_stack, "tags": ["dualstack"]},
                {"hostname": fips, "dnsSuffix": dual_stack, "tags": ["dualstack", "fips"]},
            ],
        },
    }
