"""What an unlucky user, a rival process or a stranger's folder can do, and must not get away with."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

import isfdb
from isfdb import plugins
from isfdb.errors import CorruptVersionError, IncompleteVersionError, InvalidKeyError, IsfdbError, OptionError, StorageError
from isfdb.hashing import LARGE_BYTES, digest_of, digest_of_file, open_hashed
from isfdb.manifest import seal
from isfdb.storage.file_calls import FileCalls
from isfdb.storage.local import LocalStorage


@pytest.mark.parametrize("rubbish", ["attributes", ".stage-elsewhere-1-0", "notes"])
def test_a_key_folder_without_a_version_does_not_stop_a_writer(db, rubbish):
    os.makedirs(f"{db.path}/a.key/{rubbish}")
    db["a"] = 1
    assert db["a"] == 1
    assert os.listdir(f"{db.path}/.isfdb/staging") == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_process_does_not_publish_its_parents_batch(db):
    program = f"""
import isfdb, os
db = isfdb.open({db.path!r})
with db.batch():
    db["waits"] = 1
    child = os.fork()
    if child == 0:
        assert db.keys() == ()
        db["of the child"] = 2
        assert db.keys() == ("of the child",)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", program], check=True)
    assert db.keys() == ("of the child", "waits")


@pytest.mark.parametrize("fact", [np.int64(3), float("nan"), {1, 2}, "\ud800"])
def test_a_description_that_is_no_json_costs_no_save(db, fact):
    class Loader:
        def get(self, savedir):
            return None

    module = SimpleNamespace(check=lambda obj: False, dump=lambda obj, savedir: {}, describe=lambda obj: {"fact": fact}, Loader=Loader)
    plugins.register_loaderdumper(module, "odd_description")
    try:
        with db.batch():
            db.set("a", 1, dumper="odd_description")
            db["b"] = 2
    finally:
        plugins.unregister_loaderdumper("odd_description")
    assert db["b"] == 2
    assert "describe failed" in db.entry("a").describe["unknown"]


def test_a_numpy_duration_is_refused_as_a_note_and_harms_no_other(db):
    db["a"] = 1
    db.attributes["a"]["unit"] = "Hz"
    for value in (np.timedelta64(5, "s"), np.datetime64("2026-11-21"), np.complex64(1), np.longdouble(1)):
        with pytest.raises(OptionError, match="cannot be kept exactly"):
            db.attributes["a"]["odd"] = value
    assert dict(db.attributes["a"]) == {"unit": "Hz"}


@pytest.mark.parametrize("name", [b"\xff", b"x" * 250, b"db_state.json", b"a:b", b"a ", b"aux", b"README.txt", b".hidden"])
@pytest.mark.parametrize("suffix", [b"", b".key"])
def test_a_folder_that_isfdb_would_not_make_hides_no_key(db, name, suffix):
    if suffix == b"" and name == b"README.txt":
        os.unlink(f"{db.path}/README.txt")
    db["a"] = 1
    os.makedirs(os.path.join(os.fsencode(db.path), name[: 250 - len(suffix)] + suffix, b"inside"))
    assert "a" in db.keys()
    assert "a" in db.ls()
    assert all(key in db for key in db.keys() if key != "aux")  # told from a key by Windows alone
    assert db.collect(dry_run=True).n_versions == 0
    assert isfdb.verify(db) or name + suffix == b"README.txt"


def test_a_dry_run_of_a_reader_writes_nothing(db):
    db["a"] = np.arange(100)
    db["a"] = np.arange(200)
    before = os.stat(f"{db.path}/.isfdb").st_mtime_ns
    isfdb.open(db.path, mode="r").collect(dry_run=True)
    assert os.stat(f"{db.path}/.isfdb").st_mtime_ns == before


def test_a_database_opened_through_a_link_is_removed_and_not_just_the_link(db, tmp_path):
    db["a"] = 1
    os.symlink(db.path, tmp_path / "link")
    isfdb.open(tmp_path / "link").remove()
    assert not os.path.exists(db.path)
    assert not os.path.lexists(tmp_path / "link")


def test_a_managed_folder_with_a_link_that_leads_nowhere_is_copied(db):
    folder = db.create_managed_folder("mine")
    os.symlink("nowhere", folder.join("link"))
    os.symlink("..", folder.join("up"))
    db.copy("mine", "copy")
    assert os.readlink(db["copy"].join("link")) == "nowhere"
    assert not isfdb.verify(db)


@pytest.mark.parametrize("key", ["/".join(["x" * 200] * 30), ("ä" * 100,) * 30])
def test_a_key_too_long_for_any_path_is_refused(db, key):
    before = os.listdir(db.path)
    for act in (lambda: db[key], lambda: db.set(key, 1), lambda: key in db):
        with pytest.raises(InvalidKeyError, match="3000 are the limit"):
            act()
    assert os.listdir(db.path) == before


def test_a_key_may_lie_200_deep(db):
    key = "/".join(["deep"] * 200)
    db[key] = 1
    assert db.keys(recurse=True) == (key,)
    assert not isfdb.verify(db)


