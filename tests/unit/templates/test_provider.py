"""The provider's function and its role, as the template deploys them."""

from fnmatch import fnmatchcase

import pytest
from support.template import CHINA, PROJECT, TEMPLATE, Resolver, actions, as_list, load, statements
from unit.templates.names import EXPORT, LOGS, NAME

from log_group_kms.aws import permissions
from log_group_kms.model import tags as tag_names


class TestFunction:
    def test_its_name_is_fixed(self) -> None:
        """No ServiceToken can ever change, so the name is the same literal wherever it is deployed."""
        function = load(TEMPLATE)["Resources"]["ProviderFunction"]["Properties"]

        assert function["FunctionName"] == NAME

    def test_fits_into_what_lambda_allows(self) -> None:
        """It waits at most as long as Lambda lets a function run, and an event waits no longer than CloudFormation."""
        function = load(TEMPLATE)["Resources"]["ProviderFunction"]["Properties"]

        assert function["Timeout"] <= 900
        assert function["EventInvokeConfig"]["MaximumEventAgeInSeconds"] <= 3600

    def test_keeps_its_log(self) -> None:
        """Its log outlives it, and under a name that the next deployment does not want."""
        template = load(TEMPLATE)
        log_group = template["Resources"]["ProviderLogGroup"]
        name = Resolver(CHINA)(log_group["Properties"]["LogGroupName"])

        assert (log_group["DeletionPolicy"], log_group["UpdateReplacePolicy"]) == ("Retain", "Retain")
        assert name == f"/aws/lambda/{NAME}-5c9f1e20"

    def test_is_found_by_export_and_by_parameter(self) -> None:
        """The ServiceToken is exported and put into the Parameter Store under the names that users write."""
        template = load(TEMPLATE)
        token = {"Fn::GetAtt": ["ProviderFunction", "Arn"]}
        output = template["Outputs"]["ServiceToken"]
        parameter = template["Resources"]["ServiceTokenParameter"]["Properties"]

        assert (output["Value"], output["Export"]["Name"]) == (token, EXPORT)
        assert (parameter["Value"], parameter["Name"]) == (token, f"/{NAME}/service-token")

    def test_is_the_one_that_sam_local_runs(self) -> None:
        """The template for `sam local` differs in its endpoints of AWS and in the way to its code alone."""
        real = load(TEMPLATE)["Resources"]["ProviderFunction"]["Properties"]
        local = load(PROJECT / "events" / "template.yaml")["Resources"]["ProviderFunction"]["Properties"]
        same = ["FunctionName", "Handler", "Runtime", "MemorySize", "Timeout"]
        own = {name for name in local["Environment"]["Variables"] if name.startswith("AWS_ENDPOINT_URL_")}

        assert {name: local[name] for name in same} == {name: real[name] for name in same}
        assert local["Environment"]["Variables"].keys() - own == real["Environment"]["Variables"].keys()


class TestRole:
    def test_may_do_what_the_code_does_and_nothing_else(self) -> None:
        """The template grants each action that the module of the calls names, once, and no other."""
        granted = actions("associations")

        assert sorted(granted) == sorted(permissions.ACTIONS)

    def test_writes_its_own_log_alone(self) -> None:
        """Writing a log is allowed on the function's own log group only."""
        own_log = statements("own-log")["WriteOwnLog"]

        assert own_log["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]
        assert own_log["Resource"] == {"Fn::GetAtt": ["ProviderLogGroup", "Arn"]}

    @pytest.mark.parametrize(
        ("sid", "resources"),
        [
            ("FindLogGroups", [f"{LOGS}:log-group:*"]),
            ("ReadOwner", [f"{LOGS}:log-group:*"]),
            ("ClaimAndRelease", [f"{LOGS}:log-group:*"]),
            ("ReadAndClaimByName", [f"{LOGS}:log-group:*#*"]),
            ("FindOwnLogGroups", ["*"]),
            ("SeeWhetherAnOwnerIsThere", ["arn:aws-cn:cloudformation:cn-north-1:111122223333:stack/*"]),
            ("CreateEncryptedLogGroup", [f"{LOGS}:log-group:*"]),
            ("AssociateAndDisassociate", [f"{LOGS}:log-group:*", f"{LOGS}:query-result:*"]),
            ("LookAtKey", ["arn:aws-cn:kms:cn-north-1:111122223333:key/*"]),
            ("UseKeyForLogsOnly", ["arn:aws-cn:kms:cn-north-1:111122223333:key/*"]),
            ("GoOnInAFurtherInvocation", [f"arn:aws-cn:lambda:cn-north-1:111122223333:function:{NAME}"]),
        ],
    )
    def test_stays_in_its_partition_region_and_account(self, sid: str, resources: list[str]) -> None:
        """Each statement names the narrowest resources that AWS checks it on, in any partition."""
        assert as_list(statements("associations")[sid]["Resource"]) == resources

    def test_has_no_statement_that_another_test_overlooks(self) -> None:
        """Every statement is one of the table above."""
        assert len(statements("associations")) == 11

    @pytest.mark.parametrize("sid", ["LookAtKey", "UseKeyForLogsOnly"])
    def test_uses_the_keys_it_is_given(self, sid: str) -> None:
        """It may use no other keys than those that the deployer lists."""
        key = "arn:aws-cn:kms:cn-north-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab"
        other = "arn:aws-cn:kms:cn-north-1:111122223333:key/mrk-*"

        for keys in ([key], [key, other]):
            assert statements("associations", KmsKeyArns=",".join(keys))[sid]["Resource"] == keys

    def test_uses_keys_through_cloudwatch_logs_alone(self) -> None:
        """It can neither encrypt nor decrypt anything by itself."""
        condition = statements("associations")["UseKeyForLogsOnly"]["Condition"]

        assert condition == {"StringEquals": {"kms:ViaService": "logs.cn-north-1.amazonaws.com.cn"}}

    def test_writes_its_own_tags_alone(self) -> None:
        """The tags of others are out of its reach."""
        condition = statements("associations")["ClaimAndRelease"]["Condition"]
        own = f"{NAME}:*"

        assert condition == {"ForAllValues:StringLike": {"aws:TagKeys": own}}
        assert all(
            fnmatchcase(tag, own) for tag in (*tag_names.CLAIM_TAGS, tag_names.WORK_TAG, tag_names.CANCELLED_TAG)
        )

    def test_keeps_its_policies_for_its_last_delete(self) -> None:
        """Its policies are inline: one in a resource of its own would be deleted before the Delete that needs it."""
        template = load(TEMPLATE)
        iam = {
            name: resource["Properties"]
            for name, resource in template["Resources"].items()
            if resource["Type"].startswith("AWS::IAM::")
        }

        assert iam.keys() == {"ProviderRole", "ResponderRole", "WakerRole", "EnrolmentRole"}
        assert [name for name, role in iam.items() if "ManagedPolicyArns" in role] == []

    def test_lets_lambda_hand_over_what_failed(self) -> None:
        """Lambda invokes the destination in the role's name; the role may invoke no other function beside its own."""
        assert statements("last-word") == {
            "HandFailuresOver": {
                "Sid": "HandFailuresOver",
                "Effect": "Allow",
                "Action": "lambda:InvokeFunction",
                "Resource": {"Fn::GetAtt": ["ResponderFunction", "Arn"]},
            }
        }
