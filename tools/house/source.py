"""The tree that is measured: its modules, its packages, its docstrings and its lines."""

from __future__ import annotations

import ast
import io
import tokenize
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PACKAGE: Final = "log_group_kms"

#: The package of each module of the first version, which had none; where there is no such module, this says nothing.
_ROOMS: Final = {
    module: package
    for package, modules in {
        "handlers": "handler enrolment wiring",
        "cli": "command_line findings options screen __main__",
        "lifecycle": "lifecycle provider",
        "fleet": "fleet sweep upkeep plan",
        "association": "one_log_group query_results decision diagnosis ports work",
        "retry": "waiting pacing",
        "aws": "aws session",
        "model": "errors model",
        "cloudformation": "answering delivery envelope physical_id resource_base",
    }.items()
    for module in modules.split()
}


def package_of(module: str) -> str:
    """The package that holds a *module* of `log_group_kms`, given by its dotted name there."""
    first, dot, _ = module.partition(".")
    return first if dot else _ROOMS.get(module, module)


@dataclass(frozen=True)
class Module:
    """A file of Python code.

    Attributes:
        name: the dotted name below `log_group_kms`, or the file's stem beside it.
        path: where it is.
    """

    name: str
    path: Path

    @cached_property
    def text(self) -> str:
        """What is written there."""
        return self.path.read_text()

    @cached_property
    def tree(self) -> ast.Module:
        """The same, parsed."""
        return ast.parse(self.text)

    @property
    def package(self) -> str:
        """The package that it belongs to."""
        return package_of(self.name)

    @property
    def lines(self) -> int:
        """Physical lines."""
        return len(self.text.splitlines())


@dataclass(frozen=True)
class Source:
    """A checkout of the repository."""

    root: Path
    #: The package's modules.
    modules: tuple[Module, ...] = field(init=False)
    #: All that `src` holds.
    files: tuple[Module, ...] = field(init=False)

    def __post_init__(self) -> None:
        folder = self.root / "src"
        files = [
            Module(".".join(path.relative_to(folder).with_suffix("").parts).removeprefix(f"{PACKAGE}."), path)
            for path in sorted(folder.rglob("*.py"))
        ]
        object.__setattr__(self, "files", tuple(files))
        object.__setattr__(self, "modules", tuple(each for each in files if folder / PACKAGE in each.path.parents))


_Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def docstrings(tree: ast.Module) -> Iterator[ast.Constant]:
    """The docstrings of a module, and of its classes and functions."""
    for node in ast.walk(tree):
        if isinstance(node, _Documented):
            match node.body:
                case [ast.Expr(value=ast.Constant(value=str()) as constant), *_]:
                    yield constant


_NO_CODE: Final = (
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
)


def lines_of_code(module: Module) -> int:
    """The lines without those that hold nothing, a comment or a docstring."""
    tokens = tokenize.generate_tokens(io.StringIO(module.text).readline)
    code = {line for each in tokens if each.type not in _NO_CODE for line in range(each.start[0], each.end[0] + 1)}
    documented = {
        line for each in docstrings(module.tree) for line in range(each.lineno, (each.end_lineno or each.lineno) + 1)
    }
    return len(code - documented)
