"""What anndata_to_parts does beyond the contract: views, backed objects, reading a part, refusals, damage."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import isfdb
from isfdb.testing import assert_identical
from loaderdumpers import anndata_to_parts
from tests.contracts.kept import tables

ad = pytest.importorskip("anndata")


def stored(value: Any, folder: Path, **options: Any) -> Any:
    return anndata_to_parts.Loader(**json.loads(json.dumps(anndata_to_parts.dump(value, str(folder), **options))))


def whole() -> Any:
    return tables.annotated()[1]


def test_a_view_is_stored_as_what_it_shows(tmp_path: Path) -> None:
    view = whole()[1:3, ["g3", "g1"]]
    assert view.is_view
    assert anndata_to_parts.check(view)
    found = stored(view, tmp_path).get(str(tmp_path))
    assert view.is_view
    assert not found.is_view
    assert_identical(found, view.copy())


@pytest.mark.parametrize("sparse", [False, True])
def test_a_backed_object_is_stored_as_what_its_file_holds(sparse: bool, tmp_path: Path) -> None:
    value = tables.annotated()[2 if sparse else 1]
    del value.uns
    value.write_h5ad(tmp_path / "cells.h5ad")
    backed = ad.read_h5ad(tmp_path / "cells.h5ad", backed="r")
    assert anndata_to_parts.check(backed)
    json.dumps(anndata_to_parts.describe(backed))
    (tmp_path / "v").mkdir()
    found = stored(backed, tmp_path / "v").get(str(tmp_path / "v"))
    assert backed.isbacked
    assert not found.isbacked
    assert_identical(found.X, value.X)
    assert_identical(found.obs, backed.obs)
    assert_identical(found, backed.to_memory())
    (tmp_path / "w").mkdir()
    assert_identical(stored(backed[:2], tmp_path / "w").get(str(tmp_path / "w")), backed[:2].to_memory().copy())


def test_lazy_layers_stay_lazy(tmp_path: Path) -> None:
    import dask.array as da

    value = ad.AnnData(da.from_array(np.arange(12.0).reshape(4, 3), chunks=(3, 2)))
    found = stored(value, tmp_path).get(str(tmp_path))
    assert_identical(found.X, value.X)


def test_dense_and_sparse_arrays_can_be_mapped(tmp_path: Path) -> None:
    found = stored(whole(), tmp_path).get(str(tmp_path), mmap="r")
    assert not found.X.flags.writeable
    assert not found.layers["counts"].data.flags.writeable
    assert_identical(found, whole())


def test_only_some_members_are_read(tmp_path: Path) -> None:
    loader = stored(whole(), tmp_path)
    (tmp_path / "X" / "data.npy").unlink()
    found = loader.get(str(tmp_path), members=["obsm"])
    assert found.X is None
    assert found.raw is None
    assert_identical(dict(found.obsm), dict(whole().obsm))
    assert_identical(found.obs, whole().obs)
    with pytest.raises(FileNotFoundError, match=r"data\.npy"):
        loader.get(str(tmp_path))
    for wrong in (["obs_names"], "X"):
        with pytest.raises(ValueError, match="takes a list of X, layers"):
            loader.get(str(tmp_path), members=wrong)


def test_only_some_observations_and_variables_are_read(tmp_path: Path) -> None:
    db = isfdb.open(tmp_path / "db")
    db["cells"] = whole()
    assert_identical(db.get("cells", slice(1, 3)), whole()[1:3].copy())
    assert_identical(db.get("cells", np.s_[1:3, :2]), whole()[1:3, :2].copy())


def test_the_files_are_read_without_isfdb(tmp_path: Path) -> None:
    anndata_to_parts.dump(whole(), str(tmp_path))
    assert_identical(np.load(tmp_path / "X" / "data.npy"), whole().X)
    assert list(pd.read_parquet(tmp_path / "obs" / "data.parquet")["name"]) == list("wxyz")


def test_names_that_are_not_unique_come_back_without_advice(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        value = ad.AnnData(np.zeros((3, 1)), obs=pd.DataFrame(index=list("aab")))
    assert_identical(stored(value, tmp_path).get(str(tmp_path)), value)


def test_what_no_open_format_keeps_is_named(tmp_path: Path) -> None:
    odd = tables.annotated_foreign()[0]
    with pytest.raises(TypeError, match=r"uns\['model'\]\['f'\] is a builtins\.function"):
        anndata_to_parts.dump(odd, str(tmp_path))
    odd.uns = {"models": [np.zeros(3), lambda: 1]}
    with pytest.raises(TypeError, match=r"uns\['models'\] is a builtins\.list"):
        anndata_to_parts.dump(odd, str(tmp_path / "v"))
    ring: dict[str, Any] = {}
    ring["again"] = ring
    odd.uns = {"ring": ring}
    assert not anndata_to_parts.check(odd)
    with pytest.raises(TypeError, match="contains itself"):
        anndata_to_parts.dump(odd, str(tmp_path))
    assert not (tmp_path / "X").exists()


def test_parts_that_do_not_fit_together_are_not_loaded(tmp_path: Path) -> None:
    loader = stored(whole(), tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    stored(whole()[:2].copy(), other)
    (tmp_path / "obs" / "data.parquet").write_bytes((other / "obs" / "data.parquet").read_bytes())
    with pytest.raises(ValueError, match=r"obs|rows|length"):
        loader.get(str(tmp_path))


def test_a_truncated_part_is_not_loaded(tmp_path: Path) -> None:
    loader = stored(whole(), tmp_path)
    path = tmp_path / "X" / "data.npy"
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(ValueError, match="were stored"):
        loader.get(str(tmp_path))
