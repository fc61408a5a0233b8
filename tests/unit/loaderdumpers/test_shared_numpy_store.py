"""A shared numpy store: what is added is found again by name, whoever added it, whatever happened to the others."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import isfdb
from isfdb.errors import DatabaseWarning, KeyExistsError, KeyNotFoundError, LoadError, OptionError, ReadOnlyError
from isfdb.testing import assert_identical
from loaderdumpers import _store_state, shared_numpy_store
from loaderdumpers.shared_numpy_store import SharedNumpyStore


@pytest.fixture
def store(tmp_path: Path) -> SharedNumpyStore:
    shared_numpy_store.dump(None, str(tmp_path))
    return shared_numpy_store.Loader().get(str(tmp_path), durability="process")


ARRAYS = [
    np.arange(6.0).reshape(2, 3),
    np.asfortranarray(np.arange(6).reshape(2, 3)),
    np.arange(24, dtype=">i2").reshape(2, 3, 4)[::-1, :, ::2],
    np.array(5.0),
    np.zeros((0, 3), "f4"),
    np.array(["é", ""]),
    np.array(["2020", "NaT"], "M8[ns]"),
    np.array([(1, 2.5)], dtype=[("größe", "i4"), ("b", "f8")]),
    np.array([True, False]),
    np.array([b"a", b""]),
    np.array([""]),
]


@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: f"{array.dtype}{array.shape}")
@pytest.mark.parametrize("mode", ["r", "c", "copy"])
def test_an_array_comes_back_as_it_was(store: SharedNumpyStore, array: np.ndarray, mode: str) -> None:
    store["a"] = array
    found = store.load("a", mode)
    assert_identical(found, array)
    assert found.flags.f_contiguous == array.flags.f_contiguous or not array.flags.contiguous
    assert found.flags.writeable == (mode != "r")


def test_a_large_array_is_written_in_pieces(store: SharedNumpyStore) -> None:
    large = np.random.default_rng(1).random((3000, 1000))
    for name, array in {"c": large, "f": np.asfortranarray(large), "strided": large[::2, ::-1]}.items():
        store[name] = array
        assert_identical(store[name], array)
    assert store.verify() == []


def test_rows_are_added_and_mapped_as_one(store: SharedNumpyStore) -> None:
    for number in range(10):
        store.append_save(np.full((2, 3), number), "rows")
        store["between"] = np.zeros(number)
    found = store["rows"]
    assert found.tolist() == [[n // 2] * 3 for n in range(20)]
    assert not found.flags.owndata
    assert store.load("rows", start_row=3, end_row=6)[:, 0].tolist() == [1, 2, 2]
    assert store.load("rows", start_row=20).shape == (0, 3)


def test_a_reader_keeps_the_rows_it_has(store: SharedNumpyStore) -> None:
    store.append_save(np.zeros(3), "rows")
    before = store["rows"]
    store.append_save(np.ones(3), "rows")
    assert (before.tolist(), store["rows"].tolist()) == ([0.0] * 3, [0.0] * 3 + [1.0] * 3)


def test_rows_follow_an_array_that_was_saved(store: SharedNumpyStore) -> None:
    store["a"] = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    store.append_save(np.ones((1, 3)), "a")
    assert store["a"].tolist() == [[0, 1, 2], [3, 4, 5], [1, 1, 1]]
    assert store.load("a", start_row=1, end_row=3).tolist() == [[3, 4, 5], [1, 1, 1]]


@pytest.mark.parametrize(
    "dtype",
    [">f8", "U3", "M8[s]", [("a", "i1"), ("b", ">f8")], {"names": ["a"], "formats": ["i4"], "offsets": [4], "itemsize": 16}],
    ids=str,
)
def test_rows_in_several_pieces_keep_their_dtype(store: SharedNumpyStore, dtype: Any) -> None:
    store["a"] = np.ones((2, 3), dtype)
    store.append_save(np.zeros((1, 3), dtype), "a")
    for mode in ("r", "c", "copy"):
        found = store.load("a", mode)
        assert (found.dtype, found.shape, found.flags.writeable) == (np.dtype(dtype), (3, 3), mode != "r")
        assert found.dtype.str == np.dtype(dtype).str
        assert (found[:2] == np.ones((2, 3), dtype)).all()


@pytest.mark.parametrize("rows", [np.zeros((1, 4)), np.zeros((1, 3), "f4"), np.zeros(3)])
def test_rows_that_do_not_fit_are_refused(store: SharedNumpyStore, rows: np.ndarray) -> None:
    store["a"] = np.zeros((2, 3))
    with pytest.raises(ValueError, match="do not fit"):
        store.append_save(rows, "a")
    store["number"] = np.array(0.0)
    with pytest.raises(ValueError, match="do not fit"):
        store.append_save(np.zeros(1), "number")
    with pytest.raises(ValueError, match="no rows"):
        store.append_save(np.array(0.0), "number")


def test_a_name_stored_again_is_a_new_generation(store: SharedNumpyStore) -> None:
    store["a"] = np.zeros(1)
    store["a"] = np.ones((2, 2))
    store.append_save(np.ones((1, 2)), "a")
    assert (store["a"].shape, store.load("a", generation=0).shape, store.n_generations("a")) == ((3, 2), (1,), 2)
    with pytest.raises(KeyNotFoundError, match="2 generations of 'a', and none is number 2"):
        store.load("a", generation=2)


def test_a_taken_name_is_refused_on_request(store: SharedNumpyStore) -> None:
    store.save(np.zeros(1), "a", overwrite=False)
    with pytest.raises(KeyExistsError, match="holds an array 'a' already"):
        store.save(np.ones(1), "a", overwrite=False)
    with pytest.raises(TypeError, match="cannot keep"):
        store.save(np.array([None]), "b", overwrite=False)
    store.save(np.ones(1), "b", overwrite=False)


def test_it_reads_as_a_mapping(store: SharedNumpyStore) -> None:
    names = [store.append(np.full(1, number)) for number in range(3)]
    assert store.append(np.zeros(2), "rows") == "rows"
    assert (sorted(names), len(store), "rows" in store, "x" in store, list(store)) == (names, 4, True, False, [*names, "rows"])
    assert {name: array.tolist() for name, array in store.items()} == {**{name: [n] for n, name in enumerate(names)}, "rows": [0.0, 0.0]}
    with pytest.raises(KeyNotFoundError, match="no array 'x'"):
        store["x"]


@pytest.mark.parametrize("value", [np.array([None]), np.ma.zeros(2), [1.0], np.float64(1), np.zeros(2).view(np.recarray)], ids=str)
def test_what_its_bytes_do_not_bring_back_is_refused(store: SharedNumpyStore, value: Any) -> None:
    with pytest.raises(TypeError, match="a shared numpy store "):
        store["a"] = value
    assert not store.names()


@pytest.mark.parametrize("name", ["", 1, None])
def test_a_name_is_text(store: SharedNumpyStore, name: Any) -> None:
    with pytest.raises(TypeError, match="is text"):
        store[name] = np.zeros(1)


def test_options_that_cannot_be_are_named(store: SharedNumpyStore) -> None:
    store["a"] = np.zeros(1)
    with pytest.raises(OptionError, match="use 'r'"):
        store.load("a", "w")
    with pytest.raises(OptionError, match="use 'full'"):
        SharedNumpyStore(store.path, durability="none")


def test_what_is_held_back_is_there_after_the_flush(store: SharedNumpyStore) -> None:
    other = in_another_process(store, "print(len(store))")
    store.save(np.zeros(1), "a", autoflush=False)
    assert other() == "0"
    store.flush()
    assert in_another_process(store, "print(len(store))")() == "1"
    with store:
        store.append_save(np.zeros(1), "rows", autoflush=False)
    assert in_another_process(store, "print(len(store))")() == "2"


def test_what_was_held_back_is_flushed_at_the_end_of_the_process(store: SharedNumpyStore) -> None:
    in_another_process(store, "store.save(np.zeros(1), 'a', autoflush=False)")()
    assert store.names() == ("a",)


def test_a_fork_writes_to_files_of_its_own(store: SharedNumpyStore) -> None:
    program = """
