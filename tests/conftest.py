"""What all tests share: properties are tried at length, but never fail for a slow machine."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# The machine may be shared, and drawing Unicode for the first time builds a table: time says nothing here.
settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("default")
