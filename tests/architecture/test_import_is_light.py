"""``import isfdb`` costs next to nothing, counted in modules because seconds depend on the day."""

from __future__ import annotations

import json
import subprocess
import sys

HEAVY = {
    "IPython", "asyncio", "blake3", "cloudpickle", "dask", "dataclasses", "distributed", "git", "importlib.metadata", "inspect",
    "ipywidgets", "matplotlib", "numpy", "pandas", "platformdirs", "pyarrow", "sqlite3", "subprocess", "tqdm", "zarr",
}  # fmt: skip


def modules_after(code: str) -> set[str]:
    # -I and -S leave out what this computer's site packages import by themselves; the path to isfdb is then given by hand.
    program = f"import sys; sys.path[:] = {sys.path!r}; {code}; import json; print(json.dumps(sorted(sys.modules)))"
    finished = subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, timeout=60, check=True)
    return set(json.loads(finished.stdout))


def test_importing_isfdb_imports_nothing_heavy():
    assert not modules_after("import isfdb") & HEAVY


def test_importing_isfdb_imports_hardly_anything():
    beyond_typing = modules_after("import isfdb") - modules_after("import typing")
    assert len(beyond_typing) <= 10, sorted(beyond_typing)


def test_catching_an_error_of_isfdb_imports_nothing_heavy():
    assert not modules_after("import isfdb; isfdb.errors.IsfdbError") & HEAVY
