"""What every loaderdumper stores, with hostile texts and pickles in every place of it: nothing runs when a stranger's version is read."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from isfdb.testing.reliability_table import Tally
from tests.contracts.kept import KEPT

#: Those that need none of the large libraries; the others take half a minute to import.
QUICK = [
    "attachment", "containers_to_parts", "numpy_masked_to_npy", "numpy_to_npy", "numpy_to_npz", "numpy_to_zarr", "pandas_to_arrow",
    "pandas_to_parquet", "pandas_to_pickle", "python_to_json", "to_cloudpickle", "to_json", "to_numpy_scalar", "to_pickle",
]  # fmt: skip

LIBRARIES = {
    "anndata": "anndata", "altair": "altair", "astropy": "astropy", "dask": "dask", "figure": "matplotlib", "networkx": "networkx",
    "pillow": "PIL", "pint": "pint", "plotly": "plotly", "polars": "polars", "scipy": "scipy", "sklearn": "skops",
    "torch": "safetensors", "xarray": "xarray",
}  # fmt: skip


def swept(root: Path, names: list[str], every: int, weakness: str = "") -> dict[str, Any]:
    asked = json.dumps({"root": str(root), "names": names, "every": every, "weakness": weakness})
    command = [sys.executable, "-m", "tests.hostile.sweeping"]
    done = subprocess.run(command, input=asked, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_a_payload_in_any_place_of_a_version_does_not_run(tmp_path: Path, tally: Tally) -> None:
    found = swept(tmp_path, QUICK, every=4)
    tally("a pickle, a path or a module's name in some place of a stranger's version", tries=found["tried"], wrong=len(found["bad"]))
    assert found["tried"] > 150
    assert not found["bad"]


def test_the_sweep_notices_what_runs(tmp_path: Path) -> None:
    weakness = "import isfdb.reading; isfdb.reading.is_trusted = lambda *_: True"
    found = swept(tmp_path, ["to_pickle"], every=1, weakness=weakness)
    assert any("it ran" in one for one in found["bad"])
    assert any("os.system" in one for one in found["bad"])


@pytest.mark.long
def test_a_payload_in_any_place_of_any_loaderdumpers_version_does_not_run(tmp_path: Path, tally: Tally) -> None:
    names = [name for name in KEPT if importlib.util.find_spec(LIBRARIES.get(name.partition("_")[0], "isfdb"))]
    found = swept(tmp_path, names, every=1)
    tally("a pickle, a path or a module's name in some place of a stranger's version", tries=found["tried"], wrong=len(found["bad"]))
    assert found["tried"] > 5000
    assert not found["bad"]
