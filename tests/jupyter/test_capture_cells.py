"""What is recorded about the cells of a notebook, in a real IPython shell."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

import isfdb
from isfdb.provenance import cells
from isfdb.provenance.session import check_chain, read_session

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def run(shell: Any) -> Callable[..., Any]:
    """Run a cell as a front end does."""

    def run_cell(source: str, **facts: Any) -> Any:
        return shell.run_cell(source, **{"store_history": True, **facts})

    return run_cell


@pytest.fixture
def notebook(run: Callable[..., Any]) -> Callable[..., Any]:
    """Run cells in a notebook that imported isfdb and opened a database in its first cell."""
    cells.watch()  # as the first import of isfdb does; here it was imported long ago
    run("import isfdb, os\nos.environ.pop('PYTEST_CURRENT_TEST')\ndb = isfdb.open('results')").raise_error()
    return run


def test_unwatched_cells_are_taken_over_when_watched_again(notebook):
    notebook("x = 1")
    cells.unwatch()
    notebook("y = 2")
    notebook("db['a'] = y")
    assert told(session_of("a"))[1:] == [("x = 1", 2, "ok"), ("y = 2", 3, "unknown"), ("db['a'] = y", 4, "ok")]


def session_of(key: str, path: str = "results") -> Any:
    session = isfdb.open(path, mode="r").entry(key).session
    assert session is not None
    return session


def told(session: Any) -> list[tuple[Any, ...]]:
    return [(cell.source, cell.count, cell.outcome) for cell in session.cells]


def test_a_put_names_the_cell_it_ran_in_and_all_cells_before(notebook):
    notebook("x = 20")
    notebook("db['a'] = x + 1", cell_id="4f1c")
    entry = isfdb.open("results", mode="r").entry("a")
    assert told(entry.session)[1:] == [("x = 20", 2, "ok"), ("db['a'] = x + 1", 3, "ok")]
    assert entry.cell.source == "db['a'] = x + 1"
    assert entry.metadata["activity"]["count"] == 3
    assert entry.metadata["activity"]["cell_id"] == entry.cell.cell_id == "4f1c"


def test_cells_that_ran_before_isfdb_was_imported_are_recorded_as_seen_by_nobody(run):
    run("secret_of_life = 42")
    run("1/0")
    run("import isfdb\ndb = isfdb.open('results')\ndb['a'] = secret_of_life", cell_id="c3")
    first, second, third = session_of("a").cells
    assert (first.source, first.count, first.outcome, first.started, first.duration_s) == ("secret_of_life = 42", 1, "unknown", None, None)
    assert second.outcome == "unknown"
    assert (third.count, third.outcome, third.cell_id, third.started) == (3, "ok", "c3", None)


def test_a_shell_started_after_isfdb_was_imported_is_watched_from_the_first_put(run):
    run("import isfdb")
    run("db = isfdb.open('results'); x = 1")
    run("db['a'] = x")
    run("db['b'] = x")
    assert [cell.outcome for cell in session_of("b").cells] == ["unknown", "unknown", "ok", "ok"]


def test_a_cell_is_running_until_it_has_ended(notebook):
    notebook("db['a'] = 1\nassert db.entry('a').cell.outcome == 'running'").raise_error()
    assert session_of("a").cells[-1].outcome == "ok"
    assert session_of("a").cells[-1].duration_s > 0


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("db['a'] = 1\n1/0", "ZeroDivisionError: division by zero"),
        ("db['a'] = 1\nraise KeyboardInterrupt", "KeyboardInterrupt: "),
    ],
)
def test_a_failed_cell_is_recorded_with_its_error(notebook, source: str, error: str):
    notebook(source)
    notebook("db['after'] = 2")
    failed, after = session_of("after").cells[-2:]
    assert (failed.outcome, failed.error) == ("error", error)
    assert (after.outcome, after.error) == ("ok", None)


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("1 / 0", 1),
        ("\n\nx = 1\ndef f():\n    return 1 / 0\nf()", 4),
        ("%%time\nx = 1\n1 / 0", 2),
        ("x = = 1", None),
        ("import asyncio\nawait asyncio.sleep(0)\n{}['a']", 3),
    ],
)
def test_the_line_at_which_a_cell_failed_is_recorded(notebook, source: str, line: int | None):
    notebook("db['before'] = 1").raise_error()
    notebook(source)
    notebook("db['a'] = 1").raise_error()
    *_, failed, _ = session_of("a").cells
    assert (failed.outcome, failed.error_line) == ("error", line)


def test_a_cell_that_does_not_compile_is_recorded(notebook):
    notebook("x = = 1")
    notebook("db['a'] = 1")
    broken = session_of("a").cells[-2]
    assert (broken.source, broken.outcome) == ("x = = 1", "error")
    assert broken.error.startswith("SyntaxError")


def test_cells_kept_out_of_the_history_are_recorded(notebook):
    notebook("x = 1", store_history=False)
    notebook("y = 2", silent=True, store_history=False)
    notebook("db['a'] = x + y")
    hidden, silent, shown = session_of("a").cells[-3:]
    assert (hidden.source, hidden.count, hidden.stored_in_history, hidden.outcome) == ("x = 1", None, False, "ok")
    assert (silent.source, silent.outcome, silent.facts["silent"]) == ("y = 2", "ok", True)
    assert (shown.count, shown.stored_in_history) == (2, True)


def test_a_put_from_a_silent_cell_names_that_cell(notebook):
    notebook("db['a'] = 1", silent=True)
    assert session_of("a").cells[-1].source == "db['a'] = 1"
    assert session_of("a").cells[-1].outcome == "ok"


def test_an_empty_cell_ends_no_other(notebook):
    notebook("db['a'] = 1\nget_ipython().run_cell('   ', store_history=False)\ndb['b'] = 2")
    entry = isfdb.open("results", mode="r").entry("b")
    assert entry.cell.source.startswith("db['a'] = 1")


def test_a_cell_run_by_a_cell_does_not_end_the_outer_one(notebook):
    notebook("get_ipython().run_cell('db[\"in\"] = 1')\ndb['out'] = 2")
    db = isfdb.open("results", mode="r")
    assert db.entry("in").cell.source == 'db["in"] = 1'
    assert db.entry("out").cell.source.endswith("db['out'] = 2")
    assert [cell.outcome for cell in db.entry("out").session.cells] == ["ok"] * 3


def test_a_cell_run_again_is_another_activity(notebook):
    notebook("n = 0", cell_id="A")
    notebook("n += 1; db['a'] = n", cell_id="B")
    notebook("n += 1; db['a'] = n", cell_id="B")
    first, second = isfdb.open("results", mode="r").versions("a")
    assert [first.record["activity"]["count"], second.record["activity"]["count"]] == [3, 4]
    assert [cell.cell_id for cell in session_of("a").cells][1:] == ["A", "B", "B"]


def test_two_puts_in_a_cell_write_its_text_once_and_a_line_each(notebook):
    lines = "pathlib.Path(log).read_text().splitlines()"
    source = f"import pathlib\ndb['a'] = 1\nbefore = {lines}\ndb['b'] = 2\nnew = {lines}[len(before):]\n"
    notebook("db['first'] = 0\nlog = 'results/.isfdb/sessions/' + db.entry('first').metadata['activity']['session'] + '.jsonl'")
    notebook(source + "assert [sum(word in line for line in new) for word in ('\"publish\"', '\"source\"')] == [1, 0], new").raise_error()


def test_the_text_of_a_session_is_stored_once_however_many_keys_it_stores(notebook, tmp_path: Path):
    for number in range(30):
        notebook(f"marker_{number} = 1; db['k{number}'] = {number}")
    logs = list((tmp_path / "results/.isfdb/sessions").iterdir())
    assert len(logs) == 1
    text = logs[0].read_text()
    assert all(text.count(f"marker_{number} = 1") == 1 for number in range(30))
    assert not check_chain(isfdb.open("results", mode="r")._storage, logs[0].stem)


def test_each_database_holds_the_whole_session(notebook):
    notebook("x = 1")
    notebook("db['a'] = x")
    notebook("other = isfdb.open('other'); other['b'] = x")
    notebook("db['c'] = x")
    assert [cell.source for cell in session_of("b", "other").cells][1:3] == ["x = 1", "db['a'] = x"]
    assert [cell.source for cell in session_of("c").cells][-1] == "db['c'] = x"


def test_a_database_made_anew_at_the_same_path_in_the_same_cell_holds_its_own_records(notebook, tmp_path: Path):
    notebook("import shutil\ndb['a'] = 1\nshutil.rmtree('results')\ndb = isfdb.open('results')\ndb['a'] = 2").raise_error()
    assert session_of("a").cells[-1].source.startswith("import shutil")
    assert list((tmp_path / "results/.isfdb/environments").iterdir())
    assert not isfdb.verify(isfdb.open("results", mode="r"))


def test_a_deleted_session_is_written_again_for_the_next_cell(notebook, tmp_path: Path):
    notebook("db['a'] = 1")
    for log in (tmp_path / "results/.isfdb/sessions").iterdir():
        log.unlink()
    notebook("db['b'] = 2")
    assert [cell.source for cell in session_of("b").cells][1:] == ["db['a'] = 1", "db['b'] = 2"]


def test_a_torn_log_is_never_appended_to(notebook, tmp_path: Path):
    notebook("db['a'] = 1")
    (log,) = (tmp_path / "results/.isfdb/sessions").iterdir()
    with log.open("ab") as file:
        file.write(b'{"count": 3, "ki')
    notebook("db['b'] = 2")
    assert log.read_bytes().endswith(b'{"count": 3, "ki')
    assert session_of("b").id != log.stem
    assert [cell.source for cell in session_of("b").cells][1:] == ["db['a'] = 1", "db['b'] = 2"]
    assert [cell.source for cell in session_of("a").cells][1:] == ["db['a'] = 1"]


def test_secrets_in_cells_and_errors_do_not_reach_the_disk(notebook, tmp_path: Path):
    secret = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
    notebook(f"token = '{secret}'")
    notebook(f"raise ValueError('bad token {secret}')")
    notebook("db['a'] = 1")
    (log,) = (tmp_path / "results/.isfdb/sessions").iterdir()
    assert secret not in log.read_text()
    assert session_of("a").cells[1].facts["redacted"] == 1


def test_half_a_surrogate_pair_in_a_cell_stops_nothing(notebook):
    notebook("text = 'x\ud83dy'")
    notebook("db['a'] = 1")
    assert session_of("a").cells[-2].source == "text = 'x?y'"


def test_a_thread_that_outlives_its_cell_is_told_from_a_cell(notebook, shell, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    notebook(
        "import threading\ngo = threading.Event()\ndef work():\n    go.wait(10); db['late'] = 1\n"
        "t = threading.Thread(target=work); t.start()"
    )
    shell.user_ns["go"].set()
    shell.user_ns["t"].join()
    last = session_of("late").cells[-1]
    assert (last.kind, last.source, last.facts["after_count"]) == ("callback", None, 2)


def test_a_thread_of_a_running_cell_belongs_to_it(notebook):
    notebook("import threading\nt = threading.Thread(target=lambda: db.set('a', 1)); t.start(); t.join()").raise_error()
    assert session_of("a").cells[-1].kind == "cell"


def test_hooks_print_nothing_and_go_away(notebook, shell, capsys):
    notebook("db['a'] = 1")
    cells.watch()
    cells.watch()
    counts = {event: len(hooks) for event, hooks in shell.events.callbacks.items()}
    cells.unwatch()
    cells.unwatch()
    assert {event: counts[event] - len(hooks) for event, hooks in shell.events.callbacks.items() if counts[event] != len(hooks)} == {
        "pre_execute": 1, "pre_run_cell": 1, "post_execute": 1, "post_run_cell": 1,
    }  # fmt: skip
    assert capsys.readouterr() == ("", "")


def test_a_deleted_database_stops_no_cell(notebook, capsys):
    notebook("db['a'] = 1\nimport shutil\nshutil.rmtree('results')").raise_error()
    notebook("x = 1").raise_error()
    assert capsys.readouterr() == ("", "")


def test_git_is_asked_once_a_cell_and_its_late_answer_is_written_after_the_cell(run, tmp_path: Path):
    import subprocess

    subprocess.run(["git", "init", "-q", "."], check=True)
    (tmp_path / "model.py").write_text("a = 1\n")
    subprocess.run("git add model.py && git -c user.name=a -c user.email=a@b commit -qm one", shell=True, check=True)
    cells.watch()
    run("import isfdb, time\ndb = isfdb.open('../results')\ndb['a'] = 1; time.sleep(1); db['a'] = 2").raise_error()
    assert isfdb.open("../results", mode="r").metadata["a"]["code"]["dirty"] is False
    (tmp_path / "model.py").write_text("a = 2\n")
    # The put comes before git can have answered, the end of the cell after it.
    run("db['b'] = 1; time.sleep(1)").raise_error()
    entry = isfdb.open("../results", mode="r").entry("b")
    state = entry.cell.facts.get("code") if entry.metadata["code"].get("late") else entry.metadata["code"]
    assert state is not None
    assert state["dirty"] is True
    assert not isfdb.verify(isfdb.open("../results", mode="r"))


def test_the_last_of_500_cells_writes_no_more_than_the_first(notebook, tmp_path: Path):
    def written_by(source: str) -> int:
        before = sum(file.stat().st_size for file in tmp_path.rglob("*") if file.is_file())
        notebook(source)
        return sum(file.stat().st_size for file in tmp_path.rglob("*") if file.is_file()) - before

    notebook("db['first'] = 0")
    time.sleep(0.5)  # the first look at the sources ends
    early = written_by("db['key_100'] = 100")
    for number in range(500):
        notebook(f"db['k{number:03}'] = 1" if number % 5 == 0 else f"x{number} = {number}")
    notebook("db['settled'] = 0")
    note_of_a_late_answer = 500  # bytes: whether git answers before a short cell ends is the machine's affair
    assert written_by("db['key_999'] = 999") <= 1.1 * early + note_of_a_late_answer
    assert len(list((tmp_path / "results/.isfdb/sessions").iterdir())) == 1
    assert max(file.stat().st_size for file in tmp_path.glob("results/*.key/v*/metadata.json")) <= 1500


def test_read_session_of_a_stranger_is_refused(notebook):
    notebook("db['a'] = 1")
    with pytest.raises(FileNotFoundError):
        read_session(isfdb.open("results", mode="r")._storage, "../../etc/passwd")
