"""What a cell has read is noted with its line, and nothing else is: in a real IPython."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import pytest

import isfdb
from isfdb.provenance import file_digests
from isfdb.provenance.reduction import used_members
from isfdb.provenance.usage import Use, ValueRead, uses_of

# The cells leave files open, as cells do.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture
def run(shell: Any, tmp_path: Path):
    """Run a cell, and return what it read and wrote."""
    from isfdb.provenance.cells import watch

    watch()

    def run_cell(source: str) -> list[Use]:
        shell.run_cell(source, store_history=True).raise_error()
        return uses_of(watch().ran[-1])

    for name in ("a.txt", "b.txt", "c.txt"):
        (tmp_path / name).write_text(name)
    shell.run_cell("import isfdb", store_history=True).raise_error()
    return run_cell


def files(uses: list[Use]) -> list[tuple[str, int | None]]:
    return [(Path(use.what.path).name, use.line) for use in uses if not use.is_output and not isinstance(use.what, ValueRead)]


def values(uses: list[Use]) -> list[tuple[str, int | None]]:
    return [(use.what.link.rpartition("/")[2], use.line) for use in uses if isinstance(use.what, ValueRead)]


def test_a_file_is_noted_with_the_line_of_the_cell_however_deep_it_is_opened(run: Any):
    assert files(run("def read(name):\n    def inner():\n        return open(name).read()\n    return inner()")) == []
    assert files(run("open('a.txt').read()\nread('b.txt')\n\n[read('c.txt') for _ in range(3)]")) == [
        ("a.txt", 1),
        ("b.txt", 2),
        ("c.txt", 4),
    ]


def test_only_the_lines_asked_for_are_told(run: Any):
    from isfdb.provenance.cells import watch

    run("open('a.txt').read()\nopen('b.txt').read()\nopen(\n  'c.txt'\n).read()")
    ran = watch().ran[-1]
    assert files(uses_of(ran, 1, 1)) == [("a.txt", 1)]
    assert [name for name, _ in files(uses_of(ran, 2, 5))] == ["b.txt", "c.txt"]
    assert files(uses_of(ran, 6, 9)) == []


def test_in_a_cell_that_a_magic_runs_the_lines_are_those_of_the_body(run: Any):
    assert files(run("%%time\nopen('a.txt').read()\nopen('b.txt').read()")) == [("a.txt", 1), ("b.txt", 2)]


def test_a_file_that_is_run_is_read_and_what_it_reads_is_read_by_the_cell(run: Any, tmp_path: Path):
    (tmp_path / "script.py").write_text("\n\n\n\n\nopen('a.txt').read()\n")
    assert files(run("nothing = 0\n%run script.py")) == [("script.py", 2), ("a.txt", 2)]
    assert ("a.txt", 2) in files(run("nothing = 0\n%run -i script.py"))


def test_files_that_the_text_of_a_shells_cell_names_are_read(run: Any):
    assert [name for name, _ in files(run("%%bash\ncat a.txt > /dev/null\nhead -3 'b.txt' | wc -l"))] == ["a.txt", "b.txt"]


def test_a_thread_has_no_line(run: Any):
    uses = run("import threading\nt = threading.Thread(target=lambda: open('a.txt').read())\nt.start()\nt.join()")
    assert files(uses) == [("a.txt", None)]


def test_a_file_read_a_million_times_is_one_note(run: Any, monkeypatch: pytest.MonkeyPatch):
    uses = run("for _ in range(10_000):\n    open('a.txt').close()")
    assert [(use.line, use.count) for use in uses] == [(2, 10_000)]


def test_of_very_many_files_the_folder_is_noted(run: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr("isfdb.provenance.usage.MOST_FILES", 10)
    run("for i in range(30):\n    open(f'f{i}.txt', 'w').close()")
    uses = run("for i in range(30):\n    open(f'f{i}.txt').close()")
    assert len(uses) == 11
    members = used_members(uses, lambda ran: 7)
    assert [(member["file"], member["because"]) for member in members if "many" in member.get("because", "")] == [
        (str(tmp_path), "it stands for many files: 20 in this folder")
    ]


def test_what_is_written_is_an_output_and_what_is_then_read_was_written_here(run: Any):
    subprocess.run(["cp", "a.txt", "others.txt"], check=True)
    uses = run("open('new.txt', 'w').write('1')\nopen('new.txt').read()\nopen('others.txt').read()")
    assert [(Path(use.what.path).name, use.line, use.is_output, use.written_here) for use in uses] == [
        ("new.txt", 1, True, False),
        ("new.txt", 2, False, True),
        ("others.txt", 3, False, False),
    ]


def test_what_was_renamed_after_it_was_written_was_written_here(run: Any):
    uses = run("import os\nopen('new.part', 'w').write('1')\nos.replace('new.part', 'new.txt')\nopen('new.txt').read()")
    assert uses[-1].written_here


def test_a_file_that_the_session_changes_after_reading_it_is_noted_as_it_was(run: Any, tmp_path: Path):
    uses = run("open('a.txt').read()\nopen('a.txt', 'w').write('longer than before')")
    assert [use.what.size for use in uses if not use.is_output] == [5]
    used_members(uses, lambda ran: 1)
    file_digests.wait(10)
    assert used_members(uses, lambda ran: 1)[0]["because"] == file_digests.CHANGED


def test_a_file_that_somebody_else_changes_after_it_was_read_gets_no_digest(run: Any, tmp_path: Path):
    (tmp_path / "change.py").write_text("open('a.txt', 'w').write('others')")
    source = "import subprocess, sys, time\nopen('a.txt').read()\ntime.sleep(0.1)\n_ = subprocess.run([sys.executable, 'change.py'])"
    uses = [use for use in run(source) if Path(use.what.path).name == "a.txt"]
    assert used_members(uses, lambda ran: 1)[0]["because"] == file_digests.CHANGED


def test_looking_for_a_file_that_is_not_there_is_no_use(run: Any):
    assert run("try:\n    open('none.txt')\nexcept FileNotFoundError:\n    pass") == []


def test_what_libraries_and_isfdb_itself_read_is_left_out(run: Any):
    assert run("import csv, json.tool, email.mime.text, matplotlib.pyplot as plt\n_ = plt.figure()") == []
    run("db = isfdb.open('results')")
    uses = run("db['a'] = list(range(1000))\ndb['b'] = {1, 'x'}\ndb['a']\ndb.entry('a').code; db.ls(); isfdb.verify(db)")
    assert files(uses) == []


@pytest.mark.skipif(not os.access("/dev/shm", os.W_OK), reason="no memory that is a folder")
def test_what_lies_in_shared_memory_is_data_and_devices_are_none(run: Any):
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        (Path(folder) / "data.txt").write_text("1")
        source = f"open('{folder}/data.txt').read()\nopen('/dev/null').read()\nopen('/dev/zero', 'rb').read(1)"
        assert files(run(source)) == [("data.txt", 1)]


def test_a_module_of_ones_own_is_no_input_but_what_it_reads_is(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "my_reader.py").write_text("data = open('a.txt').read()\ndef read():\n    return open('b.txt').read()\n")
    assert files(run("import my_reader\nmy_reader.read()")) == [("a.txt", 1), ("b.txt", 2)]
    monkeypatch.delitem(sys.modules, "my_reader")


def test_a_function_that_isfdb_calls_reads_for_the_user(run: Any):
    assert files(run("db = isfdb.open('results')\ndb.maybe_calculate('k', lambda: open('a.txt').read())")) == [("a.txt", 2)]


def test_values_are_noted_however_they_are_read(run: Any):
    run("db = isfdb.open('results')\ndb['a'] = 1\ndb['a'] = 2")
    run("db.create_sub_db('cells')['b'] = {'x': [1], 'y': 2}\nlink = db.versions('a')[0].link")
    assert values(run("db['a']\nisfdb.load(link)\n\ndb.get('a', version=1)")) == [("a@2", 1), ("a@1", 2), ("a@1", 4)]
    read = run("db['cells']['b']\ndb.get('cells/b', part='x')\n{**db}")
    assert {use.what.link.partition("/cells/")[2] for use in read if "cells" in use.what.link} == {"b@1"}
    assert all(len(use.what.digest) == 64 for use in read)


def test_looking_at_a_database_is_no_use_of_its_values(run: Any):
    run("db = isfdb.open('results')\ndb['a'] = 1")
    assert run("'a' in db; list(db); len(db); db.entry('a').describe; db.metadata['a']; db.versions('a'); db.ls(); repr(db)") == []


def test_a_value_that_cannot_be_read_is_no_use(run: Any):
    assert run("db = isfdb.open('results')\ntry:\n    db['none']\nexcept KeyError:\n    pass") == []


def test_capture_switched_off_notes_nothing(run: Any):
    run("db = isfdb.open('results'); db['a'] = 1")
    assert run("with isfdb.set_options(capture=False):\n    open('a.txt').read(); db['a']") == []
    with isfdb.set_options(capture=False):
        assert run("open('a.txt').read(); db['a']") == []


def test_urls_are_noted_without_their_secrets(run: Any):
    uses = run(
        "import urllib.request\ntry:\n"
        "    urllib.request.urlopen('http://ann:geheim99@localhost:9/data.csv?token=abcdefabcdef123456', timeout=1)\n"
        "except OSError:\n    pass"
    )
    (member,) = used_members(uses, lambda ran: 3)
    assert member["because"] == file_digests.REMOTE
    assert "localhost:9/data.csv" in member["file"]
    assert "geheim99" not in str(member)
    assert "abcdefabcdef" not in str(member)


def test_members_are_sorted_and_none_stands_twice(run: Any, tmp_path: Path):
    run("db = isfdb.open('results')\ndb['a'] = 1")
    uses = run("open('b.txt').read()\nopen('a.txt').read()\ndb['a']\nopen('b.txt').read()\ndb['a']\nopen('c.txt', 'a+').close()")
    members = used_members(uses, lambda ran: 5)
    assert [member.get("file") or "value" for member in members] == [
        "value",
        *[str(tmp_path / name) for name in ("a.txt", "b.txt", "c.txt")],
    ]
    assert {member["cell"] for member in members} == {5}
    assert members[1]["size"] == 5


def test_a_file_that_is_only_appended_to_was_not_read(run: Any):
    uses = run("open('a.txt').read()\nwith open('b.txt', 'a') as log:\n    log.write('one more run')")
    assert [Path(member["file"]).name for member in used_members(uses, lambda ran: 5)] == ["a.txt"]
    assert [Path(use.what.path).name for use in uses if use.is_output] == ["b.txt"]


def test_a_file_that_is_read_after_it_was_appended_to_counts_as_it_was_before(run: Any, tmp_path: Path):
    from isfdb.provenance.cells import watch

    with isfdb.set_options(capture=False):
        (tmp_path / "d.txt").write_text("of somebody else")
    run("for name in ('d.txt', 'new.txt'):\n    with open(name, 'a') as log:\n        print('more', file=log)")
    assert files(uses_of(watch().ran[-1])) == []
    uses = run("len(open('d.txt').read()), len(open('new.txt').read())")
    assert files(uses_of(watch().ran[-2])) == [("d.txt", 2)], "the new file held nothing"
    assert [use.written_here for use in uses] == [True, True]


def test_nothing_is_read_twice_by_cells_that_run_at_once(run: Any):
    uses = run("get_ipython().run_cell(\"open('a.txt').read()\")\nopen('b.txt').read()")
    assert files(uses) == [("a.txt", 1)], "the inner cell, which is the newest"
    from isfdb.provenance.cells import watch

    assert files(uses_of(watch().ran[-2])) == [("b.txt", 2)]


SCRIPT = """
import isfdb
from isfdb.provenance.activities import running
from isfdb.provenance.usage import uses_of
def main():
    open("a.txt").read()
