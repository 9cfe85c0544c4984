"""`python -m tools.house`: print the table. It never fails: it shows the way, and checks nothing."""

from __future__ import annotations

import argparse
import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tools.house import calls, naming, outside, rules, sizes
from tools.house.figure import Figure, table
from tools.house.source import Source

if TYPE_CHECKING:
    from collections.abc import Sequence


def figures(source: Source) -> tuple[Figure, ...]:
    """All figures of a tree."""
    return tuple(
        Figure(name, partial(measure, source), first, goal, unit)
        for name, measure, first, goal, unit in (
            ("moves between packages in one Create", calls.moves_between_packages, 80, 45, ""),
            ("a Create for query results enters fleet", calls.query_results_enter_fleet, True, False, ""),
            ("largest class in src", sizes.largest_class, 389, 180, " lines"),
            ("largest module in src", sizes.largest_module, 717, 350, " lines"),
            ("attempt( in the rules", rules.attempts_in_the_rules, 18, 0, ""),
            ("run state changed without a lock", rules.state_changed_without_a_lock, 4, 0, " places"),
            ("modules that name one property", naming.modules_that_name_one_property, 8, 4, ""),
            ("clause-opened summaries", sizes.clause_opened_summaries, 34, 5, " %"),
            ("README", sizes.readme, 819, 150, " lines"),
            ("private names of MiniStack", outside.private_names_of_ministack, 54, 42, ""),
            ("command line in the function's zip", outside.command_line_in_the_zip, 1151, 0, " lines"),
            ("lines of code in src", sizes.code, 4352, 4200, ""),
        )
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tools.house", description="The figures of the code's structure.")
    parser.add_argument("--json", action="store_true", help="print a list of objects, one for each figure")
    parser.add_argument("--trace", action="store_true", help="print the packages that one Create enters instead")
    parser.add_argument("--root", type=Path, default=Path(__file__).parents[2], help="another checkout to measure")
    options = parser.parse_args(arguments)
    source = Source(options.root.resolve())
    if options.trace:
        print(calls.trace(source))
        return
    rows = [figure.row() for figure in figures(source)]
    print(json.dumps([row.as_json() for row in rows], indent=2) if options.json else table(rows))


if __name__ == "__main__":
    main()
