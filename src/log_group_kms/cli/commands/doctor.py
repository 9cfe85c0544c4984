"""`doctor`: whether an account is ready, before and after a deployment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from log_group_kms.association.diagnosis import Diagnosis
from log_group_kms.association.requests import Ensure
from log_group_kms.cli.command import Command, Exit
from log_group_kms.cli.doctor.case import Case
from log_group_kms.cli.doctor.checks import CHECKS
from log_group_kms.cli.doctor.findings import Checkup
from log_group_kms.cli.requests import association_of, fleet_of, looking, reader_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from log_group_kms.cli.command import Invocation
    from log_group_kms.model.results import Listed


def doctor(invocation: Invocation) -> Exit:
    """Answer each question."""
    account, screen = invocation.account, invocation.screen
    fleet, wanted = fleet_of(invocation), association_of(invocation)

    def listing() -> Iterable[Listed]:
        with screen.progress("Listing") as progress:
            yield from progress.count_each(reader_of(invocation, fleet).every_page())

    diagnosis = Diagnosis(account.keys, account.place, account.service_principal)
    describe = looking(invocation.context()).keys.describe
    case = Case(fleet, wanted, account.surroundings(), describe, listing, diagnosis)
    checkup = Checkup(fleet, tuple(check.run(case) for check in CHECKS))
    screen.checkup(checkup)
    return Exit.FOUND if checkup.has_problem else Exit.DONE


DOCTOR = Command(
    "doctor", "check whether the account is ready, before and after a deployment; changes nothing", doctor, Ensure,
    claims=False,
    fields="command, account, region, prefix,\n"
    "checks: [check, level, answer, remedy (or null), figures: [matched, changes, seconds, reserved, odd]]",
    found="there is a problem",
)  # fmt: skip
