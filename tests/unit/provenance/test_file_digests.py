"""Digests of files belong to the files as they were read, come from the background, and keep their bounds."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest
from blake3 import blake3

import isfdb
from isfdb.provenance import file_digests
from isfdb.provenance.digest_cache import DigestCache
from isfdb.provenance.file_digests import Answer, FileFacts, _Worker, facts_of
from isfdb.provenance.records import PENDING

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def worker() -> _Worker:
    return _Worker()


def seen(path: Path, content: bytes = b"text") -> FileFacts:
    path.write_bytes(content)
    facts = facts_of(str(path), time.time())
    assert facts is not None
    return facts


def answer(worker: _Worker, facts: FileFacts) -> Answer:
    worker.ask(facts)
    worker.wait(20)
    return worker.ask(facts)


def test_a_digest_is_that_of_the_content(tmp_path: Path, worker: _Worker):
    content = os.urandom(5 * 2**20 + 1)
    assert answer(worker, seen(tmp_path / "a", content)) == Answer(blake3(content).hexdigest())


def test_asking_does_not_wait(tmp_path: Path, worker: _Worker):
    facts = seen(tmp_path / "a", os.urandom(2**24))
    assert worker.ask(facts) == Answer(None, PENDING)


def test_a_file_that_was_changed_deleted_or_replaced_gets_none(tmp_path: Path, worker: _Worker):
    changed, deleted, replaced = (seen(tmp_path / name) for name in ("changed", "deleted", "replaced"))
    (tmp_path / "changed").write_bytes(b"longer text")
    (tmp_path / "deleted").unlink()
    (tmp_path / "other").write_bytes(b"text")
    (tmp_path / "other").replace(tmp_path / "replaced")
    assert [answer(worker, facts).because for facts in (changed, deleted, replaced)] == [
        file_digests.CHANGED,
        file_digests.GONE,
        file_digests.CHANGED,
    ]


def test_a_file_that_changed_between_opening_and_looking_is_known_as_changed(tmp_path: Path):
    opened = time.time()
    time.sleep(0.05)
    (tmp_path / "a").write_bytes(b"text")
    facts = facts_of(str(tmp_path / "a"), opened)
    assert facts is not None
    assert file_digests.answer_about(facts).because == file_digests.CHANGED


def test_bounds_are_kept_and_told(tmp_path: Path, worker: _Worker):
    facts = seen(tmp_path / "a", b"x" * 1000)
    with_limits = [("digest_file_bytes", 999), ("digest_session_bytes", 999)]
    for name, limit in with_limits:
        change = isfdb.set_options(**{name: limit})
        assert name in answer(_Worker(), facts).because
        change.undo()
    change = isfdb.set_options(digest_session_s=0)
    worker.seconds_spent = 0.1
    assert "digest_session_s" in answer(worker, facts).because
    change.undo()


def test_a_folder_has_a_digest_of_its_listing_and_says_so(tmp_path: Path, worker: _Worker):
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "chunk").write_bytes(b"1")
    facts = facts_of(str(tmp_path / "store"), time.time() + 1)
    assert facts is not None
    first = answer(worker, facts)
    assert first.because == file_digests.FOLDER
    assert len(first.digest or "") == 64
    (tmp_path / "store" / "chunk").write_bytes(b"12")
    assert answer(_Worker(), facts).digest != first.digest


def test_what_is_elsewhere_is_not_fetched():
    assert file_digests.answer_about(FileFacts("s3://bucket/a.csv")) == Answer(None, file_digests.REMOTE)


def test_the_next_process_does_not_compute_again(tmp_path: Path, worker: _Worker):
    facts = seen(tmp_path / "a")
    old = facts._replace(ctime_ns=facts.ctime_ns - 10**10)
    worker.cache.put(old.identity, "d" * 64)
    worker.cache.save()
    assert DigestCache().get(old.identity) == "d" * 64
    assert answer(_Worker(), old) == Answer("d" * 64)


def test_a_file_that_was_just_written_is_not_kept_for_the_next_process(tmp_path: Path, worker: _Worker):
    facts = seen(tmp_path / "a")
    assert answer(worker, facts).digest
    assert DigestCache().get(facts.identity) is None


def test_a_torn_line_in_the_cache_is_passed_over(tmp_path: Path):
    with isfdb.set_options(cache_folder=tmp_path):
        (tmp_path / "digests-of-files.jsonl").write_bytes(b'[1, 2, 3, 4, 5, "' + b"e" * 64 + b'"]\n[1, 2')
        assert DigestCache().get((1, 2, 3, 4, 5)) == "e" * 64
