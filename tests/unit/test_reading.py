"""Reading: what lies there is what was stored, or an error says what is wrong and what to do."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import types
from pathlib import Path

import numpy as np
import pytest

import isfdb
from isfdb import plugins, trust
from isfdb.errors import (
    ChecksumMismatchError,
    CorruptVersionError,
    FormatVersionError,
    IncompleteVersionError,
    KeyNotFoundError,
    LoadError,
    PickleWarning,
    UnknownLoaderdumperError,
    UnsafePathError,
    UntrustedDataError,
    VersionGoneError,
)
from isfdb.hashing import digest_of
from isfdb.manifest import seal
from isfdb.parts import refusing_code


class Custom:
    """Something no open format can keep."""

    def __init__(self, number):
        self.number = number


def version_folder(db, key: str) -> Path:
    return db.entry(key).path


def change(path: Path, change_members) -> None:
    members = json.loads(path.read_text())
    change_members(members)
    path.write_text(json.dumps(members))


def test_a_changed_spec_is_noticed_on_every_read(db):
    db["k"] = 1
    change(version_folder(db, "k") / "Loader.json", lambda spec: spec.update(value=2))
    with pytest.raises(ChecksumMismatchError, match=r"Loader\.json is not what was stored"):
        db["k"]


def test_a_missing_or_short_file_is_named(db):
    db["a"] = np.arange(1000)
    file = next(path for path in version_folder(db, "a").iterdir() if path.suffix == ".npy")
    os.truncate(file, 100)
    with pytest.raises(IncompleteVersionError, match="has 100 bytes where"):
        db["a"]
    file.unlink()
    with pytest.raises(IncompleteVersionError, match="is missing"):
        db["a"]


def test_a_file_that_changed_so_that_it_cannot_be_loaded_is_named(db):
    db["a"] = np.arange(1000)
    file = next(path for path in version_folder(db, "a").iterdir() if path.suffix == ".npy")
    file.write_bytes(bytes(6) + file.read_bytes()[6:])
    with pytest.raises(ChecksumMismatchError, match=rf"{file.name} is not what was stored"):
        db["a"]


def forge_manifest(folder: Path, name: str, data: bytes) -> None:
    """Put another file into a version, into its manifest and under its seal, but leave the digest of the whole and the signature."""
    record = json.loads((folder / "metadata.json").read_text())
    record["files"][name] = [len(data), digest_of(data)]
    (folder / name).write_bytes(data)
    (folder / "metadata.json").write_text(seal(record))


def test_my_signature_is_of_the_files_and_not_of_others_in_their_place(db):
    with pytest.warns(PickleWarning):
        db["mine"] = Custom(1)
    forge_manifest(version_folder(db, "mine"), "data.pickle", pickle.dumps("not mine"))
    with pytest.raises(ChecksumMismatchError, match="the manifest is not what was signed"):
        db["mine"]
    assert "the digest of the whole does not fit the manifest" in str(isfdb.verify(db))


def test_a_flipped_byte_is_found_by_verify(db):
    db["a"] = np.arange(1000)
    file = next(path for path in version_folder(db, "a").iterdir() if path.suffix == ".npy")
    data = bytearray(file.read_bytes())
    data[500] ^= 1
    file.write_bytes(data)
    found = isfdb.verify(db)
    assert [(finding.kind, finding.file) for finding in found] == [("changed file", file.name)]


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"format": 1, "format": 2}', "\xff", "[" * 100_000])
def test_unreadable_records_are_told_apart_from_missing_keys(db, text):
    db["k"], db["other"] = 1, 2
    (version_folder(db, "k") / "metadata.json").write_text(text, encoding="latin-1")
    with pytest.raises(CorruptVersionError, match=r"cannot read metadata\.json"):
        db["k"]
    assert db["other"] == 2


def test_a_record_of_a_newer_format_asks_for_an_upgrade(db):
    db["k"] = 1
    change(version_folder(db, "k") / "metadata.json", lambda record: record.update(format=999))
    with pytest.raises(FormatVersionError, match="Upgrade isfdb"):
        db["k"]


def test_a_manifest_cannot_lead_out_of_its_folder(db):
    db["k"] = 1
    for name in ("../../../secret", "/etc/passwd", "a/../../b", "x\\y", ""):
        change(version_folder(db, "k") / "metadata.json", lambda record, name=name: record.update(files={name: [1, "0" * 64]}))
        with pytest.raises(UnsafePathError, match="leads out of its folder"):
            db["k"]


@pytest.mark.parametrize("loader", ["os", "subprocess", "builtins.eval", "antigravity", "..x", "planted"])
def test_a_spec_that_names_no_registered_loaderdumper_imports_nothing(db, loader, monkeypatch):
    db["k"] = 1
    folder = version_folder(db, "k")
    (folder / "planted.py").write_text(f"open({str(folder / 'canary')!r}, 'w')")
    monkeypatch.chdir(folder)
    rewrite_spec(folder, {"Loader": loader, "format": 1})
    with pytest.raises(UnknownLoaderdumperError, match="none is registered"):
        db["k"]
    assert not (folder / "canary").exists()


def rewrite_spec(folder: Path, spec: dict) -> None:
    """Write a spec, and a manifest that agrees with it, as an attacker could."""
    from isfdb.hashing import digest_of
    from isfdb.manifest import digest_of_files

    text = json.dumps(spec)
    (folder / "Loader.json").write_text(text)

    def follow(record):
        record["files"]["Loader.json"] = [len(text), digest_of(text.encode())]
        record["digest"] = digest_of_files(record["files"])

    change(folder / "metadata.json", follow)


def test_a_deleted_file_under_a_reader_is_a_version_gone(db):
    db["a"] = np.arange(10)
    db["a"] = np.arange(20)
    db.collect(grace_s=0)
    with pytest.raises(VersionGoneError, match="was reclaimed by collect"):
        db.get("a", version=1)
    assert db["a"].size == 20


def test_a_loader_that_fails_says_so_with_the_cause(db):
    db["a"] = [1]
    rewrite_spec(version_folder(db, "a"), {"Loader": "loaderdumpers.to_json", "format": 1, "nonsense": 3})
    with pytest.raises(LoadError, match="files are as they were stored") as caught:
        db["a"]
    assert caught.value.__cause__ is not None


# Trust -------------------------------------------------------------------------------------------------------------------------------


def store_pickle(db, key: str = "p") -> Path:
    with pytest.warns(PickleWarning, match="no open format"):
        db[key] = Custom(5)
    return version_folder(db, key)


def test_my_own_pickle_loads(db):
    store_pickle(db)
    assert db["p"].number == 5


def test_a_strangers_pickle_is_refused_without_running_it(db, monkeypatch, tmp_path):
    store_pickle(db)
    monkeypatch.setenv("ISFDB_DATA_FOLDER", str(tmp_path / "somebody-else"))
    with pytest.raises(UntrustedDataError, match="isfdb trust"):
        db["p"]
    trust.trust(db.id, db.path)
    assert db["p"].number == 5
    trust.distrust(db.id)
    assert isfdb.open(db.path, trust=True)["p"].number == 5


def test_trust_does_not_travel_with_a_copy(db, monkeypatch, tmp_path):
    store_pickle(db)
    monkeypatch.setenv("ISFDB_DATA_FOLDER", str(tmp_path / "somebody-else"))
    trust.trust(db.id, db.path)
    shutil.copytree(db.path, tmp_path / "copy")
    with pytest.raises(UntrustedDataError):
        isfdb.open(tmp_path / "copy", "r")["p"]


def test_a_pickle_changed_after_signing_is_not_run(db, tmp_path):
    folder = store_pickle(db)
    file = next(path for path in folder.iterdir() if path.name not in ("Loader.json", "metadata.json"))
    size = file.stat().st_size
    evil = f"cos\nsystem\n(S'touch {tmp_path}/canary'\ntR.".encode()
    file.write_bytes(evil.ljust(size, b"\n") if len(evil) <= size else evil)
    with pytest.raises((ChecksumMismatchError, IncompleteVersionError)):
        db["p"]
    assert not (tmp_path / "canary").exists()


def test_a_manifest_changed_to_fit_does_not_pass_for_signed(db, tmp_path):
    folder = store_pickle(db)
    file = next(path for path in folder.iterdir() if path.name not in ("Loader.json", "metadata.json"))
    evil = f"cos\nsystem\n(S'touch {tmp_path}/canary'\ntR.".encode()
    file.write_bytes(evil)
    from isfdb.hashing import digest_of

    change(folder / "metadata.json", lambda record: record["files"].update({file.name: [len(evil), digest_of(evil)]}))
    with pytest.raises(ChecksumMismatchError, match="manifest is not what was signed"):
        db["p"]
    assert not (tmp_path / "canary").exists()


def test_a_copy_of_a_strangers_pickle_is_not_signed_as_mine(db, monkeypatch, tmp_path):
    store_pickle(db)
    monkeypatch.setenv("ISFDB_DATA_FOLDER", str(tmp_path / "somebody-else"))
    db.copy("p", "q")
    with pytest.raises(UntrustedDataError):
        db["q"]


def test_looking_at_a_strangers_database_loads_nothing(db, monkeypatch, tmp_path):
    store_pickle(db)
    monkeypatch.setenv("ISFDB_DATA_FOLDER", str(tmp_path / "somebody-else"))
    monkeypatch.setattr(plugins, "loaderdumper", lambda name: pytest.fail("a loaderdumper was asked for"))
    stranger = isfdb.open(db.path, "r")
    _ = (
        repr(stranger),
        stranger.ls(),
        stranger.entry("p"),
        stranger.versions("p"),
        stranger._repr_mimebundle_(),
        stranger._ipython_key_completions_(),
    )
    assert not isfdb.verify(stranger)


@pytest.mark.parametrize("selection", [slice(2), (slice(None), 3), (..., 0)])
def test_a_slice_given_to_get_selects_and_is_no_default(selection, db) -> None:
    class Loader:
        def get(self, savedir, *, select=None):
            return select

    module = types.SimpleNamespace(check=lambda obj: False, dump=lambda obj, savedir: None, Loader=Loader)
    plugins.register_loaderdumper(module, "to_selection")
    try:
        db.set("a", 1, dumper="to_selection")
        assert db.get("a", selection) == selection
        assert db.get("a", select=3) == 3
        with pytest.raises(KeyNotFoundError):
            db.get("no such key", selection)
    finally:
        plugins.unregister_loaderdumper("to_selection")


def test_a_tuple_without_a_slice_is_a_default(db) -> None:
    assert db.get("no such key", (1, 2)) == (1, 2)


def test_a_file_that_was_never_stored_is_no_vanished_database(db, monkeypatch):
    db["frame"] = np.arange(3)

    def looks_elsewhere(self, savedir, **options):
        with open(os.path.join(savedir, "labels.parquet")):
            pass

    monkeypatch.setattr(plugins.loaderdumper("numpy_to_npy").Loader, "get", looks_elsewhere)
    with pytest.raises(CorruptVersionError, match=r"version 1 of 'frame': 'numpy_to_npy' looks for labels.parquet, which was not stored"):
        db["frame"]


def test_where_code_is_refused_not_even_ones_own_pickle_is_loaded(db):
    with pytest.warns(PickleWarning, match="no open format"):
        db["mine"] = Custom(3)
    db["plain"] = [1, 2]
    with refusing_code():
        assert db["plain"] == [1, 2]
        with pytest.raises(UntrustedDataError, match="here no value does, whoever wrote it"):
            db["mine"]
    assert db["mine"].number == 3
