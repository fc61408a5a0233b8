"""Images, figures, tensors, estimators, graphs, quantities."""

from __future__ import annotations

import atexit
import datetime
import decimal
import fractions
import functools
import shutil
import tempfile
import warnings
from typing import Any

import numpy as np
import pytest

from tests.contracts.kept._kept import Kept


def images() -> list[Any]:
    from PIL import Image

    noise = np.random.default_rng(1)
    found = []
    for mode in "1 L P PA LA La RGB RGBA RGBa RGBX CMYK YCbCr LAB HSV I F I;16 I;16L I;16B".split():
        for size in ((7, 5), (0, 3)):
            n_bytes = len(Image.new(mode, size).tobytes())
            data = noise.random(n_bytes // 4, "f4").tobytes() if mode == "F" else noise.bytes(n_bytes)
            found.append(Image.frombytes(mode, size, data))
    photo = _photo()
    palette = photo.convert("P", palette=Image.Palette.ADAPTIVE, colors=5)
    palette.info["transparency"] = 2
    see_through = Image.frombytes("P", (2, 2), bytes([0, 1, 1, 0]))
    see_through.putpalette([255, 0, 0, 10, 0, 255, 0, 255], "RGBA")
    noted = photo.copy()
    noted.info = {"dpi": (300.0, 299.9994), "icc_profile": b"\0" * 3000, "exif": b"Exif\0\0", "z": {"é": [1]}, "a": float("nan")}
    return [*found, photo, palette, see_through, noted, *(opened(kind) for kind in ("JPEG", "PNG", "TIFF", "BMP"))]


def _photo() -> Any:
    from PIL import Image

    rows, columns = np.mgrid[:40, :60]
    return Image.fromarray(np.stack([rows * 6, columns * 4, rows * columns % 256], axis=-1).astype("u1"))


def opened(kind: str) -> Any:
    """Return an image as Pillow reads it from a file."""
    from PIL import Image

    path = f"{_folder()}/photo.{kind.lower()}"
    _photo().save(path, kind, **({"dpi": (72, 72)} if kind == "JPEG" else {}))
    image = Image.open(path)
    image.load()  # closes the file
    return image


@functools.cache
def _folder() -> str:
    folder = tempfile.mkdtemp(prefix="isfdb-kept-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def not_images() -> list[Any]:
    from PIL import Image

    class Mine(Image.Image):
        pass

    return [Mine(), np.zeros((2, 2), "u1"), "data.png", Image]


def graphs() -> list[Any]:
    import networkx as nx

    empty = [getattr(nx, kind)() for kind in ("Graph", "DiGraph", "MultiGraph", "MultiDiGraph")]
    odd = nx.Graph(name="é", when=datetime.date(2020, 1, 1), pair=(1, [2, {"a": {3}}]))
    odd.add_nodes_from([(1, {"pos": np.array([0.5, np.nan])}), ("1", {"id": 7, "$x": None}), ((0, "a"), {}), 2.5, b"b", frozenset([1, 2])])
    odd.add_nodes_from([np.int64(9), datetime.date(2020, 1, 1), False])
    odd.add_edges_from([(2.5, (0, "a"), {"source": 1, "weight": np.float32(0.1)}), (b"b", 1), (1, 1), ("1", 2.5), (2.5, b"b")])
    parallel = nx.MultiDiGraph()
    parallel.add_edges_from([(1, 2, "x", {"key": 3}), (1, 2, 0, {}), (2, 1, (1, 2), {}), (1, 1, 5, {})])
    return [*empty, odd, odd.to_directed(), parallel, parallel.to_undirected(), *_reordered(nx)]


def _reordered(nx: Any) -> list[Any]:
    """Return graphs whose edges came and went, so that no two orders in them are alike."""
    found = []
    for kind in (nx.Graph, nx.DiGraph, nx.MultiGraph, nx.MultiDiGraph):
        random = np.random.default_rng(3)
        graph = kind()
        graph.add_nodes_from(random.permutation(30).tolist())
        for one, other in random.integers(0, 30, (300, 2)).tolist():
            if graph.has_edge(one, other) and random.random() < 0.5:
                graph.remove_edge(one, other)
            graph.add_edge(one, other, weight=random.random())
        found.append(graph)
    return found


def not_graphs() -> list[Any]:
    import networkx as nx

    class Mine(nx.Graph):
        pass

    holds_object, odd_name, object_node = nx.Graph(), nx.Graph(), nx.Graph()
    holds_object.add_node(1, thing=object())
    odd_name.add_node(1)
    odd_name.nodes[1][5] = 1
    object_node.add_node(object)
    return [Mine(), holds_object, odd_name, object_node, {1: {2: {}}}, nx]


def plotly_figures() -> list[Any]:
    import pandas as pd
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    days = pd.date_range("2020", periods=3)
    mixed = pd.DataFrame({"a": [1, 2], "b": ["x", None]})
    figure = go.Figure(go.Scatter(x=[1, 2, 3], y=np.arange(3.0), text=pd.Series(["a", "é", "c"]), customdata=mixed, meta=(1, 2)))
    figure.add_bar(x=days, y=pd.Series([1, 2, 3], dtype="Int64"))
    figure.add_heatmap(z=np.ones((2, 2), "f4"), x=np.array(["a", "b"]))
    figure.add_heatmap(z=np.asfortranarray(np.arange(6.0).reshape(2, 3)))
    figure.add_scatter(x=[datetime.date(2020, 1, 1)], y=[np.float32(1), float("nan"), None])
    figure.add_scatter(x=np.array([], "f8"), y=np.array([np.nan, 1]).astype(">f8"))
    figure.update_layout(title="é", shapes=[{"type": "line", "x0": 0, "x1": datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)}])
    rows = make_subplots(2, 2, specs=[[{"secondary_y": True}, {}], [{"colspan": 2}, None]])
    bare = go.Figure()
    bare.layout.template = None
    moving = go.Figure(data=[go.Scatter(y=[1])], frames=[go.Frame(data=[go.Scatter(y=np.arange(3))], name="1")])
    return [go.Figure(), figure, go.Figure(figure.to_plotly_json()), rows, bare, moving]


def not_plotly_figures() -> list[Any]:
    import plotly.graph_objects as go

    class Mine(go.Figure):
        pass

    return [Mine(), go.Scatter(), {"data": []}, go]


def charts() -> list[Any]:
    import altair as alt
    import pandas as pd

    frame = pd.DataFrame({"a": [1, 2, None], "b": list("xyé"), "t": pd.date_range("2020", periods=3)})
    chart = alt.Chart(frame, title="é").mark_point().encode(x="a", y="t:T", color="b", tooltip=["a", "b"])
    repeated = alt.Chart(frame).mark_bar().encode(alt.X(alt.repeat("row"), type="quantitative")).repeat(row=["a"])
    many = alt.Chart(pd.DataFrame({"x": range(6000)})).mark_bar().encode(alt.X("x", bin=True), y="count()")
    joined = [chart + chart.mark_line(), chart | chart, chart & chart, alt.concat(chart, chart, columns=1), chart.facet("b")]
    return [chart, chart.interactive(), *joined, repeated, many, alt.LayerChart(), alt.Chart("data.csv").mark_bar().encode(x="a:Q")]


def same_specification(found: Any, expected: Any) -> bool:
    import altair as alt

    with alt.data_transformers.enable("default", max_rows=None):
        return type(found) is type(expected) and found.to_dict() == expected.to_dict()


def not_charts() -> list[Any]:
    import altair as alt

    class Mine(alt.Chart):
        pass

    return [Mine(), alt.X("a:Q"), {"mark": "bar"}, alt]


def tensors() -> list[Any]:
    torch = pytest.importorskip("torch", reason="torch takes a gigabyte, so the test extra leaves it out")

    codes = "float64 float16 bfloat16 int64 int8 bool complex64 complex128".split()
    found = [torch.arange(6).reshape(2, 3).to(getattr(torch, code)) for code in codes]
    cube = torch.rand(2, 3, 4, 5)
    found += [torch.tensor(1.5), torch.zeros(0), torch.zeros(2, 0, 3), torch.tensor([float("nan"), -0.0]), torch.tensor([1 + 2j]).conj()]
    found += [cube[0, 0].t(), cube.to(memory_format=torch.channels_last), torch.rand(3, 1).expand(3, 50), cube[..., ::2], cube[1, 1:]]
    trained = torch.nn.Parameter(torch.rand(3))
    (trained * 2).sum().backward()
    found += [trained, torch.nn.Parameter(torch.arange(3), requires_grad=False), torch.rand(3, requires_grad=True)]
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.rand(5, 3)).sum().backward()
    optimizer.step()
    checkpoint = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3, "é": (None, float("inf"), b"x")}
    return [*found, *_sparse_tensors(torch), checkpoint, dict(model.named_parameters()), [cube, (cube + 1, None)], {"a": {1: {2.5: cube}}}]


