"""Lambda's entry points."""
