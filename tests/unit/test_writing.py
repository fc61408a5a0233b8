"""Writing: a failed save leaves no trace but its error, whatever fails and wherever."""

from __future__ import annotations

import json
import os
import types
from pathlib import Path

import numpy as np
import pytest

import isfdb
from isfdb import plugins
from isfdb.errors import DumpError, IsfdbError, MissingDependencyError, PickleWarning, ReadOnlyError


def files_below(path: str) -> dict[str, bytes]:
    return {
        str(file.relative_to(path)): file.read_bytes() for file in Path(path).rglob("*") if file.is_file() and ".isfdb" not in file.parts
    }


def dumper(dump, name: str = "to_trouble", **facts: object) -> types.ModuleType:
    module = types.ModuleType(name)
    module.check = lambda obj: False
    module.dump = dump
    module.Loader = type("Loader", (), {"get": lambda self, savedir: None})
    for fact, value in facts.items():
        setattr(module, fact, value)
    return module


def half_way(obj, savedir):
    Path(savedir, "data.bin").write_bytes(b"half")
    raise ValueError("half way")


def needs_a_library(obj, savedir):
    raise ModuleNotFoundError("No module named 'fancy'", name="fancy")


def links(obj, savedir):
    os.symlink("/etc/passwd", f"{savedir}/data")


def pipes(obj, savedir):
    os.mkfifo(f"{savedir}/data")


def writes_our_record(obj, savedir):
    Path(savedir, "metadata.json").write_text("{}")


def no_json(obj, savedir):
    return {"array": np.arange(3)}


def nan(obj, savedir):
    return {"value": float("nan")}


@pytest.mark.parametrize(
    ("dump", "error", "words"),
    [
        (half_way, DumpError, "failed on a builtins.int with ValueError: half way"),
        (needs_a_library, MissingDependencyError, "needs fancy, which is not installed"),
        (links, DumpError, "neither a file nor a folder"),
        (pipes, DumpError, "neither a file nor a folder"),
        (writes_our_record, DumpError, "a name that isfdb keeps for itself"),
        (no_json, DumpError, "no plain JSON"),
        (nan, DumpError, "no plain JSON"),
    ],
)
def test_a_dumper_that_fails_leaves_the_old_value(db, dump, error, words):
    db["k"] = 1
    before = files_below(db.path)
    for key in ("k", "new", "cells/new"):
        with pytest.raises(error, match=words):
            db.set(key, 2, dumper=registered(dumper(dump)))
    assert {name: data for name, data in files_below(db.path).items() if "cells" not in name} == before
    assert db["k"] == 1 and "new" not in db
    assert not isfdb.verify(db).serious and os.listdir(f"{db.path}/.isfdb/staging") == []


def registered(module: types.ModuleType) -> str:
    plugins.unregister_loaderdumper(module.__name__)
    return plugins.register_loaderdumper(module)


def test_a_keyboard_interrupt_leaves_the_old_value(db):
    def interrupt(obj, savedir):
        raise KeyboardInterrupt

    db["k"] = 1
    with pytest.raises(KeyboardInterrupt):
        db.set("k", 2, dumper=registered(dumper(interrupt)))
    assert db["k"] == 1 and not isfdb.verify(db)


def test_a_module_that_writes_its_own_spec_is_accepted_as_in_isf(db):
    def dump(obj, savedir):
        Path(savedir, "Loader.json").write_text(json.dumps({"Loader": "data_base.IO.LoaderDumper.to_own", "text": obj}))

    module = dumper(dump, "to_own")
    module.Loader = type("Loader", (), {"__init__": lambda self, text: setattr(self, "text", text), "get": lambda self, savedir: self.text})
    db.set("k", "hello", dumper=registered(module))
    assert db["k"] == "hello" and not isfdb.verify(db)


def test_a_dumper_may_be_given_as_name_or_module(db):
    from loaderdumpers import to_json

    for given in ("to_json", "loaderdumpers.to_json", to_json):
        assert db.set("k", 1, dumper=given).dumper == "to_json"


def test_nested_files_and_odd_names_are_kept_and_verified(db):
    def dump(obj, savedir):
        os.makedirs(f"{savedir}/a/b")
        for name in ("a/b/c d.txt", "a/Größe", "x"):
            Path(savedir, name).write_text(name)

    db.set("k", 0, dumper=registered(dumper(dump)))
    assert set(db.metadata["k"]["files"]) == {"Loader.json", "a/b/c d.txt", "a/Größe", "x"}
    assert not isfdb.verify(db)


def test_what_only_pickle_can_keep_is_announced(db):
    with pytest.warns(PickleWarning, match="no open format"):
        db["k"] = print
    assert db["k"] is print
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        db.set("k", {3}, dumper="to_cloudpickle")  # who asks for it by name knows


def test_a_lazily_read_array_stays_right_when_overwritten(db):
    db["a"] = np.arange(1000)
    lazy = db.get("a", mmap="r")
    db["a"] = lazy * 2
    assert lazy[10] == 10 and db["a"][10] == 20


def test_a_lazily_read_dask_frame_can_be_overwritten_with_one_derived_from_itself(db):
    pandas = pytest.importorskip("pandas")
    import dask.dataframe as dd

    db["frame"] = dd.from_pandas(pandas.DataFrame({"x": range(20)}), npartitions=4)
    db["frame"] = db["frame"].assign(y=lambda frame: frame.x * 2)
    assert db["frame"].compute().y.tolist() == [2 * x for x in range(20)]
    assert not isfdb.verify(db)


def test_an_unwritable_folder_is_a_read_only_error(db):
    db["a"] = 1
    if os.geteuid() == 0:  # root may write anywhere, so a file stands where a folder is needed
        import shutil

        shutil.rmtree(f"{db.path}/.isfdb/staging")
        Path(db.path, ".isfdb/staging").write_text("in the way")
        with pytest.raises(IsfdbError, match="cannot write 'b'"):
            db["b"] = 2
    else:
        os.chmod(f"{db.path}/.isfdb/staging", 0o500)
        with pytest.raises(ReadOnlyError, match="may not be written"):
            db["b"] = 2
        os.chmod(f"{db.path}/.isfdb/staging", 0o700)
    assert db["a"] == 1


def test_statistics_are_noted_only_where_asked_for(db) -> None:
    module = dumper(lambda obj, savedir: None, summarise=lambda obj: {"min": min(obj)})
    plugins.register_loaderdumper(module, "to_nothing")
    try:
        db.set("plain", [3, 1], dumper="to_nothing")
        db.set("asked", [3, 1], dumper="to_nothing", statistics=True)
        with isfdb.set_options(statistics=True):
            db.set("by setting", [3, 1], dumper="to_nothing")
            db["of a loaderdumper that knows none"] = {"a": 1}
    finally:
        plugins.unregister_loaderdumper("to_nothing")
    assert "statistics" not in db.entry("plain").describe
    assert db.entry("asked").describe["statistics"] == {"min": 1}
    assert db.entry("by setting").describe["statistics"] == {"min": 1}
    assert db.entry("of a loaderdumper that knows none").describe["statistics"] == {}


def test_statistics_that_fail_never_cost_a_save(db) -> None:
    module = dumper(lambda obj, savedir: None, summarise=lambda obj: {"min": object()})
    plugins.register_loaderdumper(module, "to_nothing")
    try:
        db.set("a", 1, dumper="to_nothing", statistics=True)
    finally:
        plugins.unregister_loaderdumper("to_nothing")
    assert "summarise failed with TypeError" in db.entry("a").describe["statistics"]["unknown"]
