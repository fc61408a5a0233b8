"""``db.browse()`` in JupyterLab and Notebook 7: click through everything, change something, and see what another process stores."""

from __future__ import annotations

import pytest

import isfdb
from tests.browser.hostile import fill

pytestmark = [pytest.mark.browser, pytest.mark.timeout(1200)]  # seconds; a busy computer needs minutes

STORED = """
import numpy as np, pandas as pd, isfdb
db = isfdb.open("results")
rates = pd.DataFrame({"cell": ["L5PT", "L4ss"] * 500, "rate (Hz)": np.arange(1000) / 10})
db["cells/rates"] = rates
db["trace"] = np.sin(np.linspace(0, 6, 500))
db["trace"] = db["trace"] * 2
db["note"] = "measured on a Tuesday"
db.attributes["trace"]["unit"] = "mV"
"""

# The tabs, and a word that must be seen in each.
TABS = {
    "Preview": "500 values",
    "Code": "* 2",
    "Provenance": "numpy",
    "Lineage": "trace",
    "Versions": "v1",
    "Attributes": "unit",
    "Actions": "replay",
}


def browse(page, code: str):
    """Show a browser in a new cell, and return the cell."""
    cell = page.run(code)
    assert not cell.failed, cell.text
    cell.wait_for(".isfdb-browser button.isfdb-row")
    return cell


def turn_to(page, cell, title: str, word: str = "") -> None:
    """Click a tab, and wait until it is there."""
    cell.click("[role=tab]", title)
    cell.wait_for(".widget-tab-contents", word)
    # As a line of its own: this file, which stands in the tab Code, has the words as well.
    page.wait(lambda: "Reading …" not in cell.text.splitlines(), f"the tab {title} was not read", 60)


def test_everything_can_be_clicked_and_done_in_jupyterlab(lab):
    assert not lab.run(STORED).text
    cell = browse(lab, "browser = db.browse()\nbrowser")
    cell.click("button.isfdb-row", "trace")
    faults = []
    for title, word in TABS.items():
        turn_to(lab, cell, title, word)
        faults += [f"{title}: {one}" for one in lab.look(f"browse-lab-{title}", ".isfdb-browser")]
    assert faults == []

    turn_to(lab, cell, "Attributes", "unit")
    for words, typed in (("new attribute", "sampling"), ("value", "20000")):
        label = cell.wait_for("label", words)
        cell.wait_for(f"[id='{label.get_attribute('for')}']").send_keys(typed)
    cell.click("button", "add")
    cell.wait_for(".widget-tab-contents", "sampling is noted")
    assert isfdb.open(lab.folder / "results", mode="r").attributes["trace"]["sampling"] == 20000

    turn_to(lab, cell, "Actions", "Nobody replayed")
    cell.click("button", "replay")
    cell.wait_for(".widget-tab-contents", "identical", timeout_s=60)
    cell.click("button", "verify")
    cell.wait_for(".widget-tab-contents", "sound")
    lab.look("browse-lab-done", ".isfdb-browser")

    cell.click("button.isfdb-row", "cells/")
    cell.click("button.isfdb-row", "rates")
    turn_to(lab, cell, "Preview", "L5PT")
    lab.look("browse-lab-frame", ".isfdb-browser")
    assert lab.run("browser.selected").text == "'cells/rates'"

    with isfdb.open(lab.folder / "results") as db:  # another process than the kernel's
        db["stored elsewhere"] = 1
    cell.wait_for("button.isfdb-row", "stored elsewhere")

    lab.find("input[placeholder*='user:']", cell.element)[0].send_keys("note\n")
    lab.wait(lambda: not lab.find("button.isfdb-row[title*='trace']", cell.element) and "1 key fits" in cell.text, "nothing was found")
    assert (lab.errors(), lab.noticed(), lab.server.tracebacks()) == ([], [], "")


def test_every_tab_opens_in_notebook_7(notebook7):
    assert not notebook7.run(STORED).text
    cell = browse(notebook7, "db.browse()")
    cell.click("button.isfdb-row", "trace")
    for title, word in TABS.items():
        turn_to(notebook7, cell, title, word)
    assert notebook7.look("browse-notebook", ".isfdb-browser") == []
    assert (notebook7.errors(), notebook7.noticed(), notebook7.server.tracebacks()) == ([], [], "")


def test_nothing_hostile_runs_in_the_browser(lab, request):
    with isfdb.open(lab.folder / "hostile") as db:
        fill(db, request)
    lab.requests()
    cell = browse(lab, "import isfdb\ndb = isfdb.open('hostile')\ndb.browse()")
    for key in ("attributes", "frame", "described"):
        cell.click("button.isfdb-row", key)
        for title in TABS:
            turn_to(lab, cell, title)
            assert lab.smuggled(".isfdb-browser") == []
        assert lab.look(f"browse-hostile-{key}", ".isfdb-browser") == []
    assert (lab.noticed(), lab.driver.title.startswith("hacked")) == ([], False)
    assert [one for one in lab.requests() if not one.startswith(lab.server.url)] == []
    assert (lab.errors(), lab.server.tracebacks()) == ([], "")
