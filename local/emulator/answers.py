"""The refusals of AWS: code, message and HTTP status, word for word where a source has them.

One table for both sides: the embedded AWS refuses with it, and tests script faults with it. The sources are the issues
that the words were pasted into. A text that no source has is marked so, and nothing may be built on it.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refusal as it goes over the wire."""

    code: str
    message: str
    status: int = 400


class RefusedError(Exception):
    """A refusal on its way to the caller, inside the embedded AWS."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


#: terraform-provider-aws#26173 and many others.
NO_SUCH_LOG_GROUP = Refusal("ResourceNotFoundException", "The specified log group does not exist.")

#: serverless#4767 and many others: no name in it.
LOG_GROUP_EXISTS = Refusal("ResourceAlreadyExistsException", "The specified log group already exists")

#: landing-zone-accelerator-on-aws#751.
RESERVED_LOG_GROUP = Refusal("InvalidParameterException", "Log groups starting with AWS/ are reserved for AWS.")

#: aws-cdk#15709.
OPERATION_ABORTED = Refusal(
    "OperationAbortedException",
    "A conflicting operation is currently in progress against this resource. Please try again.",
)

#: aws-cdk#26837.
RATE_EXCEEDED = Refusal("ThrottlingException", "Rate exceeded")

#: The text is not known; the model says HTTP 500.
UNAVAILABLE = Refusal("ServiceUnavailableException", "The service cannot complete the request.", status=500)

#: The text is not known. The model documents "exactly one of the two" in prose only.
ONE_TARGET_ONLY = Refusal(
    "InvalidParameterException", "Exactly one of logGroupName and resourceIdentifier must be specified."
)

#: boto3#1467, of FilterLogEvents.
INVALID_TOKEN = Refusal("InvalidParameterException", "The specified nextToken is invalid.")

#: The model's own words for the code of TagResource; AWS's text is not known.
TOO_MANY_TAGS = Refusal("TooManyTagsException", "A resource can have no more than 50 tags.")

#: The model of TagLogGroup has no other code that would fit; the text is not known.
TOO_MANY_TAGS_BY_NAME = Refusal("InvalidParameterException", "A resource can have no more than 50 tags.")

#: boto3#4104, datadog-serverless-functions#824, cloud-nuke#1150: of a log group's ARN with `:*`.
INVALID_RESOURCE_ARN = Refusal("ValidationException", "Invalid resourceArn")


def key_denied(target_arn: str) -> Refusal:
    """The key's policy does not let the logs service use it for *target_arn*, or there is no such key.

    terraform-provider-aws#29282, aws-cdk#28304.
    """
    return Refusal(
        "AccessDeniedException",
        f"The specified KMS key does not exist or is not allowed to be used with Arn '{target_arn}'",
    )


def key_not_found(key_id: str) -> Refusal:
    """The given key is a bare id, an alias or anything else but the ARN of a key that could be meant.

    terraform-provider-aws#25258, #38518.
    """
    return Refusal("InvalidParameterException", f"The specified KMS Key Id could not be found. '{key_id}'")


def key_unusable(key_arn: str) -> Refusal:
    """The key is disabled, about to be deleted, or not a symmetric encryption key.

    The API reference names the code. The text is not known: it is one for all, so that nobody tells them apart by it.
    """
    return Refusal("InvalidParameterException", f"The specified KMS key cannot be used for encryption. '{key_arn}'")


def not_authorized(caller: str, action: str, resource: str) -> Refusal:
    """The caller's own policies do not allow *action*; landing-zone-accelerator-on-aws#768 for `kms:Encrypt`."""
    return Refusal(
        "AccessDeniedException",
        f"User: {caller} is not authorized to perform: {action} on resource: {resource}"
        f" because no identity-based policy allows the {action} action",
    )


def not_authorized_to_tag(account: str) -> Refusal:
    """The caller may create log groups, and not tag them.

    aws-parallelcluster#4580, DataDog/cloudformation-template#61.
    """
    return Refusal(
        "AccessDeniedException",
        f"User with accountId: {account} is not authorized to perform CreateLogGroup with Tags."
        ' An additional permission "logs:TagResource" is required.',
    )


def denied_to_all(caller: str, action: str, resource: str) -> Refusal:
    """A service control policy denies it; the IAM user guide, "Troubleshoot access denied error messages"."""
    return Refusal(
        "AccessDeniedException",
        f"User: {caller} is not authorized to perform: {action} on resource: {resource}"
        " with an explicit deny in a service control policy",
    )


def malformed(member: str, value: str, pattern: str) -> Refusal:
    """A parameter does not fit the service model's pattern: AWS's usual sentence for it."""
    return Refusal(
        "InvalidParameterException",
        f"1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint:"
        f" Member must satisfy regular expression pattern: {pattern}",
    )


def too_great(member: str, value: str, most: int) -> Refusal:
    """A number is above the service model's maximum: AWS's usual sentence for it."""
    return Refusal(
        "InvalidParameterException",
        f"1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint:"
        f" Member must have value less than or equal to {most}",
    )


def too_many(member: str, most: int) -> Refusal:
    """A list or a map has more members than the service model allows: AWS's usual sentence, without the value."""
    return Refusal(
        "InvalidParameterException",
        f"1 validation error detected: Value at '{member}' failed to satisfy constraint:"
        f" Member must have length less than or equal to {most}",
    )


def not_here(arn: str) -> Refusal:
    """An ARN of another service, account or Region; the text is not known."""
    return Refusal("InvalidParameterException", f"The specified resource identifier is not valid here. '{arn}'")
