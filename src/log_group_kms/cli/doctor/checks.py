"""The checks of `doctor`: a new one is a function from a case to a verdict, and an entry in `CHECKS`."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from log_group_kms.cli.doctor.findings import Finding, Level, Verdict
from log_group_kms.cli.doctor.key_policy import KEY_ACTIONS, Access, allows
from log_group_kms.cli.wording import duration
from log_group_kms.model.errors import AccessDenied, ApiError, KeyNotFound
from log_group_kms.model.tags import OWNER_TAG, PREVIOUS_KEY_TAG, SCOPE_TAG
from log_group_kms.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from log_group_kms.cli.doctor.case import Case

#: The calls of a fleet for each log group that changes; a test counts them. The quota is 5 a second of each kind, so
#: the most frequent one sets the pace.
CALLS_A_CHANGE: Final = {"ListTagsForResource": 1, "TagResource": 1, "AssociateKmsKey": 1}
_QUOTA: Final = 5
_HOUR: Final = 3_600
#: Any name will do.
_EXAMPLE: Final = "log-group-kms-doctor"
_UNCLEAR: Final = "is not plain from the key's policy: it has statements that are not understood here"
_LOOK: Final = "look at the key's policy yourself"

ok = partial(Verdict, Level.OK)
warning = partial(Verdict, Level.WARNING)
problem = partial(Verdict, Level.PROBLEM)


@dataclass(frozen=True, slots=True)
class Check:
    """A question to an account.

    Attributes:
        name: for `--json`.
        question: for people.
        answer: finds the answer.
        needs: the permissions that it takes.
    """

    name: str
    question: str
    answer: Callable[[Case], Verdict]
    needs: tuple[str, ...]

    def run(self, case: Case) -> Finding:
        """Return the finding; what cannot be looked up is a warning."""
        try:
            verdict = self.answer(case)
        except ApiError as refusal:
            allow = f"allow {', '.join(self.needs)}, or ask somebody who may"
            remedy = allow if isinstance(refusal, AccessDenied) else "mend that, and run it again"
            verdict = warning(f"That cannot be told. {str(refusal).rstrip('.')}", remedy)
        return Finding(self.name, self.question, verdict)


def _provider(case: Case) -> Verdict:
    found = case.provider
    if found is None:
        return warning("It is not deployed in this account and Region", "deploy it; the command line works without it")
    if not found.stack:
        return problem(
            "Its function is there, but no stack exports its ServiceToken: a deployment would meet that function",
            "delete what is left, or see why the stack does not export LogGroupKmsAssociation-ServiceToken",
        )
    version = f"version {found.version}" if found.version else "of a version that its stack does not tell"
    protected = f"; it never touches {', '.join(found.protected)}" if found.protected else ""
    answer = (
        f"Yes, {version}, in {found.stack}; update that stack, for a second one would meet its functions{protected}"
    )
    if found.version in ("", VERSION):
        return ok(answer)
    return warning(
        f"{answer}. This command line is version {VERSION}", "use the command line of that version, or update the stack"
    )


def _key(case: Case) -> Verdict:
    try:
        described = case.key
    except KeyNotFound:
        return problem(f"There is no key {case.wanted.key.text} in {case.fleet.place.region}", "correct --kms-key-id")
    if described.defect:
        fault, _, remedy = described.defect.rpartition(": ")
        return problem(f"The key {described.arn.text} {fault}", remedy)
    return ok(f"Yes, {described.arn.text} is enabled")


def _key_for_logs(case: Case) -> Verdict:
    arn = case.fleet.arn
    principal = case.diagnosis.service_principal
    elsewhere = principal.replace(f".{case.fleet.place.region}.", ".")
    access = Access(
        frozenset({("Service", principal)}),
        {"kms:encryptioncontext:aws:logs:arn": arn},
        perhaps=frozenset({("AWS", "*"), ("Service", elsewhere)}),
    )
    for_logs, _ = case.diagnosis.statements(arn)
    statement = f"add this statement to the key's policy: {json.dumps(for_logs)}"
    match allows(case.policy, access):
        case True:
            return ok(f"Yes, for {arn}")
        case False:
            return problem(f"No, not for {arn}", statement)
    return warning(f"It {_UNCLEAR}", f"{_LOOK}; if in doubt, {statement}")


def _key_for_writers(case: Case) -> Verdict:
    everyone = allows(case.policy, Access(frozenset({("AWS", "*")}), _through_logs(case)))
    if everyone:
        return ok("Yes, the key's policy lets every principal of the account, through CloudWatch Logs")
    _, for_writers = case.diagnosis.statements(case.fleet.arn)
    add = "add this statement to the key's policy, or allow the same in each role that writes: "
    add += json.dumps(for_writers)
    delegated = allows(case.policy, _of_account(case))
    if everyone is None or delegated is None:
        return warning(f"It {_UNCLEAR}", f"{_LOOK}; if in doubt, {add}")
    if delegated:
        return warning("Only those whose own IAM policies allow the key", add)
    return problem("No", add)


def _provider_permissions(case: Case) -> Verdict:
    if case.provider is None:
        return ok("It is not deployed; its template brings what its role needs but for the key's policy")
    return _permissions(case, case.provider.role, "its parameter KmsKeyArns, its permissions boundary")


def _caller_permissions(case: Case) -> Verdict:
    principal = case.surroundings.caller()
    if principal.endswith(":root"):
        return ok("Yes, the caller is the account's root user")
    found = _permissions(case, principal, "the caller's own policies, its permissions boundary")
    # Who lacks them may still deploy stacks.
    return replace(found, level=Level.WARNING) if found.level is Level.PROBLEM else found


def _permissions(case: Case, principal: str, where: str) -> Verdict:
    """Return whether *principal* may do what a fleet needs: by its own policies, and for the key by that one's too."""
    refused = [
        action
        for actions, resource, context in _needed(case)
        for action in case.surroundings.not_allowed(principal, actions, resource, context)
    ]
    if not any(action.startswith("kms:") for action in refused):
        by_key = allows(case.policy, _of_account(case, principal))
    else:
        # The account's IAM policies do not help: only the key's own policy may name it.
        by_key = allows(case.policy, Access(frozenset({("AWS", principal), ("AWS", "*")}), _through_logs(case)))
        if by_key:
            refused = [action for action in refused if not action.startswith("kms:")]
    if refused:
        return problem(
            f"No, {principal} lacks {', '.join(refused)}", f"look at {where} and the organisation's policies"
        )
    if by_key is None:
        return warning(f"Whether the key lets {principal} use it {_UNCLEAR}", _LOOK)
    if not by_key:
        return problem(
            f"No, the key's policy lets neither {principal} nor the account's IAM policies",
            "let the account's root or that role use the key",
        )
    return ok(f"Yes, as far as IAM simulates {principal}")


