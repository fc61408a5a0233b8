"""``%%isfdb cache KEY`` in a real IPython: when it computes, when it loads, and what is recorded of either."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import isfdb

LOADED, COMPUTED = "isfdb: loaded", "isfdb: computing"


@pytest.fixture
def magic(shell: Any) -> Any:
    """An IPython with the extension loaded and an empty database in the variable db."""
    shell.run_line_magic("load_ext", "isfdb")
    shell.run_cell("%isfdb open ./results", store_history=True)
    return shell


class Run:
    """What came of a cell."""

    def __init__(self, shell: Any, capsys: Any, code: str) -> None:
        capsys.readouterr()
        self.result = shell.run_cell(code, store_history=True)
        captured = capsys.readouterr()
        self.text = captured.out + captured.err
        self.value = self.result.result

    @property
    def loaded(self) -> bool:
        assert self.result.success, self.text
        assert (LOADED in self.text) != (COMPUTED in self.text), self.text
        return LOADED in self.text


@pytest.fixture
def run(magic: Any, capsys: Any) -> Any:
    return lambda code: Run(magic, capsys, code)


CELL = "%%isfdb cache rates\nprint('it runs')\nsum([1, 2, factor])"


def test_a_cell_runs_once_and_is_loaded_from_then_on(run: Any):
    run("factor = 3")
    first = run(CELL)
    assert not first.loaded and "it is not stored yet" in first.text and "it runs" in first.text
    assert first.value == 6
    second = run(CELL)
    assert second.loaded and "it runs" not in second.text
    assert "neither its code nor its inputs have changed since rates@1 of 20" in second.text
    assert second.value == 6


def test_what_it_says_is_one_line(run: Any):
    assert [line for line in run("%%isfdb cache a\n1").text.splitlines() if "isfdb:" in line] == [
        "isfdb: computing a: it is not stored yet"
    ]
    assert run("%%isfdb cache a\n1;").text.count("\n") == 1


@pytest.mark.parametrize(
    ("change", "because"),
    [
        ("factor = 4", "since rates@1, the code that it needs changed: `factor = 4`"),
        ("factor = 3\nfactor += 1", "`factor += 1`"),
        ("del factor\nfactor = int('3')", "`factor = int('3')`"),
    ],
)
def test_code_of_other_cells_that_it_needs(run: Any, change: str, because: str):
    run("factor = 3")
    run(CELL)
    run(change)
    again = run(CELL)
    assert not again.loaded
    assert because in again.text
    assert run(CELL).loaded


@pytest.mark.parametrize(
    "change", ["factor = 3", "# a comment\nfactor    =  (3)", "other = 4", "print(factor)", "x = [factor]\nx.append(1)"]
)
def test_code_that_makes_no_difference(run: Any, change: str):
    run("factor = 3")
    run(CELL)
    run(change)
    assert run(CELL).loaded


def test_its_own_code_counts_and_its_comments_do_not(run: Any):
    run("factor = 3")
    run(CELL)
    assert run(CELL.replace("sum(", "# all of them\nsum(  ")).loaded
    changed = run(CELL.replace("[1, 2,", "[1, 3,"))
    assert not changed.loaded and "since rates@1, the code of the cell changed" in changed.text and changed.value == 7


def test_a_function_of_another_cell_counts_with_what_it_calls(run: Any):
    run("scale = 2")
    run("def inner(x):\n    return x * scale")
    run("def outer(x):\n    return inner(x)")
    cell = "%%isfdb cache made\nouter(4)"
    assert not run(cell).loaded
    run("def outer(x):\n    '''Say what it does.'''\n    return inner(x)")
    assert not run(cell).loaded  # a docstring is no comment
    run("scale = 3")
    again = run(cell)
    assert (again.loaded, again.value) == (False, 12) and "`scale = 3`" in again.text


def test_running_definitions_again_in_another_order_changes_nothing(run: Any):
    cells = ["a = 1", "def f():\n    return a + b", "b = 2"]
    for cell in cells:
        run(cell)
    cached = "%%isfdb cache made\nf()"
    run(cached)
    for cell in reversed(cells):
        run(cell)
    assert run(cached).loaded
    run("a = 5")
    run("a = a")
    assert not run(cached).loaded


def test_what_the_cell_itself_changed_does_not_count(run: Any):
    run("model = [1]")
    cell = "%%isfdb cache made\nmodel.append(2)\nlen(model)"
    assert run(cell).value == 2
    assert run(cell).loaded


def write_elsewhere(path: Path, text: str) -> None:
    """Write a file in another process: what the session itself writes is made anew with the value, and no input."""
    subprocess.run([sys.executable, "-c", "import pathlib, sys; pathlib.Path(sys.argv[1]).write_text(sys.argv[2])", path, text], check=True)


def test_a_file_that_it_read(run: Any, tmp_path: Path):
    write_elsewhere(tmp_path / "trials.txt", "1")
    run("from pathlib import Path")
    cell = "%%isfdb cache trials\nPath('trials.txt').read_text()"
    assert run(cell).value == "1"
    assert run(cell).loaded
    write_elsewhere(tmp_path / "trials.txt", "22")
    assert run(cell.replace("trials\n", "trials --ignore-inputs\n")).loaded
    again = run(cell)
    assert not again.loaded and "trials.txt has 2 B now, and had 1 B" in again.text
    assert run(cell).loaded


def test_a_stored_value_that_it_read(run: Any):
    run("db['raw'] = 1")
    cell = "%%isfdb cache made\ndb['raw'] + 1"
    assert run(cell).value == 2
    run("db['raw'] = 1")
    assert run(cell).loaded  # a new version with the same content
    run("db['raw'] = 5")
    again = run(cell)
    assert (again.loaded, again.value) == (False, 6)
    assert "since made@1, raw v1 has a newer version, 3" in again.text


def test_a_module_of_ones_own(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "my_cached_module.py").write_text("def f():\n    return 1\n")
    run("import my_cached_module")
    cell = "%%isfdb cache made\nmy_cached_module.f()"
    assert not run(cell).loaded
    assert run(cell).loaded
    (tmp_path / "my_cached_module.py").write_text("def f():\n    return 22\n")
    again = run(cell)
    assert not again.loaded and "the module my_cached_module has other content" in again.text


def test_a_module_in_a_repository_without_commits(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = tmp_path / "code"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    subprocess.run(["git", "init", "-q", folder], check=True)
    (folder / "my_fresh_module.py").write_text("def f():\n    return 1\n")
    run("import my_fresh_module")
    cell = "%%isfdb cache made\nmy_fresh_module.f()"
    run(cell)
    assert run(cell).loaded
    (folder / "my_fresh_module.py").write_text("def f():\n    return 22\n")
    again = run(cell)
    assert not again.loaded and "the code in code differs in my_fresh_module.py" in again.text


def test_the_same_code_in_another_folder_reads_other_files(run: Any, tmp_path: Path):
    write_elsewhere(tmp_path / "trials.txt", "1")
    run("import pathlib")
    cell = "%%isfdb cache trials\npathlib.Path('trials.txt').read_text()"
    run(cell)
    assert run(cell).loaded
    (tmp_path / "elsewhere").mkdir()
    write_elsewhere(tmp_path / "elsewhere" / "trials.txt", "2")
    os.chdir(tmp_path / "elsewhere")  # by no cell: another kernel that was started there
    again = run(cell)
    assert (again.loaded, again.value) == (False, "2")
    assert "the working directory is another one" in again.text


def test_the_same_variable_for_another_database(run: Any):
    run("import isfdb")
    run("source = isfdb.open('one')")
    run("source['raw'] = 1; isfdb.open('two')['raw'] = 2")
    cell = "%%isfdb cache db made\nsource['raw']"
    run(cell)
    assert run(cell).loaded
    run("source = isfdb.open('two')")
    again = run(cell)
    assert (again.loaded, again.value) == (False, 2)
    assert "the code that it needs changed: `source = isfdb.open(" in again.text


def test_a_chain_of_cached_cells_in_another_session(tmp_path: Path):
    cells = [
        "import isfdb",
        "db = isfdb.open('results')",
        "factor = 3",
        "%%isfdb cache first --into first\n[factor, factor]",
        "%%isfdb cache second\nsum(first)",
        "%%isfdb cache third\ndb['second'] + 1",
    ]
    assert _said(tmp_path, cells) == [COMPUTED] * 3
    assert _said(tmp_path, [*cells, *cells[2:]]) == [LOADED] * 6
    assert _said(tmp_path, [*cells[:2], "factor = 4", *cells[3:], cells[4]]) == [*[COMPUTED] * 3, LOADED]
    assert isfdb.open(tmp_path / "results")["second"] == 8


_SESSION = """
import io, sys, contextlib
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.run_line_magic("load_ext", "isfdb")
for cell in sys.argv[1:]:
    assert shell.run_cell(cell, store_history=True).success
