"""What writers do until they are killed: an endless row of numbered steps, and what a reader may find after the n-th."""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import isfdb
from isfdb.database import Database
from isfdb.testing.faults import FailingCalls, calls_go_to

N_ELEMENTS = 131_072  # of 8 bytes: an array of 1 MB


@dataclass(frozen=True)
class Work:
    """`step(db, i)` does step i, from 1; `states(n)` gives what may be found when n steps were acknowledged and one is on its way."""

    step: Callable[[Database, int], object]
    states: Callable[[int], Sequence[dict[str, Any]]]
    prepare: Callable[[Database], object] = lambda db: None


def array(number: int) -> Any:
    import numpy

    return numpy.full(N_ELEMENTS, number)


def look(db: Database) -> dict[str, Any]:
    """Read all keys; an array that is whole counts as its number."""
    found = {}
    for key in db.keys(recurse=True):
        value = db[key]
        if hasattr(value, "shape") and len(value) < N_ELEMENTS:
            value = value.tolist()  # one that grows
        elif hasattr(value, "shape"):
            value = int(value[0]) if value.shape == (N_ELEMENTS,) and (value == value[0]).all() else "torn"
        found[key] = value
    return found


def _put(make: Callable[[int], Any]) -> Callable[[Database, int], None]:
    def put(db: Database, number: int) -> None:
        db["k"] = make(number)

    return put


def _put_or_delete(db: Database, number: int) -> None:
    if number % 2:
        db["k"] = number
    else:
        del db["k"]


def _after_put_or_delete(n: int) -> list[dict[str, Any]]:
    return [{"k": number} if number % 2 else {} for number in (n, n + 1)]


def _put_and_collect(db: Database, number: int) -> None:
    db["k"] = array(number)
    db.collect(grace_s=0, trash_s=0)


def _append(db: Database, number: int) -> None:
    import numpy

    db.append("k", numpy.array([number]))


def _append_and_collect(db: Database, number: int) -> None:
    _append(db, number)
    db.collect(grace_s=0, trash_s=0)


def _all_up_to(n: int) -> list[dict[str, Any]]:
    return [{"k": list(range(n + 1))}, {"k": list(range(n + 2))}]


def _rename(db: Database, number: int) -> None:
    db.rename(f"k{number - 1}", f"k{number}")


def _rename_back(db: Database, number: int) -> None:
    names = ("a", "b")
    db.rename(names[(number - 1) % 2], names[number % 2])


def _batch(db: Database, number: int) -> None:
    with db.batch():
        for name in ("a", "b", "c"):
            db[name] = number


def _new_key_below(db: Database, number: int) -> None:
    db[f"s{number}/t/k"] = number


def _old_or_new(n: int) -> list[dict[str, Any]]:
    return [{"k": n}, {"k": n + 1}]


def _each_old_or_new(n: int) -> list[dict[str, Any]]:
    return [dict(zip("abc", values, strict=True)) for values in itertools.product((n, n + 1), repeat=3)]


WORKS = {
    "overwrite an int": Work(_put(int), _old_or_new, lambda db: _put(int)(db, 0)),
    "overwrite an array": Work(_put(array), _old_or_new, lambda db: _put(array)(db, 0)),
    "delete and put again": Work(_put_or_delete, _after_put_or_delete),
    "collect": Work(_put_and_collect, _old_or_new, lambda db: _put(array)(db, 0)),
    "append": Work(_append, _all_up_to, lambda db: _append(db, 0)),
    "append and collect": Work(_append_and_collect, _all_up_to, lambda db: _append(db, 0)),
    "rename": Work(_rename, lambda n: [{f"k{n}": 7}, {f"k{n + 1}": 7}], lambda db: db.set("k0", 7)),
    "rename back": Work(_rename_back, lambda n: [{"a": 7}, {"b": 7}, {"a": 7, "b": 7}], lambda db: db.set("a", 7)),
    "batch": Work(_batch, _each_old_or_new, lambda db: _batch(db, 0)),
    "new key in a new sub-database": Work(
        _new_key_below, lambda n: [{f"s{i}/t/k": i for i in range(1, m + 1)} for m in (n, n + 1)], lambda db: db.create_sub_db("s0")
    ),
}


def work(name: str, path: str, acknowledge: Any) -> None:
    """Take step after step until killed."""
    with isfdb.set_options(register=False, capture=name.startswith("overwrite")):  # elsewhere it would only take time
        db = isfdb.open(path)
        for number in itertools.count(1):
            WORKS[name].step(db, number)
            acknowledge.send_bytes(b"%d" % number)


def gather(path: str, acknowledge: Any) -> None:
    """Append block after block to a journal until killed; now and then blocks of another length, now and then a flush."""
    import numpy

    with isfdb.set_options(register=False, capture=False):
        appender = isfdb.open(path).appending("k")
        number = 0
        for step in itertools.count(1):
            n_rows = 3 if step % 7 == 0 else 2
            appender.append(numpy.arange(number, number + n_rows))
            number += n_rows
            if step % 50 == 0:
                appender.flush()
            acknowledge.send_bytes(b"%d" % number)


class KillingCalls(FailingCalls):
    """Kills its own process at one call: before it, with a file half written, or after it."""

    def _call(self, name: str, *arguments: object, half: Callable[[], None] | None = None) -> None:
        try:
            super()._call(name, *arguments, half=half)
        except OSError:
            if self.n_calls == self.at and self.failed:
                os.kill(os.getpid(), signal.SIGKILL)
            raise


def work_until_call(name: str, path: str, at: int, happens: bool, acknowledge: Any) -> None:
    """Take four steps, dying at the `at`-th file-system call; say how many calls there were if that is beyond the last."""
    calls = KillingCalls(at, 5, happens=happens)
    with isfdb.set_options(register=False, capture=False), calls_go_to(calls):  # what is recorded about a put costs hundreds of calls
        db = isfdb.open(path)
        for number in range(1, 5):
            WORKS[name].step(db, number)
            acknowledge.send_bytes(b"%d" % number)
    acknowledge.send_bytes(b"calls %d" % calls.n_calls)
