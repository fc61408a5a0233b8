"""The registry: finds databases by id, name and path, wherever they moved, and is never in the way of opening one."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import pytest

from isfdb import registry
from isfdb.errors import (
    AmbiguousIdError,
    CorruptDatabaseError,
    DatabaseNotFoundError,
    NotADatabaseError,
    RegistryError,
    RegistryWarning,
)
from isfdb.manifest import is_sealed
from isfdb.options import set_options
from isfdb.registry import folders, noting, store

as_another_user = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become another user")
A, B, C = "a" * 32, "b" * 32, "c" * 32
posix_only = pytest.mark.skipif(os.name != "posix", reason="links, pipes and permission bits are those of POSIX")


@pytest.fixture(autouse=True)
def file(tmp_path: Path):
    noting.forget_noted()
    noting._warned.clear()
    path = tmp_path / "home" / "registry.sqlite"
    with set_options(registry=path, register=True):
        yield path


def make(path: Path, database_id: str) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    path.joinpath("isfdb.json").write_text(json.dumps({"format": 1, "id": database_id, "created": "2026-11-21T00:00:00+00:00"}))
    return path


def import_path() -> dict[str, str]:
    """Return an environment in which the sources are found from any folder."""
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}


def opened(path: Path, database_id: str) -> None:
    registry.note_opened(database_id, str(path), path.name)


def test_an_opened_database_is_found_by_id_name_and_path(tmp_path: Path) -> None:
    path = make(tmp_path / "results", A)
    opened(path, A)
    assert [registry.resolve(target) for target in (A, "results", path, str(path))] == [str(path)] * 4
    (record,) = registry.databases()
    assert (record.id, record.name, record.path, record.present, record.parent) == (A, "results", str(path), True, None)
    assert record.to_json()["host"] == record.host
    assert json.dumps(registry.databases().to_json())


def test_nothing_is_written_for_a_database_that_is_known(file: Path, tmp_path: Path) -> None:
    path = make(tmp_path / "results", A)
    opened(path, A)
    before = file.stat()
    opened(path, A)
    noting.forget_noted()  # as another process would
    opened(path, A)
    assert file.stat().st_mtime_ns == before.st_mtime_ns


def test_registering_can_be_switched_off(file: Path, tmp_path: Path) -> None:
    with set_options(register=False):
        opened(make(tmp_path / "results", A), A)
    assert not file.exists()
    assert str(registry.databases()) == "no databases"


def test_asking_creates_nothing(file: Path) -> None:
    assert len(registry.find("x")) == 0
    assert registry.names() == {}
    with pytest.raises(DatabaseNotFoundError, match="none of that name or id is registered"):
        registry.resolve("results")
    assert not file.parent.exists()


def test_a_moved_database_is_registered_at_its_new_place_alone(tmp_path: Path) -> None:
    old = make(tmp_path / "old", A)
    opened(old, A)
    new = old.rename(tmp_path / "new")
    with pytest.raises(DatabaseNotFoundError, match=r"no longer lies where it was: .*old.*isfdb\.registry\.scan"):
        registry.resolve(A)
    opened(new, A)
    assert registry.resolve(A) == str(new)
    assert [record.path for record in registry.databases()] == [str(new)]


def test_a_place_taken_by_another_database_is_not_handed_out(tmp_path: Path) -> None:
    path = make(tmp_path / "results", A)
    opened(path, A)
    make(path, B)
    with pytest.raises(DatabaseNotFoundError, match="no longer lies"):
        registry.resolve(A)


def test_two_copies_are_told_apart_and_one_can_get_its_own_id(tmp_path: Path) -> None:
    original, copy = make(tmp_path / "original", A), tmp_path / "copy"
    make(original / "cells", B)
    shutil.copytree(original, copy)
    registry.scan(tmp_path)
    with pytest.raises(AmbiguousIdError, match=r"copy.*original.*give_new_id") as caught:
        registry.resolve(A)
    assert sorted(caught.value.paths) == [str(copy), str(original)]  # type: ignore[attr-defined]
    assert str(registry.databases()).count("same id twice") == 4
    new = registry.give_new_id(copy)
    assert registry.resolve(A) == str(original)
    assert registry.resolve(B) == str(original / "cells")
    assert registry.resolve(new) == str(copy)
    members = json.loads(copy.joinpath("isfdb.json").read_text())
    assert is_sealed(copy.joinpath("isfdb.json").read_bytes(), members)
    del members["record"]
    assert members == {"format": 1, "id": new, "copied_from": A, "created": "2026-11-21T00:00:00+00:00"}
    assert json.loads(copy.joinpath("cells", "isfdb.json").read_text())["copied_from"] == B
    assert sorted(path.name for path in copy.iterdir()) == ["cells", "isfdb.json"]


@posix_only
def test_one_folder_by_two_paths_is_no_copy(tmp_path: Path) -> None:
    path = make(tmp_path / "results", A)
    tmp_path.joinpath("link").symlink_to(path)
    opened(path, A)
    opened(tmp_path / "link", A)
    assert registry.resolve(A) == str(path)


@pytest.mark.parametrize(
    ("text", "error"),
    [(None, NotADatabaseError), ("", CorruptDatabaseError), ("[]", CorruptDatabaseError), ("[" * 100_000, CorruptDatabaseError)],
)
def test_what_is_no_database_gets_no_new_id(tmp_path: Path, text: str | None, error: type[Exception]) -> None:
    if text is not None:
        tmp_path.joinpath("isfdb.json").write_text(text)
    with pytest.raises(error, match="cannot give"):
        registry.give_new_id(tmp_path)


@as_another_user
def test_a_folder_that_cannot_be_written_keeps_its_id() -> None:
    script = """
