"""What a search keeps in the cache folder: quick where folders stood still, never believed where they moved, never in the way."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import isfdb
from isfdb import index
from isfdb.searching import kept, reading_processes, search
from isfdb.searching.kept import wait_until_kept
from isfdb.searching.reading_keys import Place
from isfdb.searching.sheet import open_sheet, write_sheet
from tests.unit.searching.conftest import retell


@pytest.fixture(autouse=True)
def everything_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "KEEP_ABOVE_S", 0.0)
    monkeypatch.setattr(index, "QUIET_S", 0.05)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The keys whose records were read since this list was last emptied."""
    keys: list[str] = []

    def counted(storage: Any, places: list[Any], needles: Any = ()) -> Any:
        keys.extend([place.key for place in places])
        return reading_processes.read_many(storage, places, needles)

    monkeypatch.setattr(search, "read_many", counted)
    return keys


def settled_find(db: Any, query: str) -> tuple[str, ...]:
    """Search when all folders have stood still for long enough, and wait until what was learnt is kept."""
    time.sleep(0.08)
    found = isfdb.find(db, query).keys
    wait_until_kept()
    return found


def test_a_record_is_read_once(lab: Any, read: list[str]) -> None:
    first = settled_find(lab, "user:ann")
    assert len(read) == 4
    assert settled_find(lab, "user:ann") == first == ("spikes",)
    assert settled_find(lab, "text:butter unit=Hz input:trials numpy<2") == first
    assert len(read) == 4


def test_only_what_changed_is_read_again(lab: Any, read: list[str]) -> None:
    settled_find(lab, "")
    read.clear()
    lab["plain"] = "text"
    assert settled_find(lab, "type:str *plain") == ("plain",)
    lab.attributes["cells/L4"]["unit"] = "Hz"
    assert set(settled_find(lab, "unit=Hz")) == {"spikes", "cells/L4"}
    lab.attributes["spikes"]["unit"] = "mV"
    assert settled_find(lab, "unit=Hz") == ("cells/L4",)
    lab.rename("spikes", "peaks")
    assert settled_find(lab, "unit=mV") == ("peaks",)
    del lab["plain"]
    assert settled_find(lab, "*plain") == ()
    assert read == ["plain", "cells/L4", "spikes", "peaks"]


def test_keys_that_take_each_others_names_are_told_apart(lab: Any) -> None:
    settled_find(lab, "")
    for old, new in (("spikes", "x"), ("plain", "spikes"), ("x", "plain")):
        lab.rename(old, new)
    assert settled_find(lab, "user:ann") == ("plain",)


def test_a_revision_whose_writer_died_is_seen(lab: Any) -> None:
    settled_find(lab, "unit=Hz")
    folder = lab.entry("spikes").path.parent / "attributes"
    (folder / "000002.json").write_text((folder / "000001.json").read_text().replace('"Hz"', '"kHz"'))
    assert settled_find(lab, "unit=kHz") == ("spikes",)


def test_what_changed_a_moment_ago_is_read_again(lab: Any, read: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "QUIET_S", 60)
    for _ in range(2):
        isfdb.find(lab, "")
        wait_until_kept()
    assert len(read) == 8


def test_nothing_is_kept_of_what_cannot_be_read(lab: Any) -> None:
    (lab.entry("plain").path / "metadata.json").write_text("no json")
    for _ in range(2):
        time.sleep(0.08)
        assert [one.key for one in isfdb.find(lab, "").unreadable] == ["plain"]
        wait_until_kept()


@pytest.mark.parametrize("part", range(8))
def test_a_damaged_file_changes_no_answer(lab: Any, cache: Path, part: int) -> None:
    before = settled_find(lab, "numpy<2 text:butter unit=Hz input:trials")
    settled_find(lab, "text:butter")
    assert before == ("spikes",)
    files = list(cache.iterdir())
    assert len(files) == 2
    for file in files:
        data = bytearray(file.read_bytes())
        begin = len(data) * part // 8
        data[begin : begin + 200] = b"\x55" * 200
        file.write_bytes(data)
    assert settled_find(lab, "numpy<2 text:butter unit=Hz input:trials") == before


@pytest.mark.parametrize("content", [b"", b"no database", b"SQLite format 3\x00"])
def test_a_file_of_something_else_changes_no_answer_and_is_replaced(lab: Any, cache: Path, read: list[str], content: bytes) -> None:
    settled_find(lab, "")
    (file,) = cache.iterdir()
    file.write_bytes(content)
    assert settled_find(lab, "user:ann") == ("spikes",)
    read.clear()
    assert settled_find(lab, "user:ann") == ("spikes",)
    assert not read


