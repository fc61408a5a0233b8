"""``db.appending``: whole blocks only, in order, none lost when the process dies, published by a flush."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import isfdb
from isfdb.errors import AppendError, CorruptVersionError, KeyNotFoundError
from isfdb.storage.staging import host


def journals(db: Any) -> list[Path]:
    return sorted(Path(db.path).rglob(".append-*"))


def died(path: str, script: str) -> None:
    """Run a script in a process that dies with its journals open."""
    lead = f"import os, signal, numpy as np, isfdb\ndb = isfdb.open({path!r})\n"
    result = subprocess.run([sys.executable, "-c", f"{lead}{script}\nos._exit(9)"], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 9, result.stderr


def test_blocks_are_published_in_one_version(db: Any) -> None:
    with db.appending("x") as x:
        for number in range(100):
            x.append(np.arange(3) + 3 * number)
    assert db["x"].tolist() == list(range(300))
    assert len(db.versions("x")) == 2  # the first block, which makes the key, and the rest
    assert not journals(db)
    assert not isfdb.verify(db)


def test_readers_see_them_after_a_flush(db: Any) -> None:
    x = db.appending("x")
    x.append(np.zeros(1))
    x.append(np.ones(1))
    assert db["x"].tolist() == [0]
    x.flush()
    assert db["x"].tolist() == [0, 1]
    x.flush()  # nothing waits
    assert len(db.versions("x")) == 2
    x.close()
    with pytest.raises(AppendError, match="it was closed"):
        x.append(np.zeros(1))


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_it_grows_along_any_axis_with_blocks_of_any_length(axis: int, db: Any) -> None:
    blocks = []
    with db.appending("x", axis=axis) as x:
        for number in range(12):
            shape = [2, 3, 4]
            shape[axis] = number % 4
            blocks.append(np.random.default_rng(number).random(shape))
            x.append(blocks[-1])
    assert np.array_equal(db["x"], np.concatenate(blocks, axis=axis))


def test_one_row_may_lack_the_axis(db: Any) -> None:
    db["x"] = np.zeros((0, 3))
    with db.appending("x") as x:
        for number in range(5):
            x.append(np.full(3, float(number)))
    assert db["x"][:, 0].tolist() == [0, 1, 2, 3, 4]


def test_what_is_appended_may_change_afterwards(db: Any) -> None:
    block = np.zeros(2)
    with db.appending("x") as x:
        for number in range(3):
            block[:] = number
            x.append(block)
    assert db["x"].tolist() == [0, 0, 1, 1, 2, 2]


def test_what_does_not_fit_is_refused_and_the_rest_is_kept(db: Any) -> None:
    with db.appending("x") as x:
        x.append(np.zeros(2))
        x.append(np.ones(2))
        for wrong in (np.zeros((2, 2)), np.zeros(2, "f4"), [1.0, 2.0], "text"):
            with pytest.raises(AppendError, match="cannot append to 'x'"):
                x.append(wrong)
        x.append(np.full(2, 2.0))
    assert db["x"].tolist() == [0, 0, 1, 1, 2, 2]


def test_an_error_in_the_block_publishes_what_was_appended(db: Any) -> None:
    with pytest.raises(ZeroDivisionError), db.appending("x") as x:
        x.append(np.zeros(1))
        x.append(np.ones(1))
        raise ZeroDivisionError
    assert db["x"].tolist() == [0, 1]


@pytest.mark.parametrize("options", [{"flush_bytes": 80}, {"flush_s": 0.0}])
def test_it_flushes_by_size_and_by_age(options: dict[str, Any], db: Any) -> None:
    x = db.appending("x", **options)
    for number in range(21):
        x.append(np.array([float(number)]))
    assert len(db["x"]) >= 20
    x.close()
    assert db["x"].tolist() == list(range(21))


def test_types_that_are_more_than_their_bytes_wait_in_memory(db: Any) -> None:
    dtype = np.dtype([("t", "f8"), ("n", "i4")])
    with db.appending("x") as x:
        for number in range(4):
            x.append(np.array([(number, number)], dtype))
    assert db["x"].dtype == dtype
    assert db["x"]["n"].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("sync", [False, True])
def test_what_a_dead_process_appended_comes_before_what_is_appended_next(sync: bool, db: Any) -> None:
    died(db.path, f"x = db.appending('x', sync={sync})\nfor n in range(5): x.append(np.array([n, n]))\nx.append(np.array([5]))")
    assert db["x"].tolist() == [0, 0]
    [finding] = isfdb.verify(db)
    assert finding.kind == "leftover"
    assert "a dead process appended" in finding.message
    db.append("x", np.array([6]))
    assert db["x"].tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 6]
    assert not journals(db)
    assert not isfdb.verify(db)


@pytest.mark.parametrize("verb", ["collect", "appending"])
def test_other_verbs_recover_too(verb: str, db: Any) -> None:
    died(db.path, "y = db.appending('sub/x', axis=-1)\nfor n in range(3): y.append(np.full((2, 1), n))")
    if verb == "collect":
        db.collect(dry_run=True)
        assert journals(db)
        db.collect()
    else:
        db.appending("sub/x", axis=1).close()
    assert db["sub/x"].tolist() == [[0, 1, 2]] * 2
    assert not journals(db)


def test_a_journal_cut_anywhere_gives_whole_blocks(db: Any, tmp_path: Path) -> None:
    """As a power cut leaves it: shorter than what was written, or with zeros at its end."""
    died(db.path, "x = db.appending('x')\nfor n in (2, 2, 3, 2): x.append(np.full(n, n))")
    [journal] = journals(db)
    rows = (journal / "rows.bin").read_bytes()
    ends = {0: 0, 12 + 16: 2, 12 + 16 + 12 + 24: 5, len(rows): 7}
    for n_bytes in range(0, len(rows) + 1, 3):
        for rest in (b"", bytes(len(rows) - n_bytes)):
            copy = isfdb.open(shutil.copytree(db.path, tmp_path / f"{n_bytes}-{len(rest)}"))
            [journal] = journals(copy)
            (journal / "rows.bin").write_bytes(rows[:n_bytes] + rest)
            copy.collect()
            whole = max(n_rows for end, n_rows in ends.items() if (rows[:n_bytes] + rest)[:end] == rows[:end])
            assert copy["x"].tolist() == [2, 2, *[2, 2, 3, 3, 3, 2, 2][:whole]]
            assert not journals(copy)


def test_a_row_that_is_not_what_was_appended_ends_a_journal(db: Any) -> None:
    died(db.path, "x = db.appending('x')\nfor n in (2, 2, 3, 2): x.append(np.full(n, n))")
    [journal] = journals(db)
    rows = bytearray((journal / "rows.bin").read_bytes())
    rows[-8] = 7
    (journal / "rows.bin").write_bytes(rows)
    db.collect()
    assert db["x"].tolist() == [2, 2, 2, 2, 3, 3, 3]


@pytest.mark.parametrize("counts", [[], [2, 5, 7]])
def test_a_journal_of_an_older_isfdb_is_published(counts: list[int], db: Any) -> None:
    db["x"] = np.full(2, 2)
    journal = db.entry("x").path.parent / f".append-{host()}-999999999-0123456789abcdef"
    journal.mkdir()
    facts = {"axis": 0, "block_rows": 2, "dtype": db["x"].dtype.str, "format": 1, "key": "x", "others": []}
    (journal / "journal.json").write_text(json.dumps(facts))
    (journal / "rows.bin").write_bytes(np.arange(7).tobytes())
    if counts:
        (journal / "counts.bin").write_bytes(np.array(counts, "<u8").tobytes())
    db.collect()
    assert db["x"].tolist() == [2, 2, *range(7 if counts else 6)]


def test_a_block_that_the_disk_refuses_halfway_is_not_there_later(db: Any) -> None:
    died(
        db.path,
        "import resource, signal, errno\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "x = db.appending('x')\nx.append(np.full(3, 1)); x.append(np.full(3, 1))\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (40, resource.RLIM_INFINITY))\n"
        "try:\n    x.append(np.full(3, 2))\nexcept isfdb.errors.StorageError: pass\nelse: raise SystemExit('no error')\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)\nx.append(np.full(3, 3))",
    )
    db.collect()
    assert db["x"].tolist() == [1, 1, 1, 1, 1, 1, 3, 3, 3]


def test_a_journal_published_before_its_writer_died_is_not_published_again(db: Any) -> None:
    died(
        db.path,
        "import shutil\nx = db.appending('x')\nfor n in range(4): x.append(np.array([n]))\n"
        "shutil.rmtree = lambda path, **_: os._exit(9)\nx.flush()",
    )
    assert db["x"].tolist() == [0, 1, 2, 3]
    assert journals(db)
    db.collect()
    assert db["x"].tolist() == [0, 1, 2, 3]
    assert not journals(db)


def test_a_journal_without_facts_holds_nothing(db: Any) -> None:
    db["x"] = np.zeros(1)
    (db.entry("x").path.parent / f".append-{os.uname().nodename}-999999999-0123456789abcdef").mkdir()
    db.collect()
    assert not journals(db)


@pytest.mark.parametrize("facts", ["", "[]", '{"dtype": "O", "others": [], "axis": 0, "block_rows": 1}', '{"dtype": "<f8"}'])
def test_a_journal_that_makes_no_sense_is_left_for_people(facts: str, db: Any) -> None:
    db["x"] = np.zeros(1)
    journal = db.entry("x").path.parent / f".append-{host()}-999999999-0123456789abcdef"
    journal.mkdir()
    (journal / "journal.json").write_text(facts)
    with pytest.raises(CorruptVersionError, match="cannot be read"):
        db.append("x", np.zeros(1))
    assert journals(db) == [journal]


def test_a_key_deleted_meanwhile_is_not_made_again(db: Any) -> None:
    x = db.appending("x")
    x.append(np.zeros(1))
    x.append(np.zeros(1))
    del db["x"]
    with pytest.raises(KeyNotFoundError):
        x.flush()
    assert "x" not in db


def test_a_forked_process_is_refused(db: Any) -> None:
    x = db.appending("x")
    x.append(np.zeros(1))
    x._process_id += 1
    with pytest.raises(AppendError, match="forked"):
        x.append(np.zeros(1))


def test_threads_share_one(db: Any) -> None:
    with db.appending("x") as x:
        threads = [threading.Thread(target=lambda n=n: [x.append(np.full(5, n)) for _ in range(50)]) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    blocks = db["x"].reshape(-1, 5)
    assert len(blocks) == 200
    assert (blocks == blocks[:, :1]).all()


def test_a_full_disk_leaves_whole_blocks(db: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    x = db.appending("x")
    x.append(np.zeros(4))
    x.append(np.ones(4))
    write, refused = os.pwrite, []

    def half(descriptor: int, data: Any, place: int) -> int:
        if refused:
            raise OSError(28, "No space left on device")
        refused.append(True)
        return write(descriptor, bytes(data)[:9], place)

    monkeypatch.setattr(os, "pwrite", half)
    with pytest.raises(isfdb.errors.DatabaseFullError):
        x.append(np.full(4, 2.0))
    monkeypatch.undo()
    x.append(np.full(4, 3.0))
    x.close()
    assert db["x"].tolist() == [0] * 4 + [1] * 4 + [3] * 4
