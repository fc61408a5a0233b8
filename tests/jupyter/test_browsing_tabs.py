"""The tabs of the browser, driven as a front end does: values set, buttons clicked. What they show is looked at as HTML."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pandas as pd
import pytest

from isfdb.jupyter.browsing import tabs
from isfdb.provenance.usage import uses_of

TITLES = [title for title, _ in tabs.TABS]
HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "' onmouseover='alert(1)",
    "]]><script>alert(1)</script>",
    "</style></pre></code></details><b>out</b>",
    "\x1b[2J\x1b]0;title\x07",
    "\u202egnp.exe",
    "line\nbreak",
    "x" * 10_000,
]
_WORDS = (
    "div style p b span code br ul ol li details summary dl dt dd pre table thead tbody tr th td img svg g path rect text tspan title a"
)
TAGS = frozenset(_WORDS.split())


class _Tags(HTMLParser):
    """Gathers what a browser would make of a text: tags, and attributes that run something."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.running: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.add(tag)
        self.running += [name for name, text in attrs if name.startswith("on") or (text or "").strip().lower().startswith("javascript:")]


def walk(widget: Any) -> Iterator[Any]:
    yield widget
    for child in getattr(widget, "children", ()):
        yield from walk(child)


def pieces(widget: Any) -> str:
    """Return the HTML of all pieces."""
    return "".join([one.value for one in walk(widget) if type(one).__name__ == "HTML"])


def words(html: str) -> str:
    """Return what a reader sees."""
    from html import unescape

    bare = re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL)
    alt = " ".join(re.findall(r'alt="([^"]*)"', bare))
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", bare)) + alt)


def seen(widget: Any) -> str:
    return words(pieces(widget))


def control(widget: Any, description: str) -> Any:
    found = [one for one in walk(widget) if description in str(getattr(one, "description", ""))]
    assert found, [getattr(one, "description", "") for one in walk(widget)]
    return found[0]


def click(widget: Any, description: str) -> None:
    button = control(widget, description)
    assert not button.disabled
    button.click()


def is_harmless(html: str) -> bool:
    found = _Tags()
    found.feed(html)
    controls = re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", html)
    return found.tags <= TAGS and not found.running and not controls


@pytest.mark.parametrize("title", TITLES)
def test_nothing_from_the_database_gets_out_of_its_place(db, title: str):
    for number, payload in enumerate(HOSTILE):
        key = f"{number} {payload.replace('/', '∕')[:60]}"
        db[key] = pd.DataFrame({payload: [payload]})
        db.attributes[key][payload] = payload
        assert is_harmless(pieces(tabs.make(db, key, title))), payload
        assert is_harmless(tabs.static(db, key, title)), payload


@pytest.mark.parametrize("title", TITLES)
def test_every_control_says_what_it_is_for(db, title: str):
    db["stack"] = np.zeros((3, 40, 50))
    for one in walk(tabs.make(db, "stack", title)):
        if type(one).__name__ == "Button":
            assert one.description
            assert one.tooltip


@pytest.mark.parametrize("title", TITLES)
def test_what_fails_is_told_in_the_tab(db, title: str):
    assert "there is no key 'absent'" in seen(tabs.make(db, "absent", title))
    assert "there is no key 'absent'" in words(tabs.static(db, "absent", title))


@pytest.mark.parametrize("title", TITLES)
def test_looking_is_no_use_of_the_value(shell, db, title: str):
    from isfdb.provenance.cells import watch

    shell.user_ns |= {"db": db, "tabs": tabs}
    shell.run_cell("import isfdb, numpy as np; db['big'] = np.zeros((4, 30, 30)); db['scalar'] = 3")
    shell.run_cell(f"shown = tabs.make(db, 'big', {title!r}), tabs.static(db, 'scalar', {title!r}); db['later'] = 1").raise_error()
    assert not db.entry("later").inputs
    assert not [use for ran in watch().ran for use in uses_of(ran) if not use.is_output]


# Preview ---------------------------------------------------------------------------------------------------------------------------


def test_a_line_is_drawn_and_its_numbers_told(db):
    db["rates"] = np.arange(100.0)
    widget = tabs.make(db, "rates", "Preview")
    assert "line plot of rates: 100 values between 0 and 99" in seen(widget)
    assert "smallest 0 · mean 49.5 · largest 99" in words(tabs.static(db, "rates", "Preview"))


