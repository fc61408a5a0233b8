"""Lineage of what a real IPython session recorded: no record is written by hand here."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

import isfdb
from isfdb.provenance.cells import watch
from isfdb.tracing.stale import stale_keys

if TYPE_CHECKING:
    from pathlib import Path


def labels(found: Any, kind: str = "value") -> set[str]:
    return {node.label for node in found.graph.of_kind(kind)}


@pytest.fixture
def session(shell: Any) -> Any:
    """A session that read two files, used one of them, and went from a table over a value in a sub-database to a number."""
    watch()  # as importing isfdb in a notebook does
    # By another process: what this one writes and reads again is the session's own affair.
    write = "for name in ('used', 'unused'): open(name + '.csv', 'w').write('a,b 1,2 3,4')"
    subprocess.run([sys.executable, "-c", write], check=True, timeout=60)
    for cell in (
        "import isfdb, pathlib\ndb = isfdb.open('./results')",
        "lines = pathlib.Path('used.csv').read_text().split()",
        "other = pathlib.Path('unused.csv').read_text()",
        "db['cells/table'] = lines",
        "table = db['cells/table']",
        "db['count'] = len(table)",
    ):
        assert shell.run_cell(cell, store_history=True).success
    return shell


def test_an_edge_means_used_and_not_merely_read_in_the_same_session(session: Any):
    found = isfdb.lineage(session.user_ns["db"], "count")
    assert labels(found) == {"count v1", "cells/table v1"}
    assert labels(found, "activity") == {"cell [4]", "cell [6]"}
    assert "used.csv" in labels(found, "file")
    assert "unused.csv" not in labels(found, "file")
    assert "db['count'] = len(table)" in str(found)


def test_downstream_leads_back(session: Any):
    assert labels(isfdb.lineage(session.user_ns["db"], "cells/table", direction="downstream")) == {"cells/table v1", "count v1"}
    assert labels(isfdb.lineage(session.user_ns["db"]["cells"], "table", direction="downstream")) == {"cells/table v1", "count v1"}


def test_what_changes_makes_stale_and_making_it_again_mends_it(session: Any):
    db = session.user_ns["db"]
    assert stale_keys(db) == {}
    with open("used.csv", "a", encoding="utf-8") as file:
        file.write("5,6\n")
    assert set(stale_keys(db)) == {"cells/table", "count"}
    for cell in (
        "lines = pathlib.Path('used.csv').read_text().split()",
        "db['cells/table'] = lines",
        "table = db['cells/table']",
        "db['count'] = len(table)",
    ):
        assert session.run_cell(cell, store_history=True).success
    assert stale_keys(db) == {}


def test_a_link_to_another_database_is_followed(session: Any, tmp_path: Path):
    session.run_cell("with isfdb.open('./second') as second:\n    second['twice'] = 2 * db['count']", store_history=True)
    assert "count v1" in labels(isfdb.lineage(isfdb.open("./second"), "twice"))
    assert "twice v1" in labels(isfdb.lineage(session.user_ns["db"], "count", direction="downstream"))


def test_in_the_notebook_it_is_a_picture_with_a_text_twin(session: Any):
    shown = session.run_cell("isfdb.lineage(db, 'count')", store_history=True).result
    bundle = shown._repr_mimebundle_()
    assert "<svg" in bundle["text/html"]
    assert "cell [4]" in bundle["text/html"]
    assert bundle["text/plain"].startswith("count v1")


def test_a_script_is_an_activity_too(tmp_path: Path):
    script = tmp_path / "analysis.py"
    script.write_text("import isfdb\ndb = isfdb.open('results')\ndb['raw'] = [1, 2]\ndb['sum'] = sum(db['raw'])\n")
    subprocess.run([sys.executable, script], cwd=tmp_path, check=True, timeout=60, env=os.environ)
    found = isfdb.lineage(isfdb.open(tmp_path / "results"), "sum")
    assert labels(found) == {"sum v1", "raw v1"}
    assert labels(found, "activity") == {"script analysis.py"}
    assert "db['sum'] = sum(db['raw'])" in str(found)
