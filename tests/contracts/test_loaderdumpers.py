"""Every registered loaderdumper keeps its word, and the suite that says so notices those that do not."""

from __future__ import annotations

import importlib
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from isfdb.testing import check_loaderdumper
from tests.contracts.kept import KEPT

ROOT = Path(__file__).parents[2]
BUILT_IN: dict[str, str] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["isfdb.loaderdumpers"]


def module(name: str) -> Any:
    return importlib.import_module(BUILT_IN[name])


@pytest.mark.parametrize("name", KEPT)
def test_it_keeps_its_word(name: str) -> None:
    kept = KEPT[name]
    check_loaderdumper(module(name), kept.values(), equal=kept.equal, foreign=kept.foreign())


def reading_only() -> list[str]:
    return [name for name in BUILT_IN if getattr(module(name), "reads_only", False)]


@pytest.mark.parametrize("name", reading_only())
def test_what_only_reads_accepts_nothing_and_names_what_writes(name: str, tmp_path: Path) -> None:
    from isfdb.testing.hostile import hostile_values

    assert not any(module(name).check(value) for value in hostile_values())
    with pytest.raises(TypeError, match=r"only reads what ISF wrote.*; store with "):
        module(name).dump([1], str(tmp_path))
    assert not list(tmp_path.iterdir())


def test_every_built_in_is_tested_here() -> None:
    assert set(BUILT_IN) == {*KEPT, *reading_only()}


GOOD = """
import json, os
def check(obj):
    return type(obj) is complex
def dump(obj, savedir):
    return {"parts": [obj.real, obj.imag]}
class Loader:
    def __init__(self, parts):
        self.parts = parts
    def get(self, savedir):
        return complex(*self.parts)
"""
ABOUT = {"types": ("complex",), "keeps": "", "format": "JSON", "files": "", "exact": True, "lazy": "", "append": False}
BROKEN = {
    "check raised": ("type(obj) is complex", "isinstance(obj, complex)"),
    "check returned": ("return type(obj) is complex", "return 1 if type(obj) is complex else 0"),
    "must be refused": ("type(obj) is complex", "type(obj) in (complex, tuple)"),
    "check refused": ("type(obj) is complex", "type(obj) is complex and obj.real > 0"),
    "has no get": ("def get(", "def fetch("),
    "is 'high'; make it an int": ("import json, os", "import json, os\npriority = 'high'"),
    "is 'yes'; make it a bool": ("import json, os", "import json, os\nhas_parts = 'yes'"),
    "summarise is 3; make it a function": ("import json, os", "import json, os\nsummarise = 3"),
    "summarise returned": ("class Loader", "def summarise(obj):\n    return {'mean': obj}\nclass Loader"),
    "make it a function, or 'module:function'": ("import json, os", "import json, os\nload_plainly = 'somewhere'"),
    "make it the name of an extra": ("import json, os", "import json, os\nextra = 'x y'"),
    "make it a dict of distribution": ("import json, os", "import json, os\nrequires = {'numpy': 2}"),
    "as {'xarray': '2024.10'}": ("import json, os", "import json, os\nrequires = {'numpy': '>=2'}"),
    "make it a dict of 'types' (tuple)": ("import json, os", "import json, os\nabout = {'types': ['complex']}"),
    "give the dotted names": ("import json, os", f"import json, os\nabout = {ABOUT | {'types': ()}}"),
    "one row of a table": ("import json, os", f"import json, os\nabout = {ABOUT | {'keeps': 'a|b'}}"),
    "asked before open formats": ("import json, os", "import json, os\nruns_code = True"),
    "by position": ("def dump(obj, savedir)", "def dump(obj, savedir, level=1)"),
    "does not document the option 'level'": ("def dump(obj, savedir)", "def dump(obj, savedir, *, level=1)"),
    "would pass unnoticed": ("def dump(obj, savedir)", "def dump(obj, savedir, **options)"),
    "is not what was stored": ("complex(*self.parts)", "complex(self.parts[0])"),
    "no JSON": ("[obj.real, obj.imag]", "obj"),
    "come back from JSON changed": ("[obj.real, obj.imag]", "(obj.real, obj.imag)"),
    "which belongs to isfdb; choose": ('return {"parts"', 'open(os.path.join(savedir, "metadata.json"), "w").close(); return {"parts"'),
    "wrote a file named": ('return {"parts"', 'open(os.path.join(savedir, "a:b"), "w").close(); return {"parts"'),
    "wrote outside its folder": ('return {"parts"', 'open("x.txt", "w").close(); return {"parts"'),
    "store no absolute path": ("return complex(", "os.listdir(self.where); return complex("),
    "changed files": ("return complex(", 'open(os.path.join(savedir, "cache"), "w").close(); return complex('),
    "wrote a pickle": (
        'return {"parts"',
        'import pickle; open(os.path.join(savedir, "d"), "wb").write(pickle.dumps(check)); return {"parts"',
    ),
    "other arguments in another process": ('return {"parts"', 'return {"pid": os.getpid(), "parts"'),
    "loads ['numpy']": ("import json, os", "import json, os, numpy"),
    "check loads ['numpy']": ("return type(obj)", "import numpy; return type(obj)"),
    "describe returned": ("class Loader", "def describe(obj):\n    return {'value': obj}\nclass Loader"),
}


@pytest.fixture
def importable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(source: str) -> Any:
        (tmp_path / "complex_to_json.py").write_text(source)
        sys.modules.pop("complex_to_json", None)
        importlib.invalidate_caches()
        return importlib.import_module("complex_to_json")

    yield write
    sys.modules.pop("complex_to_json", None)


def test_a_good_plug_in_passes(importable: Any) -> None:
    check_loaderdumper(importable(GOOD), [1j, 0j, complex(-0.0, 2)], foreign=[1, (1, 2)])


ROWS = """
def check(obj):
    return type(obj) is list
def dump(obj, savedir):
    return {"rows": obj}
class Loader:
    def __init__(self, rows):
        self.rows = rows
    def get(self, savedir, *, select=None):
        'select : slice'
        return self.rows if select is None else self.rows[select]
"""


def test_a_partial_read_is_compared_with_the_same_part_of_the_whole(importable: Any) -> None:
    check_loaderdumper(importable(ROWS), [[1, 2, 3], []])
    check_loaderdumper(
        importable(ROWS.replace("return self.rows if", "if select: raise ValueError\n        return self.rows if")), [[1, 2]]
    )
    with pytest.raises(AssertionError, match=r"read with select=slice\(1, None, None\), is not what was stored"):
        check_loaderdumper(importable(ROWS.replace("rows[select]", "rows[:select.stop]")), [[1, 2, 3]])


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("complaint", BROKEN)
def test_broken_behaviour_is_caught(complaint: str, importable: Any) -> None:
    old, new = BROKEN[complaint]
    source = GOOD.replace(old, new)
    if "self.where" in new:
        source = source.replace('return {"parts"', 'return {"where": savedir, "parts"').replace(
            "def __init__(self, parts)", "def __init__(self, parts, where)"
        )
        source = source.replace("self.parts = parts", "self.parts, self.where = parts, where")
    if "pid" in new:
        source = source.replace("def __init__(self, parts)", "def __init__(self, parts, pid)")
    assert source != GOOD
    import re

    with pytest.raises(AssertionError, match=re.escape(complaint)):
        check_loaderdumper(importable(source), [1j, 0j], foreign=[1, (1, 2)])
