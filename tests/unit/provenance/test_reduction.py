"""The member ``used`` of a record: what is long lies beside it, and what was not ready is told by the session's log."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from isfdb.provenance import file_digests, late_digests, reduction
from isfdb.provenance.activities import running
from isfdb.provenance.cells import Ran
from isfdb.provenance.file_digests import FileFacts, facts_of
from isfdb.provenance.records import PENDING, UsedFile, used_of
from isfdb.provenance.session import check_chain
from isfdb.provenance.session_log import SessionLog
from isfdb.provenance.usage import Use, ValueRead

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from isfdb.database import Database


def read(path: Path) -> Use:
    facts = facts_of(str(path), time.time())
    assert facts is not None
    return Use(facts, running(), 1)


def test_a_short_list_stands_in_the_record_and_a_long_one_once_beside_it(db: Database, tmp_path: Path):
    short = [{"cell": 1, "file": "/a", "digest": None, "mtime": None, "size": None}]
    assert reduction.stored_members(db._storage, short) == short
    long = [{"cell": 1, "file": f"/{number}", "digest": None, "mtime": None, "size": number} for number in range(20)]
    member = reduction.stored_members(db._storage, long)
    assert member["n"] == 20
    assert reduction.stored_members(db._storage, long) == member
    assert [used.path for used in used_of(db._storage, {"used": member})] == [one["file"] for one in long]


def test_a_digest_that_was_not_ready_is_told_later(db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with open(tmp_path / "large.bin", "wb") as file:
        file.truncate(2**29)  # takes no room, and a while to read
    use, ran = read(tmp_path / "large.bin"), Ran("cell", "db['a'] = 1", count=1)
    monkeypatch.setattr(reduction, "PATIENCE_S", 0.0)
    log = SessionLog(db._storage)
    line = log.line_of(ran, [])
    record = {"used": reduction.recorded(db._storage, log, ran, [use]), "activity": {"session": log.id, "line": line}}
    assert record["used"][0]["because"] == PENDING
    file_digests.wait(20)
    late_digests.write_known()
    (told,) = used_of(db._storage, record)
    assert isinstance(told, UsedFile)
    assert (told.size, told.because, len(told.digest or "")) == (2**29, "", 64)
    assert not check_chain(db._storage, log.id)


def test_secrets_in_paths_and_links_are_left_out(db: Database):
    def member(what: FileFacts | ValueRead) -> str:
        return str(reduction.used_members([Use(what, running(), None)], lambda ran: None))

    assert "hunter2hunter2" not in member(FileFacts("/data/password=hunter2hunter2/a.csv", 0o100644, 1, 2, 3, 4, 5))
    assert "hunter2hunter2" not in member(FileFacts("https://ann:hunter2hunter2@example.org/a.csv"))
    assert "example.org/a.csv" in member(FileFacts("https://ann:hunter2hunter2@example.org/a.csv"))


def test_thousands_of_files_are_reduced_in_no_time(tmp_path: Path):
    uses = [Use(FileFacts(f"/data/{number}.csv", 0o100644, 1, number, 3, 4, 5, changed=True), running(), 1) for number in range(5000)]
    assert len(reduction.used_members(uses, lambda ran: 1)) == 5000


def test_what_was_only_written_is_not_used(tmp_path: Path):
    (tmp_path / "a").write_bytes(b"1")
    use = read(tmp_path / "a")
    use.is_output = True
    assert reduction.used_members([use], lambda ran: 1) == []
