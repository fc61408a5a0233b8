"""A matplotlib Figure comes back itself, on request, for whoever wrote it or trusts the database; its pictures for everybody."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import isfdb
from isfdb.parts import allowing_code
from loaderdumpers import figure

matplotlib = pytest.importorskip("matplotlib")


@pytest.fixture
def drawing() -> Any:
    from matplotlib.figure import Figure

    drawing = Figure(figsize=(3, 2))
    axes = drawing.subplots()
    axes.plot(np.arange(5), label="é")
    axes.set_title("Rate")
    return drawing


def pixels(drawing: Any) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(drawing)
    canvas.draw()
    return bytes(canvas.buffer_rgba())


def test_the_figure_itself_comes_back_and_draws_the_same(drawing: Any, tmp_path: Path) -> None:
    db = isfdb.open(tmp_path / "db")
    db["figure"] = drawing
    found = db.get("figure", live=True)
    assert type(found) is type(drawing)
    assert found.axes[0].get_title() == "Rate"
    assert pixels(found) == pixels(drawing)
    assert db["figure"].svg.endswith("figure.svg")


def test_a_stranger_gets_the_pictures_and_not_the_figure(drawing: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    db = isfdb.open(tmp_path / "db")
    db["figure"] = drawing
    monkeypatch.setenv("ISFDB_DATA_FOLDER", str(tmp_path / "stranger"))
    assert Path(isfdb.open(tmp_path / "db")["figure"].png).exists()
    with pytest.raises(isfdb.errors.UntrustedDataError, match="Leave out live=True to get its pictures"):
        db.get("figure", live=True)


def test_a_changed_pickle_is_not_run(drawing: Any, tmp_path: Path) -> None:
    db = isfdb.open(tmp_path / "db")
    db["figure"] = drawing
    path = Path(db.entry("figure").path) / "live" / "data.pickle"
    data = path.read_bytes()
    os.chmod(path, 0o600)
    path.write_bytes(data[:-1] + b"x")
    with pytest.raises(isfdb.errors.ChecksumMismatchError, match=r"live/data\.pickle is not what was stored"):
        db.get("figure", live=True)


def test_the_pictures_alone_are_kept_on_request(drawing: Any, tmp_path: Path) -> None:
    arguments = figure.dump(drawing, str(tmp_path), live=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["figure.png", "figure.svg"]
    with pytest.raises(ValueError, match="was not kept: it was stored with live=False"):
        figure.Loader(**arguments).get(str(tmp_path), live=True)


def test_a_figure_that_does_not_pickle_keeps_its_pictures(drawing: Any, tmp_path: Path) -> None:
    drawing.reader = (line for line in "abc")
    arguments = figure.dump(drawing, str(tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["figure.png", "figure.svg"]
    assert figure.Loader(**arguments).get(str(tmp_path)).png == str(tmp_path / "figure.png")
    with pytest.raises(ValueError, match="it does not pickle: TypeError"):
        figure.Loader(**arguments).get(str(tmp_path), live=True)


def test_a_figure_of_pyplot_comes_back_without_a_window(tmp_path: Path) -> None:
    from matplotlib import pyplot

    before = pyplot.get_fignums()
    drawing, _ = pyplot.subplots()
    canvas = drawing.canvas
    arguments = figure.dump(drawing, str(tmp_path))
    assert drawing.canvas is canvas
    pyplot.close(drawing)
    with allowing_code():
        found = figure.Loader(**arguments).get(str(tmp_path), live=True)
    assert pyplot.get_fignums() == before
    assert len(found.axes) == 1


def test_a_figure_stored_before_says_that_it_has_pictures_only(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="by an isfdb that kept pictures only"):
        figure.Loader().get(str(tmp_path), live=True)