RUBBISH = [None, True, 7, -1.5, "", "\ud800", "\0", "../..", [], ["x"], {}, {"a": [1, 2]}, {"": {}}, 10**400, [[[]]] * 3]


def write_json(path, members):
    with open(path, "w") as file:
        json.dump(members, file)


@pytest.mark.parametrize("rubbish", RUBBISH, ids=repr)
def test_no_rubbish_in_a_record_makes_verify_or_a_listing_fail(db, rubbish):
    db["a"] = np.arange(3)
    db["a"] = np.arange(4)
    path = db.entry("a").path / "metadata.json"
    whole = path.read_bytes()
    for name in json.loads(whole):
        write_json(path, {**json.loads(whole), name: rubbish})
        assert isfdb.verify(db)
        assert db.keys() == ("a",)
        assert db.collect(dry_run=True).n_keys == 1
        with contextlib.suppress(IsfdbError):
            db["a"]


@pytest.mark.parametrize("rubbish", RUBBISH, ids=repr)
@pytest.mark.parametrize("tag", ["$float", "$dict", "$timedelta", "$datetime", "$numpy", "$new"])
def test_no_rubbish_in_attributes_makes_verify_fail(db, rubbish, tag):
    db["a"] = 1
    os.mkdir(f"{db.path}/a.key/attributes")
    path = f"{db.path}/a.key/attributes/000001.json"
    write_json(path, {"attributes": {"a": {tag: rubbish}}, "created": "2026-11-21T06:00:00+00:00", "format": 1, "record": rubbish})
    assert isfdb.verify(db)
    write_json(path, rubbish)
    assert isfdb.verify(db)
    with pytest.raises(IsfdbError):
        dict(db.attributes["a"])


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo, lambda path: os.symlink("nowhere", path), lambda path: os.symlink(".", path)])
@pytest.mark.parametrize(
    "place", ["a.key/v000001/metadata.json", "a.key/v000001/Loader.json", "a.key/attributes.json", "a.key/attributes/000001.json"]
)
def test_what_stands_where_a_file_should_stops_neither_verify_nor_a_reader(db, make, place):
    db["a"] = [1, 2]
    db.attributes["a"]["unit"] = "Hz"
    os.unlink(f"{db.path}/{place}")
    make(f"{db.path}/{place}")
    assert isfdb.verify(db) or place == "a.key/attributes.json"  # a copy, which may be missing
    with contextlib.suppress(IsfdbError):
        db["a"]
    for folder in ("sessions", "environments", "code"):
        for name in os.listdir(f"{db.path}/.isfdb/{folder}"):
            os.unlink(f"{db.path}/.isfdb/{folder}/{name}")
            make(f"{db.path}/.isfdb/{folder}/{name}")
    assert isfdb.verify(db)


class Rival(FileCalls):
    """Does something else right after a rename onto a name that ends as given, once."""

    def __init__(self, ending, act):
        self.ending, self.act = ending, act

    def rename(self, old, new):
        super().rename(old, new)
        if new.endswith(self.ending):
            act, self.act = self.act, lambda: None
            act()


def test_renaming_deletes_no_value_that_came_meanwhile(db):
    rival = isfdb.open(db.path)
    db["old"] = 1
    db["old"] = 2
    db._storage.calls = Rival("/new.key", lambda: rival.set("old", 3))
    db.rename("old", "new")
    assert (db["new"], db["old"]) == (2, 3)
    assert not isfdb.verify(db).serious


def test_renaming_onto_a_used_name_deletes_no_value_that_came_meanwhile(db):
    rival = isfdb.open(db.path)
    db["new"] = 0
    del db["new"]
    db["old"] = 1
    db._storage.calls = Rival("/new.key/v000003", lambda: rival.set("old", 2))
    db.rename("old", "new")
    assert db["new"] == 2
    assert db.get("old", version=2) == 2
    assert "old" not in db
    assert not isfdb.verify(db)


def test_notes_follow_a_key_onto_a_name_that_was_used(db):
    db["new"] = 0
    db.attributes["new"]["stale"] = True
    del db["new"]
    db["old"] = 1
    db.attributes["old"]["unit"] = "Hz"
    db.rename("old", "new")
    assert dict(db.attributes["new"]) == {"unit": "Hz"}


def test_half_a_value_is_not_copied(db):
    db["a"] = np.arange(100)
    os.unlink(db.entry("a").path / "data.npy")
    with pytest.raises(IncompleteVersionError, match=r"data\.npy is missing"):
        db.copy("a", "b")
    assert db.keys() == ("a",)
    assert os.listdir(f"{db.path}/.isfdb/staging") == []


def test_where_a_file_cannot_be_hashed_while_it_is_written_it_is_read_once_more(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "pread")
    data = os.urandom(LARGE_BYTES + 5)
    with open_hashed(str(tmp_path / "data")) as file:
        file.write(data)
    assert digest_of_file(str(tmp_path / "data")) == (len(data), digest_of(data))


