"""The log of a session: chained, readable when torn, telling of every edit."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from isfdb.provenance.cells import Ran
from isfdb.provenance.session import check_chain, line_digests, path_of, read_session
from isfdb.provenance.session_log import SessionLog
from isfdb.storage.local import LocalStorage

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    return LocalStorage(str(tmp_path))


@pytest.fixture
def log(storage: LocalStorage) -> SessionLog:
    """A session of three cells, the last still running."""
    log = SessionLog(storage)
    ran = [
        Ran("cell", "x = 1", count=1, outcome="ok"),
        Ran("cell", "1/0", count=2, outcome="error", error="ZeroDivisionError: division by zero"),
    ]
    log.line_of(Ran("cell", "db['a'] = x", count=3, started=1.5e9), ran)
    return log


def lines_of(storage: LocalStorage, log: SessionLog) -> list[bytes]:
    return storage.read(path_of(log.id)).splitlines(keepends=True)


def rewrite(storage: LocalStorage, log: SessionLog, lines: list[bytes]) -> None:
    storage.replace(path_of(log.id), b"".join(lines))


def test_a_log_reads_back_as_it_was_written(storage, log):
    session = read_session(storage, log.id)
    assert session.start["session"] == log.id
    assert [(cell.line, cell.source, cell.count, cell.outcome) for cell in session.cells] == [
        (1, "x = 1", 1, "ok"), (2, "1/0", 2, "error"), (3, "db['a'] = x", 3, "running"),
    ]  # fmt: skip
    assert session.cells[1].error == "ZeroDivisionError: division by zero"
    assert session.cells[2].started == "2017-07-14T02:40:00.000+00:00"
    assert check_chain(storage, log.id) == []


def test_lines_are_sorted_json_on_one_line_each(storage, log):
    for line in lines_of(storage, log):
        members = json.loads(line)
        assert list(members) == sorted(members)
        assert line.endswith(b"}\n")


def test_nothing_is_written_twice(storage, log):
    ran = Ran("cell", "y = 2", count=4)
    line = log.line_of(ran, [])
    size = storage.size(path_of(log.id))
    assert log.line_of(ran, []) == line
    assert storage.size(path_of(log.id)) == size


def test_the_outcome_comes_in_a_later_line(storage):
    log = SessionLog(storage)
    cell = Ran("cell", "db['a'] = 1", count=1)
    log.line_of(cell, [])
    cell.outcome, cell.duration_s = "ok", 0.25
    log.write_outcome(cell)
    log.write_outcome(cell)
    log.write_code(cell, {"commit": "c" * 40})
    (found,) = read_session(storage, log.id).cells
    assert (found.outcome, found.duration_s, found.facts["code"]) == ("ok", 0.25, {"commit": "c" * 40})
    assert len(lines_of(storage, log)) == 4
    assert check_chain(storage, log.id) == []


def test_the_outcome_of_what_is_not_in_the_log_is_not_written(storage, log):
    size = storage.size(path_of(log.id))
    log.write_outcome(Ran("cell", "x", outcome="ok"))
    assert storage.size(path_of(log.id)) == size


@pytest.mark.parametrize("kept", range(1, 40, 3))
def test_a_torn_last_line_is_passed_over(storage, log, kept: int):
    lines = lines_of(storage, log)
    rewrite(storage, log, [*lines[:-1], lines[-1][:kept]])
    assert [cell.source for cell in read_session(storage, log.id).cells] == ["x = 1", "1/0"]
    assert not log.is_intact()


def test_an_edited_line_is_found(storage, log):
    lines = lines_of(storage, log)
    rewrite(storage, log, [lines[0], lines[1].replace(b"x = 1", b"x = 2"), *lines[2:]])
    assert check_chain(storage, log.id) == [
        "line 2 was written after another line than the one before it: a line was edited, dropped or moved"
    ]


@pytest.mark.parametrize("change", ["drop first", "drop middle", "swap", "insert", "unreadable"])
def test_a_dropped_moved_added_or_damaged_line_is_found(storage, log, change: str):
    lines = lines_of(storage, log)
    changed = {
        "drop first": lines[1:],
        "drop middle": [lines[0], *lines[2:]],
        "swap": [lines[0], lines[2], lines[1], lines[3]],
        "insert": [*lines[:2], b'{"kind":"cell","previous":null,"source":"forged"}\n', *lines[2:]],
        "unreadable": [lines[0], b"\xff\xfe{\n", *lines[2:]],
    }
    rewrite(storage, log, changed[change])
    assert check_chain(storage, log.id)
    read_session(storage, log.id)


def test_a_log_under_another_name_is_found(storage, log):
    storage.put(path_of("20200101T000000-000000000000"), storage.read(path_of(log.id)))
    assert check_chain(storage, "20200101T000000-000000000000") == ["line 0 does not begin this session"]


@pytest.mark.parametrize("session_id", ["../../secret", ".hidden", "a/b", "missing"])
def test_what_is_no_session_of_this_database_is_not_found(storage, session_id: str):
    with pytest.raises(FileNotFoundError):
        read_session(storage, session_id)


def test_a_task_shows_the_source_of_the_cell_that_sent_it(storage, log):
    worker, worker_of_worker = SessionLog(storage), SessionLog(storage)
    line = worker.line_of(Ran("task", None, parent={"session": log.id, "line": 3}), [])
    worker_of_worker.line_of(Ran("task", None, parent={"session": worker.id, "line": line}), [])
    (cell,) = read_session(storage, worker_of_worker.id).cells
    assert (cell.kind, cell.source, cell.facts["sent_by"]["count"]) == ("task", "db['a'] = x", 3)


@pytest.mark.parametrize("parent", [None, "x", {}, {"session": "gone", "line": 1}, {"session": "../x", "line": 1}])
def test_a_task_without_a_known_sender_has_no_source(storage, parent: object):
    log = SessionLog(storage)
    log.line_of(Ran("task", None, parent=parent), [])
    assert [cell.source for cell in read_session(storage, log.id).cells] == [None]


def test_a_task_that_names_itself_as_its_sender_ends(storage):
    log = SessionLog(storage)
    log.line_of(Ran("task", None, parent={"session": log.id, "line": 1}), [])
    assert [cell.source for cell in read_session(storage, log.id).cells] == [None]


def test_a_long_text_that_comes_again_is_stored_once_and_read_twice(storage):
    log = SessionLog(storage)
    text = "def test_a(): ...\n" * 100
    for name in ("t.py::a", "t.py::b"):
        log.line_of(Ran("test", text, test=name), [])
    assert len(storage.read(path_of(log.id))) < len(text) + 3000
    assert [cell.source for cell in read_session(storage, log.id).cells] == [text, text]
    assert check_chain(storage, log.id) == []


def test_a_secret_in_the_name_of_a_test_is_not_written(storage):
    log = SessionLog(storage)
    secret = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
    log.line_of(Ran("test", None, test=f"t.py::test_login[{secret}]"), [])
    assert secret.encode() not in storage.read(path_of(log.id))


def test_lines_after_an_edited_one_are_not_vouched_for(storage, log):
    lines = lines_of(storage, log)
    assert len(line_digests(storage, log.id)) == len(lines)
    lines[1] = lines[1].replace(b"x = 1", b"x = 2")
    rewrite(storage, log, lines)
    assert len(line_digests(storage, log.id)) == 2
