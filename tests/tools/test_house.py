"""The figures of the code's structure, on small trees that are made up."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest

from tools.house import calls, naming, outside, rules, sizes
from tools.house.__main__ import figures, main
from tools.house.figure import Figure, Measured, table
from tools.house.source import Source, package_of


@dataclass
class Tree:
    """A checkout that is made up."""

    root: Path

    def write(self, path: str, text: str) -> None:
        """A file of this tree."""
        whole = self.root / path
        whole.parent.mkdir(parents=True, exist_ok=True)
        whole.write_text(dedent(text))

    def module(self, path: str, text: str) -> None:
        """A module of the package."""
        self.write(f"src/log_group_kms/{path}", text)

    @property
    def source(self) -> Source:
        """What is measured."""
        return Source(self.root)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """An empty one."""
    return Tree(tmp_path)


# --- figures and their table ---


@pytest.mark.parametrize(
    ("now", "goal", "reached"),
    [
        pytest.param(4, 4, True, id="as many as the goal"),
        pytest.param(5, 4, False, id="more"),
        pytest.param(0, 0, True, id="none"),
        pytest.param(False, False, True, id="no, as it should be"),
        pytest.param(True, False, False, id="yes, and it should be no"),
        pytest.param(None, 4, False, id="not measured"),
    ],
)
def test_a_goal_is_reached_or_not(now: int | None, goal: int, *, reached: bool) -> None:
    """A number is at most the goal; yes and no are the goal."""
    assert Figure("calls", lambda: Measured(now), 9, goal).row().reached is reached


def test_the_table_has_a_line_for_each_figure() -> None:
    """Numbers stand below each other, with the verdict beside them."""
    rows = [
        Figure("calls", lambda: Measured(1200, "in two modules"), 900, 1300, " lines").row(),
        Figure("enters fleet", lambda: Measured(value=True), first=True, goal=False).row(),
        Figure("locks", lambda: Measured(1), 4, 0).row(),
    ]

    assert table(rows).splitlines() == [
        "figure        first version          now           goal           where",
        "calls             900 lines  1,200 lines  ≤ 1,300 lines  ok       in two modules",
        "enters fleet            yes          yes             no  not yet",
        "locks                     4            1              0  not yet",
    ]


def test_a_figure_that_cannot_be_measured_spoils_no_other() -> None:
    """What went wrong stands in its line."""

    def fail() -> Measured:
        raise RuntimeError("no such entry point")

    row = Figure("calls", fail, 9, 4).row()

    assert (row.now, row.detail) == (None, "not measured: RuntimeError: no such entry point")


# --- sizes and docstrings ---


def test_the_largest_class_is_counted_with_its_decorators(tree: Tree) -> None:
    """From the first decorator to the last line."""
    tree.module("model/keys.py", "@frozen\nclass Key:\n    text: str\n\n    def arn(self): ...\n")
    tree.write("src/responder.py", "class Small:\n    pass\n")

    assert sizes.largest_class(tree.source) == Measured(5, "Key in model.keys")


def test_the_largest_module_is_counted_in_physical_lines(tree: Tree) -> None:
    """Also one that stands beside the package."""
    tree.module("one.py", "a = 1\n")
    tree.write("src/responder.py", "# why\n\na = 1\n")

    assert sizes.largest_module(tree.source) == Measured(3, "responder")


def test_lines_of_code_are_those_that_do_something(tree: Tree) -> None:
    """Docstrings, comments and blank lines do nothing; a string that is used does."""
    tree.module(
        "one.py",
        '''\
        """What it is for.

        At length.
        """

        # why
        TEXT = """two
        lines"""  # beside code


        def f():
            """Return nothing."""
            return (
                # within
                None
            )
        ''',
    )

    assert sizes.code(tree.source).value == 6


@pytest.mark.parametrize(
    ("summary", "percent"),
    [
        pytest.param("Return the key.", 0, id="a verb"),
        pytest.param("The key in force.", 0, id="a noun"),
        pytest.param("Whether it stands.", 100, id="whether"),
        pytest.param("Where it stands.", 100, id="where"),
        pytest.param("As before.", 100, id="as"),
        pytest.param("With its tags.", 100, id="with"),
    ],
)
def test_a_summary_that_begins_with_a_clause_is_counted(tree: Tree, summary: str, percent: int) -> None:
    """Its first word tells."""
    tree.module("one.py", f'def f():\n    """{summary}"""\n')

    assert sizes.clause_opened_summaries(tree.source).value == percent


def test_the_share_of_clauses_is_one_of_all_docstrings(tree: Tree) -> None:
    """Of modules, classes and functions alike."""
    tree.module("one.py", '"""Keys."""\n\nclass A:\n    """What it is."""\n\n    def f(self):\n        """Do it."""\n')

    assert sizes.clause_opened_summaries(tree.source) == Measured(33, "1 of 3 docstrings, most in one")


def test_the_readme_is_counted_in_lines(tree: Tree) -> None:
    """As `wc -l` counts."""
    tree.write("README.md", "# Title\n\nText\n")

    assert sizes.readme(tree.source).value == 3


# --- rules ---


def test_attempts_are_counted_in_the_rules_alone(tree: Tree) -> None:
    """The gateway asks again for all of them, and the retrier is what asks."""
    tree.module("association/log_group.py", "a = retrier.attempt(lambda: 1)\nb = self.context.retrier.attempt(f)\n")
    tree.module("fleet/rules.py", '"""No attempt(…) here."""\nattempt(f)\nattempt\n')
    tree.module("association/gateway.py", "retrier.attempt(f)\n")
    tree.module("retry/retrier.py", "self.attempt(f)\n")

    assert rules.attempts_in_the_rules(tree.source) == Measured(3, "association.log_group 2, fleet.rules 1")


def run_of(body: str) -> str:
    """A class of a fleet with this method."""
    method = "\n".join(f"        {line}" for line in dedent(body).strip().splitlines())
    return f"""\
