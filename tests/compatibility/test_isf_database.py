"""A database written by the real ISF opens as it stands, with its records, and stays as it is to the last byte."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest

import isfdb
from isfdb.errors import (
    CorruptDatabaseError,
    CorruptVersionError,
    DatabaseExistsError,
    DatabaseNotFoundError,
    KeyNotFoundError,
    ReadOnlyError,
    UnknownLoaderdumperError,
    UntrustedDataError,
)
from tests.compatibility.isf_samples import (
    ID,
    MSGPACK,
    PREFIX,
    REAL,
    add_key,
    add_pickle,
    copy_of_real,
    looks,
    make_database,
    make_model_database,
)

HISTORY_ENDS = "db.maybe_calculate('maybe', lambda: 'computed')"


@pytest.fixture
def old(tmp_path: Path) -> isfdb.Database:
    return isfdb.open(copy_of_real(tmp_path), trust=True)


@pytest.fixture
def made(tmp_path: Path) -> Path:
    return make_database(tmp_path / "made")


def test_it_has_its_keys_and_its_id(old):
    assert {"int", "A", "pandas_to_parquet", "shared_numpy_store"} <= set(old)
    assert {"A/1/B", "A/1/C/1", "A/leaf", "A/npz"} <= set(old.keys(recurse=True)) and "A/1" not in old.keys(recurse=True)
    assert (old.id, old.get_id(), old.mode, old.read_only) == (ID, ID, "r", True)
    assert (old["A", "1", "B"], old["A"]["1"]["C"]["1"], old["A/1/B"]) == (1, 2, 1)
    assert (old["A"].id, old["A"]["1"].id) == ("2026-11-21_24126_O4KTzxe", "2026-11-21_24126_jJZktwr")
    assert "int" in old and "nothing" not in old and old.is_sub_db("A") and not old.is_sub_db("int")


def test_its_records_are_answered_as_isf_wrote_them(old):
    for path in Path(old.path).rglob("metadata.json"):
        recorded = json.loads(path.read_text())
        key = str(path.parent.relative_to(old.path)).replace("/db/", "/")
        if old.is_sub_db(key):
            continue
        told = old.metadata[key]
        assert {name: told[name] for name in recorded if name != "hostname"} == {
            name: recorded[name] for name in recorded if name != "hostname"
        }
        assert told["isf"] == recorded
        if "hostname" in recorded:
            assert told["hostname"] == "vm" and told["by"] == {"host": "vm", "user": None}


def test_times_and_histories_are_shown_like_those_of_other_databases(old):
    entry = old.entry("genetic")
    assert entry.newest.created.isoformat() == "2026-11-21T01:45:18+00:00"
    assert entry.code == entry.cell.source == old.metadata["genetic"]["history"]
    assert entry.code.splitlines()[-1].startswith("db.set('genetic'")
    assert old.entry("numpy_to_npy").describe == {"type": "ndarray", "shape": [50, 40], "dtype": "<i8"}
    assert [label for label, _ in old.entry("pandas_to_parquet").describe["columns"]] == ["a", "b", "flag", "x"]
    assert old.entry("A/1/B").metadata["metadata_creation_time"] == "post_hoc"
    assert "inferred" in old.entry("A/1/B").metadata["unknown"]["all"]
    assert "genetic" in str(old.ls()) and "text/html" in old._repr_mimebundle_()
    assert "text/html" in entry._repr_mimebundle_()


def test_nothing_is_ever_written_into_it(tmp_path: Path):
    path = copy_of_real(tmp_path)
    before = looks(path)
    for mode in ("a", "r", "r+"):
        db = isfdb.open(path, mode, trust=True)
        for key in db.keys(recurse=True):
            with pytest.MonkeyPatch.context() as patch:
                patch.chdir(tmp_path)
                read_or_refuse(db, key)
            _ = db.metadata[key]["time"], db.entry(key).versions, db.entry(key).code, dict(db.attributes[key])
        _ = repr(db), str(db.ls()), db.entry("int").path, pickle.loads(pickle.dumps(db))["int"], db.collect(dry_run=True)
        isfdb.verify(db)
        for write in (
            lambda db=db: db.set("new", 1),
            lambda db=db: db.create_sub_db("new"),
            lambda db=db: db.pop("int"),
            lambda db=db: db.rename("int", "integer"),
            lambda db=db: db.create_managed_folder("new"),
            lambda db=db: db.attributes["int"].update(unit="mV"),
            lambda db=db: db.collect(),
            lambda db=db: db.remove(),
        ):
            with pytest.raises(ReadOnlyError, match=r"written by ISF and stays as it is.*isfdb import OLD NEW"):
                write()
    assert looks(path) == before


def read_or_refuse(db, key):
    try:
        _ = db[key]
    except isfdb.errors.IsfdbError:
        assert key == "default_lazy_ddf"  # a graph of another dask


def test_it_can_be_read_where_nobody_may_write(tmp_path: Path):
    path = copy_of_real(tmp_path)
    for folder, _, names in os.walk(path):
        for name in names:
            os.chmod(f"{folder}/{name}", 0o444)
        os.chmod(folder, 0o555)
    db = isfdb.open(path)
    assert np.array_equal(db["numpy_to_npz"], np.load(REAL.parent / "expected" / "arrf.npy")) and not isfdb.verify(db)


def test_no_database_is_made_inside_it(tmp_path: Path):
    path = copy_of_real(tmp_path)
    for inside in ("new", "managed_folder/new", "A/db/new"):
        with pytest.raises(ReadOnlyError, match=r"inside .* which ISF wrote"):
            isfdb.open(f"{path}/{inside}")
    with pytest.raises(DatabaseExistsError):
        isfdb.open(path, "w-")


def test_pickles_load_only_with_trust(tmp_path: Path):
    path = copy_of_real(tmp_path)
    db = isfdb.open(path)
    with pytest.raises(UntrustedDataError, match=r"cannot load 'int'.*not signed.*isfdb trust"):
        _ = db["int"]
    assert db["numpy_to_npy"].shape == (50, 40)  # an open format needs none
    assert isfdb.open(path, trust=True)["int"] == 1
    from isfdb import trust

    os.chmod(path, 0o755)
    trust.trust(db.id, path)
    try:
        assert (db["int"], isfdb.open(path)["A/1/B"], isfdb.open(f"{path}/A/db")["1/B"]) == (1, 1, 1)
    finally:
        trust.distrust(db.id, path)


def test_it_is_found_by_its_id_and_by_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ISFDB_REGISTRY", str(tmp_path / "registry.sqlite"))  # other tests open other copies
    path = copy_of_real(tmp_path)
    with pytest.raises(DatabaseNotFoundError):
        isfdb.open("2001-01-01_1_abcdefg")
    isfdb.registry.add(path, name="old results")
    assert isfdb.open("old results").id == isfdb.open("2026-11-21_24126_jJZktwr").root.id == ID
    isfdb.registry.forget(ID)
    isfdb.registry.scan(path)
    assert isfdb.open(ID).path == path
    sub = isfdb.open("2026-11-21_24126_O4KTzxe")
    assert (sub.path, sub.prefix, sub.root.path) == (f"{path}/A/db", "A", path)
    assert isfdb.load(f"isfdb://{ID}/A/npz@1").shape == (20, 30)
    (record,) = [one for one in isfdb.registry.databases() if one.id == sub.id]
    assert record.parent == sub.root["A"].root.id == ID


def test_a_sub_database_opened_by_its_path_is_part_of_the_whole(old):
    sub = isfdb.open(f"{old.path}/A/db/1/db")
    assert (sub.prefix, sub.name, sub.root.id, sub.keys()) == ("A/1", "1", ID, ("B", "C"))


def test_verify_says_that_isf_kept_no_digests(old):
    found = isfdb.verify(old)
    assert not found and found.n_keys == len(old.keys(recurse=True)) == len(found.unvouched)
    assert "ISF kept no digests" in str(found) and "sound" not in str(found) and "ISF kept no digests" in found.to_json()["note"]
    assert isfdb.verify(old, key="A/npz").n_keys == 1


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("numpy_to_npz/np.npz", "changed file"),
        ("numpy_to_npy/np.npy", "changed file"),
        ("pandas_to_parquet/pandas_to_parquet.parquet", "changed file"),
        ("int/Loader.json", "missing file"),  # inferred from the record
        ("A/db/leaf/metadata.json", "missing record"),
        ("db_state.json", "unreadable"),
    ],
)
def test_verify_finds_what_is_cut_off(old, file: str, kind: str):
    path = Path(old.path, file)
    path.write_bytes(path.read_bytes()[:-40])
    assert kind in {finding.kind for finding in isfdb.verify(old)}


def test_verify_finds_what_lies_about(old):
    Path(old.path, "int.deleting.A1B2C").mkdir()
    Path(old.path, ".ipynb_checkpoints").mkdir()
    Path(old.path, "notes.txt").write_text("x")
    Path(old.path, "numpy_to_npy", "np.npy").unlink()
    found = {(finding.kind, finding.file) for finding in isfdb.verify(old)}
    expected = {("leftover", "int.deleting.A1B2C"), ("stray", ".ipynb_checkpoints"), ("stray", "notes.txt"), ("missing file", "np.npy")}
    assert found == expected
    assert not {"int.deleting.A1B2C", ".ipynb_checkpoints", "notes.txt"} & set(old)


@pytest.mark.parametrize(
    "file",
    [
        "dask_to_parquet/pandas_to_parquet.2.0.parquet",
        "dask_to_parquet/pandas_to_parquet.2.1.parquet",
        "pandas_to_msgpack_split/pandas_to_msgpack_0",
    ],
)
def test_verify_finds_a_missing_part(old, file: str):
    Path(old.path, file).unlink()
    (finding,) = isfdb.verify(old)
    assert (finding.kind, finding.key, finding.file) == ("missing file", *file.split("/"))


# Odd databases ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "data_base.isf_data_base.IO.LoaderDumper.",
        "data_base.IO.LoaderDumper.",
        "isf_data_base.IO.LoaderDumper.",
        "model_data_base.IO.LoaderDumper.",
        "",
    ],
)
def test_every_path_of_a_loader_is_understood_by_its_last_word(made: Path, path: str):
    add_pickle(made, "key", [1, "é"], loader=f"{path}LoaderDumper.to_pickle" if path else "to_pickle")
    assert isfdb.open(made, trust=True)["key"] == [1, "é"]


def test_a_database_without_id_gets_one_that_stays(made: Path):
    db = isfdb.open(made)
    assert len(db.id) == 32 and db.id == isfdb.open(made).id
    (made / "db_state.json").write_text("")  # ISF makes it empty first
    assert isfdb.open(made).keys() == ()


def test_what_isf_did_not_finish_is_named(made: Path):
    array = add_key(made, "no_spec", None)
    np.save(array / "np.npy", np.arange(3))
    add_key(made, "torn_spec", None).joinpath("Loader.json").write_text('{"Loader": "data_ba')
    add_key(made, "empty", None)
    add_key(
        made,
        "visited",
        None,
        {"dumper": "unknown", "metadata_creation_time": "post_hoc", "time": [2020, 1, 1, 0, 0, 0, 2, 1, -1], "version": "unknown"},
    )
    db = isfdb.open(made, trust=True)
    assert db.keys() == ("no_spec", "torn_spec")
    for key, what in (("no_spec", "there is no Loader.json"), ("torn_spec", "Loader.json cannot be read")):
        with pytest.raises(CorruptVersionError, match=f"cannot load '{key}'.*{what}"):
            _ = db[key]
        assert what in db.metadata[key]["unknown"]["value"] and what in str(isfdb.verify(db))
    assert "torn_spec" in str(db.ls())
    with pytest.raises(KeyNotFoundError):
        _ = db["empty"]


def test_a_spec_that_was_lost_follows_from_a_record_that_isf_wrote_last(made: Path):
    record = {"dumper": "to_cloudpickle", "metadata_creation_time": "together_with_new_key", "time": [2020, 1, 2, 3, 4, 5, 3, 2, -1]}
    add_pickle(made, "key", 42, metadata=record).joinpath("Loader.json").write_text("")
    db = isfdb.open(made, trust=True)
    assert db["key"] == 42 and "inferred" in db.metadata["key"]["unknown"]["loader"]


def test_a_value_without_record_is_told_as_isf_would_infer_it(made: Path):
    folder = add_pickle(made, "key", 42)
    os.utime(folder, (1.5e9, 1.5e9))
    told = isfdb.open(made, trust=True).metadata["key"]
    assert (told["dumper"], told["metadata_creation_time"], told["version"]) == ("to_cloudpickle", "post_hoc", "unknown")
    assert told["time"] == [2017, 7, 14, 2, 40, 0, 4, 195, -1] and told["created"] == "2017-07-14T02:40:00.000000+00:00"
    assert told["history"] is None and told["hostname"] is None


def test_an_odd_record_does_not_hide_the_value(made: Path):
    add_pickle(made, "nan", 1).joinpath("metadata.json").write_text(
        '{"time": [NaN, 2], "history": "\\ud800", "history": "\\ud800 x", "dirty": null}'
    )
    add_pickle(made, "list", 2).joinpath("metadata.json").write_text("[1]")
    add_pickle(made, "unknown_time", 3, metadata={"time": "unknown", "dumper": "unknown", "extra": {"a": 1}})
    db = isfdb.open(made, trust=True)
    assert [db[key] for key in ("nan", "list", "unknown_time")] == [1, 2, 3]
    assert db.metadata["nan"]["history"] == "? x" and db.metadata["unknown_time"]["extra"] == {"a": 1}
    assert db.entry("nan").cell.source == "? x" and len(str(db.ls()).splitlines()) == 3


def test_what_isf_stores_meanwhile_is_seen(made: Path):
    import shutil

    add_pickle(made, "key", 1)
    os.utime(made / "key", (1.5e9, 1.5e9))
    db = isfdb.open(made, trust=True)
    assert (db["key"], db.keys()) == (1, ("key",))
    shutil.rmtree(made / "key")  # as ISF replaces a value
    np.save(add_key(made, "key", f"{PREFIX}numpy_to_npy") / "np.npy", np.arange(3))
    add_pickle(made, "other", 2)
    assert (list(db["key"]), db["other"], db.keys()) == ([0, 1, 2], 2, ("key", "other"))


def test_a_loaderdumper_nobody_knows_stops_nothing_else(made: Path):
    add_key(made, "mine", "my_lab.dumpers.to_hdf", file="x.h5")
    add_pickle(made, "key", 42)
    db = isfdb.open(made, trust=True)
    assert db["key"] == 42
    with pytest.raises(UnknownLoaderdumperError, match="no loaderdumper 'to_hdf'"):
        _ = db["mine"]


def test_a_spec_imports_nothing(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    monkeypatch.syspath_prepend(str(tmp_path))
    add_key(made, "key", "evil")
    (made / "db_state.json").write_text('{"_registeredDumpers": ["evil"]}')
    (add_key(made, "pickled", None) / "Loader.pickle").write_bytes(b"cevil\nLoader\n)R.")
    (add_key(made, "called", None) / "Loader.pickle").write_bytes(b"cos\nsystem\n(S'touch " + str(tmp_path / "ran").encode() + b"'\ntR.")
    db = isfdb.open(made, trust=True)
    for key in db:
        with pytest.raises(isfdb.errors.IsfdbError):
            _ = db[key]
    isfdb.verify(db)
    assert not (tmp_path / "ran").exists()


def test_sub_databases_may_be_empty_half_written_or_in_the_key_itself(made: Path):
    add_key(made, "announced", f"{PREFIX}just_create_isf_db")
    add_pickle(make_database(add_key(made, "no_spec", None) / "db"), "x", 1)
    model = make_database(add_key(made, "model", f"{PREFIX}reduced_lda_model"), _unique_id="2024-01-01_1_abcdefg")
    add_pickle(model, "st", "times")
    db = isfdb.open(made, trust=True)
    assert (db["announced"].keys(), db["no_spec/x"], db["model"]["st"]) == ((), 1, "times")
    assert (db["model"].id, db["model"].keys()) == ("2024-01-01_1_abcdefg", ("st",))
    assert db.keys(recurse=True) == ("model/st", "no_spec/x")
    from loaderdumpers import reduced_lda_model

    assert reduced_lda_model.Loader().get(str(model)).keys() == ("st",)


def test_a_link_that_leads_back_has_an_end(made: Path):
    add_pickle(made, "key", 1)
    sub = make_database(add_key(made, "sub", f"{PREFIX}just_create_isf_db") / "db")
    (sub / "back").symlink_to(made)
    (made / "outside").symlink_to(REAL / "numpy_to_npz")
    db = isfdb.open(made, trust=True)
    assert db.keys(recurse=True) == ("key", "outside") and db["outside"].shape == (20, 30)


def test_names_that_mean_something_to_format_1_are_no_trap(made: Path):
    for name in ("rates.key", "x.deleted", ".hidden", "con", "v000001", "A", "a"):
        add_pickle(made, name, name)
    db = isfdb.open(made, trust=True)
    assert {key: db[key] for key in db} == {name: name for name in ("rates.key", "x.deleted", ".hidden", "con", "v000001", "A", "a")}


def test_partitions_are_read_with_divisions_that_can_be_believed(made: Path):
    import shutil

    for name in ("synapse_activation", "float_index", "number_texts"):
        shutil.copytree(MSGPACK / name, made / name)
    db = isfdb.open(made)
    activation, floats, texts = db["synapse_activation"], db["float_index"], db["number_texts"]
    assert activation.divisions == ("r/000000", "r/000001", "r/000001")
    assert not floats.known_divisions and not texts.known_divisions  # ISF had made 0, 0, 0 and 1, 2, 3 of them
    assert floats.loc[0.6:].compute().shape == (2, 2)
    assert list(activation.compute()["synapse_type"]) == ["VPM_C2", "L4ss_C2", "VPM_C2"]
    assert list(texts.compute().index) == ["000001", "000002", "000003"] and list(floats.columns) == [0.0, 0.025]


# The older format ------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def older(tmp_path: Path) -> isfdb.Database:
    folder = tmp_path / "model"
    dumper = "data_base.model_data_base.IO.LoaderDumper."
    make_model_database(
        folder / "sub_xyz_" / "mdb",
        {"inner": "in the table"},
        {},
        {"inner": {"dumper": "self", "time": "unknown", "metadata_creation_time": "post_hoc"}},
    )
    make_model_database(
        folder,
        {"number": 42, "A@2": {"a": [1, 2.5]}, "EI__section/branch_bin": "x"},
        {
            "array": ("array_abc_", f"{dumper}numpy_to_npz"),
            "A@3": ("a-3_def_", "model_data_base.IO.LoaderDumper.to_pickle"),
            "no_loader": ("no_loader_ghi_", ""),
            "sub": ("sub_xyz_", f"{dumper}just_create_mdb"),
            "files": ("files_jkl_", f"{dumper}just_create_folder"),
            "escaped": ("../outside", ""),
        },
        {
            "number": {
                "dumper": "self",
                "time": (2019, 2, 5, 1, 2, 3, 1, 36, -1),
                "conda_list": "numpy 1.16",
                "history": "mdb['number'] = 42",
                "hostname": "lab\n",
            },
            "no_loader": {
                "dumper": "numpy_to_npy",
                "time": (2019, 2, 5, 1, 2, 3, 1, 36, -1),
                "metadata_creation_time": "together_with_new_key",
            },
        },
    )
    np.savez_compressed(folder / "array_abc_" / "np.npz", arr_0=np.arange(5))
    (folder / "a-3_def_" / "to_pickle_dump").write_bytes(pickle.dumps("three", protocol=2))
    np.save(folder / "no_loader_ghi_" / "np.npy", np.arange(4))
    (folder / "files_jkl_" / "notes.txt").write_text("hello")
    return isfdb.open(folder, trust=True)


def test_the_older_format_opens_too(older):
    assert older.id == "2019-02-05_25472_uX2xXFw"
    assert older.keys(recurse=True) == (
        "A/2",
        "A/3",
        "EI__section/branch_bin",
        "array",
        "escaped",
        "files",
        "no_loader",
        "number",
        "sub/inner",
    )
    assert (older["number"], older["A", "2"], older["A"]["3"]) == (42, {"a": [1, 2.5]}, "three")
    assert list(older["array"]) == [0, 1, 2, 3, 4] and list(older["no_loader"]) == [0, 1, 2, 3]
    assert older["sub"]["inner"] == "in the table" and older["EI__section/branch_bin"] == "x"
    assert older["files"].listdir() == ["notes.txt"]
    with pytest.raises(CorruptVersionError, match="outside the database"):
        _ = older["escaped"]


def test_the_older_records_are_told(older):
    told = older.metadata["number"]
    assert (told["dumper"], told["module_list"], told["conda_list"], told["hostname"]) == ("self", "numpy 1.16", "numpy 1.16", "lab")
    assert told["time"] == [2019, 2, 5, 1, 2, 3, 1, 36, -1] and older.entry("number").code == "mdb['number'] = 42"
    assert older.entry("number").nbytes > 0 and "number" in str(older.ls())


def test_values_in_the_table_need_trust_too(older):
    with pytest.raises(UntrustedDataError):
        _ = isfdb.open(older.path)["number"]
    assert list(isfdb.open(older.path)["array"]) == [0, 1, 2, 3, 4]


def test_the_older_format_stays_as_it_is(older):
    before = looks(older.path)
    for key in older.keys(recurse=True):
        _ = key == "escaped" or older[key]
    isfdb.verify(older)
    assert looks(older.path) == before


def test_verify_of_the_older_format_finds_what_belongs_to_no_key(older):
    Path(older.path, "orphan_abc_").mkdir()
    found = {(finding.kind, finding.key or finding.file) for finding in isfdb.verify(older)}
    assert {("stray", "orphan_abc_"), ("unreadable", "escaped")} <= found


def test_a_damaged_table_is_named_and_hides_nothing_else(older, tmp_path: Path):
    (tmp_path / "model" / "sub_xyz_" / "mdb" / "sqlitedict.db").write_bytes(b"no table")
    assert older["number"] == 42 and "sub" in older.keys()
    with pytest.raises(CorruptDatabaseError, match=r"sub_xyz_/mdb/sqlitedict\.db cannot be read.*restore that file"):
        _ = older["sub"].keys()
    assert ("unreadable", "sub") in {(finding.kind, finding.key) for finding in isfdb.verify(older)}
    from isfdb.migration import import_isf

    told = {one.key: one.outcome for one in import_isf(older, isfdb.open(tmp_path / "new"))}
    assert (told["sub"], told["number"]) == ("not copied", "copied")
