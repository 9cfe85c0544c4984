"""The queue in which events wait, and the waker that hands them back."""

from typing import Any, Final

import pytest
from support.template import CHINA, TEMPLATE, Resolver, actions, load, needs, plain_form, statements
from unit.templates.names import NAME, resolved

from log_group_kms.lifecycle import event


class TestWaits:
    QUEUE: Final = {"Fn::GetAtt": ["WaitQueue", "Arn"]}

    def test_hold_an_event_no_longer_than_somebody_waits_for_it(self) -> None:
        """Its ResponseURL is a credential: it is encrypted, and gone when CloudFormation has given up."""
        assert resolved("WaitQueue") == {
            "MessageRetentionPeriod": 3600,
            "VisibilityTimeout": 6 * resolved("WakerFunction")["Timeout"],
            "SqsManagedSseEnabled": True,
        }

    @pytest.mark.parametrize(
        ("sid", "action", "role"),
        [
            pytest.param("OnlyTheProviderSends", "sqs:SendMessage", "ProviderRole", id="send"),
            pytest.param("OnlyTheWakerReads", "sqs:ReceiveMessage", "WakerRole", id="receive"),
        ],
    )
    def test_are_closed_to_everybody_else(self, sid: str, action: str, role: str) -> None:
        """A Deny, so that no policy of somebody's own opens it: who sends invokes, and who reads can answer."""
        denied = {one["Sid"]: one for one in resolved("WaitQueuePolicy")["PolicyDocument"]["Statement"]}

        assert denied[sid] == {
            "Sid": sid,
            "Effect": "Deny",
            "Principal": "*",
            "Action": action,
            "Resource": self.QUEUE,
            "Condition": {"ArnNotEquals": {"aws:PrincipalArn": {"Fn::GetAtt": [role, "Arn"]}}},
        }

    def test_are_encrypted_in_transit(self) -> None:
        """Nobody sends or reads in plain text."""
        *_, refuse = resolved("WaitQueuePolicy")["PolicyDocument"]["Statement"]

        assert (refuse["Effect"], refuse["Principal"], refuse["Action"]) == ("Deny", "*", "sqs:*")
        assert refuse["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}

    def test_are_the_providers(self) -> None:
        """The provider knows the queue, and may send to it and no more."""
        variables = resolved("ProviderFunction")["Environment"]["Variables"]

        assert variables["WAIT_QUEUE_URL"] == {"Ref": "WaitQueue"}
        assert statements("waits") == {
            "PutEventsOff": {
                "Sid": "PutEventsOff",
                "Effect": "Allow",
                "Action": "sqs:SendMessage",
                "Resource": self.QUEUE,
            }
        }

    def test_leave_time_for_the_way_back(self) -> None:
        """Once more after a failure, and still before ServiceTimeout is over."""
        assert resolved("WaitQueue")["VisibilityTimeout"] + 2 * event.LAST_LOOK < event.WAY_BACK


class TestWaker:
    def test_has_one_event_at_a_time(self) -> None:
        """What cannot be handed on holds up no other, and comes again."""
        assert resolved("WakerMapping") == {
            "FunctionName": {"Ref": "WakerFunction"},
            "EventSourceArn": {"Fn::GetAtt": ["WaitQueue", "Arn"]},
            "BatchSize": 1,
            "ScalingConfig": {"MaximumConcurrency": 2},
        }

    def test_wakes_nobody_whose_death_would_not_be_answered(self) -> None:
        """The way to the responder is there before it, and goes after it."""
        assert {"ProviderFunctionEventInvokeConfig", "ResponderFunctionEventInvokeConfig", "ResponderRole"} <= needs(
            plain_form()["Resources"], "WakerMapping"
        )

    def test_shares_nothing_with_the_provider_that_could_break_both(self) -> None:
        """Its own code, role and log; the same runtime and architecture."""
        resources = load(TEMPLATE)["Resources"]
        provider, own = (resources[f"{name}Function"]["Properties"] for name in ("Provider", "Waker"))

        assert (own["FunctionName"], own["Handler"]) == (f"{NAME}-waker", "waker.handler")
        assert [own[name] for name in ("Runtime", "Architectures")] == [
            provider[name] for name in ("Runtime", "Architectures")
        ]
        assert own["Role"] == {"Fn::GetAtt": ["WakerRole", "Arn"]}
        assert own["Environment"]["Variables"] == {
            "PROVIDER_FUNCTION": {"Ref": "ProviderFunction"},
            "PROVIDER_LOG_GROUP": {"Ref": "WakerLogGroup"},
        }

    def test_may_read_its_queue_and_invoke_the_provider(self) -> None:
        """And write its own log, and nothing else."""
        policies = load(TEMPLATE)["Resources"]["WakerRole"]["Properties"]["Policies"]
        waits = statements("waits", "WakerRole")

        assert [policy["PolicyName"] for policy in policies] == ["own-log", "waits"]
        assert actions("own-log", "WakerRole") == ["logs:CreateLogStream", "logs:PutLogEvents"]
        assert waits["TakeEventsFromTheQueue"]["Action"] == [
            "sqs:ReceiveMessage",
            "sqs:DeleteMessage",
            "sqs:GetQueueAttributes",
        ]
        assert waits["TakeEventsFromTheQueue"]["Resource"] == {"Fn::GetAtt": ["WaitQueue", "Arn"]}
        assert (waits["InvokeTheProvider"]["Action"], waits["InvokeTheProvider"]["Resource"]) == (
            "lambda:InvokeFunction",
            f"arn:aws-cn:lambda:cn-north-1:111122223333:function:{NAME}",
        )

    def test_keeps_its_log_as_the_provider_does(self) -> None:
        """It is kept as long and encrypted as well, under a name of its own."""
        resources = load(TEMPLATE)["Resources"]
        provider, own = (resources[f"{name}LogGroup"] for name in ("Provider", "Waker"))
        names = [Resolver(CHINA)(each["Properties"].pop("LogGroupName")) for each in (provider, own)]

        assert own == provider
        assert names == [f"/aws/lambda/{NAME}-5c9f1e20", f"/aws/lambda/{NAME}-waker-5c9f1e20"]


class TestConcurrency:
    @pytest.mark.parametrize(
        ("given", "reserved"),
        [pytest.param("", {"Ref": "AWS::NoValue"}, id="by default"), pytest.param("25", "25", id="a limit")],
    )
    def test_of_the_provider_is_limited_on_request(self, given: str, reserved: Any) -> None:
        """A new account has ten executions, of which none can be reserved."""
        function = resolved("ProviderFunction", ProviderReservedConcurrency=given)

        assert function["ReservedConcurrentExecutions"] == reserved