import os, secrets, sys
from isfdb.registry.folders import write_new_id
os.setuid(54321)
try:
    write_new_id(sys.argv[1])
except PermissionError as error:
    print(type(error).__name__, error)
"""
    with tempfile.TemporaryDirectory() as name:  # pytest's folders are closed to other users
        folder = Path(name)
        folder.chmod(0o755)
        path = make(folder / "results", A)
        result = subprocess.run(
            [sys.executable, "-c", script, str(path)], capture_output=True, text=True, cwd=folder, check=True, env=import_path()
        )
        assert result.stdout.startswith("ReadOnlyError cannot give")
        assert "needs to be writable" in result.stdout
        assert folders.id_of(str(path)) == A
        assert os.listdir(path) == ["isfdb.json"]


def test_a_killed_writer_leaves_the_old_id_or_the_new(tmp_path: Path) -> None:
    path = make(tmp_path / "results", A)
    script = f"""
import sys
from isfdb.registry.folders import write_new_id
print("ready", flush=True)
while True:
    write_new_id({str(path)!r})
"""
    for number in range(10):
        process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.003 * number)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert folders.id_of(str(path)) is not None


def test_names_given_by_the_user_are_unique_and_survive_moving(tmp_path: Path) -> None:
    first, second = make(tmp_path / "x" / "results", A), make(tmp_path / "y" / "results", B)
    assert registry.add(first, name="barrels").name == "barrels"
    registry.add(second)
    with pytest.raises(RegistryError, match=rf"'barrels' already stands for the database {A}.*Choose another"):
        registry.add(second, name="barrels")
    assert registry.resolve("barrels") == str(first)
    moved = first.rename(tmp_path / "moved")
    opened(moved, A)
    assert registry.resolve("barrels") == str(moved)
    assert registry.names() == {"barrels": str(moved), "results": str(second)}
    registry.add(moved, name="cortex")
    assert set(registry.names()) == {"cortex", "results"}


def test_a_folder_name_of_several_databases_stands_for_none(tmp_path: Path) -> None:
    registry.add(make(tmp_path / "x" / "results", A))
    registry.add(make(tmp_path / "y" / "results", B))
    with pytest.raises(AmbiguousIdError, match="2 databases are called 'results'"):
        registry.resolve("results")
    assert registry.names() == {}
    with pytest.raises(DatabaseNotFoundError, match="there is no database"):
        registry.resolve("results", folder_names=False)


@pytest.mark.parametrize("name", ["", " x", "a/b", "a\\b", "isfdb://x", "..", A, "x\n", "\x1b[2J", "n" * 201, "\u202ex", "\ud800"])
def test_a_name_that_could_be_taken_for_something_else_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(RegistryError, match="cannot name a database"):
        registry.add(make(tmp_path / "results", A), name=name)
    assert len(registry.databases()) == 0


def test_what_is_no_database_is_not_added(tmp_path: Path) -> None:
    with pytest.raises(NotADatabaseError, match=r"no isfdb\.json"):
        registry.add(tmp_path)


def test_find_looks_at_name_path_and_id(tmp_path: Path) -> None:
    registry.add(make(tmp_path / "Rates", A), name="Straße")
    registry.add(make(tmp_path / "cells", B))
    assert [record.id for record in registry.find("RATES")] == [A]
    assert [record.id for record in registry.find("STRASSE")] == [A]
    assert [record.id for record in registry.find(B[:12])] == [B]
    assert len(registry.find("%")) == 0
    assert len(registry.find("'; DROP TABLE databases; --")) == 0
    assert len(registry.databases()) == 2


def test_scan_finds_databases_and_sub_databases_and_enters_no_key(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    make(tree / "deep" / "er" / "results", A)
    make(tree / "deep" / "er" / "results" / "cells", B)
    make(tree / "deep" / "er" / "results" / "x.key" / "v000001", C)
    make(tree / ".hidden" / "results", C)
    make(tree / "deep" / "er" / "results" / ".isfdb" / "trash" / "t", C)
    if os.name == "posix":
        tree.joinpath("loop").symlink_to(tree)
    found = registry.scan(tree, progress=False)
    assert {(record.id, record.parent) for record in found} == {(A, None), (B, A)}
    assert registry.databases() == found


def test_scan_shows_its_progress_when_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)  # in a notebook it shows without being asked
    registry.scan(tmp_path, progress=True)
    assert "looking for databases" in capsys.readouterr().err
    registry.scan(tmp_path)
    assert capsys.readouterr().err == ""


def test_scan_says_which_folder_is_missing(tmp_path: Path) -> None:
    with pytest.raises(DatabaseNotFoundError, match="no such folder"):
        registry.scan(tmp_path / "nowhere")


@posix_only
@pytest.mark.timeout(20)
@pytest.mark.parametrize("kind", ["pipe", "link", "folder", "empty", "deep", "huge", "latin", "list", "short id", "number", "twice"])
def test_a_hostile_isfdb_json_is_no_database_and_does_not_block(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x" / "isfdb.json"
    path.parent.mkdir()
    secret = make(tmp_path / "elsewhere", A) / "isfdb.json"
    texts = {
        "empty": b"",
        "deep": b"[" * 200_000,
        "latin": b'{"id": "\xff"}',
        "list": b"[]",
        "short id": b'{"id": "../.."}',
        "number": b'{"id": ' + b"9" * 10_000 + b"}",
        "twice": b'{"id": "' + A.encode() + b'", "id": "' + A.encode() + b'"}',
    }
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "link":
        path.symlink_to(secret)
    elif kind == "folder":
        path.mkdir()
    elif kind == "huge":
        with path.open("wb") as stream:
            stream.truncate(2_000_000_000)
    else:
        path.write_bytes(texts[kind])
    assert folders.id_of(str(path.parent)) is None
    assert len(registry.scan(path.parent)) == 0


def test_forget_takes_one_place_or_all(tmp_path: Path) -> None:
    path, copy = make(tmp_path / "results", A), make(tmp_path / "copy", A)
    registry.scan(tmp_path)
    registry.add(path, name="mine")
    assert [record.path for record in registry.forget(copy)] == [str(copy)]
    assert [record.path for record in registry.forget("mine")] == [str(path)]
    with pytest.raises(DatabaseNotFoundError, match="cannot forget 'mine'"):
        registry.forget("mine")
    opened(path, A)
    assert registry.resolve("results") == str(path)


def test_prune_takes_off_and_reports_what_is_missing(tmp_path: Path) -> None:
    gone, there = make(tmp_path / "gone", A), make(tmp_path / "there", B)
    registry.scan(tmp_path)
    shutil.rmtree(gone)
    assert "missing (seen on" in str(registry.databases())
    assert [record.path for record in registry.prune()] == [str(gone)]
    assert [record.path for record in registry.databases()] == [str(there)]


def test_prune_leaves_what_another_computer_sees(tmp_path: Path, file: Path) -> None:
    shutil.rmtree(registry.add(make(tmp_path / "gone", A)).path)
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE databases SET host = 'elsewhere'")
    connection.close()
    assert len(registry.prune()) == 0
    assert len(registry.prune(other_hosts=True)) == 1


def test_adopt_takes_what_is_there_and_reports_the_rest(tmp_path: Path) -> None:
    known, new, gone = make(tmp_path / "known", A), make(tmp_path / "new", B), make(tmp_path / "gone", C)
    theirs = tmp_path / "theirs.sqlite"
    with set_options(registry=theirs):
        registry.scan(tmp_path)
        registry.add(new, name="theirs")
    shutil.rmtree(gone)
    registry.add(known)
    before = theirs.read_bytes()
    report = registry.adopt(theirs)
    assert [record.id for record in report.added] == [B]
    assert [record.id for record in report.known] == [A]
    assert [record.id for record in report.missing] == [C]
    assert report.refused == 0
    assert registry.resolve("theirs") == str(new)
    assert theirs.read_bytes() == before
    assert json.dumps(report.to_json())
    assert str(report).startswith("1 added, 1 known before, 1 missing")


def test_a_hostile_registry_is_only_data(tmp_path: Path) -> None:
    theirs, honest = tmp_path / "theirs.sqlite", make(tmp_path / "honest", B)
    with store.changing(str(theirs)) as connection:
        for row in [
            (A, str(honest), "x", None, "h", "t", "t"),  # another database's folder
            ("../../x", "/", "x", None, "h", "t", "t"),
            (A, "relative", "x", None, "h", "t", "t"),
            (B, b"\x80\x04.", "x", None, "h", "t", "t"),
            (B, 7, "x", 3.5, "h", "t", "t"),
            (B, "/x\0y", "x", None, "h", "t", "t"),
            (B, "/" + "x" * 100_000, "x", None, "h", "t", "t"),
            (C, "/<script>alert(1)</script>\x1b[2J", '"><img src=x onerror=alert(1)>\u202e', None, "<b>", "t", "t"),
        ]:
            connection.execute("INSERT INTO databases VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        connection.execute("INSERT INTO names VALUES ('../evil', ?)", (B,))
    report = registry.adopt(theirs)
    assert (len(report.added), len(report.missing), report.refused) == (0, 2, 6)
    html, text = report.missing._repr_html_(), str(report.missing)
    assert "<script" not in html
    assert "<img" not in html
    assert "&lt;script&gt;" in html
    assert text.replace("\n", "").isprintable()
    with set_options(registry=theirs), pytest.raises(DatabaseNotFoundError, match="no longer lies"):
        registry.resolve(A)


@pytest.mark.parametrize("text", [b"", b"not a database " * 100, b"SQLite format 3\0" + b"\xff" * 5000])
def test_what_is_no_registry_is_not_adopted_and_stays(tmp_path: Path, text: bytes) -> None:
    other = tmp_path / "other.sqlite"
    other.write_bytes(text)
    if text:
        with pytest.raises(RegistryError, match="cannot be used"):
            registry.adopt(other)
    else:
        assert len(registry.adopt(other).added) == 0
    assert other.read_bytes() == text
    with pytest.raises(RegistryError, match="no such file"):
        registry.adopt(tmp_path / "nowhere")


def test_the_file_of_another_program_is_refused_and_stays(file: Path, tmp_path: Path) -> None:
    file.parent.mkdir()
    connection = sqlite3.connect(file)
    connection.execute("CREATE TABLE bookmarks (url)")
    connection.close()
    before = file.read_bytes()
    with pytest.warns(RegistryWarning, match="database of another program"):
        opened(make(tmp_path / "results", A), A)
    with pytest.raises(RegistryError, match="ISFDB_REGISTRY"):
        registry.databases()
    assert file.read_bytes() == before


def test_the_registry_of_a_newer_isfdb_says_so(file: Path, tmp_path: Path) -> None:
    registry.add(make(tmp_path / "results", A))
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(RegistryError, match="newer isfdb"):
        registry.databases()


def test_a_corrupt_registry_is_set_aside_and_rebuilt(file: Path, tmp_path: Path) -> None:
    file.parent.mkdir()
    file.write_bytes(b"no registry" * 1000)
    path = make(tmp_path / "results", A)
    with pytest.warns(RegistryWarning, match=r"was damaged\. It now lies at .*registry\.sqlite\.damaged-.*scan"):
        opened(path, A)
    (aside,) = file.parent.glob("*.damaged-*")
    assert aside.read_bytes() == b"no registry" * 1000
    assert registry.resolve(A) == str(path)


def test_what_can_be_read_of_a_corrupt_registry_is_kept(file: Path, tmp_path: Path) -> None:
    for number in range(300):
        make(tmp_path / "many" / f"database {number:04d} {'x' * 60}", f"{number:032x}")
    registry.scan(tmp_path)
    content = bytearray(file.read_bytes())
    pages = [match.start() // 4096 * 4096 for match in re.finditer(rb"database 0150", content)]
    damaged = next(page for page in pages if content[page] == 13)  # SQLite's mark of a page of a table, not of an index
    content[damaged : damaged + 4096] = b"\xff" * 4096
    file.write_bytes(content)
    with pytest.warns(RegistryWarning, match=r"[1-9][0-9]* of its rows could be read"):
        found = registry.databases()
    assert 0 < len(found) <= 300


def test_a_locked_registry_warns_once_and_opening_goes_on(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(noting, "TIMEOUT_S", 0.05)
    monkeypatch.setattr(store, "BUSY_TIMEOUT_S", 0.05)
    registry.add(make(tmp_path / "first", A))
    holder = sqlite3.connect(file, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    try:
        with pytest.warns(RegistryWarning, match="locked.*Another process holds it"):
            opened(make(tmp_path / "second", B), B)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            opened(make(tmp_path / "third", C), C)
    finally:
        holder.close()


def test_a_writer_killed_in_the_middle_blocks_nobody(file: Path, tmp_path: Path) -> None:
    for number in range(200):
        make(tmp_path / "many" / f"d{number}", f"{number:032x}")
    registry.scan(tmp_path)
    script = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA cache_size = 1")
connection.execute("PRAGMA cache_spill = 1")
connection.execute("BEGIN IMMEDIATE")
connection.execute("UPDATE databases SET host = hex(randomblob(2000))")
os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, "-c", script, str(file)], check=False)
    assert file.with_name("registry.sqlite-journal").exists()
    assert len(registry.databases()) == 200
    assert {record.host for record in registry.databases()} == {noting.host_name()}


@pytest.mark.parametrize("where", ["under a file", "/proc/isfdb/registry.sqlite"])
def test_a_home_that_cannot_be_written_warns_once_and_opening_goes_on(tmp_path: Path, where: str) -> None:
    if where == "under a file":
        tmp_path.joinpath("blocker").write_text("")
        where = str(tmp_path / "blocker" / "registry.sqlite")
    elif not os.path.isdir("/proc/self"):
        pytest.skip("there is no /proc here")
    path = make(tmp_path / "results", A)
    with set_options(registry=where):
        with pytest.warns(RegistryWarning, match=r"could not be registered.*ISFDB_REGISTRY.*ISFDB_REGISTER=0"):
            opened(path, A)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            opened(path, A)
        assert registry.resolve(path) == str(path)
        with pytest.raises(DatabaseNotFoundError, match="none of that name"):
            registry.resolve(A)


@as_another_user
def test_a_shared_registry_that_is_read_only_answers_without_a_warning(tmp_path: Path) -> None:
    script = """
