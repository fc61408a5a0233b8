"""Every page tells what it should, of any key whatever it is called, and leads to pages that are there."""

from __future__ import annotations

import json
import warnings
from collections import deque

import numpy as np
import pandas as pd
import pytest

import isfdb
from isfdb.errors import PickleWarning
from isfdb.replaying.replay_records import keep_verdict
from isfdb.serving import frame, site
from isfdb.serving.pages import two_versions
from tests.unit.reporting.reported import HOSTILE, Tags, verdict

KEYS = [
    "rates",
    "a&b=c#d?e%2f+g",
    "täst ☃",
    "'; DROP TABLE",
    f"k {HOSTILE}",
    "cells/L5PT/" + "y" * 150,
    "..  ..",
    "new\nline",
    "\u202ertl",
    "%00",
]


class Custom:
    """Something no open format can keep."""

    def __init__(self, number: int) -> None:
        self.number = number


@pytest.fixture
def full(db):
    """A database with one of everything, and keys of every kind."""
    for number, key in enumerate(KEYS):
        db[key] = number
    db["frame"] = pd.DataFrame({HOSTILE: [HOSTILE, "b"], "n": [1, 2]})
    db["text"] = f"{HOSTILE}\n\x1b[31m{HOSTILE}"
    for number in range(3):
        db["array"] = np.arange(200.0) + number
    db["derived"] = db["array"].sum()
    db["gone"] = 1
    del db["gone"]
    db.attributes["array"]["unit"] = HOSTILE
    return db


def visit_all(visitor, *, most: int = 400) -> dict[str, object]:
    """Follow every link, of one version and one direction of most keys, and return the pages by address."""
    waiting, found = deque(["/"]), {}
    while waiting and len(found) < most:
        address = waiting.popleft()
        page = found[address] = visitor.ask(address)
        links = [page.headers["location"]] if page.status == 303 else page.links if "text/html" in page.headers["content-type"] else []
        for link in [one.partition("#")[0] for one in links]:
            assert link == "" or link[0] == "/" or link == "data:,", (address, link)
            is_one_more = "direction=" in link or ("version=" in link and "key=array" not in link and "key=k+" not in link)
            if link.startswith("/") and not is_one_more and link not in found and link not in waiting:
                waiting.append(link)
    return found


def test_every_link_leads_to_a_page_and_nothing_on_any_can_run(full, serve):
    found = visit_all(serve(full).come_in())
    assert len(found) > 60
    assert {address: page.status for address, page in found.items() if page.status not in (200, 303)} == {}
    for address, page in found.items():
        if page.headers["content-type"].startswith("text/html") and page.status == 200:
            tags = Tags(page.text)
            assert not {name for name, _ in tags.tags} & {"script", "style", "iframe", "object", "embed", "base"}, address
            assert not [name for _, attributes in tags.tags for name in attributes if name.startswith("on") or name == "style"], address
            assert tags.of("html")[0]["lang"] == "en"
            assert len(tags.of("h1")) == 1, address
            assert len(tags.of("main")) == 1, address
            ids = [attributes["id"] for _, attributes in tags.tags if "id" in attributes]
            assert len(ids) == len(set(ids)), address


@pytest.mark.parametrize("key", KEYS)
def test_a_key_may_be_called_anything(key: str, full, serve):
    visitor = serve(full).come_in()
    for page in ("key", "versions", "lineage", "files"):
        assert visitor.page(page, key=key).status == 200
    assert visitor.page("file", key=key, version=1, name="metadata.json").status == 200


def test_the_first_page_says_how_it_stands_and_what_is_there(full, serve):
    version = full.entry("rates").newest
    keep_verdict(full._storage, version.record, verdict(version, "different", "random numbers", "it came out different"))
    page = serve(full).come_in().page("")
    assert f"Of {len(full.keys(recurse=True))} values, 1 came out different." in page.text
    assert "it came out different" in page.text
    assert f'href="/{full.id}/key?key=rates"' in page.text
    assert f'href="/{full.id}/status?name=different"' in page.text
    assert "cells/</a>" in page.text


def test_keys_with_a_verdict_are_listed(full, serve):
    version = full.entry("rates").newest
    keep_verdict(full._storage, version.record, verdict(version, "not runnable", "module", "there is no module nowhere"))
    visitor = serve(full).come_in()
    page = visitor.page("status", name="not-runnable")
    assert "there is no module nowhere" in page.text
    assert "1 value" in page.text
    assert visitor.page("status", name="splendid").status == 404


