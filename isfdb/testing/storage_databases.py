"""A database upon a storage: what a user does with it, what rivals do, and what one of them leaves who is killed or whose calls fail."""

from __future__ import annotations

import errno
import multiprocessing
import random
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any, Final, Protocol

from isfdb.database import Database
from isfdb.errors import IsfdbError, KeyNotFoundError
from isfdb.opening import open as open_database
from isfdb.options import set_options
from isfdb.testing.acting import act
from isfdb.testing.failing_system import failing_system
from isfdb.testing.histories import NOTHING, explanation, key_model
from isfdb.testing.storage_places import Make, Place, expect, places, together
from isfdb.verifying import verify

_N_HISTORIES: Final = 6


class Failing(Protocol):
    """What :func:`check_storage_faults` needs to know of the calls below a storage.

    Attributes
    ----------
    n_calls : int
        Calls so far.
    failed : str or None
        The call that failed.
    """

    n_calls: int
    failed: str | None


#: As :func:`isfdb.testing.failing_system.failing_system`, which is the default.
FailingBelow = Callable[..., AbstractContextManager[Failing]]


def opened(place: Place) -> Database:
    """Open the database at a place, through a handle of its own."""
    return open_database(place.another())  # which registers nothing: this is no folder


def seen(place: Place) -> dict[str, Any]:
    """Return what somebody else finds: all values, and what is noted of them."""
    db = opened(place)
    return {key: (db[key], dict(db.attributes[key])) for key in db.keys(recurse=True)}


def _used_as_a_dictionary(place: Place) -> None:
    db = opened(place)
    db["rates"] = 1
    db["rates"] = [1, 2.5, "Größe ✓", None]
    db["cells/L5"] = b"\0" * 100_000
    db.attributes["rates"]["unit"] = "Hz"
    db.rename("rates", "spikes")
    with db.batch():
        db["x"], db["y"] = 1, 2
    del db["x"]
    db["x"] = 3
    found = {key: value for key, (value, _) in seen(place).items()}
    wanted = {"spikes": [1, 2.5, "Größe ✓", None], "cells/L5": b"\0" * 100_000, "x": 3, "y": 2}
    expect(found == wanted, f"a database upon it holds {found!r:.200}", "see which of its calls went wrong")
    expect(dict(opened(place).attributes["spikes"]) == {"unit": "Hz"}, "what was noted of a key is gone", "see put and move")
    expect(db.get("spikes", version=1) == 1, "an old version reads as another value", "never change a version")
    _complain_unless_sound(place)
    db.collect(grace_s=0, trash_s=0)
    expect({key: value for key, (value, _) in seen(place).items()} == wanted, "collect changed what is there", "see to_trash and sweep")
    _complain_unless_sound(place)


def _complain_unless_sound(place: Place, after: str = "") -> None:
    db = opened(place)
    db.collect(grace_s=0, trash_s=0)  # sweeps what the interrupted left
    findings = verify(db).serious
    expect(not findings, f"{after}isfdb.verify found: {findings}", "what is published must stay as it is")


def _rivals_are_linearizable(place: Place) -> None:
    opened(place)
    keys = [f"k{number}" for number in range(_N_HISTORIES)]
    told = together(place, lambda storage, actor: act(open_database(storage, durability="process"), actor, keys, 8))
    for outcome in told:
        if isinstance(outcome, BaseException):
            raise AssertionError(f"a rival was stopped by {type(outcome).__name__}: {outcome}") from outcome
    for key in keys:
        history = [operation for operations in told for operation in operations if operation.actor[1] == key]
        expect(
            explanation(history, key_model, NOTHING) is not None,
            f"no order explains what rivals saw of {key}: {'; '.join(map(str, history))}",
            "publish under a number once, and list what was published before",
        )
    _complain_unless_sound(place)


def check_storage_kills(make: Make, kills: int = 5) -> int:
    """Raise unless what a killed process stored is there, whole.

    Parameters
    ----------
    make : callable
        As for :func:`check_storage`; importable, for the processes are new ones.
    kills : int
        How many processes are killed while they overwrite a value, each at another moment.

    Returns
    -------
    int
        How many values had been stored by the time.

    Raises
    ------
    AssertionError
        One was lost, torn, or is in the way of the next.
    """
    chance, n_stored = random.Random(0), 0
    processes = multiprocessing.get_context("spawn")
    with places(make) as place:
        opened(place)["k"] = [0] * 1000
        for _ in range(kills):
            ours, theirs = processes.Pipe(duplex=False)
            writer = processes.Process(target=_overwrite, args=(make, place.folder, theirs))
            writer.start()
            theirs.close()
            done = _until(ours, chance.randrange(3, 30))
            writer.kill()
            writer.join()
            done = _rest(ours, done)
            found = opened(place)["k"]
            is_whole = isinstance(found, list) and len(found) == 1000 and len(set(found)) == 1
            expect(is_whole, f"after a kill the value is {found!r:.80}", "make a version visible in one step")
            expect(
                found[0] in (done, done + 1), f"after a kill the value is number {found[0]}, and {done} was stored", "publish, then return"
            )
            n_stored += done
            opened(place)["k"] = [0] * 1000
            _complain_unless_sound(place)
    return n_stored


