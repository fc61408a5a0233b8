"""Pages and pieces of HTML that isfdb made, in a real browser: nothing hostile runs, nothing overflows, everybody can use them."""

from __future__ import annotations

import numpy as np
import pytest

import isfdb
from isfdb.display.verdicts import verdict_html
from isfdb.reporting.page import report_page
from tests.browser.hostile import HOSTILE, SCRIPT, fill, key_of
from tests.unit.reporting.reported import audit_of

pytestmark = pytest.mark.browser


@pytest.fixture
def hostile(db, request):
    """A database whose keys, values, attributes and metadata try to run a script."""
    return fill(db, request)


def piece(*bundles) -> str:
    """Return a page around what objects show in a notebook."""
    shown = "".join(one._repr_mimebundle_()["text/html"] for one in bundles)
    scheme = "<style>:root{color-scheme:light dark}</style>"
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>innocent</title>{scheme}'
    return f'<!DOCTYPE html><html lang="en"><head>{head}</head><body><main><h1>innocent</h1>{shown}</main></body></html>'


def is_innocent(page, title: str = "innocent") -> bool:
    """Say whether nothing ran, nothing was asked from elsewhere, and nothing that could run or mislead is there."""
    assert page.noticed() == []
    assert page.driver.title.startswith(title)
    assert page.smuggled("main") == []
    assert [one for one in page.requests() if not one.startswith("file://")] == []
    return True


@pytest.mark.parametrize("text", [*HOSTILE[:6], *HOSTILE[-1:]])
def test_the_listener_notices_what_runs_or_could_run(page, tmp_path, text: str):
    page.show(f"<!DOCTYPE html><title>innocent</title><body><main><a href='{text}'>{text}</main></body>", tmp_path)
    assert page.noticed() or page.smuggled("main")


def test_the_listener_notices_a_script(page, tmp_path):
    page.show(f"<!DOCTYPE html><title>innocent</title><body><script>{SCRIPT};alert(1)</script></body>", tmp_path)
    assert page.noticed() == ["hacked: 1", "alert(1)"]
    assert page.driver.title == "hacked"


def test_the_faults_of_layout_are_noticed(page, tmp_path):
    faults = {
        "wider than its place": "<p style='width:3000px'>wide</p>",
        "the page is": "<p style='width:3000px'>wide</p>",
        "cut off at the side": "<p style='width:20px;overflow:hidden;white-space:nowrap'>a long line of text</p>",
        "cut off below": "<p style='height:8px;overflow:hidden'>two<br>lines</p>",
        "contrast": "<p style='color:#bbb'>pale</p>",
        "px high": "<p style='font-size:6px'>tiny</p>",
    }
    for word, body in faults.items():
        page.show(f"<!DOCTYPE html><body>{body}</body>", tmp_path)
        assert any(word in one for one in page.faults()), word
    page.show("<!DOCTYPE html><body><p>all is well</p><div style='overflow-x:auto'><p style='width:3000px'>wide</p></div></body>", tmp_path)
    assert page.faults() == []


def test_a_hostile_report_runs_nothing_and_keeps_its_layout(page, tmp_path, hostile):
    page.show(report_page(hostile), tmp_path)
    assert page.look("report-hostile", "main") == []
    assert is_innocent(page, "results")


def test_hostile_verdicts_run_nothing_and_keep_their_layout(page, tmp_path, hostile):
    facts = {"evidence": tuple((one, one) for one in HOSTILE), "differences": tuple(HOSTILE), "notes": tuple(HOSTILE)}
    keys = hostile.keys(recurse=True)
    given = {key: ("different", HOSTILE[n % len(HOSTILE)], HOSTILE[-1 - n % len(HOSTILE)], facts) for n, key in enumerate(keys)}
    audit = audit_of(hostile, given, {key: tuple(HOSTILE) for key in keys})
    page.show(report_page(hostile, audit=audit), tmp_path)
    assert page.look("report-hostile-verdicts", "main") == []
    assert is_innocent(page, "results")
    shown = "".join([verdict_html(row.verdict) for row in audit.rows])
    page.show(piece().replace("</main>", f"{shown}</main>"), tmp_path)
    assert is_innocent(page)


def test_what_a_hostile_database_shows_runs_nothing_and_keeps_its_layout(page, tmp_path, hostile):
    page.show(piece(hostile, *[hostile.entry(key) for key in hostile.keys(recurse=True)]), tmp_path)
    page.driver.execute_script("document.querySelectorAll('details').forEach(one => { one.open = true })")
    assert page.look("display-hostile", ".isfdb") == []
    assert is_innocent(page)


def test_previews_of_hostile_values_run_nothing_and_keep_their_layout(page, tmp_path, hostile):
    for name, text in {
        "drawing.svg": f"<svg xmlns='http://www.w3.org/2000/svg' onload=\"{SCRIPT}\"><script>{SCRIPT}</script></svg>"
    }.items():
        (tmp_path / name).write_text(text)
        hostile.attach(name, tmp_path / name)
    page.show(piece(*[hostile.entry(key).preview() for key in hostile.keys(recurse=True)]), tmp_path)
    assert page.look("preview-hostile", ".isfdb") == []
    assert is_innocent(page)


def test_a_hostile_lineage_runs_nothing(page, tmp_path, hostile):
    for number, key in enumerate([key for key in hostile.keys() if not hostile.is_sub_db(key)]):
        hostile[f"made from {number}"] = str(hostile.entry(key).link)
    found = isfdb.lineage(hostile, key_of(HOSTILE[0]), direction="both")
    page.show(
        piece(found, isfdb.lineage(hostile, "long/" + "x" * 200)).replace(
            "</main>", f"<div style='overflow-x:auto'>{found.to_svg()}</div></main>"
        ),
        tmp_path,
    )
    assert page.look("lineage-hostile", ".isfdb") == []
    assert is_innocent(page)


def test_hostile_differences_run_nothing_and_keep_their_layout(page, tmp_path, db):
    for number in range(2):
        db["hostile"] = {f"{text}{name}": f"{text}\n{number}" for name, text in enumerate(HOSTILE)}
        db[key_of(f"{number}{HOSTILE[0]}")] = np.arange(number + 1)
    page.show(piece(isfdb.diff(db, "hostile"), isfdb.diff(db, db)), tmp_path)
    assert page.look("diff-hostile", ".isfdb") == []
    assert is_innocent(page)


def test_a_button_shows_one_group_of_verdicts_only(page, tmp_path, db):
    for key in "abc":
        db[key] = 1
    page.show(report_page(db, audit=audit_of(db, {"a": ("different", "unknown"), "b": ("identical",)})), tmp_path)
    shown = "return [...document.querySelectorAll('.r-group')].filter(e => e.offsetHeight).map(e => e.id)"
    for choice, expected in (("all", ["all-different", "all-identical", "all-not-replayed"]), ("different", ["all-different"])):
        page.click(f"label[for='only-{choice}']")
        assert page.driver.execute_script(shown) == expected