store.save(np.zeros(1), 'held', autoflush=False)
child = os.fork()
store['child' if child == 0 else 'parent'] = np.zeros(1)
if child == 0:
    os._exit(0)
os.waitpid(child, 0)
"""
    in_another_process(store, program)()
    assert store.names() == ("child", "held", "parent")
    assert [store.n_generations(name) for name in store] == [1, 1, 1]


def test_a_handle_can_be_sent_elsewhere(store: SharedNumpyStore) -> None:
    store.save(np.arange(3), "a", autoflush=False)
    sent = pickle.dumps(store)
    assert pickle.loads(sent) == store
    assert in_another_process(store, f"import pickle; print(pickle.loads({sent!r})['a'].sum())")() == "3"


def test_threads_may_share_a_store(store: SharedNumpyStore) -> None:
    def add(number: int) -> None:
        for place in range(50):
            store[f"{number}-{place}"] = np.full(10, number)
            store.append_save(np.full(1, number), "rows")

    threads = [threading.Thread(target=add, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store) == 201
    assert sorted(store["rows"].tolist()) == sorted([0, 1, 2, 3] * 50)
    assert store.verify() == []


# Many processes ------------------------------------------------------------------------------------------------------------------


def in_another_process(store: SharedNumpyStore, program: str, *, kills: bool = False) -> Any:
    """Start a Python that runs `program` with `store` and `np`; return a function that waits and gives what it printed."""
    head = "import os, sys, signal, numpy as np\nfrom loaderdumpers.shared_numpy_store import SharedNumpyStore\n"
    source = f"{head}store = SharedNumpyStore({store.path!r}, durability='process')\n{program}"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)}
    started = subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE, text=True, env=environment)

    def wait() -> str:
        told = started.communicate(timeout=120)[0]
        assert started.returncode == (-signal.SIGKILL if kills else 0)
        return told.strip()

    return wait


def test_eight_processes_add_at_once_and_readers_see_whole_arrays_only(store: SharedNumpyStore) -> None:
    program = """