if True:
    main()
print([(use.what.path.rpartition("/")[2], use.line) for use in uses_of(running())])
"""


def test_in_a_script_the_line_is_that_of_the_file(tmp_path: Path):
    (tmp_path / "a.txt").write_text("1")
    (tmp_path / "script.py").write_text(SCRIPT)
    environment = {**os.environ, "PYTHONPATH": str(Path(isfdb.__file__).parent.parent)}
    environment.pop("PYTEST_CURRENT_TEST", None)
    told = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert told.stdout == "[('a.txt', 8)]\n"
    assert not told.stderr


def test_a_test_has_its_own_reads(tmp_path: Path):
    from isfdb.provenance.activities import running

    (tmp_path / "mine.txt").write_text("1")
    (tmp_path / "mine.txt").read_text()
    assert (str(tmp_path / "mine.txt"), False) in {(use.what.path, use.is_output) for use in uses_of(running())}
    assert not any("a_thread_has_no_line" in use.what.path for use in uses_of(running()) if not isinstance(use.what, ValueRead))


def test_many_threads_at_once_lose_nothing(run: Any, tmp_path: Path):
    for number in range(400):
        (tmp_path / f"{number}.bin").write_text("1")

    def read(start: int) -> None:
        for number in range(start, 400, 8):
            (tmp_path / f"{number}.bin").read_text()

    run("import threading")
    get = threading.Thread
    threads = [get(target=read, args=(start,)) for start in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    from isfdb.provenance.activities import running

    found = {use.what.path for use in uses_of(running()) if not isinstance(use.what, ValueRead) and not use.is_output}
    assert {str(tmp_path / f"{number}.bin") for number in range(400)} <= found


def test_looking_at_a_preview_is_not_using_the_value(run: Any):
    run("import numpy as np\ndb = isfdb.open('results')\ndb['a'] = np.arange(5000.0)")
    assert values(run("db.entry('a').preview()\ndb.versions('a')[0].preview()")) == []
    assert values(run("db['a']")) == [("a@1", 1)]