def test_a_record_that_grows_while_it_is_flushed_is_flushed_again(db):
    flushed = []

    class Growing(FileCalls):
        def flush(self, files, folders):
            flushed.extend(files)
            if len(flushed) == 1:
                storage.append("log", b"second\n")

    storage = LocalStorage(db.path, calls=Growing())
    storage.prepare([])
    flushed.clear()
    storage.append("log", b"first\n")
    storage.prepare([])
    storage.prepare([])
    storage.prepare([])
    assert flushed == [f"{db.path}/log"] * 2


def test_links_that_lead_back_do_not_multiply(db):
    db["cells/a"] = 1
    for name in ("x", "y", "z"):
        os.symlink(".", f"{db.path}/{name}")
        os.symlink("..", f"{db.path}/cells/{name}")
    assert db.keys(recurse=True) == ("cells/a",)
    assert not isfdb.verify(db).serious
    db.collect()


def test_a_linked_sub_database_elsewhere_is_one(db, tmp_path):
    big = isfdb.open(tmp_path / "big")
    big["a"] = 1
    os.symlink(tmp_path / "big", f"{db.path}/big")
    assert db["big/a"] == 1 and db.keys(recurse=True) == ("big/a",)
    db["big/b"] = 2
    assert big["b"] == 2


def test_a_version_number_after_which_none_is_left_hides_no_save(db):
    db["k"] = 1
    os.rename(f"{db.path}/k.key/v000001", f"{db.path}/k.key/v9999999999999999")
    assert db["k"] == 1
    with pytest.raises(CorruptVersionError, match="no number is left"):
        db["k"] = 2
    assert db["k"] == 1 and os.listdir(f"{db.path}/k.key") == ["v9999999999999999"]


@pytest.mark.parametrize("members", [{"created": 5}, {"created": "x"}, {"files": [1]}, {"files": {"a": 1}}, {"describe": 3}])
def test_an_odd_record_gives_our_errors_or_none(db, members):
    db["k"] = 1
    path = db.entry("k").path / "metadata.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **members}))
    for fact in ("created", "nbytes", "describe", "digest", "dumper", "link", "__repr__"):
        with contextlib.suppress(IsfdbError):
            str(getattr(db.versions("k")[0], fact))
    _ = repr(db), db.ls(), db._repr_mimebundle_()
    assert isfdb.verify(db)


def test_a_batch_that_fails_half_way_says_what_is_published(db, monkeypatch):
    import errno

    from isfdb.errors import DatabaseFullError

    rename = FileCalls.rename

    def full(self, old, new):
        if new.endswith("b.key"):
            raise OSError(errno.ENOSPC, "No space left on device", new)
        rename(self, old, new)

    monkeypatch.setattr(FileCalls, "rename", full)
    with pytest.raises(DatabaseFullError, match="publish 'b', 'c', after 1 others of its batch"), db.batch():
        db["a"], db["b"], db["c"] = 1, 2, 3
    assert db.keys() == ("a",) and not isfdb.verify(db).serious


@pytest.mark.parametrize("members", [{"describe": 3}, {"activity": [1]}, {"created": {}}, {"used": "x"}, {"slice": 1}])
def test_a_record_whose_members_are_of_other_kinds_is_damaged_and_said_to_be(db, members):
    db["k"] = 1
    path = db.entry("k").path / "metadata.json"
    path.write_text(seal({**json.loads(path.read_text()), **members}))
    (name,) = members
    with pytest.raises(CorruptVersionError, match=f"its '{name}' is .* which isfdb never writes there"):
        db["k"]
    with pytest.raises(CorruptVersionError, match=r"none of the records of 'k' can be read, of which there are 1\. Run isfdb\.verify"):
        db.versions("k")
    assert "unreadable" in {finding.kind for finding in isfdb.verify(db)}
    assert db.keys() == ("k",)


@pytest.mark.parametrize("name", ["a\0b", "../../../../etc/passwd", "..", "x/../../y"])
def test_a_name_in_a_record_leads_to_no_file_elsewhere(db, name, tmp_path):
    db["k"] = 1
    (tmp_path / "y").mkdir()
    for read in (db._storage.read, db._storage.fetch):
        with pytest.raises(FileNotFoundError):
            read(name)
    assert db._storage.list(name) == []
    path = db.entry("k").path / "metadata.json"
    record = json.loads(path.read_text())
    record["activity"]["session"] = record["environment"] = record["logged"] = record["code"]["snapshot"] = name
    path.write_text(seal(record))
    for look in (
        lambda: db.entry("k").session,
        lambda: str(db.entry("k").inputs),
        lambda: dict(db.metadata["k"]),
        lambda: str(db.entry("k")),
    ):
        with contextlib.suppress(IsfdbError, FileNotFoundError):
            look()
    assert isfdb.verify(db)


def test_a_record_with_a_hole_as_large_as_a_disk_is_not_read(db):
    db["k"] = 1
    for name in ("metadata.json", "Loader.json"):
        path = db.entry("k").path / name
        whole = path.read_bytes()
        os.truncate(path, 2**42)
        with pytest.raises(StorageError, match=r"has 4,398,046,511,104 bytes"):
            db["k"]
        assert isfdb.verify(db, key="k") if name == "metadata.json" else True
        path.write_bytes(whole)
    assert db["k"] == 1