def test_a_key_tells_its_value_its_code_and_what_stored_it(visitor, db):
    db["array"] = np.arange(200.0)
    db.attributes["array"]["unit"] = "Hz"
    page = visitor.page("key", key="array")
    assert 'aria-label="course of array' in page.text
    assert "ndarray 200 float64" in page.text
    assert "<dt>unit</dt><dd>Hz</dd>" in page.text
    assert "not replayed" in page.text


def test_values_that_run_code_are_not_loaded_though_they_are_ones_own(visitor, db):
    with pytest.warns(PickleWarning):
        db["own"] = Custom(1)
    for page in ("key", "lineage", "files", "versions"):
        assert visitor.page(page, key="own").status == 200
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PickleWarning)
        db["own"] = Custom(2)
    page = visitor.page("diff", key="own", a=1, b=2)
    assert "not compared" in page.text
    assert "can run code, and here no value does" in page.text


def test_two_versions_are_compared(full, serve):
    page = serve(full).come_in().page("diff", key="array", a=1, b=3)
    assert "different" in page.text
    assert '<input type="number" id="a" name="a" min="1" value="1" required>' in page.text


def test_large_values_are_told_apart_without_loading_them(full, serve, monkeypatch):
    monkeypatch.setattr(two_versions, "MOST_BYTES", 100)
    page = serve(full).come_in().page("diff", key="array", a=1, b=3)
    assert "are not compared on this page" in page.text


def test_boxes_of_a_lineage_lead_to_keys(full, serve):
    page = serve(full).come_in().page("lineage", key="derived")
    assert f'<a href="/{full.id}/key?key=array&amp;version=3"><g class="g-value' in page.text
    assert "the same as text" in page.text


def test_a_link_to_a_database_that_is_served_too_leads_there(full, serve, tmp_path):
    other = isfdb.open(tmp_path / "other")
    other["copy"] = full["array"]
    assert f'href="/{full.id}/key?key=array&amp;version=3"' in serve(other, full).come_in().page("key", key="copy").text
    alone = serve(other).come_in().page("key", key="copy").text
    assert f"isfdb://{full.id}/array@3" in alone
    assert f'href="/{full.id}/' not in alone


def test_a_sub_database_is_served_alone(full, serve):
    visitor = serve(full["cells"]).come_in()
    assert f'href="/{full["cells"].id}/key?key=L5PT%2F{"y" * 150}' in visitor.page("keys", **{"in": "L5PT"}).text
    assert visitor.page("key", key="L5PT/" + "y" * 150).status == 200
    assert visitor.page("key", key="rates").status == 404


def test_what_was_deleted_is_still_told_of(full, serve):
    visitor = serve(full).come_in()
    assert "no key &#x27;gone&#x27;" in visitor.page("key", key="gone").text
    assert "is its deletion" in visitor.page("key", key="gone", version=2).text
    assert visitor.page("key", key="gone", version=1).status == 200
    assert "deleted" in visitor.page("log").text


@pytest.mark.parametrize(
    ("page", "parameters", "status"),
    [
        ("key", {"key": "nowhere"}, 404),
        ("key", {}, 400),
        ("key", {"key": "rates", "version": "99"}, 404),
        ("key", {"key": "rates", "version": "-1"}, 404),
        ("key", {"key": "rates", "version": "9" * 400}, 404),
        ("key", {"key": "../secret"}, 400),
        ("key", {"key": "a\0b"}, 404),
        ("key", {"key": "x" * 4000}, 400),
        ("keys", {"in": "nowhere"}, 404),
        ("keys", {"in": ".."}, 400),
        ("session", {"name": "../../isfdb"}, 404),
        ("session", {"name": "nowhere"}, 404),
        ("environment", {"digest": "../x"}, 404),
        ("diff", {"key": "rates", "a": "1", "b": "x"}, 404),
        ("files", {"key": "nowhere"}, 404),
    ],
)
def test_what_is_not_there_is_said(page: str, parameters: dict[str, str], status: int, full, serve):
    answer = serve(full).come_in().page(page, **parameters)
    assert answer.status == status
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("weird", [None, 10**400, ["x", None], {"a": {"b": 1}, "session": 5, "stored": []}, HOSTILE], ids=type)
def test_a_forged_record_fails_no_page(weird: object, db, visitor):
    db["k"] = [1, 2]
    db["k"] = [1, 3]
    file = db.entry("k").path / "metadata.json"
    record = json.loads(file.read_text())
    forged = {name: weird for name in record if name not in ("format", "files", "digest", "dumper", "nonce")}
    file.write_text(json.dumps(record | forged | {"files": {**record["files"], "Loader.json": [10**400, "x"]}}))
    pages = {"": {}, "key": {}, "versions": {}, "files": {}, "lineage": {}, "log": {}, "diff": {"a": 1, "b": 2}}
    for page, parameters in pages.items():
        answer = visitor.page(page, key="k", **parameters)
        assert "could not be made" not in answer.text, page
        assert "Traceback" not in answer.text


