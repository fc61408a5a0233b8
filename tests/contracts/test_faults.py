"""Loaderdumpers let the disk's refusals and Ctrl-C come out, and the suite that says so notices those that do not."""

from __future__ import annotations

import importlib
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from isfdb.testing import check_faults
from tests.contracts.kept import KEPT

ROOT = Path(__file__).parents[2]
BUILT_IN: dict[str, str] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["isfdb.loaderdumpers"]
WRITING = {"numpy_to_npy", "numpy_to_zarr", "pandas_to_parquet", "to_bytes", "to_cloudpickle", "to_json"}


# Ctrl-C inside zarr leaves coroutines of its own that nobody awaits.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <coroutine:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("name", [name if name in WRITING else pytest.param(name, marks=pytest.mark.long) for name in sorted(KEPT)])
def test_faults_come_out(name: str, long_run: bool, tally) -> None:
    kept = KEPT[name]
    values = list(kept.values())[: 3 if long_run else 1]
    try:
        n_faults = check_faults(importlib.import_module(BUILT_IN[name]), values, equal=kept.equal)
    except AssertionError as error:
        if "no fault was made" in str(error):
            pytest.skip(f"{name} writes no file for these values: there is nothing to refuse")
        raise
    tally("a fault below a loaderdumper", tries=n_faults)


GOOD = """
import os
def dump(obj, savedir):
    with open(os.path.join(savedir, "data.txt"), "w") as file:
        for word in obj.split():
            file.write(word + " ")
class Loader:
    def get(self, savedir):
        with open(os.path.join(savedir, "data.txt")) as file:
            return file.read().strip()
"""

#: What is wrong -> (the part of GOOD that goes, what comes instead, what the suite says of it).
BAD = {
    "a short write is taken for a whole one": (
        '"w") as file:\n        for word in obj.split():\n            file.write(word + " ")',
        '"wb", buffering=0) as file:\n        file.write(obj.encode())',
        "though the disk took only",
    ),
    "a file stays open": (
        'with open(os.path.join(savedir, "data.txt"), "w") as file:',
        'seen.append(open(os.path.join(savedir, "data.txt"), "w", buffering=1))\n    file = seen[-1]\n    if True:',
        "stayed open",
    ),
    "a refused load is a default": (
        'with open(os.path.join(savedir, "data.txt")) as file:\n            return file.read().strip()',
        'path = os.path.join(savedir, "data.txt")\n        return open(path).read().strip() if os.path.exists(path) else ""',
        "gave another value when the system refused",
    ),
    "Ctrl-C is swallowed": (
        'for word in obj.split():\n            file.write(word + " ")',
        "try:\n            file.write(obj)\n        except OSError:\n            raise\n        except BaseException:\n            pass",
        "swallowed Ctrl-C",
    ),
    "a call leaves something behind": (
        'for word in obj.split():\n            file.write(word + " ")',
        "seen.append(1)\n        file.write(obj if len(seen) < 3 else obj[1:])",
        "it wrote",
    ),
}


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    def write(text: str) -> ModuleType:
        (tmp_path / "faulty_words.py").write_text("seen = []\n" + text)
        monkeypatch.syspath_prepend(str(tmp_path))
        sys.modules.pop("faulty_words", None)
        return importlib.import_module("faulty_words")

    yield write
    sys.modules.pop("faulty_words", None)


WORDS = "word " * 5000 + "end"


def test_a_good_one_passes(written) -> None:
    assert check_faults(written(GOOD), [WORDS]) > 10


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # that is what the bad ones do
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("what", BAD)
def test_a_bad_one_is_noticed(what: str, written, tally) -> None:
    good, bad, message = BAD[what]
    assert good in GOOD
    with pytest.raises(AssertionError, match=message):
        check_faults(written(GOOD.replace(good, bad)), [WORDS])
    tally("a fault below a loaderdumper", tries=1, wrong=1, way=f"a loaderdumper in which {what}")


def test_values_that_need_no_file_show_nothing(written) -> None:
    text = "def dump(obj, savedir):\n    return {'value': obj}\nclass Loader:\n    def __init__(self, value):\n        self.value = value\n"
    with pytest.raises(AssertionError, match="no fault was made"):
        check_faults(written(text + "    def get(self, savedir):\n        return self.value\n"), [1])
