"""Capture in a real kernel, driven through the messages a front end sends."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest

import isfdb

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Start a kernel without history; return what runs a cell in it and returns the reply's status."""
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(cwd=str(tmp_path), extra_arguments=["--HistoryManager.enabled=False"])

    def run(source: str, **facts: Any) -> str:
        # What a front end adds to the request: the cell's id stands in its metadata.
        content = {
            "code": source,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": False,
            "stop_on_error": True,
        }
        metadata = {"cellId": facts.pop("cell_id", uuid.uuid4().hex)}
        message = client.session.msg("execute_request", {**content, **facts}, metadata=metadata)
        client.shell_channel.send(message)
        while True:
            reply = client.get_shell_msg(timeout=60)
            if reply["parent_header"].get("msg_id") == message["header"]["msg_id"]:
                return str(reply["content"]["status"])

    yield run
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def test_a_kernel_records_cells_of_every_kind(kernel, tmp_path: Path):
    assert kernel("before = 1", cell_id="A") == "ok"
    assert kernel("import isfdb\ndb = isfdb.open('results')", cell_id="B") == "ok"
    assert kernel("1/0", cell_id="C") == "error"
    assert kernel("hidden = 2", store_history=False) == "ok"
    assert kernel("silent = 3", silent=True, store_history=False) == "ok"
    assert kernel("import asyncio\nawait asyncio.sleep(0.01)\ndb['awaited'] = 4", cell_id="D") == "ok"
    assert kernel("db['a'] = before + hidden + silent", cell_id="E") == "ok"
    entry = isfdb.open(tmp_path / "results", mode="r").entry("a")
    assert [(cell.source.split("\n")[0], cell.count, cell.outcome, cell.cell_id) for cell in entry.session.cells if cell.cell_id != "?"][
        :3
    ] == [
        ("before = 1", 1, "unknown", None),
        ("import isfdb", 2, "ok", "B"),
        ("1/0", 3, "error", "C"),
    ]
    assert [(cell.source.split("\n")[0], cell.count, cell.outcome) for cell in entry.session.cells[3:]] == [
        ("hidden = 2", None, "ok"),
        ("silent = 3", None, "ok"),
        ("import asyncio", 4, "ok"),
        ("db['a'] = before + hidden + silent", 5, "ok"),
    ]
    assert entry.cell.cell_id == "E"
    assert isfdb.open(tmp_path / "results", mode="r").entry("awaited").cell.cell_id == "D"
    assert not isfdb.verify(isfdb.open(tmp_path / "results", mode="r"))


def test_the_worker_of_a_notebook_names_the_cell_that_sent_it(kernel, tmp_path: Path):
    (tmp_path / "work.py").write_text("def work(db):\n    db['from worker'] = 1\n")
    source = (
        "import isfdb, work, multiprocessing\ndb = isfdb.open('results')\n"
        "with multiprocessing.get_context('spawn').Pool(1) as pool:\n    pool.apply(work.work, (db,))"
    )
    assert kernel("x = 1") == "ok"
    assert kernel(source, cell_id="B") == "ok"
    db = isfdb.open(tmp_path / "results", mode="r")
    entry = db.entry("from worker")
    assert entry.cell.kind == "task"
    assert entry.cell.source == source
    assert entry.cell.facts["sent_by"]["cell_id"] == "B"
    assert entry.session.start["parent"] == entry.cell.facts["parent"]
    assert not isfdb.verify(db)


def test_resetting_the_namespace_or_the_history_loses_no_cell(kernel, tmp_path: Path):
    begin = "import isfdb\ndb = isfdb.open('results')"
    sources = [
        begin,
        "%%time\ndb['timed'] = 1",
        "get_ipython().history_manager.reset()\ndb['after'] = 2",
        "%reset -f",
        begin + "\ndb['last'] = 3",
    ]
    assert [kernel(source, cell_id=f"cell-{number}") for number, source in enumerate(sources)] == ["ok"] * len(sources)
    db = isfdb.open(tmp_path / "results", mode="r")
    assert [db.entry(key).cell.cell_id for key in ("timed", "after", "last")] == ["cell-1", "cell-2", "cell-4"]
    assert [cell.source for cell in db.entry("last").session.cells] == sources
    assert {db.entry(key).session.id for key in db} == {db.entry("last").session.id}
    assert not isfdb.verify(db)
