"""Every private name of MiniStack that is replaced or called here. MiniStack is pinned to one version because of them.

README.md says of each why it is needed. Nothing else of this package names a module of MiniStack in a string, and what
it imports from MiniStack by name is public and listed in README.md too: a test holds both.
"""

import importlib
import sys
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
        """Return what the name means now.

        Raises:
            MissingSeamError: this version of MiniStack has no such name.
        """
        try:
            return getattr(importlib.import_module(self.module), self.name)
        except (ImportError, AttributeError) as error:
            raise MissingSeamError(
                f"MiniStack has no {self}, which local/emulator needs for {self.used_for}."
                " It is private: keep ministack at the pinned version, or adapt local/emulator/seams.py."
            ) from error

    def replace(self, replacement: Callable[..., Any] | object) -> None:
        """Put *replacement* under the name, in every module of MiniStack that has imported it under this name.

        Raises:
            MissingSeamError: as for `get`.
        """
        original = self.get()
        for module_name, module in list(sys.modules.items()):
            if module_name.partition(".")[0] == _MINISTACK and vars(module).get(self.name) is original:
                setattr(module, self.name, replacement)


_MINISTACK: Final = "ministack"

APP: Final = "ministack.app"
LOGS: Final = "ministack.services.cloudwatch_logs"
KMS: Final = "ministack.services.kms"
LAMBDA: Final = "ministack.services.lambda_svc"
CLOUDFORMATION: Final = "ministack.services.cloudformation"
PROVISIONERS: Final = f"{CLOUDFORMATION}.provisioners"
LAMBDA_RUNTIME: Final = "ministack.core.lambda_runtime"
EVENTS: Final = "ministack.services.eventbridge"
IAM_ACTIONS: Final = "ministack.core.iam_actions"
IAM_EVALUATOR: Final = "ministack.core.iam_evaluator"

DISPATCH: Final = Seam(APP, "_dispatch_service_request", "faults, quotas, the call log, CloudTrail and ResponseURLs")
SERVICES: Final = Seam(APP, "SERVICE_HANDLERS", "the operations that MiniStack lacks, and calls between services")
RESET: Final = Seam(APP, "_reset_all_state", "emptying the state of this package too")

LOG_GROUPS: Final = Seam(LOGS, "_log_groups", "the key of a log group")
ENCODE_OFFSET: Final = Seam(LOGS, "_encode_token", "going on after the log group that a nextToken names")
KEYS: Final = Seam(KMS, "_keys", "a key's state, spec, policy and chosen id")

RESOURCE_ARN: Final = Seam(IAM_ACTIONS, "extract_resource_arn", "the ARNs that AWS authorises on")
LOGS_CONTEXT: Final = Seam(IAM_ACTIONS, "logs_service_context", "aws:ResourceTag for ARNs that end in :*")
ENFORCE: Final = Seam(IAM_EVALUATOR, "enforce", "the caller's permissions on a key")
EVALUATE_RESOURCE_POLICY: Final = Seam(
    IAM_EVALUATOR, "evaluate_resource_policy", "the policies of keys, functions and queues for services"
)
EVALUATION: Final = Seam(IAM_EVALUATOR, "EvalContext", "the policies of keys, functions, queues and roles")
CALLER: Final = Seam(IAM_EVALUATOR, "request_caller_arn", "who called")
ORIGIN: Final = Seam(IAM_EVALUATOR, "_request_origin", "policies that refuse plain HTTP")
CONDITION_KEY: Final = Seam(IAM_EVALUATOR, "_resolve_condition_key", "aws:PrincipalArn of a role's session")
ROLE_POLICIES: Final = Seam(IAM_EVALUATOR, "_gather_role_policies", "what a function's role may do at its destination")
EVALUATE: Final = Seam(IAM_EVALUATOR, "evaluate", "what a function's role may do at its destination")

INVOKE_ASYNC: Final = Seam(LAMBDA, "invoke_async_with_retry", "the asynchronous queue")
EXECUTE: Final = Seam(LAMBDA, "_execute_function_with_config_scope", "running one attempt")
FIND_FUNCTION: Final = Seam(LAMBDA, "_get_func_record_for_ref", "the function that an ARN names")
WRITE_FUNCTION_LOG: Final = Seam(LAMBDA, "_emit_lambda_logs", "the event of a log group that Lambda makes")
INVALIDATE_ENVIRONMENTS: Final = Seam(LAMBDA_RUNTIME, "invalidate_worker", "invocations that an update lets finish")
END_ENVIRONMENTS: Final = Seam(LAMBDA_RUNTIME, "kill_workers", "invocations that an update lets finish")

DISPATCH_EVENT: Final = Seam(EVENTS, "_dispatch_event", "CloudTrail's events on the bus, which PutEvents refuses")
INVOKE_TARGET: Final = Seam(EVENTS, "_invoke_target", "firing a schedule, and the dead-letter queue of a target")
EVENT_TO_LAMBDA: Final = Seam(EVENTS, "_dispatch_to_lambda", "EventBridge's invocations through Lambda's queue")

INVOKE_CUSTOM_RESOURCE: Final = Seam(
    f"{CLOUDFORMATION}.custom_resource", "invoke_custom_resource", "custom resources as CloudFormation drives them"
)
STACKS: Final = Seam(CLOUDFORMATION, "_stacks", "a failed resource's record, and a stack's id for generated names")
CONDITIONS: Final = Seam(f"{CLOUDFORMATION}.engine", "_evaluate_conditions", "Fn::Join in conditions")
RESOLVE_FOR_CHANGES: Final = Seam(
    f"{CLOUDFORMATION}.changesets", "_resolve_props_for_diff", "change sets without what a false condition leaves out"
)
PHYSICAL_NAME: Final = Seam(PROVISIONERS, "_physical_name", "generated names that differ from stack to stack")
RESOURCE_HANDLERS: Final = Seam(PROVISIONERS, "_RESOURCE_HANDLERS", "AWS::Logs::LogGroup and AWS::Lambda::Function")
ROLL_BACK: Final = Seam(f"{CLOUDFORMATION}.stacks", "_roll_back_operation", "a Delete after a failed Create")

SEAMS: Final = tuple(value for value in list(globals().values()) if isinstance(value, Seam))
#: Their number is a figure of the project: fewer is better.
NAMES: Final = tuple(str(seam) for seam in SEAMS)
