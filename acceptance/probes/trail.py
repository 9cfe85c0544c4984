"""CloudTrail and EventBridge between calls about log groups and the enrolment."""

from typing import Final

from acceptance.account import Account
from acceptance.probe import Finding, NotRunHereError, Verdict, probe
from acceptance.stage import Stage
from log_group_kms.aws.surroundings import AwsSurroundings


@probe()
def enrolment_through_a_trail(stage: Stage) -> Finding:
    """CreateLogGroup reaches the enrolment by itself, where a trail logs management events, within 15 minutes.

    Used in `template.yaml:EnrolmentRule`, `docs/how-to/fleet.md:trail`.
    """
    account = _with_trail(stage)
    name = stage.new_log_group("enrolled/by-trail")
    _, after = account.until(lambda: stage.key_of(name) == stage.key or None, account.waits.trail, "it is enrolled")
    return Finding(Verdict.HELD, f"Under the fleet's key after {after:.0f} s.")


@probe()
def drift_through_a_trail(stage: Stage) -> Finding:
    """DisassociateKmsKey by others reaches the enrolment by itself, with the log group's name, within 15 minutes.

    No sample of CloudTrail's record of that call was found.

    Used in `template.yaml:EnrolmentRule`, `src/log_group_kms/request/upkeep.py:_parse_change`.
    """
    account = _with_trail(stage)
    name = stage.new_log_group("enrolled/drifted")
    account.until(lambda: stage.key_of(name) == stage.key or None, account.waits.trail, "it is enrolled")
    account.logs.disassociate_kms_key(logGroupName=name)
    _, after = account.until(lambda: stage.key_of(name) == stage.key or None, account.waits.trail, "it is mended")
    return Finding(Verdict.HELD, f"Under the fleet's key again after {after:.0f} s.")


def _with_trail(stage: Stage) -> Account:
    """Return the account, where a trail tells of calls.

    Raises:
        NotRunHereError: none does.
    """
    account = stage.account
    # The embedded AWS tells of each call without a trail.
    if not account.is_embedded:
        trails = AwsSurroundings(account.client, lambda: account.caller).trails(account.region)
        if not any(trail.logging and trail.management_writes for trail in trails):
            raise NotRunHereError("No trail logs the management events of this Region.")
    return account


PROBES: Final = (enrolment_through_a_trail, drift_through_a_trail)
