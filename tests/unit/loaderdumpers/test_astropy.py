"""Quantities, tables, times and coordinates of astropy come back to the last bit, or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import isfdb
from isfdb.errors import DumpError
from isfdb.testing import assert_identical
from loaderdumpers import astropy_quantity_to_parts, astropy_table_to_npz

u = pytest.importorskip("astropy.units")

from astropy.table import QTable, Table  # noqa: E402
from astropy.time import Time  # noqa: E402


@pytest.fixture
def table() -> Any:
    return QTable({"t": Time(["2020-01-01", "2021-01-01"]), "mV": [1.0, 2.0] * u.mV, "s": ["a", "é"]}, meta={"run": 3})


def test_a_quantity_is_mapped_and_read_in_part(tmp_path: Path) -> None:
    db = isfdb.open(tmp_path / "db")
    db["trace"] = np.arange(1000.0) * u.mV
    assert_identical(db.get("trace", select=np.s_[10:12]), [10.0, 11.0] * u.mV)
    assert not db.get("trace", mmap="r").flags.writeable
    assert db.entry("trace").describe == {"type": "Quantity", "unit": "mV", "shape": [1000], "dtype": "float64"}
    assert np.load(Path(db.entry("trace").path) / "value" / "data.npy")[3] == 3


def test_a_unit_that_somebody_defined_is_refused(tmp_path: Path) -> None:
    db = isfdb.open(tmp_path / "db")
    with pytest.raises(DumpError, match="'barn_door' is none of astropy's own; convert it"):
        db["width"] = 2 * u.def_unit("barn_door", 3 * u.m)
    with pytest.raises(ValueError, match="did not parse as unit"):
        astropy_quantity_to_parts.Loader(kind="Unit", unit="barn_door").get(str(tmp_path))
    with pytest.raises(ValueError, match="is no quantity of astropy"):
        astropy_quantity_to_parts.Loader(kind="def_unit", unit="m")


def test_a_unit_outside_the_enabled_ones_is_kept(tmp_path: Path) -> None:
    db = isfdb.open(tmp_path / "db")
    db["height"] = 3 * u.imperial.ft
    assert db["height"].to_value("m") == pytest.approx(0.9144)


def test_times_are_exact_to_the_last_bit(tmp_path: Path) -> None:
    db = isfdb.open(tmp_path / "db")
    fine = Time(2458849.5, np.nextafter(0.25, 1), format="jd", scale="tai")
    db["time"] = fine
    assert (db["time"].jd1, db["time"].jd2, db["time"].scale) == (fine.jd1, fine.jd2, "tai")
    assert db.entry("time").describe == {"type": "Time", "shape": [], "format": "jd", "scale": "tai"}


def test_a_table_keeps_what_each_column_is(table: Any, tmp_path: Path) -> None:
    db = isfdb.open(tmp_path / "db")
    db["table"] = table
    assert_identical(db["table"], table)
    columns = {"t": "Time", "mV": "float64 [mV]", "s": "<U1"}
    assert db.entry("table").describe == {"type": "QTable", "rows": 2, "n_columns": 3, "columns": columns}
    with np.load(Path(db.entry("table").path) / "columns" / "data.npz") as arrays:
        assert sorted(arrays) == ["mV", "s", "t.jd1", "t.jd2"]


def test_objects_and_indices_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="the column 'o' holds Python objects; convert it"):
        astropy_table_to_npz.dump(Table({"o": np.array([1, None], object)}), str(tmp_path))
    indexed = Table({"a": [1, 2]})
    indexed.add_index("a")
    with pytest.raises(TypeError, match="has indices, which are not kept"):
        astropy_table_to_npz.dump(indexed, str(tmp_path))
    assert not list(tmp_path.iterdir())


def test_what_would_come_back_changed_is_refused(tmp_path: Path) -> None:
    custom = Table({"width": [1, 2]})
    custom["width"].unit = u.def_unit("barn_door", 3 * u.m)
    with pytest.raises(TypeError, match=r"this Table would come back changed .*; store its columns as arrays"):
        astropy_table_to_npz.dump(custom, str(tmp_path))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "change", "complaint"),
    [
        ("table.yaml", lambda data: data[:30], r"table\.yaml is no whole header|do not have the same columns"),
        ("table.yaml", lambda data: data.replace(b"name: s,", b"name: z,"), "do not have the same columns"),
        ("table.yaml", lambda data: data.replace(b"astropy.time.core.Time", b"os.system"), "unsupported class"),
        ("columns/data.npz", lambda data: data[:200], r"data\.npz"),
    ],
)
def test_damage_is_told(name: str, change: Any, complaint: str, table: Any, tmp_path: Path) -> None:
    arguments = astropy_table_to_npz.dump(table, str(tmp_path))
    (tmp_path / name).write_bytes(change((tmp_path / name).read_bytes()))
    with pytest.raises(ValueError, match=complaint):
        astropy_table_to_npz.Loader(**arguments).get(str(tmp_path))
    with pytest.raises(ValueError, match="is no table or time of astropy"):
        astropy_table_to_npz.Loader(kind="Column", columns={})
