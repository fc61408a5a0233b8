"""``isfdb.code`` in a real session: the script, what is to be known about it, and whether it makes the value again."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

import isfdb
from isfdb import trust
from isfdb.errors import KeyNotFoundError, OptionError, PickleWarning, UntrustedDataError, VersionGoneError
from isfdb.explaining import scripts
from isfdb.explaining.code_text import Code
from isfdb.layout.current import CHECKS_FOLDER
from isfdb.provenance import cells
from tests.properties.test_a_pinned_database_is_a_dict import tree_digest


@pytest.fixture
def run(shell: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Run cells in a notebook in which the database `db` is open; return the database, opened again."""
    cells.watch()
    monkeypatch.delenv("PYTEST_CURRENT_TEST", raising=False)

    def run_cells(*sources: str) -> Any:
        for source in ("import os\nos.environ.pop('PYTEST_CURRENT_TEST', None)\nimport isfdb\ndb = isfdb.open('results')", *sources):
            shell.run_cell(source, store_history=True)
        return isfdb.open("results")

    return run_cells


def test_the_script_is_a_text_that_knows_what_it_is(run):
    db = run("a = 1", "junk = 2", "db['x'] = a + 1")
    script = isfdb.code(db, "x")
    assert "a = 1" in script and "junk" not in script and isinstance(script, str)
    assert (script.status, script.level, script.key, script.link) == ("unchecked", "statements", "x", db.entry("x").link)
    assert pickle.loads(pickle.dumps(script)).__dict__ == script.__dict__
    assert script.to_json()["code"] == str(script) and json.dumps(script.to_json())


def test_nothing_is_run_unless_asked_for(run, tmp_path):
    db = run(
        "from pathlib import Path\nwith open('ran.txt', 'a') as file: _ = file.write('x')",
        "db['x'] = 1; y = Path('ran.txt').read_text()",
        "db['y'] = y",
    )
    for options in ({}, {"level": "cells"}, {"level": "everything"}, {"all": True}):
        isfdb.code(db, "y", **options)
    assert Path("ran.txt").read_text() == "x"


def test_a_check_runs_it_and_keeps_what_it_found(run):
    db = run("import numpy as np", "a = np.arange(5)", "db['x'] = a * 2")
    script = isfdb.code(db, "x", check=True)
    assert script.status == "checked" and script.check.level == "statements"
    again = isfdb.code(isfdb.open("results"), "x")
    assert again.status == "checked" and again == script and again.check == script.check
    db["x"] = 3
    assert isfdb.code(db, "x", version=1).status == "checked"
    assert isfdb.code(db, "x").status == "unchecked"
    assert not isfdb.verify(db)


def test_nothing_but_the_note_about_the_check_is_changed(run):
    Path("data.csv").write_text("a\n1\n")
    db = run(
        "import pandas as pd\nfrom pathlib import Path\nPath(db.create_managed_folder('raw').join('n')).write_text('1')",
        "def total(db):\n    db['sum'] = 1\n    db.rename('sum', 'other')\n    Path(db['raw'].join('n')).write_text('2')\n"
        "    Path('data.csv').write_text('2'); Path('new.txt').write_text('x')\n    return len(db.keys())",
        "db['x'] = total(db)",
    )
    Path("data.csv").write_text("a\n1\n")
    Path("new.txt").unlink()
    isfdb.code(db, "x", check=True)
    before = tree_digest(".")
    assert [version.number for version in db.versions("x")] == [1]
    os.remove(f"results/{CHECKS_FOLDER}/{os.listdir(f'results/{CHECKS_FOLDER}')[0]}")
    without = tree_digest(".")
    isfdb.code(isfdb.open("results", mode="r"), "x", check=True)
    assert tree_digest(".") == without != before
    assert Path("data.csv").read_text() == "a\n1\n" and not Path("new.txt").exists()


def test_files_are_found_where_the_session_found_them(run, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "t.txt").write_text("12")
    db = run("from pathlib import Path; text = Path('data/t.txt').read_text()", "db['x'] = int(text)")
    assert isfdb.code(db, "x", check=True).status == "checked"


def test_modules_beside_the_notebook_are_found(run, tmp_path):
    (tmp_path / "beside.py").write_text("def twice(x):\n    return 2 * x\n")
    db = run("import sys; sys.path.insert(0, '')\nimport beside", "db['x'] = beside.twice(4)")
    assert isfdb.code(db, "x", check=True).status == "checked"


