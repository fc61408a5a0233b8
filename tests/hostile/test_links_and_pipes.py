"""Links and pipes where a stranger put them: nothing beyond them is read, written, handed on or deleted, and nobody waits."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import isfdb
from isfdb.errors import IncompleteVersionError, IsfdbError, StorageError
from isfdb.storage.small_files import SmallFiles
from isfdb.testing.reliability_table import Tally
from tests.hostile.visiting import digest_of_tree

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no links or pipes here")

#: What a stranger can have lead elsewhere, by the name it has in the database.
PLACES = [
    ".isfdb",
    ".isfdb/staging",
    ".isfdb/trash",
    ".isfdb/sessions",
    ".isfdb/environments",
    ".isfdb/code",
    "k.key",
    "k.key/v000001",
    "k.key/attributes",
    "k.key/v000001/data.npy",
    "k.key/v000001/metadata.json",
    "k.key/v000001/Loader.json",
    "k.key/attributes.json",
    "k.key/attributes/000001.json",
    "README.txt",
]


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """Files of the user, outside of any database."""
    folder = tmp_path / "mine"
    folder.mkdir()
    for name in ("000001.json", "data.npy", "secret.jsonl", "v000001"):
        (folder / name).write_text("my own words")
    return folder


def lead_elsewhere(db: Any, place: str, mine: Path) -> None:
    """Put a link where something of the database was; what was there now lies among the user's files."""
    path = Path(db.path, place)
    target = mine / f"was {path.name}"
    if place == ".isfdb/trash":
        path.mkdir(exist_ok=True)
    shutil.move(path, target)
    for name in os.listdir(mine) if target.is_dir() else ():
        if not (target / name).exists() and (mine / name).is_file():
            shutil.copy(mine / name, target / name)
            os.utime(target / name, (0, 0))  # so old that a collect would not let it wait
    path.symlink_to(target)


def ways(db: Any) -> dict[str, Any]:
    """Return all that is done to a database, by name."""
    return {
        "read": lambda: db["k"],
        "note": lambda: db.attributes["k"].update(unit="Hz"),
        "store": lambda: db.set("k", np.arange(5)),
        "store anew": lambda: db.set("other", [1]),
        "copy": lambda: db.copy("k", "copied"),
        "rename": lambda: db.rename("k", "renamed"),
        "delete": lambda: db.__delitem__("k"),
        "collect": lambda: db.collect(grace_s=0),
        "verify": lambda: isfdb.verify(db),
        "seal": lambda: isfdb.seal(db),
        "remove": lambda: db.remove(),
    }


@pytest.mark.parametrize("place", PLACES)
def test_nothing_beyond_a_link_is_changed(place: str, db: Any, mine: Path, tally: Tally) -> None:
    db["k"] = np.arange(3)
    db.attributes["k"]["a"] = 1
    lead_elsewhere(db, place, mine)
    before = digest_of_tree(str(mine))
    for name, act in ways(db).items():
        try:
            act()
        except IsfdbError:
            continue
        finally:
            changed = {path for path, _ in set(before.items()) ^ set(digest_of_tree(str(mine)).items())}
            tally("a link in a database that leads to the user's files", tries=1, lost=len(changed))
            assert not changed, f"{name} changed {changed}"


def test_a_link_that_is_followed_would_be_noticed(db: Any, mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SmallFiles, "refuse_links", lambda self, *paths: None)
    db["k"] = 1
    lead_elsewhere(db, ".isfdb/trash", mine)
    db.collect(grace_s=0)
    assert not os.listdir(mine / "was trash"), "without the check, collect deletes what the link leads to"


@pytest.mark.parametrize("place", PLACES)
def test_an_export_takes_nothing_from_beyond_a_link(place: str, db: Any, mine: Path, tmp_path: Path) -> None:
    db["k"] = np.arange(3)
    db.attributes["k"]["a"] = 1
    lead_elsewhere(db, place, mine)
    for path in mine.rglob("*"):
        if path.is_file():
            path.write_text("my own words")
    try:
        isfdb.export(db, tmp_path / "bundle", format="bundle")
    except IsfdbError:
        pass
    told = [path for path in tmp_path.glob("bundle/**/*") if path.is_file() and path.read_bytes() == b"my own words"]
    assert not told


