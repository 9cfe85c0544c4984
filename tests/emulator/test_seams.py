"""The emulator's use of MiniStack, and its ignorance of this provider."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from local.client.server import PROJECT
from local.emulator import seams
from local.emulator.seams import MissingSeamError, Seam

EMULATOR = PROJECT / "local" / "emulator"
README = (EMULATOR / "README.md").read_text()
MODULES = {path.name: ast.parse(path.read_text()) for path in EMULATOR.glob("*.py")}


def listed_under(heading: str) -> list[str]:
    """The first column of the README's table under *heading*, without the backquotes."""
    section = README.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| `([^`]+)` \|", section, flags=re.MULTILINE)


def imported(tree: ast.Module) -> Iterator[str]:
    """The full names of all that a module imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{each.name}" for each in node.names)


def test_ministack_has_every_name_that_is_wrapped() -> None:
    """The pinned MiniStack has all private names that the emulator uses."""
    check = subprocess.run(
        [sys.executable, "-m", "local.emulator", "--check"], cwd=PROJECT, capture_output=True, text=True, check=False
    )

    assert (check.returncode, check.stderr) == (0, "")


def test_a_missing_name_is_explained() -> None:
    """A name that is gone is reported with what it is needed for, and what to do."""
    gone = Seam("ministack.core.arn", "gone_in_the_next_version", "this test")

    with pytest.raises(
        MissingSeamError, match=r"MiniStack has no ministack\.core\.arn\.gone_in_the_next_version, which"
    ):
        gone.get()


def test_a_name_is_replaced_wherever_it_was_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    """MiniStack's modules import names from one another; what is not MiniStack's stays as it is."""
    modules = {name: ModuleType(name) for name in ("ministack.one", "ministack.two", "other.one")}
    for name, module in modules.items():
        vars(module)["wrapped"] = test_a_name_is_replaced_wherever_it_was_imported
        monkeypatch.setitem(sys.modules, name, module)

    Seam("ministack.one", "wrapped", "this test").replace("new")

    assert [vars(module)["wrapped"] == "new" for module in modules.values()] == [True, True, False]


def test_every_private_name_is_explained() -> None:
    """The README says of each private name why it is needed, and of no other."""
    assert listed_under("Private names") == [name.removeprefix("ministack.") for name in seams.NAMES]


def test_nothing_else_of_ministack_is_used() -> None:
    """What is imported from MiniStack by name is public and listed, and a module's path stands in `seams` alone."""
    names = {name for tree in MODULES.values() for name in imported(tree) if name.startswith("ministack")}
    paths = {
        name
        for name, tree in MODULES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("ministack.")
    }

    assert sorted(name.removeprefix("ministack.") for name in names) == listed_under("Public names")
    assert [name for name in names if "._" in name] == []
    assert paths == {"seams.py"}


def test_no_private_attribute_is_reached_through_a_public_name() -> None:
    """An underscore after a dot is the emulator's own: `self._…` or a class's."""
    private = {
        ast.unparse(node)
        for tree in MODULES.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__")
    }

    assert {each for each in private if not each.startswith(("self.", "cls."))} == set()


@pytest.mark.parametrize("path", sorted(EMULATOR.iterdir()), ids=lambda path: path.name)
def test_the_emulator_knows_nothing_of_this_provider(path: Path) -> None:
    """Neither its package, its clients and demo, nor its resource type, tags and exports are named."""
    if path.suffix not in (".py", ".md"):
        return
    known = re.findall(
        r"log[-_]?group[-_]?kms|\blocal[./](?:client|demo)|\bfleet|\benrol|\bresponder|\breconcil",
        path.read_text(),
        flags=re.IGNORECASE,
    )

    assert known == []