for n in range(200):
    store[f'{PLACE}-{n}'] = np.full(n, PLACE * 1000 + n)
    store.append_save(np.full((1, 3), PLACE), f'rows of {PLACE}')
    store.append_save(np.array([(PLACE, n)]), 'rows of all')
"""
    waiting = [in_another_process(store, program.replace("PLACE", str(place))) for place in range(8)]
    seen = 0
    while seen < 1600:
        names = [name for name in store.names() if not name.startswith("rows")]
        seen = len(names)
        for name in names[:: max(1, seen // 20)]:
            place, number = map(int, name.split("-"))
            assert store[name].tolist() == [place * 1000 + number] * number
        if "rows of all" in store:
            assert store["rows of all"].shape[1:] == (2,)
    for wait in waiting:
        wait()
    assert len(store) == 1600 + 9
    for place in range(8):
        assert store[f"rows of {place}"].tolist() == [[place] * 3] * 200
    together = store["rows of all"]
    assert sorted(map(tuple, together.tolist())) == [(place, n) for place in range(8) for n in range(200)]
    assert all(np.all(np.diff(together[together[:, 0] == place, 1]) > 0) for place in range(8))
    assert store.verify() == []


def test_a_killed_writer_loses_nothing_acknowledged_and_blocks_nobody(store: SharedNumpyStore) -> None:
    program = """
import threading
threading.Timer(0.05 * (1 + PLACE % 5), lambda: os.kill(os.getpid(), signal.SIGKILL)).start()
for n in range(10**9):
    store.append_save(np.full((100, 3), n), 'rows of PLACE')
    store[f'PLACE-{n}'] = np.full(5000, n)
    os.write(1, f'{n}\\n'.encode())
