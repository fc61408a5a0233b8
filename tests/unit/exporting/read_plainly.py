"""Run in a process of its own: reads stored values with a ``load.py`` while isfdb cannot be imported, then compares with isfdb.

``python read_plainly.py FOLDER``: FOLDER has ``load.py``, and ``0``, ``1`` ... with what one loaderdumper wrote, and its ``Loader.json``.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
import traceback
import warnings
from importlib.abc import MetaPathFinder
from pathlib import Path
from typing import Any


class Blocked(MetaPathFinder):
    """Refuses isfdb and what belongs to it."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if name.partition(".")[0] in ("isfdb", "loaderdumpers", "initializers"):
            raise ImportError(f"{name} is not to be imported here")


def read_all(folder: Path) -> dict[str, Any]:
    blocked = Blocked()
    sys.meta_path.insert(0, blocked)
    try:
        load_spec = runpy.run_path(str(folder / "load.py"))["load_spec"]
        names = sorted([path.name for path in folder.iterdir() if path.is_dir()], key=int)
        found = {}
        for name in names:
            try:
                found[name] = load_spec(json.loads((folder / name / "Loader.json").read_text(encoding="utf-8")), str(folder / name))
            except Exception:  # noqa: BLE001 - told below
                found[name] = traceback.format_exc()
        return found
    finally:
        sys.meta_path.remove(blocked)


def expected(folder: Path) -> Any:
    from isfdb import plugins
    from isfdb.loader_spec import LoaderSpec
    from isfdb.parts import allowing_code

    spec = LoaderSpec.from_json((folder / "Loader.json").read_bytes(), "")
    options = {"plain": True} if spec.name == "containers_to_parts" else {}
    with allowing_code():
        return as_plain(plugins.loaderdumper(spec.name).Loader(**spec.arguments).get(str(folder), **options))


def as_plain(value: Any) -> Any:
    """Return what a script gives in place of what isfdb gives: values in memory, paths as text."""
    import numpy

    kind = f"{type(value).__module__.partition('.')[0]}.{type(value).__name__}"
    if hasattr(value, "compute") and hasattr(value, "dask"):
        return value.compute(scheduler="sync")
    if kind == "numpy.memmap":
        return numpy.array(value)
    if kind == "numpy.ndarray" and not value.itemsize:
        return numpy.ascontiguousarray(value)  # nothing in it has an order
    if kind == "builtins.dict":
        return {name: as_plain(one) for name, one in value.items()}
    if kind == "loaderdumpers.StoredFigure":
        return {"svg": value.svg, "png": value.png}
    if kind == "loaderdumpers.SharedNumpyStore":
        return {name: numpy.array(value[name]) for name in sorted(value)}
    if kind == "isfdb.Database":
        return value.path
    if type(value).__module__.startswith("xarray"):
        return value.load() if hasattr(value, "load") else value
    if kind == "polars.LazyFrame":
        return value.collect()
    if kind == "pyarrow.RecordBatchReader":
        return value.read_all()
    return str(value) if isinstance(value, str) else value


def main(folder: Path) -> int:
    warnings.simplefilter("ignore")
    found = read_all(folder)
    assert "isfdb" not in sys.modules
    from isfdb.testing import assert_identical

    n_wrong = 0
    for name, value in found.items():
        try:
            wanted = expected(folder / name)
            value = dict(sorted(value.items())) if type(wanted) is dict and "store" in os.listdir(folder / name) else value
            assert_identical(as_plain(value), wanted)
        except Exception as error:  # noqa: BLE001 - all are told
            n_wrong += 1
            shown = value if isinstance(value, str) and value.startswith("Traceback") else f"{type(error).__name__}: {error}"
            print(f"{name}: {(folder / name / 'Loader.json').read_text(encoding='utf-8')[:300]}\n{shown[-1500:]}")
    print(f"{len(found)} read, {n_wrong} not as isfdb reads them")
    return 1 if n_wrong else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
