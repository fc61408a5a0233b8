"""Each open format has a plain way to be read, and it gives what isfdb gives, in a process that cannot import isfdb."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
import tomllib
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import isfdb
from isfdb import plugins
from isfdb.exporting.plain_loading import foreign_names, script, without_way
from isfdb.loader_spec import NAMESPACE, LoaderSpec
from tests.contracts.kept import KEPT

if TYPE_CHECKING:
    from isfdb.database import Database

ROOT = Path(__file__).parents[3]
BUILT_IN: dict[str, str] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["isfdb.loaderdumpers"]
WRITING = [name for name in BUILT_IN if not getattr(importlib.import_module(BUILT_IN[name]), "reads_only", False)]


def function_of(name: str) -> Any:
    module, _, function = plugins.loaderdumper(name).load_plainly.partition(":")
    return getattr(importlib.import_module(module), function)


def read_plainly(folder: Path) -> None:
    command = [sys.executable, str(Path(__file__).with_name("read_plainly.py")), str(folder)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=250)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]


@pytest.mark.parametrize("name", WRITING)
def test_what_writes_says_how_to_read_it_plainly(name: str):
    assert not without_way([name])


@pytest.mark.parametrize("name", WRITING)
def test_the_way_stands_alone(name: str):
    assert not foreign_names(function_of(name))


@pytest.mark.parametrize("name", [name for name in WRITING if name != "appended"])
def test_all_that_a_format_keeps_is_read_without_isfdb(name: str, tmp_path: Path):
    module = plugins.loaderdumper(name)
    names = set()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number, value in enumerate(KEPT[name].values()):
            folder = tmp_path / "values" / str(number)
            folder.mkdir(parents=True)
            spec = LoaderSpec(f"{NAMESPACE}.{name}", module.dump(value, str(folder)) or {})
            (folder / "Loader.json").write_text(spec.to_json(), encoding="utf-8")
    names = set(BUILT_IN)
    (tmp_path / "values" / "load.py").write_text(script("values", names, {1: "."}), encoding="utf-8")
    read_plainly(tmp_path / "values")


@pytest.mark.parametrize("text", ['"""', "\\", "a\\", '\\"""', "{x}", "\u2028"])
def test_a_title_cannot_break_out(text: str):
    tree = ast.parse(script(text, {"to_json"}, {1: ".."}))
    assert isinstance(tree.body[0], ast.Expr)
    assert {node.name for node in tree.body if isinstance(node, ast.FunctionDef)} >= {"load", "load_spec", "load_to_json"}


def test_a_script_has_what_it_needs_and_no_more():
    text = script("rates", {"numpy_to_npy"}, {1: "../x"})
    assert "import pandas" not in text
    assert "numpy" in ast.get_docstring(ast.parse(text))
    assert "Beware" not in text
    assert "Beware: to_pickle is a pickle" in script("rates", {"to_pickle"}, {1: "../x"})


def test_every_script_of_a_bundle_runs_and_prints(db: Database, tmp_path: Path):
    import numpy as np
    import pandas as pd

    db["json"] = {"a": (1, 2)}
    db["numpy"] = np.arange(3)
    db["numpy"] = np.arange(4)
    db["a/b/frame"] = pd.DataFrame({"x": [1.0, 2.0]}, index=["u", "v"])
    db.append("grown", np.zeros(2))
    db.append("grown", np.ones(1))
    db["mixed"] = {"table": pd.DataFrame({"x": [1]}), "trace": np.ones(5), "name": "L5"}
    isfdb.export(db, tmp_path / "bundle", versions="all")
    printed = {}
    for path in (tmp_path / "bundle" / "keys").rglob("load.py"):
        done = subprocess.run([sys.executable, "-I", str(path)], capture_output=True, text=True, timeout=100)
        assert done.returncode == 0, done.stderr
        printed[path.parent.name] = done.stdout.strip()
    assert printed["json"] == "{'a': (1, 2)}"
    assert printed["numpy"] == "[0 1 2 3]"
    assert printed["grown"] == "[0. 0. 1.]"
    assert printed["frame"].split() == ["x", "u", "1.0", "v", "2.0"]
    assert "'name': 'L5'" in printed["mixed"]


def test_an_older_version_is_read_by_its_number(db: Database, tmp_path: Path):
    import runpy

    db["rates"] = 1
    db["rates"] = 2
    isfdb.export(db, tmp_path / "bundle", versions="all")
    load = runpy.run_path(str(tmp_path / "bundle" / "keys" / "rates" / "load.py"))["load"]
    assert (load(), load(1)) == (2, 1)


def test_a_format_without_a_way_is_named(db: Database, tmp_path: Path):
    import types

    module = types.ModuleType("no_way")
    module.__dict__.update(
        check=lambda obj: type(obj) is complex,
        dump=lambda obj, savedir: {"parts": [obj.real, obj.imag]},
        Loader=type("Loader", (), {"__init__": lambda self, parts: setattr(self, "parts", parts), "get": lambda self, savedir: 1j}),
    )
    plugins.register_loaderdumper(module)
    try:
        db.set("z", 1j, dumper="no_way")
        found = isfdb.export(db, tmp_path / "bundle")
    finally:
        plugins.unregister_loaderdumper("no_way")
    assert found.is_complete  # the data is there all the same
    assert "z is kept by no_way, which has no plain way" in (tmp_path / "bundle" / "README.txt").read_text()
    done = subprocess.run([sys.executable, str(tmp_path / "bundle" / "keys" / "z" / "load.py")], capture_output=True, text=True)
    assert "NotImplementedError: there is no plain way to read no_way; the files are in" in done.stderr


def test_a_plug_ins_function_is_taken_along(db: Database, tmp_path: Path):
    code = (
        "def check(obj): return type(obj) is complex\n"
        "def dump(obj, savedir): return {'parts': [obj.real, obj.imag]}\n"
        "class Loader:\n"
        "    def __init__(self, parts): self.parts = parts\n"
        "    def get(self, savedir): return complex(*self.parts)\n"
        "def load_plainly(spec, folder, load): return complex(*spec['parts'])\n"
    )
    path = tmp_path / "complex_plugin.py"
    path.write_text(code)
    specification = importlib.util.spec_from_file_location("complex_plugin", path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    plugins.register_loaderdumper(module)
    try:
        db.set("z", 1j, dumper="complex_plugin")
        isfdb.export(db, tmp_path / "bundle")
    finally:
        plugins.unregister_loaderdumper("complex_plugin")
    done = subprocess.run([sys.executable, "-I", str(tmp_path / "bundle" / "keys" / "z" / "load.py")], capture_output=True, text=True)
    assert done.stdout.strip() == "1j"
