"""A library that is missing when a value is read is named, with the extra that brings it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import isfdb
from isfdb.errors import MissingDependencyError, PickleWarning


def graph() -> Any:
    return pytest.importorskip("networkx").path_graph(3)


def figure() -> Any:
    return pytest.importorskip("plotly.graph_objects").Figure()


def chart() -> Any:
    return pytest.importorskip("altair").Chart("data.csv").mark_bar()


def tensor() -> Any:
    return pytest.importorskip("torch", reason="torch takes a gigabyte, so the test extra leaves it out").ones(2)


def model() -> Any:
    pytest.importorskip("skops")
    return pytest.importorskip("sklearn.linear_model").LinearRegression()


def length() -> Any:
    return pytest.importorskip("pint").get_application_registry().Quantity(1.5, "m")


def width() -> Any:
    return pytest.importorskip("astropy.units").Quantity([1.0, 2.0], "m")


def table() -> Any:
    return pytest.importorskip("astropy.table").Table({"a": [1, 2]})


@pytest.mark.parametrize(
    ("make", "library", "extra"),
    [
        (graph, "networkx", "networkx"),
        (figure, "plotly", "plotly"),
        (chart, "altair", "altair"),
        (tensor, "safetensors", "torch"),
        (model, "skops", "sklearn"),
        (length, "pint", "pint"),
        (width, "astropy", "astropy"),
        (table, "astropy", "astropy"),
    ],
)
def test_the_extra_is_named(make: Callable[[], Any], library: str, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    db = isfdb.open(tmp_path / "db")
    db["value"] = make()
    for name in [name for name in sys.modules if name == library or name.startswith(f"{library}.")]:
        monkeypatch.setitem(sys.modules, name, None)  # as Python does for what cannot be imported
    with pytest.raises(MissingDependencyError, match=rf"cannot load version 1 of 'value': .*isfdb\[{extra}\]") as caught:
        _ = db["value"]
    assert (caught.value.key, caught.value.version, caught.value.name) == ("value", 1, library)


def test_an_estimator_is_pickled_where_skops_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    db = isfdb.open(tmp_path / "db")
    value = model().fit(np.arange(4.0)[:, None], np.arange(4.0))
    for name in [name for name in sys.modules if name.partition(".")[0] == "skops"]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.warns(PickleWarning, match=r'skops is not installed \(pip install "isfdb\[sklearn\]"\)'):
        db["model"] = value
    assert np.array_equal(db["model"].coef_, value.coef_)