def _needed(case: Case) -> Iterator[tuple[Sequence[str], str, Mapping[str, Sequence[str]]]]:
    """Yield actions, the resource that AWS checks them on, and the condition keys of such a call."""
    log_group = case.fleet.place.logs_arn(f"log-group:{case.fleet.prefix}{_EXAMPLE}")
    key = case.key_arn.text
    # AWS checks it on an empty name.
    yield ("logs:DescribeLogGroups",), case.fleet.place.logs_arn("log-group::log-stream:"), {}
    yield ("logs:ListTagsForResource",), log_group, {}
    tags = {"aws:TagKeys": (OWNER_TAG, PREVIOUS_KEY_TAG, SCOPE_TAG)}
    yield ("logs:TagResource", "logs:UntagResource"), log_group, tags
    yield ("logs:AssociateKmsKey", "logs:DisassociateKmsKey"), f"{log_group}:*", {}
    # Called directly, not through CloudWatch Logs.
    yield ("kms:DescribeKey",), key, {}
    through = {
        "kms:ViaService": (case.diagnosis.service_principal,),
        "kms:CallerAccount": (case.fleet.place.account,),
    }
    yield tuple(action for action in KEY_ACTIONS if action != "kms:DescribeKey"), key, through


def _of_account(case: Case, *principals: str) -> Access:
    """Return the use of the key in the account's name, so that its IAM policies count."""
    place = case.fleet.place
    root = f"arn:{place.partition}:iam::{place.account}:root"
    return Access(frozenset(("AWS", name) for name in (root, place.account, "*", *principals)), _through_logs(case))


def _through_logs(case: Case) -> Mapping[str, str]:
    account = case.fleet.place.account
    return {
        "kms:viaservice": case.diagnosis.service_principal,
        "kms:calleraccount": account,
        "aws:principalaccount": account,
    }