def test_a_file_that_was_cut_off_changes_no_answer(lab: Any, cache: Path) -> None:
    settled_find(lab, "")
    (file,) = cache.iterdir()
    os.truncate(file, file.stat().st_size // 2)
    assert settled_find(lab, "user:ann") == ("spikes",)


def test_the_cache_may_be_deleted_or_be_no_folder_at_all(lab: Any, cache: Path) -> None:
    settled_find(lab, "")
    shutil.rmtree(cache)
    assert settled_find(lab, "user:ann") == ("spikes",)
    shutil.rmtree(cache)
    cache.write_text("a file")
    assert settled_find(lab, "user:ann") == ("spikes",)


def test_nothing_is_written_into_the_database(lab: Any) -> None:
    before = sorted(Path(lab.path).rglob("*"))
    settled_find(lab, "text:butter")
    assert sorted(Path(lab.path).rglob("*")) == before


def test_another_database_in_its_place_is_not_mixed_up(lab: Any, tmp_path: Path) -> None:
    settled_find(lab, "")
    path = Path(lab.path)
    path.rename(tmp_path / "aside")
    other = isfdb.open(path)
    other["spikes"] = "of another"
    retell(other, "spikes", by={"user": "bob"})
    assert settled_find(other, "user:ann") == ()
    assert settled_find(other, "user:bob") == ("spikes",)
    moved = isfdb.open(tmp_path / "aside")
    assert settled_find(moved, "user:ann") == ("spikes",)


def test_a_partial_search_keeps_the_rows_of_the_others(lab: Any, read: list[str]) -> None:
    settled_find(lab, "")
    lab["cells/L4"] = 2
    settled_find(lab["cells"], "")
    settled_find(lab, "key:L5")
    read.clear()
    settled_find(lab, "")
    assert read == []


@pytest.mark.parametrize("works", [True, False])
def test_many_keys_are_read_by_several_processes_with_or_without_them(lab: Any, monkeypatch: pytest.MonkeyPatch, works: bool) -> None:
    monkeypatch.setattr(reading_processes, "MIN_KEYS", 2)
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    (lab.entry("plain").path / "metadata.json").write_text("no json")
    if not works:
        monkeypatch.setattr(sys, "executable", "/bin/false")
    found = isfdb.find(lab, "")
    assert set(found.keys) == {"spikes", "cells/L5/rates", "cells/L4"}
    assert [one.key for one in found.unreadable] == ["plain"]
    assert isfdb.find(lab, "unit=Hz user:ann").keys == ("spikes",)


def test_records_that_lack_a_word_are_passed_over_first_and_read_later(lab: Any, read: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading_processes, "MIN_KEYS", 2)
    lab["odd"] = lab["two"] = 1
    lab["two"] = 2
    retell(lab, "odd", by={"user": "ſann", "host": None})  # a long s, which is an s in small letters
    retell(lab, "two", by={"user": "Ann"})
    assert set(settled_find(lab, "user:ANN")) == {"spikes", "two"}
    assert settled_find(lab, "user:sann") == ("odd",)
    read.clear()
    assert set(settled_find(lab, "user:*ann")) == {"spikes", "cells/L5/rates", "odd", "two"}
    assert settled_find(lab, 'label:"out of order" user:ann host:gpu01 commit:a1b2c3') == ("spikes",)
    assert read == []


def test_a_process_that_reads_answers(lab: Any) -> None:
    process = reading_processes._begin(lab.path, [Place("spikes", "spikes.key"), Place("plain", "plain.key")], [b"max"])
    read = reading_processes._answer_of(process)
    assert read is not None
    assert set(read.columns["key"]) == {"spikes", "plain"}  # the first has attributes, and is not passed over by its record alone
    assert read.columns["user"][read.columns["key"].index("plain")] == "max"


SEARCHER = """
import sys, isfdb
from isfdb import index
from isfdb.searching import kept
kept.KEEP_ABOVE_S, index.QUIET_S = 0.0, 0.0
db = isfdb.open(sys.argv[1], "r")
for number in range(15):
    found = isfdb.find(db, "user:ann text:butter")
    assert found.keys == ("spikes",), found
    kept.wait_until_kept()
"""


def test_many_processes_search_and_keep_at_once(lab: Any, cache: Path) -> None:
    words = [sys.executable, "-c", SEARCHER, lab.path]
    searchers = [subprocess.Popen(words, env={**os.environ, "ISFDB_CACHE_FOLDER": str(cache.parent)}) for _ in range(4)]
    while any(searcher.poll() is None for searcher in searchers):
        for file in [*cache.glob("*")]:
            file.unlink(missing_ok=True)  # somebody tidies up meanwhile
        time.sleep(0.02)
    assert [searcher.wait() for searcher in searchers] == [0] * 4
    left = [file.name for file in cache.iterdir() if file.name.count(".") > 1]
    assert left == []


def test_columns_of_two_writings_are_never_mixed(tmp_path: Path) -> None:
    file, about = str(tmp_path / "sheet"), {"id": "x"}
    write_sheet(file, about, {"key": ["a", "b"], "unit": ["Hz", ""]})
    sheet = open_sheet(file, about)
    assert sheet is not None
    assert sheet.columns(["key"]) == {"key": ["a", "b"]}
    write_sheet(file, about, {"key": ["b", "a"], "unit": ["", "Hz"]})
    with pytest.raises(LookupError):
        sheet.columns(["key", "unit"])
    again = open_sheet(file, about)
    assert again is not None
    assert again.columns(["unit", "key"]) == {"unit": ["", "Hz"], "key": ["b", "a"]}
