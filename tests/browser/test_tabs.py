"""The tabs of the browser widget in JupyterLab: seen in both themes and widths, clicked, with a hostile database."""

from __future__ import annotations

import pytest

from isfdb.jupyter.browsing.tabs import TABS

pytestmark = pytest.mark.browser

STORED = """
import numpy as np, pandas as pd, isfdb
from isfdb.jupyter.browsing import tabs
db = isfdb.open("results")
db["stack"] = np.random.default_rng(1).normal(size=(4, 5, 40, 60))
base = pd.DataFrame({f"column {n}": np.arange(500) * n for n in range(30)})
db["wide table"] = base
db["stack"] = db["stack"] + 1
db["both"] = {"rates": np.arange(50.0), "cells": [{"name": "L5PT", "depth": 3.5}]}
db["mean"] = float(db["stack"].mean())
db.attributes["stack"].update(unit="mV", window=[1, 2.5], comment="a long comment about how all this was measured and why " * 3)
"""
HOSTILE = """
payload = "<img src=x onerror=\\"window.noticed.push('ran')\\"><script>window.noticed.push('ran')</script>"
key = payload.replace("/", "∕")
db[key] = pd.DataFrame({payload: [payload]})
db[key] = pd.DataFrame({payload: [payload, "]]>"]})
db.attributes[key].update({payload: payload, "$\\\\href{javascript:alert(1)}{x}$": "\\u202egnp.exe\\n\\x1b[2J", "long": "x" * 10_000})
"""


def test_every_tab_can_be_read_in_both_themes_and_at_any_width(lab):
    assert not lab.run(STORED).failed
    for title, _ in TABS:
        for key in ("stack", "wide table", "both") if title == "Preview" else ("stack",):
            cell = lab.run(f"tabs.make(db, {key!r}, {title!r})")
            cell.wait_for(".jp-OutputArea-output .jupyter-widgets")
    # The handles of ipywidgets' sliders have no name of their own; the label and the number beside them say what they are.
    assert lab.axe(".jp-OutputArea-output", leave_out=("aria-input-field-name",)) == []
    faults = lab.look("tabs", ".jp-OutputArea-output")
    print(*faults, sep="\n")
    assert faults == []
    assert (lab.errors(), lab.noticed()) == ([], [])


def test_nothing_hostile_runs_in_a_tab(lab):
    assert not lab.run(STORED + HOSTILE).failed
    for title, _ in TABS:
        lab.run(f"tabs.make(db, key, {title!r})").wait_for(".jp-OutputArea-output .jupyter-widgets")
    assert lab.look("tabs-hostile", ".jp-OutputArea-output") == []
    assert lab.noticed() == []


def test_buttons_do_what_they_say_while_the_notebook_goes_on(lab):
    assert not lab.run(STORED).failed
    actions = lab.run("tabs.make(db, 'mean', 'Actions')")
    actions.click("button", "replay")
    assert lab.run("1 + 1").text == "2"
    actions.wait_for(".i-verdict", "identical", timeout_s=120)
    actions.click("button", "verify")
    actions.wait_for(".isfdb", "sound", timeout_s=60)
    actions.click("button", "insert loading code")
    actions.wait_for("textarea")
    assert actions.element.find_element("css selector", "textarea").get_property("value") == "value = db['mean']"

    table = lab.run("tabs.make(db, 'wide table', 'Preview')")
    table.click("button", "Last")
    table.wait_for(".isfdb", "rows 480 to 499 of 500")

    attributes = lab.run("tabs.make(db, 'mean', 'Attributes')")
    labels = [attributes.wait_for("label", words) for words in ("new attribute", "value")]
    name, value = [attributes.wait_for(f"[id='{label.get_attribute('for')}']") for label in labels]
    name.send_keys("unit")
    value.send_keys("mV\t")
    attributes.click("button", "add")
    attributes.wait_for(".isfdb", "unit is noted")
    assert lab.run("db.attributes['mean']['unit']").text == "'mV'"

    code = lab.run("tabs.make(db, 'mean', 'Code')")
    code.click("button", "cells as run")
    code.wait_for(".isfdb", "stored mean@1")
    code.click("button", "difference to the file now")
    code.wait_for(".isfdb", "cells stand in")

    versions = lab.run("tabs.make(db, 'stack', 'Versions')")
    versions.click("button", "compare")
    versions.wait_for(".isfdb", "v1 → v2")
    versions.click("button", "show")
    versions.wait_for("img")
    faults = lab.look("tabs-used", ".jp-OutputArea-output")
    print(*faults, sep="\n")
    assert faults == []
    assert (lab.errors(), lab.noticed()) == ([], [])
