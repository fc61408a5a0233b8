"""Two computers on one file server, simulated: what was missed stays missed, as in the caches of NFS, and only listings are fresh.

Two real NFS 4.2 clients need a kernel with them, and were run by hand: see `docs/explanation/commit_protocol.md`.
"""

from __future__ import annotations

import random
from pathlib import Path

import isfdb
from isfdb.database import Database
from isfdb.identity import read_identity
from isfdb.storage.local import LocalStorage
from isfdb.testing.reliability_table import Tally


class Host(LocalStorage):
    """Believes for ever that what it once looked for in vain is not there; a listing is asked of the server."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.missed: set[str] = set()

    def is_folder(self, path: str) -> bool:
        found = path not in self.missed and super().is_folder(path)
        if not found:
            self.missed.add(path)
        return found

    def read(self, path: str) -> bytes:
        if path in self.missed:
            raise FileNotFoundError(path)
        try:
            return super().read(path)
        except FileNotFoundError:
            self.missed.add(path)
            raise

    def list(self, folder: str) -> list[str]:
        names = super().list(folder)
        self.missed -= {f"{folder}/{name}" if folder else name for name in names}  # a fresh listing renews what is known of its names
        return names


def test_two_hosts_see_at_once_what_the_other_stored_or_deleted(tmp_path: Path, long_run: bool, tally: Tally) -> None:
    isfdb.open(tmp_path / "db")
    storages = [Host(str(tmp_path / "db")) for _ in range(2)]
    hosts = [Database(storage, read_identity(storage), durability="process") for storage in storages]
    chance, wrong, tries = random.Random(7), [], 5000 if long_run else 300
    expected: dict[str, int] = {}
    notes: dict[str, int] = {}
    for step in range(tries):
        db, key = chance.choice(hosts), chance.choice("abc")
        match chance.choice(["put", "delete", "note", "look", "look"]):
            case "put":
                db[key] = expected[key] = step
            case "delete" if key in expected:
                del db[key], expected[key]
            case "note" if key in expected:
                db.attributes[key]["step"] = notes[key] = step
        for which, host in enumerate(hosts):
            found = {key: host[key] for key in host.keys()}
            noted = {key: host.attributes[key]["step"] for key in host.keys() if key in notes}
            if found != expected or noted != {key: notes[key] for key in expected if key in notes}:
                wrong.append(f"step {step}: host {which} sees {found} {noted}, and {expected} {notes} is there")
    tally("two hosts, each with a cache of what it missed", tries=tries, wrong=len(wrong))
    assert not wrong, "\n".join(wrong[:5])
    assert not isfdb.verify(isfdb.open(tmp_path / "db"))


def test_who_asks_for_the_next_number_by_name_is_caught(tmp_path: Path, tally: Tally) -> None:
    """The naive way: is there a version 1, a version 2 ...? The answer of before is believed."""
    isfdb.open(tmp_path / "db")
    ours, theirs = (Host(str(tmp_path / "db")) for _ in range(2))
    writer = Database(theirs, read_identity(theirs), durability="process")
    stale = 0
    for number in range(1, 11):
        newest = max([n for n in range(1, 12) if ours.is_folder(f"k.key/v{n:06d}")], default=0)
        stale += newest != number - 1
        writer["k"] = number
    tally("two hosts, each with a cache of what it missed", tries=10, lost=stale, way="probe for the next name")
    assert stale
