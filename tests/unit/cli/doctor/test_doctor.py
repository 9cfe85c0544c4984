"""`doctor`: one line for each question, on an account where one thing is not as it should be."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import pytest
from support.desk import APPLY, AS_JSON, BEFORE, KEY, OTHER, Desk
from support.fake_surroundings import CALLER, FOR_LOGS, FOR_WRITERS, LOGS, ROLE, ROOT, allow

from log_group_kms.cli.doctor.checks import CALLS_A_CHANGE, CHECKS
from log_group_kms.model.keys import KeyDescription
from log_group_kms.model.surroundings import CentralizationRule, Provider, Trail

if TYPE_CHECKING:
    from collections.abc import Callable

DOCTOR: Final = ("doctor", "--prefix", "*", "--kms-key-id", "alias/logs")


def checks(desk: Desk, *options: str) -> dict[str, dict[str, Any]]:
    """Run it, and return its findings by the check's name."""
    desk.run(*DOCTOR, AS_JSON, *options)
    return {each["check"]: each for each in desk.json()["checks"]}


def test_an_account_that_is_ready(desk: Desk) -> None:
    """Every question is answered with ok, and nothing was changed."""
    assert desk.run(*DOCTOR, AS_JSON) == 0

    found = desk.json()
    assert {name: found[name] for name in ("command", "account", "region", "prefix")} == {
        "command": "doctor",
        "account": "111122223333",
        "region": "eu-west-1",
        "prefix": "*",
    }
    assert [each["check"] for each in found["checks"]] == [check.name for check in CHECKS]
    assert {each["level"] for each in found["checks"]} == {"ok"}
    assert {each["remedy"] for each in found["checks"]} == {None}
    assert desk.writing_calls() == set()
    assert found["checks"][-2]["figures"] == {"matched": 6, "changes": 2, "seconds": 1}
    assert found["checks"][-1]["figures"] == {"reserved": 1, "odd": 0}


def test_as_lines(desk: Desk) -> None:
    """One line each: level, question, answer, and what to do."""
    desk.surroundings.deployed = None

    assert desk.run(*DOCTOR) == 0

    lines = desk.out.splitlines()
    assert lines[0] == "Account 111122223333, eu-west-1, every log group"
    assert lines[1] == (
        "warning  Is the provider there? It is not deployed in this account and Region. To do: deploy it; the command "
        "line works without it."
    )
    assert lines[2] == f"ok       Is the key usable? Yes, {KEY.text} is enabled."
    assert len(lines) == 1 + len(CHECKS)


def test_a_key_arn_that_may_not_be_described(desk: Desk) -> None:
    """What can be told without is told."""
    desk.aws.keys[OTHER] = KeyDescription(OTHER, state="Disabled")

    found = checks(desk, "--kms-key-id", OTHER.text)

    assert (found["key"]["level"], found["key"]["remedy"]) == (
        "problem",
        "enable it with kms:EnableKey, or use another key",
    )
    assert found["key_for_logs"]["level"] == "ok"


def changed(name: str, value: object) -> Callable[[Desk], None]:
    """Return what changes one thing of the surroundings."""
    return lambda desk: setattr(desk.surroundings, name, value)


