"""What drives and probes work with: the account, the run, and what the foundation made."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from acceptance.account import Account
from acceptance.names import Run
from acceptance.stacks import Stacks

#: Part of the provider's contract.
OWNER_TAG: Final = "log-group-kms-association:owner"


@dataclass(frozen=True, slots=True)
class Stage:
    """The account with the foundation of a run, and the provider.

    Attributes:
        account: the caller's.
        run: which one.
        foundation: the outputs of its stack: the ARNs of keys and roles by their logical ids, bucket and queue.
    """

    account: Account
    run: Run
    foundation: Mapping[str, str]

    @property
    def stacks(self) -> Stacks:
        """The run's stacks."""
        return Stacks(self.account, self.run)

    @property
    def key(self) -> str:
        """The ARN of a key that CloudWatch Logs may use, and whoever has the permission in IAM."""
        return self.foundation["Key"]

    @property
    def other_key(self) -> str:
        """The ARN of another such key."""
        return self.foundation["OtherKey"]

    def new_log_group(self, what: str, key: str | None = None, **options: Any) -> str:
        """Make a log group of the run, and return its name."""
        name = self.run.log_group(what)
        given = {"tags": self.run.tags, **({"kmsKeyId": key} if key else {}), **options}
        self.account.logs.create_log_group(logGroupName=name, **given)
        return name

    def key_of(self, log_group: str) -> str:
        """Return the ARN of the key that DescribeLogGroups shows; empty for none.

        Raises:
            LookupError: there is no such log group.
        """
        pages = self.account.logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=log_group)
        found = (group for page in pages for group in page["logGroups"] if group["logGroupName"] == log_group)
        group = next(found, None)
        if group is None:
            raise LookupError(f"DescribeLogGroups shows no {log_group}")
        return group.get("kmsKeyId", "")

    def tags_of(self, log_group: str) -> Mapping[str, str]:
        """Return the tags that ListTagsForResource shows."""
        return self.account.logs.list_tags_for_resource(resourceArn=self.account.log_group_arn(log_group))["tags"]

    def lines_of(self, log_group: str, words: str) -> list[str]:
        """Return what a log group of a function holds with these words in it."""
        pages = self.account.logs.get_paginator("filter_log_events").paginate(logGroupName=log_group)
        lines = [event["message"] for page in pages for event in page["events"]]
        return [line for line in lines if words in line]

    def query_results_key(self, log_group: str) -> str:
        """Return the ARN of the key that query results are encrypted with, by a query of its own; empty for none.

        There is no other way to read it.
        """
        logs = self.account.logs
        now = int(time.time())
        query = logs.start_query(logGroupName=log_group, startTime=now - 60, endTime=now, queryString="fields @message")

        def finished() -> str | None:
            answer = logs.get_query_results(queryId=query["queryId"])
            return None if answer["status"] in ("Scheduled", "Running") else answer.get("encryptionKey", "")

        return self.account.until(finished, self.account.waits.change, "the query has run")[0]
