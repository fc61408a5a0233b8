"""JupyterLab 4 and Notebook 7: what isfdb shows there, dark and light, narrow and wide."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.browser

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
    heights = notebook.driver.execute_script("return [...document.querySelectorAll('.i-facts dt')].map(one => one.offsetHeight)")
    assert max(heights) < 40  # names stand beside their facts, on one line
    assert (notebook.errors(), notebook.noticed()) == ([], [])
