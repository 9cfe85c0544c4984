"""CloudTrail and EventBridge between CreateLogGroup and the enrolment."""

from typing import Final

from acceptance.probe import Finding, NotRunHereError, Verdict, probe
from acceptance.stage import Stage
from log_group_kms.aws.surroundings import AwsSurroundings


@probe()
def enrolment_through_a_trail(stage: Stage) -> Finding:
    """CreateLogGroup reaches the enrolment by itself, where a trail logs management events, within 15 minutes.

    Used in `template.yaml:EnrolmentRule`, `docs/how-to/fleet.md:trail`.
    """
    account = stage.account
    # The embedded AWS tells of each call without a trail.
    if not account.is_embedded:
        trails = AwsSurroundings(account.client, lambda: account.caller).trails(account.region)
        if not any(trail.logging and trail.management_writes for trail in trails):
            raise NotRunHereError("No trail logs the management events of this Region.")
    name = stage.new_log_group("enrolled/by-trail")
    _, after = account.until(lambda: stage.key_of(name) == stage.key or None, account.waits.trail, "it is enrolled")
    return Finding(Verdict.HELD, f"Under the fleet's key after {after:.0f} s.")


PROBES: Final = (enrolment_through_a_trail,)
