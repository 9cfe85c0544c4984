"""The diagnosis of a final error: the Reason says what is wrong, on which resource, and what to do.

AccessDenied is one code for three causes, so DescribeKey is asked; once, and only when the error is final.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from log_group_kms.model.errors import (
    AccessDenied,
    ApiError,
    ConcurrentChange,
    InvalidParameter,
    KeyNotFound,
    KeyPolicyDenied,
    LimitExceeded,
    NotFound,
    ProviderError,
    ReservedLogGroup,
    RoleDenied,
    Throttled,
    Unavailable,
)
from log_group_kms.model.keys import KeyArn, KeyName

if TYPE_CHECKING:
    from collections.abc import Mapping

    from log_group_kms.association.ports import Keys
    from log_group_kms.model.targets import Place


#: Refusals that speak for themselves; the others are looked into.
_SENTENCES: Final[Mapping[type[ApiError], str]] = {
    NotFound: "There is no log group {target}: {missing}",
    ReservedLogGroup: "{target} is reserved for AWS and cannot be associated with a key: use another log group",
    ConcurrentChange: "Someone else kept changing {target}: {again}, or see who does with CloudTrail",
    Unavailable: "AWS could not be reached or failed inside while working on {target}: {again}",
    LimitExceeded: "A quota is used up for {target}: take tags off or delete log groups, or ask AWS for more",
}


@dataclass(frozen=True, slots=True)
class Wording:
    """The words for whoever reads a diagnosis; by default for the user of a stack.

    Attributes:
        caller: whose permissions count.
        asker: who asks KMS.
        account: where that one works.
        again: how to try once more.
        key: what names the key.
        missing: what to do where a log group is not there.
        denied: what to do where a policy denies one explicitly.
        grant: what to do where the caller lacks a permission.
        grant_key: the same for a permission on the key.
    """

    caller: str = "The provider's role"
    asker: str = "the provider"
    account: str = "the provider's account"
    again: str = "deploy again"
    key: str = "KmsKeyId"
    missing: str = "create it first (DependsOn), correct its name, or set OnMissingLogGroup to Create"
    denied: str = (
        "change that policy. The provider's own roles deny what its parameter ProtectedLogGroupNames names: if that is "
        "it, leave this log group alone"
    )
    grant: str = "add it to the role, or take back what removed it"
    grant_key: str = (
        "add the key's ARN to the provider's parameter KmsKeyArns, and where the key is in another account, let its "
        "policy allow the role {action} as well"
    )


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Looks into errors.

    Attributes:
        keys: KMS.
        place: where the provider works.
        service_principal: CloudWatch Logs, as a key policy names it in this place, also in kms:ViaService.
        words: the words for the reader.
    """

    keys: Keys
    place: Place
    service_principal: str
    words: Wording = Wording()

    def explain(self, error: ProviderError) -> str:
        """Return what a user reads for *error*, with what its notes add: how far a fleet came."""
        reason = self.reason(error) if isinstance(error, ApiError) else str(error)
        return " ".join([reason, *getattr(error, "__notes__", ())])

    def reason(self, error: ApiError) -> str:
        """Return the Reason for *error*: cause, resource, remedy, and AWS's own words at the end."""
        waited = f" (tried again for {error.waited:.0f} s)" if error.waited >= 1 else ""
        return f"{self._cause(error)}{waited}. {error}"

    def _cause(self, error: ApiError) -> str:
        match error:
            case ApiError(operation="Invoke"):
                return (
                    "The function could not call itself, to go on in a further invocation: see that its role has "
                    "lambda:InvokeFunction on it (for PropagationWaitSeconds, a shorter one helps too)"
                )
            case RoleDenied():
                return self._role(error)
            case KeyPolicyDenied() | KeyNotFound():
                return self._key(error)
            case InvalidParameter() | AccessDenied() if error.key:
                return self._key(error)
            case Throttled():
                return self._throttled(error)
        sentence = _SENTENCES.get(type(error), "AWS refused the request about {target}")
        words = self.words
        return sentence.format(target=error.target or "the account", again=words.again, missing=words.missing)

    def _throttled(self, error: Throttled) -> str:
        quota = " (AWS allows 5 a second and no more)" if error.operation == "AssociateKmsKey" else ""
        return (
            f"Too many {error.operation} calls in account {self.place.account} and Region {self.place.region}{quota} "
            f"for {error.target or 'this one'} to get its turn in time: {self.words.again}, or fewer at once"
        )

    def _role(self, error: RoleDenied) -> str:
        what = f"{self.words.caller} lacks the permission {error.action}"
        if "explicit deny" in error.message:
            return f"{what}, which a policy denies explicitly (see which in AWS's words): {self.words.denied}"
        if not error.about_key:
            on = error.target or ("CloudWatch Logs" if error.action.startswith("logs:") else "its resource")
            return f"{what} on {on}: {self.words.grant}"
        return f"{what} on the key {error.key or 'in force'}: {self.words.grant_key.format(action=error.action)}"

    def _key(self, error: ApiError) -> str:
        """Return the fault of the key, as far as DescribeKey may be asked."""
        key = error.key
        try:
            described = self.keys.describe(_reference(key))
        except KeyNotFound:
            return (
                f"There is no key {key} in {self.place.region}: correct {self.words.key}; a key must be in the Region "
                f"of the log group, and a bare key id or alias in {self.words.account}"
            )
        except AccessDenied as unknown:
            hint = f"more cannot be told, since {self.words.asker} may not call DescribeKey on it ({unknown.code})"
            return f"{self._unless_allowed(error, key)}; {hint}"
        except ApiError as failed:
            hint = f"more cannot be told, since DescribeKey failed too ({failed.code})"
            return f"{self._unless_allowed(error, key)}; {hint}"
        if described.defect:
            return f"The key {described.arn.text} {described.defect}"
        if isinstance(error, KeyPolicyDenied):
            return self._unless_allowed(error, described.arn.text)
        return f"{_not_accepted(error, described.arn.text)}, although it is enabled"

    def _unless_allowed(self, error: ApiError, key: str) -> str:
        """Return the fault of the key policy, with the statements that it lacks."""
        if not isinstance(error, KeyPolicyDenied):
            return _not_accepted(error, key)
        statements = self.statements(error.target)
        asked = "these statements" if len(statements) > 1 else "this statement"
        note = " (the second is for whoever writes to and reads from the log group)" if len(statements) > 1 else ""
        return (
            f"The policy of the key {key} does not let CloudWatch Logs use it for {error.target}. "
            f"Add {asked} to the key policy{note}: {', '.join(json.dumps(one) for one in statements)}"
        )

    def statements(self, target: str) -> list[dict[str, object]]:
        """Return the statements that the documentation asks of a key policy; they differ with the kind of target.

        https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html and
        https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatchLogs-Insights-Query-Encrypt.html
        """
        service = {"Service": self.service_principal}
        if ":query-result:" in target:
            source = {
                "ArnEquals": {"aws:SourceArn": target},
                "StringEquals": {"aws:SourceAccount": self.place.account},
            }
            return [_use_of_the_key(service, source)]
        through_logs = {"kms:ViaService": self.service_principal, "kms:CallerAccount": self.place.account}
        return [
            _use_of_the_key(service, {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": target}}),
            _use_of_the_key({"AWS": "*"}, {"StringEquals": through_logs}),
        ]


def _use_of_the_key(principal: Mapping[str, str], condition: Mapping[str, Mapping[str, str]]) -> dict[str, object]:
    return {
        "Effect": "Allow",
        "Principal": principal,
        "Action": ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"],
        "Resource": "*",
        "Condition": condition,
    }


def _not_accepted(error: ApiError, key: str) -> str:
    if error.operation == "DescribeKey":
        return f"KMS does not accept the key {key}"
    return f"CloudWatch Logs does not accept the key {key} for {error.target}"


def _reference(key: str) -> KeyArn | KeyName:
    try:
        return KeyArn(key)
    except ValueError:
        return KeyName(key)