"""
    for place in range(6):
        told = in_another_process(store, program.replace("PLACE", str(place)), kills=True)()
        acknowledged = len(told.split())
        for n in range(acknowledged):
            assert store[f"{place}-{n}"].tolist() == [n] * 5000
        assert not acknowledged or len(store[f"rows of {place}"]) in (acknowledged * 100, acknowledged * 100 + 100)
    assert store.verify() == []
    store["after"] = np.zeros(1)


KILLED_AT = """
calls = 0
def deadly(name, real):
    def call(*arguments):
        global calls
        calls += 1
        if calls == LAST:
            if name == 'pwrite':
                real(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2], arguments[2])
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments)
    return call
store = SharedNumpyStore(store.path, durability='full')
for name in ('mkdir', 'open', 'pwrite', 'fsync', 'close'):
    setattr(os, name, deadly(name, getattr(os, name)))
for n in range(2):
    store[f'a{n}'] = np.full(1000, n)
    store.append_save(np.full((2, 3), n), 'rows')
    store.save(np.full(10, n), f'claimed {n}', overwrite=False)
    print(n, flush=True)
print(calls)
"""


def test_a_writer_killed_at_every_call_leaves_a_good_store(store: SharedNumpyStore) -> None:
    told = in_another_process(store, KILLED_AT.replace("LAST", "0"))().split()
    n_calls = int(told[-1])
    assert n_calls > 40
    for last in range(1, n_calls + 1, 3):
        folder = Path(store.path).parent / f"{last}"
        folder.mkdir()
        shared_numpy_store.dump(None, str(folder))
        other = shared_numpy_store.Loader().get(str(folder), durability="process")
        acknowledged = len(in_another_process(other, KILLED_AT.replace("LAST", str(last)), kills=True)().split())
        for n in range(acknowledged):
            assert (other[f"a{n}"] == n).all() and (other[f"claimed {n}"] == n).all() and (other["rows"][2 * n : 2 * n + 2] == n).all()
        assert other.verify() == []
        other["a0"] = np.zeros(1)
        other.append_save(np.full((2, 3), 7), "rows")
        if "claimed 0" not in other:
            other.save(np.zeros(1), "claimed 0", overwrite=False)


def test_what_was_acknowledged_survives_a_power_cut(store: SharedNumpyStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The array and the names of the files are on the disk before the first line is written, a line before the call returns."""
    seen: list[str] = []
    names = {}

    def noting(name: str) -> Any:
        real = getattr(os, name)

        def call(*arguments: Any) -> Any:
            result = real(*arguments)
            if name == "open":
                names[result] = os.path.basename(arguments[0])
            elif name in ("pwrite", "fsync"):
                seen.append(f"{name} {names[arguments[0]]}")
            return result

        return call

    durable = SharedNumpyStore(store.path, durability="full")
    for name in ("open", "pwrite", "fsync"):
        monkeypatch.setattr(os, name, noting(name))
    durable["a"] = np.zeros(3)
    first, seen[:] = list(seen), []
    durable["b"] = np.zeros(3)
    monkeypatch.undo()
    assert seen == ["pwrite data.bin", "fsync data.bin", "pwrite index.jsonl", "fsync index.jsonl"]
    assert [one.partition("-")[0] for one in first] == [*seen[:2], "fsync writer", "fsync store", *seen[2:]]


def test_of_several_processes_one_gets_a_name(store: SharedNumpyStore) -> None:
    program = """
from isfdb.errors import KeyExistsError
won = 0
for n in range(50):
    try:
        store.save(np.full(3, PLACE), f'{n}', overwrite=False)
        won += 1
    except KeyExistsError:
        pass
print(won)
"""
    waiting = [in_another_process(store, program.replace("PLACE", str(place))) for place in range(4)]
    assert sum(int(wait()) for wait in waiting) == 50
    assert [store.n_generations(name) for name in store] == [1] * 50


def test_a_claim_of_another_thread_holds(store: SharedNumpyStore) -> None:
    """Its process is this one; whether its writer lives is told by who holds the writer's nonce."""
    with _store_state.held(store.path) as state:
        mine = _store_state.claim(state, "a")
        assert _store_state._holder_may_live(mine)