def _sparse_tensors(torch: Any) -> list[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # in beta, says torch
        twice = torch.sparse_coo_tensor([[0, 0], [1, 1]], [1.0, 2.0], (2, 3), check_invariants=True)
        square = torch.eye(4)
        compressed = [square.to_sparse_csr(), square.to_sparse_csc(), square.to_sparse_bsr((2, 2)), square.to_sparse_bsc((2, 2))]
        return [twice, twice.coalesce(), *compressed]


def not_tensors() -> list[Any]:
    import torch

    class Mine(torch.Tensor):
        pass

    one = torch.ones(1)
    return [
        torch.nn.Linear(1, 1),
        Mine(),
        {"a": 1},
        {"a": one, "b": object()},
        {"a": one, "b": np.ones(3)},
        torch.max(torch.ones(1, 1), 0),
        torch,
    ]


def estimators() -> list[Any]:
    pytest.importorskip("skops")
    from sklearn.cluster import KMeans
    from sklearn.linear_model import LinearRegression, LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    random = np.random.default_rng(1)
    points = random.random((40, 3))
    labels = np.array(["low", "é"])[(points.sum(axis=1) > 1.5).astype(int)]
    scaled = make_pipeline(StandardScaler(), LogisticRegression(C=0.5))
    fitted = [scaled.fit(points, labels), KMeans(2, random_state=np.random.RandomState(3), n_init=1).fit(points)]
    return [LinearRegression(), LinearRegression().fit(points, points[:, 0]), *fitted, OneHotEncoder().fit(labels[:, None])]


def not_estimators() -> list[Any]:
    import sklearn.linear_model as linear

    class Mine(linear.LinearRegression):
        pass

    return [Mine(), linear.LinearRegression, linear, {"coef": 1}]


def pint_quantities() -> list[Any]:
    import pint

    registry = pint.get_application_registry()
    quantity = registry.Quantity
    scalars = [quantity(1.5, "km/s"), quantity(3, "m"), quantity(1, ""), quantity(1 + 2j, "ohm"), quantity(np.float32(1), "A")]
    exact = [quantity(fractions.Fraction(1, 3), "s"), quantity(decimal.Decimal("1.10"), "V")]
    odd = [quantity(20, "degC"), quantity(1, "delta_degC"), quantity(2.0, "dBm"), quantity(1, registry.m**0.5)]
    arrays = [quantity(np.arange(5.0), "mV"), quantity(np.array(2.0), "1"), quantity(np.zeros((0, 2), "f4"), "µm"), quantity([1, 2], "m")]
    return [*scalars, *exact, *odd, *arrays, registry.Unit("kg*m/s**2"), registry.Unit("")]


def not_pint_quantities() -> list[Any]:
    import pint

    return [pint, pint.UnitRegistry, pint.util.UnitsContainer({"m": 1}), 1.0, "1 m"]


def astropy_quantities() -> list[Any]:
    import astropy.units as u
    from astropy.coordinates import Angle, Distance, Latitude, Longitude

    noted = [1.0, 2.0] * u.m
    noted.info.description, noted.info.meta = "é", {"z": 1, "a": (2,)}
    numbers = [1 * u.m, np.arange(3) * u.km / u.s, u.Quantity([1, 2], "m", dtype=int), u.Quantity(np.float32(1), "V"), u.Quantity([], "m")]
    angles = [Angle(3, "deg"), Longitude([350, 10], "deg", wrap_angle=180 * u.deg), Latitude(3 * u.deg)]
    logarithms = [3 * u.mag, 3 * u.dex(u.m), u.Magnitude(3)]
    odd = [3 * u.Unit("1e-17 erg/s"), 3 * u.one, 2 * u.imperial.ft, np.ones((2, 3), order="F") * u.m, np.array([np.nan, -0.0]) * u.m]
    units = [u.m, u.km / u.s, u.dex(u.m), u.imperial.ft, u.Unit("m(1/3)")]
    return [*numbers, *angles, Distance([3.0, -1], "pc", allow_negative=True), *logarithms, *odd, *units, noted]


def not_astropy_quantities() -> list[Any]:
    import astropy.units as u

    class Mine(u.Quantity):
        pass

    return [Mine(1, "m"), u, u.Unit, 1.0, "1 m"]


def astropy_tables() -> list[Any]:
    import astropy.units as u
    from astropy.coordinates import EarthLocation, SkyCoord
    from astropy.table import MaskedColumn, QTable, Table
    from astropy.time import Time, TimeDelta

    sky = SkyCoord([1, 2] * u.deg, [3, 4] * u.deg, distance=[1, 2] * u.pc, obstime="J2000")
    days = Time(["2020-01-01", "2021-01-01"], scale="tdb", precision=9)
    columns = {
        "a/b": [1, 2],
        "q": [1.0, 2.0] * u.m,
        "t": days,
        "sky": sky,
        "é": ["x", "é"],
        "m": np.ones((2, 3)),
        "raw": np.array([b"a", b""]),
    }
    full = QTable(columns, meta={"k": 1, "l": [1, {"d": 1.5}], "pair": (1, 2)})
    full["a/b"].description, full["q"].info.format = "first", ".3f"
    masked = Table({"a": MaskedColumn([1, 2], mask=[True, False]), "s": MaskedColumn(["x", "yy"], mask=[False, True])})
    long_text = Table({"s": np.array(["a long text", "b"])})[1:]
    plain = [Table(), Table({"q": [1.0, 2] * u.m}), QTable({"a": [1]}), Table({"x": np.zeros(2, [("a", ">i4"), ("b", "f8")])})]
    here = EarthLocation(1 * u.m, 2 * u.m, 3 * u.m)
    times = [days, Time("2020-01-01T00:00:00.123456789"), Time([[1e9, 2e9]], format="unix"), Time(["2020-01-01"], location=here), days[:0]]
    partly = days.copy()
    partly[0] = np.ma.masked
    stars = [
        sky,
        sky[0],
        SkyCoord(1 * u.deg, 2 * u.deg, frame="galactic"),
        SkyCoord([[1]] * u.deg, [[3]] * u.deg, frame="fk5", equinox="J1975"),
    ]
    spans = [TimeDelta(3 * u.s), TimeDelta([1.0, 2.0], format="sec", scale="tai")]
    return [full, full[:0], masked, Table(masked, masked=True), long_text, *plain, *times, partly, *spans, *stars]


def not_astropy_tables() -> list[Any]:
    import astropy.table

    class Mine(astropy.table.Table):
        pass

    return [Mine(), astropy.table.Column([1]), {"a": [1]}, astropy.table]


KEPT = {
    "astropy_quantity_to_parts": Kept(astropy_quantities, not_astropy_quantities),
    "astropy_table_to_npz": Kept(astropy_tables, not_astropy_tables),
    "pint_to_parts": Kept(pint_quantities, not_pint_quantities),
    "sklearn_to_skops": Kept(estimators, not_estimators),
    "torch_to_safetensors": Kept(tensors, not_tensors),
    "altair_to_json": Kept(charts, not_charts, same_specification),
    "plotly_to_json": Kept(plotly_figures, not_plotly_figures),
    "networkx_to_json": Kept(graphs, not_graphs),
    "pillow_to_png": Kept(images, not_images),
}
