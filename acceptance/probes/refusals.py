"""AWS's codes and words for each refusal: the provider tells them apart by these."""

import uuid
from typing import Final

from acceptance.probe import Answer, Finding, probe
from acceptance.stage import Stage

#: Word for word what `src/log_group_kms/aws/error_codes.py` looks for.
_KEY_DENIED: Final = "The specified KMS key does not exist or is not allowed to be used"
_KEY_NOT_FOUND: Final = "The specified KMS Key Id could not be found"


def _associate(stage: Stage, what: str, key: str) -> Answer:
    """Return the answer to AssociateKmsKey on a new log group."""
    name = stage.new_log_group(f"refusals/{what}")
    return Answer.to(lambda: stage.account.logs.associate_kms_key(logGroupName=name, kmsKeyId=key))


@probe()
def key_policy_refusal(stage: Stage) -> Finding:
    """A key whose policy leaves CloudWatch Logs out is refused with AccessDenied, and in known words.

    Used in `src/log_group_kms/aws/error_codes.py:KeyPolicyDenied`, `src/log_group_kms/retry/policies.py`.
    """
    answer = _associate(stage, "closed", stage.foundation["ClosedKey"])
    return Finding.of(answer.code == "AccessDeniedException" and _KEY_DENIED in answer.message, answer)


@probe()
def unknown_key_refusal(stage: Stage) -> Finding:
    """The ARN of a key that does not exist gets the same refusal as a key whose policy refuses.

    Used in `src/log_group_kms/association/diagnosis.py:Diagnosis`, `docs/reference/reasons.md:does not exist`.
    """
    answer = _associate(stage, "unknown", stage.account.arn("kms", f"key/{uuid.uuid4()}"))
    return Finding.of(answer.code == "AccessDeniedException" and _KEY_DENIED in answer.message, answer)


@probe()
def bare_key_id_refusal(stage: Stage) -> Finding:
    """A key id that is no ARN is refused with InvalidParameter, in known words, though there is such a key.

    Used in `src/log_group_kms/aws/error_codes.py:KeyNotFound`, `src/log_group_kms/association/context.py:KeyResolver`.
    """
    answer = _associate(stage, "bare", stage.key.rpartition("/")[2])
    return Finding.of(answer.code == "InvalidParameterException" and _KEY_NOT_FOUND in answer.message, answer)


@probe()
def disabled_key_refusal(stage: Stage) -> Finding:
    """A disabled key is refused with InvalidParameterException; the words are not known.

    Used in `src/log_group_kms/association/diagnosis.py:Diagnosis`, `local/emulator/answers.py:key_unusable`.
    """
    answer = _associate(stage, "disabled", stage.foundation["DisabledKey"])
    return Finding.of(answer.code == "InvalidParameterException", answer)


@probe()
def reserved_name_refusal(stage: Stage) -> Finding:
    """A log group whose name begins with aws/ is refused as reserved, in known words, also where there is none.

    Used in `src/log_group_kms/aws/error_codes.py:ReservedLogGroup`, `src/log_group_kms/model/targets.py:aws/`.
    """
    name = f"aws/{stage.run.name}"
    answer = Answer.to(lambda: stage.account.logs.associate_kms_key(logGroupName=name, kmsKeyId=stage.key))
    held = answer.code == "InvalidParameterException" and "Log groups starting with AWS/ are reserved" in answer.message
    return Finding.of(held, answer)


@probe()
def missing_log_group_refusal(stage: Stage) -> Finding:
    """AssociateKmsKey on a log group that is not there is refused with ResourceNotFoundException.

    Used in `src/log_group_kms/aws/error_codes.py:ResourceNotFoundException`.
    """
    name = stage.run.log_group("refusals/never-made")
    answer = Answer.to(lambda: stage.account.logs.associate_kms_key(logGroupName=name, kmsKeyId=stage.key))
    return Finding.of(answer.code == "ResourceNotFoundException", answer)


@probe()
def role_without_kms_refusal(stage: Stage) -> Finding:
    """AssociateKmsKey by a role without KMS permissions is refused with AccessDenied, which names a kms: action.

    Used in `src/log_group_kms/aws/error_codes.py:_NOT_AUTHORIZED`, `template.yaml:UseKeyForLogsOnly`.
    """
    name = stage.new_log_group("refusals/without-kms")
    logs = stage.account.logs_as(stage.foundation["LogsOnly"])
    answer = Answer.to(lambda: logs.associate_kms_key(logGroupName=name, kmsKeyId=stage.key))
    return Finding.of(answer.denies("kms:"), answer)


@probe()
def role_without_logs_refusal(stage: Stage) -> Finding:
    """A role without logs:AssociateKmsKey is refused with AccessDenied, which names that action.

    Used in `src/log_group_kms/aws/error_codes.py:_NOT_AUTHORIZED`.
    """
    name = stage.new_log_group("refusals/without-logs")
    logs = stage.account.logs_as(stage.foundation["KeysOnly"])
    answer = Answer.to(lambda: logs.associate_kms_key(logGroupName=name, kmsKeyId=stage.key))
    return Finding.of(answer.denies("logs:AssociateKmsKey"), answer)


@probe()
def tagged_creation_refusal(stage: Stage) -> Finding:
    """CreateLogGroup with tags by a role without logs:TagResource is refused in words of its own.

    Used in `src/log_group_kms/aws/error_codes.py:_NOT_AUTHORIZED_TO_TAG`.
    """
    name = stage.run.log_group("refusals/tagged")
    logs = stage.account.logs_as(stage.foundation["DoesNotTag"])
    answer = Answer.to(lambda: logs.create_log_group(logGroupName=name, tags=stage.run.tags))
    held = (
        answer.code == "AccessDeniedException"
        and "not authorized to perform CreateLogGroup with Tags" in answer.message
    )
    return Finding.of(held, answer)


PROBES: Final = (
    key_policy_refusal,
    unknown_key_refusal,
    bare_key_id_refusal,
    disabled_key_refusal,
    reserved_name_refusal,
    missing_log_group_refusal,
    role_without_kms_refusal,
    role_without_logs_refusal,
    tagged_creation_refusal,
)
