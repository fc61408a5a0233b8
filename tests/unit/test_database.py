"""The dictionary: keys, versions, sub-databases, deletion, batches, handles."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import isfdb
from isfdb.errors import (
    ConflictError,
    DatabaseGoneError,
    DumpError,
    KeyCollisionError,
    KeyExistsError,
    KeyKindError,
    KeyNotFoundError,
    OptionError,
    ReadOnlyError,
    UnknownLoaderdumperError,
    VersionGoneError,
    VersionNotFoundError,
)


def names_on_disk(path: str) -> set[str]:
    return {os.path.relpath(os.path.join(folder, name), path) for folder, _, names in os.walk(path) for name in names}


def test_a_value_comes_back_in_another_process(db):
    db["rates"] = {"mean": 1.5, "n": 3}
    code = f"import isfdb; print(isfdb.open({db.path!r}, 'r')['rates'])"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "{'mean': 1.5, 'n': 3}"


def test_it_is_a_dictionary(db):
    db.update({"a": 1, "b": [2]})
    assert dict(db.items()) == {"a": 1, "b": [2]}
    assert list(db) == ["a", "b"]
    assert len(db) == 2
    assert "a" in db and "c" not in db
    assert db.pop("a") == 1
    assert db.setdefault("b", 0) == [2]
    assert db.get("a") is None and db.get("a", 7) == 7
    with pytest.raises(KeyNotFoundError, match="no key 'a'"):
        db["a"]


def test_tuple_slash_and_nested_keys_are_one(db):
    db["cells", "L5PT"] = 1
    assert db["cells/L5PT"] == db["cells"]["L5PT"] == 1
    db["cells"]["L5PT"] = 2
    assert db["cells", "L5PT"] == 2
    assert db.keys() == ("cells",)
    assert db.keys(recurse=True) == ("cells/L5PT",)
    assert db["cells"].prefix == "cells" and db["cells"].root == db


def test_a_value_and_a_sub_database_cannot_share_a_name(db):
    db["A"] = 1
    with pytest.raises(KeyKindError, match="value is, or was"):
        db["A", "x"] = 2
    db["B", "1"] = 1
    with pytest.raises(KeyKindError, match="sub-database has that name"):
        db["B"] = 2
    with pytest.raises(KeyKindError, match="value is, or was"):
        db["B", "1", "2"] = 3
    assert db.keys(recurse=True) == ("A", "B/1")


def test_a_key_derived_from_itself_can_be_overwritten(db):
    db["k"] = np.arange(4)
    db["k"] = db["k"] + 1
    assert db["k"].tolist() == [1, 2, 3, 4]


def test_old_versions_stay_readable(db):
    for value in (10, 20, 30):
        db["k"] = value
    assert [version.number for version in db.versions("k")] == [1, 2, 3]
    assert db.get("k", version=1) == 10
    assert db.get("k", version=db.versions("k")[1].digest) == 20
    assert db.get("k", version=db.versions("k")[1].created) == 20
    with pytest.raises(VersionNotFoundError, match="has no version 9"):
        db.get("k", version=9)
    with pytest.raises(OptionError, match="is no number, date or digest"):
        db.get("k", version=1.5)


def test_deleting_leaves_a_tombstone_and_numbers_go_on(db):
    db["k"] = 1
    del db["k"]
    assert "k" not in db and db.keys() == () and os.path.exists(f"{db.path}/k.deleted")
    with pytest.raises(KeyNotFoundError, match="it was deleted"):
        db["k"]
    with pytest.raises(KeyNotFoundError, match="cannot delete"):
        del db["k"]
    assert db.get("k", version=1) == 1
    with pytest.raises(VersionGoneError, match="is its deletion"):
        db.get("k", version=2)
    db["k"] = 3
    assert [(version.number, version.deleted) for version in db.versions("k")] == [(1, False), (2, True), (3, False)]
    assert not os.path.exists(f"{db.path}/k.deleted")
    assert db.keys() == ("k",)


def test_expected_version_refuses_when_somebody_came_first(db):
    assert db.set("k", 1, expected_version=0).number == 1
    assert db.set("k", 2, expected_version=1).number == 2
    with pytest.raises(ConflictError, match="expected at version 1 and is at 2") as caught:
        db.set("k", 3, expected_version=1)
    assert (caught.value.expected, caught.value.found) == (1, 2)
    del db["k"]
    assert db.set("k", 4, expected_version=0).number == 4


def test_overwrite_false_refuses_and_changes_nothing(db):
    db["k"] = 1
    before = names_on_disk(db.path)
    with pytest.raises(KeyExistsError, match="holds version 1"):
        db.set("k", 2, overwrite=False)
    assert db["k"] == 1 and names_on_disk(db.path) == before


def test_names_that_differ_only_in_case_clash(db):
    db["Rates"] = 1
    with pytest.raises(KeyCollisionError, match="only in upper and lower case"):
        db["rates"] = 2
    with pytest.raises(KeyCollisionError, match="only in upper and lower case"):
        db["rates", "x"] = 2
    db.rename("Rates", "other")
    del db["other"]
    with pytest.raises(KeyCollisionError):
        db["Other"] = 1


@pytest.mark.parametrize(
    ("action", "error"),
    [
        (lambda db: db.set("q", 1, dumper="nonesuch"), UnknownLoaderdumperError),
        (lambda db: db.set("q", 1, dumper="to_json", nonesuch=1), OptionError),
        (lambda db: db.get("k", nonesuch=1), OptionError),
        (lambda db: db.__setitem__("", 1), ValueError),
        (lambda db: db.__setitem__(3, 1), TypeError),
        (lambda db: db.__setitem__("k.key/v000001/x/..", 1), ValueError),
        (lambda db: db.entry("nope"), KeyError),
        (lambda db: db.versions("nope"), KeyError),
        (lambda db: db.attributes["nope"], KeyError),
        (lambda db: db.rename("nope", "x"), KeyError),
        (lambda db: db.copy("nope", "x"), KeyError),
        (lambda db: db.rename("k", "j"), KeyExistsError),
    ],
)
def test_a_refused_call_changes_nothing_on_disk(db, action, error):
    db["k"], db["j"] = 1, 2
    before = names_on_disk(db.path)
    with pytest.raises(error):
        action(db)
    assert names_on_disk(db.path) == before
    assert db["k"] == 1


def test_a_key_named_like_a_folder_of_isfdb_stays_inside(db):
    db["rates"] = 1
    for key in ("rates.key", "x.deleted", ".stage-1", "v000001", "Loader.json", "~root", "$HOME", "%s", "{x}"):
        db[key] = key
    assert {db[key] for key in db.keys() if key != "rates"} == set(db.keys()) - {"rates"}
    assert db["rates"] == 1
    assert not isfdb.verify(db)


def test_rename_keeps_versions_and_attributes(db):
    db["a"] = 1
    db["a"] = 2
    db.attributes["a"]["unit"] = "Hz"
    db.rename("a", "cells/b")
    assert db.keys(recurse=True) == ("cells/b",)
    assert [version.number for version in db.versions("cells/b")] == [1, 2]
    assert db.attributes["cells/b"]["unit"] == "Hz"
    db["a"] = 9
    assert db.versions("a")[-1].number == 4  # 1 and 2 moved on, 3 is the tombstone
    db.rename("a", "c")
    db.rename("cells/b", "a")  # onto a name that was used before
    assert db["a"] == 2 and db["c"] == 9
    assert not isfdb.verify(db)


def test_a_sub_database_can_be_renamed_moved_out_and_opened_alone(db, tmp_path):
    db["cells/L5"] = 1
    db.rename("cells", "neurons")
    assert db["neurons/L5"] == 1 and db.keys() == ("neurons",)
    os.rename(f"{db.path}/neurons", tmp_path / "alone")
    alone = isfdb.open(tmp_path / "alone")
    assert alone["L5"] == 1 and alone.root == alone
    assert {finding.kind for finding in isfdb.verify(alone)} <= {"missing record"}


def test_opening_a_sub_database_finds_its_root(db):
    db["cells/deep/L5"] = 1
    sub = isfdb.open(f"{db.path}/cells/deep")
    assert sub["L5"] == 1 and sub.root == db and sub.prefix == "cells/deep"
    sub["L6"] = 2
    assert db["cells/deep/L6"] == 2
    assert not os.path.exists(f"{db.path}/cells/deep/.isfdb")


def test_copy_keeps_the_digest_and_says_where_it_came_from(db):
    db["a"] = np.arange(10.0)
    version = db.copy("a", "b")
    assert np.array_equal(db["b"], db["a"])
    assert version.digest == db.entry("a").newest.digest
    assert db.metadata["b"]["copied_from"]["key"] == "a"
    assert not isfdb.verify(db)


def test_maybe_calculate_calls_once(db):
    calls = []
    for _ in range(2):
        assert db.maybe_calculate("k", lambda: calls.append(1) or 5) == 5
    assert calls == [1]


def test_a_managed_folder_is_its_path(db):
    folder = db.create_managed_folder("raw")
    Path(folder, "file.txt").write_text("mine")
    assert os.listdir(db["raw"]) and Path(db["raw"], "file.txt").read_text() == "mine"
    with pytest.raises(KeyExistsError):
        db.create_managed_folder("raw")
    assert str(db.create_managed_folder("raw", raise_=False)) == str(folder)
    found = isfdb.verify(db)
    assert not found and found.unvouched == ("raw v1",)


def test_create_sub_db_gives_the_one_that_is_there(db):
    assert db.create_sub_db("cells") == db.create_sub_db("cells")
    assert db.is_sub_db("cells") and not db.is_sub_db("other")
    assert "cells" in db and len(db["cells"]) == 0


def test_a_batch_publishes_every_key(db):
    with db.batch():
        for number in range(40):
            db[f"k{number:02}"] = number
        db["k00"] = 100
        assert not os.path.exists(f"{db.path}/k39.key")
    assert db.keys() == tuple(f"k{number:02}" for number in range(40))
    assert db["k00"] == 100 and db.get("k00", version=1) == 0
    assert not isfdb.verify(db)


def test_reading_inside_a_batch_publishes_first(db):
    with db.batch():
        db["a"] = 1
        assert db["a"] == 1
        db["b"] = 2
        assert "b" in db and db.keys() == ("a", "b")


def test_an_error_inside_a_batch_keeps_what_was_stored(db):
    with pytest.raises(ZeroDivisionError), db.batch():
        db["a"] = 1
        _ = 1 / 0
    assert db["a"] == 1


def test_a_handle_survives_pickling_and_a_move(db, tmp_path):
    db["cells/a"] = 1
    pickled = pickle.dumps(db["cells"])
    assert pickle.loads(pickled)["a"] == 1
    os.rename(db.path, tmp_path / "moved")
    isfdb.open(tmp_path / "moved")
    assert pickle.loads(pickled)["a"] == 1


def test_two_handles_have_one_dask_token(db):
    from dask.base import tokenize

    assert tokenize(db) == tokenize(isfdb.open(db.path))


def test_keys_complete(db):
    db["alpha"], db["cells/beta"] = 1, 2
    assert set(db._ipython_key_completions_()) == {"alpha", "cells"}


def test_a_database_deleted_while_open_says_so(db):
    db["a"] = 1
    os.rename(db.path, f"{db.path}-elsewhere")
    for action in (lambda: db.keys(), lambda: db.set("b", 1), lambda: db.entry("a")):
        with pytest.raises(DatabaseGoneError, match="gone"):
            action()


def test_reading_mode_refuses_every_write(db):
    db["a"] = 1
    reader = isfdb.open(db.path, "r")
    assert reader["a"] == 1
    actions = (
        lambda: reader.set("b", 1),
        lambda: reader.pop("a"),
        lambda: reader.rename("a", "b"),
        lambda: reader.copy("a", "b"),
        lambda: reader.create_sub_db("c"),
        lambda: reader.attributes["a"].update(x=1),
        lambda: reader.collect(),
        lambda: reader.remove(),
    )
    for action in actions:
        with pytest.raises(ReadOnlyError, match="opened for reading"):
            action()


def test_opening_and_reading_write_nothing(db):
    db["a"], db["cells/b"] = 1, np.arange(3)
    db["a"] = 2
    before = {name: os.stat(f"{db.path}/{name}").st_mtime_ns for name in names_on_disk(db.path)}
    again = isfdb.open(db.path)
    _ = again["a"], again["cells/b"], again.keys(recurse=True), repr(again), again.entry("a").versions, dict(again.metadata["a"])
    isfdb.verify(again)
    assert {name: os.stat(f"{db.path}/{name}").st_mtime_ns for name in names_on_disk(db.path)} == before


def test_remove_deletes_the_folder(db):
    db["a"] = 1
    db.remove()
    assert not os.path.exists(db.path)


def test_set_returns_the_version_and_takes_attributes(db):
    version = db.set("rates", [1, 2], attributes={"unit": "Hz"})
    assert (version.number, version.dumper, version.deleted) == (1, "to_json", False)
    assert db.attributes["rates"]["unit"] == "Hz"
    assert isfdb.load(version.link) == [1, 2]


def test_a_path_given_to_the_class_is_sent_to_open(tmp_path):
    with pytest.raises(OptionError, match=r"opened, not constructed: isfdb\.open\('results'\)"):
        isfdb.Database("results")


def test_a_sub_database_is_not_copied_as_a_key(db):
    db["cells/a"] = 1
    with pytest.raises(KeyKindError, match="'cells' is a sub-database"):
        db.copy("cells", "more")
    assert list(db) == ["cells"]


def test_maybe_calculate_takes_a_function(db):
    with pytest.raises(OptionError, match="takes a function that makes the value, as lambda: 42, not 42"):
        db.maybe_calculate("answer", 42)


def test_an_error_of_the_function_is_shown_alone(db):
    with pytest.raises(ZeroDivisionError, match="by zero") as raised:
        db.maybe_calculate("answer", lambda: 1 / 0)
    assert raised.value.__context__ is None


def test_metadata_says_which_names_it_has(db):
    db["rates"] = 1
    with pytest.raises(KeyNotFoundError, match=r"of 'rates' has no 'tymo'.* It has .*dumper.*, time"):
        db.metadata["rates"]["tymo"]
    assert db.metadata["rates"].get("tymo") is None


def test_metadata_and_attributes_of_all_keys_say_how_they_are_used(db):
    db["rates"] = 1
    assert "db.metadata[key]" in repr(db.metadata)
    assert "db.attributes[key]" in repr(db.attributes)


def test_a_text_that_names_no_version_is_told_what_does(db):
    db["rates"] = 1
    with pytest.raises(OptionError, match="is no number, date or digest"):
        db.get("rates", version="first")


def test_a_managed_folder_is_not_made_twice_and_says_why(db):
    db.create_managed_folder("raw")
    with pytest.raises(KeyExistsError, match="'raw' holds version 1 already, and is not to be overwritten"):
        db.create_managed_folder("raw")


def test_attaching_what_is_not_there_names_the_path(db, tmp_path):
    with pytest.raises(DumpError, match=r"there is no file or folder '.*nowhere\.pdf' to attach.* Nothing was changed"):
        db.attach("paper", tmp_path / "nowhere.pdf")
    assert list(db) == []


def test_attributes_that_cannot_be_noted_store_nothing(db):
    with pytest.raises(OptionError, match="cannot note 'unit' about 'rates'"):
        db.set("rates", 1, attributes={"unit": object()})
    assert list(db) == []


def test_nothing_is_calculated_for_a_database_that_cannot_keep_it(db):
    calls = []
    with pytest.raises(ReadOnlyError, match="cannot store 'answer'"):
        isfdb.open(db.path, mode="r").maybe_calculate("answer", lambda: calls.append(1))
    assert calls == []


def test_a_renamed_key_says_what_it_is_called_now(db):
    db["old"] = 1
    db.rename("old", "new")
    with pytest.raises(KeyNotFoundError, match="it was renamed to 'new'"):
        db["old"]


def test_a_version_may_be_any_whole_number(db):
    db["rates"] = 1
    assert db.get("rates", version=np.int64(1)) == 1
    for wrong in (True, 1.0, db.versions("rates")[0]):
        with pytest.raises(OptionError, match="is no number, date or digest"):
            db.get("rates", version=wrong)