NO_ROOT: Final = [FOR_LOGS, FOR_WRITERS]
PROBLEMS: Final = [
    pytest.param("provider", changed("deployed", Provider(ROLE)), "problem", "no stack exports", id="no export"),
    pytest.param("provider", changed("deployed", Provider(ROLE, "s")), "ok", "does not tell, in s", id="no version"),
    pytest.param(
        "provider",
        changed("deployed", Provider(ROLE, "s", "9.9.9")),
        "warning",
        "line is version",
        id="another version",
    ),
    pytest.param("key_for_logs", changed("statements", [ROOT]), "problem", "log-group:*", id="no statement"),
    pytest.param(
        "key_for_logs",
        changed("statements", [ROOT, allow({"Service": LOGS}, {"Bool": {"aws:SecureTransport": "true"}})]),
        "warning",
        "not understood here",
        id="a condition that is not understood",
    ),
    pytest.param(
        "key_for_writers", changed("statements", [ROOT, FOR_LOGS]), "warning", "own IAM policies", id="by IAM alone"
    ),
    pytest.param("key_for_writers", changed("statements", [FOR_LOGS]), "problem", "No", id="no writer at all"),
    pytest.param(
        "key_for_writers",
        changed("statements", [ROOT, allow("*", {"Bool": {"x": "true"}})]),
        "warning",
        "not understood here",
        id="an unclear statement for writers",
    ),
    pytest.param(
        "provider_permissions",
        changed("lacking", {ROLE: {"logs:TagResource"}}),
        "problem",
        f"{ROLE} lacks logs:TagResource",
        id="a boundary of the provider's",
    ),
    pytest.param(
        "provider_permissions",
        changed("statements", [FOR_LOGS]),
        "problem",
        f"neither {ROLE} nor",
        id="a key of nobody's",
    ),
    pytest.param(
        "provider_permissions",
        changed("statements", [allow("*", {"Bool": {"x": "true"}})]),
        "warning",
        "not understood here",
        id="an unclear key policy",
    ),
    pytest.param(
        "caller_permissions",
        changed("lacking", {CALLER: {"logs:AssociateKmsKey"}}),
        "warning",
        f"{CALLER} lacks logs:AssociateKmsKey",
        id="a caller who only looks",
    ),
    pytest.param(
        "caller_permissions", changed("principal", "arn:aws:iam::111122223333:root"), "ok", "root user", id="root"
    ),
    pytest.param("trail", changed("trailing", ()), "warning", "trails here: none", id="no trail"),
    pytest.param(
        "trail",
        changed("trailing", (Trail("a", logging=False, management_writes=True), Trail("b", True, False))),  # noqa: FBT003 - a row
        "warning",
        "trails here: a, b",
        id="no such trail",
    ),
    pytest.param(
        "centralization",
        changed("rules", (CentralizationRule("all", ("eu-west-1",), skips_encrypted=True),)),
        "warning",
        "Yes, all",
        id="a rule that skips",
    ),
    pytest.param(
        "centralization",
        changed("rules", (CentralizationRule("us", ("us-east-1",), skips_encrypted=True),)),
        "ok",
        "No rule",
        id="a rule for another Region",
    ),
    pytest.param("centralization", changed("rules", None), "warning", "version of boto3", id="an old boto3"),
]


@pytest.mark.parametrize(("check", "change", "level", "answer"), PROBLEMS)
def test_a_finding(desk: Desk, check: str, change: Callable[[Desk], None], level: str, answer: str) -> None:
    """One thing is different, and its check says so; only a problem makes the exit code 3."""
    change(desk)

    found = checks(desk)

    assert (found[check]["level"], answer in found[check]["answer"]) == (level, True)
    assert (found[check]["remedy"] is None) == (level == "ok")
    has_problem = "problem" in {each["level"] for each in found.values()}
    assert desk.run(*DOCTOR) == (3 if has_problem else 0)


@pytest.mark.parametrize(
    ("operation", "permission"),
    [
        ("provider", "lambda:GetFunctionConfiguration"),
        ("key_policy", "kms:GetKeyPolicy"),
        ("caller", "iam:GetRole"),
        ("not_allowed", "iam:SimulatePrincipalPolicy"),
        ("trails", "cloudtrail:GetTrailStatus"),
        ("centralization", "observabilityadmin:ListCentralizationRulesForOrganization"),
    ],
)
def test_what_is_denied(desk: Desk, operation: str, permission: str) -> None:
    """It is a warning that says which permission is missing; every other check goes on."""
    desk.surroundings.denied[operation] = permission

    assert desk.run(*DOCTOR, AS_JSON) == 0

    found = [each for each in desk.json()["checks"] if each["level"] == "warning"]
    assert found
    assert all("cannot be told" in each["answer"] and permission in each["remedy"] for each in found)


def test_a_key_that_is_not_there(desk: Desk) -> None:
    """It is one problem, and no crash; every log group would change."""
    del desk.aws.aliases["alias/logs"]

    found = checks(desk, "--on-existing-key", "Override")

    assert (found["key"]["level"], found["key"]["remedy"]) == ("problem", "correct --kms-key-id")
    assert found["key_for_logs"]["level"] == "warning"
    assert found["log_groups"]["figures"]["changes"] == 5


def test_a_key_policy_that_names_the_role(desk: Desk) -> None:
    """Then its own policies need not allow the key."""
    desk.surroundings.statements = [FOR_LOGS, allow({"AWS": [ROLE, CALLER]})]
    desk.surroundings.lacking = {ROLE: {"kms:Encrypt"}, CALLER: {"kms:Encrypt", "kms:Decrypt"}}

    found = checks(desk)

    assert (found["provider_permissions"]["level"], found["caller_permissions"]["level"]) == ("ok", "ok")


