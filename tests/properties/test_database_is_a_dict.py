"""A database does what a dict does, whatever is done in which order, and remembers every version as well."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

import isfdb
from isfdb.errors import DumpError, KeyExistsError, KeyKindError, KeyNotFoundError, VersionGoneError
from loaderdumpers.folder import ManagedFolder

DELETED = "deleted"

#: Few names, so that they meet; "s" may become a value or a sub-database, whichever comes first.
KEYS = st.sampled_from(["a", "b", "s", "s/a", "s/t/c", "u/d", "Größe %/..x", "CON.", "a.key"])
SUB_DATABASES = st.sampled_from(["s", "u", "s/t", "w"])
VALUES = st.one_of(
    st.integers(),
    st.text(max_size=5),
    st.lists(st.floats(allow_nan=False), max_size=3),
    st.binary(max_size=5),
    st.dictionaries(st.text(max_size=3), st.none() | st.booleans(), max_size=3),
    st.integers(0, 5).map(lambda n: numpy.arange(n, dtype="f4").reshape(1, n)),
)
NAMES = st.sampled_from(["unit", "note"])


@dataclass
class Folder:
    """What a managed folder holds now; a snapshot says of which version it is one."""

    files: dict[str, str]
    snapshot_of: int | None = None


def comparable(value: Any) -> Any:
    if isinstance(value, Folder):
        return ("folder", dict(value.files))
    if isinstance(value, ManagedFolder):
        return ("folder", {name: Path(value.join(name)).read_text() for name in value.listdir()})
    if isinstance(value, numpy.ndarray):
        return ("array", value.dtype.str, value.shape, value.tobytes())
    return (type(value).__name__, value)


def parents(key: str) -> list[str]:
    names = key.split("/")
    return ["/".join(names[:depth]) for depth in range(1, len(names))]


class DatabaseMachine(RuleBasedStateMachine):
    """Drives a database and plain dicts through the same steps."""

    new_folder: ClassVar[Callable[[], str]]

    def __init__(self) -> None:
        super().__init__()
        self.history: dict[str, dict[int, Any]] = {}  # of every key that ever was: number -> value or DELETED
        self.notes: dict[str, dict[str, Any]] = {}
        self.was_collected = False
        self.subs: set[str] = set()

    @initialize(durability=st.sampled_from(["full", "process"]))
    def make(self, durability: str) -> None:
        self.durability = durability
        self.path = f"{type(self).new_folder()}/results"
        self.db = isfdb.open(self.path, durability=durability)

    # The model -------------------------------------------------------------------------------------------------------------------

    def alive(self) -> dict[str, Any]:
        newest = {key: self.held(numbers) for key, numbers in self.history.items()}
        return {key: value for key, value in newest.items() if value is not DELETED}

    @staticmethod
    def held(numbers: dict[int, Any]) -> Any:
        """What reading a key gives: its newest value, but for a snapshot what that froze."""
        value = numbers[max(numbers)]
        return numbers[value.snapshot_of] if isinstance(value, Folder) and value.snapshot_of else value

    def newest(self, key: str) -> int:
        return max(self.history.get(key, {0: None}))

    def is_blocked(self, key: str) -> bool:
        """A sub-database bears the name, or a value, even a deleted one, bears the name of a sub-database on the way."""
        return key in self.subs or any(parent in self.history for parent in parents(key) if parent not in self.subs)

    def note_put(self, key: str, value: Any) -> None:
        self.subs.update(parents(key))
        number = self.newest(key) + 1
        self.history.setdefault(key, {})[number] = Folder(dict(value.files)) if isinstance(value, Folder) else value

    # Writing ---------------------------------------------------------------------------------------------------------------------

    @rule(key=KEYS, value=VALUES)
    def put(self, key: str, value: Any) -> None:
        if self.is_blocked(key):
            with pytest.raises(KeyKindError, match=r"sub-database|value"):
                self.db[key] = value
            return
        self.db[key] = value
        self.note_put(key, value)

    @rule(key=KEYS, value=VALUES)
    def put_unless_there(self, key: str, value: Any) -> None:
        if self.is_blocked(key):
            return
        if key in self.alive():
            with pytest.raises(KeyExistsError, match="not to be overwritten"):
                self.db.set(key, value, overwrite=False)
            return
        assert self.db.set(key, value, overwrite=False).number == self.newest(key) + 1
        self.note_put(key, value)

    @rule(pairs=st.lists(st.tuples(KEYS, VALUES), max_size=4), reads=st.booleans())
    def put_in_a_batch(self, pairs: list[tuple[str, Any]], reads: bool) -> None:
        with self.db.batch():
            for key, value in pairs:
                if not self.is_blocked(key):
                    self.db[key] = value
                    self.note_put(key, value)
                    if reads:
                        assert comparable(self.db[key]) == comparable(value)
                else:
                    with pytest.raises(KeyKindError, match=r"sub-database|value"):
                        self.db[key] = value

    @rule(key=KEYS)
    def make_folder(self, key: str) -> None:
        if not self.is_blocked(key):
            self.db.set(key, None, dumper="folder")
            self.note_put(key, Folder({}))

    @rule(key=KEYS, name=NAMES, text=st.sampled_from(["x", "y"]))
    def fill_folder(self, key: str, name: str, text: str) -> None:
        folder = self.alive().get(key)
        if isinstance(folder, Folder):
            Path(self.db[key].join(name)).write_text(text)
            folder.files[name] = text

    @rule(key=KEYS)
    def take_a_snapshot(self, key: str) -> None:
        value = self.alive().get(key, DELETED)
        if value is DELETED:
            with pytest.raises((KeyNotFoundError, KeyKindError)):
                self.db.snapshot(key)
            return
        found = self.db.snapshot(key)
        if isinstance(value, Folder):
            (original,) = [number for number, one in self.history[key].items() if one is value]
            self.history[key][self.newest(key) + 1] = Folder(dict(value.files), original)
        assert found.number == self.newest(key)

    @rule(key=KEYS)
    def delete(self, key: str) -> None:
        if key in self.subs:
            return  # see delete_sub_database
        if key not in self.alive():
            with pytest.raises(KeyNotFoundError, match="no such key"):
                del self.db[key]
            return
        del self.db[key]
        self.history[key][self.newest(key) + 1] = DELETED

    @rule(old=KEYS, new=KEYS)
    def rename(self, old: str, new: str) -> None:
        alive = self.alive()
        if old in self.subs or new in self.subs:
            return
        if new in alive:
            with pytest.raises(KeyExistsError, match="that key exists"):
                self.db.rename(old, new)
        elif old not in alive:
            with pytest.raises((KeyNotFoundError, KeyKindError)):
                self.db.rename(old, new)
        elif self.is_blocked(new):
            with pytest.raises(KeyKindError, match=r"sub-database|value"):
                self.db.rename(old, new)
        else:
            self.db.rename(old, new)
            number = self.newest(old)
            if new in self.history:
                self.note_put(new, alive[old])
                self.history[old][number + 1] = DELETED
            else:
                self.subs.update(parents(new))
                self.history[new] = self.history.pop(old)
                self.notes[new] = self.notes.pop(old, {})
                self.history[old] = {number + 1: DELETED}

    @rule(old=KEYS, new=KEYS)
    def copy(self, old: str, new: str) -> None:
        alive = self.alive()
        if old not in alive:
            with pytest.raises((KeyNotFoundError, KeyKindError)):
                self.db.copy(old, new)
        elif not self.is_blocked(new):
            version = self.db.copy(old, new)
            assert version.digest == self.db.entry(old).newest.digest
            self.note_put(new, alive[old])

    @rule()
    def collect(self) -> None:
        self.db.collect(grace_s=0, trash_s=0)
        self.was_collected = True

    # Sub-databases ---------------------------------------------------------------------------------------------------------------

    @rule(name=SUB_DATABASES)
    def make_sub_database(self, name: str) -> None:
        if name in self.history or self.is_blocked(f"{name}/x"):
            with pytest.raises(KeyKindError, match="value"):
                self.db.create_sub_db(name)
            return
        assert self.db.create_sub_db(name).prefix == name
        self.subs.update([name, *parents(name)])

    @rule(name=SUB_DATABASES)
    def delete_sub_database(self, name: str) -> None:
        if name not in self.subs:
            return
        del self.db[name]
        for members in (self.history, self.notes):
            for key in [key for key in members if key.startswith(f"{name}/")]:
                del members[key]
        self.subs = {sub for sub in self.subs if sub != name and not sub.startswith(f"{name}/")}

    @precondition(lambda self: "s" in self.subs)
    @rule(below=st.sampled_from(["s/a", "s/t/x"]))
    def move_a_sub_database_into_itself(self, below: str) -> None:
        if below not in self.alive() and below not in self.subs:
            with pytest.raises(KeyKindError, match="into itself"):
                self.db.rename("s", below)

    @rule(key=KEYS)
    def fail_to_store(self, key: str) -> None:
        """Nothing is left of it, not even the sub-database it would have lain in."""
        with pytest.raises((DumpError, KeyKindError)):
            self.db.set(key, object(), dumper="numpy_to_npy")

    @precondition(lambda self: "s" in self.subs and "w" not in self.subs)
    @rule()
    def rename_sub_database(self) -> None:
        self.db.rename("s", "w")
        for members in (self.history, self.notes):
            for key in [key for key in members if key.startswith("s/")]:
                members[f"w{key[1:]}"] = members.pop(key)
        self.subs = {f"w{sub[1:]}" if sub == "s" or sub.startswith("s/") else sub for sub in self.subs}

    # Notes -----------------------------------------------------------------------------------------------------------------------

    @rule(key=KEYS, name=NAMES, value=st.integers() | st.text(max_size=3))
    def note(self, key: str, name: str, value: Any) -> None:
        if key not in self.alive():
            with pytest.raises((KeyNotFoundError, KeyKindError)):
                self.db.attributes[key][name] = value
            return
        self.db.attributes[key][name] = value
        self.notes.setdefault(key, {})[name] = value

    @rule(key=KEYS, name=NAMES)
    def forget(self, key: str, name: str) -> None:
        if key in self.alive():
            assert self.db.attributes[key].pop(name, None) == self.notes.get(key, {}).pop(name, None)

    # The same database in other hands --------------------------------------------------------------------------------------------

    @rule()
    def reopen(self) -> None:
        self.db = isfdb.open(self.path, durability=self.durability)

    @rule()
    def send_to_another_process(self) -> None:
        again = pickle.loads(pickle.dumps(self.db))
        assert again == self.db
        self.db = again

    @rule(key=KEYS)
    def die_while_writing(self, key: str) -> None:
        """Leave what a killed writer leaves; no process has the number 2 ** 22 + 1."""
        folder = f"{self.path}/{key}.key" if os.path.isdir(f"{self.path}/{key}.key") else f"{self.path}/.isfdb/staging"
        os.makedirs(folder, exist_ok=True)
        stage = f"{folder}/.stage-{os.uname().nodename}-{2**22 + 1}-{os.urandom(8).hex()}"
        os.makedirs(f"{stage}/v000001")
        with open(f"{stage}/v000001/Loader.json", "w") as file:
            file.write('{"Loader": "loaderdumpers.to_js')

    # Reading ---------------------------------------------------------------------------------------------------------------------

    @rule(key=KEYS)
    def get(self, key: str) -> None:
        alive = self.alive()
        if key in alive:
            assert comparable(self.db[key]) == comparable(alive[key])
            assert comparable(self.db.get(tuple(key.split("/")))) == comparable(alive[key])
        elif key not in self.subs:
            assert self.db.get(key, "nothing") == "nothing"
            with pytest.raises(KeyNotFoundError, match=r"no key|no such key"):
                self.db[key]

    @rule(key=KEYS)
    def get_each_version(self, key: str) -> None:
        for number, value in self.history.get(key, {}).items():
            try:
                found = self.db.get(key, version=number)
            except VersionGoneError as gone:
                is_old = number < self.newest(key) and self.was_collected
                assert value is DELETED or (is_old and "reclaimed" in str(gone))  # noqa: PT017 - a value may be gone, and need not be
            else:
                assert comparable(found) == comparable(value)

    @invariant()
    def keys_agree(self) -> None:
        alive = self.alive()
        assert self.db.keys(recurse=True) == tuple(sorted(alive))
        top = {key.partition("/")[0] for key in [*alive, *self.subs]}
        assert list(self.db) == sorted(top)
        assert len(self.db) == len(top)

    def teardown(self) -> None:
        if not hasattr(self, "db"):
            return
        for key, value in self.alive().items():
            assert comparable(self.db[key]) == comparable(value)
            assert dict(self.db.attributes[key]) == self.notes.get(key, {})
            assert [(version.number, version.deleted) for version in self.db.versions(key)] == [
                (number, value is DELETED) for number, value in sorted(self.history[key].items())
            ]
        for sub in self.subs:
            below = [key[len(sub) + 1 :] for key in self.alive() if key.startswith(f"{sub}/")]
            assert self.db[sub].keys(recurse=True) == tuple(sorted(below))
        self.db.collect()
        assert not isfdb.verify(self.db)


def test_a_database_is_a_dict(new_folder: Callable[[], str], long_run: bool) -> None:
    class Machine(DatabaseMachine):
        pass

    Machine.new_folder = staticmethod(new_folder)
    quick = settings(max_examples=60, stateful_step_count=30)
    thorough = settings(max_examples=1000, stateful_step_count=60)
    chosen = settings(
        thorough if long_run else quick, deadline=None, derandomize=not long_run, database=None, suppress_health_check=list(HealthCheck)
    )
    run_state_machine_as_test(Machine, settings=chosen)
