"""The port `Surroundings` on CloudFormation, Lambda, KMS, IAM, CloudTrail and CloudWatch; reading only."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from log_group_kms.aws.error_codes import translated_errors
from log_group_kms.model.errors import NotFound
from log_group_kms.model.surroundings import CentralizationRule, Provider, Trail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from log_group_kms.model.keys import KeyArn

#: Of `template.yaml`; they never change.
_EXPORT: Final = "LogGroupKmsAssociation-ServiceToken"
_FUNCTION: Final = "log-group-kms-association"
_PROTECTED: Final = "PROTECTED_LOG_GROUP_NAMES"
_VERSION: Final = "Version"


class AwsSurroundings:
    """The port `Surroundings`.

    Args:
        client: returns a service's client; None where this botocore does not know the service.
        identity: returns the ARN that STS calls the caller by.
    """

    def __init__(self, client: Callable[[str], Any], identity: Callable[[], str]) -> None:
        self._client = client
        self._identity = identity

    def provider(self) -> Provider | None:
        """See `Surroundings`."""
        try:
            with translated_errors("GetFunctionConfiguration", None):
                found = self._client("lambda").get_function_configuration(FunctionName=_FUNCTION)
        except NotFound:
            return None
        with translated_errors("ListExports", None):
            exports = self._all("cloudformation", "list_exports", "Exports")
            stack = next((each["ExportingStackId"] for each in exports if each["Name"] == _EXPORT), "")
        variables = found.get("Environment", {}).get("Variables", {})
        protected = tuple(filter(None, variables.get(_PROTECTED, "").split(",")))
        return Provider(found["Role"], stack, self._version(stack) if stack else "", protected)

    def _version(self, stack: str) -> str:
        with translated_errors("DescribeStacks", None):
            (found,) = self._client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
        outputs = {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])}
        return str(outputs.get(_VERSION, ""))

    def key_policy(self, key: KeyArn) -> Mapping[str, Any]:
        """See `Surroundings`."""
        with translated_errors("GetKeyPolicy", None, key):
            policy: Mapping[str, Any] = json.loads(self._client("kms").get_key_policy(KeyId=key.text)["Policy"])
        return policy

    def caller(self) -> str:
        """See `Surroundings`. IAM knows a role by its path, which STS does not tell."""
        arn = self._identity()
        if ":assumed-role/" not in arn:
            return arn
        with translated_errors("GetRole", None):
            found = self._client("iam").get_role(RoleName=arn.split("/")[1])
        role: str = found["Role"]["Arn"]
        return role

    def not_allowed(
        self, principal: str, actions: Sequence[str], resource: str, context: Mapping[str, Sequence[str]]
    ) -> tuple[str, ...]:
        """See `Surroundings`."""
        entries = [
            {
                "ContextKeyName": name,
                "ContextKeyType": "stringList" if len(values) > 1 else "string",
                "ContextKeyValues": list(values),
            }
            for name, values in context.items()
        ]
        with translated_errors("SimulatePrincipalPolicy", None):
            results = list(
                self._all(
                    "iam",
                    "simulate_principal_policy",
                    "EvaluationResults",
                    PolicySourceArn=principal,
                    ActionNames=list(actions),
                    ResourceArns=[resource],
                    ContextEntries=entries,
                )
            )
        return tuple(each["EvalActionName"] for each in results if each["EvalDecision"] != "allowed")

    def trails(self, region: str) -> tuple[Trail, ...]:
        """See `Surroundings`."""
        with translated_errors("DescribeTrails", None):
            found = self._client("cloudtrail").describe_trails(includeShadowTrails=True)["trailList"]
        here = [each for each in found if each.get("IsMultiRegionTrail") or each.get("HomeRegion") == region]
        return tuple(self._trail(each["Name"], each["TrailARN"]) for each in here)

    def _trail(self, name: str, arn: str) -> Trail:
        with translated_errors("GetTrailStatus", None):
            logging = self._client("cloudtrail").get_trail_status(Name=arn)["IsLogging"]
        with translated_errors("GetEventSelectors", None):
            found = self._client("cloudtrail").get_event_selectors(TrailName=arn)
        return Trail(name, logging, _selects_management_writes(found))

    def centralization(self) -> tuple[CentralizationRule, ...] | None:
        """See `Surroundings`."""
        client = self._client("observabilityadmin")
        if not hasattr(client, "list_centralization_rules_for_organization"):
            return None
        with translated_errors("ListCentralizationRulesForOrganization", None):
            pages = self._all(
                "observabilityadmin",
                "list_centralization_rules_for_organization",
                "CentralizationRuleSummaries",
                AllRegions=True,
            )
            names = [each["RuleName"] for each in pages]
        return tuple(self._rule(client, name) for name in names)

    def _rule(self, client: Any, name: str) -> CentralizationRule:
        with translated_errors("GetCentralizationRuleForOrganization", None):
            found = client.get_centralization_rule_for_organization(RuleIdentifier=name)
        source = found["CentralizationRule"]["Source"]
        # A rule for metrics alone has none.
        logs = source.get("SourceLogsConfiguration")
        skips = logs is not None and logs.get("EncryptedLogGroupStrategy", "SKIP") == "SKIP"
        return CentralizationRule(name, tuple(source["Regions"]), skips)

    def _all(self, service: str, operation: str, what: str, **parameters: Any) -> Iterator[Any]:
        for page in self._client(service).get_paginator(operation).paginate(**parameters):
            yield from page[what]


def _selects_management_writes(selectors: Mapping[str, Any]) -> bool:
    """Return whether selectors of either form take management events that change something."""
    plain = (
        each.get("IncludeManagementEvents", True) and each.get("ReadWriteType", "All") != "ReadOnly"
        for each in selectors.get("EventSelectors", [])
    )
    advanced = (
        {field["Field"]: field.get("Equals", []) for field in each["FieldSelectors"]}
        for each in selectors.get("AdvancedEventSelectors", [])
    )
    return any(plain) or any(
        "Management" in fields.get("eventCategory", []) and "true" not in fields.get("readOnly", [])
        for fields in advanced
    )
