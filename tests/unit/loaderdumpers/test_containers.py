"""What containers_to_parts does beyond the contract: files, parts, laziness, classes, trust, and files that somebody changed."""

from __future__ import annotations

import enum
import importlib
import json
import os
import shutil
import subprocess
import sys
import textwrap
import threading
import types
import warnings
from dataclasses import make_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import isfdb
from isfdb.errors import ChecksumMismatchError, DumpError, LoadError, PickleWarning, UntrustedDataError
from isfdb.options import set_options
from isfdb.parts import allowing_code
from isfdb.plugins import register_loaderdumper, unregister_loaderdumper
from isfdb.testing import assert_identical
from loaderdumpers import containers_to_parts, python_to_json, to_json
from tests.contracts.kept import _user_classes as own

FRAME = pd.DataFrame({"rate": [1.0, 2.0], "cell": ["a", "b"]})


def files_of(db: Any, key: str) -> list[str]:
    folder = Path(db.entry(key).path)
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file() and path.name != "metadata.json")


def write(folder: Path, skeleton: Any, parts: dict[str, Any] | None = None, classes: list[str] | None = None) -> containers_to_parts.Loader:
    (folder / "data.json").write_text(json.dumps(skeleton))
    return containers_to_parts.Loader(parts=parts or {}, classes=classes)


# Files ---------------------------------------------------------------------------------------------------------------------------


def test_each_part_lies_in_its_own_format_under_the_name_of_its_place(db: Any) -> None:
    db["results"] = {"rates": FRAME, "cells": [{"trace": np.arange(3)}, "no trace"], "note": "é"}
    assert files_of(db, "results") == ["Loader.json", "cells-0-trace/data.npy", "data.json", "rates/data.parquet"]
    path = Path(db.entry("results").path)
    assert_identical(pd.read_parquet(path / "rates" / "data.parquet")["rate"].to_numpy(), FRAME["rate"].to_numpy())
    assert json.loads((path / "data.json").read_text()) == {
        "rates": {"$part": "rates"},
        "cells": [{"trace": {"$part": "cells-0-trace"}}, "no trace"],
        "note": "é",
    }
    assert "signature" in db.metadata["results"]  # with it the user's own classes may be imported
    assert not isfdb.verify(db)


def test_names_never_escape_and_never_clash(db: Any) -> None:
    array = [np.full(1, place) for place in range(12)]
    names = ["../../x", "..", "/etc/passwd", "con", "NUL.txt", "Rates", "rates", "RATES", "a" * 300, "\u212b", "\xc5", "", "x\0y"]
    db["odd"] = dict(zip(names, array, strict=False))
    assert_identical(db["odd"], dict(zip(names, array, strict=False)))
    folders = [name for name in os.listdir(db.entry("odd").path) if "." not in name]
    assert len({name.casefold() for name in folders}) == 12
    assert all(name.replace("-", "_").isidentifier() or name[0].isdigit() for name in folders), folders


def test_many_small_arrays_share_a_file(db: Any) -> None:
    pytest.importorskip("loaderdumpers.numpy_to_npz")
    arrays = [np.full(3, place) for place in range(3000)]
    db["arrays"] = {"small": arrays, "large": np.zeros(2**18), "bytes": b"b" * 5000}
    assert files_of(db, "arrays") == ["Loader.json", "arrays/data.npz", "data.json", "large/data.npy"]
    assert_identical(db["arrays"]["small"], arrays)
    assert_identical(db.get("arrays", part=["small", 77]), arrays[77])
    assert_identical(db.get("arrays", part="bytes"), b"b" * 5000)
    with np.load(Path(db.entry("arrays").path) / "arrays" / "data.npz", allow_pickle=False) as found:
        assert_identical(found["small-77"], arrays[77])
    db.set("apart", {"small": arrays[:20]}, pool_below=0, dumper="containers_to_parts")
    assert len(files_of(db, "apart")) == 22


