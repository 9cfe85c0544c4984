"""What `Fn::GetAtt` gives, each value written down once: the answer, the schema and the rules are derived from it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from log_group_kms.model.keys import KEY_ARN, KeyArn
from log_group_kms.model.results import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from log_group_kms.model.targets import Target

#: No account has more log groups than a million (CloudWatch Logs quotas).
_COUNT: Final = re.compile(r"[0-9]{1,7}")
#: What AssociateKmsKey takes for a key (CloudWatch Logs API reference).
_LONGEST_KEY: Final = 256


@dataclass(frozen=True)
class ReturnValue:
    """A value that `Fn::GetAtt` gives.

    Attributes:
        name: the attribute.
        description: what it is, in a line.
        of: the value of an outcome.
    """

    name: str
    description: str
    of: Callable[[Outcome], str]


RETURN_VALUES: Final = (
    ReturnValue(
        "KmsKeyArn",
        "ARN of the key in force; empty where there is none.",
        lambda outcome: outcome.key.text if outcome.key else "",
    ),
    ReturnValue(
        "PreviousKmsKeyArn",
        "ARN of the key that was there before this resource; empty where there was none.",
        lambda outcome: outcome.previous.text if outcome.previous else "",
    ),
    ReturnValue(
        "LogGroupName",
        "Name of the log group; empty for query results and for a fleet.",
        lambda outcome: outcome.target.log_group_name,
    ),
    ReturnValue(
        "LogGroupArn",
        "ARN of the log group; empty for query results and for a fleet.",
        lambda outcome: outcome.target.arn if outcome.target.log_group_name else "",
    ),
    ReturnValue(
        "MatchedCount",
        "How many targets there are.",
        lambda outcome: str(outcome.associated + outcome.compliant + outcome.skipped + outcome.refused),
    ),
    ReturnValue("AssociatedCount", "How many keys this event changed.", lambda outcome: str(outcome.associated)),
    ReturnValue("CompliantCount", "How many had the key already.", lambda outcome: str(outcome.compliant)),
    ReturnValue("SkippedCount", "How many were left as they were.", lambda outcome: str(outcome.skipped)),
    ReturnValue("RefusedCount", "How many AWS refused for their own sake.", lambda outcome: str(outcome.refused)),
)


def return_values(outcome: Outcome) -> dict[str, str]:
    """Return always all of them and always strings, so that Fn::GetAtt never fails."""
    return {each.name: each.of(outcome) for each in RETURN_VALUES}


def are_return_values(values: Mapping[str, str], target: Target, key: KeyArn) -> bool:
    """Return whether an event that put *target* under *key* may answer with these *values*."""
    counts = [values.get(f"{name}Count", "") for name in ("Associated", "Compliant", "Skipped", "Refused")]
    previous = values.get("PreviousKmsKeyArn", "")
    if not all(map(_COUNT.fullmatch, counts)) or len(previous) > _LONGEST_KEY:
        return False
    if previous and not KEY_ARN.fullmatch(previous):
        return False
    associated, compliant, skipped, refused = map(int, counts)
    outcome = Outcome(
        target,
        key,
        KeyArn(previous) if previous else None,
        associated=associated,
        compliant=compliant,
        skipped=skipped,
        refused=refused,
    )
    return values == return_values(outcome)
