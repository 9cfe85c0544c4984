"""The errors of this package; no text and no cause of them holds the ResponseURL.

ValueError
├── NotAnEvent
└── InvalidResponse
Exception
└── DeliveryFailed
"""

from __future__ import annotations


class NotAnEvent(ValueError):  # noqa: N818 - named like CloudFormation's own words for errors (NotFound, AccessDenied)
    """No response to this can reach CloudFormation."""


class InvalidResponse(ValueError):  # noqa: N818 - as NotAnEvent
    """CloudFormation would not take this response."""


class DeliveryFailed(Exception):  # noqa: N818 - as NotAnEvent
    """CloudFormation has not got the response."""
