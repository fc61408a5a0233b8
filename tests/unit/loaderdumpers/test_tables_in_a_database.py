"""What the loaderdumpers of tables and labelled arrays share: missing libraries, statistics, parts of containers, hostile specs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import isfdb
from isfdb.errors import MissingDependencyError
from isfdb.testing import assert_identical
from loaderdumpers import anndata_to_parts, polars_to_parquet, scipy_sparse_to_npz, xarray_to_zarr
from tests.contracts.kept import tables

VALUES: dict[str, tuple[Any, Callable[[], Any], str]] = {
    "polars": (polars_to_parquet, lambda: tables.polars_series()[0].to_frame("a"), "polars"),
    "scipy": (scipy_sparse_to_npz, lambda: tables.sparse_matrices()[0], "scipy.sparse"),
    "xarray": (xarray_to_zarr, lambda: tables.xarray_values()[1], "xarray"),
    "anndata": (anndata_to_parts, lambda: tables.annotated()[0], "anndata"),
}


@pytest.mark.parametrize("extra", VALUES)
def test_where_the_library_is_missing_the_extra_is_named(extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module, make, library = VALUES[extra]
    db = isfdb.open(tmp_path / "db")
    version = db.set("value", make())
    for name in [name for name in sys.modules if name == library or name.startswith(f"{library}.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingDependencyError, match=rf"isfdb\[{extra}\]"):
        db["value"]
    assert module.extra == extra
    assert module.check(1) is False
    assert version.number == 1


def test_statistics_are_noted_where_they_are_asked_for(tmp_path: Path) -> None:
    import numpy as np
    import pyarrow as pa

    pl, sp, xr = (pytest.importorskip(name) for name in ("polars", "scipy.sparse", "xarray"))
    columns = {"a": [1, 2, None], "t": ["x", "y", None]}
    numbers = ["a", {"max": 2, "mean": 1.5, "min": 1, "n_missing": 1}], ["t", {"n_missing": 1}]
    made = {
        "arrow": (pa.table(columns), {"columns": list(numbers)}),
        "array": (pa.array([1.5, None, float("inf")]), {"max": "inf", "mean": "inf", "min": 1.5, "n_missing": 1}),
        "polars": (pl.DataFrame(columns), {"columns": list(numbers)}),
        "lazy": (pl.LazyFrame(columns), {}),
        "days": (pl.Series([0, 1, None]).cast(pl.Date), {"max": "1970-01-02", "min": "1970-01-01", "n_missing": 1}),
        "sparse": (sp.csr_array(np.diag([1, 2])), {"max": 2, "mean": 1.5, "min": 1}),
        "xarray": (xr.DataArray([1, 2]), {"max": 2, "mean": 1.5, "min": 1}),
        "dataset": (xr.Dataset({"a": ("x", [1, 2]), "b": "text"}), {"columns": [["a", {"max": 2, "mean": 1.5, "min": 1}]]}),
        "chunked": (xr.DataArray([1, 2]).chunk(1), {}),
    }
    db = isfdb.open(tmp_path / "db")
    for key, (value, expected) in made.items():
        db.set(key, value, statistics=True)
        assert db.entry(key).describe.get("statistics", {}) == expected, key


def test_they_lie_side_by_side_in_one_container(tmp_path: Path) -> None:
    import pyarrow as pa

    values = {name: make() for name, (_, make, _) in VALUES.items() if name != "anndata"} | {"arrow": pa.table({"a": [1]})}
    db = isfdb.open(tmp_path / "db")
    db["all"] = {"tables": values, "n": 3}
    assert_identical(db["all"], {"tables": values, "n": 3})
    assert not isfdb.verify(db)


@pytest.mark.parametrize("name", ["../secret", "..", "/etc", "a/b"])
def test_a_spec_does_not_lead_out_of_the_folder(name: str, tmp_path: Path) -> None:
    xr = pytest.importorskip("xarray")
    arguments = json.loads(json.dumps(xarray_to_zarr.dump(xr.Dataset({"a": 1}), str(tmp_path))))
    arguments["nodes"][0]["variables"][0]["in"] = name
    with pytest.raises(ValueError, match="no name of a file"):
        xarray_to_zarr.Loader(**arguments).get(str(tmp_path))