def test_too_many_parts_are_refused_before_anything_is_written(db: Any) -> None:
    with pytest.raises(DumpError, match=r"30 parts that need a folder each.*29.*29 are the limit.*pandas\.concat"):
        db.set("frames", [FRAME] + [FRAME.copy() for _ in range(29)], dumper="containers_to_parts", most_parts=29)
    assert "frames" not in db


def test_an_object_met_twice_is_stored_once_and_comes_back_as_one(db: Any) -> None:
    trace = np.arange(3)
    members = [1, 2]
    db["shared"] = {"a": trace, "b": [trace], "c": members, "d": members}
    back = db["shared"]
    assert back["a"] is back["b"][0]
    assert len(files_of(db, "shared")) == 3
    assert back["c"] == back["d"] and back["c"] is not back["d"]  # containers become copies


def test_a_dict_that_another_thread_changes_is_never_paired_wrongly(tmp_path: Path) -> None:
    shared = {place: (place, np.full(1, place)) for place in range(200)}
    goes_on = True

    def change() -> None:
        place = 200
        while goes_on:
            shared.pop(place - 200, None)
            shared[place] = (place, np.full(1, place))
            place += 1

    thread = threading.Thread(target=change)
    thread.start()
    outcomes = []
    try:
        for attempt in range(20):
            folder = tmp_path / str(attempt)
            folder.mkdir()
            try:
                arguments = containers_to_parts.dump(shared, str(folder))
            except (RuntimeError, TypeError) as error:  # the size changed meanwhile: a clear error, nothing published
                outcomes.append(str(error))
                continue
            found = containers_to_parts.Loader(**arguments).get(str(folder))
            outcomes.append(all(key == number == array[0] for key, (number, array) in found.items()))
    finally:
        goes_on = False
        thread.join()
    assert all(outcome is True or "changed" in outcome for outcome in outcomes), outcomes


def test_references_that_multiply_what_there_is_are_left_to_pickle() -> None:
    """A list of a hundred thousand members, named a hundred thousand times, is one list for pickle and ten thousand million for JSON."""
    long = list(range(100_000))
    for module in (to_json, python_to_json, containers_to_parts):
        assert module.check([long] * 5 + [[1]])
        assert not module.check([long] * 100_000)
        assert not module.check({"a": [tuple(long)] * 100_000})
    with pytest.raises(TypeError, match="again and again"):
        containers_to_parts.dump([tuple(long)] * 100_000, "")


def test_a_container_that_contains_itself_goes_to_pickle(db: Any) -> None:
    ring: list[Any] = [np.zeros(1)]
    ring.append(ring)
    with pytest.warns(PickleWarning, match="no open format"):
        db["ring"] = ring
    assert db.entry("ring").dumper == "to_cloudpickle"
    with pytest.raises(DumpError, match=r"at \[1\]: it contains itself"):
        db.set("ring", ring, dumper="containers_to_parts")


class Unhashable(type):
    """Makes classes that refuse to be looked up or compared."""

    def _refuse(cls, *_: Any) -> Any:
        raise RuntimeError("refused")

    __eq__ = __hash__ = __getattribute__ = _refuse  # type: ignore[assignment]


def test_looking_is_total_even_where_classes_refuse_to_be_looked_up() -> None:
    odd = Unhashable("Odd", (), {})()
    for value in (odd, [odd], {"a": (odd,)}, (odd,), {1: [1, odd]}):
        assert containers_to_parts.check(value) is False
        assert python_to_json.check(value) is False


# Choosing ------------------------------------------------------------------------------------------------------------------------