import threading

class Run:
    def __init__(self):
        self.count = 0
        self._lock = threading.Lock()
        self.stopped = threading.Event()

    def visit(self, name):
{method}
"""


@pytest.mark.parametrize(
    ("body", "places"),
    [
        pytest.param("self.count = 1", "Run.count", id="assigned"),
        pytest.param("self.count += 1", "Run.count", id="counted up"),
        pytest.param("self.count: int = 1", "Run.count", id="assigned with its type"),
        pytest.param("self.a, self.b = 1, 2", "Run.a and Run.b", id="both at once"),
        pytest.param("self.names[name] = 1", "Run.names", id="an item"),
        pytest.param("del self.names[name]", "Run.names", id="an item taken out"),
        pytest.param("self.names.append(name)", "Run.names", id="put into a list"),
        pytest.param("return self.names.pop(name)", "Run.names", id="taken out on the way"),
        pytest.param("if name:\n    for each in name:\n        self.count += 1", "Run.count", id="deep inside"),
        pytest.param(
            "try:\n    f()\nexcept E:\n    self.a = 1\nfinally:\n    self.b = 1", "Run.a, Run.b", id="in all branches"
        ),
        pytest.param("match name:\n    case 1:\n        self.a = 1", "Run.a", id="in a case"),
        pytest.param("self.a = 1\nself.b.add(name)", "Run.a and Run.b", id="one after the other"),
        pytest.param("self.a = 1\nf()\nself.b = 1", "Run.a, Run.b", id="something in between"),
        pytest.param("self.a = 1\nif f():\n    self.a = 2", "Run.a", id="the same twice"),
        pytest.param("self.pages.proved = True", "Run.proved", id="of what it holds"),
        pytest.param("with self._lock:\n    self.count += 1\n    self.names.append(name)", "", id="under a lock"),
        pytest.param("with self.state.lock, f():\n    self.count += 1", "", id="under another's lock"),
        pytest.param("with self._lock:\n    f()\nself.count += 1", "Run.count", id="after the lock"),
        pytest.param("with self._clock:\n    self.count += 1", "Run.count", id="a clock is no lock"),
        pytest.param("count = 1\nnames.append(count)\nname.x = 1", "", id="nothing of its own"),
        pytest.param("self.stopped.clear()", "", id="an event is safe by itself"),
        pytest.param("f(self.count, self.names)", "", id="read"),
    ],
)
def test_state_that_changes_without_a_lock_is_found(tree: Tree, body: str, places: str) -> None:
    """Each attribute is a place; those changed by neighbouring lines are one."""
    tree.module("fleet/run.py", run_of(body))

    measured = rules.state_changed_without_a_lock(tree.source)

    assert measured == Measured(len(places.split(", ")) if places else 0, places)


def test_what_an_object_holds_is_counted_with_the_class_that_sets_it_up(tree: Tree) -> None:
    """Both change the same state: one place."""
    pages = """\
    class Pages:
        def __init__(self):
            self.proved = False

        def go(self):
            self.proved = True
    """
    tree.module("fleet/pages.py", pages)
    tree.module("fleet/run.py", run_of("self.pages.proved = True"))

    assert rules.state_changed_without_a_lock(tree.source) == Measured(1, "Pages.proved")


@pytest.mark.parametrize(
    ("path", "number"),
    [
        pytest.param("fleet/run.py", 1, id="fleet"),
        pytest.param("retry/rate_limits.py", 1, id="rate limits"),
        pytest.param("association/gateway.py", 1, id="the gateway"),
        pytest.param("association/log_group.py", 0, id="one log group has one thread"),
    ],
)
def test_only_what_workers_share_is_looked_at(tree: Tree, path: str, number: int) -> None:
    """Workers share the fleet's classes, the rate limits and the gateway."""
    tree.module(path, run_of("self.count += 1"))

    assert rules.state_changed_without_a_lock(tree.source).value == number


