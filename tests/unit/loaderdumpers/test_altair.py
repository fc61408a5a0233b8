"""altair charts come back with the same Vega-Lite specification."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import isfdb
from loaderdumpers import altair_to_json

alt = pytest.importorskip("altair")


@pytest.fixture
def chart() -> Any:
    return alt.Chart(pd.DataFrame({"a": [1, 2], "b": ["x", "é"]}), title="Rate").mark_bar().encode(x="a", y="b")


def test_large_data_stay_in_the_chart_whatever_altair_was_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "v1").mkdir()
    large = alt.Chart(pd.DataFrame({"x": range(6000)})).mark_bar().encode(x="x")
    with alt.data_transformers.enable("json"):
        found = altair_to_json.Loader(**altair_to_json.dump(large, str(tmp_path / "v1"))).get(str(tmp_path / "v1"))
    assert [path.name for path in tmp_path.iterdir()] == ["v1"]
    (rows,) = found.datasets.to_dict().values()
    assert len(rows) == 6000


def test_pictures_are_drawn_on_request(chart: Any, tmp_path: Path) -> None:
    pytest.importorskip("vl_convert", reason="pictures need vl-convert-python")
    altair_to_json.dump(chart, str(tmp_path), picture=True)
    assert (tmp_path / "figure.png").read_bytes()[1:4] == b"PNG"
    assert "<svg" in (tmp_path / "figure.svg").read_text()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda chart: alt.Chart(chart.data), "altair cannot write the chart itself.*complete it"),
        (lambda chart: chart.encode(x="nosuch"), "Unable to determine data type"),
        (lambda chart: alt.Chart(pd.DataFrame({"x": [1j]})).mark_bar().encode(x="x:Q"), "cannot be written as JSON.*use plain values"),
    ],
)
def test_an_unfinished_chart_is_refused(change: Any, complaint: str, chart: Any, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=complaint):
        altair_to_json.dump(change(chart), str(tmp_path))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda text: text[:-20], r"data\.json is no whole JSON"),
        (lambda text: text.replace('"bar"', '"nosuch"'), "is no Chart that altair .* knows"),
        (lambda text: "[]", "is no Chart that altair .* knows"),
    ],
)
def test_damage_is_told(change: Any, complaint: str, chart: Any, tmp_path: Path) -> None:
    arguments = altair_to_json.dump(chart, str(tmp_path))
    (tmp_path / "data.json").write_text(change((tmp_path / "data.json").read_text()))
    with pytest.raises(ValueError, match=complaint):
        altair_to_json.Loader(**arguments).get(str(tmp_path))
    with pytest.raises(ValueError, match="is no chart of altair"):
        altair_to_json.Loader(kind="datum")


def test_a_database_keeps_charts(chart: Any, tmp_path: Path) -> None:
    db = isfdb.open(tmp_path / "db")
    db["chart"] = chart | chart
    assert db["chart"].to_dict() == (chart | chart).to_dict()
    db["chart"] = chart
    assert db.entry("chart").describe == {"type": "Chart", "mark": "bar", "title": "Rate"}
