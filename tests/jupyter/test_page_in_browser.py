"""A real browser opens what isfdb made from a hostile database: nothing runs, nothing overflows."""

from __future__ import annotations

import html
import os
import re
import shutil
import subprocess
import types
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

import isfdb
from isfdb.display.verdicts import verdict_html
from isfdb.plugins import register_loaderdumper, unregister_loaderdumper
from isfdb.reporting.page import report_page
from tests.unit.reporting.reported import audit_of

if TYPE_CHECKING:
    from collections.abc import Callable

SCRIPT = "document.title='hacked';document.body.setAttribute('data-hacked','1')"
HOSTILE = [
    f"<script>{SCRIPT}</script>",
    f'<img src=x onerror="{SCRIPT}">',
    f'"><svg onload="{SCRIPT}">',
    f"' autofocus onfocus='{SCRIPT}",
    f"</style><script>{SCRIPT}</script>",
    f"</pre><iframe srcdoc='&lt;script>parent.{SCRIPT}&lt;/script>'></iframe>",
    f"javascript:{SCRIPT}",
    f"]]><script>{SCRIPT}</script>",
]

# The page reports on itself: the listener notices any change of the title and any script that reached the body.
LISTENER = """<script>window.addEventListener('load', () => setTimeout(() => {
  const wide = [...document.querySelectorAll('body *')].filter(e => {
    if (e.closest('.i-wide, pre, svg')) return false;
    return e.getBoundingClientRect().right > document.documentElement.clientWidth + 1});
  const probe = document.createElement('output');
  probe.id = 'probe';
  probe.textContent = JSON.stringify({title: document.title, hacked: document.body.hasAttribute('data-hacked'),
    width: document.documentElement.scrollWidth, client: document.documentElement.clientWidth,
    wide: wide.slice(0, 5).map(e => e.tagName + '.' + e.className)});
  document.body.appendChild(probe)}, 300))</script>"""


@pytest.fixture(scope="session")
def browser() -> str:
    found = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None)
    if found is None and os.environ.get("CI_BROWSER"):
        pytest.fail("CI_BROWSER is set, and there is no Chromium")
    if found is None:
        pytest.skip("there is no Chromium on this computer")
    return found


@pytest.fixture
def probe(browser: str, tmp_path: Path) -> Callable[..., dict]:
    """Return a function that opens a page in the browser and returns what the page found out about itself."""

    def look(page: str, width: int = 1200, *, dark: bool = False) -> dict:
        import json

        # Chromium refuses windows narrower than 500 pixels; a frame can be of any width.
        inner, outer = tmp_path / "inner.html", tmp_path / "outer.html"
        inner.write_text(
            page.replace("default-src 'none';", "default-src 'none'; script-src 'unsafe-inline';").replace("</body>", f"{LISTENER}</body>"),
            encoding="utf-8",
        )
        frame = html.escape(inner.read_text(encoding="utf-8"))
        read = "document.getElementById('f').contentDocument.getElementById('probe').textContent"
        outer.write_text(
            f'<!DOCTYPE html><meta charset="utf-8"><body><iframe id="f" width="{width}" height="900" srcdoc="{frame}"></iframe>'
            f"<script>setTimeout(() => {{document.body.textContent = {read}}}, 1500)</script>",
            encoding="utf-8",
        )
        command = [
            browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=6000",
            f"--blink-settings=preferredColorScheme={0 if dark else 1}", "--dump-dom", f"file://{outer}",
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)
        told = re.search(r"\{.*\}", html.unescape(done.stdout), re.DOTALL)
        assert told, done.stdout[-2000:] + done.stderr[-2000:]
        return json.loads(told[0])

    return look


def _noted_by_a_stranger(request) -> str:
    """Return the name of a loaderdumper that notes scripts in every place of a description."""
    stranger = types.ModuleType("hostile_to_json")
    stranger.check = lambda _: False
    stranger.dump = lambda value, _: {"value": value}
    stranger.Loader = type("Loader", (), {"__init__": lambda self, value: None, "get": lambda self, savedir: None})
    stranger.describe = lambda value: {
        "type": value[0],
        "dtype": value[1],
        "columns": [[one, one] for one in value],
        "members": {one: {"type": one, "dtype": one} for one in value},
        "statistics": {one: {two: two for two in value} for one in value},
        "ranges": {one: [one, one] for one in value},
        **{one: one for one in value},
        "wide": "x" * 5000,
        "n_<b>": 3,
    }
    register_loaderdumper(stranger)
    request.addfinalizer(lambda: unregister_loaderdumper("hostile_to_json"))
    return "hostile_to_json"


@pytest.fixture
def hostile(db, request):
    """A database whose keys, values, attributes and metadata try to run a script."""
    for payload in HOSTILE:
        db[payload.replace("/", "∕")] = payload
    db["attributes"] = np.arange(100.0)
    for payload in HOSTILE:
        db.attributes["attributes"][payload] = payload
    db["long/" + "x" * 200] = "y" * 5000
    pandas = pytest.importorskip("pandas")
    db.set("described", HOSTILE, dumper=_noted_by_a_stranger(request))
    db["frame"] = pandas.DataFrame({payload: [payload] for payload in HOSTILE})
    return db


def test_the_listener_would_notice_a_script(probe):
    seen = probe(f"<!DOCTYPE html><html><head><title>innocent</title></head><body><script>{SCRIPT}</script></body></html>")
    assert (seen["title"], seen["hacked"]) == ("hacked", True)


def test_the_listener_would_notice_what_overflows(probe):
    seen = probe("<!DOCTYPE html><html><body><p style='width:3000px'>wide</p></body></html>", 400)
    assert seen["wide"] == ["P."]
    assert seen["width"] > seen["client"]


