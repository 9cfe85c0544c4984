"""Log groups that are not like the others: a name with #, another class, all tags used."""

from typing import Final

from acceptance.probe import Answer, Finding, NotRunHereError, probe
from acceptance.stage import Stage

#: AWS's limit.
_MOST_TAGS: Final = 50


@probe()
def hash_name_by_arn(stage: Stage) -> Finding:
    """A log group with # in its name cannot be tagged by its ARN, whose pattern in AWS's model has no #.

    Used in `src/log_group_kms/aws/logs.py:write_claim`, `src/log_group_kms/fleet/triage.py:_may_be_its_own`.
    """
    name = stage.run.log_group("odd/by-arn#1")
    stage.account.logs.create_log_group(logGroupName=name)
    arn = stage.account.log_group_arn(name)
    tagged = Answer.to(lambda: stage.account.logs.tag_resource(resourceArn=arn, tags=stage.run.tags))
    listed = Answer.to(lambda: stage.account.logs.list_tags_for_resource(resourceArn=arn))
    held = not tagged.succeeded and not listed.succeeded
    return Finding.of(held, f"TagResource: {tagged} ListTagsForResource: {listed}")


@probe()
def hash_name_by_name(stage: Stage) -> Finding:
    """A log group with # in its name can be tagged by its name, with TagLogGroup and ListTagsLogGroup.

    Used in `src/log_group_kms/aws/logs.py:write_claim`.
    """
    name = stage.run.log_group("odd/by-name#1")
    stage.account.logs.create_log_group(logGroupName=name)
    tagged = Answer.to(lambda: stage.account.logs.tag_log_group(logGroupName=name, tags=stage.run.tags))
    shown: dict[str, str] = {}
    listed = Answer.to(lambda: shown.update(stage.account.logs.list_tags_log_group(logGroupName=name)["tags"]))
    return Finding.of(shown == stage.run.tags, f"TagLogGroup: {tagged} ListTagsLogGroup: {listed} It shows {shown}.")


@probe()
def hash_name_association(stage: Stage) -> Finding:
    """A log group with # in its name can be put under a key.

    Used in `src/log_group_kms/model/targets.py:#`.
    """
    name = stage.run.log_group("odd/key#1")
    stage.account.logs.create_log_group(logGroupName=name)
    answer = Answer.to(lambda: stage.account.logs.associate_kms_key(logGroupName=name, kmsKeyId=stage.key))
    return Finding.of(answer.succeeded and stage.key_of(name) == stage.key, answer)


def _class(stage: Stage, group_class: str) -> Finding:
    try:
        name = stage.new_log_group(f"odd/{group_class.lower()}", logGroupClass=group_class)
    except stage.account.logs.exceptions.ClientError as error:
        raise NotRunHereError(f"CreateLogGroup does not make one here: {error}") from error
    answer = Answer.to(lambda: stage.account.logs.associate_kms_key(logGroupName=name, kmsKeyId=stage.key))
    return Finding.of(answer.succeeded and stage.key_of(name) == stage.key, answer)


@probe()
def infrequent_access_class(stage: Stage) -> Finding:
    """A log group of the class INFREQUENT_ACCESS can be put under a key.

    Used in `src/log_group_kms/fleet/triage.py:_may_be_its_own`.
    """
    return _class(stage, "INFREQUENT_ACCESS")


@probe()
def delivery_class(stage: Stage) -> Finding:
    """A log group of the class DELIVERY can be put under a key.

    Used in `src/log_group_kms/fleet/triage.py:_may_be_its_own`.
    """
    return _class(stage, "DELIVERY")


@probe()
def fifty_tags(stage: Stage) -> Finding:
    """A log group takes 50 tags, and one more is refused with TooManyTagsException.

    Used in `src/log_group_kms/aws/error_codes.py:TooManyTagsException`, `docs/reference/quotas.md:50 tags`.
    """
    others = {f"tag-{number}": "x" for number in range(_MOST_TAGS - len(stage.run.tags))}
    name = stage.new_log_group("odd/fifty", tags={**stage.run.tags, **others})
    arn = stage.account.log_group_arn(name)
    answer = Answer.to(lambda: stage.account.logs.tag_resource(resourceArn=arn, tags={"one-more": "x"}))
    return Finding.of(answer.code == "TooManyTagsException", answer)


PROBES: Final = (
    hash_name_by_arn,
    hash_name_by_name,
    hash_name_association,
    infrequent_access_class,
    delivery_class,
    fifty_tags,
)
