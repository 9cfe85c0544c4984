"""The IAM actions that the calls need."""

from __future__ import annotations

import botocore.session
import pytest

from log_group_kms.aws.permissions import ACTIONS, ENROLMENT_ACTIONS

#: What CloudWatch Logs does with the key on the caller's behalf.
ON_BEHALF = {"kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"}


@pytest.mark.parametrize("action", sorted((ACTIONS | ENROLMENT_ACTIONS) - ON_BEHALF))
def test_every_action_is_one_operation(action: str) -> None:
    """AWS has an operation of this name, so no action is misspelt."""
    service, _, operation = action.partition(":")
    name = {"InvokeFunction": "Invoke"}.get(operation, operation)

    assert name in botocore.session.get_session().get_service_model(service).operation_names


def test_the_enrolment_meets_log_groups_that_are_there() -> None:
    """It creates none, lists none by their tags, and looks whether its fleet's rule is there."""
    assert {"logs:CreateLogGroup", "logs:ListLogGroups", "events:DescribeRule"} == ENROLMENT_ACTIONS ^ ACTIONS
