"""The IAM actions that the calls to AWS need; a test compares the templates with them."""

from __future__ import annotations

from typing import Final

#: What the provider's role must be allowed. CloudWatch Logs checks the caller's KMS permissions in AssociateKmsKey
#: (and in CreateLogGroup with a key) on the caller's behalf, hence through kms:ViaService
#: (landing-zone-accelerator#768).
ACTIONS: Final = frozenset(
    {
        "cloudformation:DescribeStacks",
        "kms:Decrypt",
        "kms:DescribeKey",
        "kms:Encrypt",
        "kms:GenerateDataKey*",
        "kms:ReEncrypt*",
        "lambda:InvokeFunction",
        "logs:AssociateKmsKey",
        "logs:CreateLogGroup",
        "logs:DescribeLogGroups",
        "logs:DisassociateKmsKey",
        "logs:ListLogGroups",
        "logs:ListTagsForResource",
        "logs:ListTagsLogGroup",
        "logs:TagLogGroup",
        "logs:TagResource",
        "logs:UntagLogGroup",
        "logs:UntagResource",
    }
)

#: What an explicit resource and a fleet's events alone ask for.
_NOT_ENROLMENTS: Final = frozenset({"logs:CreateLogGroup", "logs:ListLogGroups"})
#: What the enrolment's role must be allowed.
ENROLMENT_ACTIONS: Final = (ACTIONS - _NOT_ENROLMENTS) | {"events:DescribeRule"}