def _trail(case: Case) -> Verdict:
    found = case.surroundings.trails(case.fleet.place.region)
    good = [trail.name for trail in found if trail.logging and trail.management_writes]
    if good:
        return ok(f"Yes, {', '.join(good)}")
    return warning(
        f"No; trails here: {', '.join(trail.name for trail in found) or 'none'}",
        "let a trail log management events here; without one, new log groups wait for the reconciliation",
    )


def _centralization(case: Case) -> Verdict:
    rules = case.surroundings.centralization()
    if rules is None:
        return warning("That cannot be looked up with this version of boto3", "install a newer one")
    region = case.fleet.place.region
    skipping = [rule.name for rule in rules if rule.skips_encrypted and region in rule.regions]
    if not skipping:
        return ok("No rule that is seen from this account does; others may be in the organisation's management account")
    return warning(
        f"Yes, {', '.join(skipping)}: their copies would end with the log groups' encryption",
        "set EncryptedLogGroupStrategy to ALLOW in these rules",
    )


def _log_groups(case: Case) -> Verdict:
    counts = case.counts
    changes, conflicts = counts["changes"], counts["conflicts"]
    calls, most = max((number, call) for call, number in CALLS_A_CHANGE.items())
    seconds = -(-changes * calls // _QUOTA)
    told = Verdict(
        Level.OK,
        f"At most {changes:,} of {counts['matched']:,}, which takes {duration(seconds)} at the quotas"
        f" ({calls} {most} each, {_QUOTA} a second)",
        figures={"matched": counts["matched"], "changes": changes, "seconds": seconds},
    )
    if not counts["matched"]:
        return replace(told, level=Level.WARNING, answer="No log group matches", remedy="correct --prefix")
    if conflicts:
        answer = f"None before {conflicts:,} have lost their other key, as --on-existing-key is Fail"
        return replace(
            told, level=Level.PROBLEM, answer=answer, remedy="see which with plan, or choose Keep or Override"
        )
    if seconds > _HOUR:
        answer = f"{told.answer}: more than CloudFormation's hour"
        return replace(told, level=Level.PROBLEM, answer=answer, remedy="apply them first, then create the fleet")
    return replace(told, answer=f"{told.answer}: it fits into CloudFormation's hour")


def _names(case: Case) -> Verdict:
    reserved, odd = case.counts["reserved"], case.counts["odd"]
    figures = {"reserved": reserved, "odd": odd}
    answer = f"{reserved:,} reserved for AWS, which stay as they are; {odd:,} with # in the name"
    if not odd:
        return ok(answer, figures=figures)
    return warning(
        f"{answer}, which AWS may refuse to tag by ARN", "leave these out with --exclude '*#*'", figures=figures
    )


_SIMULATION: Final = ("iam:GetRole", "iam:SimulatePrincipalPolicy", "kms:DescribeKey", "kms:GetKeyPolicy")
_DEPLOYMENT: Final = (
    "lambda:GetFunctionConfiguration",
    "cloudformation:ListExports",
    "cloudformation:DescribeStacks",
)
_TRAILS: Final = ("cloudtrail:DescribeTrails", "cloudtrail:GetTrailStatus", "cloudtrail:GetEventSelectors")
_RULES: Final = (
    "observabilityadmin:ListCentralizationRulesForOrganization",
    "observabilityadmin:GetCentralizationRuleForOrganization",
)
_POLICY: Final = ("kms:DescribeKey", "kms:GetKeyPolicy")
_LISTING: Final = ("logs:DescribeLogGroups",)

#: A new check is entered here; in the order in which they are shown.
CHECKS: Final = (
    Check("provider", "Is the provider there?", _provider, _DEPLOYMENT),
    Check("key", "Is the key usable?", _key, ("kms:DescribeKey",)),
    Check("key_for_logs", "Does the key's policy let CloudWatch Logs use it?", _key_for_logs, _POLICY),
    Check("key_for_writers", "May those who write and read logs use the key?", _key_for_writers, _POLICY),
    Check("provider_permissions", "May the provider do it?", _provider_permissions, (*_DEPLOYMENT, *_SIMULATION)),
    Check("caller_permissions", "May the caller do it from the command line?", _caller_permissions, _SIMULATION),
    Check("trail", "Does a trail log management events here?", _trail, _TRAILS),
    Check("centralization", "Would centralization skip encrypted log groups?", _centralization, _RULES),
    Check("log_groups", "How many log groups would change?", _log_groups, _LISTING),
    Check("names", "Are there special names among them?", _names, _LISTING),
)
