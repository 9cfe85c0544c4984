"""Doubles of what surrounds the provider; each asserts the protocol that the real thing insists on."""
