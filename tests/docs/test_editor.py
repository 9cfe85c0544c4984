"""What the page on editors says is so, and what the pages show passes our own rules."""

from __future__ import annotations

import json
from importlib import import_module
from typing import Any, Final

import pytest
import yaml
from cfnlint.helpers import FUNCTIONS
from cfnlint.rules import Rules
from samtranslator.yaml_helper import yaml_parse
from support.linting import FOLDER, TYPE, findings
from support.pages import PROJECT, all_pages, code_in, page

EDITOR: Final = page("docs/how-to/editor.md")
#: One of them stands in the rules of parameters, the other is too new to know a short form of.
IN_FULL: Final = {"Fn::Contains", "Fn::GetStackOutput"}
#: Each block of YAML with a resource of ours: the page, and the block.
SNIPPETS: Final = [
    pytest.param(text, id=f"{path}-{number}")
    for path in all_pages()
    for number, text in enumerate(page(path).blocks("yaml"))
    if TYPE in text
]
#: Each template with a resource of ours, linted or not.
TEMPLATES: Final = sorted(path for path in PROJECT.glob("examples/**/*.yaml") if TYPE in path.read_text())


def indented(text: str) -> str:
    """The text as the value of a key."""
    return "".join(f"  {line}\n" for line in text.splitlines())


@pytest.mark.parametrize("text", SNIPPETS)
def test_our_rules_find_nothing_in_what_a_page_shows(text: str) -> None:
    """Whoever copies a snippet has no finding; a resource alone is put into a template."""
    template = text if "Resources" in yaml_parse(text) else f"Resources:\n{indented(text)}"

    assert findings(template) == []


@pytest.mark.parametrize("path", [pytest.param(path, id=str(path.relative_to(PROJECT))) for path in TEMPLATES])
def test_our_rules_find_nothing_in_our_examples(path: Any) -> None:
    """Also where `.cfnlintrc` does not name the template, because it is a part of another one."""
    assert findings(path.read_text()) == []


def test_the_linter_of_this_project_has_our_rules() -> None:
    """`make check` lints our own templates with them."""
    assert yaml.safe_load((PROJECT / ".cfnlintrc").read_text())["append_rules"] == [FOLDER.name]


def test_the_page_lists_each_rule() -> None:
    """By its id, and no other."""
    rules = Rules.create_from_directory(str(FOLDER))

    assert [code_in(row[0])[0] for row in EDITOR.section("cfn-lint").rows] == sorted(rules)


def test_the_package_has_each_rule_of_the_folder() -> None:
    """Whoever names the package has the same rules as who names the folder."""
    Rules.create_from_directory(str(FOLDER))
    package = import_module("log_group_kms_rules")
    rules: list[Any] = [getattr(package, name) for name in package.__all__]

    assert {rule.id for rule in rules} == {*Rules.create_from_directory(str(FOLDER))}


def test_the_settings_for_the_linter_are_our_own() -> None:
    """What the page tells to write is what this project has."""
    (text,) = EDITOR.section("cfn-lint").blocks("yaml")

    assert yaml.safe_load(text) == {"append_rules": [FOLDER.name]}


def test_the_settings_for_the_editor_name_the_schema_and_each_function() -> None:
    """A short tag that the editor does not know is an error in every template."""
    (text,) = EDITOR.section("Completion and hover").blocks("json")
    settings = json.loads(text)
    tags = {tag.split()[0] for tag in settings["yaml.customTags"]}
    # Those that stand in values; the rest is written in full.
    functions = {f"!{name.removeprefix('Fn::')}" for name in FUNCTIONS if name not in IN_FULL and "[" not in name}

    assert [path for path in settings["yaml.schemas"] if not (PROJECT / path).is_file()] == []
    assert functions - tags == set()


def test_the_versions_are_those_of_the_lock_files() -> None:
    """What the page calls tested is what the tests run."""
    locked = (PROJECT / "requirements-dev.txt").read_text()
    (version,) = [line.split("==")[1].split()[0] for line in locked.splitlines() if line.startswith("cfn-lint==")]

    assert f"Tested with cfn-lint {version.rpartition('.')[0]}." in " ".join(EDITOR.text.split())