def test_a_role_that_may_not_use_the_key(desk: Desk) -> None:
    """The key's policy leaves it to IAM, and IAM says no."""
    desk.surroundings.statements = [ROOT, FOR_LOGS]
    desk.surroundings.lacking = {ROLE: {"kms:Encrypt"}}

    found = checks(desk)["provider_permissions"]

    assert (found["level"], found["answer"]) == ("problem", f"No, {ROLE} lacks kms:Encrypt")


def test_what_is_asked_of_the_simulation(desk: Desk) -> None:
    """Each action on the resource that AWS checks it on: with `:*` or not, on an empty name, through the service."""
    checks(desk, "--prefix", "/aws/")
    asked = {action: (resource, context) for action, resource, context in desk.surroundings.asked}
    here = "arn:aws:logs:eu-west-1:111122223333:log-group:"

    assert asked["logs:DescribeLogGroups"] == (f"{here}:log-stream:", ())
    assert asked["logs:TagResource"] == (f"{here}/aws/log-group-kms-doctor", ("aws:TagKeys",))
    assert asked["logs:AssociateKmsKey"] == (f"{here}/aws/log-group-kms-doctor:*", ())
    assert asked["kms:DescribeKey"] == (KEY.text, ())
    assert asked["kms:Encrypt"] == (KEY.text, ("kms:ViaService", "kms:CallerAccount"))


# --- log groups -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "changes", "level"),
    [
        pytest.param((), 2, "ok", id="by default"),
        pytest.param(("--on-existing-key", "Override"), 4, "ok", id="Override"),
        pytest.param(("--on-existing-key", "Keep"), 2, "ok", id="Keep"),
        pytest.param(("--on-existing-key", "Fail"), 2, "problem", id="Fail"),
        pytest.param(("--on-existing-key", "Override", "--exclude", "/debug/*"), 3, "ok", id="excluded"),
        pytest.param(("--prefix", "/none"), 0, "warning", id="nothing there"),
    ],
)
def test_how_many_would_change(desk: Desk, options: tuple[str, ...], changes: int, level: str) -> None:
    """The options count as they do for a plan, from the listing alone."""
    found = checks(desk, *options)["log_groups"]

    assert (found["figures"]["changes"], found["level"]) == (changes, level)
    assert "ListTagsForResource" not in desk.aws.calls


def test_more_than_an_hour(desk: Desk) -> None:
    """It is a problem for a stack: apply first."""
    for number in range(18_001):
        desk.holds(f"/many/{number}")

    found = checks(desk, "--prefix", "/many/")["log_groups"]

    assert (found["level"], found["figures"]["seconds"]) == ("problem", 3_601)
    assert found["remedy"].startswith("apply")


def test_odd_names(desk: Desk) -> None:
    """They are named as such only where they would change."""
    desk.holds("/odd#1")
    desk.holds("/odd#2", KEY)

    assert checks(desk)["names"]["figures"] == {"reserved": 1, "odd": 1}
    assert checks(desk)["names"]["level"] == "warning"
    assert checks(desk, "--exclude", "*#*")["names"]["level"] == "ok"


def test_the_calls_that_a_change_costs(desk: Desk) -> None:
    """The figure behind the estimate is the fleet's own: the plan before `apply` reads each once more."""
    desk.aws.log_groups.clear()
    for number in range(100):
        desk.holds(f"/many/{number:03}", BEFORE)
    desk.run(*APPLY, "--yes", AS_JSON)
    calls = Counter(desk.aws.calls)
    calls["ListTagsForResource"] -= 100

    assert {call: round(calls[call] / 100) for call in CALLS_A_CHANGE} == CALLS_A_CHANGE


def test_what_the_provider_protects(desk: Desk) -> None:
    """The names are told, and what they cover counts as no change."""
    desk.surroundings.deployed = Provider(ROLE, "s", "1.0.0", ("/aws/lambda/*", "/vault"))

    found = checks(desk, "--on-existing-key", "Override")

    assert "it never touches /aws/lambda/*, /vault" in found["provider"]["answer"]
    assert found["log_groups"]["figures"]["changes"] == 2
    desk.surroundings.deployed = Provider(ROLE, "s", "1.0.0")
    assert checks(desk, "--on-existing-key", "Override")["log_groups"]["figures"]["changes"] == 4


def test_a_provider_that_may_not_be_looked_at_protects_nothing_that_is_known(desk: Desk) -> None:
    """The counts are told all the same."""
    desk.surroundings.denied["provider"] = "lambda:GetFunctionConfiguration"

    assert checks(desk)["log_groups"]["figures"]["changes"] == 2
