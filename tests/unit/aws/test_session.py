"""botocore's session as it is made here, beside the one that botocore makes itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import botocore.session
import pytest
from botocore.config import Config
from botocore.loaders import Loader

from log_group_kms.aws.session import SERVICES, Data, new_session

if TYPE_CHECKING:
    from collections.abc import Sequence

#: One call of each service.
CALLS: Final[dict[str, tuple[str, dict[str, str]]]] = {
    "events": ("describe_rule", {"Name": "x"}),
    "kms": ("describe_key", {"KeyId": "x"}),
    "lambda": ("invoke", {"FunctionName": "x"}),
    "logs": ("describe_log_groups", {}),
    "sts": ("get_caller_identity", {}),
}
PARTITIONS: Final[list[dict[str, Any]]] = Loader().load_data("endpoints")["partitions"]
#: With one that no version of botocore knows.
REGIONS: Final = sorted({"eu-north-9", *(region for partition in PARTITIONS for region in partition["regions"])})


class Sent(Exception):  # noqa: N818 - it ends the call where the request would leave
    """The request as it would go out: its URL, and for whom it is signed."""


def sent(loader: Loader, service: str, region: str) -> Sequence[str]:
    """Return the address of a request, and the Region that it is signed for."""
    session = botocore.session.Session()
    session.register_component("data_loader", loader)
    session.set_credentials("AKIDEXAMPLE", "secret")
    client = session.create_client(service, region_name=region, config=Config(proxies={}))

    def stop(request: Any, **_: object) -> None:
        signature = request.headers["Authorization"]
        text = signature.decode() if isinstance(signature, bytes) else signature
        raise Sent(request.url, text.partition("Credential=")[2].partition(",")[0].split("/", 2)[2])

    client.meta.events.register("before-send", stop)
    operation, parameters = CALLS[service]
    with pytest.raises(Sent) as caught:
        getattr(client, operation)(**parameters)
    return tuple(caught.value.args)


def test_every_service_is_compared() -> None:
    """None that a client is made for is missing below."""
    assert set(CALLS) == set(SERVICES)


@pytest.mark.parametrize("service", SERVICES)
def test_requests_go_where_botocore_would_send_them(service: str) -> None:
    """In every Region of every partition, and in one that is too new for botocore."""
    ours, botocores = Data(), Loader()

    assert {region: sent(ours, service, region) for region in REGIONS} == {
        region: sent(botocores, service, region) for region in REGIONS
    }


def test_a_region_may_be_given() -> None:
    """It comes before the configuration's."""
    assert new_session(region="eu-central-2").get_config_variable("region") == "eu-central-2"
