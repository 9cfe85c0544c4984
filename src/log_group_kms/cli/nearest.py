"""A prefix that no log group has: said, with what comes near it. A mistyped one would pass for a fleet that is done."""

from __future__ import annotations

from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from log_group_kms.cli.requests import looking
from log_group_kms.cli.terminal import tell

if TYPE_CHECKING:
    from log_group_kms.cli.command import Invocation
    from log_group_kms.model.targets import Fleet

#: CloudWatch Logs API reference, CreateLogGroup.
_LONGEST_NAME: Final = 512
#: So many are named.
_NAMED: Final = 3
#: Of 1: how alike two prefixes must be.
_ALIKE: Final = 0.6


def warn_of_nothing(invocation: Invocation, fleet: Fleet) -> None:
    """Tell on stderr that nothing matches the prefix of *fleet*, and name near ones that something does."""
    if not fleet.prefix:
        tell(f"There is no log group in account {fleet.place.account}, {fleet.place.region}.")
        return
    near = near_prefixes(invocation, fleet)
    rather = f"; did you mean {' or '.join(near)}?" if near else "."
    tell(f"No log group of account {fleet.place.account}, {fleet.place.region}, begins with {fleet.prefix}{rather}")


def near_prefixes(invocation: Invocation, fleet: Fleet) -> list[str]:
    """Return prefixes near that of *fleet* under which there are log groups, the nearest first.

    It takes a page for every halving of the prefix, however many log groups there are.
    """
    wanted = fleet.prefix
    # The slash at the beginning is what most often is forgotten.
    begins = {wanted, f"/{wanted.removeprefix('/')}"[:_LONGEST_NAME]}
    found = {near for begin in begins for near in _prefixes_beside(invocation, fleet, begin)}
    return get_close_matches(wanted, sorted(found), n=_NAMED, cutoff=_ALIKE)


def _prefixes_beside(invocation: Invocation, fleet: Fleet, begin: str) -> set[str]:
    """Return what log groups begin with that share as much as can be of the beginning with *begin*.

    Each goes as deep into the names' paths as *begin* does.
    """
    names: list[str] = []
    fits, fits_not = 0, len(begin) + 1
    while fits_not - fits > 1:
        middle = (fits + fits_not) // 2
        shown = _names(invocation, fleet, begin[:middle])
        if shown:
            names, fits = shown, middle
        else:
            fits_not = middle
    depth = begin.count("/") + (not begin.endswith("/"))
    return {"/".join(name.split("/")[:depth]) + "/" * (name.count("/") >= depth) for name in names}


def _names(invocation: Invocation, fleet: Fleet, begin: str) -> list[str]:
    page = looking(invocation.context()).logs.page(replace(fleet, prefix=begin), "")
    return [listed.name for listed in page.log_groups]