def test_no_script_from_the_database_runs_on_the_report_page(probe, hostile):
    # The page's own Content-Security-Policy is loosened for this test, so that escaping alone has to hold.
    seen = probe(report_page(hostile))
    assert seen["title"].startswith("results")
    assert not seen["hacked"]


def test_no_script_in_a_verdict_runs_on_the_report_page_or_in_a_notebook(probe, hostile):
    facts = {"evidence": tuple((one, one) for one in HOSTILE), "differences": tuple(HOSTILE), "notes": tuple(HOSTILE)}
    keys = hostile.keys(recurse=True)
    given = {key: ("different", HOSTILE[n % len(HOSTILE)], HOSTILE[-1 - n % len(HOSTILE)], facts) for n, key in enumerate(keys)}
    audit = audit_of(hostile, given, {key: tuple(HOSTILE) for key in keys})
    seen = probe(report_page(hostile, audit=audit), 360)
    assert seen["title"].startswith("results")
    assert (seen["hacked"], seen["wide"]) == (False, [])
    shown = "".join([verdict_html(row.verdict) for row in audit.rows])
    seen = probe(f"<!DOCTYPE html><html><head><title>innocent</title></head><body>{shown}</body></html>")
    assert (seen["title"], seen["hacked"]) == ("innocent", False)


def test_a_button_shows_one_group_of_verdicts_only(probe, db):
    for key in "abc":
        db[key] = 1
    page = report_page(db, audit=audit_of(db, {"a": ("different", "unknown"), "b": ("identical",)}))
    shown = "[...document.querySelectorAll('.r-group')].filter(e => e.offsetHeight).map(e => e.id).join(' ')"
    for choice, expected in (("all", "all-different all-identical all-not-replayed"), ("different", "all-different")):
        press = f"document.getElementById('only-{choice}').click(); document.title = {shown}"
        seen = probe(page.replace("</body>", f"<script>addEventListener('load', () => {{{press}}})</script></body>"))
        assert seen["title"] == expected


def test_no_script_from_the_database_runs_in_a_notebook_output(probe, hostile):
    shown = [hostile._repr_mimebundle_(), *[hostile.entry(key)._repr_mimebundle_() for key in hostile.keys(recurse=True)]]
    body = "".join(bundle["text/html"] for bundle in shown)
    seen = probe(f"<!DOCTYPE html><html><head><title>innocent</title></head><body>{body}</body></html>")
    assert (seen["title"], seen["hacked"]) == ("innocent", False)


def test_no_script_from_the_database_runs_in_a_lineage_and_nothing_overflows(probe, hostile):
    for number, key in enumerate([key for key in hostile.keys() if not hostile.is_sub_db(key)]):
        hostile[f"made from {number}"] = str(hostile.entry(key).link)
    found = isfdb.lineage(hostile, HOSTILE[0].replace("/", "∕"), direction="both")
    wide = isfdb.lineage(hostile, "long/" + "x" * 200)
    body = found.to_html() + found.to_svg() + wide.to_html()
    seen = probe(f"<!DOCTYPE html><html><head><title>innocent</title></head><body>{body}</body></html>", 1000)
    assert (seen["title"], seen["hacked"]) == ("innocent", False)
    assert not [name for name in seen["wide"] if not name.startswith("svg")]


@pytest.mark.parametrize("width", [360, 768, 1600])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_nothing_overflows_the_report_page(probe, hostile, width: int, *, dark: bool):
    seen = probe(report_page(hostile), width, dark=dark)
    assert seen["wide"] == []
    assert seen["width"] <= seen["client"] + 1


@pytest.mark.parametrize("dark", [False, True])
def test_no_script_runs_where_differences_are_shown(probe, db, dark):
    import isfdb

    for number in range(2):
        db["hostile"] = {f"{payload}{name}": f"{payload}\n{number}" for name, payload in enumerate(HOSTILE)}
        db[f"{HOSTILE[0]}{number}".replace("/", "∕")] = np.arange(number + 1)
    found = isfdb.diff(db, "hostile")
    parts = [one._repr_mimebundle_()["text/html"] for one in (found, isfdb.diff(db, db))]
    seen = probe(f"<!DOCTYPE html><html><head><title>innocent</title></head><body>{''.join(parts)}</body></html>", 500, dark=dark)
    assert (seen["title"], seen["hacked"], seen["wide"]) == ("innocent", False, [])


def test_facts_stand_beside_their_names_in_jupyterlab(browser: str, tmp_path: Path):
    # JupyterLab's own rules for lists of definitions, with the same weight as the plainest of rules for a class.
    lab = ".jp-OutputArea-output dt{float:left;width:20%} .jp-OutputArea-output dd{float:left;width:80%}"
    db = isfdb.open(tmp_path / "results")
    db["rates"] = np.arange(3.0)
    shown = db.entry("rates")._repr_mimebundle_()["text/html"]
    measure = "document.title = Math.max(...[...document.querySelectorAll('.i-facts dt')].map(e => e.offsetHeight))"
    page = tmp_path / "page.html"
    output = f'<div class="jp-OutputArea-output">{shown}</div>'
    page.write_text(f'<!DOCTYPE html><meta charset="utf-8"><style>{lab}</style>{output}<script>{measure}</script>', encoding="utf-8")
    command = [
        browser,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={tmp_path / 'profile'}",
        "--dump-dom",
        f"file://{page}",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)
    title = re.search(r"<title>(\d+)</title>", done.stdout)
    assert title, done.stderr[-2000:]
    assert int(title[1]) < 40  # one line, not one for every two letters
