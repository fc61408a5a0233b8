"""Parts: a value whose parts go to other loaderdumpers; a part that runs code makes the whole one that must be trusted."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import isfdb
from isfdb import parts, plugins
from isfdb.errors import ChecksumMismatchError, CorruptVersionError, DumpError, MissingDependencyError, UntrustedDataError
from isfdb.options import set_options


class _Pair(list):
    """Two values of any kinds: the simplest value with parts."""


class _PairLoader:
    def __init__(self, *, pair: list[dict[str, Any]]) -> None:
        self._pair = pair

    def get(self, savedir: str) -> _Pair:
        return _Pair(parts.load_part(spec, f"{savedir}/part-{place}") for place, spec in enumerate(self._pair))


def _dump_pair(obj: _Pair, savedir: str) -> dict[str, Any]:
    return {"pair": [parts.dump_part(member, f"{savedir}/part-{place}") for place, member in enumerate(obj)]}


@pytest.fixture(autouse=True)
def pair_to_parts():
    module = SimpleNamespace(check=lambda obj: type(obj) is _Pair, dump=_dump_pair, Loader=_PairLoader, priority=5, has_parts=True)
    plugins.register_loaderdumper(module, "pair_to_parts")
    yield module
    plugins.unregister_loaderdumper("pair_to_parts")


def _as_a_stranger_sees_it(db: Any, tmp_path: Path) -> Any:
    return set_options(data_folder=tmp_path / "somebody else"), isfdb.open(db.path, mode="r")


def test_parts_come_back_through_their_own_loaderdumpers(db: Any) -> None:
    import numpy as np

    db["pair"] = _Pair([np.arange(3), {"a": 1}])
    array, plain = db["pair"]
    assert array.tolist() == [0, 1, 2]
    assert plain == {"a": 1}
    assert sorted(os.listdir(db.entry("pair").path)) == ["Loader.json", "metadata.json", "part-0"]  # small JSON needs no file
    assert not isfdb.verify(db)


def test_values_with_open_parts_load_for_everybody(db: Any, tmp_path: Path) -> None:
    db["pair"] = _Pair([1, b"bytes"])
    assert "signature" not in db.metadata["pair"]
    options, stranger = _as_a_stranger_sees_it(db, tmp_path)
    with options:
        assert stranger["pair"] == [1, b"bytes"]


def test_a_part_that_runs_code_loads_only_for_whoever_stored_it(db: Any, tmp_path: Path) -> None:
    db["pair"] = _Pair([1, print])
    assert db["pair"] == [1, print]
    options, stranger = _as_a_stranger_sees_it(db, tmp_path)
    with options, pytest.raises(UntrustedDataError, match="runs code"):
        stranger["pair"]


def test_a_changed_pickle_in_a_part_is_not_run(db: Any) -> None:
    db["pair"] = _Pair([1, print])
    path = Path(db.entry("pair").path, "part-1", "data.pickle")
    path.write_bytes(path.read_bytes().replace(b"print", b"input"))
    with pytest.raises(ChecksumMismatchError, match=r"part-1/data\.pickle is not what was stored"):
        db["pair"]


def test_a_pickle_hidden_from_the_spec_is_not_run(db: Any, tmp_path: Path) -> None:
    """load_part itself refuses, whatever the loaderdumper of the whole does."""
    db.set("f", print, dumper="to_cloudpickle")
    spec = json.loads(Path(db.entry("f").path, "Loader.json").read_text())
    del spec["format"]
    with pytest.raises(UntrustedDataError, match="hidden"):
        parts.load_part(spec, str(db.entry("f").path))
    with parts.allowing_code():
        assert parts.load_part(spec, str(db.entry("f").path)) is print


def test_plain_values_that_look_like_specs_need_no_trust(db: Any, tmp_path: Path) -> None:
    db["pair"] = _Pair([{"Loader": "loaderdumpers.to_pickle"}, 1])
    db["plain"] = {"Loader": "loaderdumpers.to_pickle"}
    options, stranger = _as_a_stranger_sees_it(db, tmp_path)
    with options:
        assert stranger["pair"] == [{"Loader": "loaderdumpers.to_pickle"}, 1]
        assert stranger["plain"] == {"Loader": "loaderdumpers.to_pickle"}


def test_endlessly_nested_specs_are_refused(db: Any) -> None:
    nested: dict[str, Any] = {"Loader": "loaderdumpers.pair_to_parts"}
    for _ in range(parts.MAX_DEPTH + 1):
        nested = {"Loader": "loaderdumpers.pair_to_parts", "pair": [nested]}
    with pytest.raises(CorruptVersionError, match="nested deeper"):
        parts.needs_of("pair_to_parts", nested)


@pytest.mark.parametrize("spec", [{}, {"Loader": 1}, None, []])
def test_a_spec_without_a_loader_is_named_as_damage(spec: Any, tmp_path: Path) -> None:
    with pytest.raises(CorruptVersionError, match="names no Loader"):
        parts.load_part(spec, str(tmp_path))


def test_a_part_cannot_write_its_own_spec(tmp_path: Path) -> None:
    def dump(obj: Any, savedir: str) -> None:
        Path(savedir, "Loader.json").write_text("{}")

    plugins.register_loaderdumper(SimpleNamespace(check=lambda obj: False, dump=dump, Loader=_PairLoader), "writes_its_own")  # type: ignore[arg-type]
    try:
        with pytest.raises(DumpError, match="cannot keep parts"):
            parts.dump_part(1, str(tmp_path / "part"), dumper="writes_its_own")
    finally:
        plugins.unregister_loaderdumper("writes_its_own")


def test_what_is_missing_is_named_with_the_extra_that_brings_it(db: Any, pair_to_parts: Any) -> None:
    pair_to_parts.extra = "pairs"
    db["pair"] = _Pair([1])

    def get(self: Any, savedir: str) -> Any:
        import no_such_library  # noqa: F401

    pair_to_parts.Loader = type("Loader", (_PairLoader,), {"get": get})
    with pytest.raises(
        MissingDependencyError, match=r'needs no_such_library, which is not installed. Install it: pip install "isfdb\[pairs\]"'
    ):
        db["pair"]


@pytest.mark.parametrize("verb", ["store", "load"])
def test_a_library_that_is_too_old_is_named(verb: str, db: Any, pair_to_parts: Any) -> None:
    db["pair"] = _Pair([1])

    def fails(*_: Any) -> Any:
        raise AttributeError("no such function in this version")

    pair_to_parts.requires = {"numpy": "999.5", "no_such_library": "1"}
    if verb == "store":
        pair_to_parts.dump = fails
    else:
        pair_to_parts.Loader = type("Loader", (_PairLoader,), {"get": fails})
    with pytest.raises(MissingDependencyError, match=r"needs numpy 999.5 or newer; .* is installed"):
        db.get("pair") if verb == "load" else db.set("pair", _Pair([2]))


@pytest.mark.parametrize(("fact", "may"), [("mine", True), ("strange", False)])
def test_the_modules_of_classes_may_be_imported_only_where_the_version_is_mine(
    fact: str, may: bool, db: Any, pair_to_parts: Any, tmp_path: Path
) -> None:
    pair_to_parts.imports_classes = True
    pair_to_parts.Loader = type("Loader", (_PairLoader,), {"get": lambda self, savedir: parts.code_may_run()})
    db["pair"] = _Pair([1])
    copy = tmp_path / "copy"
    shutil.copytree(db.path, copy)
    if fact == "mine":
        assert isfdb.open(copy, mode="r")["pair"] is may
    else:
        with set_options(data_folder=tmp_path / "somebody else"):
            assert isfdb.open(copy, mode="r")["pair"] is may