import os, platform, sqlite3, sys, tempfile, datetime, urllib.parse, warnings, json, dataclasses
from isfdb import registry
from isfdb.registry import records
os.setuid(54321)
warnings.simplefilter("error")
registry.note_opened(sys.argv[1], sys.argv[2], "results")
print(registry.resolve(sys.argv[1]))
"""
    with tempfile.TemporaryDirectory() as name:  # pytest's folders are closed to other users
        folder = Path(name)
        folder.chmod(0o755)
        path = make(folder / "results", A)
        with set_options(registry=folder / "registry.sqlite"):
            registry.add(path)
        folder.joinpath("registry.sqlite").chmod(0o444)
        environment = {**import_path(), "ISFDB_REGISTRY": str(folder / "registry.sqlite")}
        command = [sys.executable, "-c", script, A, str(path)]
        result = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=folder, check=False)
        assert (result.stdout.strip(), result.stderr) == (str(path), "")


@posix_only
def test_a_new_registry_lies_in_a_folder_for_this_user_alone(file: Path, tmp_path: Path) -> None:
    opened(make(tmp_path / "results", A), A)
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


@pytest.mark.skipif(sys.platform != "linux", reason="paths that are no text exist on Linux")
def test_paths_of_any_kind_are_kept_and_shown(tmp_path: Path) -> None:
    paths = [os.fsencode(tmp_path) + name for name in (b"/\xff\xfe", "/日本 é'%?#".encode(), b"/\x1b[2J\nx", "/\u202ex".encode())]
    for number, path in enumerate(paths):
        make(Path(os.fsdecode(path)), f"{number:032x}")
        opened(Path(os.fsdecode(path)), f"{number:032x}")
    assert [registry.resolve(f"{number:032x}") for number in range(4)] == [os.fsdecode(path) for path in paths]
    str(registry.databases()).encode()
    registry.databases()._repr_html_().encode()
    with set_options(registry=os.fsdecode(paths[0] + b"/r%20?mode=ro#.sqlite")):
        opened(Path(os.fsdecode(paths[1])), f"{1:032x}")
        assert len(registry.databases()) == 1


def test_temporary_databases_that_are_gone_do_not_pile_up(tmp_path: Path) -> None:
    for number in range(30):
        path = make(tmp_path / f"trial {number}", f"{number:032x}")
        opened(path, f"{number:032x}")
        shutil.rmtree(path)
    assert len(registry.databases()) <= 2


def test_eight_processes_create_and_write_it_and_lose_nothing(tmp_path: Path, file: Path) -> None:
    for number in range(8):
        for count in range(10):
            make(tmp_path / "tree" / f"p{number}" / f"d{count}", f"{number * 100 + count:032x}")
    script = """
