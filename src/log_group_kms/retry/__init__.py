"""Asking again: the retrier, its policies, and rate limits."""
