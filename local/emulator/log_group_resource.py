"""AWS::Logs::LogGroup as CloudFormation treats it.

MiniStack writes the log group into its table: over one that is there already, with any key, and with no event. On an
update it writes the template's key even where the template did not change it, which would take away what others
associated. AWS's own handler of the resource (UpdateHandler.java of aws-cloudformation-resource-providers-logs on
GitHub) changes the key only where the template's former and new key differ.
"""

from typing import TYPE_CHECKING, Any, Final

from ministack.core.responses import get_account_id, get_region

from local.emulator import seams
from local.emulator.answers import Refusal, RefusedError
from local.emulator.key_use import log_group_condition, require_open_key
from local.emulator.trail import Creation

if TYPE_CHECKING:
    from collections.abc import Callable

_TYPE: Final = "AWS::Logs::LogGroup"
_KEY: Final = "KmsKeyId"


class ResourceFailedError(Exception):
    """What the stack event says."""


def install() -> None:
    """Treat log groups so, in every stack."""
    create: Callable[..., tuple[str, dict[str, Any]]] = seams.CREATE_LOG_GROUP_RESOURCE.get()
    update: Callable[..., tuple[str, dict[str, Any]]] = seams.UPDATE_LOG_GROUP_RESOURCE.get()

    def create_by_call(logical_id: str, props: dict[str, Any], stack_name: str) -> tuple[str, dict[str, Any]]:
        named = {**props, "LogGroupName": props.get("LogGroupName") or _made_up_name(stack_name, logical_id)}
        _require_free_name(named["LogGroupName"])
        _require_usable_key(named["LogGroupName"], named)
        made = create(logical_id, named, stack_name)
        parameters = {"logGroupName": named["LogGroupName"], "kmsKeyId": named.get(_KEY)}
        Creation.by_cloudformation({name: value for name, value in parameters.items() if value}).tell()
        return made

    def update_what_changed(
        physical_id: str, old_props: dict[str, Any], new_props: dict[str, Any], *given: Any, **named: Any
    ) -> tuple[str, dict[str, Any]]:
        if old_props.get(_KEY) != new_props.get(_KEY):
            _require_usable_key(physical_id, new_props)
            return update(physical_id, old_props, new_props, *given, **named)
        key = (seams.LOG_GROUPS.get().get(physical_id) or {}).get("kmsKeyId")
        updated = update(physical_id, old_props, new_props, *given, **named)
        if updated[0] == physical_id:
            seams.LOG_GROUPS.get()[physical_id]["kmsKeyId"] = key
        return updated

    seams.CREATE_LOG_GROUP_RESOURCE.replace(create_by_call)
    seams.UPDATE_LOG_GROUP_RESOURCE.replace(update_what_changed)
    seams.RESOURCE_HANDLERS.get()[_TYPE] |= {"create": create_by_call, "update": update_what_changed}


def _made_up_name(stack_name: str, logical_id: str) -> str:
    name: str = seams.PHYSICAL_NAME.get()(stack_name, logical_id, max_len=512)
    return name


def _require_free_name(name: str) -> None:
    if name in seams.LOG_GROUPS.get():
        raise ResourceFailedError(
            f"Resource of type '{_TYPE}' with identifier '{{\"/properties/LogGroupName\":\"{name}\"}}' already exists."
        )


def _require_usable_key(name: str, props: dict[str, Any]) -> None:
    """By the key's own policy; the deployer's permissions are not looked at."""
    key = props.get(_KEY)
    if not key:
        return
    arn = f"arn:aws:logs:{get_region()}:{get_account_id()}:log-group:{name}"
    try:
        require_open_key(str(key), arn, log_group_condition(arn))
    except RefusedError as refused:
        raise ResourceFailedError(_in_words(refused.refusal)) from refused


def _in_words(refusal: Refusal) -> str:
    """As resource handlers pass on what a service refused."""
    service = f"(Service: CloudWatchLogs, Status Code: {refusal.status})"
    return f'Resource handler returned message: "{refusal.message} {service}"'
