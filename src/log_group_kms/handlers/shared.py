"""The parts that every function of the provider is wired with: log, metrics, settings, and the words for an error."""

from __future__ import annotations

import logging
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from aws_lambda_powertools import Logger, Metrics

from log_group_kms.aws.clients import logs_service_principal
from log_group_kms.model.errors import InvalidRequest
from log_group_kms.model.targets import Exclusions
from log_group_kms.retry.rate_limits import DEFAULT_RATE_LIMITS, RateLimits
from log_group_kms.version import VERSION

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from log_group_kms.aws.clients import Aws
    from log_group_kms.model.errors import ProviderError
    from log_group_kms.model.targets import Place

#: A comma-separated list in the function's environment.
PROTECTED_LOG_GROUP_NAMES: Final = "PROTECTED_LOG_GROUP_NAMES"


def new_logger(service: str) -> Logger:
    """Return a function's logger; every module's own logger of the standard library writes JSON through it."""
    # Lambda takes a line for INFO whose timestamp it cannot read (Powertools' default), or that has no level. Its own
    # filter would drop metrics and audit log at WARN, so the template sets it to DEBUG, and the level is held here.
    # Powertools goes by Lambda's where there is one (AWS_LAMBDA_LOG_LEVEL).
    # The version on each line: after an upgrade, events of the old one may still be at work.
    logger = Logger(service=service, use_rfc3339=True, version=VERSION)
    if "AWS_LAMBDA_LOG_LEVEL" in os.environ:
        for each in (logging.getLogger(), logging.getLogger(service)):
            each.setLevel(os.environ.get("POWERTOOLS_LOG_LEVEL", "INFO"))
    package = logging.getLogger("log_group_kms")
    package.addHandler(logger.registered_handler)
    package.setLevel(logger.log_level)
    package.propagate = False
    # At DEBUG, to which Lambda sets the root logger if asked, botocore logs whole requests: in their headers the role's
    # session token, in that of Invoke the event with its ResponseURL.
    logging.getLogger("botocore").setLevel(logging.INFO)
    return logger


def new_metrics(service: str) -> Metrics:
    """Return a function's metrics; all functions share the namespace."""
    return Metrics(service=service, namespace="LogGroupKmsAssociation")


def rate_limits() -> RateLimits:
    """Return the speed of a fleet that the function's environment sets."""
    per_second = os.environ.get("ASSOCIATIONS_PER_SECOND")
    return DEFAULT_RATE_LIMITS if per_second is None else replace(DEFAULT_RATE_LIMITS, log_groups=float(per_second))


def protected_log_groups() -> Exclusions:
    """Return the names that the template's ProtectedLogGroupNames protects.

    Raises:
        InvalidRequest: one of them is no name. Nothing is done then: it would not be known what must not be.
    """
    names = os.environ.get(PROTECTED_LOG_GROUP_NAMES, "").split(",")
    try:
        return Exclusions(tuple(filter(None, map(str.strip, names))))
    except ValueError as broken:
        raise InvalidRequest([f"{PROTECTED_LOG_GROUP_NAMES} in the function's environment: {broken}"]) from None


def seconds_left(context: LambdaContext) -> float:
    """Return the seconds until Lambda ends the function."""
    return context.get_remaining_time_in_millis() / 1000


def reason(error: ProviderError, aws: Aws, place: Place, **words: str) -> str:
    """Return the sentence that says what went wrong, and what to do about it; *words* are those of `Wording`."""
    # Only a failure pays for the import.
    from log_group_kms.association.diagnosis import Diagnosis, Wording  # noqa: PLC0415 - as above

    return Diagnosis(aws.keys, place, logs_service_principal(place), Wording(**words)).explain(error)
