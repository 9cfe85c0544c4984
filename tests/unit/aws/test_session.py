"""botocore's session as it is made here, beside the one that botocore makes itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.loaders import Loader

from log_group_kms.aws.clients import Unconfigured
from log_group_kms.aws.session import SERVICES, Data, new_session
from log_group_kms.cli.options import Options
from log_group_kms.cli.terminal import connect

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

#: One call of each service.
CALLS: Final[dict[str, tuple[str, dict[str, str]]]] = {
    "cloudformation": ("describe_stacks", {}),
    "events": ("describe_rule", {"Name": "x"}),
    "kms": ("describe_key", {"KeyId": "x"}),
    "lambda": ("invoke", {"FunctionName": "x"}),
    "logs": ("describe_log_groups", {}),
    "sqs": ("get_queue_url", {"QueueName": "x"}),
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


# --- the command line's session ---------------------------------------------------------------------------------------

CONFIG: Final = """
[profile sso]
sso_start_url = https://example.com/start
sso_region = eu-west-1
sso_account_id = 111122223333
sso_role_name = Admin
[profile sso-session]
sso_session = ours
sso_account_id = 111122223333
sso_role_name = Admin
[sso-session ours]
sso_start_url = https://example.com/start
sso_region = eu-west-1
sso_registration_scopes = sso:account:access
[profile assumes]
role_arn = arn:aws:iam::111122223333:role/Admin
source_profile = sso
[profile process]
credential_process = echo '{{"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "S"}}'
[profile web]
role_arn = arn:aws:iam::111122223333:role/Admin
web_identity_token_file = {token}
"""


def credentials_by(session: botocore.session.Session) -> str:
    """The method that found credentials, or what botocore misses for them."""
    credentials = session.get_credentials()
    assert credentials is not None
    try:
        credentials.get_frozen_credentials()
    except (BotoCoreError, ClientError) as missing:
        return type(missing).__name__
    return str(credentials.method)


@pytest.fixture
def profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A configuration with profiles of several kinds, nobody logged in, and no way out."""
    config = tmp_path / "config"
    token = tmp_path / "token"
    token.write_text("a token")
    config.write_text(CONFIG.format(token=token))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")


@pytest.mark.usefixtures("profiles")
@pytest.mark.parametrize(
    ("profile", "found"),
    [
        # Nobody is logged in, which botocore finds out once it has a client of `sso`.
        ("sso", "SSOTokenLoadError"),
        ("sso-session", "SSOTokenLoadError"),
        ("assumes", "SSOTokenLoadError"),
        ("process", "custom-process"),
        ("web", "EndpointConnectionError"),
    ],
)
def test_any_profile_that_botocore_takes(profile: str, found: str) -> None:
    """The command line's session gets as far as botocore's own, whatever services that takes."""
    botocores = botocore.session.Session(profile=profile)

    assert credentials_by(new_session(profile=profile, any_service=True)) == credentials_by(botocores) == found


@pytest.mark.usefixtures("profiles")
def test_the_command_line_asks_for_that_session() -> None:
    """So its words are about the login, and not about a service that it does not know."""
    with pytest.raises(Unconfigured, match="SSO"), connect(Options("report", profile="sso", region="eu-west-1")):
        pass
