"""The tabs of the browser, driven as a front end does: values set, buttons clicked. What they show is looked at as HTML."""

from __future__ import annotations

import re
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
@pytest.mark.parametrize("payload", HOSTILE, ids=range(len(HOSTILE)))
def test_nothing_from_the_database_gets_out_of_its_place(db, title: str, payload: str):
    key = payload.replace("/", "∕")[:60]
    db[key] = pd.DataFrame({payload: [payload]})
    db.attributes[key][payload] = payload
    widget = tabs.make(db, key, title)
    assert is_harmless(pieces(widget))
    assert is_harmless(tabs.static(db, key, title))


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
    assert "2 of 3 cells stand in analysis.ipynb as they ran" in seen(widget)
    assert "-base = 20" in seen(widget)
    assert "+base = 21" in seen(widget)


def test_loading_code_goes_into_the_next_cell(told, shell):
    widget = tabs.make(told, "sum", "Code")
    click(widget, "insert loading code")
    assert shell.rl_next_input == "value = db['sum']"
    field = next(one for one in walk(widget) if type(one).__name__ == "Textarea")
    assert field.value == "value = db['sum']"
