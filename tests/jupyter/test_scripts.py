"""The script that a session leaves with a value: run in a clean process, it makes the value again."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import isfdb
from isfdb.provenance import cells


@pytest.fixture
def session(shell: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Run cells in a notebook with a database, and return the script of a key."""
    cells.watch()
    monkeypatch.delenv("PYTEST_CURRENT_TEST", raising=False)

    def run(*sources: str, key: str = "x", **facts: Any) -> str:
        shell.run_cell(
            "import os\nos.environ.pop('PYTEST_CURRENT_TEST', None)\nimport isfdb\ndb = isfdb.open('results')", store_history=True
        )
        for source in sources:
            shell.run_cell(source, **{"store_history": True, **facts})
        return str(isfdb.open("results", mode="r").entry(key).code)

    return run


def value_of(script: str, tmp_path: Path) -> str:
    """Run a script in a clean process, and return the repr of what it makes."""
    folder = tmp_path / "elsewhere"
    folder.mkdir(exist_ok=True)
    (folder / "code.py").write_text(script + "\nif __name__ == '__main__':\n    print('value:', repr(value))\n")
    done = subprocess.run([sys.executable, "code.py"], cwd=folder, env=dict(os.environ), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.rpartition("value: ")[2].strip()


def statements(script: str) -> list[str]:
    return [line for line in script.splitlines() if line and not line.startswith("#")]


def test_the_slice_holds_what_the_value_needs_and_nothing_else(session, tmp_path) -> None:
    script = session("import math, json", "junk = 5", "a = [1, 2]\nb = a", "b.append(math.floor(3.5))", "db['x'] = sum(a)")
    assert statements(script) == ["import math", "a = [1, 2]", "b = a", "b.append(math.floor(3.5))", "value = sum(a)"]
    assert value_of(script, tmp_path) == "6"


def test_what_runs_later_in_the_cell_is_no_part_of_it(session, tmp_path) -> None:
    script = session("a = 1", "db['x'] = a; a = 2\na = 3")
    assert statements(script) == ["a = 1", "value = a"]


def test_a_cell_that_was_edited_and_run_again_is_there_as_it_ran(session, tmp_path) -> None:
    script = session("a = 1\nb = a", "a = 2", "a = 30", "db['x'] = a + b")
    assert statements(script) == ["a = 1", "b = a", "a = 30", "value = a + b"]
    assert value_of(script, tmp_path) == "31"


def test_a_failed_cell_counts_as_far_as_it_came(session, tmp_path) -> None:
    script = session("a = [1]", "a.append(2)\na.append(1 / 0)\na.append(3)", "db['x'] = a")
    assert "depends on a failed cell: cell [3] failed" in script
    assert value_of(script, tmp_path) == "[1, 2]"


def test_awaited_code_runs_in_plain_python(session, tmp_path) -> None:
    source = "import asyncio\nasync def f(x):\n    await asyncio.sleep(0)\n    return '''a\nb''' * x\ny = await f(2)"
    script = session(source, "db['x'] = y")
    assert value_of(script, tmp_path) == repr("a\nba\nb")


def test_outputs_of_cells_are_kept_under_their_names(session, tmp_path) -> None:
    script = session("[1, 2]", "_.append(3)", "Out[2]", "db['x'] = _2 + _")
    assert value_of(script, tmp_path) == "[1, 2, 3, 1, 2, 3]"


def test_several_keys_of_one_cell_have_each_their_own_script(session, tmp_path) -> None:
    script = session("a, b = 1, 2", "db['y'] = b\ndb['x'] = a")
    assert statements(script) == ["a, b = 1, 2", "value = a"]


def test_a_hidden_cell_is_named(session, tmp_path, shell) -> None:
    shell.run_cell("hidden = 7", store_history=False)
    assert "# hidden cell: a hidden cell left no trace" in session("db['x'] = hidden")


def test_the_order_of_cells_is_told_where_it_is_not_that_of_the_notebook(session, shell) -> None:
    for source, name in (("a = 1", "one"), ("b = a", "two"), ("a = b + 1", "one")):
        shell.run_cell(source, store_history=True, cell_id=name)
    script = session("db['x'] = a")
    assert "# out of order: cell [3] stands before cell [2] and ran after it" in script
    assert "# uses an edited or deleted cell: cell [1] ran again later with another text" in script


def test_a_secret_in_a_cell_is_in_no_script(session) -> None:
    script = session("password = 'hunter2hunter2'\nlength = len(password)", "db['x'] = length")
    assert "hunter2" not in script


def test_the_record_names_the_script_and_verify_finds_it_changed(session) -> None:
    session("db['x'] = 1")
    db = isfdb.open("results")
    facts = db.entry("x").versions[-1].slice
    assert facts is not None
    assert (facts.at, facts.labels) == (1, (("linear", ""),))
    assert not isfdb.verify(db)
    path = db.entry("x").path / "code.py"
    path.write_text(path.read_text().replace("value = 1", "value = 2"))
    assert [(one.kind, one.file) for one in isfdb.verify(db)] == [("changed file", "code.py")]
    path.unlink()
    assert [(one.kind, one.file) for one in isfdb.verify(db)] == [("missing file", "code.py")]


def test_a_script_file_has_a_slice_as_well(tmp_path, monkeypatch) -> None:
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    (tmp_path / "fit.py").write_text("import isfdb\njunk = 1\na = 20\ndb = isfdb.open('r')\ndb['x'] = a + 1\nprint(a)\n")
    subprocess.run([sys.executable, "fit.py"], cwd=tmp_path, check=True, capture_output=True)
    script = str(isfdb.open(tmp_path / "r").entry("x").code)
    assert statements(script) == ["a = 20", "value = a + 1"]


def test_a_thousand_puts_of_one_statement_are_followed_once(session) -> None:
    session("for i in range(1000):\n    db[f'k{i}'] = i", key="k7")


PINNED = {
    "a loop stores": ("for i in range(3):\n    db[f'k{i}'] = i * 2\ndb['x'] = db['k1'] + db['k2']", "x", "6"),
    "a loop stores the key": ("for i in range(3):\n    db[f'k{i}'] = i * 2", "k2", "4"),
    "a function is given the database": ("def store(where, v):\n    where['x'] = v + 1", "x", "5"),
    "all keys": ("db['a'] = 1; db['b'] = 2\ndb['x'] = sum(db[k] for k in db.keys())", "x", "3"),
    "set with options": ("db.set('x', [1, 2], dumper='to_json')", "x", "[1, 2]"),
    "a batch": ("with db.batch():\n    db['a'] = 1\n    db['x'] = 9", "x", "9"),
    "maybe_calculate": ("y = db.maybe_calculate('x', lambda: 11)", "x", "11"),
    "counting up": ("db['n'] = 1\ndb['n'] = db['n'] + 1\ndb['n'] += 1\ndb['x'] = db['n'] * 10", "x", "30"),
    "deleting": ("db['a'] = 1\ndel db['a']\ndb['x'] = 'a' in db", "x", "False"),
    "a managed folder": (
        "f = db.create_managed_folder('f')\nimport pathlib as p\np.Path(f, 'a').write_text('hi')\ndb['x'] = p.Path(f, 'a').read_text()",
        "x",
        "'hi'",
    ),
}


@pytest.mark.parametrize("case", PINNED)
def test_code_that_uses_the_database_as_an_object_runs_beside_it(session, tmp_path, case) -> None:
    source, key, value = PINNED[case]
    more = ["store(db, 4)"] if "def store" in source else []
    script = session(source, *more, "db['later'] = 3", key=key)
    before = isfdb.open("results").versions(key)
    assert value_of(script, tmp_path) == value
    assert isfdb.open("results").versions(key) == before


def test_what_workers_store_has_the_code_that_sent_them(session, tmp_path) -> None:
    source = (
        "from concurrent.futures import ProcessPoolExecutor\nimport multiprocessing\n"
        "junk = 1\nfactor = 3\nimport helper\n"
        "with ProcessPoolExecutor(2, multiprocessing.get_context('spawn')) as pool:\n"
        "    list(pool.map(helper.work, [(db, 'x', factor), (db, 'y', 5)]))"
    )
    Path("helper.py").write_text("def work(task):\n    db, key, n = task\n    db[key] = n * 2\n")
    script = session("import sys, os\nsys.path.insert(0, os.getcwd())", source)
    assert "junk" not in script
    facts = isfdb.open("results").entry("x").newest.slice
    assert facts is not None
    assert facts.labels[0][0] == "stored by a worker"
    assert not isfdb.verify(isfdb.open("results"))
    (tmp_path / "elsewhere").mkdir(exist_ok=True)
    (tmp_path / "elsewhere" / "helper.py").write_text(Path("helper.py").read_text())
    assert value_of(script, tmp_path) == "6"