def test_a_slider_for_each_leading_axis_chooses_what_is_read(db):
    db["stack"] = np.arange(2 * 3 * 4 * 5.0).reshape(2, 3, 4, 5)
    widget = tabs.make(db, "stack", "Preview")
    assert "heat map of stack: 4 × 5 values between 0 and 19" in seen(widget)
    control(widget, "axis 0").value = 1
    control(widget, "axis 1").value = 2
    assert "heat map of stack: 4 × 5 values between 100 and 119" in seen(widget)


def test_a_long_array_is_read_a_page_at_a_time(db):
    db["long"] = np.arange(2_500_000)
    widget = tabs.make(db, "long", "Preview")
    assert "1,000,000 values shown · smallest 0" in seen(widget)
    click(widget, "Last")
    assert "500,000 values shown · smallest 2e+06 · mean 2.25e+06 · largest 2.5e+06" in seen(widget)
    assert control(widget, "Next").disabled


def test_a_table_is_turned_page_by_page(db):
    db["table"] = pd.DataFrame({"number": np.arange(1000), "word": [f"w{n}" for n in range(1000)]})
    widget = tabs.make(db, "table", "Preview")
    assert "rows 0 to 19 of 1,000" in seen(widget)
    click(widget, "Next")
    assert "w39" in seen(widget)
    click(widget, "Last")
    assert "rows 980 to 999 of 1,000" in seen(widget)
    control(widget, "page").value = 3
    assert "w59" in seen(widget)
    click(widget, "First")
    assert control(widget, "Previous").disabled


def test_many_columns_are_paged_too(db):
    db["wide"] = pd.DataFrame({n: [n] for n in range(100)})
    widget = tabs.make(db, "wide", "Preview")
    assert "columns 1 to 12 of 100" in seen(widget)
    control(widget, "columns").value = 9
    assert "columns 97 to 100 of 100" in seen(widget)


def test_a_dask_table_is_read_a_partition_at_a_time(db):
    import dask.dataframe as dd

    db["lazy"] = dd.from_pandas(pd.DataFrame({"number": range(100)}), npartitions=4)
    widget = tabs.make(db, "lazy", "Preview")
    assert "rows 0 to 19 of 25" in seen(widget)
    control(widget, "partition").value = 4
    assert "75" in seen(widget)
    control(widget, "page").value = 2
    assert "rows 20 to 24 of 25" in seen(widget)


def test_axes_with_names_are_called_by_them(db):
    import xarray as xr

    db["movie"] = xr.DataArray(np.arange(60.0).reshape(3, 4, 5), dims=("time", "$x$ \\href", "y"))
    widget = tabs.make(db, "movie", "Preview")
    control(widget, "time").value = 2
    assert "4 × 5 values between 40 and 59" in seen(widget)
    db["set"] = xr.Dataset({"u": (("$t$", "y", "x"), np.zeros((2, 4, 5))), "v": ("$t$", [1, 2])})
    widget = tabs.make(db, "set", "Preview")
    control(widget, "part").value = "u"
    assert "4 × 5 values" in seen(widget)
    assert control(widget, "axis 0").max == 1


def test_a_container_is_a_tree_of_which_each_part_can_be_shown(db):
    db["all"] = {"rates": np.arange(50.0), "cells": [1, {"table": pd.DataFrame({"a": [7]})}], "note": "<b>", "a'b": np.zeros(3)}
    widget = tabs.make(db, "all", "Preview")
    assert re.search(r"rates ndarray 50 float64 .*cells 2 .*table DataFrame 1 × 1 .*note '<b>'", seen(widget))
    control(widget, "part").value = "['rates']"
    assert "line plot of all ['rates']: 50 values" in seen(widget)
    control(widget, "part").value = "['cells'][1]['table']"
    assert "rows 0 to 0 of 1" in seen(widget)


def test_the_tree_of_a_container_loads_no_part(db):
    db["all"] = {"rates": np.arange(50.0)}
    file = next(db.entry("all").path.rglob("data.npy"))
    file.write_bytes(b"x" * file.stat().st_size)
    widget = tabs.make(db, "all", "Preview")
    assert "rates ndarray 50 float64" in seen(widget)
    control(widget, "part").value = "['rates']"
    assert "is not what was stored" in seen(widget)


def test_what_runs_code_waits_to_be_asked_for(db):
    db.set("object", {"word": "kept"}, dumper="to_pickle")
    widget = tabs.make(db, "object", "Preview")
    assert "kept" not in seen(widget)
    click(widget, "load and show")
    assert "kept" in seen(widget)


