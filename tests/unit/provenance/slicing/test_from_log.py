"""Scripts written anew from a session's log, at every level of care."""

from __future__ import annotations

import pytest

from isfdb.provenance.records import UsedValue
from isfdb.provenance.session import Cell, Session
from isfdb.provenance.slicing.from_log import script_from_log


def cell(line: int, source: str, **facts) -> Cell:
    known = {"count": line, "cell_id": None, "started": None, "duration_s": None, "outcome": "ok", "error": None}
    return Cell(**{"line": line, "kind": "cell", "source": source, "stored_in_history": True, "facts": {}, **known, **facts})


SESSION = Session(
    "s",
    {"directory": "/home/ann"},
    (
        cell(1, "import isfdb\ndb = isfdb.open('r')"),
        cell(2, "\na = db['raw']; junk = 1\nmore = 2"),
        cell(3, "other = 3"),
        cell(4, "b = 1\ndb['y'] = a + b\nlater = 5"),
        cell(5, "db['z'] = 1"),
    ),
)
RECORD = {"activity": {"line": 4}, "created": "2026-11-21T10:00:00+00:00", "slice": {"at": 2, "code": [1, "d"], "labels": []}}
USED = (UsedValue("isfdb://01/raw@2", None, 2),)


def lines_of(level: str) -> list[str]:
    script = script_from_log(SESSION, RECORD, database_id="01", key="y", used=USED, level=level)
    assert script is not None
    return [line for line in script.text.splitlines() if line and not line.startswith("#")]


@pytest.mark.parametrize(
    ("level", "lines"),
    [
        ("statements", ['a = isfdb.load("isfdb://01/raw@2")', "b = 1", "value = a + b"]),
        ("cells", ['a = isfdb.load("isfdb://01/raw@2")', "junk = 1", "more = 2", "b = 1", "value = a + b"]),
        ("everything", ['a = isfdb.load("isfdb://01/raw@2")', "junk = 1", "more = 2", "other = 3", "b = 1", "value = a + b"]),
    ],
)
def test_each_level_holds_more_than_the_one_before(level: str, lines: list[str]) -> None:
    assert lines_of(level) == ["import isfdb", *lines]


def test_a_log_without_the_cell_gives_no_script() -> None:
    assert script_from_log(SESSION, {**RECORD, "activity": {"line": 9}}, database_id="01", key="y") is None
    assert script_from_log(SESSION, {}, database_id="01", key="y") is None


def test_a_record_without_a_slice_gives_all_that_ran() -> None:
    script = script_from_log(SESSION, {"activity": {"line": 3}}, database_id="01", key="y")
    assert script is not None
    assert "other = 3" in script.text
    assert "b = 1" not in script.text


def test_figures_that_the_notebook_closed_are_closed_where_the_script_draws_again() -> None:
    cells = (
        "import isfdb\ndb = isfdb.open('r')\n%matplotlib inline\nimport matplotlib.pyplot as plt",
        "plt.plot([1])\nf = plt.gcf()",
        "plt.plot([2])\ng = plt.gcf()",
        "db['y'] = (f, g)",
    )
    session = Session("s", {"directory": "/home/ann"}, tuple(cell(place + 1, source) for place, source in enumerate(cells)))
    record = {**RECORD, "slice": {"at": 1, "code": [1, "d"], "labels": []}}
    script = script_from_log(session, record, database_id="01", key="y")
    assert script is not None
    assert [line for line in script.text.splitlines() if "plt." in line or "close" in line] == [
        "plt.plot([1])",
        "f = plt.gcf()",
        "__import__('matplotlib.pyplot').pyplot.close('all')",
        "plt.plot([2])",
        "g = plt.gcf()",
    ]