"""


def _said(folder: Path, cells: list[str]) -> list[str]:
    """Run cells in a new process; return what cached cells said they did."""
    command = [sys.executable, "-W", "ignore", "-c", _SESSION, *cells]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True, env={**os.environ, "IPYTHONDIR": str(folder)})
    return [
        line.rpartition(" ")[0] if " " not in line[7:] else " ".join(line.split()[:2])
        for line in done.stdout.splitlines()
        if line.startswith("isfdb:")
    ]


def test_a_value_that_other_code_stored_is_computed_anew(run: Any):
    run("db['rates'] = 1")
    found = run("%%isfdb cache rates\n1")
    assert not found.loaded and "rates@1 was not stored by a cell with %%isfdb cache" in found.text
    run("db['rates'] = 1")
    assert not run("%%isfdb cache rates\n1").loaded


def test_force_computes_in_any_case(run: Any):
    run("%%isfdb cache a\n1")
    forced = run("%%isfdb cache a --force\n1")
    assert not forced.loaded and "--force was given" in forced.text
    assert run("%%isfdb cache a\n1").loaded


def test_only_the_named_variable_is_bound_by_loading(run: Any, magic: Any):
    cell = "%%isfdb cache a --into result\nstep = 2\nstep + 1"
    first = run(cell)
    assert first.value is None and magic.user_ns["result"] == 3 and magic.user_ns["step"] == 2
    del magic.user_ns["step"], magic.user_ns["result"]
    assert run(cell).loaded
    assert magic.user_ns["result"] == 3 and "step" not in magic.user_ns


def test_the_value_may_be_a_variable_that_the_cell_leaves(run: Any, magic: Any):
    cell = "%%isfdb cache a --value result\nresult = []\nfor i in range(3):\n    result.append(i)"
    assert not run(cell).loaded
    magic.user_ns["result"] = None
    found = run(cell)
    assert found.loaded and found.value is None and magic.user_ns["result"] == [0, 1, 2]


def test_a_cell_that_fails_stores_nothing_and_shows_its_own_line(run: Any, magic: Any):
    failed = run("%%isfdb cache a\nx = 1\nx / 0")
    assert not failed.result.success
    assert isinstance(failed.result.error_in_exec, ZeroDivisionError)
    assert "cell_magic.py" not in failed.text and "_cached" not in failed.text
    assert "line 2" in failed.text
    assert "a" not in magic.user_ns["db"]
    assert not run("%%isfdb cache a\nx = 1\nx / 2").loaded


def test_an_error_of_isfdb_in_the_body_is_shown_where_it_happened(run: Any):
    failed = run("%%isfdb cache a\nx = 1\ndb['nothing']")
    assert isinstance(failed.result.error_in_exec, isfdb.errors.KeyNotFoundError)
    assert "Traceback" in failed.text


def test_a_value_that_cannot_be_loaded_can_be_computed_anew(run: Any, magic: Any):
    run("%%isfdb cache a\n1")
    (magic.user_ns["db"].entry("a").path / "Loader.json").write_text("{")
    failed = run("%%isfdb cache a\n1")
    assert not failed.result.success and "Traceback" not in failed.text
    assert "To compute it anew: %%isfdb cache a --force" in failed.text
    assert run("%%isfdb cache a --force\n1").value == 1


def test_a_value_that_cannot_be_stored_leaves_the_old_one(run: Any, magic: Any):
    run("%%isfdb cache a\n1")
    assert not run("%%isfdb cache a\n(i for i in range(3))").result.success
    assert magic.user_ns["db"]["a"] == 1
    assert run("%%isfdb cache a\n1").loaded


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("%%isfdb cache\n1", "arguments are required: [DB] KEY"),
        ("%%isfdb cash a\n1", "%%isfdb has one verb, cache, and not 'cash'"),
        ("%%isfdb ls a\n1", "The line magic has it: %isfdb ls"),
        ("%%isfdb cache a --forse\n1", "Did you mean --force?"),
        ("%%isfdb cache a b c\n1", "a key is meant, or a database and a key"),
        ("%%isfdb cache nowhere a\n1", "no variable that holds a database. Open it first: %isfdb open FOLDER --as NAME"),
        ("%%isfdb cache a$nothing\n1", "there is no variable 'nothing'"),
        ("%%isfdb cache a --into 1x\n1", "is no name of a variable"),
        ("%%isfdb cache a --into x --value y\n1", "give one of them"),
        ("%%isfdb cache a\nx = 1", "the cell ends with an assignment, not with an expression"),
        ("%%isfdb cache a\nfor i in []:\n    i", "the cell ends with a statement (for)"),
        ("%%isfdb cache a\n# nothing", "the cell ends with nothing"),
        ("%%isfdb cache a\n!ls", "the cell ends with a magic"),
        ("%%isfdb cache a\nx = (", "line 1 of the cell's body is no Python"),
        ("%%isfdb cache a\nawait x", "cannot be run by a magic"),
        ("%%isfdb cache sub\n1", "is a sub-database. Name a key in it"),
        ("get_ipython().run_cell_magic('isfdb', 'cache a', '1')", "must be the first line of its cell"),
    ],
)
def test_an_error_is_one_message_and_nothing_runs(run: Any, magic: Any, cell: str, message: str):
    magic.user_ns["db"].create_sub_db("sub")
    found = run(cell)
    assert not found.result.success
    assert message in found.text
    assert "Traceback" not in found.text
    assert list(magic.user_ns["db"]) == ["sub"]
    assert run("%%isfdb cache a\n1").value == 1


def test_a_database_that_is_open_to_read_gives_and_does_not_take(run: Any):
    run("%%isfdb cache a\n1")
    run("import isfdb; old = isfdb.open('results', 'r')")
    assert run("%%isfdb cache old a\n1").loaded
    refused = run("%%isfdb cache old a\n2")
    assert not refused.result.success and "open to read. Open it again." in refused.text


def test_keys_with_spaces_braces_and_variables(run: Any, magic: Any):
    run("n = 7; keys = ['k']")
    run("%%isfdb cache 'two words'\n1")
    run("%%isfdb cache run_$n\n2")
    run("%%isfdb cache cells/{keys[0]}\n3")
    run("%%isfdb cache a{{b}}\n4")
    assert {**{key: magic.user_ns["db"][key] for key in magic.user_ns["db"].keys(recurse=True)}} == {
        "two words": 1,
        "run_7": 2,
        "cells/k": 3,
        "a{b}": 4,
    }
    assert run("%%isfdb cache cells/k\n3").loaded


def test_a_sub_database_in_a_variable(run: Any, magic: Any):
    run("cells = db.create_sub_db('cells')")
    assert not run("%%isfdb cache cells k\n3").loaded
    assert run("%%isfdb cache cells k\n3").loaded
    assert run("%%isfdb cache cells/k\n3").loaded
    assert magic.user_ns["db"]["cells/k"] == 3


# What is recorded ------------------------------------------------------------------------------------------------------------------


def test_the_script_of_a_cached_value_is_what_made_it(run: Any, magic: Any):
    run("factor = 3")
    run("unused = 4")
    run("%%isfdb cache rates --into rates\nparts = [1, 2, factor]\nsum(\n    parts\n)  # of all")
    db = magic.user_ns["db"]
    code = isfdb.code(db, "rates")
    assert "value = rates = (sum(\n    parts\n))" in code and "unused" not in code and "%%isfdb" not in code
    assert isfdb.code(db, "rates", check=True).status == "checked"
    assert "%%isfdb cache rates" in db.entry("rates").cell.source


def test_a_value_made_from_a_loaded_one_was_made_from_the_stored_one(run: Any, magic: Any):
    run("factor = 3")
    for _ in range(2):
        run("%%isfdb cache rates --into rates\n[1, 2, factor]")
    run("db['doubled'] = [2 * rate for rate in rates]")
    db = magic.user_ns["db"]
    assert [used.link for used in db.entry("doubled").inputs] == [db.entry("rates").newest.link]
    assert "factor" not in isfdb.code(db, "doubled")
    for key in ("rates", "doubled"):
        assert isfdb.replay(db, key).status == "identical"


@pytest.mark.parametrize("times", [1, 2])
def test_the_output_of_a_cached_cell_can_be_used(run: Any, magic: Any, times: int):
    run("_ = 0; del _")
    for _ in range(times):
        run("%%isfdb cache rates\n[1, 2, 3]")
    run("db['more'] = _cached + [4]")
    db = magic.user_ns["db"]
    assert db["more"] == [1, 2, 3, 4]
    assert isfdb.replay(db, "more").status == "identical"


def test_a_script_with_all_that_ran_can_be_run(run: Any, magic: Any):
    run("factor = 3")
    for _ in range(2):
        run("%%isfdb cache rates --into rates\nparts = [1, 2, factor]\nparts")
    run("db['last'] = rates[-1]")
    db = magic.user_ns["db"]
    code = isfdb.code(db, "last", level="everything")
    assert "rates = db['rates']" in code or "rates = isfdb.load(" in code
    assert isfdb.replay(db, "last", level="everything", again=True).status == "identical"


def test_help_with_examples(run: Any):
    for line in ("%%isfdb cache --help", "%%isfdb cache a ?", "%%isfdb"):
        assert "%%isfdb cache rates --into rates" in run(f"{line}\n1").value
