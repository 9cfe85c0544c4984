"""The pages hang together: every link leads somewhere, and every page is reached from the README."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

import pytest
from support.pages import PROJECT, all_pages, page

if TYPE_CHECKING:
    from pathlib import Path

EACH: Final = pytest.mark.parametrize("path", [pytest.param(path, id=path.as_posix()) for path in all_pages()])
PAGES_IN_DOCS: Final = {path for path in all_pages() if path.parts[0] == "docs"}


def targets(path: Path) -> list[tuple[Path, str]]:
    """The files that a page links to, relative to the repository, with their anchors; no addresses elsewhere."""
    here = [unquote(link) for link in page(path).links if "://" not in link and not link.startswith("mailto:")]
    split = [link.partition("#") for link in here]
    return [
        (((PROJECT / path).parent / name if name else PROJECT / path).resolve().relative_to(PROJECT.resolve()), anchor)
        for name, _, anchor in split
    ]


@EACH
def test_each_linked_file_exists(path: Path) -> None:
    """A relative link leads to a file or folder of the repository."""
    assert [target.as_posix() for target, _ in targets(path) if not (PROJECT / target).exists()] == []


@EACH
def test_each_anchor_is_a_heading(path: Path) -> None:
    """A link into a page leads to one of its headings."""
    dead = [
        f"{target}#{anchor}"
        for target, anchor in targets(path)
        if anchor and target.suffix == ".md" and anchor not in page(target).anchors
    ]

    assert dead == []


def test_each_page_is_reached_from_the_readme() -> None:
    """Whoever follows links from the README finds every page in docs/."""
    reached: set[Path] = set()
    ahead = {page("README.md").path.relative_to(PROJECT)}
    while ahead:
        reached |= ahead
        ahead = {target for path in ahead for target, _ in targets(path) if target.suffix == ".md"} - reached

    assert PAGES_IN_DOCS - reached == set()


def test_the_index_lists_each_page() -> None:
    """docs/README.md links to every other page in docs/."""
    index = next(path for path in PAGES_IN_DOCS if path.as_posix() == "docs/README.md")

    assert PAGES_IN_DOCS - {target for target, _ in targets(index)} - {index} == set()