def test_a_dead_process_claims_nothing(store: SharedNumpyStore) -> None:
    program = """
from loaderdumpers import _store
real = _store.pieces_of
_store.pieces_of = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
store.save(np.zeros(1), 'a', overwrite=False)
"""
    in_another_process(store, program, kills=True)()
    assert "a" not in store
    store.save(np.ones(1), "a", overwrite=False)
    assert store["a"].tolist() == [1.0]


# Damage --------------------------------------------------------------------------------------------------------------------------


def files_of(store: SharedNumpyStore, name: str) -> Path:
    (found,) = Path(store.path).glob(f"writer-*/{name}")
    return found


def test_a_torn_line_and_a_torn_array_are_not_seen(store: SharedNumpyStore) -> None:
    in_another_process(store, "store['a'] = np.arange(3.0); store['b'] = np.arange(4.0)")()
    index = files_of(store, "index.jsonl")
    whole = index.read_bytes()
    for end in range(len(whole)):
        index.write_bytes(whole[:end])
        fresh = in_this_process_anew(store)
        assert len(fresh) == whole[:end].count(b"\n")
    index.write_bytes(whole)
    data = files_of(store, "data.bin")
    data.write_bytes(data.read_bytes()[:-1])
    fresh = in_this_process_anew(store)
    assert fresh["a"].tolist() == [0.0, 1.0, 2.0]
    with pytest.raises(LoadError, match=r"cannot load 'b' .* it was cut short.* Restore the file from a copy"):
        fresh["b"]
    data.unlink()
    with pytest.raises(LoadError, match="cannot load 'b'"):
        in_this_process_anew(store)["b"]


def test_a_line_that_makes_no_sense_is_told_of(store: SharedNumpyStore) -> None:
    in_another_process(store, "store['a'] = np.arange(3); store['b'] = np.arange(4.0)")()
    index = files_of(store, "index.jsonl")
    index.write_bytes(index.read_bytes().replace(b"<i8", b"|O", 1))
    fresh = in_this_process_anew(store)
    with pytest.warns(DatabaseWarning, match=r"lines that cannot be read, so arrays are missing.*store\.verify"):
        assert fresh.names() == ("b",)
    assert fresh.names() == ("b",)  # told once
    assert fresh.verify()


def in_this_process_anew(store: SharedNumpyStore) -> SharedNumpyStore:
    from loaderdumpers import _store_state

    _store_state._states.pop(store.path, None)
    return SharedNumpyStore(store.path)


def test_a_changed_byte_is_found(store: SharedNumpyStore) -> None:
    store["a"] = np.arange(3.0)
    data = files_of(store, "data.bin")
    with open(data, "r+b") as file:
        file.write(b"x")
    assert len(store.verify()) == 1
    assert "'a'" in store.verify()[0]


@pytest.mark.parametrize(
    "change",
    [
        {"dtype": "O"},
        {"dtype": "[('a', 'O')]"},
        {"dtype": "[" * 300},
        {"dtype": "nonsense"},
        {"shape": [-1]},
        {"shape": ["3"]},
        {"shape": 3},
        {"offset": -64},
        {"file": "../../../metadata.json"},
        {"clock": True},
        {"order": "K"},
        {"name": None},
        {"op": []},
    ],
    ids=str,
)
def test_a_line_that_no_store_writes_is_passed_over_and_told(store: SharedNumpyStore, change: dict[str, Any]) -> None:
    in_another_process(store, "store['a'] = np.arange(3.0); store['b'] = np.arange(4.0)")()
    index = files_of(store, "index.jsonl")
    first, second = index.read_text().splitlines(keepends=True)
    index.write_text(json.dumps(json.loads(first) | change) + "\nnonsense\n" + second)
    fresh = in_this_process_anew(store)
    with pytest.warns(DatabaseWarning, match="lines that cannot be read"):
        assert fresh.names() == (("a", "b") if "op" in change else ("b",))
    assert any("not what a store writes" in problem for problem in fresh.verify())


