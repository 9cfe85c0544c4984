"""`make version NUMBER=1.2.3`: set the version, and date the changelog; without a number, tell it.

`src/log_group_kms/version.py` has it for the functions and the command line, and the wheel's metadata are read from
there. Templates cannot read it: each of their places is listed here, and a test holds them together.
"""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).parents[1]
MODULE: Final = "src/log_group_kms/version.py"
CHANGELOG: Final = "CHANGELOG.md"
#: As the templates' patterns below find it.
NUMBER: Final = r"[0-9]+\.[0-9]+\.[0-9]+(?:-[0-9A-Za-z.-]+)?"
#: Semantic Versioning, as the Serverless Application Repository takes it.
_WHOLE: Final = re.compile(NUMBER)
#: Where else it stands, by file: what comes before it on its line, and how often it does.
PLACES: Final = {
    MODULE: {r'^VERSION: Final = "': 1},
    "template.yaml": {
        r"^    SemanticVersion: ": 1,
        # One for each function.
        r"^      Description: Version ": 4,
        r"^    Value: (?=[0-9])": 1,
    },
}
#: Rendered from the above.
RENDERED: Final = "examples/landing-zone/render.py"
_UNRELEASED: Final = "## [Unreleased]\n"


class WrongNumberError(Exception):
    """The number is no version, or the project's files are not as this program knows them."""


def version_of(tree: Path) -> str:
    """Return the version of the sources in *tree*."""
    found = re.search(rf'^VERSION: Final = "({NUMBER})"$', (tree / MODULE).read_text(), re.MULTILINE)
    if not found:
        raise WrongNumberError(f"{MODULE} names no version")
    return found[1]


def versions_in(tree: Path) -> list[str]:
    """Return what stands in each of the places, also in the rendered template."""
    found = []
    for name, places in PLACES.items():
        for before in places:
            found += re.findall(f"{before}({NUMBER})", (tree / name).read_text(), re.MULTILINE)
    return found


def set_version(tree: Path, number: str) -> None:
    """Write *number* into each place of *tree*, and render the landing zone anew.

    Raises:
        WrongNumberError: it is no version, or a place is missing.
    """
    if not _WHOLE.fullmatch(number):
        raise WrongNumberError(f"{number} is no version such as 1.2.3")
    for name, places in PLACES.items():
        path = tree / name
        text = path.read_text()
        for before, times in places.items():
            text, done = re.subn(f"({before}){NUMBER}", rf"\g<1>{number}", text, flags=re.MULTILINE)
            if done != times:
                raise WrongNumberError(f"{name} has {done} of {times} lines that begin with {before}")
        path.write_text(text)
    command = [sys.executable, str(tree / RENDERED)]
    subprocess.run(command, check=True, cwd=tree, capture_output=True)  # noqa: S603 # nosec B603 - our own program


def date_changelog(tree: Path, number: str, day: str) -> None:
    """Turn what is unreleased into *number*, and begin a new part; nothing where *number* is dated already."""
    path = tree / CHANGELOG
    text = path.read_text()
    if f"## [{number}]" in text:
        return
    path.write_text(text.replace(_UNRELEASED, f"{_UNRELEASED}\n## [{number}] - {day}\n", 1))


def main(arguments: list[str]) -> int:
    """Set or tell it."""
    if arguments:
        try:
            set_version(PROJECT, arguments[0])
        except WrongNumberError as wrong:
            print(wrong, file=sys.stderr)
            return 2
        date_changelog(PROJECT, arguments[0], f"{datetime.now(UTC):%Y-%m-%d}")
    print(version_of(PROJECT))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
