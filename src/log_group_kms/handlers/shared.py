"""What every function of the provider is wired with: the log of the whole package, and the pace of fleets."""

from __future__ import annotations

import logging
import os

from aws_lambda_powertools import Logger

from log_group_kms.retry.rate_limits import DEFAULT_RATE_LIMITS, RateLimits


def new_logger(service: str) -> Logger:
    """Powertools' logger for a function; every module's own logger of the standard library writes JSON through it."""
    # Lambda takes the level of a line whose timestamp it cannot read (Powertools' default) for INFO, and drops it at
    # WARN.
    logger = Logger(service=service, use_rfc3339=True)
    package = logging.getLogger("log_group_kms")
    package.addHandler(logger.registered_handler)
    package.setLevel(logger.log_level)
    package.propagate = False
    # At DEBUG, to which Lambda sets the root logger if asked, botocore logs whole requests: in their headers the role's
    # session token, in that of Invoke the event with its ResponseURL.
    logging.getLogger("botocore").setLevel(logging.INFO)
    return logger


def rate_limits() -> RateLimits:
    """How fast a fleet goes, as the function's environment says."""
    return RateLimits.of(float(os.environ.get("ASSOCIATIONS_PER_SECOND", DEFAULT_RATE_LIMITS.changes)))
