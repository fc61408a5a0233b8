"""Everything a cell can end with shows itself as HTML and as text, harmless whatever it holds, and without reading values."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import isfdb

ALLOWED = set(
    "div style p b span code br ul li details summary dl dt dd pre table thead tbody tr th td svg g rect path text title a figure defs "
    "marker line circle polygon ellipse polyline tspan img figcaption desc".split()
)
INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
PAYLOAD = "<script>alert('x')</script>\x1b[2J\u202e\n<img src=x onerror=alert(1)>"


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def everything(db: Any) -> dict[str, Any]:
    """Return one of each kind of object that a user may end a cell with."""
    key = "hostile"
    return {
        "database": db,
        "sub-database": db["cells"],
        "entry": db.entry(key),
        "version": db.entry(key).newest,
        "versions": db.versions(key),
        "versions of an entry": db.entry(key).versions,
        "metadata": db.metadata,
        "metadata of a key": db.metadata[key],
        "attributes": db.attributes,
        "attributes of a key": db.attributes[key],
        "no attributes": db.attributes["cells/x"],
        "tree": db.ls(),
        "lineage": isfdb.lineage(db, key),
        "difference": isfdb.diff(db, key),
        "difference of databases": isfdb.diff(db, db["cells"]),
        "code": isfdb.code(db, key),
        "hits": isfdb.find(db, "hostile"),
        "findings": isfdb.verify(db),
        "audit": isfdb.audit(db, replay=False),
        "seal": isfdb.seal(db),
        "registry": isfdb.registry.databases(),
        "collected": db.collect(dry_run=True),
        "preview": db.entry(key).preview(),
    }


@pytest.fixture
def hostile(db: Any) -> Any:
    db["hostile"] = "plain"
    db["hostile"] = PAYLOAD
    db.attributes["hostile"][PAYLOAD] = PAYLOAD
    db["cells/x"] = np.arange(5)
    return db


def test_each_has_html_and_text_that_tell_something(hostile: Any):
    for name, shown in everything(hostile).items():
        bundle = shown._repr_mimebundle_()
        assert bundle["text/html"].startswith('<div class="isfdb">'), name
        assert len(bundle["text/plain"]) > 10, name


def test_nothing_in_any_of_them_runs_or_leads_elsewhere(hostile: Any):
    for name, shown in everything(hostile).items():
        bundle = shown._repr_mimebundle_()
        tags = _Tags()
        tags.feed(bundle["text/html"])
        for tag, attributes in tags.found:
            assert tag in ALLOWED, (name, tag)
            assert not [one for one in attributes if one.startswith("on") or one in ("srcdoc", "formaction")], name
            assert not (attributes.get("href") or "#").startswith("javascript:"), name
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", bundle["text/plain"] + bundle["text/html"]), name


def test_only_a_preview_needs_the_data(hostile: Any):
    shown = {name: one for name, one in everything(hostile).items() if name not in ("difference", "preview")}
    (Path(hostile.entry("cells/x").path) / "data.npy").unlink(missing_ok=True)
    for one in shown.values():
        one._repr_mimebundle_()


def test_versions_are_a_tuple_that_shows_itself_as_a_table(db: Any):
    for number in range(25):
        db["x"] = number
    versions = db.versions("x")
    assert isinstance(versions, tuple)
    assert [one.number for one in versions[:2]] == [1, 2]
    bundle = versions._repr_mimebundle_()
    assert bundle["text/plain"].startswith("25 versions of x\n")
    assert re.search(r"v25 .* int 24 ", bundle["text/plain"])
    assert "5 earlier ones are not shown: db.versions(key)[:5]" in bundle["text/plain"]
    assert "5 earlier ones are not shown" in bundle["text/html"]


def test_metadata_is_names_and_facts_with_what_is_long_folded(db: Any):
    db["x"] = np.arange(12.0)
    bundle = db.metadata["x"]._repr_mimebundle_()
    assert re.search(r"dumper +numpy_to_npy", bundle["text/plain"])
    assert "<dt>dumper</dt><dd>numpy_to_npy</dd>" in bundle["text/html"]
    assert "<summary>files</summary>" in bundle["text/html"]
    assert repr(db.metadata["x"]).startswith("Metadata({")


def test_attributes_are_names_and_values(db: Any):
    db["x"] = 1
    assert "db.attributes['x']['unit'] = 'Hz'" in db.attributes["x"]._repr_mimebundle_()["text/plain"]
    db.attributes["x"]["unit"] = "Hz"
    assert "<dt>unit</dt><dd>&#x27;Hz&#x27;</dd>" in db.attributes["x"]._repr_mimebundle_()["text/html"]


def test_findings_say_in_a_word_whether_the_database_is_sound(db: Any):
    db["x"] = np.arange(1000.0)
    assert "sound" in isfdb.verify(db)._repr_mimebundle_()["text/html"]
    (Path(db.entry("x").path) / "data.npy").unlink()
    shown = isfdb.verify(db)._repr_mimebundle_()["text/html"]
    assert 'class="i-badge i-v-bad"' in shown
    assert "missing file" in shown
