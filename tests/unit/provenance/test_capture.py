"""Capture never costs a save: not when git is slow, not when the disk is full, not from threads and forks."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

import isfdb
from isfdb.provenance.capture import capture, current_activity
from isfdb.provenance.session import check_chain, read_session
from isfdb.storage.local import LocalStorage

if TYPE_CHECKING:
    from pathlib import Path


class RefusingStorage(LocalStorage):
    """Refuses what is written below a folder, after writing a part of it where asked to."""

    refused = ""
    writes_bytes = 0

    def append(self, path: str, data: bytes) -> None:
        self._refuse(path, lambda: super(RefusingStorage, self).append(path, data[: self.writes_bytes]))
        super().append(path, data)

    def put(self, path: str, data: bytes) -> bool:
        self._refuse(path, lambda: None)
        return super().put(path, data)

    def _refuse(self, path: str, first: Any) -> None:
        if self.refused and path.startswith(self.refused):
            if self.writes_bytes:
                first()
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.fixture
def storage(tmp_path: Path) -> RefusingStorage:
    folder = tmp_path / "db"
    folder.mkdir()
    return RefusingStorage(str(folder))


def sources(storage: LocalStorage, members: dict[str, Any]) -> list[str | None]:
    return [cell.source for cell in read_session(storage, members["activity"]["session"]).cells]


def test_a_put_in_a_test_names_the_test_and_its_file(storage):
    members = capture(storage)
    (cell,) = read_session(storage, members["activity"]["session"]).cells
    assert cell.kind == "test"
    assert cell.facts["test"].endswith("::test_a_put_in_a_test_names_the_test_and_its_file")
    assert "Capture never costs a save" in cell.source


def test_what_a_put_refers_to_is_stored(storage):
    members = capture(storage)
    assert f"{members['environment']}.json" in storage.list(".isfdb/environments")
    assert f"{members['environment']}.requirements.txt" in storage.list(".isfdb/environments")
    assert f"{members['code']['snapshot']}.json" in storage.list(".isfdb/code")


def test_the_members_are_small(storage):
    from isfdb.exact_json import compact

    assert len(compact(capture(storage))) < 700


def test_a_second_put_writes_nothing_and_gives_the_same(storage):
    first = capture(storage)
    before = {path: os.path.getmtime(path) for path in _files(storage)}
    assert capture(storage) is first
    assert {path: os.path.getmtime(path) for path in _files(storage)} == before


def _files(storage: LocalStorage) -> list[str]:
    return [os.path.join(folder, name) for folder, _, names in os.walk(storage.path) for name in names]


@pytest.mark.parametrize(
    ("refused", "member"), [(".isfdb/sessions", "activity"), (".isfdb/environments", "environment"), (".isfdb/code", "code")]
)
def test_a_full_disk_costs_one_member_and_is_said(storage, refused: str, member: str):
    storage.refused = refused
    members = capture(storage)
    assert members[member] is None
    assert "No space left on device" in members["unknown"][member]
    assert sum(value is None for value in members.values()) == 1


@pytest.mark.parametrize("writes_bytes", [0, 1, 300])
def test_after_a_full_disk_the_session_begins_anew_and_is_sound(storage, writes_bytes: int):
    storage.refused, storage.writes_bytes = ".isfdb/sessions", writes_bytes
    capture(storage)
    storage.refused = ""
    again = LocalStorage(storage.path)  # what another open() makes: known members are looked at again
    members = capture(again)
    assert "unknown" not in members
    assert len(sources(again, members)) == 1
    assert check_chain(again, members["activity"]["session"]) == []


def test_a_folder_replaced_by_another_database_gets_its_own_records(storage):
    capture(storage)
    shutil.rmtree(storage.path)
    os.mkdir(storage.path)
    again = LocalStorage(storage.path)
    members = capture(again)
    assert sources(again, members)[0]
    assert f"{members['environment']}.json" in again.list(".isfdb/environments")


def test_capture_can_be_switched_off_and_says_so(storage):
    with isfdb.set_options(capture=False):
        assert capture(storage) == {"unknown": {"all": "switched off by the option 'capture'"}}
        assert current_activity(storage) is None
    assert _files(storage) == []


def test_a_database_that_is_gone_costs_nothing_but_the_record(storage):
    shutil.rmtree(storage.path)
    members = capture(storage)
    assert members["activity"] is None
    assert set(members["unknown"]) >= {"activity", "environment"}


def test_threads_share_one_session(storage):
    found: list[dict[str, Any]] = []
    threads = [threading.Thread(target=lambda: found.extend([capture(storage) for _ in range(50)])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {members["activity"]["session"] for members in found} == {found[0]["activity"]["session"]}
    assert check_chain(storage, found[0]["activity"]["session"]) == []
    assert len(sources(storage, found[0])) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_has_a_session_that_names_its_parents(storage):
    parent = capture(storage)["activity"]
    child = os.fork()
    if child == 0:
        os._exit(0 if capture(storage)["activity"]["session"] != parent["session"] else 1)
    assert os.waitpid(child, 0)[1] == 0
    (name,) = [name for name in storage.list(".isfdb/sessions") if not name.startswith(parent["session"])]
    session = read_session(storage, name.removesuffix(".jsonl"))
    assert session.start["parent"] == {"line": parent["line"], "session": parent["session"]}
    assert check_chain(storage, session.id) == []
    assert check_chain(storage, parent["session"]) == []


WORK = "import pickle, sys; pickle.load(sys.stdin.buffer)['from worker'] = 1"


def test_a_process_with_a_pickled_handle_works_for_the_activity_that_pickled_it(tmp_path: Path):
    import pickle

    with isfdb.open(tmp_path / "db") as db:
        handle = pickle.dumps(db)
        subprocess.run([sys.executable, "-c", WORK], input=handle, check=True)
        cell = db.entry("from worker").cell
        assert cell.kind == "task"
        assert cell.facts["sent_by"]["test"].endswith("::test_a_process_with_a_pickled_handle_works_for_the_activity_that_pickled_it")
        assert not isfdb.verify(db)


def test_a_handle_unpickled_in_the_process_that_pickled_it_is_no_worker(tmp_path: Path):
    import pickle

    with isfdb.open(tmp_path / "db") as db:
        pickle.loads(pickle.dumps(db))["a"] = 1
        assert db.entry("a").cell.kind == "test"


def test_pickling_a_handle_for_reading_writes_nothing(tmp_path: Path):
    import pickle

    isfdb.open(tmp_path / "db")
    db = isfdb.open(tmp_path / "db", mode="r")
    before = _files(db._storage)
    pickle.loads(pickle.dumps(db))
    assert _files(db._storage) == before
