"""Every private name of MiniStack that is replaced or called here. It is pinned to one version because of them."""

import importlib
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final


class MissingSeamError(Exception):
    """MiniStack no longer has a name that is wrapped."""


@dataclass(frozen=True, slots=True)
class Seam:
    """A name in MiniStack, and what is done with it."""

    module: str
    name: str
    used_for: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"

    def get(self) -> Any:
        """What stands there now."""
        try:
            return getattr(importlib.import_module(self.module), self.name)
        except (ImportError, AttributeError) as error:
            raise MissingSeamError(
                f"MiniStack has no {self}, which local/emulator needs for {self.used_for}."
                " It is private: keep ministack at the pinned version, or adapt local/emulator/seams.py."
            ) from error

    def replace(self, replacement: Callable[..., Any] | ContextVar[Any]) -> None:
        """Put *replacement* there."""
        self.get()
        setattr(importlib.import_module(self.module), self.name, replacement)


APP: Final = "ministack.app"
LOGS: Final = "ministack.services.cloudwatch_logs"
KMS: Final = "ministack.services.kms"
LAMBDA: Final = "ministack.services.lambda_svc"
CLOUDFORMATION: Final = "ministack.services.cloudformation"
PROVISIONERS: Final = f"{CLOUDFORMATION}.provisioners"
EVENTS: Final = "ministack.services.eventbridge"
SQS: Final = "ministack.services.sqs"
IAM_ACTIONS: Final = "ministack.core.iam_actions"
IAM_EVALUATOR: Final = "ministack.core.iam_evaluator"

DISPATCH: Final = Seam(APP, "_dispatch_service_request", "faults, quotas, the call log and their control path")
RESPONSE_URLS: Final = Seam(APP, "_handle_post_body_shortcuts", "the PUT to a ResponseURL, with its raw body")
RESET: Final = Seam(APP, "_reset_all_state", "emptying the own state of this package too")
PIN_ORIGIN: Final = Seam(APP, "pin_request_origin", "policies that refuse plain HTTP")
AUTH: Final = Seam(APP, "AUTH", "knowing whether IAM is enforced")

HANDLE_LOGS: Final = Seam(LOGS, "handle_request", "the operations that MiniStack lacks")
LOG_GROUPS: Final = Seam(LOGS, "_log_groups", "the key of a log group")
CREATE_LOG_GROUP: Final = Seam(LOGS, "_create_log_group", "log groups that no customer's call makes")
ENCODE_OFFSET: Final = Seam(LOGS, "_encode_token", "going on after the log group that a nextToken names")
HANDLE_KMS: Final = Seam(KMS, "handle_request", "keys with a chosen id")
KEYS: Final = Seam(KMS, "_keys", "a key's state, spec and policy")
RESOLVE_KEY: Final = Seam(KMS, "_resolve_key", "the key that an alias names")

RESOURCE_ARN: Final = Seam(IAM_ACTIONS, "extract_resource_arn", "the ARNs that AWS authorises on")
LOGS_CONTEXT: Final = Seam(IAM_ACTIONS, "logs_service_context", "aws:ResourceTag for ARNs that end in :*")
ENFORCE: Final = Seam(IAM_EVALUATOR, "enforce", "the caller's permissions on a key")
EVALUATE_RESOURCE_POLICY: Final = Seam(
    IAM_EVALUATOR, "evaluate_resource_policy", "the policies of keys and functions for services"
)
EVALUATION: Final = Seam(IAM_EVALUATOR, "EvalContext", "the policies of keys and functions for services")
CALLER: Final = Seam(IAM_EVALUATOR, "request_caller_arn", "who called")
ORIGIN: Final = Seam(IAM_EVALUATOR, "_request_origin", "policies that refuse plain HTTP")
ROLE_POLICIES: Final = Seam(IAM_EVALUATOR, "_gather_role_policies", "what a function's role may do at its destination")
EVALUATE: Final = Seam(IAM_EVALUATOR, "evaluate", "what a function's role may do at its destination")