def test_a_full_disk_is_told_and_the_next_array_is_kept(store: SharedNumpyStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store["a"] = np.zeros(3)
    real = os.pwrite

    def refuse(descriptor: int, data: Any, position: int) -> int:
        if b"clock" in bytes(data):
            real(descriptor, bytes(data)[:10], position)
            raise OSError(28, "No space left on device")
        return real(descriptor, data, position)

    monkeypatch.setattr(os, "pwrite", refuse)
    with pytest.raises(OSError, match="No space left") as caught:
        store["b"] = np.zeros(3)
    assert "store them again" in caught.value.__notes__[0]
    monkeypatch.undo()
    store["c"] = np.ones(3)
    assert (store.names(), store["c"].tolist()) == (("a", "c"), [1.0] * 3)


# In a database -------------------------------------------------------------------------------------------------------------------


def test_a_database_makes_it_and_gives_it_back(db: Any) -> None:
    store = db.create_shared_numpy_store("stack")
    store["a"] = np.arange(3)
    assert db["stack"]["a"].tolist() == [0, 1, 2]
    assert db.create_shared_numpy_store("stack", raise_=False) == store
    with pytest.raises(KeyExistsError, match="'stack'"):
        db.create_shared_numpy_store("stack")
    assert isfdb.verify(db).unvouched == ("stack v1",)


def test_a_store_does_as_its_database_does(db: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    db.create_shared_numpy_store("stack")["a"] = np.zeros(3)
    with pytest.raises(ReadOnlyError, match="opened for reading"):
        isfdb.open(db.path, mode="r")["stack"]["b"] = np.zeros(3)
    flushed: list[int] = []
    monkeypatch.setattr(os, "fsync", flushed.append)
    isfdb.open(db.path, durability="process")["stack"]["b"] = np.zeros(3)
    assert flushed == []
    isfdb.open(db.path, durability="process").get("stack", durability="full")["c"] = np.zeros(3)
    assert flushed


def test_two_stores_do_not_mix_up_names(db: Any) -> None:
    one, two = (db.create_shared_numpy_store(key) for key in ("one", "two"))
    one["a"], two["a"] = np.zeros(1), np.ones(1)
    assert (one["a"].tolist(), two["a"].tolist()) == ([0.0], [1.0])


def test_a_store_can_be_stored_elsewhere(db: Any) -> None:
    store = db.create_shared_numpy_store("one")
    store["a"] = np.arange(3)
    db.set("two", store, dumper="shared_numpy_store")
    db["two"]["b"] = np.arange(4)
    assert (db["two"]["a"].tolist(), db["two"].names(), store.names()) == ([0, 1, 2], ("a", "b"), ("a",))
    with pytest.raises(isfdb.errors.DumpError, match="pass None"):
        db.set("three", 5, dumper="shared_numpy_store")


def test_a_store_is_copied_while_others_write(db: Any) -> None:
    store = db.create_shared_numpy_store("one")
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            store.append_save(np.zeros((10, 10)), "rows")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(5):
            db.copy("one", f"copy {number}")
    finally:
        stop.set()
        writer.join()
    for number in range(5):
        copy = db[f"copy {number}"]
        assert copy.verify() == []
        copy["more"] = np.zeros(1)


def test_a_frozen_store_takes_nothing(store: SharedNumpyStore) -> None:
    store["a"] = np.zeros(1)
    with pytest.raises(ReadOnlyError, match="it is a snapshot"):
        SharedNumpyStore(store.path, read_only=True)["b"] = np.zeros(1)


def test_the_files_are_understood_without_isfdb(store: SharedNumpyStore) -> None:
    import math

    store["a"] = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    index = files_of(store, "index.jsonl")
    line = json.loads(index.read_text())
    flat = np.fromfile(index.with_name(line["file"]), line["dtype"], math.prod(line["shape"]), offset=line["offset"])
    assert flat.reshape(line["shape"], order=line["order"]).tolist() == store["a"].tolist()
    assert "np.fromfile" in (Path(store.path) / "README.txt").read_text().replace("numpy.", "np.")
