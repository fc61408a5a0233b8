"""JupyterLab 4 and Notebook 7: what isfdb shows there, dark and light, narrow and wide."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.browser

STORED = """
import numpy as np, pandas as pd, matplotlib.pyplot as plt, isfdb
db = isfdb.open("results")
db["trace"] = np.sin(np.linspace(0, 6, 500))
db["cells/rates"] = pd.DataFrame({"cell": ["L5PT", "L4ss"], "rate (Hz)": [3.5, 0.7]})
figure, axes = plt.subplots(figsize=(3, 2))
axes.plot(db["trace"])
db["figure"] = figure
plt.close(figure)
db["note"] = "measured on a Tuesday"
db["trace"] = np.cos(np.linspace(0, 6, 500))
"""


@pytest.fixture(params=["lab", "notebook7"])
def notebook(request):
    """A notebook with a database `db`, in JupyterLab and in Notebook 7."""
    page = request.getfixturevalue(request.param)
    page.run("%load_ext isfdb")
    assert not page.run(STORED).text
    return page


def test_a_database_shows_itself(notebook):
    cell = notebook.run("db")
    assert all(name in cell.text for name in ("trace", "cells/", "rates", "figure", "note"))
    for dark in (False, True):
        notebook.set_theme(dark=dark)
        for width in (400, 1400):
            notebook.set_width(width)
            notebook.screenshot(f"db-{notebook.kind}-{'dark' if dark else 'light'}-{width}")
            assert notebook.faults(".isfdb") == []
    assert notebook.errors() == []
    assert notebook.noticed() == []