def test_a_value_that_comes_out_otherwise_fails_and_says_how(run):
    db = run("import os, time", "db['x'] = time.time()")
    script = isfdb.code(db, "x", check=True)
    assert script.status == "failed" and script.check.level is None
    assert [one.outcome for one in script.check.attempts] == ["different"] * len(script.check.attempts)
    assert "stored and made again: different" in script.check.attempts[0].because
    assert isfdb.code(db, "x").status == "failed"


def test_a_wider_script_is_tried_and_returned_from_then_on(run, monkeypatch):
    db = run("a = 1", "a = 2; b = a", "db['x'] = b")
    entry = db.entry("x").newest
    # A slice that is wrong on purpose: no slicer is to be trusted, and this is what a check is for.
    code_at = scripts.code_at
    wrong = Code("value = 1\n", key="x", link=entry.link)

    def wrong_slice(version: Any, level: str, check: Any = None) -> Code:
        return wrong if level == "statements" else code_at(version, level, check)

    monkeypatch.setattr(scripts, "code_at", wrong_slice)
    script = isfdb.code(db, "x", check=True, trust=True)
    assert script.status == "widened" and script.level == "cells" and "a = 2" in script
    assert [one.outcome for one in script.check.attempts] == ["different", "same"]
    monkeypatch.undo()
    assert isfdb.code(db, "x") == script and isfdb.code(db, "x").status == "widened"
    assert isfdb.code(db, "x", level="statements").status == "unchecked"


def test_a_check_takes_no_longer_than_it_may(run):
    db = run("import time", "is_first = True", "db['x'] = 1 if is_first else 2")
    record = db.entry("x").newest.record
    assert record["slice"]
    script = isfdb.code(db, "x", check=True, timeout_s=0.01)
    assert script.status == "failed" and {one.outcome for one in script.check.attempts} == {"timed out"}


def test_a_strangers_code_is_not_run(run, monkeypatch, tmp_path):
    db = run("db['x'] = 1")
    monkeypatch.setenv("ISFDB_DATA_FOLDER", str(tmp_path / "somebody_else"))
    with pytest.raises(UntrustedDataError, match="nothing shows that you wrote it"):
        isfdb.code(db, "x", check=True)
    assert isfdb.code(db, "x", check=True, trust=True).status == "checked"
    assert isfdb.code(isfdb.open("results", trust=True), "x", check=True).status == "checked"


@pytest.mark.parametrize("where", ["code.py", "the log"])
def test_code_that_was_changed_is_a_strangers(run, where):
    db = run("a = 1", "db['x'] = a")
    if where == "code.py":
        path = db.entry("x").newest.path / "code.py"
        path.write_text(path.read_text().replace("a = 1", "a = 6"))
    else:
        (path,) = Path("results/.isfdb/sessions").iterdir()
        path.write_text(path.read_text().replace('"a = 1"', '"a = 6"'))
    with pytest.raises(UntrustedDataError, match="nothing shows that you wrote it"):
        isfdb.code(isfdb.open("results"), "x", check=True, level="statements" if where == "code.py" else "everything")


def test_a_check_that_cannot_be_kept_says_so(run):
    run("db['x'] = 1")
    script = isfdb.code(isfdb.open("results", mode="r"), "x", check=True)
    assert script.status == "checked" and script.notes == ("this check was not kept: the database is open for reading only",)
    assert isfdb.code(isfdb.open("results"), "x").status == "unchecked"


def test_all_that_the_session_ran_can_be_read(run):
    db = run("a = 1", "1 / 0", "db['x'] = a", "later = 5\n%time 1", "db['y'] = 2")
    history = isfdb.code(db, "x", all=True)
    assert history.level == "history"
    for text in ("a = 1", "1 / 0", "failed: ZeroDivisionError", "%time 1", "later = 5", "stored x@1"):
        assert text in history


def test_a_value_that_no_cell_stored_has_no_slice(db):
    db["x"] = 1
    script = isfdb.code(db, "x")
    assert script.level == "as it ran" and "test_a_value_that_no_cell_stored" in script
    assert script.labels[0][0] == "whole test"
    checked = isfdb.code(db, "x", check=True, trust=True)
    assert checked.status == "failed" and checked.check.attempts[0].outcome == "not run"