import os, sys
from isfdb import registry
from isfdb.registry import noting
noting.TIMEOUT_S = 100  # eight that wait for one slow disk
number, tree = int(sys.argv[1]), sys.argv[2]
for count in range(10):
    path = os.path.join(tree, f"p{number}", f"d{count}")
    registry.note_opened(f"{number * 100 + count:032x}", path, f"d{count}")
registry.scan(os.path.join(tree, f"p{number}"))
assert registry.resolve(f"{number * 100:032x}") == os.path.join(tree, f"p{number}", "d0")
"""
    environment = {**os.environ, "ISFDB_REGISTRY": str(file)}
    command = [sys.executable, "-W", "error", "-c", script]
    processes = [
        subprocess.Popen([*command, str(number), str(tmp_path / "tree")], env=environment, stderr=subprocess.PIPE, text=True)
        for number in range(8)
    ]
    assert [process.communicate(timeout=120)[1] for process in processes] == [""] * 8
    assert [process.returncode for process in processes] == [0] * 8
    assert len(registry.databases()) == 80


def test_eight_processes_that_find_it_corrupt_set_it_aside_once(tmp_path: Path, file: Path) -> None:
    file.parent.mkdir()
    file.write_bytes(b"rubbish" * 1000)
    for number in range(8):
        make(tmp_path / "tree" / f"d{number}", f"{number:032x}")
    patient = "from isfdb.registry import noting; noting.TIMEOUT_S = 100"
    script = f"import sys; from isfdb import registry; {patient}; registry.note_opened(sys.argv[1], sys.argv[2], 'd')"
    environment = {**os.environ, "ISFDB_REGISTRY": str(file)}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script, f"{number:032x}", str(tmp_path / "tree" / f"d{number}")],
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(8)
    ]
    warned = "".join([process.communicate(timeout=120)[1] for process in processes])
    assert [process.returncode for process in processes] == [0] * 8
    assert warned.count("RegistryWarning: the registry of databases was damaged") == 1
    assert warned.count("RegistryWarning") == 1
    assert len(list(file.parent.glob("*.damaged-*"))) == 1
    assert len(registry.databases()) == 8


def test_importing_it_is_light() -> None:
    script = "import sys, isfdb.registry; print(sorted({'sqlite3', 'dataclasses', 'tqdm', 'platformdirs', 'html'} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_a_folder_that_is_not_there_gets_no_new_id_and_one_message(tmp_path: Path) -> None:
    with pytest.raises(NotADatabaseError, match=r"no isfdb\.json"):  # a warning besides would fail this test
        registry.give_new_id(tmp_path / "nowhere")
