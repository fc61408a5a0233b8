"""JupyterLab 4 and Notebook 7: what isfdb shows there, dark and light, narrow and wide."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys

import pytest

import isfdb
from tests.browser.hostile import HOSTILE, fill, key_of

pytestmark = [pytest.mark.browser, pytest.mark.timeout(1200)]  # seconds; a busy computer needs minutes

STORED = """
import numpy as np, pandas as pd, matplotlib.pyplot as plt, isfdb
db = isfdb.open("results")
db["trace"] = np.sin(np.linspace(0, 6, 500))
rates = pd.DataFrame({"cell": ["L5PT", "L4ss"], "rate (Hz)": [3.5, 0.7]})
db["cells/rates"] = rates
figure, axes = plt.subplots(figsize=(3, 2))
axes.plot(db["trace"])
db["figure"] = figure
plt.close(figure)
db["note"] = "measured on a Tuesday"
db["trace"] = np.cos(np.linspace(0, 6, 500))
db.attributes["trace"]["unit"] = "mV"
"""
MODEL = """
from sklearn.linear_model import LinearRegression
db["model"] = LinearRegression().fit(np.arange(6).reshape(-1, 1), np.arange(6))
"""

# What people look at, and a word that must be seen there.
SHOWN = {
    "db": "measured on a Tuesday",
    "db['cells']": "DataFrame",
    "db.entry('trace')": "float64",
    "db.versions('trace')[0]": "trace@1",
    "db.versions('trace')": "2 versions of trace",
    "db.metadata['trace']": "numpy",
    "db.attributes['trace']": "'mV'",
    "db.entry('trace').preview()": "largest 1",
    "db.entry('cells/rates').preview()": "rate (Hz)",
    "db.entry('figure').preview()": "Figure",
    "isfdb.seal(db)": "head",
    "isfdb.lineage(db, 'figure')": "trace",
    "isfdb.diff(db, 'trace')": "trace",
    "isfdb.verify(db)": "",
    "isfdb.audit(db, replay=False)": "trace",
    "isfdb.find(db, 'rates')": "rates",
    "isfdb.code(db, 'cells/rates')": "L5PT",
    "isfdb.replay(db, 'note')": "identical",
    "%isfdb log": "trace",
    "%isfdb ls": "trace",
}


@pytest.fixture(params=["lab", "notebook7"])
def notebook(request):
    """A notebook with a database `db`, in JupyterLab and in Notebook 7."""
    page = request.getfixturevalue(request.param)
    page.run("%load_ext isfdb")
    assert not page.run(STORED).text
    return page


def test_everything_shown_can_be_read_in_both_themes_and_at_any_width(notebook):
    if notebook.kind == "lab":  # once is enough: it takes seconds to import
        assert not notebook.run(MODEL).text
        assert "LinearRegression" in notebook.run("db").text
    for code, word in SHOWN.items():
        cell = notebook.run(code)
        print(code, "|", cell.text[:300])
        assert not cell.failed, cell.text
        assert word in cell.text
    assert notebook.look(f"shown-{notebook.kind}", ".isfdb") == []
    for dark in (False, True):
        notebook.set_theme(dark=dark)
        assert notebook.axe(".isfdb") == []
    heights = notebook.driver.execute_script("return [...document.querySelectorAll('.i-facts dt')].map(one => one.offsetHeight)")
    assert max(heights) < 40  # names stand beside their facts, on one line
    assert (notebook.errors(), notebook.noticed()) == ([], [])


def test_an_error_of_the_magic_is_told_without_a_traceback(notebook):
    for line, word in (("%isfdb nonsense", "no verb"), ("%isfdb show nowhere", "nowhere"), ("%isfdb open", "TARGET")):
        cell = notebook.run(line)
        assert cell.failed
        assert word in cell.text
        assert "Traceback" not in cell.text
        assert 'File "' not in cell.text


def test_nothing_hostile_runs_in_what_a_cell_shows(lab, request):
    with isfdb.open(lab.folder / "hostile") as db:
        fill(db, request)
        db["frame"] = 1
    lab.requests()
    key = key_of(HOSTILE[0])
    assert not lab.run("%load_ext isfdb\nimport isfdb\ndb = isfdb.open('hostile')").failed
    for code in (
        "db",
        "from IPython.display import display\nfor key in db: display(db.entry(key)) if not db.is_sub_db(key) else None",
        "for key in ('dict', 'described', 'attributes'): display(db.entry(key).preview())",
        f"db.metadata[{key!r}]",
        f"isfdb.lineage(db, {key!r})",
        "isfdb.diff(db, 'frame')",
        "isfdb.audit(db, replay=False)",
        "isfdb.find(db, 'script')",
        f"isfdb.code(db, {key!r})",
        "%isfdb log",
    ):
        cell = lab.run(code)
        assert not cell.failed, cell.text
    lab.driver.execute_script("document.querySelectorAll('.isfdb details').forEach(one => { one.open = true })")
    assert lab.look("hostile-lab", ".isfdb") == []
    assert lab.noticed() == []
    assert lab.smuggled(".isfdb") == []
    assert "hacked" not in lab.driver.title
    assert [one for one in lab.requests() if not one.startswith(lab.server.url)] == []
    assert lab.errors() == []


def test_a_newcomer_sees_which_cell_made_a_value_after_five_actions(lab):
    lab.close()
    actions = ["pip install isfdb"]  # .ci/run does it in an empty environment
    assert importlib.metadata.version("isfdb")

    actions.append("open a notebook")
    lab.goto(lab.server.address("/lab") + "&reset")
    lab.click(".jp-LauncherCard[data-category='Notebook']", "Python 3")
    lab.wait(lambda: lab.find(".jp-Notebook .jp-Cell .cm-content"), "no notebook was opened")

    actions.append("import, store, and look")
    cell = lab.type("import isfdb\ndb = isfdb.open('newcomer')\nrates = [3.5, 0.7]\ndb['rates'] = rates\ndb")
    cell.wait_for("summary", "rates")
    assert "made by" not in cell.text

    actions.append("click on the key")
    cell.click("summary", "rates")
    cell.wait_for("dd", "cell [1]; .entry('rates') shows its code")

    actions.append("do what stands there")
    shown = lab.type("db.entry('rates')")
    shown.wait_for("summary", "made by [1]")
    shown.wait_for("pre", "rates = [3.5, 0.7]")
    lab.screenshot("newcomer")
    assert len(actions) <= 5
    assert (lab.errors(), lab.noticed()) == ([], [])


def test_a_notebook_made_into_a_page_shows_the_database_and_the_browser(lab, page):
    lab.front()
    assert not lab.run(STORED).text
    lab.run("db").wait_for("summary", "trace")
    lab.run("db.browse()").wait_for("button.isfdb-row", "trace")
    file = lab.save()
    command = [sys.executable, "-m", "nbconvert", "--to", "html", str(file)]
    done = subprocess.run(command, env=lab.server.environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    page.front()
    page.goto(file.with_suffix(".html").as_uri())
    for shown in page.find(".jp-OutputArea-output .isfdb"):
        assert "trace" in shown.text
        assert "measured on a Tuesday" in shown.text
    assert len(page.find(".jp-OutputArea-output .isfdb")) == 2
    assert page.look("nbconvert", ".isfdb") == []
    assert page.noticed() == []
    lab.front()