def test_the_format_of_a_part_can_be_chosen(db: Any) -> None:
    pytest.importorskip("zarr")
    choices = {
        "stack": {"dumper": "numpy_to_zarr", "chunks": (2, 2)},
        ("cells", 0): "to_cloudpickle",
        ("cells", 1): {"compression": "snappy"},
    }
    db.set("results", {"stack": np.zeros((4, 4)), "cells": [[1, 2], FRAME]}, dumper="containers_to_parts", dumpers=choices)
    assert "cells-0/data.pickle" in files_of(db, "results")
    assert db.get("results", part="stack", part_options={"lazy": True}).chunks == (2, 2)
    assert_identical(db["results"], {"stack": np.zeros((4, 4)), "cells": [[1, 2], FRAME]})
    with pytest.raises(DumpError, match=r"dumpers= names 'stak', \['cells', 7\], and there is nothing"):
        db.set("results", {"cells": [1]}, dumper="containers_to_parts", dumpers={"stak": "to_json", ("cells", 7): "to_json"})


def test_a_part_that_cannot_be_stored_is_named_by_its_place(db: Any) -> None:
    with pytest.raises(DumpError, match=r"its part at \['a'\]\[3\]\.trace, a builtins\.generator, cannot be stored with to_cloudpickle"):
        db["results"] = {"a": [0, 1, 2, own.Recording("r", (number for number in [1]))]}
    with pytest.raises(DumpError, match=r"its part at \['a'\]\[0\], a builtins\.list, cannot be stored with numpy_to_npy"):
        db.set("results", {"a": [[1]]}, dumper="containers_to_parts", dumpers={("a", 0): "numpy_to_npy"})
    assert "results" not in db


def test_a_plug_in_for_a_class_comes_before_its_fields(db: Any) -> None:
    module = types.SimpleNamespace(
        check=lambda obj: type(obj) is own.Condition or (type(obj) is own.Compact and obj.no_such_field),
        dump=lambda obj, savedir: {"frequency": obj.frequency},
        Loader=type(
            "Loader", (), {"__init__": lambda self, *, frequency: vars(self).update(f=frequency), "get": lambda self, _: ("mine", self.f)}
        ),
    )
    register_loaderdumper(module, "condition_to_number")  # type: ignore[arg-type]
    try:
        db["whole"] = own.Condition(1.5)
        db["other"] = [own.Compact(a=1)]
        db["part"] = [own.Condition(2.5)]
        assert (db["whole"], db["part"]) == (("mine", 1.5), [("mine", 2.5)])
    finally:
        unregister_loaderdumper("condition_to_number")


# Reading -------------------------------------------------------------------------------------------------------------------------


def test_one_part_is_read_without_the_others(db: Any) -> None:
    db["results"] = {"rates": FRAME, "cells": (own.Point(np.arange(3), "é"), 5), 2: {"x": np.ones(2)}}
    shutil.rmtree(Path(db.entry("results").path) / "2-x", ignore_errors=True)
    folder = Path(db.entry("results").path)
    loader = containers_to_parts.Loader(
        **{name: one for name, one in json.loads((folder / "Loader.json").read_text()).items() if name in ("parts", "classes")}
    )
    assert_identical(loader.get(str(folder), part="rates"), FRAME)
    assert_identical(loader.get(str(folder), part="rates", part_options={"columns": ["cell"]}), FRAME[["cell"]])
    assert_identical(loader.get(str(folder), part=["cells", 0, "x"]), np.arange(3))
    assert loader.get(str(folder), part=["cells", -1]) == 5
    with pytest.raises(ValueError, match="name it with part="):
        loader.get(str(folder), part_options={"columns": ["cell"]})
    with pytest.raises(ValueError, match=r"there is no part 'rate'; at this place there are"):
        loader.get(str(folder), part="rate")


def test_a_slice_reads_only_the_members_it_names(db: Any) -> None:
    traces = [np.arange(place, place + 100) for place in range(40)]
    value = {"traces": traces, "large": np.arange(2**18), "pair": (1, 2, 3)}
    db["results"] = value
    assert_identical(db.get("results", ("traces", slice(3, 5))), traces[3:5])
    assert_identical(db.get("results", ("traces", 7, slice(0, 3))), traces[7][:3])
    assert_identical(db.get("results", ("large", slice(5, 8))), np.arange(5, 8))
    assert_identical(db.get("results", slice(0, 2), part="pair"), (1, 2))
    with pytest.raises(LoadError, match="have slices"):
        db.get("results", slice(0, 2))