def test_a_value_stored_without_provenance_says_so(db):
    with isfdb.set_options(capture=False):
        db["x"] = 1
    script = isfdb.code(db, "x")
    assert script == "" and script.labels[0][0] == "no code" and "switched off" in script.labels[0][1]


def test_it_shows_itself_without_script_and_escaped(run):
    db = run("text = '<script>alert(1)</script>'", "db['x<b>'] = text")
    bundle = isfdb.code(db, "x<b>")._repr_mimebundle_()
    assert "<script" not in bundle["text/html"] and "<b>x&lt;b&gt;</b>" in bundle["text/html"]
    assert "unchecked" in bundle["text/html"] and "i-s" in bundle["text/html"]
    assert "# x<b> - statements - unchecked" in bundle["text/plain"]


def test_it_becomes_a_notebook_of_its_cells(run, tmp_path):
    db = run("a = '''\n# cell [9] is no cell\n'''", "b = len(a)", "db['x'] = b")
    notebook = isfdb.code(db, "x").to_notebook(tmp_path / "x.ipynb")
    read = nbformat.read(tmp_path / "x.ipynb", as_version=4)
    nbformat.validate(read)
    assert [cell.cell_type for cell in read.cells] == ["markdown"] + ["code"] * (len(read.cells) - 1)
    sources = [cell.source for cell in read.cells]
    assert any("a = '''\n# cell [9] is no cell\n'''" in source for source in sources) and sources[-1] == "value"
    namespace: dict[str, Any] = {}
    for source in sources[1:]:
        exec(source, namespace)
    assert namespace["value"] == 23 == db["x"]
    assert notebook["nbformat"] == 4
    with pytest.raises(FileExistsError):
        isfdb.code(db, "x").to_notebook(tmp_path / "x.ipynb")


def test_what_is_not_there_has_no_code(db):
    db["x"] = 1
    del db["x"]
    with pytest.raises(KeyNotFoundError, match="no key 'y'"):
        isfdb.code(db, "y")
    with pytest.raises(VersionGoneError, match="is its deletion"):
        isfdb.code(db, "x", version=2)
    with pytest.raises(OptionError, match="is none of 'statements'"):
        isfdb.code(db, "x", version=1, level="lines")


def test_a_key_of_a_sub_database_has_its_code(run):
    db = run("cells = db.create_sub_db('cells')", "a = 2", "cells['x'] = a")
    assert isfdb.code(db, "cells/x") == isfdb.code(db["cells"], "x")
    assert isfdb.code(db["cells"], "x", check=True).status == "checked"


def test_the_magic_gives_the_same(run, shell, tmp_path):
    db = run("%load_ext isfdb", "%isfdb open results", "a = 3", "db['x'] = a")
    script = shell.run_line_magic("isfdb", "code x")
    assert script == isfdb.code(db, "x") and isinstance(script, Code)
    assert shell.run_line_magic("isfdb", f"code results x --check --version 1 --notebook {tmp_path / 'x.ipynb'}").status == "checked"
    assert (tmp_path / "x.ipynb").exists()
    assert shell.run_line_magic("isfdb", "code x --all").level == "history"


def test_trust_in_one_database_is_no_trust_in_another_that_its_script_reads(run, monkeypatch, tmp_path):
    with monkeypatch.context() as patch:
        patch.setenv("ISFDB_DATA_FOLDER", str(tmp_path / "somebody_else"))
        theirs = isfdb.open("theirs")
        with pytest.warns(PickleWarning):
            theirs["f"] = lambda: 7
    db = run("theirs = isfdb.open('theirs', trust=True)", "f = theirs['f']", "db['x'] = f()")
    script = isfdb.code(db, "x", check=True, trust=True)
    assert script.status == "failed" and "UntrustedDataError" in script.check.attempts[0].because
    trust.trust(isfdb.open("theirs").id, "theirs")
    assert isfdb.code(db, "x", check=True).status == "checked"


def test_what_a_notebook_alone_can_do_is_run_as_well(run):
    db = run(
        "import asyncio\nasync def later(x):\n    return x", "%time a = 2", "b = await later(a)", "_ = b + 1\nb * 2", "db['x'] = b * 3"
    )
    assert isfdb.code(db, "x", check=True).status == "checked"
    assert isfdb.code(db, "x", check=True, level="everything").status == "checked"