def test_lists_have_pages(db, serve, monkeypatch):
    monkeypatch.setattr(frame, "ROWS", 5)
    for number in range(12):
        db[f"k{number:02}"] = number
    visitor = serve(db).come_in()
    page = visitor.page("keys", page=3)
    assert "k11</a>" in page.text
    assert "k09</a>" not in page.text
    assert "11 to 12 of 12" in page.text
    assert visitor.page("keys", page="1e9").status == 200
    assert "k00</a>" in visitor.page("find", q="k").text + visitor.page("find", q="k", page=3).text


def test_a_search_tells_why_and_explains_what_it_does_not_understand(full, serve):
    visitor = serve(full).come_in()
    page = visitor.page("find", q="type:ndarray")
    assert "1 hit" in page.text
    assert f'href="/{full.id}/key?key=array"' in page.text
    wrong = visitor.page("find", q="since:never")
    assert wrong.status == 400
    assert "What can be asked" in wrong.text
    assert visitor.page("find", q="").status == 200
    assert "0 hits" in visitor.page("find", q=HOSTILE[:100]).text


def test_a_large_database_says_how_far_the_look_has_come(db, serve, monkeypatch):
    from isfdb.serving import survey

    for number in range(5):
        db[f"k{number}"] = number
    monkeypatch.setattr(survey.Survey, "accounts", _looks_at(survey.Survey.accounts, -1.0))
    monkeypatch.setattr(survey.Survey, "_go_on", lambda self, db: None)
    assert "0 of 5 keys were looked at so far" in serve(db).come_in().page("").text


def _looks_at(accounts, look_s: float):
    return lambda self, db: accounts(self, db, look_s=look_s)


def test_the_rest_is_looked_at_while_pages_are_read(db):
    from isfdb.serving.survey import Survey

    for number in range(5):
        db[f"k{number}"] = number
    survey = Survey()
    assert survey.accounts(db, look_s=-1.0) == ((), 5)
    survey._worker.join(30)
    accounts, n_keys = survey.accounts(db, look_s=-1.0)
    assert (len(accounts), n_keys) == (5, 5)
    db["k0"] = 7
    del db["k1"]
    known = {account.key: account.summary.version for account in survey.accounts(db)[0]}
    assert known == {"k0": 2, "k2": 1, "k3": 1, "k4": 1}


def test_several_databases_have_a_first_page(full, serve, tmp_path):
    other = isfdb.open(tmp_path / "other")
    page = serve(full, other).come_in().ask("/")
    assert page.status == 200
    assert {f"/{full.id}/", f"/{other.id}/"} <= set(page.links)


def test_the_registry_is_served_as_it_is_now(db, serve, tmp_path):
    visitor = serve(find=site.registered).come_in()
    isfdb.registry.add(db.path)
    assert f"/{db.id}/" in visitor.ask("/").links or visitor.ask("/").headers.get("location") == f"/{db.id}/"
    assert visitor.ask(f"/{db.id}/").status == 200
    isfdb.registry.forget(db.path)
    assert visitor.ask(f"/{db.id}/").status == 404


def test_a_page_that_fails_takes_nothing_along(visitor, monkeypatch, caplog):
    from isfdb.serving.pages import overview

    def fail(visit):
        raise AssertionError("a fault of ours")

    monkeypatch.setattr(overview, "show", fail)
    page = visitor.page("")
    assert page.status == 500
    assert "a fault of ours" not in page.text
    assert "a fault of ours" in caplog.text
    assert visitor.page("keys").status == 200