@pytest.mark.parametrize("exempt", ["Run", "Run.visit"])
def test_a_class_or_a_method_of_one_thread_is_left_out(
    tree: Tree, exempt: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is named with its reason."""
    monkeypatch.setattr(rules, "ONE_THREAD", {exempt: "it is set up before the workers begin"})
    tree.module("fleet/run.py", run_of("self.count += 1"))

    assert rules.state_changed_without_a_lock(tree.source).value == 0


# --- names of properties ---


@pytest.mark.parametrize(
    ("code", "number"),
    [
        pytest.param("from log_group_kms.model import OnDelete", 1, id="an import"),
        pytest.param("x.on_delete", 1, id="an attribute"),
        pytest.param("f(on_delete=1)", 1, id="an argument given"),
        pytest.param("def f(on_delete): ...", 1, id="an argument taken"),
        pytest.param("class OnDelete: ...", 1, id="a class"),
        pytest.param("class A:\n    on_delete: str", 1, id="a field"),
        pytest.param("match a:\n    case A(on_delete=1): ...", 1, id="a pattern"),
        pytest.param("f('OnDelete')", 1, id="a string"),
        pytest.param("f('--on-delete')", 1, id="a flag"),
        pytest.param("ON_DELETE = 1", 1, id="a constant"),
        pytest.param("raise E('OnDelete is none of these')", 0, id="a sentence"),
        pytest.param("raise E(f'OnDelete{x}OnDelete')", 0, id="a sentence with values"),
        pytest.param("# OnDelete\n'''on_delete, and more'''", 0, id="comment and docstring"),
        pytest.param("OnDeletes = 1", 0, id="another name"),
    ],
)
def test_a_module_names_a_property_in_its_code(tree: Tree, code: str, number: int) -> None:
    """In any spelling; sentences, comments and docstrings do not count."""
    tree.module("one.py", code)

    assert naming.modules_that_name_one_property(tree.source).value == number


def test_the_property_that_most_modules_name_is_shown(tree: Tree) -> None:
    """With the modules; a log group's name is not looked at."""
    for name in ("a", "b", "c"):
        tree.module(f"{name}.py", "x.log_group_name")
    tree.module("fleet/a.py", "x.on_existing_key, x.on_delete")
    tree.module("fleet/b.py", "x.on_existing_key")

    assert naming.modules_that_name_one_property(tree.source) == Measured(2, "OnExistingKey: fleet.a, fleet.b")


# --- calls ---


@pytest.mark.parametrize(
    ("places", "number"),
    [
        pytest.param([], 0, id="nothing"),
        pytest.param(["a", "a"], 0, id="staying"),
        pytest.param(["a", "b", "b", "a"], 2, id="there and back"),
    ],
)
def test_a_move_is_a_call_somewhere_else(places: list[str], number: int) -> None:
    """Than the call before it."""
    assert calls.moves(places) == number


@pytest.mark.parametrize(
    ("module", "package"),
    [
        pytest.param("fleet.rules", "fleet", id="a package's"),
        pytest.param("sweep", "fleet", id="the first version's"),
        pytest.param("__main__", "cli", id="the command line's way in"),
        pytest.param("settings", "settings", id="alone"),
    ],
)
def test_each_module_has_a_package(module: str, package: str) -> None:
    """Modules of the first version have the one that they went to."""
    assert package_of(module) == package


def test_a_scenario_that_fails_says_why(tree: Tree) -> None:
    """Its last words are the reason."""
    with pytest.raises(RuntimeError, match=r"^the scenario failed: ModuleNotFoundError"):
        calls.traced(tree.source, "log-group")


# --- outside the package ---


def test_private_names_are_counted_in_locals_own_list(tree: Tree) -> None:
    """Wherever in `local` it stands."""
    tree.write("local/__init__.py", "")
    tree.write("local/emulator/__init__.py", "")
    tree.write("local/emulator/seams.py", "SEAMS = (1, 2, 3)\n")

    assert outside.private_names_of_ministack(tree.source) == Measured(3, "local.emulator.seams")


MAKEFILE = """\
build-ProviderFunction:
\t@"$(PYTHON)" -m pip install --target "$(ARTIFACTS_DIR)"
\t@cp -R log_group_kms "$(ARTIFACTS_DIR)"
"""


@pytest.mark.parametrize(
    ("more", "measured"),
    [
        pytest.param("", Measured(3, "__main__, cli.commands"), id="copied"),
        pytest.param(
            '\t@rm -r "$(ARTIFACTS_DIR)"/log_group_kms/cli "$(ARTIFACTS_DIR)"/log_group_kms/__main__.py\n',
            Measured(0),
            id="taken out",
        ),
    ],
)
def test_the_command_line_is_counted_as_the_build_copies_it(tree: Tree, more: str, measured: Measured) -> None:
    """The Makefile's own steps are what tells."""
    tree.write("src/Makefile", MAKEFILE + more)
    tree.module("__main__.py", "main()\n")
    tree.module("cli/commands.py", "def main():\n    pass\n")
    tree.module("fleet/rules.py", "a = 1\n")

    assert outside.command_line_in_the_zip(tree.source) == measured


def test_a_build_that_fails_is_no_figure(tree: Tree) -> None:
    """It says why."""
    tree.write("src/Makefile", "build-ProviderFunction:\n\t@false\n")

    with pytest.raises(RuntimeError, match=r"^make failed: "):
        outside.command_line_in_the_zip(tree.source)


# --- the whole ---


def test_the_script_measures_this_repository(capsys: pytest.CaptureFixture[str]) -> None:
    """Each figure has a line, and each could be measured."""
    main(["--json"])

    rows = json.loads(capsys.readouterr().out)
    assert [row["figure"] for row in rows] == [each.name for each in figures(Source(Path.cwd()))]
    assert [row["detail"] for row in rows if row["now"] is None] == []


def test_the_script_never_fails(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    """It prints a table also where there is next to nothing to measure."""
    main(["--root", str(tree.root)])

    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 1 + len(figures(tree.source))


def test_the_trace_shows_each_move(capsys: pytest.CaptureFixture[str]) -> None:
    """The packages in the order in which the Create enters them, then how often it goes from which to which."""
    main(["--trace"])
    packages, pairs = capsys.readouterr().out.split("\n\n")

    moves = len(packages.splitlines()) - 1
    assert packages.startswith("handlers\ncloudformation\n")
    assert sum(int(line.split()[0]) for line in pairs.splitlines()) == moves