def test_a_lazy_container_loads_what_is_asked_for(db: Any) -> None:
    value = {"rates": FRAME, "cells": [{"trace": np.arange(3)}, (1, np.ones(2))], "one": own.Point(1, np.zeros(1)), "n": 5}
    db["results"] = value
    lazy = db.get("results", lazy=True)
    folder = Path(db.entry("results").path)
    os.rename(folder / "rates", folder / "elsewhere")
    assert repr(lazy) == "<LazyMapping of 4: 'rates', 'cells', 'one', 'n'>"
    assert list(lazy) == list(value) and len(lazy["cells"]) == 2 and "one" in lazy
    assert_identical(lazy["cells"][0]["trace"], np.arange(3))
    assert_identical(lazy["cells"][1:][0].load(), (1, np.ones(2)))
    assert_identical(lazy["one"], value["one"])
    os.rename(folder / "elsewhere", folder / "rates")
    assert_identical(lazy.load(), value)
    assert lazy["cells"][0]["trace"] is not lazy["cells"][0]["trace"]


def test_what_lies_inside_is_described_without_loading(db: Any) -> None:
    db["results"] = {"rates": FRAME, "cells": [np.zeros((3, 4)), {"deep": own.Point(np.ones(2))}], "note": "é"}
    described = db.entry("results").describe
    assert (described["type"], described["length"]) == ("dict", 3)
    assert described["parts"]["['cells'][0]"] == {"type": "ndarray", "shape": [3, 4], "dtype": "float64", "nbytes": 96}
    assert list(described["parts"]) == sorted(["['rates']", "['cells'][0]", "['cells'][1]['deep']['x']"])
    db["many"] = {f"array {place}": np.zeros(1) for place in range(500)}
    assert len(db.entry("many").describe["parts"]) == 20


def test_statistics_of_the_parts_are_noted_when_asked_for(db: Any) -> None:
    db.set("results", {"trace": np.arange(5.0), "note": "é", "model": FRAME}, statistics=True)
    statistics = db.entry("results").describe["statistics"]["parts"]
    assert (statistics["['trace']"]["min"], statistics["['trace']"]["max"]) == (0.0, 4.0)
    assert "['model']" in statistics


def test_a_part_of_ten_thousand_columns_does_not_fill_the_record(db: Any) -> None:
    db["wide"] = {"wide": pd.DataFrame(np.zeros((1, 10_000)))}
    described = db.entry("wide").describe["parts"]["['wide']"]
    assert described["shape"] == [1, 10_000] and "columns" not in described


# Classes -------------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def experiment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A module of the user's that says when it is imported."""
    source = """
        import dataclasses, enum, pathlib
        pathlib.Path(__file__).with_name("imported").touch()

        @dataclasses.dataclass
        class Trial:
            number: int
            trace: object = None

        class Kind(enum.Enum):
            GO = 1
    """
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "my_experiment.py").write_text(textwrap.dedent(source))
    monkeypatch.syspath_prepend(str(tmp_path / "code"))
    import my_experiment

    yield my_experiment
    sys.modules.pop("my_experiment", None)


def forgotten(tmp_path: Path) -> Path:
    sys.modules.pop("my_experiment", None)
    (tmp_path / "code" / "imported").unlink(missing_ok=True)
    return tmp_path / "code" / "imported"


def test_my_own_version_imports_my_classes(db: Any, experiment: Any, tmp_path: Path) -> None:
    db["trials"] = [experiment.Trial(1, np.arange(2)), experiment.Kind.GO]
    imported = forgotten(tmp_path)
    trial, kind = db["trials"]
    assert imported.exists()
    assert (type(trial).__module__, trial.number, kind.name) == ("my_experiment", 1, "GO")


