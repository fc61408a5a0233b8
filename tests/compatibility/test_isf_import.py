"""Importing copies every value, compared with the old one, and all that ISF recorded; it can be killed, repeated and continued."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import isfdb
from isfdb.database import Database
from isfdb.errors import OptionError, ReadOnlyError, UntrustedDataError
from isfdb.identical import assert_identical
from isfdb.identity import read_identity
from isfdb.migration import import_isf
from isfdb.storage.file_calls import FileCalls
from isfdb.storage.local import LocalStorage
from tests.compatibility.isf_samples import (
    ID,
    PREFIX,
    add_key,
    add_pickle,
    copy_of_real,
    looks,
    make_database,
    make_model_database,
)

FIELDS = "dirty dumper error full-revisionid history metadata_creation_time module_list module_versions time version".split()


@pytest.fixture
def old(tmp_path: Path) -> isfdb.Database:
    return isfdb.open(copy_of_real(tmp_path), trust=True)


@pytest.fixture
def new(tmp_path: Path) -> isfdb.Database:
    return isfdb.open(tmp_path / "new")


def outcomes(imported) -> dict[str, str]:
    return {one.key: one.outcome for one in imported}


def test_every_value_is_copied_exactly(old, new):
    before = looks(old.path)
    imported = import_isf(old, new)
    assert {key for key, outcome in outcomes(imported).items() if outcome != "copied"} == {"default_lazy_ddf"}  # a graph of another dask
    assert not imported.is_complete and imported.counts == {"copied": len(imported) - 1, "kept as ISF's files": 1}
    assert new.keys(recurse=True) == old.keys(recurse=True)
    for key in set(old.keys(recurse=True)) - {"default_lazy_ddf", "default_lambda", "managed_folder", "shared_numpy_store"}:
        value, expected = new[key], old[key]
        if hasattr(expected, "npartitions"):
            assert value.divisions == expected.divisions
            value, expected = value.compute(), expected.compute()
        assert_identical(value, expected, key)
    assert new["default_lambda"](1) == 2 and dict(new["shared_numpy_store"]) == {}
    assert looks(old.path) == before
    assert not isfdb.verify(new)


def test_what_isf_recorded_comes_along_to_the_letter(old, new):
    import_isf(old, new)
    for key in old.keys(recurse=True):
        told, expected = new.metadata[key], old.metadata[key]
        assert {name: told[name] for name in FIELDS if name != "dumper"} == {name: expected[name] for name in FIELDS if name != "dumper"}
        assert told["isf"]["dumper"] == expected["isf"]["dumper"]
        assert (told["created"], told["hostname"], told["by"]) == (expected["created"], expected["hostname"], expected["by"])
        assert told["copied_from"]["database"] == ID and told["copied_from"]["key"] == key and told["copied"]["activity"]
    post_hoc = new.metadata["A/1/B"]
    assert post_hoc["metadata_creation_time"] == "post_hoc" and "inferred" in post_hoc["unknown"]["all"]


def test_histories_become_one_session_and_are_stored_once(old, new):
    import_isf(old, new)
    sessions = {new.entry(key).session.id for key in new.keys(recurse=True) if new.metadata[key]["activity"]}
    assert len(sessions) == 1
    entry = new.entry("numpy_to_zarr_1d")
    assert entry.cell.source == "db.set('numpy_to_zarr_1d', arr1d, dumper=D('numpy_to_zarr'))"  # what ran since the value before
    history = old.metadata["numpy_to_zarr_1d"]["history"]
    assert "\n".join(cell.source for cell in entry.session.cells if cell.line <= entry.cell.line) == history
    stored = Path(new.path, ".isfdb", "sessions", f"{entry.session.id}.jsonl").stat().st_size
    assert stored < 15_000 < sum(len(old.metadata[key]["history"] or "") for key in old.keys(recurse=True))


def test_secrets_in_a_history_are_not_carried_over(tmp_path: Path, new):
    made = make_database(tmp_path / "made")
    secret = "ghp" + "_" + "a1B2" * 9
    add_pickle(made, "key", 1, metadata={"history": f"token = '{secret}'\ndb['key'] = 1", "dumper": "to_cloudpickle"})
    import_isf(isfdb.open(made, trust=True), new)
    assert secret not in new.metadata["key"]["history"] and new.metadata["key"]["history"].endswith("db['key'] = 1")
    assert not [path for path in Path(new.path).rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]


def test_a_managed_folder_is_copied_without_what_isf_laid_there(tmp_path: Path, new):
    made = make_database(tmp_path / "made")
    folder = add_key(made, "files", f"{PREFIX}just_create_folder", {"dumper": "just_create_folder"})
    (folder / "deep" / "empty").mkdir(parents=True)
    (folder / "deep" / "é.txt").write_text("hello")
    (folder / "link").symlink_to("deep")
    imported = import_isf(isfdb.open(made), new)
    assert imported.is_complete and "left out, for no version can hold links: link" in str(imported)
    assert new["files"].listdir() == ["deep"] and Path(new["files"], "deep", "é.txt").read_text() == "hello"
    assert Path(new["files"], "deep", "empty").is_dir() and new.entry("files").dumper == "folder"
    Path(new["files"], "mine.txt").write_text("x")  # it is the user's from now on
    assert outcomes(import_isf(isfdb.open(made), new)) == {"files": "there already"}


def test_without_trust_pickles_are_kept_as_files_and_read_later(old, new):
    distrusted = isfdb.open(old.path)
    first = import_isf(distrusted, new)
    assert outcomes(first)["int"] == "kept as ISF's files" and "isfdb import --trust" in str(first)
    with pytest.raises(UntrustedDataError):
        _ = new["int"]  # copying did not make it mine
    assert isfdb.open(new.path, trust=True)["int"] == 1
    assert not isfdb.verify(new)
    again = import_isf(distrusted, new)
    assert outcomes(again)["int"] == "kept as ISF's files" and len(new.versions("int")) == 1
    assert outcomes(import_isf(old, new))["int"] == "copied"
    assert new["int"] == 1 and len(new.versions("int")) == 2 and new.entry("int").dumper == "to_json"


def test_importing_again_copies_only_what_is_new(old, new):
    import_isf(old, new)
    numbers = {key: len(new.versions(key)) for key in new.keys(recurse=True)}
    assert set(outcomes(import_isf(old, new)).values()) == {"there already", "kept as ISF's files"}
    assert {key: len(new.versions(key)) for key in new.keys(recurse=True)} == numbers
    add_pickle(Path(old.path), "int", 7)  # ISF goes on
    add_pickle(Path(old.path), "later", 8)
    assert {key for key, outcome in outcomes(import_isf(old, new)).items() if outcome == "copied"} == {"int", "later"}
    assert (new["int"], new["later"], new.get("int", version=1)) == (7, 8, 1)


def test_an_old_database_that_was_but_copied_gives_no_new_versions(old, new, tmp_path: Path):
    import_isf(old, new)
    numbers = {key: len(new.versions(key)) for key in new.keys(recurse=True) if key != "managed_folder"}
    for path in Path(old.path).rglob("*"):
        os.utime(path, (1.6e9, 1.6e9))
    import_isf(old, new)
    assert {key: len(new.versions(key)) for key in numbers} == numbers


def test_what_the_user_stored_since_is_not_touched(old, new):
    new["genetic"] = "mine"
    import_isf(old, new)
    assert new["genetic"] == "mine"
    new["int"] = 99
    del new["dict"]
    told = import_isf(old, new)
    assert new["int"] == 99 and "dict" not in new
    assert {"genetic": "not copied", "int": "there already", "dict": "there already"}.items() <= outcomes(told).items()
    assert "a value of its own" in str(told)


def test_a_killed_import_goes_on_where_it_stopped(old, tmp_path: Path):
    program = (
        "import isfdb, sys, os, signal\n"
        "import isfdb.migration.isf_import as engine\n"
        "publish, n = engine.publish, [0]\n"
        "def and_die(*given, **options):\n"
        "    n[0] += 1\n"
        "    if n[0] == 6: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    publish(*given, **options)\n"
        "engine.publish = and_die\n"
        "engine.import_isf(isfdb.open(sys.argv[1], trust=True), isfdb.open(sys.argv[2]))\n"
    )
    command = [sys.executable, "-c", program, old.path, str(tmp_path / "new")]
    for _ in range(2):
        assert subprocess.run(command, check=False, capture_output=True).returncode == -signal.SIGKILL
    new = isfdb.open(tmp_path / "new")
    assert len(new.keys(recurse=True)) == 10
    import_isf(old, new)
    assert {key: len(new.versions(key)) for key in new.keys(recurse=True)} == dict.fromkeys(old.keys(recurse=True), 1)
    assert not isfdb.verify(new).serious


def test_what_cannot_be_read_is_kept_and_named(tmp_path: Path, new):
    made = make_database(tmp_path / "made")
    np.save(add_key(made, "no_spec", None) / "np.npy", np.arange(3))
    (add_key(made, "foreign", "my_lab.to_hdf") / "x.h5").write_text("data")
    add_pickle(made, "torn", 1).joinpath("to_pickle_dump").write_bytes(b"\x80\x02K")
    (add_pickle(made, "isf_object", 1) / "to_pickle_dump").write_bytes(b"\x80\x02csimrun.reduced_model\nModel\nq\x00)\x81q\x01.")
    told = import_isf(isfdb.open(made, trust=True), new)
    assert set(outcomes(told).values()) == {"kept as ISF's files"} and not told.is_complete
    why = {one.key: one.why for one in told}
    assert "there is no Loader.json" in why["no_spec"] and "no loaderdumper 'to_hdf'" in why["foreign"] and "'simrun'" in why["isf_object"]
    assert np.array_equal(np.load(Path(new["no_spec"], "np.npy")), np.arange(3))
    assert Path(new["foreign"], "x.h5").read_text() == "data" and Path(new["foreign"], "Loader.json").exists()
    assert new.entry("torn").path.joinpath("to_pickle_dump").read_bytes() == b"\x80\x02K"
    assert not isfdb.verify(new)


def test_names_that_clash_in_format_1_are_told(tmp_path: Path, new):
    made = make_database(tmp_path / "made")
    for name in ("Rates", "rates"):
        add_pickle(made, name, name)
    told = import_isf(isfdb.open(made, trust=True), new)
    assert told.is_complete and "its key is 'rates (2)' now" in str(told)
    assert {key: new[key] for key in new} == {"Rates": "Rates", "rates (2)": "rates"}
    assert new.metadata["rates (2)"]["copied_from"]["key"] == "rates"
    again = import_isf(isfdb.open(made, trust=True), new)
    assert set(outcomes(again).values()) == {"there already"} and len(new) == 2


def test_a_part_of_a_database_can_be_imported(old, new):
    told = import_isf(old["A"], new)
    assert set(outcomes(told)) == {"1/B", "1/C/1", "leaf", "npz"} and told.is_complete and new["1/C/1"] == 2
    assert new.metadata["leaf"]["copied_from"]["key"] == "leaf" and told.old_id == old["A"].id


def test_empty_sub_databases_come_along(tmp_path: Path, new):
    made = make_database(tmp_path / "made")
    add_key(made, "announced", f"{PREFIX}just_create_isf_db")
    assert import_isf(isfdb.open(made), new).is_complete and new["announced"].keys() == ()


def test_the_older_format_is_imported_too(tmp_path: Path, new):
    record = {"dumper": "self", "time": (2019, 2, 5, 1, 2, 3, 1, 36, -1), "conda_list": "numpy 1.16 py38", "history": "x = 1\nmdb['a'] = x"}
    folder = make_model_database(tmp_path / "model", {"a": 1, "B@2": [1.5]}, {}, {"a": record})
    assert import_isf(isfdb.open(folder, trust=True), new).is_complete
    told = new.metadata["a"]
    assert (new["a"], new["B/2"], told["module_list"], told["time"][:3]) == (1, [1.5], "numpy 1.16 py38", [2019, 2, 5])
    assert told["history"] == record["history"] and new.entry("a").newest.created.year == 2019


def test_other_databases_are_refused(old, new, tmp_path: Path):
    with pytest.raises(OptionError, match="was not written by ISF"):
        import_isf(new, new)
    with pytest.raises(ReadOnlyError, match="cannot import"):
        import_isf(old, isfdb.open(copy_of_real(tmp_path / "second")))


# As a user types it ----------------------------------------------------------------------------------------------------------------


def run(*words: str, capsys) -> tuple[int, str]:
    from isfdb.cli.main import main

    status = main(["import", *words])
    return status, capsys.readouterr().out


def test_the_command_reports_and_says_by_its_status_whether_all_is_there(tmp_path: Path, capsys):
    made = make_database(tmp_path / "made")
    add_pickle(made, "key", 1)
    status, out = run(str(made), str(tmp_path / "new"), capsys=capsys)
    assert status == 1 and "kept as ISF's files" in out and "--trust" in out
    status, out = run(str(made), str(tmp_path / "new"), "--trust", capsys=capsys)
    assert status == 0 and "1 copied" in out
    status, out = run(str(made), str(tmp_path / "new"), "--trust", "--json", capsys=capsys)
    told = json.loads(out)
    assert status == 0 and told["counts"] == {"there already": 1} and told["keys"][0]["stored_by"] == "to_json"
    assert told["from"]["path"] == str(made) and told["database"]["path"] == str(tmp_path / "new")
    assert run(str(tmp_path / "new"), str(tmp_path / "other"), capsys=capsys)[0] == 2
    assert run(str(made), str(made / "inside"), capsys=capsys)[0] == 2
    assert sorted(os.listdir(made)) == ["db_state.json", "key"]


def test_who_reads_meanwhile_sees_whole_values_only(old, new):
    """A reader is let in at each call below the new database, so it looks between all steps of the import."""
    plain = [key for key in old.keys(recurse=True) if key in ("default_dict", "default_list", "nested")] or list(old.keys(recurse=True))[:3]
    reader, wrong, seen = isfdb.open(new.path, "r", trust=True), [], set()

    def look(*_: object) -> None:
        for key in reader.keys(recurse=True):
            if key not in seen:
                seen.add(key)
                try:
                    assert_identical(reader.entry(key).newest.number, 1, key)
                    if key in plain:
                        assert_identical(reader[key], old[key], key)
                except (AssertionError, isfdb.errors.IsfdbError) as error:
                    wrong.append(f"{key}: {error}")

    calls = LookedAt(look)
    target = Database(LocalStorage(new.path, calls=calls), read_identity(LocalStorage(new.path)), durability="full")
    import_isf(old, target)
    look()
    assert not wrong
    assert calls.n_looks > 100
    assert seen == set(new.keys(recurse=True))


class LookedAt(FileCalls):
    """Lets somebody look before every call."""

    def __init__(self, look: Callable[[], None]) -> None:
        self.n_looks = 0
        self._look = look

    def __getattribute__(self, name: str) -> Any:
        if not name.startswith("_") and name != "n_looks":
            self.n_looks += 1
            self._look()
        return super().__getattribute__(name)
