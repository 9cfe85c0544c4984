"""Exactly one response for each event; knows nothing of log groups."""