def test_a_module_that_is_gone_is_named(db: Any, experiment: Any, tmp_path: Path) -> None:
    db["trials"] = [experiment.Trial(1)]
    forgotten(tmp_path)
    (tmp_path / "code" / "my_experiment.py").unlink()
    shutil.rmtree(tmp_path / "code" / "__pycache__", ignore_errors=True)
    importlib.invalidate_caches()
    with pytest.raises(LoadError, match=r"Trial of my_experiment, which cannot be imported here \(No module.*plain=True"):
        db["trials"]


def test_a_strangers_version_imports_nothing_but_gives_plain_values(db: Any, experiment: Any, tmp_path: Path) -> None:
    db["trials"] = {"all": [experiment.Trial(1, np.arange(2)), experiment.Kind.GO]}
    imported = forgotten(tmp_path)
    with set_options(data_folder=tmp_path / "somebody else"):
        with pytest.raises(
            LoadError, match=r"dataclass Trial of my_experiment, which is not there: import my_experiment first.*plain=True"
        ):
            db["trials"]
        assert_identical(db.get("trials", plain=True), {"all": [{"number": 1, "trace": np.arange(2)}, 1]})
        assert_identical(db.get("trials", part=["all", 0, "number"]), 1)
        assert not imported.exists()
        import my_experiment

        assert type(db["trials"]["all"][0]) is my_experiment.Trial


def test_a_module_that_loader_json_does_not_name_is_never_imported(tmp_path: Path, experiment: Any) -> None:
    """data.json alone is not covered by the signature's check; the list of classes in Loader.json is."""
    imported = forgotten(tmp_path)
    node = {"$dataclass": "my_experiment:Trial", "fields": {"number": 1, "trace": None}}
    with allowing_code(), pytest.raises(ValueError, match="import my_experiment first"):
        write(tmp_path, node).get(str(tmp_path))
    assert not imported.exists()
    with allowing_code():
        assert write(tmp_path, node, classes=["my_experiment:Trial"]).get(str(tmp_path)).number == 1


def test_a_class_that_changed_is_named(db: Any, experiment: Any) -> None:
    db["trial"] = experiment.Trial(1)
    db["kind"] = experiment.Kind.GO
    experiment.Trial = make_dataclass("Trial", ["number", "other"])
    experiment.Trial.__module__ = "my_experiment"
    with pytest.raises(LoadError, match="has the fields number, other now, and had number, trace"):
        db["trial"]
    experiment.Kind = enum.Enum("Kind", {"GO": 2}, module="my_experiment")
    with pytest.raises(LoadError, match="has no member 'GO' of the value 1 now"):
        db["kind"]
    experiment.Kind = experiment.Trial = int
    for key in ("trial", "kind"):
        with pytest.raises(LoadError, match=r"is no (dataclass|enum) of plain fields, as it was when stored"):
            db[key]


def test_instances_are_made_without_running_their_code(db: Any) -> None:
    db["values"] = values = [own.Guarded(1), own.GuardedPair(1)]
    own.ran.clear()
    back = db["values"]
    assert not own.ran
    assert_identical(back, values)


def test_a_class_of_a_notebook_must_be_defined_first(tmp_path: Path) -> None:
    store = f"""
        import dataclasses, isfdb
        @dataclasses.dataclass
        class Trial:
            number: int
        db = isfdb.open({str(tmp_path / "results")!r})
        db["trial"] = [Trial(1)]
        assert db["trial"] == [Trial(1)]
    """
    load = f"""
        import dataclasses, isfdb
        db = isfdb.open({str(tmp_path / "results")!r})
        try:
            db["trial"]
        except isfdb.errors.LoadError as error:
            assert "define Trial first" in str(error), error
        else:
            raise SystemExit("it loaded without its class")
        assert db.get("trial", plain=True) == [{{"number": 1}}]
        @dataclasses.dataclass
        class Trial:
            number: int
        assert db["trial"] == [Trial(1)]
    """
    for program in (store, load):
        subprocess.run(
            [sys.executable, "-W", "error", "-c", textwrap.dedent(program)], check=True, timeout=120, cwd=Path(isfdb.__file__).parents[1]
        )


