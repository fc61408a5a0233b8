"""``db.browse()`` and ``isfdb.registry.browse()`` in JupyterLab: keyboard, screen readers, narrow and wide, what others rename."""

from __future__ import annotations

import pytest

import isfdb

pytestmark = pytest.mark.browser

STORED = """
import numpy as np, pandas as pd, isfdb
db = isfdb.open("results")
db["trace"] = np.sin(np.linspace(0, 6, 500))
db["cells/rates"] = pd.DataFrame({"cell": ["L5PT", "L4ss"], "rate (Hz)": [3.5, 0.7]})
db["cells/" + "a name that is much too long for its place " * 4] = 1
db["note"] = "measured on a Tuesday"
with db.batch():
    for number in range(150):
        db[f"many/item {number:03}"] = number
"""


@pytest.fixture
def notebook(lab):
    """A notebook with a database `db` and its browser."""
    cell = lab.run(STORED)
    assert not cell.failed, cell.text
    return lab


def shown(notebook, code: str = "browser = db.browse(); browser"):
    cell = notebook.run(code)
    cell.wait_for("button.isfdb-row")
    return cell


def test_nothing_is_cut_off_or_hard_to_read(notebook):
    cell = shown(notebook, "browser = db.browse(); browser.selected = 'trace'; browser")
    cell.wait_for(".i-head", "ndarray")
    cell.click("button.isfdb-row", "many/")
    cell.wait_for("button", "Next")
    databases = notebook.run("isfdb.registry.browse()")
    databases.wait_for("button", "results")
    assert notebook.axe(".isfdb-browser") == []
    for dark in (False, True):
        notebook.set_theme(dark=dark)
        for width in (400, 1400):
            notebook.set_width(width, 1600)
            for name, one in (("browser", cell), ("registry", databases)):
                notebook.driver.execute_script("arguments[0].scrollIntoView()", one.outputs[0])
                notebook.screenshot(f"{name}-{'dark' if dark else 'light'}-{width}")
                assert notebook.faults(".isfdb-browser") == [], (name, dark, width)
            right, left = notebook.find(".lm-TabBar", cell.element)[0], notebook.find("button.isfdb-row", cell.element)[0]
            assert (right.rect["x"] > left.rect["x"] + 100) is (width > 400)  # two columns where there is room, else one


def test_the_keyboard_does_it_all_and_other_processes_are_followed(notebook):
    from selenium.webdriver.common.keys import Keys

    cell = shown(notebook)
    cell.wait_for("input[type=text]").click()
    for _ in range(4):  # three lists of filters, then the first row
        notebook.driver.switch_to.active_element.send_keys(Keys.TAB)
    assert notebook.driver.switch_to.active_element.text == "▸ cells/"
    notebook.driver.switch_to.active_element.send_keys(Keys.SPACE)
    cell.wait_for("button.isfdb-row", "rates")
    assert notebook.driver.switch_to.active_element.text == "▾ cells/"  # where it was
    for key in (Keys.TAB, Keys.TAB, Keys.SPACE):
        notebook.driver.switch_to.active_element.send_keys(key)
    cell.wait_for(".i-head", "cells/rates")
    with isfdb.open(notebook.folder / "results") as db:
        db["stored elsewhere"] = 1
        db.rename("cells/rates", "cells/speeds")
    cell.wait_for("button.isfdb-row", "stored elsewhere")
    cell.wait_for(".i-head", "cells/speeds")
    notebook.run("browser.close()")
    notebook.wait(lambda: not notebook.find(".isfdb-browser"), "the browser is still on the page")
    assert notebook.errors() == []