def test_what_a_stranger_pickled_is_not_loaded_and_it_says_how_to_trust(db, tmp_path, monkeypatch: pytest.MonkeyPatch):
    db.set("object", {"word": "kept"}, dumper="to_pickle")
    monkeypatch.setenv("ISFDB_DATA_FOLDER", str(tmp_path / "another"))
    widget = tabs.make(db, "object", "Preview")
    assert "isfdb trust" in seen(widget)
    assert "isfdb trust" in words(tabs.static(db, "object", "Preview"))
    assert not [one for one in walk(widget) if type(one).__name__ == "Button"]


def test_an_attachment_can_be_saved(db, tmp_path):
    (tmp_path / "a note.txt").write_text("hello there")
    db.attach("note", tmp_path / "a note.txt")
    widget = tabs.make(db, "note", "Preview")
    assert "hello there" in seen(widget)
    assert 'download="a note.txt" href="data:application/octet-stream;base64,' in pieces(widget)


def test_what_isf_wrote_is_shown_too():
    from pathlib import Path

    import isfdb

    db = isfdb.open(Path(__file__).parents[1] / "compatibility/data/isf/written_by_isf", mode="r")
    assert "heat map of numpy_to_npy: 50 × 40 values" in seen(tabs.make(db, "numpy_to_npy", "Preview"))
    assert "isfdb trust" in seen(tabs.make(db, "to_pickle", "Preview"))


def test_of_a_long_container_the_beginning_is_shown(db):
    db["long"] = list(range(100_000))
    assert "the first 2,000 of 100,000 members" in seen(tabs.make(db, "long", "Preview"))


def test_figures_and_pictures_are_shown_with_words(db):
    from matplotlib.figure import Figure

    figure = Figure()
    figure.subplots().set_title("<spikes>")
    db["figure"], db["pixels"] = figure, np.zeros((30, 40, 3), "uint8")
    assert "Figure figure: <spikes>" in seen(tabs.make(db, "figure", "Preview"))
    assert "picture of pixels: 40 × 30 pixels" in seen(tabs.make(db, "pixels", "Preview"))


def test_without_matplotlib_there_is_a_plot_all_the_same(db, monkeypatch: pytest.MonkeyPatch):
    import importlib.util

    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, package=None: None if name == "matplotlib" else found(name, package))
    db["rates"] = np.arange(100.0)
    assert "<svg" in pieces(tabs.make(db, "rates", "Preview"))


def test_what_takes_too_long_is_given_up():
    import threading

    from isfdb.errors import LoadError
    from isfdb.jupyter.browsing.tabs.subject import within

    ended = threading.Event()
    with pytest.raises(LoadError, match="took more than"):
        within(ended.wait, "read it", 0.01)
    ended.set()


def test_the_users_pyplot_is_left_alone(db):
    import matplotlib
    import matplotlib.pyplot as plt

    db["rates"] = np.arange(100.0)
    before = (plt.get_fignums(), dict(matplotlib.rcParams), matplotlib.get_backend())
    tabs.make(db, "rates", "Preview")
    assert (plt.get_fignums(), dict(matplotlib.rcParams), matplotlib.get_backend()) == before


# Code ------------------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def told(shell, db, tmp_path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a database with a value that two cells of a notebook made."""
    import nbformat

    path = tmp_path / "analysis.ipynb"
    monkeypatch.setenv("JPY_SESSION_NAME", str(path))
    shell.user_ns["db"] = db
    cells = ["base = 20", "unused = 1", "db['sum'] = base + 1"]
    for cell in cells:
        shell.run_cell(cell, store_history=True).raise_error()
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in ["base = 21", *cells[1:]]])
    nbformat.write(book, path)
    return db


def test_the_slice_and_the_cells_as_they_ran_are_shown(told):
    widget = tabs.make(told, "sum", "Code")
    assert "base = 20" in seen(widget)
    assert "unused" not in seen(widget)
    views = next(one for one in walk(widget) if type(one).__name__ == "ToggleButtons")
    views.value = "cells as run"
    assert "unused = 1" in seen(widget)
    assert "stored sum@1" in seen(widget)


def test_the_difference_to_the_notebook_is_of_the_cells_that_changed(told):
    widget = tabs.make(told, "sum", "Code")
    next(one for one in walk(widget) if type(one).__name__ == "ToggleButtons").value = "difference to the file now"
    assert "2 of 3 cells stand in analysis.ipynb, as it was saved last, as they ran" in seen(widget)
    assert "-base = 20" in seen(widget)
    assert "+base = 21" in seen(widget)


def test_loading_code_goes_into_the_next_cell(told, shell):
    widget = tabs.make(told, "sum", "Code")
    click(widget, "insert loading code")
    assert shell.rl_next_input == "value = db['sum']"
    field = next(one for one in walk(widget) if type(one).__name__ == "Textarea")
    assert field.value == "value = db['sum']"