@pytest.mark.parametrize(
    "node",
    [
        {"$dataclass": "os:environ", "fields": {}}, {"$dataclass": "os:system", "fields": {}},
        {"$dataclass": "subprocess:Popen", "fields": {}},
        {"$namedtuple": "builtins:tuple", "fields": {}}, {"$enum": "builtins:object", "name": "x", "value": 1}, {"$dataclass": 5},
        {"$dataclass": "a.b", "fields": {}}, {"$dataclass": "os.path:..", "fields": {}}, {"$dataclass": "isfdb:__dict__", "fields": {}},
        {"$attrs": "tests.contracts.kept._user_classes:Condition", "fields": {"frequency": 1.0, "inner": None}},
        {"$dataclass": "tests.contracts.kept._user_classes:Condition", "fields": {"frequency": 1.0}},
        {"$dataclass": "tests.contracts.kept._user_classes:Condition", "fields": {"frequency": 1.0, "inner": 1, "__class__": 2}},
        {"$dataclass": "tests.contracts.kept._user_classes:Condition", "fields": 3},
        {"$dataclass": "tests.contracts.kept._user_classes:Closes", "fields": {"a": 1}},
        {"$dataclass": "tests.contracts.kept._user_classes:HasState", "fields": {"a": 1}},
        {"$set": [{"$dataclass": "tests.contracts.kept._user_classes:OwnHash", "fields": {"a": 1}}]},
        {"$dict": [[{"$tuple": [{"$dataclass": "tests.contracts.kept._user_classes:OwnHash", "fields": {"a": 1}}]}, 1]]},
        {"$namedtuple": "tests.contracts.kept._user_classes:Point", "fields": {"x": 1}},
        {"$enum": "tests.contracts.kept._user_classes:Colour", "name": "__class__", "value": 1},
        {"$enum": "tests.contracts.kept._user_classes:Colour", "name": "RED", "value": True},
        {"$enum": "tests.contracts.kept._user_classes:Colour", "name": None, "value": 9},
        {"$enum": "tests.contracts.kept._user_classes:Colour"}, {"$quaternion": 1}, {"$dataclass": [], "fields": {}},
        {"$enum": "tests.contracts.kept._user_classes:Colour", "name": [], "value": 1},
        {"$namedtuple": "tests.contracts.kept._user_classes:Point", "fields": [[[], 1], ["y", 2]]},
    ],
)  # fmt: skip
def test_a_hostile_skeleton_makes_nothing(node: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        write(tmp_path, [node]).get(str(tmp_path))


# Trust ---------------------------------------------------------------------------------------------------------------------------


def with_a_function(db: Any) -> dict[str, Any]:
    value = {"rates": FRAME, "model": {"predict": abs, "fit": len}}
    with pytest.warns(
        PickleWarning, match=r"\['model'\]\['predict'\], \['model'\]\['fit'\] exactly \(builtins\.builtin_function_or_method\)"
    ) as seen:
        db["value"] = value
    assert [Path(one.filename).name for one in seen] == ["test_containers.py"]  # one, and it points to the user's line
    return value


def test_what_only_pickle_keeps_is_one_part_that_strangers_do_not_load(db: Any, tmp_path: Path) -> None:
    value = with_a_function(db)
    assert files_of(db, "value") == ["Loader.json", "data.json", "pickled/data.pickle", "rates/data.parquet"]
    assert_identical(db["value"], value)
    assert_identical(db.get("value", lazy=True)["model"].load(), value["model"])
    shutil.copytree(db.path, tmp_path / "copy")
    with set_options(data_folder=tmp_path / "somebody else"):
        for options in ({}, {"lazy": True}, {"part": "rates"}):
            with pytest.raises(UntrustedDataError, match="runs code"):
                isfdb.open(tmp_path / "copy", mode="r").get("value", **options)


def test_a_changed_pickle_is_not_run_although_the_version_is_mine(db: Any) -> None:
    with_a_function(db)
    path = Path(db.entry("value").path, "pickled", "data.pickle")
    path.write_bytes(path.read_bytes().replace(b"abs", b"sum"))
    with pytest.raises(ChecksumMismatchError, match="not what was stored"):
        db["value"]


def test_a_hidden_pickle_is_refused(tmp_path: Path) -> None:
    """A spec in data.json, where the core does not look, and one inside a part's arguments."""
    spec = {"Loader": "loaderdumpers.to_cloudpickle"}
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "data.pickle").write_bytes(b"cbuiltins\nprint\n(Vrun\ntR.")
    with pytest.raises(ValueError, match="does not know"):
        write(tmp_path, [{"$part": "x", **spec}]).get(str(tmp_path))
    with pytest.raises(UntrustedDataError, match="hidden"):
        write(tmp_path, [{"$part": "x"}], {"x": spec}).get(str(tmp_path))
    with pytest.raises(UntrustedDataError, match="hidden"):
        write(tmp_path, [{"$part": "x", "item": 0}], {"x": spec}).get(str(tmp_path))
    write(tmp_path, [{"$part": "x"}], {"x": spec}).get(str(tmp_path), lazy=True)
    nested = {"Loader": "loaderdumpers.containers_to_parts", "parts": {"x": spec}}
    (tmp_path / "n" / "x").mkdir(parents=True)
    (tmp_path / "n" / "data.json").write_text('[{"$part": "x"}]')
    with pytest.raises(UntrustedDataError, match="hidden"):
        write(tmp_path, [{"$part": "n"}], {"n": nested}).get(str(tmp_path))


