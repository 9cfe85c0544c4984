"""AWS::Logs::LogGroup as CloudFormation treats it.

MiniStack writes the log group into its table: over one that is there already, with any key, and with no event. On an
update it writes the template's key even where the template did not change it, which would take away what others
associated. AWS's own handler of the resource (UpdateHandler.java of aws-cloudformation-resource-providers-logs on
GitHub) changes the key only where the template's former and new key differ.
"""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from ministack.core.responses import get_account_id, get_region

from local.emulator import seams
from local.emulator.answers import Refusal, RefusedError
from local.emulator.key_use import log_group_condition, require_open_key
from local.emulator.trail import ApiCall

_TYPE: Final = "AWS::Logs::LogGroup"
_KEY: Final = "KmsKeyId"
_NAME: Final = "LogGroupName"
_LONGEST_NAME: Final = 512

#: A physical id, and the attributes.
Made: TypeAlias = tuple[str, dict[str, Any]]


class ResourceFailedError(Exception):
    """A log group of a stack failed; the message is what the stack event says."""


def install() -> None:
    """Treat log groups so, in every stack."""
    handlers: dict[str, Any] = seams.RESOURCE_HANDLERS.get()[_TYPE]
    make: Callable[..., Made] = handlers["create"]
    change: Callable[..., Made] = handlers["update"]

    def create(logical_id: str, props: dict[str, Any], stack_name: str) -> Made:
        named = _named(props, stack_name, logical_id)
        return _as_by_a_call(named, lambda: make(logical_id, named, stack_name))

    def update(
        name: str, old_props: dict[str, Any], new_props: dict[str, Any], stack_name: str, logical_id: str
    ) -> Made:
        named = _named(new_props, stack_name, logical_id)
        if named[_NAME] != name:
            # A replacement: MiniStack makes the new log group, and deletes the old one.
            return _as_by_a_call(named, lambda: change(name, old_props, named, stack_name, logical_id))
        if old_props.get(_KEY) != new_props.get(_KEY):
            _require_usable_key(named)
            return change(name, old_props, named, stack_name, logical_id)
        key = (seams.LOG_GROUPS.get().get(name) or {}).get("kmsKeyId")
        changed = change(name, old_props, named, stack_name, logical_id)
        seams.LOG_GROUPS.get()[name]["kmsKeyId"] = key
        return changed

    handlers |= {"create": create, "update": update, "update_with_logical_id": True}


def _as_by_a_call(named: dict[str, Any], make: Callable[[], Made]) -> Made:
    """Let *make* make a log group, checked as CreateLogGroup checks it, and told to the event bus like it."""
    _require_free_name(named[_NAME])
    _require_usable_key(named)
    made = make()
    parameters = {"logGroupName": named[_NAME], "kmsKeyId": named.get(_KEY)}
    ApiCall.by_cloudformation({name: value for name, value in parameters.items() if value}).tell()
    return made


def _named(props: dict[str, Any], stack_name: str, logical_id: str) -> dict[str, Any]:
    """Return the properties with a name: the one given, or one that stays with the resource."""
    name = props.get(_NAME) or seams.PHYSICAL_NAME.get()(stack_name, logical_id, max_len=_LONGEST_NAME)
    return {**props, _NAME: name}


def _require_free_name(name: str) -> None:
    if name in seams.LOG_GROUPS.get():
        raise ResourceFailedError(
            f"Resource of type '{_TYPE}' with identifier '{{\"/properties/LogGroupName\":\"{name}\"}}' already exists."
        )


def _require_usable_key(named: dict[str, Any]) -> None:
    """Raise unless the key's own policy allows its use; the deployer's permissions are not looked at."""
    key = named.get(_KEY)
    if not key:
        return
    arn = f"arn:aws:logs:{get_region()}:{get_account_id()}:log-group:{named[_NAME]}"
    try:
        require_open_key(str(key), arn, log_group_condition(arn))
    except RefusedError as refused:
        raise ResourceFailedError(_in_words(refused.refusal)) from refused


def _in_words(refusal: Refusal) -> str:
    """Return a refusal in the words that resource handlers pass it on with."""
    service = f"(Service: CloudWatchLogs, Status Code: {refusal.status})"
    return f'Resource handler returned message: "{refusal.message} {service}"'
