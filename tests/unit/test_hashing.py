"""Digests computed while a file is written agree with what the file holds, and are used once only."""

from __future__ import annotations

import gc
import os
import threading

import numpy as np
import pytest
from blake3 import blake3

from isfdb import hashing
from isfdb.hashing import LARGE_BYTES, digest_of_file, open_hashed
from isfdb.testing.interrupts import interrupted


@pytest.mark.parametrize("sizes", [[], [0], [5], [3, 0, 4], [LARGE_BYTES], [10, 2 * LARGE_BYTES + 3, 7, LARGE_BYTES - 1]])
def test_the_digest_is_that_of_the_file(tmp_path, sizes):
    path = str(tmp_path / "data")
    with open_hashed(path) as file:
        for size in sizes:
            assert file.write(np.random.default_rng(size).integers(0, 255, size, dtype=np.uint8)) == size
    content = (tmp_path / "data").read_bytes()
    assert len(content) == os.path.getsize(path) == sum(sizes)
    assert digest_of_file(path) == (sum(sizes), blake3(content).hexdigest())


def test_a_digest_is_not_used_for_a_file_that_changed_since(tmp_path):
    path = str(tmp_path / "data")
    with open_hashed(path) as file:
        file.write(b"abc")
    with open(path, "r+b") as changed:
        changed.write(b"x")
    os.utime(path, ns=(0, 0))
    assert digest_of_file(path)[1] == blake3(b"xbc").hexdigest()
    assert _inode(path) not in hashing._just_written


def _inode(path):
    found = os.stat(path)
    return found.st_dev, found.st_ino


def test_a_buffer_that_changes_while_it_is_written_still_gives_the_digest_of_the_file(tmp_path):
    buffer = np.zeros(4 * LARGE_BYTES, dtype=np.uint8)
    stop = threading.Event()

    def scribble():
        while not stop.is_set():
            buffer[:] += 1

    thread = threading.Thread(target=scribble)
    thread.start()
    try:
        with open_hashed(str(tmp_path / "data")) as file:
            file.write(buffer)
    finally:
        stop.set()
        thread.join()
    noted = digest_of_file(str(tmp_path / "data"))[1]
    assert noted == digest_of_file(str(tmp_path / "data"))[1]  # the second time it is read from the file


@pytest.mark.parametrize("size", [1, hashing.COPIED_BYTES + 1, hashing.THREADED_BYTES, 3 * LARGE_BYTES + 5])
@pytest.mark.parametrize("place", ["first", "middle", "last"])
def test_a_change_of_one_byte_after_writing_is_found(tmp_path, size, place):
    buffer = np.random.default_rng(2).integers(0, 255, size, dtype=np.uint8)
    with open_hashed(str(tmp_path / "data")) as file:
        file.write(b"before")
        file.write(buffer)
        assert file.holds(6, buffer)
        buffer[{"first": 0, "middle": size // 2, "last": -1}[place]] ^= 1
        assert not file.holds(6, buffer)
        assert file.holds(0, b"before")
    content = (tmp_path / "data").read_bytes()
    assert digest_of_file(str(tmp_path / "data")) == (len(content), blake3(content).hexdigest())


def test_what_goes_beyond_the_file_is_not_held(tmp_path):
    with open_hashed(str(tmp_path / "data")) as file:
        file.write(b"abc")
        assert file.holds(3, b"")
        assert not file.holds(1, b"bcd")


def test_what_is_not_flushed_soon_does_not_bother_the_disk(tmp_path, monkeypatch):
    begun = []
    monkeypatch.setattr(hashing, "_begin_writeback", lambda *given: begun.append(given))
    for soon in (False, True):
        with hashing.flushing(soon), open_hashed(str(tmp_path / str(soon))) as file:
            file.write(bytes(hashing.THREADED_BYTES))
        assert bool(begun) == soon


def test_a_failed_write_notes_no_digest(tmp_path):
    hashing._just_written.clear()  # files of other tests are gone, and their inodes are given out again
    with pytest.raises(ZeroDivisionError), open_hashed(str(tmp_path / "data")) as file:
        file.write(b"abc")
        _ = 1 / 0
    assert _inode(tmp_path / "data") not in hashing._just_written


def test_digests_nobody_asks_for_do_not_pile_up(tmp_path):
    for number in range(hashing.MOST_NOTED + 10):
        with open_hashed(str(tmp_path / str(number))) as file:
            file.write(b"abc")
    assert len(hashing._just_written) <= hashing.MOST_NOTED


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")  # a file may stay open once
def test_ctrl_c_at_any_moment_comes_out_and_leaves_no_thread_that_waits_for_ever(tmp_path, monkeypatch):
    """A thread that no daemon is, and that waits, would keep the process from ending."""
    monkeypatch.setattr(hashing, "ABANDONED_S", 0.01)
    data, n_interrupted = np.zeros(hashing.THREADED_BYTES + 8, np.uint8), 0
    for at in range(1, 500, 3):
        with interrupted(at, [hashing.__file__]) as interruption:
            came_out = False
            try:
                with open_hashed(str(tmp_path / str(at))) as file:
                    file.write(data)
                    file.holds(0, data)
            except KeyboardInterrupt:
                came_out = True
            file = None
            gc.collect()
        n_interrupted += came_out
        assert came_out or interruption.where is None, interruption.where
        for thread in [one for one in threading.enumerate() if one.name == "isfdb-hash"]:
            assert thread.daemon
            thread.join()
        if interruption.where is None:
            break
    assert n_interrupted > 8
