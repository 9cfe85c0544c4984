"""The enrolment's function, its rules, queue and role."""

import json
from typing import Final

import pytest
from support.template import CHINA, TEMPLATE, Resolver, actions, as_list, load, needs, plain_form, policies, statements
from unit.templates.names import LOGS, NAME, resolved

from log_group_kms.aws import permissions
from log_group_kms.fleet.rounds import MOST_ROUNDS
from log_group_kms.handlers import batch


class TestEnrolment:
    ROLE: Final = "EnrolmentRole"
    KEYS: Final = "arn:aws-cn:kms:cn-north-1:111122223333:key/*"
    RULE_ARN: Final = "arn:aws-cn:events:cn-north-1:111122223333:rule/"
    RULES: Final = ("EnrolmentRule", "ReconcileRule")
    DEAD_LETTERS: Final = {"Fn::GetAtt": ["EnrolmentDeadLetterQueue", "Arn"]}

    def test_is_the_providers_code_under_another_handler(self) -> None:
        """It has the provider's package, runtime, time and memory, and a fixed name of its own."""
        resources = load(TEMPLATE)["Resources"]
        provider, own = (resources[f"{name}Function"]["Properties"] for name in ("Provider", "Enrolment"))
        same = ("CodeUri", "Runtime", "Architectures", "MemorySize", "Timeout")

        assert (own["FunctionName"], own["Handler"]) == (
            f"{NAME}-enrolment",
            "log_group_kms.handlers.enrolment.handler",
        )
        assert {name: own[name] for name in same} == {name: provider[name] for name in same}

    def test_works_for_the_fleet(self) -> None:
        """It is told whose name to claim in, and the fleet's own properties."""
        fleet, own = (
            resolved(name, FleetKmsKeyId="alias/logs", FleetExcludeLogGroupNames="/a,/b*")
            for name in ("Fleet", "EnrolmentFunction")
        )
        told = own["Environment"]["Variables"]

        assert (told["FLEET_STACK_ID"], told["FLEET_LOGICAL_ID"]) == (CHINA["AWS::StackId"], "Fleet")
        assert (told["KMS_KEY_ID"], told["ON_EXISTING_KEY"]) == (fleet["KmsKeyId"], fleet["OnExistingKey"])
        assert told["LOG_GROUP_NAME_PREFIX"] == fleet["LogGroupNamePrefix"]
        assert (told["EXCLUDE_LOG_GROUP_NAMES"], fleet["ExcludeLogGroupNames"]) == ("/a,/b*", ["/a", "/b*"])

    def test_keeps_to_the_same_quota_as_the_provider(self) -> None:
        """Both pace by the one parameter, which is AWS's own quota unless someone says otherwise."""
        paces = [
            resolved(f"{name}Function")["Environment"]["Variables"]["ASSOCIATIONS_PER_SECOND"]
            for name in ("Provider", "Enrolment")
        ]

        assert paces == [5, 5]

    def test_hears_of_log_groups_that_were_created_or_changed(self) -> None:
        """The rule matches calls as CloudTrail tells them, and none that failed; which, `test_drift_rule` tries."""
        pattern = resolved("EnrolmentRule")["EventPattern"]
        heard = pattern["detail"].pop("$or")

        assert pattern == {
            "source": ["aws.logs"],
            "detail-type": ["AWS API Call via CloudTrail"],
            "detail": {"eventSource": ["logs.amazonaws.com"], "errorCode": [{"exists": False}]},
        }
        assert heard[0] == {"eventName": ["CreateLogGroup"]}
        assert [list(one) for one in heard[1:]] == [["eventName", "userIdentity"]] * 3

    def test_is_told_when_to_stop(self) -> None:
        """It gives way to another tool after as many rounds as the parameter says, three where nobody says."""
        variables = [
            resolved("EnrolmentFunction", **given)["Environment"]["Variables"]
            for given in ({}, {"DriftRoundsPerHour": "5"})
        ]

        assert [each["DRIFT_ROUNDS"] for each in variables] == [MOST_ROUNDS, "5"]

    def test_reconciles_on_schedule(self) -> None:
        """The schedule's default is once a day, and its event says that it reconciles."""
        rule = resolved("ReconcileRule")
        (target,) = rule["Targets"]

        assert rule["ScheduleExpression"] == "rate(1 day)"
        assert json.loads(target["Input"]) == {"Reconcile": True}

    def test_is_invoked_by_its_schedule_alone(self) -> None:
        """EventBridge may invoke it for this rule, and is allowed to before there is an event."""
        name = resolved("ReconcileRule")["Name"]
        (target,) = resolved("ReconcileRule")["Targets"]

        assert target["Arn"] == {"Fn::GetAtt": ["EnrolmentFunction", "Arn"]}
        assert resolved("ReconcilePermission") == {
            "Action": "lambda:InvokeFunction",
            "FunctionName": {"Ref": "EnrolmentFunction"},
            "Principal": "events.amazonaws.com",
            "SourceArn": self.RULE_ARN + name,
        }
        assert "ReconcilePermission" in needs(plain_form()["Resources"], "ReconcileRule")
        permissions_ = [one for one in load(TEMPLATE)["Resources"].values() if one["Type"] == "AWS::Lambda::Permission"]
        assert len(permissions_) == 1

    def test_takes_new_log_groups_from_the_queue_by_two_executions(self) -> None:
        """The rule fills the queue, and the mapping empties it: ten at once, each of which may fail for itself."""
        (target,) = resolved("EnrolmentRule")["Targets"]
        queue = {"Fn::GetAtt": ["EnrolmentQueue", "Arn"]}

        assert target["Arn"] == queue
        assert resolved("EnrolmentMapping") == {
            "FunctionName": {"Ref": "EnrolmentFunction"},
            "EventSourceArn": queue,
            "BatchSize": 10,
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
            "ScalingConfig": {"MaximumConcurrency": batch.EXECUTIONS},
        }
        own = resolved("EnrolmentFunction")["Environment"]["Variables"]["ENROLMENT_QUEUE_URL"]
        assert own == {"Ref": "EnrolmentQueue"}

    def test_waits_in_the_queue_for_longer_than_it_may_run(self) -> None:
        """Lambda asks for six times the function's time; a message that is never worked off outlives its retries."""
        queue = resolved("EnrolmentQueue")
        timeout = resolved("EnrolmentFunction")["Timeout"]
        retries = sum(batch.pause(number) for number in range(1, batch.MOST_RECEIVES))

        assert queue["VisibilityTimeout"] == 6 * timeout
        assert queue["RedrivePolicy"] == {
            "deadLetterTargetArn": self.DEAD_LETTERS,
            "maxReceiveCount": batch.MOST_RECEIVES,
        }
        assert retries == 3600
        assert queue["MessageRetentionPeriod"] > batch.MOST_RECEIVES * queue["VisibilityTimeout"]
        assert queue["MessageRetentionPeriod"] < resolved("EnrolmentDeadLetterQueue")["MessageRetentionPeriod"]

    @pytest.mark.parametrize("rule", RULES)
    def test_loses_no_event(self, rule: str) -> None:
        """The dead-letter queue keeps what Lambda gives up, and what EventBridge could not deliver."""
        kept = resolved("EnrolmentFunctionEventInvokeConfig")
        (target,) = resolved(rule)["Targets"]

        assert kept["DestinationConfig"] == {"OnFailure": {"Destination": self.DEAD_LETTERS}}
        assert (kept["MaximumRetryAttempts"], kept["MaximumEventAgeInSeconds"]) == (2, 21600)
        assert target["DeadLetterConfig"] == {"Arn": self.DEAD_LETTERS}
        assert "EnrolmentDeadLetterQueuePolicy" in needs(plain_form()["Resources"], rule)

    def test_may_be_told_before_there_is_an_event(self) -> None:
        """The queue's policy is there before the rule; the mapping goes after the fleet."""
        resources = plain_form()["Resources"]

        assert "EnrolmentQueuePolicy" in needs(resources, "EnrolmentRule")
        assert "EnrolmentMapping" in needs(resources, "Fleet")

    @pytest.mark.parametrize(
        ("queue", "rules"),
        [
            pytest.param("EnrolmentQueue", ("EnrolmentRule",), id="queue"),
            pytest.param("EnrolmentDeadLetterQueue", RULES, id="dead letters"),
        ],
    )
    def test_keeps_its_queues_to_itself(self, queue: str, rules: tuple[str, ...]) -> None:
        """Each is encrypted, takes messages of its rules alone beside its own role's, and none in plain text."""
        keep, refuse = resolved(f"{queue}Policy")["PolicyDocument"]["Statement"]
        sources = as_list(keep["Condition"].pop("ArnEquals")["aws:SourceArn"])

        assert resolved(queue)["SqsManagedSseEnabled"] is True
        assert sources == [self.RULE_ARN + resolved(rule)["Name"] for rule in rules]
        assert (keep["Effect"], keep["Action"], keep["Condition"]) == ("Allow", "sqs:SendMessage", {})
        assert keep["Principal"] == {"Service": "events.amazonaws.com"}
        assert (refuse["Effect"], refuse["Principal"], refuse["Action"]) == ("Deny", "*", "sqs:*")
        assert refuse["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        assert {one["Resource"]["Fn::GetAtt"][0] for one in (keep, refuse)} == {queue}

    def test_keeps_what_failed_for_two_weeks(self) -> None:
        """That is the longest there is."""
        assert resolved("EnrolmentDeadLetterQueue")["MessageRetentionPeriod"] == 14 * 24 * 3600

    def test_raises_an_alarm_for_what_failed(self) -> None:
        """One message is enough; the topic of the responder's alarm hears of it."""
        topic = "arn:aws-cn:sns:cn-north-1:111122223333:alarms"
        alarm, responders = (resolved(f"{name}Alarm", AlarmTopicArn=topic) for name in ("Enrolment", "Responder"))
        metric = (alarm["Namespace"], alarm["MetricName"], alarm["Statistic"], alarm["Dimensions"])

        assert metric == (
            "AWS/SQS",
            "ApproximateNumberOfMessagesVisible",
            "Maximum",
            [{"Name": "QueueName", "Value": {"Fn::GetAtt": ["EnrolmentDeadLetterQueue", "QueueName"]}}],
        )
        assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("GreaterThanThreshold", 0)
        assert alarm["TreatMissingData"] == "notBreaching"
        assert alarm["AlarmActions"] == responders["AlarmActions"] == [topic]

    def test_keeps_its_log_as_the_provider_does(self) -> None:
        """It is kept as long and encrypted as well, under a name of its own."""
        resources = load(TEMPLATE)["Resources"]
        provider, own = (resources[f"{name}LogGroup"] for name in ("Provider", "Enrolment"))
        names = [Resolver(CHINA)(each["Properties"].pop("LogGroupName")) for each in (provider, own)]

        assert own == provider | {"Condition": "HasFleet"}
        assert names == [f"/aws/lambda/{NAME}-5c9f1e20", f"/aws/lambda/{NAME}-enrolment-5c9f1e20"]

    def test_may_do_what_the_provider_may_but_create_log_groups(self) -> None:
        """It meets only log groups that are there."""
        granted = actions("associations", self.ROLE)

        assert sorted(granted) == sorted(permissions.ENROLMENT_ACTIONS)
        assert set(granted) - permissions.ACTIONS == {"events:DescribeRule"}
        assert permissions.ACTIONS - set(granted) == {"logs:CreateLogGroup", "logs:ListLogGroups"}

    @pytest.mark.parametrize(
        ("sid", "resources"),
        [
            ("FindLogGroups", [f"{LOGS}:log-group:*"]),
            ("ReadOwner", [f"{LOGS}:log-group:*"]),
            ("ClaimAndRelease", [f"{LOGS}:log-group:*"]),
            ("ReadAndClaimByName", [f"{LOGS}:log-group:*#*"]),
            ("SeeWhetherAnOwnerIsThere", ["arn:aws-cn:cloudformation:cn-north-1:111122223333:stack/*"]),
            ("AssociateAndDisassociate", [f"{LOGS}:log-group:*"]),
            ("LookAtKey", [KEYS]),
            ("UseKeyForLogsOnly", [KEYS]),
            ("GoOnInAFurtherInvocation", [f"arn:aws-cn:lambda:cn-north-1:111122223333:function:{NAME}-enrolment"]),
            ("SeeWhetherTheFleetIsThere", [f"arn:aws-cn:events:cn-north-1:111122223333:rule/{NAME}-enrolment"]),
        ],
    )
    def test_stays_in_its_partition_region_and_account(self, sid: str, resources: list[str]) -> None:
        """Each statement names the narrowest resources that AWS checks it on: query results are not among them."""
        assert as_list(statements("associations", self.ROLE)[sid]["Resource"]) == resources

    def test_has_no_statement_that_another_test_overlooks(self) -> None:
        """Every statement is one of the table above."""
        assert len(statements("associations", self.ROLE)) == 10

    @pytest.mark.parametrize("sid", ["ClaimAndRelease", "LookAtKey", "UseKeyForLogsOnly"])
    def test_is_bound_as_the_provider_is(self, sid: str) -> None:
        """The role is bound to the same tags and keys, and to the keys through CloudWatch Logs alone."""
        keys = "arn:aws-cn:kms:cn-north-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab"
        provider, own = (statements("associations", role, KmsKeyArns=keys)[sid] for role in ("ProviderRole", self.ROLE))

        assert own == provider

    def test_writes_its_own_log_and_its_own_queues_alone(self) -> None:
        """Lambda takes messages and sends what failed in the role's name; the role has no other policy."""
        names = [policy["PolicyName"] for policy in policies(self.ROLE)]
        own_log = statements("own-log", self.ROLE)["WriteOwnLog"]
        last_word = statements("last-word", self.ROLE)["HandFailuresOver"]

        queue = statements("queue", self.ROLE)["TakeEventsFromTheQueue"]

        assert names == ["own-log", "associations", "protected", "queue", "last-word"]
        assert queue["Action"] == [
            "sqs:ReceiveMessage",
            "sqs:DeleteMessage",
            "sqs:GetQueueAttributes",
            "sqs:ChangeMessageVisibility",
        ]
        assert queue["Resource"] == {"Fn::GetAtt": ["EnrolmentQueue", "Arn"]}
        assert own_log["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]
        assert own_log["Resource"] == {"Fn::GetAtt": ["EnrolmentLogGroup", "Arn"]}
        assert last_word["Action"] == "sqs:SendMessage"
        assert last_word["Resource"] == self.DEAD_LETTERS
