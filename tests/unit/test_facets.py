"""What makes two values of a scientific library differ is noticed: the contract suite sees through these eyes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from isfdb.identical import assert_identical


def image() -> Any:
    image = pytest.importorskip("PIL.Image").new("P", (2, 2))
    image.putpalette([0, 0, 0, 255, 0, 0])
    return image


def graph() -> Any:
    return pytest.importorskip("networkx").Graph([(0, 1), (0, 2), (1, 2)])


def figure() -> Any:
    return pytest.importorskip("plotly.graph_objects").Figure({"data": [{"type": "bar", "y": np.arange(3)}]})


def chart() -> Any:
    return pytest.importorskip("altair").Chart("data.csv").mark_bar()


def tensor() -> Any:
    return pytest.importorskip("torch", reason="torch takes a gigabyte").ones(2, 3)


def model() -> Any:
    linear = pytest.importorskip("sklearn.linear_model").LinearRegression()
    return linear.fit(np.arange(4.0)[:, None], np.arange(4.0))


def length() -> Any:
    return pytest.importorskip("pint").get_application_registry().Quantity(1.5, "m")


def width() -> Any:
    return pytest.importorskip("astropy.units").Quantity([1.0, 2.0], "m")


def table() -> Any:
    return pytest.importorskip("astropy.table").Table({"a": [1, 2]}, meta={"run": 3})


def time() -> Any:
    return pytest.importorskip("astropy.time").Time(2451545.0, 0.25, format="jd", scale="tai")


def sky() -> Any:
    return pytest.importorskip("astropy.coordinates").SkyCoord(1.0, 2.0, unit="deg")


def _changed(value: Any, change: Callable[[Any], Any]) -> Any:
    answer = change(value)
    return value if answer is None else answer


CHANGES: list[tuple[Callable[[], Any], Callable[[Any], Any]]] = [
    (image, lambda value: value.putpixel((1, 1), 1)),
    (image, lambda value: value.putpalette([0, 0, 0, 0, 255, 0])),
    (image, lambda value: value.info.update(dpi=(1, 1))),
    (graph, lambda value: value.add_edge(0, 1, weight=1)),
    (graph, lambda value: value.remove_edge(0, 1) or value.add_edge(0, 1)),
    (graph, lambda value: value.nodes[0].update(a=1)),
    (figure, lambda value: value.update_layout(title="x") and None),
    (figure, lambda value: type(value)({"data": [{"type": "bar", "y": np.arange(3.0)}]})),
    (chart, lambda value: value.mark_line()),
    (tensor, lambda value: value.t().contiguous().t()),
    (tensor, lambda value: value.double()),
    (tensor, lambda value: value.requires_grad_()),
    (tensor, lambda value: value.fill_(2)),
    (model, lambda value: setattr(value, "coef_", value.coef_ + 1e-15)),
    (model, lambda value: setattr(value, "positive", True)),
    (length, lambda value: value.to("cm")),
    (length, lambda value: value._REGISTRY.Quantity(np.float64(1.5), "m")),
    (width, lambda value: value.to("cm")),
    (width, lambda value: value.astype("f4")),
    (width, lambda value: setattr(value.info, "description", "x")),
    (table, lambda value: value.meta.update(run=4)),
    (table, lambda value: setattr(value["a"], "unit", "m")),
    (table, lambda value: type(value)(value, masked=True)),
    (time, lambda value: type(value)(value.jd1, np.nextafter(0.25, 1), format="jd", scale="tai")),
    (time, lambda value: type(value)(value.jd1, value.jd2, format="jd", scale="tt")),
    (sky, lambda value: type(value)(1.0, np.nextafter(2.0, 3), unit="deg")),
    (sky, lambda value: type(value)(1.0, 2.0, unit="deg", frame="fk5")),
]


@pytest.mark.parametrize("place", range(len(CHANGES)))
def test_a_change_is_noticed(place: int) -> None:
    make, change = CHANGES[place]
    assert_identical(make(), make())
    with pytest.raises(AssertionError):
        assert_identical(_changed(make(), change), make())