def test_a_folder_in_a_version_that_is_a_link_gives_nothing_away(db: Any, mine: Path, tmp_path: Path) -> None:
    db.attach("k", mine / "secret.jsonl")
    folder = db.entry("k").path / "attached"
    shutil.rmtree(folder)
    folder.symlink_to(mine)  # of the same name and size, and even with the same digest
    with pytest.raises(IncompleteVersionError, match="attached is a link"):
        db["k"]
    assert "attached" in str(isfdb.verify(db))
    exported = isfdb.export(db, tmp_path / "bundle", format="bundle")
    assert not list(tmp_path.glob("bundle/**/secret.jsonl"))
    assert "is a link" in str(exported)


def test_a_sub_database_may_be_a_link(db: Any, tmp_path: Path) -> None:
    elsewhere = isfdb.open(tmp_path / "elsewhere")
    elsewhere["a"] = 1
    os.symlink(elsewhere.path, f"{db.path}/big")
    db["big/b"] = 2
    db.attributes["big/a"]["unit"] = "Hz"
    assert (db["big/a"], db["big/b"], elsewhere["b"]) == (1, 2, 2)


@pytest.mark.parametrize("name", ["k.deleted", "k.key/attributes/000002.json", ".isfdb/staging", ".isfdb/trash"])
def test_nobody_waits_for_a_pipe(name: str, db: Any, hangs_are_noticed: None) -> None:
    db["k"] = 1
    db.attributes["k"]["a"] = 1
    path = Path(db.path, name)
    shutil.rmtree(path, ignore_errors=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(path)
    for act in ways(db).values():
        try:
            act()
        except IsfdbError:
            continue


@pytest.fixture
def hangs_are_noticed() -> Any:
    """Break off what stands still for minutes: a wait for a pipe has no end of its own."""
    import signal

    def give_up(*_: Any) -> None:
        raise TimeoutError("it waits for something that never comes")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(120)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def test_a_record_that_is_too_large_is_neither_read_nor_written(db: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    db["k"] = 1
    os.truncate(db.entry("k").path / "Loader.json", 2**31)
    with pytest.raises(StorageError, match="2,147,483,648 bytes, and such a file has"):
        db["k"]
    monkeypatch.setattr("isfdb.publishing.MAX_RECORD_BYTES", 1000)
    with pytest.raises(isfdb.errors.DumpError, match="store it in fewer, larger ones"):
        db["many"] = {f"array{number}": np.arange(3) for number in range(20)}
    assert db.keys() == ("k",)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can make devices")
@pytest.mark.parametrize("name", ["data.npy", "metadata.json", "Loader.json"])
def test_a_device_is_not_read(name: str, db: Any, tmp_path: Path, hangs_are_noticed: None) -> None:
    db["k"] = np.arange(3)
    path = db.entry("k").path / name
    path.unlink()
    try:
        os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 5))  # /dev/zero, which never ends
    except PermissionError:
        pytest.skip("devices are not allowed here")
    with pytest.raises(IsfdbError):
        db["k"]
    assert isfdb.verify(db)
    with contextlib.suppress(IsfdbError):
        isfdb.export(db, tmp_path / "bundle", format="bundle")


def test_an_export_gives_no_file_the_rights_of_its_owner(db: Any, tmp_path: Path) -> None:
    tool = tmp_path / "tool"
    tool.write_text("#!/bin/sh")
    tool.chmod(0o755)
    db.attach("k", tool)
    (stored,) = [path for path in db.entry("k").path.rglob("tool") if path.is_file()]
    stored.chmod(0o6755)
    isfdb.export(db, tmp_path / "bundle", format="bundle")
    found = [path for path in (tmp_path / "bundle").rglob("*") if path.is_file()]
    assert any(path.name == "tool" for path in found)
    assert not any(path.stat().st_mode & (stat.S_ISUID | stat.S_ISGID) for path in found)
