"""What `Fn::GetAtt` gives, each value written down once: the answer, the schema and the rules are derived from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_group_kms.model.results import Outcome


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