# Provenance, lineage, versions ------------------------------------------------------------------------------------------------------


def test_provenance_tells_who_with_what_and_from_what(told, shell):
    shell.run_cell("twice = db['sum'] * 2\ndb['twice'] = twice", store_history=True).raise_error()
    text = seen(tabs.make(told, "twice", "Provenance"))
    assert re.search(r"by .* on ", text)
    assert "session" in text
    assert re.search(r"made from 1 input.*isfdb://.*/sum@1", text)
    assert "the same packages are installed here" in text
    assert text == words(tabs.static(told, "twice", "Provenance"))


def test_risks_are_shown_with_their_line_and_what_to_do(shell, db):
    shell.user_ns["db"] = db
    shell.run_cell("import random", store_history=True)
    shell.run_cell("db['luck'] = random.random()", store_history=True).raise_error()
    text = seen(tabs.make(db, "luck", "Provenance"))
    assert "1 risk to making it again" in text
    assert "random.random()" in text
    assert db.entry("luck").risks[0].advice in text


def test_lineage_is_followed_the_way_that_is_chosen(told, shell):
    shell.run_cell("db['twice'] = db['sum'] * 2", store_history=True).raise_error()
    widget = tabs.make(told, "sum", "Lineage")
    assert "twice" not in seen(widget)
    control(widget, "direction").value = "downstream"
    assert "twice" in seen(widget)
    control(widget, "depth").value = 0
    assert "<svg" in pieces(widget)


def test_two_versions_are_shown_and_compared(db):
    for number in range(3):
        db["rates"] = np.arange(100.0) + number
    widget = tabs.make(db, "rates", "Versions")
    assert re.search(r"v3 .* v2 .* v1 ", seen(widget))
    control(widget, "version").value = 2
    click(widget, "show")
    assert "100 values between 1 and 100" in seen(widget)
    control(widget, "with").value = 1
    click(widget, "compare")
    wait(lambda: "v1 → v2" in seen(widget))
    assert "different" in seen(widget)


def wait(is_so: Any) -> None:
    """Wait for a thread; a hang is ended by the suite."""
    import time

    until = time.monotonic() + 120
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.02)


# Attributes -------------------------------------------------------------------------------------------------------------------------


def add(widget: Any, name: str, value: str) -> None:
    fields = [one for one in walk(widget) if type(one).__name__ == "Text"]
    fields[-2].value, fields[-1].value = name, value
    click(widget, "add")


def test_attributes_are_added_changed_and_removed(db):
    from isfdb.jupyter.browsing.tabs import make

    heard: list[str] = []
    db["rates"] = 1
    widget = make(db, "rates", "Attributes", on_change=lambda: heard.append("changed"))
    add(widget, "unit", "Hz")
    add(widget, "window", "[1, 2.5]")
    assert dict(db.attributes["rates"]) == {"unit": "Hz", "window": [1, 2.5]}
    field = next(one for one in walk(widget) if getattr(one, "value", "") == '"Hz"')
    field.value = '"kHz"'
    click(widget, "change")
    assert db.attributes["rates"]["unit"] == "kHz"
    click(widget, "remove")
    assert dict(db.attributes["rates"]) == {"window": [1, 2.5]}
    assert len(heard) == 4


def test_what_is_no_value_is_refused_in_place(db):
    db["rates"] = 1
    widget = tabs.make(db, "rates", "Attributes")
    add(widget, "width", "12 mV")
    assert 'For a text type "12 mV"' in seen(widget)
    add(widget, "", "1")
    assert "give the new attribute a name" in seen(widget)
    assert not db.attributes["rates"]


def test_a_change_by_somebody_else_is_not_overwritten_unseen(db):
    db["rates"] = 1
    db.attributes["rates"]["unit"] = "Hz"
    widget = tabs.make(db, "rates", "Attributes")
    db.attributes["rates"]["unit"] = "1/s"
    click(widget, "change")
    assert "is not what was shown here any more" in seen(widget)
    assert db.attributes["rates"]["unit"] == "1/s"
    add(widget, "unit", "5")
    assert "is noted already" in seen(widget)


def test_what_json_has_no_words_for_is_shown_and_kept(db):
    import datetime

    db["rates"] = 1
    db.attributes["rates"]["when"] = datetime.date(2026, 1, 2)
    widget = tabs.make(db, "rates", "Attributes")
    assert "datetime.date(2026, 1, 2)" in seen(widget)
    assert not [one for one in walk(widget) if getattr(one, "description", "") == "change"]


