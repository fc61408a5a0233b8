"""The contract of a storage as one call: ``check_storage(make)``. Each failure says what to do.

Every promise of :class:`isfdb.storage.base.Storage` that isfdb relies on is tried on places of their own, each seen through two handles,
as two processes see it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Final

from isfdb.storage.base import Storage, TakenError
from isfdb.testing.storage_databases import DATABASE_CHECKS
from isfdb.testing.storage_places import Make, Place, expect, places, refused
from isfdb.testing.storage_rivals import RIVALS

_ALL_BYTES: Final = bytes(range(256)) * 300
_NAMES: Final = ("plain", "with space", "Größe ✓", "100%25", "_" * 200, "a'b\"c", "semi;--")


def check_storage(make: Make) -> int:
    """Raise unless a storage keeps its word: records, versions, moving and reclaiming, rivals, and a database upon it.

    Parameters
    ----------
    make : callable
        ``make(folder)`` returns a new handle on the place that belongs to a folder, an empty one of this computer: ``LocalStorage``
        itself, ``lambda folder: SqliteStorage(f"{folder}/db")``, or what uses the folder's name as a prefix elsewhere.

    Returns
    -------
    int
        How many checks were made.

    Raises
    ------
    AssertionError
        The first promise that is broken, and what to do.

    Examples
    --------
    >>> from isfdb.storage.local import LocalStorage
    >>> check_storage(LocalStorage) > 20
    True
    """
    checks = (*_RECORDS, *_VERSIONS, *_MOVES, *RIVALS, *DATABASE_CHECKS)
    for check in checks:
        with places(make) as place:
            check(place)
    return len(checks)


# Small records -------------------------------------------------------------------------------------------------------------------


def _nothing_is_there(place: Place) -> None:
    for path in ("nothing", "nothing/below", ".isfdb/code", "k.key", "k.key/v000001"):
        expect(list(place.a.list(path)) == [], f"list({path!r}) of nothing is not []", "return an empty list where there is no such folder")
        expect(place.a.is_folder(path) is False, f"is_folder({path!r}) of nothing is not False", "say False")
        expect(place.a.size(path) == 0, f"size({path!r}) of nothing is not 0", "return 0")
        expect(place.a.age_s(path) == 0, f"age_s({path!r}) of nothing is not 0", "return 0")
        refused(FileNotFoundError, lambda path=path: place.a.read(path), f"read({path!r}) of nothing")  # type: ignore[misc]
        place.a.remove(path)
        place.a.to_trash(path)


def _records_come_back(place: Place) -> None:
    for folder in ("", ".isfdb/sessions", "cells"):
        for number, name in enumerate(_NAMES):
            path, data = (f"{folder}/{name}" if folder else name), (b"", b"\0", _ALL_BYTES)[number % 3]
            expect(place.a.put(path, data) is True, f"put({path!r}) of a new record is not True", "say whether it was created")
            expect(place.b.read(path) == data, f"{path!r} reads as other bytes through another handle", "keep bytes as they are")
            expect(place.b.size(path) == len(data), f"size({path!r}) is not {len(data)}", "return the bytes of the file")
        expect(set(_NAMES) <= set(place.b.list(folder)), f"list({folder!r}) lacks what was put", "list everything that was put before")
        expect(place.b.is_folder(folder), f"is_folder({folder!r}) is False where records lie", "say True")
    expect(not place.b.is_folder("cells/plain"), "is_folder of a record is True", "only what holds names is a folder")
    expect(
        place.b.size("cells") == sum(place.b.size(f"cells/{name}") for name in _NAMES), "size of a folder is not that of its files", "sum"
    )


def _put_is_exclusive(place: Place) -> None:
    for flushed in (False, True):
        path = f"record {flushed}"
        expect(place.a.put(path, b"first", flushed=flushed), "put of a new record said False", "say True")
        expect(place.b.put(path, b"second", flushed=flushed) is False, "a second put did not say False", "create nothing where one exists")
        expect(place.a.read(path) == b"first", "a second put changed the record", "create nothing where one exists")


def _put_folder_is_exclusive(place: Place) -> None:
    expect(place.a.put_folder("cells", "isfdb.json", b"first"), "put_folder of a new folder said False", "say True")
    expect(place.b.read("cells/isfdb.json") == b"first", "put_folder put other bytes", "keep bytes as they are")
    for name in ("isfdb.json", "other.json"):
        expect(place.b.put_folder("cells", name, b"second") is False, "a second put_folder did not say False", "ask for the folder")
    expect(place.a.list("cells") == ["isfdb.json"], "a second put_folder added to the folder", "create nothing where the folder exists")
    expect(place.a.read("cells/isfdb.json") == b"first", "a second put_folder changed the record", "create nothing")
    expect(place.a.put_folder("cells/deeper", "isfdb.json", b"1"), "put_folder inside a folder said False", "say True")


def _replace_and_append(place: Place) -> None:
    for data in (b"one", b"", _ALL_BYTES):
        place.a.replace("notes/hint", data)
        expect(place.b.read("notes/hint") == data, "replace left other bytes", "create the record or replace all of it")
    place.a.append(".isfdb/sessions/s.jsonl", b"1\n")
    place.a.append(".isfdb/sessions/s.jsonl", b"\0\xff\n")
    expect(place.b.read(".isfdb/sessions/s.jsonl") == b"1\n\0\xff\n", "append left other bytes", "create the record or add to its end")
    place.b.remove("notes/hint")
    expect("hint" not in place.a.list("notes"), "a removed record is still listed", "list what is there now, for every handle")
    expect(place.a.put("notes/hint", b"anew"), "a removed record cannot be put anew", "remove its name, too")


def _no_path_leads_out(place: Place) -> None:
    for path in ("../outside", "k.key/../../outside", "a\0b"):
        refused(FileNotFoundError, lambda path=path: place.a.read(path), f"read({path!r})")  # type: ignore[misc]


# Versions ------------------------------------------------------------------------------------------------------------------------


def _versions_appear_whole(place: Place) -> None:
    stage = place.staged("k.key")
    shown = [name for name in place.b.list("") if not name.startswith(".")]
    expect(shown == [] and not place.b.is_folder("k.key"), f"a staged key is seen as {shown}", "show nothing of it before publish")
    place.a.publish(stage, 1)
    place.a.settle([stage])
    place.complain_of("k.key/v000001", stage.nonce)
    expect("k.key" in place.b.list(""), "a published key is not listed", "list what was published before the call")
    stage = place.staged("k.key", is_new=False)
    expect(_versions(place.b) == ["v000001"], "a staged version is listed", "show nothing of it before publish")
    place.a.publish(stage, 2)
    place.complain_of("k.key/v000002", stage.nonce)
    expect(_versions(place.b) == ["v000001", "v000002"], "versions are missing from the list", "list what was published before the call")


def _numbers_are_taken_once(place: Place) -> None:
    first, second = place.staged("k.key"), place.staged("k.key", through=place.b)
    place.a.publish(first, 1)
    refused(TakenError, lambda: place.b.publish(second, 1), "publishing under a number that is taken")
    place.complain_of("k.key/v000001", first.nonce)
    place.b.publish(second, 2)
    place.complain_of("k.key/v000002", second.nonce)
    third = place.staged("k.key", is_new=False)
    refused(TakenError, lambda: place.a.publish(third, 2), "publishing under a number that is taken")
    place.a.publish(third, 3)
    place.complain_of("k.key/v000003", third.nonce)


def _a_key_may_begin_later(place: Place) -> None:
    place.a.put_folder("cells", "isfdb.json", b"{}")
    stage = place.staged("cells/k.key", first=7)
    place.a.publish(stage, 7)
    place.complain_of("cells/k.key/v000007", stage.nonce)


def _a_reply_may_be_lost(place: Place) -> None:
    stage = place.version("k.key")
    place.b.publish(stage, 1)  # as whoever got no answer does
    again = place.staged("k.key", is_new=False)
    refused(TakenError, lambda: place.a.publish(again, 1), "publishing another's stage under a number that is taken")
    place.a.discard(again)
    place.complain_of("k.key/v000001", stage.nonce)


def _discarded_is_gone(place: Place) -> None:
    for is_new in (True, False):
        stage = place.staged("k.key", is_new=is_new)
        place.a.discard(stage)
        place.a.discard(stage)
        expect(_versions(place.b) == ([] if is_new else ["v000001"]), "a discarded stage shows", "remove it")
        if is_new:
            place.version("k.key")


def _what_was_moved_stays_away(place: Place) -> None:
    """See that what belongs to a key that another process has just renamed makes no folder of the old name."""
    place.version("k.key")
    stage = place.staged("k.key", is_new=False, through=place.b)
    place.a.move("k.key", "new.key")
    refused(FileNotFoundError, lambda: place.b.publish(stage, 2), "publishing for a key that was moved away")
    refused(FileNotFoundError, lambda: place.b.put("k.key/attributes/000001.json", b"{}"), "put into a key that was moved away")
    refused(FileNotFoundError, lambda: place.b.replace("k.key/attributes.json", b"{}"), "replace in a key that was moved away")
    place.b.discard(stage)
    expect(not place.a.is_folder("k.key"), "the old name of a moved key is back", "never make a key's folder but by publishing")


def _versions(storage: Storage, key_folder: str = "k.key") -> list[str]:
    return sorted(name for name in storage.list(key_folder) if name.startswith("v"))


# Moving and reclaiming -----------------------------------------------------------------------------------------------------------


def _moves(place: Place) -> None:
    stage = place.version("k.key")
    place.a.put("k.key/attributes/000001.json", b"{}")
    other = place.version("other.key")
    place.a.put_folder("cells", "isfdb.json", b"{}")
    refused(TakenError, lambda: place.b.move("k.key", "other.key"), "moving to a name that is taken")
    refused(FileNotFoundError, lambda: place.b.move("nothing.key", "new.key"), "moving what is not there")
    place.complain_of("other.key/v000001", other.nonce)
    place.b.move("k.key", "cells/new.key")
    place.complain_of("cells/new.key/v000001", stage.nonce)
    expect(place.a.read("cells/new.key/attributes/000001.json") == b"{}", "a move left a record behind", "move all that lies below")
    expect(not place.a.is_folder("k.key"), "what was moved is still there", "leave nothing behind")
    place.a.move("cells", "neurons")
    place.complain_of("neurons/new.key/v000001", stage.nonce)


def _neighbours_stay(place: Place) -> None:
    """Names that begin alike, in the order of characters too, are not what is moved, trashed or listed."""
    for name in ("cells", "cells!", "cells.old", "cells0", "cellsA"):
        place.a.put_folder(name, "isfdb.json", name.encode())
    place.b.move("cells", "moved")
    place.b.to_trash("moved")
    left = sorted(name for name in place.a.list("") if not name.startswith("."))
    expect(left == ["cells!", "cells.old", "cells0", "cellsA"], f"of five folders {left} are left", "match whole names")
    expect(place.a.read("cells0/isfdb.json") == b"cells0", "a neighbour holds another's record", "match whole names")


def _trash(place: Place) -> None:
    place.version("k.key")
    local = place.a.fetch("k.key/v000001")
    with open(os.path.join(local, "data", "0"), "rb") as file:
        place.b.to_trash("k.key/v000001", durable=True)
        expect(len(file.read()) == 16_000, "an open file of a trashed version ended", "move it away, or give copies")
    expect(_versions(place.a) == [], "what was trashed is still listed", "take it out of sight at once")
    expect(place.a.empty_trash(3600, dry_run=False) == 0, "what was trashed just now counted as old", "count from when it was trashed")
    would, kept = place.a.empty_trash(0, dry_run=True), place.a.empty_trash(0, dry_run=True)
    expect(would == kept >= 32_000, f"a dry run said {would}, then {kept} bytes", "delete nothing, and sum the files")
    expect(place.b.empty_trash(0, dry_run=False) == would, "emptying the trash gave another number than the dry run", "sum the files")
    expect(place.a.empty_trash(0, dry_run=False) == 0, "the trash is not empty after it was emptied", "delete what is old enough")


def _living_stages_stay(place: Place) -> None:
    stage = place.staged("k.key")
    for folder in ("", ".isfdb", ".isfdb/staging", "k.key"):
        place.b.sweep(folder, place.b.list(folder), 3600, dry_run=False)
    place.a.publish(stage, 1)
    place.complain_of("k.key/v000001", stage.nonce)
    for folder in ("", "k.key"):
        place.b.sweep(folder, place.b.list(folder), 0, dry_run=False)
    place.complain_of("k.key/v000001", stage.nonce)


def _erased(place: Place) -> None:
    place.version("k.key")
    place.a.erase()
    expect(list(place.a.list("")) == [], "something is left of what was erased", "delete all")


_RECORDS: Final[Iterable[Callable[[Place], None]]] = (
    _nothing_is_there,
    _records_come_back,
    _put_is_exclusive,
    _put_folder_is_exclusive,
    _replace_and_append,
    _no_path_leads_out,
)
_VERSIONS: Final[Iterable[Callable[[Place], None]]] = (
    _versions_appear_whole,
    _numbers_are_taken_once,
    _a_key_may_begin_later,
    _a_reply_may_be_lost,
    _discarded_is_gone,
    _what_was_moved_stays_away,
)
_MOVES: Final[Iterable[Callable[[Place], None]]] = (_moves, _neighbours_stay, _trash, _living_stages_stay, _erased)
