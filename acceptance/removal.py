"""All that runs of the suite have made, found again by name and tag, and removed."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from acceptance.account import Account, NotSeenError
from acceptance.deployment import HANDLER
from acceptance.drives import set_handler
from acceptance.names import PREFIX, RUN_TAG, Run
from acceptance.stacks import Stacks
from acceptance.stage import Stage

#: Where log groups of the suite begin.
_LOG_GROUPS: Final = (f"/{PREFIX}/", f"/aws/lambda/{PREFIX}-")

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Left:
    """What is still there of the suite.

    Attributes:
        things: what should be gone.
        pending: keys that KMS deletes by itself, each with the day.
    """

    things: tuple[str, ...]
    pending: tuple[str, ...]

    def lines(self) -> Iterator[str]:
        """Say it, a line for each."""
        if not self.things:
            yield "Nothing is left but what follows." if self.pending else "Nothing is left."
        for thing in self.things:
            yield f"Still there: {thing}"
        for key in self.pending:
            yield f"Pending deletion, at no cost: {key}"


class Removal:
    """What the suite made in an account: of one run, or of all."""

    def __init__(self, account: Account, tell: Tell) -> None:
        self._account = account
        self._tell = tell
        #: What CloudFormation could not delete.
        self._refusing: list[str] = []

    # --- finding ------------------------------------------------------------------------------------------------------

    def runs(self) -> list[Run]:
        """Return the runs of which anything is there, keys that are pending deletion apart."""
        names = [*self._stacks(), *self._log_groups(), *self._functions()]
        return sorted({run for name in names if (run := Run.of(name))})

    def left(self, *runs: Run) -> Left:
        """Return what is there of these runs, or of all."""
        named = [*self._labelled("stack", self._stacks()), *self._labelled("log group", self._log_groups())]
        named += [*self._labelled("function", self._functions()), *self._refusing]
        things = [thing for thing in named if not runs or Run.of(thing) in runs]
        pending: list[str] = []
        for arn, run in self._keys():
            if runs and run not in runs:
                continue
            try:
                key = self._account.kms.describe_key(KeyId=arn)["KeyMetadata"]
            except self._account.kms.exceptions.NotFoundException:
                # Deleted, and still in the index of tags.
                continue
            if key["KeyState"] == "PendingDeletion":
                pending.append(f"{arn}, on {key['DeletionDate']:%Y-%m-%d}")
            else:
                things.append(f"key {arn} ({key['KeyState']})")
        return Left(tuple(things), tuple(pending))

    def _stacks(self) -> list[str]:
        pages = self._account.cloudformation.get_paginator("describe_stacks").paginate()
        found = [stack for page in pages for stack in page["Stacks"] if stack["StackStatus"] != "DELETE_COMPLETE"]
        return [stack["StackName"] for stack in found if Run.of(stack["StackName"])]

    def _log_groups(self) -> list[str]:
        paginator = self._account.logs.get_paginator("describe_log_groups")
        pages = [page for prefix in _LOG_GROUPS for page in paginator.paginate(logGroupNamePrefix=prefix)]
        return [group["logGroupName"] for page in pages for group in page["logGroups"]]

    def _functions(self) -> list[str]:
        pages = self._account.functions.get_paginator("list_functions").paginate()
        return [each["FunctionName"] for page in pages for each in page["Functions"] if Run.of(each["FunctionName"])]

    def _keys(self) -> Iterator[tuple[str, Run]]:
        """Yield the keys with the suite's tag, as the tagging API shows them: that may be some seconds old."""
        tagging = self._account.client("resourcegroupstaggingapi")
        pages = tagging.get_paginator("get_resources").paginate(
            TagFilters=[{"Key": RUN_TAG}], ResourceTypeFilters=["kms:key"]
        )
        for found in (each for page in pages for each in page["ResourceTagMappingList"]):
            tags = {tag["Key"]: tag["Value"] for tag in found["Tags"]}
            yield found["ResourceARN"], Run(tags[RUN_TAG])

    @staticmethod
    def _labelled(kind: str, names: list[str]) -> list[str]:
        return [f"{kind} {name}" for name in names]

    # --- removing -----------------------------------------------------------------------------------------------------

    def remove(self, run: Run) -> None:
        """Remove what a run made, whatever state it is in; go on where a part fails, and say so."""
        stacks = Stacks(self._account, run)
        of_run = [name for name in self._stacks() if Run.of(name) == run]
        driven = [name for name in of_run if name not in (run.foundation, run.provider)]
        steps: list[tuple[str, Callable[[], None]]] = [
            ("mend the provider", partial(self._mend, run)),
            ("give back query results", partial(self._give_back_query_results, run)),
            *((f"delete the stack {name}", partial(self._delete, stacks, name)) for name in (*driven, run.provider)),
            ("empty the bucket", partial(self._empty_bucket, stacks)),
            (f"delete the stack {run.foundation}", partial(self._delete, stacks, run.foundation)),
            ("delete the log groups", partial(self._delete_log_groups, run)),
        ]
        for what, step in steps:
            try:
                step()
            except (BotoCoreError, ClientError, NotSeenError) as error:
                self._tell(f"Could not {what}: {error}")

    def _mend(self, run: Run) -> None:
        """Put the provider's own handler back, without which its stacks cannot be deleted."""
        try:
            found = self._account.functions.get_function_configuration(FunctionName=run.name)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            return
        if found["Handler"] != HANDLER:
            set_handler(Stage(self._account, run, {}), HANDLER)

    def _give_back_query_results(self, run: Run) -> None:
        """Take a key of the run from the account's query results, where it is still there."""
        stage = Stage(self._account, run, {})
        own = {arn for arn, owner in self._keys() if owner == run}
        log_group = next((name for name in self._log_groups() if Run.of(name) == run), None)
        if log_group and own and stage.query_results_key(log_group) in own:
            self._account.logs.disassociate_kms_key(resourceIdentifier=self._account.query_results)

    def _delete(self, stacks: Stacks, name: str) -> None:
        """Delete a stack; what refuses to go is left out the second time, and remembered."""
        if not stacks.settled(name):
            return
        self._tell(f"Deleting the stack {name}")
        cloudformation = self._account.cloudformation
        cloudformation.delete_stack(StackName=name)
        if stacks.settled(name) != "DELETE_FAILED":
            return
        resources = cloudformation.describe_stack_resources(StackName=name)["StackResources"]
        # What a resource of the provider's own holds are log groups, which go with the run.
        self._refusing += [
            f"{each['ResourceType']} {each.get('PhysicalResourceId', '')} of the stack {name}"
            for each in resources
            if each["ResourceStatus"] == "DELETE_FAILED" and not each["ResourceType"].startswith("Custom::")
        ]
        self._tell(f"Deleting the stack {name} without what refuses to go")
        cloudformation.delete_stack(StackName=name, DeletionMode="FORCE_DELETE_STACK")
        stacks.settled(name)

    def _empty_bucket(self, stacks: Stacks) -> None:
        """Delete what is in the bucket, which CloudFormation would not."""
        if not stacks.status(stacks.run.foundation):
            return
        resources = self._account.cloudformation.describe_stack_resources(StackName=stacks.run.foundation)
        names = [
            each.get("PhysicalResourceId", "")
            for each in resources["StackResources"]
            if each["ResourceType"] == "AWS::S3::Bucket" and each["ResourceStatus"] != "DELETE_COMPLETE"
        ]
        s3 = self._account.client("s3")
        for name in filter(None, names):
            pages = s3.get_paginator("list_objects_v2").paginate(Bucket=name)
            objects: list[Any] = [{"Key": each["Key"]} for page in pages for each in page.get("Contents", [])]
            if objects:
                s3.delete_objects(Bucket=name, Delete={"Objects": objects})

    def _delete_log_groups(self, run: Run) -> None:
        """Delete the log groups; a function that still ran may write its last lines, and so make one again."""
        quiet_since = time.monotonic()
        while time.monotonic() - quiet_since < self._account.waits.quiet:
            found = [name for name in self._log_groups() if name.startswith(run.log_groups)]
            for name in found:
                self._account.logs.delete_log_group(logGroupName=name)
                quiet_since = time.monotonic()
            time.sleep(self._account.waits.look)