def test_a_stranger_looks_up_no_key_that_is_a_part(tmp_path: Path) -> None:
    spec = {"Loader": "loaderdumpers.to_json", "value": 1}
    with pytest.raises(ValueError, match="not trusted"):
        write(tmp_path, {"$dict": [[{"$part": "x"}, 1]]}, {"x": spec}).get(str(tmp_path))


@pytest.mark.parametrize("name", ["..", "../x", "/etc", "a/b", "a\\b", "", "x" * 300, 5, None, ["x"], "unknown"])
def test_a_part_that_leads_elsewhere_is_refused(name: Any, tmp_path: Path) -> None:
    specs = {str(name): {"Loader": "loaderdumpers.to_bytes"}} if name != "unknown" else {}
    with pytest.raises(ValueError, match=r"Loader\.json does not know"):
        write(tmp_path, [{"$part": name}], specs).get(str(tmp_path))


def test_parts_and_skeleton_that_contradict_each_other_are_named(db: Any, tmp_path: Path) -> None:
    pytest.importorskip("loaderdumpers.numpy_to_npz")
    db["arrays"] = [np.full(3, place) for place in range(30)]
    folder = Path(db.entry("arrays").path)
    specs = json.loads((folder / "Loader.json").read_text())["parts"]
    for wrong in ({"$part": "arrays", "item": "31"}, {"$part": "arrays", "item": 5}, {"$part": "arrays", "item": "0", "as": "eval"}):
        with pytest.raises(ValueError, match=r"arrays|data\.json"):
            write(folder, [wrong], specs).get(str(folder))


def test_a_damaged_part_is_named(db: Any) -> None:
    db["results"] = {"trace": np.arange(100)}
    folder = Path(db.entry("results").path)
    specs = json.loads((folder / "Loader.json").read_text())["parts"]
    path = folder / "trace" / "data.npy"
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(ValueError, match=r"its part 'trace' cannot be loaded with numpy_to_npy: ValueError: data\.npy has"):
        containers_to_parts.Loader(parts=specs).get(str(folder))
    with pytest.raises(isfdb.errors.IncompleteVersionError, match=r"trace/data\.npy"):
        db["results"]


def test_values_without_pickles_load_for_everybody(db: Any, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        db["open"] = {"rates": FRAME, "cell": own.Cell("c")}
    with set_options(data_folder=tmp_path / "somebody else"):
        assert_identical(db["open"], {"rates": FRAME, "cell": own.Cell("c")})
