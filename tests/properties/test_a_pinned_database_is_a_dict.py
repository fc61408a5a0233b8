"""After ``isfdb.pin`` a database goes on as the same dict, whatever others store meanwhile, and the real one is not touched."""

from __future__ import annotations

import contextlib
import datetime
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis.stateful import precondition, rule, run_state_machine_as_test

import isfdb
from isfdb import pins
from isfdb.errors import KeyKindError, KeyNotFoundError
from tests.properties.test_database_is_a_dict import KEYS, SUB_DATABASES, VALUES, DatabaseMachine


def tree_digest(folder: str) -> str:
    digest = hashlib.blake2b()
    for path in sorted(Path(folder).rglob("*")):
        digest.update(str(path).encode() + b"\0")
        digest.update(path.read_bytes() if path.is_file() else b"")
    return digest.hexdigest()


class PinnedMachine(DatabaseMachine):
    """Pins at some moment, and lets others write to the real database from then on."""

    def __init__(self) -> None:
        super().__init__()
        self.real: Any = None
        self.digest = ""

    @precondition(lambda self: self.real is None)
    @rule()
    def pin(self) -> None:
        self.real = self.db
        self.digest = tree_digest(self.path)
        isfdb.pin(before=datetime.datetime.now(datetime.UTC))
        self.db = isfdb.open(self.path)
        self.path = self.db.path  # what a killed writer leaves, it leaves here

    def others(self, change: Callable[[], None]) -> None:
        assert tree_digest(self.real.path) == self.digest
        with contextlib.suppress(KeyKindError, KeyNotFoundError):
            change()
        self.digest = tree_digest(self.real.path)

    @precondition(lambda self: self.real is not None)
    @rule(key=KEYS, value=VALUES)
    def others_put(self, key: str, value: Any) -> None:
        self.others(lambda: self.real.__setitem__(key, value))

    @precondition(lambda self: self.real is not None)
    @rule(key=KEYS)
    def others_delete(self, key: str) -> None:
        if not self.real.is_sub_db(key):
            self.others(lambda: self.real.__delitem__(key))

    @precondition(lambda self: self.real is not None)
    @rule(name=SUB_DATABASES)
    def others_make_a_sub_database(self, name: str) -> None:
        self.others(lambda: self.real.create_sub_db(name) and None)

    @precondition(lambda self: self.real is not None)
    @rule(key=KEYS)
    def others_note(self, key: str) -> None:
        self.others(lambda: self.real.attributes[key].update(unit="others"))

    def teardown(self) -> None:
        try:
            super().teardown()
            if self.real is not None:
                assert tree_digest(self.real.path) == self.digest
        finally:
            pins.release()


def test_a_pinned_database_is_a_dict(new_folder: Callable[[], str], long_run: bool) -> None:
    class Machine(PinnedMachine):
        pass

    Machine.new_folder = staticmethod(new_folder)
    quick = settings(max_examples=100, stateful_step_count=40)
    thorough = settings(max_examples=1000, stateful_step_count=60)
    chosen = settings(
        thorough if long_run else quick, deadline=None, derandomize=not long_run, database=None, suppress_health_check=list(HealthCheck)
    )
    run_state_machine_as_test(Machine, settings=chosen)