INVOKE_ASYNC: Final = Seam(LAMBDA, "invoke_async_with_retry", "the asynchronous queue")
EXECUTE: Final = Seam(LAMBDA, "_execute_function_with_config_scope", "running one attempt")
FIND_FUNCTION: Final = Seam(LAMBDA, "_get_func_record_for_ref", "the function that a ServiceToken names")
EXECUTION_RECORD: Final = Seam(LAMBDA, "_execution_record_for_config", "invoking a function by ServiceToken")
ROUTE_FAILURE: Final = Seam(LAMBDA, "_route_async_failure", "destinations that are neither function nor queue")
FUNCTION_POLICY: Final = Seam(LAMBDA, "function_policy_for_arn", "whether EventBridge may invoke a function")
WRITE_FUNCTION_LOG: Final = Seam(LAMBDA, "_emit_lambda_logs", "the event of a log group that Lambda makes")

DISPATCH_EVENT: Final = Seam(EVENTS, "_dispatch_event", "CloudTrail's events on the bus, which PutEvents refuses")
INVOKE_TARGET: Final = Seam(EVENTS, "_invoke_target", "firing a schedule, and the dead-letter queue of a target")
EVENT_TO_LAMBDA: Final = Seam(EVENTS, "_dispatch_to_lambda", "EventBridge's invocations through Lambda's queue")
EVENT_VIEW: Final = Seam(EVENTS, "_pattern_event_view", "the event as a dead-letter queue gets it")
RULES: Final = Seam(EVENTS, "_rules", "the rule of a schedule")
RULE_KEY: Final = Seam(EVENTS, "_rule_key", "the rule of a schedule")
TARGETS: Final = Seam(EVENTS, "_targets", "the targets of a schedule")

QUEUE: Final = Seam(SQS, "_queue_by_arn", "the queue that a failure goes to")
COMPLETE_MESSAGE: Final = Seam(SQS, "_ensure_msg_fields", "putting a message into a queue")
ATTRIBUTES_DIGEST: Final = Seam(SQS, "_md5_msg_attrs", "putting a message into a queue")
QUEUE_POLICY_ALLOWS: Final = Seam(SQS, "queue_policy_allows", "whether EventBridge may use a dead-letter queue")

INVOKE_CUSTOM_RESOURCE: Final = Seam(
    f"{CLOUDFORMATION}.custom_resource", "invoke_custom_resource", "custom resources as CloudFormation drives them"
)
RESPONSE_HOST: Final = Seam(f"{CLOUDFORMATION}.custom_resource", "_gateway_url", "the ResponseURL")
STRINGIFY: Final = Seam(
    f"{CLOUDFORMATION}.custom_resource", "_normalise_resource_properties", "properties as CloudFormation sends them"
)
STACKS: Final = Seam(CLOUDFORMATION, "_stacks", "a failed resource's record, and a stack's id for generated names")
CONDITIONS: Final = Seam(f"{CLOUDFORMATION}.engine", "_evaluate_conditions", "Fn::Join in conditions")
CONDITIONS_OF_REQUESTS: Final = Seam(f"{CLOUDFORMATION}.handlers", "_evaluate_conditions", "Fn::Join in conditions")
CONDITIONS_OF_CHANGE_SETS: Final = Seam(
    f"{CLOUDFORMATION}.changesets", "_evaluate_conditions", "Fn::Join in conditions"
)
CONDITIONS_OF_STACKS: Final = Seam(f"{CLOUDFORMATION}.stacks", "_evaluate_conditions", "Fn::Join in conditions")
PHYSICAL_NAME: Final = Seam(PROVISIONERS, "_physical_name", "generated names that differ from stack to stack")
NAME_SEED: Final = Seam(PROVISIONERS, "_NAME_SEED", "generated names that differ from stack to stack")
RESOURCE_HANDLERS: Final = Seam(PROVISIONERS, "_RESOURCE_HANDLERS", "AWS::Logs::LogGroup")
CREATE_LOG_GROUP_RESOURCE: Final = Seam(PROVISIONERS, "_cwlogs_create", "AWS::Logs::LogGroup")
UPDATE_LOG_GROUP_RESOURCE: Final = Seam(PROVISIONERS, "_cwlogs_update", "AWS::Logs::LogGroup")
ROLL_BACK: Final = Seam(f"{CLOUDFORMATION}.stacks", "_roll_back_operation", "a Delete after a failed Create")
ROLL_BACK_BY_REQUEST: Final = Seam(f"{CLOUDFORMATION}.handlers", "_roll_back_operation", "the same, by RollbackStack")

SEAMS: Final = tuple(value for value in list(globals().values()) if isinstance(value, Seam))
