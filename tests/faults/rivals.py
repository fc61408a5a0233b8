"""What several processes do to one database at once. Each function runs in a process of its own and returns what it saw."""

from __future__ import annotations

import os
import time
from typing import Any

import isfdb
from isfdb.errors import ConflictError

N_ELEMENTS = 4096


def whole(number: int) -> Any:
    import numpy

    return numpy.full(N_ELEMENTS, number)


def is_whole(array: Any) -> bool:
    return array.shape == (N_ELEMENTS,) and bool((array == array[0]).all())


def at_once(start: float) -> None:
    """Wait for the moment at which all begin."""
    time.sleep(max(0.0, start - time.time()))


def _open(path: str) -> isfdb.Database:
    return isfdb.open(path)


def write(path: str, start: float, writer: int, n_writes: int) -> None:
    """Write one key of its own and one that all share, in turn."""
    db = _open(path)
    at_once(start)
    for number in range(n_writes):
        if number % 2:
            db[f"own/{writer}"] = number
        else:
            db["shared"] = [writer, number]


def append(path: str, start: float, writer: int, n_blocks: int) -> None:
    """Append numbered blocks of one's own to an array that all share."""
    import numpy

    db = _open(path)
    at_once(start)
    for number in range(n_blocks):
        db.append("shared", numpy.full((4, 2), [writer, number]))


def count(path: str, start: float, n_increments: int) -> int:
    """Increment a shared counter, starting again whenever somebody else came first; return how often that was."""
    db = _open(path)
    at_once(start)
    conflicts = 0
    for _ in range(n_increments):
        while True:
            newest = db.entry("counter").newest
            try:
                db.set("counter", db.get("counter", version=newest.number) + 1, expected_version=newest.number)
                break
            except ConflictError:
                conflicts += 1
    return conflicts


def note(path: str, start: float, writer: int, n_notes: int) -> None:
    """Note attributes of a shared key, each under a name of its own."""
    db = _open(path)
    at_once(start)
    for number in range(n_notes):
        db.attributes["k"][f"{writer}.{number}"] = number


def overwrite(path: str, start: float, n_writes: int) -> None:
    """Overwrite an array, and reclaim what was replaced; then say that it is done."""
    db = _open(path)
    at_once(start)
    for number in range(1, n_writes + 1):
        db["array"] = whole(number)
        if number % 5 == 0:
            db.collect(grace_s=0, trash_s=0)
    db["done"] = True


def read(path: str, start: float) -> tuple[int, list[str]]:
    """Read the array over and over until the writer is done; return how often, and what was wrong."""
    db = isfdb.open(path, "r")
    at_once(start)
    n_reads, wrong, newest = 0, [], 0
    while "done" not in db or not n_reads:
        try:
            array = db["array"]
        except Exception as error:  # noqa: BLE001 - a reader never sees an error
            wrong.append(f"{type(error).__name__}: {error}")
            continue
        n_reads += 1
        if not is_whole(array) or int(array[0]) < newest:
            wrong.append(f"torn, or older than {newest}: {array}")
        newest = int(array[0])
    return n_reads, wrong


def create(path: str, start: float, key: str) -> tuple[str, str]:
    """Make the database, and a sub-database in it, at the same moment as the others; return both ids."""
    at_once(start)
    db = _open(path)
    db[key] = os.getpid()
    return db.id, db.create_sub_db("sub/deeper").id


def delete_or_put(path: str, start: float, writer: int, n_times: int) -> None:
    """Half of the processes delete what the other half puts."""
    db = _open(path)
    at_once(start)
    for number in range(n_times):
        if writer % 2:
            db["contested"] = number
        else:
            db_delete(db, "contested")


def db_delete(db: isfdb.Database, key: str) -> None:
    try:
        del db[key]
    except KeyError:
        return  # deleted already


def collect(path: str, start: float, seconds: float) -> None:
    """Reclaim everything that can be reclaimed, over and over."""
    db = _open(path)
    at_once(start)
    while time.time() < start + seconds:
        db.collect(grace_s=0, trash_s=0)


def rename_on(path: str, start: float, writer: int, n_times: int) -> list[str]:
    """Move keys of one's own while others list."""
    db = _open(path)
    at_once(start)
    wrong = []
    db[f"moving{writer}.0"] = "old"
    db[f"moving{writer}.0"] = writer
    for number in range(n_times):
        db.rename(f"moving{writer}.{number}", f"moving{writer}.{number + 1}")
        if db[f"moving{writer}.{number + 1}"] != writer:
            wrong.append(f"{number}: {db[f'moving{writer}.{number + 1}']}")
    return wrong