def test_what_would_forge_the_look_of_a_value_is_typed_as_an_escape(db):
    db["rates"] = 1
    db.attributes["rates"]["note"] = "\u202egnp.exe µm"
    widget = tabs.make(db, "rates", "Attributes")
    field = next(one for one in walk(widget) if "gnp.exe" in str(getattr(one, "value", "")) and type(one).__name__ == "Text")
    assert field.value == '"\\u202egnp.exe \\u00b5m"'
    click(widget, "change")
    assert db.attributes["rates"]["note"] == "\u202egnp.exe µm"


def test_a_database_open_for_reading_says_so(db):
    import isfdb

    db["rates"] = 1
    db.attributes["rates"]["unit"] = "Hz"
    widget = tabs.make(isfdb.open(db.path, mode="r"), "rates", "Attributes")
    assert "unit" in seen(widget)
    assert "open for reading" in seen(widget)
    assert not [one for one in walk(widget) if type(one).__name__ in ("Button", "Text")]


# Actions ----------------------------------------------------------------------------------------------------------------------------


def test_a_replay_runs_in_the_background_and_its_verdict_is_shown_at_once_the_next_time(told):
    widget = tabs.make(told, "sum", "Actions")
    assert "Nobody replayed this version so far" in seen(widget)
    click(widget, "replay")
    wait(lambda: "identical" in seen(widget))
    assert "identical" in seen(tabs.make(told, "sum", "Actions"))
    assert "identical" in words(tabs.static(told, "sum", "Actions"))


def children() -> set[str]:
    """Return the ids of the processes that this one started and that run, where the system tells."""
    from pathlib import Path

    lists = Path("/proc/self/task").glob("*/children")
    return {pid for one in lists for pid in one.read_text().split()}


_SLOW = """
import sys, time
def made():
    while "IPython" not in sys.modules:
        print("still at it", flush=True)
        time.sleep(0.05)
    return 1
"""


def test_a_replay_can_be_watched_and_cancelled_and_no_second_one_begins(shell, db):
    shell.user_ns["db"] = db
    shell.run_cell(_SLOW, store_history=True).raise_error()
    shell.run_cell("db['slow'] = made()", store_history=True).raise_error()
    widget, other = tabs.make(db, "slow", "Actions"), tabs.make(db, "slow", "Actions")
    others = children()  # git, or what another test left
    click(widget, "replay")
    wait(lambda: "still at it" in seen(widget))
    of_replay = children() - others
    assert of_replay or sys.platform != "linux"
    click(other, "replay")
    assert "One thing runs already: replaying slow" in seen(other)
    click(other, "cancel")
    wait(lambda: "Cancelled: replaying slow" in seen(widget))
    wait(lambda: children().isdisjoint(of_replay))
    click(other, "verify")
    wait(lambda: "sound" in seen(other))
    assert "Nobody replayed this version so far" in seen(tabs.make(db, "slow", "Actions"))


def test_what_is_only_described_is_loaded_when_asked_for(db):
    db.set("weights", {"first": np.arange(3)}, dumper="numpy_to_npz")
    widget = tabs.make(db, "weights", "Preview")
    assert "array([0, 1, 2])" not in seen(widget)
    click(widget, "load and show")
    assert "array([0, 1, 2])" in seen(widget)


def test_verify_names_what_is_damaged(db):
    db["rates"] = np.arange(100.0)
    with open(db.entry("rates").path / "data.npy", "ab") as file:
        file.write(b"x")
    widget = tabs.make(db, "rates", "Actions")
    click(widget, "verify")
    wait(lambda: "not as it was stored" in seen(widget))
    assert "data.npy" in seen(widget)


def test_the_link_is_shown_to_be_copied(db):
    db["rates"] = 1
    widget = tabs.make(db, "rates", "Actions")
    click(widget, "copy link")
    assert [one.value for one in walk(widget) if type(one).__name__ == "Text" and one.description == "link"] == [db.entry("rates").link]


def test_export_writes_the_file_that_is_named(db, tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    db["a/b"] = 1
    widget = tabs.make(db, "a/b", "Actions")
    target = next(one for one in walk(widget) if type(one).__name__ == "Text" and one.description == "to")
    assert target.value == "a_b.zip"
    target.value = ""
    click(widget, "export")
    assert "give the name of a file" in seen(widget)
    target.value = "out.zip"
    click(widget, "export")
    wait(lambda: "out.zip: 1 key" in seen(widget))
    assert (tmp_path / "out.zip").is_file()
    click(widget, "export")
    wait(lambda: "⚠" in seen(widget))