def _overwrite(make: Make, folder: str, told: Any) -> None:
    """Overwrite a value until killed, and tell of each that is stored."""
    with set_options(capture=False):
        db, number = open_database(make(folder)), 0
        while True:
            number += 1
            db["k"] = [number] * 1000
            told.send(number)


def _until(told: Any, last: int) -> int:
    done = 0
    while done < last:
        try:
            done = told.recv()
        except EOFError as error:
            raise AssertionError("the process that stores ended by itself; make must be importable, and work in a new process") from error
    return done


def _rest(told: Any, done: int) -> int:
    try:
        while True:
            done = told.recv()
    except EOFError:
        return done


def check_storage_faults(make: Make, *, failing: FailingBelow = failing_system, most: int = 25) -> int:
    """Raise unless a database upon the storage bears it that a call below the storage fails, or is made and its reply is lost.

    Parameters
    ----------
    make : callable
        As for :func:`check_storage`.
    failing : callable
        ``failing(folder, at, error, happens=...)`` is a context manager in which the call of number `at` fails with that error number,
        after it was made if `happens`. Default: what goes through ``os`` and ``open`` below the folder; a storage upon SQLite
        or a network brings its own.
    most : int
        So many calls are failed for each operation and error, evenly over all it makes.

    Returns
    -------
    int
        How many faults were made.

    Raises
    ------
    AssertionError
        A value was lost or torn, a refusal came out as no error of isfdb's, or the next call does not work.
    """
    n_faults = 0
    for name, operation in _OPERATIONS:
        n_places = _faulty(make, name, operation, failing, 0, errno.EIO, happens=False)[0]
        expect(n_places > 0, f"{name} made no call that could fail", "pass failing=, which fails the calls below this storage")
        for error, happens in ((errno.EIO, False), (errno.ENOSPC, False), (errno.EIO, True)):
            for at in range(1, n_places + 1, max(1, -(-n_places // most))):
                n_faults += _faulty(make, name, operation, failing, at, error, happens=happens)[1]
    return n_faults


def _faulty(
    make: Make, name: str, operation: Callable[[Database], Any], failing: FailingBelow, at: int, error: int, *, happens: bool
) -> tuple[int, bool]:
    """Make one fault, look at what it left, and do it again; return how many calls there were, and whether one failed."""
    with places(make) as place, set_options(capture=False):
        db = opened(place)
        _prepare(db)
        before = seen(place)
        with failing(place.folder, at, error, happens=happens) as system:
            went_through = _done(db, name, operation, system)
        what = f"{name}, when {system.failed} failed with {errno.errorcode[error]}{' after it was made' if happens else ''}"
        found = seen(place)
        _again(db, operation, is_done=found != before)
        after = seen(place)
        expect(found in (before, after), f"{what}: left {found!r:.200}", "leave the old or the new state, whole")
        expect(found == after or not went_through, f"{what}: said that it was done, and it was not", "let the error come out")
        expect(after != before, f"{what}: doing it again changed nothing", "leave nothing behind that is in the way")
        _complain_unless_sound(place, f"{what}: ")
        return system.n_calls, system.failed is not None


def _done(db: Database, name: str, operation: Callable[[Database], Any], system: Failing) -> bool:
    try:
        operation(db)
    except IsfdbError:
        return False
    except Exception as error:
        advice = "raise StorageError from list, is_folder and read, and OSError elsewhere"
        raise AssertionError(f"{name}: {type(error).__name__} came out when {system.failed} failed: {error}; {advice}") from error
    return True


def _again(db: Database, operation: Callable[[Database], Any], *, is_done: bool) -> None:
    try:
        if not is_done:
            operation(db)
    except KeyNotFoundError:  # deleted or renamed at the first try, which found that out too late to say so
        return


def _prepare(db: Database) -> None:
    db["old"] = [1] * 100
    db["old"] = [2] * 100
    db["cells/other"] = "beside"


_OPERATIONS: Final[Iterable[tuple[str, Callable[[Database], Any]]]] = (
    ("put a new key", lambda db: db.set("new", [3] * 100)),
    ("overwrite", lambda db: db.set("old", [3] * 100)),
    ("new sub-database", lambda db: db.set("sub/new", [3] * 100)),
    ("delete", lambda db: db.__delitem__("old")),
    ("rename", lambda db: db.rename("old", "renamed")),
    ("rename a sub-database", lambda db: db.rename("cells", "neurons")),
    ("note", lambda db: db.attributes["old"].update(unit="Hz")),
)

DATABASE_CHECKS: Final[Iterable[Callable[[Place], None]]] = (_used_as_a_dictionary, _rivals_are_linearizable)
