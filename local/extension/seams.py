"""Every private name of MiniStack that is replaced or called here. It is pinned to one version because of them."""

import importlib
from collections.abc import Callable
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
                f"MiniStack has no {self}, which local/extension needs for {self.used_for}."
                " It is private: keep ministack at the pinned version, or adapt local/extension/seams.py."
            ) from error

    def replace(self, replacement: Callable[..., Any]) -> None:
        """Put *replacement* there."""
        self.get()
        setattr(importlib.import_module(self.module), self.name, replacement)


APP: Final = "ministack.app"
LOGS: Final = "ministack.services.cloudwatch_logs"
KMS: Final = "ministack.services.kms"
LAMBDA: Final = "ministack.services.lambda_svc"
CLOUDFORMATION: Final = "ministack.services.cloudformation"
IAM_ACTIONS: Final = "ministack.core.iam_actions"
IAM_EVALUATOR: Final = "ministack.core.iam_evaluator"

DISPATCH: Final = Seam(APP, "_dispatch_service_request", "faults, quotas, the call log and their control path")
RESPONSE_URLS: Final = Seam(APP, "_handle_post_body_shortcuts", "the PUT to a ResponseURL, with its raw body")
RESET: Final = Seam(APP, "_reset_all_state", "emptying the extension's own state too")
AUTH: Final = Seam(APP, "AUTH", "knowing whether IAM is enforced")

HANDLE_LOGS: Final = Seam(LOGS, "handle_request", "the operations that MiniStack lacks")
LOG_GROUPS: Final = Seam(LOGS, "_log_groups", "the key of a log group")
HANDLE_KMS: Final = Seam(KMS, "handle_request", "keys with a chosen id")
KEYS: Final = Seam(KMS, "_keys", "a key's state, spec and policy")
RESOLVE_KEY: Final = Seam(KMS, "_resolve_key", "the key that an alias names")

RESOURCE_ARN: Final = Seam(IAM_ACTIONS, "extract_resource_arn", "the ARNs that AWS authorises on")
LOGS_CONTEXT: Final = Seam(IAM_ACTIONS, "logs_service_context", "aws:ResourceTag for ARNs that end in :*")
ENFORCE: Final = Seam(IAM_EVALUATOR, "enforce", "the caller's permissions on a key")
EVALUATE_KEY_POLICY: Final = Seam(IAM_EVALUATOR, "evaluate_resource_policy", "the key's policy for the logs service")
EVALUATION: Final = Seam(IAM_EVALUATOR, "EvalContext", "the key's policy for the logs service")
CALLER: Final = Seam(IAM_EVALUATOR, "request_caller_arn", "who called")

INVOKE_ASYNC: Final = Seam(LAMBDA, "invoke_async_with_retry", "the asynchronous queue")
EXECUTE: Final = Seam(LAMBDA, "_execute_function_with_config_scope", "running one attempt")
FIND_FUNCTION: Final = Seam(LAMBDA, "_get_func_record_for_ref", "the function that a ServiceToken names")
EXECUTION_RECORD: Final = Seam(LAMBDA, "_execution_record_for_config", "invoking a function by ServiceToken")
ROUTE_FAILURE: Final = Seam(LAMBDA, "_route_async_failure", "destinations that are no function")

INVOKE_CUSTOM_RESOURCE: Final = Seam(
    f"{CLOUDFORMATION}.custom_resource", "invoke_custom_resource", "custom resources as CloudFormation drives them"
)
RESPONSE_HOST: Final = Seam(f"{CLOUDFORMATION}.custom_resource", "_gateway_url", "the ResponseURL")
STRINGIFY: Final = Seam(
    f"{CLOUDFORMATION}.custom_resource", "_normalise_resource_properties", "properties as CloudFormation sends them"
)
STACKS: Final = Seam(CLOUDFORMATION, "_stacks", "a failed resource's record")
ROLL_BACK: Final = Seam(f"{CLOUDFORMATION}.stacks", "_roll_back_operation", "a Delete after a failed Create")
ROLL_BACK_BY_REQUEST: Final = Seam(f"{CLOUDFORMATION}.handlers", "_roll_back_operation", "the same, by RollbackStack")

SEAMS: Final = tuple(value for value in list(globals().values()) if isinstance(value, Seam))
