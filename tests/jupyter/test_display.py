"""How databases, entries and versions show themselves: cheap, harmless, the same in text and HTML."""

from __future__ import annotations

import json
import os
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from isfdb import display

PAYLOADS = [
    "<script>document.title='hacked'</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "]]><script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "</pre></code></details><b>out</b>",
    "\x1b[2J\x1b]0;title\x07",
    "\u202egnp.exe",
    "line\nbreak",
    "&lt;script&gt;",
    "x" * 230,
]


class _Attributes(HTMLParser):
    """Collects the names of attributes, as a browser would understand them."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names |= {name for name, _ in attrs}


def attributes_in(html: str) -> set[str]:
    parser = _Attributes()
    parser.feed(html)
    return parser.names


def bundles(db) -> list[dict[str, str]]:
    keys = db.keys(recurse=True)
    entries = [db.entry(key) for key in keys]
    return [
        db._repr_mimebundle_(),
        *[entry._repr_mimebundle_() for entry in entries],
        *[entry.newest._repr_mimebundle_() for entry in entries],
    ]


@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
def test_nothing_in_a_key_value_or_attribute_gets_out_of_its_place(db, payload: str):
    db[payload.replace("/", "∕")] = 1
    db["plain"] = payload
    db.attributes["plain"]["note"] = payload
    for bundle in bundles(db):
        html = bundle["text/html"]
        tags = set(re.findall(r"<\s*/?\s*([a-zA-Z!][\w-]*)", html))
        assert tags <= {
            "div",
            "style",
            "p",
            "b",
            "span",
            "code",
            "br",
            "ul",
            "li",
            "details",
            "summary",
            "dl",
            "dt",
            "dd",
            "pre",
            "table",
            "thead",
            "tbody",
            "tr",
            "th",
            "td",
        }
        assert not {name for name in attributes_in(html) if name.startswith("on")}
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", bundle["text/plain"] + html)


def test_text_and_html_tell_the_same(db):
    db["rates"] = np.arange(12.0)
    db["cells/L5PT"] = 3
    bundle = db._repr_mimebundle_()
    for part in ("results", "2 keys", "rates", "ndarray 12 float64", "L5PT", "int 3", "v1"):
        assert part in bundle["text/plain"]
        assert part in bundle["text/html"]


def test_every_colour_has_a_fallback_and_nothing_is_fetched(db):
    db["x"] = 1
    html = db._repr_mimebundle_()["text/html"]
    assert "<script" not in html
    assert "url(" not in html
    assert "http" not in html
    assert all("," in use for use in re.findall(r"var\(--(?:jp|vscode)-[^)]*", html))
    selectors = re.findall(r"(?:^|})([^{}@]+){", re.search("<style>(.*)</style>", html)[1])
    assert all(part.strip().startswith(".isfdb") for selector in selectors for part in selector.split(",") if not selector.startswith("@"))


def test_repr_is_one_line_and_reads_no_key(db):
    db["x"] = 1
    (Path(db.entry("x").path) / "metadata.json").write_text("not JSON")
    assert repr(db) == f"<isfdb.Database 'results': 1 key, mode 'a', {db.path}>"


def test_showing_loads_no_value(db):
    db["x"] = np.arange(1000.0)
    (Path(db.entry("x").path) / "data.npy").unlink()
    for bundle in bundles(db):
        assert "ndarray 1000 float64" in bundle["text/plain"]


def test_a_key_with_unreadable_metadata_does_not_hide_the_others(db):
    db["broken"], db["strange"], db["whole"] = 1, 2, 3
    (Path(db.entry("broken").path) / "metadata.json").write_text("not JSON")
    (Path(db.entry("strange").path) / "metadata.json").write_text('{"format": 1, "files": [1, 2], "describe": 7, "created": 5}')
    tree = display.tree(db)
    assert re.search(r"whole +int 3", tree)
    assert len(tree.splitlines()) == 3
    assert "!" in tree


def test_what_is_not_shown_is_counted(db):
    with db.batch():
        for number in range(30):
            db[f"key{number:02}"] = number
    tree = display.tree(db, max_keys=10)
    assert tree.splitlines()[-1] == "└─ … 20 more"


def test_ten_thousand_keys_are_counted_and_few_looked_into(db):
    db["seed"] = 1
    seed = Path(db.entry("seed").path).parent
    for number in range(10_000):  # links, because writing ten thousand keys is another test's subject
        (Path(db.path) / f"key{number:05}.key").symlink_to(seed)
    shown = db._repr_mimebundle_()["text/plain"]
    assert "10,001 keys" in shown
    assert len(shown.splitlines()) < 300


def test_ls_shows_itself_as_a_tree(db):
    db["rates"] = 1
    assert repr(db.ls()).startswith("└─ rates")


def test_what_is_not_shown_is_said_with_what_shows_it(db):
    with db.batch():
        for number in range(205):
            db[f"key{number:03}"] = number
    bundle = db._repr_mimebundle_()
    for part in ("5 more", "db.ls(max_keys=10_000)"):
        assert part in bundle["text/plain"]
        assert part in bundle["text/html"]
    assert "max_keys" not in db.ls(max_keys=300)


def test_a_thousand_levels_of_sub_databases_are_shown_down_to_some(db):
    db["/".join("a" * 60)] = 1
    folder = Path(db.path)
    for _ in range(60):
        folder /= "a"
    for _ in range(940):  # deeper than Python's own stack, by hand: only the display is looked at here
        folder /= "a"
    os.makedirs(folder)
    try:
        bundle = db._repr_mimebundle_()
        assert db.keys(recurse=True) == ("/".join("a" * 60),)
    finally:
        os.removedirs(folder)  # what empties the test's folder later would not get down there
    assert bundle["text/plain"].count("a/") == 24
    assert "1 not shown" in bundle["text/plain"]


def test_columns_stand_below_each_other(db):
    db["rates"] = np.arange(12.0)
    html = db._repr_mimebundle_()["text/html"]
    for part in (
        '<span class="i-type">ndarray</span>',
        '<span class="i-shape">12</span>',
        '<span class="i-dtype">float64</span>',
        '<span class="i-version">v1</span>',
    ):
        assert part in html
    assert re.search(r'<span class="i-age" title="\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC">(just now|\d+ s ago)</span>', html)


def test_what_is_to_be_noticed_about_a_key_stands_in_every_representation(db):
    db["x"] = 1
    folder = Path(db.entry("x").path)
    record = json.loads((folder / "metadata.json").read_text())
    record["code"] = {"commit": "0" * 40, "branch": "main", "dirty": True}
    record["risks"] = [{"cell": 1, "line": "random()", "risk": "unseeded random numbers"}]
    (folder / "metadata.json").write_text(json.dumps(record))
    entry = db.entry("x")
    for bundle in (db._repr_mimebundle_(), entry._repr_mimebundle_(), entry.newest._repr_mimebundle_()):
        for words in ("uncommitted changes", "1 risk"):
            assert words in bundle["text/plain"]
            assert words in bundle["text/html"]
