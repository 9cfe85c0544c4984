"""Patterns as tools beside Python read them: a JSON schema has JavaScript's, cfn-guard has Rust's."""

from __future__ import annotations

import re


def whole(pattern: str) -> str:
    """Return the expression that the whole of a text matches if it matches *pattern*, without names of groups."""
    return f"^(?:{re.sub(r'[(][?]P<[^>]+>', '(?:', pattern)})$"
