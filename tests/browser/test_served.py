"""The report and the pages of ``isfdb serve`` in a real browser: everybody can use them, and nothing hostile runs."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import numpy as np
import pandas as pd
import pytest

import isfdb
from isfdb.reporting.page import report_page
from isfdb.serving.server import Server
from isfdb.serving.site import Site, given
from tests.browser.hostile import fill
from tests.unit.reporting.reported import audit_of

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.browser, pytest.mark.timeout(1200)]  # seconds; a busy computer needs minutes

# Where links lead, and forms as they stand, their texts filled in.
LEADS_TO = """
const links = [...document.querySelectorAll('a[href]')].map((one) => new URL(one.getAttribute('href'), document.baseURI).href);
const forms = [...document.querySelectorAll('form')].map((form) => {
  for (const field of form.querySelectorAll('input[type=search], input[type=text]')) field.value ||= 'a';
  return `${form.action.split('?')[0]}?${new URLSearchParams(new FormData(form))}`;
});
return [...links, ...forms];
"""


@pytest.fixture
def filled(db):
    """A database with values of several kinds, some made from others."""
    db["a trace"] = np.sin(np.linspace(0, 6, 500))
    db["a trace"] = db["a trace"] * 2
    db["cells/rates"] = pd.DataFrame({"cell": ["L5PT", "L4ss"], "rate (Hz)": [3.5, 0.7]})
    db["made from"] = str(db.entry("a trace").link)
    db["stack"] = np.random.default_rng(1).normal(size=(3, 20, 30))
    db.attributes["a trace"]["unit"] = "mV"
    return db


@pytest.fixture
def served(request):
    """Return a function that serves a database and returns the link to it."""

    def serve(db) -> str:
        server = Server(Site(given([isfdb.open(db.path, "r")])))
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        request.addfinalizer(lambda: (server.shutdown(), server.server_close(), thread.join(10)))
        return server.url

    return serve


def kinds(page, link: str) -> Iterator[str]:
    """Open one page of each kind that links lead to, and give its name."""
    page.goto(link)
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(page.driver.current_url))
    waiting, known = [page.driver.current_url], {"file"}  # which is downloaded
    while waiting:
        address = waiting.pop(0)
        kind = urlsplit(address).path.rpartition("/")[2]
        if kind in known:
            continue
        known.add(kind)
        page.goto(address)
        links = page.driver.execute_script(LEADS_TO)
        waiting += [one for one in links if one.startswith(origin)]
        yield kind or "overview"


def test_the_check_of_accessibility_notices_faults(page, tmp_path):
    page.show("<!DOCTYPE html><html><body><img src='data:,'><p style='color:#ccc'>pale</p><input></body></html>", tmp_path)
    found = "\n".join(page.axe())
    assert all(rule in found for rule in ("image-alt", "color-contrast", "html-has-lang", "label"))


def test_everybody_can_use_the_served_pages(page, filled, served):
    seen = []
    for kind in kinds(page, served(filled)):
        seen.append(kind)
        assert page.axe() == [], kind
        assert page.look(f"served-{kind}") == [], kind
        assert (page.noticed(), page.smuggled(), page.errors()) == ([], [], []), kind
    assert {"overview", "keys", "key", "versions", "diff", "find", "lineage", "sessions"} <= set(seen)


def test_nothing_hostile_runs_on_the_served_pages(page, db, request, served):
    link = served(fill(db, request))
    for kind in kinds(page, link):
        assert (page.noticed(), page.smuggled(), page.errors()) == ([], [], []), kind
        assert page.look(f"served-hostile-{kind}") == [], kind
    assert not page.driver.title.startswith("hacked")
    assert [one for one in page.requests() if "127.0.0.1" not in one] == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_everybody_can_use_the_report(page, tmp_path, filled, dark):
    given = {"a trace": ("different", "unknown"), "cells/rates": ("identical",), "stack": ("not runnable", "code")}
    page.set_theme(dark=dark)
    page.show(report_page(filled, audit=audit_of(filled, given)), tmp_path)
    page.driver.execute_script("document.querySelectorAll('details').forEach(one => { one.open = true })")
    assert page.axe() == []
    assert page.look("report") == []
