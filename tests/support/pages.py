"""The project's pages, read as Markdown: their headings, tables, code and links."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from markdown_it import MarkdownIt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from markdown_it.token import Token

PROJECT: Final = Path(__file__).parents[2]
_MARKDOWN: Final = MarkdownIt("commonmark").enable("table")
#: Made by a run, and no part of the repository.
_MADE: Final = {"mutants", "__pycache__"}


def code_in(text: str) -> list[str]:
    """What stands between backticks in a *text* of one paragraph or one cell."""
    return [token.content for token in _flat(_MARKDOWN.parseInline(text)) if token.type == "code_inline"]


@dataclass(frozen=True)
class Page:
    """A text in Markdown.

    Attributes:
        text: the whole of it, or of one section.
        path: where the page is.
    """

    text: str
    path: Path

    @cached_property
    def tokens(self) -> list[Token]:
        """What the parser makes of the text."""
        return _MARKDOWN.parse(self.text)

    @property
    def headings(self) -> list[str]:
        """The headings with their markup, from first to last."""
        return [inline.content for _, inline in self._headings()]

    @property
    def anchors(self) -> set[str]:
        """What a link may name after `#`, as code forges make it of the headings."""
        found: set[str] = set()
        for _, inline in self._headings():
            shown = "".join(token.content for token in inline.children or () if not token.type.endswith("_open"))
            name = re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")
            twins = [f"{name}-{number}" for number in range(1, 100)]
            found.add(next(free for free in (name, *twins) if free not in found))
        return found

    @property
    def links(self) -> list[str]:
        """Where links and images lead."""
        named = [token.attrGet("href") or token.attrGet("src") for token in _flat(self.tokens)]
        return [str(link) for link in named if link]

    @property
    def rows(self) -> list[list[str]]:
        """The cells of all tables with their markup, without the tables' heads."""
        rows: list[list[str]] = []
        for before, token in zip(self.tokens, self.tokens[1:], strict=False):
            if token.type == "td_open" and before.type == "tr_open":
                rows.append([])
            if before.type == "td_open":
                rows[-1].append(token.content)
        return rows

    @property
    def code(self) -> list[str]:
        """What stands between backticks in the prose."""
        return [token.content for token in _flat(self.tokens) if token.type == "code_inline"]

    def blocks(self, language: str) -> list[str]:
        """The fenced blocks in a *language*."""
        return [token.content for token in self.tokens if token.type == "fence" and token.info == language]

    def section(self, heading: str) -> Page:
        """The part under a *heading*, up to the next one of the same or a higher level."""
        ends = [(opening, inline.content, int(opening.tag[1:])) for opening, inline in self._headings()]
        number, (opening, _, level) = next(
            (number, end) for number, end in enumerate(ends) if end[1].strip("`") == heading.strip("`")
        )
        after = [_line(later) for later, _, its_level in ends[number + 1 :] if its_level <= level]
        lines = self.text.splitlines(keepends=True)[_line(opening) + 1 : after[0] if after else None]
        return Page("".join(lines), self.path)

    def _headings(self) -> Iterator[tuple[Token, Token]]:
        """Each heading's opening, and what it says."""
        pairs = zip(self.tokens, self.tokens[1:], strict=False)
        return (pair for pair in pairs if pair[0].type == "heading_open")


@cache
def page(path: str | Path) -> Page:
    """The page at a *path* in the repository."""
    return Page((PROJECT / path).read_text(), PROJECT / path)


@cache
def files() -> tuple[Path, ...]:
    """Every file of the repository, relative to its top, but for what is hidden or made."""
    return tuple(sorted(path.relative_to(PROJECT) for path in _below(PROJECT)))


def all_pages() -> list[Path]:
    """Every page of the repository."""
    return [path for path in files() if path.suffix == ".md"]


def commands(text: Page) -> list[str]:
    """Each command that a page shows, on one line: in its blocks for a shell and between backticks."""
    lines = "".join(text.blocks("sh")).replace("\\\n", " ").splitlines()
    return [line.partition(" # ")[0].strip() for line in [*lines, *text.code]]


def _below(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.name.startswith(".") or path.name in _MADE:
            continue
        if path.is_dir():
            yield from _below(path)
        else:
            yield path


def _flat(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from _flat(token.children or [])


def _line(opening: Token) -> int:
    assert opening.map is not None
    return opening.map[0]
