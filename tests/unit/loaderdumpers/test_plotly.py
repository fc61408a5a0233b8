"""plotly figures come back with the dtypes that plotly's JSON does not tell, and plotly reads the file as it lies."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import isfdb
from isfdb.testing import assert_identical
from loaderdumpers import plotly_to_json

go = pytest.importorskip("plotly.graph_objects")


def stored(figure: Any, folder: Path, **options: Any) -> Any:
    folder.mkdir()
    return plotly_to_json.Loader(**plotly_to_json.dump(figure, str(folder), **options)).get(str(folder))


def test_plotly_reads_the_file_without_isfdb(tmp_path: Path) -> None:
    import plotly.io

    figure = go.Figure(
        go.Scatter(x=np.array(["2020-01-01", "2020-01-02"], "M8[D]"), y=np.array([1.5, 2.5]), text=np.array(["a", "b"], object))
    )
    found = stored(figure, tmp_path / "v1")
    assert found.data[0].x.dtype == figure.data[0].x.dtype
    assert found.data[0].text.dtype == object
    plain = plotly.io.read_json(tmp_path / "v1" / "data.json").data[0]
    assert (list(plain.x), list(plain.text), plain.y["dtype"]) == (["2020-01-01", "2020-01-02"], ["a", "b"], "f8")


def test_a_plain_figure_needs_one_file(tmp_path: Path) -> None:
    stored(go.Figure(go.Bar(x=["a", "b"], y=[1, 2])), tmp_path / "v1")
    assert [path.name for path in (tmp_path / "v1").iterdir()] == ["data.json"]


def test_traces_can_be_added_to_subplots_after_loading(tmp_path: Path) -> None:
    from plotly.subplots import make_subplots

    found = stored(make_subplots(2, 1), tmp_path / "v1")
    found.add_scatter(y=[1], row=2, col=1)
    assert found.data[0].yaxis == "y2"


def test_a_table_of_objects_keeps_its_shape_and_types(tmp_path: Path) -> None:
    table = np.empty((2, 2), object)
    table[:] = [[1, "a"], [None, datetime.date(2020, 1, 1)]]
    found = stored(go.Figure(go.Scatter(y=[1, 2], customdata=table)), tmp_path / "v1")
    assert_identical(found.data[0].customdata, table)
    assert json.loads((tmp_path / "v1" / "data.json").read_text())["data"][0]["customdata"] == [[1, "a"], [None, "2020-01-01"]]


def test_a_widget_comes_back_as_a_widget(tmp_path: Path) -> None:
    pytest.importorskip("anywidget", reason="plotly's widget needs anywidget")
    widget = go.FigureWidget(go.Scatter(y=np.arange(3)))
    assert plotly_to_json.check(widget)
    found = stored(widget, tmp_path / "v1")
    assert type(found).__name__ == "FigureWidget"
    assert_identical(found.data[0].y, widget.data[0].y)


def test_a_page_is_written_on_request_and_needs_no_network(tmp_path: Path) -> None:
    stored(go.Figure(go.Scatter(y=[1])), tmp_path / "v1", html=True)
    page = (tmp_path / "v1" / "figure.html").read_text()
    assert "Plotly.newPlot" in page
    assert '<script src="http' not in page


def test_what_cannot_be_kept_is_named_with_its_place(tmp_path: Path) -> None:
    figure = go.Figure(go.Scatter(y=[1], customdata=[object()]))
    with pytest.raises(TypeError, match=r"at data\.0\.customdata\.0 that cannot be kept: builtins\.object"):
        stored(figure, tmp_path / "v1")
    with pytest.raises(TypeError, match=r"a name that is no text at data\.0\.meta: 5"):
        stored(go.Figure(go.Scatter(y=[1], meta={5: 6})), tmp_path / "v2")


@pytest.mark.parametrize(
    ("name", "change", "complaint"),
    [
        ("data.json", lambda text: text[:-20], r"data\.json is no whole JSON"),
        ("data.json", lambda text: '{"data": [], "layout": {}, "frames": []}', "they do not belong together"),
        ("data.json", lambda text: '{"data": []}', "has no member frames, layout"),
        ("types.json", lambda text: "[]", r"types\.json has fewer or more entries"),
        ("types.json", lambda text: text.replace('"array"', '"module"'), "unknown entry 'module'"),
        ("types.json", lambda text: text.replace("[3]", "[4]"), "24 bytes for an array"),
    ],
)
def test_damage_is_told(name: str, change: Any, complaint: str, tmp_path: Path) -> None:
    arguments = plotly_to_json.dump(go.Figure(go.Scatter(y=np.arange(3.0))), str(tmp_path))
    (tmp_path / name).write_text(change((tmp_path / name).read_text()))
    with pytest.raises(ValueError, match=complaint):
        plotly_to_json.Loader(**arguments).get(str(tmp_path))
    with pytest.raises(ValueError, match="is no figure of plotly"):
        plotly_to_json.Loader(kind="Scatter", typed=0)


def test_a_database_keeps_figures(tmp_path: Path) -> None:
    db = isfdb.open(tmp_path / "db")
    figure = go.Figure(go.Scatter(y=np.arange(3)), {"title": {"text": "Rate"}})
    db["figure"] = figure
    assert_identical(db["figure"], figure)
    assert db.entry("figure").describe == {"type": "Figure", "traces": ["scatter"], "n_traces": 1, "title": "Rate"}
