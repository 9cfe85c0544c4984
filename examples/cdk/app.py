# ruff: noqa: INP001 - a program of an example, not a package
"""A CDK construct for `Custom::LogGroupKmsAssociation`, and an app with it. Copy the construct into your own app.

The provider is deployed to the account and Region already, by `sam deploy` or as part of a landing zone. To deploy this
app: `pip install aws-cdk-lib`, and `npx cdk deploy --app "python app.py"`. CDK needs node.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import App, Aws, CustomResource, Duration, Fn, RemovalPolicy, Stack
from aws_cdk.aws_iam import AnyPrincipal, PolicyStatement, ServicePrincipal
from aws_cdk.aws_kms import IKey, Key
from constructs import Construct

if TYPE_CHECKING:
    from collections.abc import Sequence

#: The export of the provider's stack.
SERVICE_TOKEN = "LogGroupKmsAssociation-ServiceToken"  # noqa: S105 - a name


class LogGroupKmsAssociation(Construct):
    """One log group, a fleet of them, or all query results, under a KMS key.

    Args:
        kms_key: the key. Its policy has to let CloudWatch Logs use it.
        log_group_name: one log group,
        log_group_name_prefix: or every one whose name begins so,
        resource_identifier: or an ARN: of a log group, or of all query results.
        exclude_log_group_names: names that a fleet leaves alone, with `*`.
        options: any other property, as it is called in a template: `OnDelete="Retain"`.
    """

    def __init__(  # noqa: PLR0913 - the properties of the resource
        self,
        scope: Construct,
        construct_id: str,
        *,
        kms_key: IKey,
        log_group_name: str | None = None,
        log_group_name_prefix: str | None = None,
        resource_identifier: str | None = None,
        exclude_log_group_names: Sequence[str] = (),
        **options: str | int,
    ) -> None:
        super().__init__(scope, construct_id)
        properties: dict[str, Any] = {
            "KmsKeyId": kms_key.key_arn,
            "LogGroupName": log_group_name,
            "LogGroupNamePrefix": log_group_name_prefix,
            "ResourceIdentifier": resource_identifier,
            "ExcludeLogGroupNames": list(exclude_log_group_names) or None,
            **options,
        }
        self.resource = CustomResource(
            self,
            "Resource",
            resource_type="Custom::LogGroupKmsAssociation",
            service_token=Fn.import_value(SERVICE_TOKEN),
            # Without any, CloudFormation would wait an hour for an answer that is lost. A fleet may need that hour.
            service_timeout=Duration.seconds(3600 if log_group_name_prefix else 900),
            properties={name: value for name, value in properties.items() if value is not None},
        )

    @property
    def arn(self) -> str:
        """What is associated."""
        return self.resource.ref

    @property
    def kms_key_arn(self) -> str:
        """The key in force."""
        return self.resource.get_att_string("KmsKeyArn")


# --- An app with it ---------------------------------------------------------------------------------------------------

_USE = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"]


def logs_key(scope: Construct) -> Key:
    """A key that CloudWatch Logs may use, and the account's principals through it."""
    service = f"logs.{Aws.REGION}.{Aws.URL_SUFFIX}"
    logs = f"arn:{Aws.PARTITION}:logs:{Aws.REGION}:{Aws.ACCOUNT_ID}"
    # What was ingested under it can be read only with it: it outlives the stack.
    key = Key(
        scope,
        "LogsKey",
        alias="alias/orders-logs",
        enable_key_rotation=True,
        removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    )
    through_logs = {"kms:ViaService": service, "kms:CallerAccount": Aws.ACCOUNT_ID}
    for principal, conditions in (
        (ServicePrincipal(service), {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": f"{logs}:log-group:*"}}),
        (
            ServicePrincipal(service),
            {
                "ArnEquals": {"aws:SourceArn": f"{logs}:query-result:*"},
                "StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID},
            },
        ),
        (AnyPrincipal(), {"StringEquals": through_logs}),
    ):
        key.add_to_resource_policy(
            PolicyStatement(principals=[principal], actions=_USE, resources=["*"], conditions=conditions)
        )
    return key


class Orders(Stack):
    """The logs of an application."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        key = logs_key(self)
        LogGroupKmsAssociation(
            self, "Function", kms_key=key, log_group_name="/aws/lambda/orders", OnMissingLogGroup="Create"
        )
        LogGroupKmsAssociation(
            self,
            "Builds",
            kms_key=key,
            log_group_name_prefix="/aws/codebuild/orders-",
            exclude_log_group_names=["*-scratch"],
            OnDelete="Retain",
        )
        LogGroupKmsAssociation(
            self,
            "QueryResults",
            kms_key=key,
            resource_identifier=f"arn:{Aws.PARTITION}:logs:{Aws.REGION}:{Aws.ACCOUNT_ID}:query-result:*",
        )


app = App()
Orders(app, "orders-logs")
app.synth()
