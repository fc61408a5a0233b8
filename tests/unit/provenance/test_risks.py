"""Risks, each found with the line that causes it, and none where there is none."""

from __future__ import annotations

import pytest

from isfdb.provenance import risk_kinds as kinds
from isfdb.provenance.records import UsedFile, UsedValue
from isfdb.provenance.risks import MOST_OF_A_KIND, find_risks, risks_around
from isfdb.provenance.slicing.slicer import Executed, history_of

FILE = UsedFile("/data/trials/a.csv", 10, 1.0, "d" * 64)


def risks_of(*cells: str | Executed, used=(), target: int | None = None):
    history = history_of([cell if isinstance(cell, Executed) else Executed(cell, place) for place, cell in enumerate(cells, 1)])
    steps = history.slice([len(history.steps) - 1 if target is None else target])
    return find_risks(history, steps, used, {place: place + 10 for place in range(len(cells))})


CASES = {
    "numpy's own state": ("import numpy as np", "x = np.random.rand(3)", kinds.UNSEEDED, "x = np.random.rand(3)"),
    "python's own state": ("import random", "x = random.random()", kinds.UNSEEDED, "x = random.random()"),
    "a generator without a seed": (
        "import numpy as np",
        "rng = np.random.default_rng()\nx = rng.normal()",
        kinds.UNSEEDED,
        "rng = np.random.default_rng()",
    ),
    "time": ("import time", "x = time.time()", kinds.CLOCK, "x = time.time()"),
    "now": ("from datetime import datetime", "x = datetime.now()", kinds.CLOCK, "x = datetime.now()"),
    "a download": ("import urllib.request", "x = urllib.request.urlopen('http://a.org/b').read()", kinds.NETWORK, "x = urllib"),
    "a variable of the environment": ("import os", "x = os.environ['HOME']", kinds.ENVIRONMENT, "x = os.environ['HOME']"),
    "getenv": ("import os", "x = os.getenv('HOME')", kinds.ENVIRONMENT, "x = os.getenv('HOME')"),
    "an absolute path": ("import pandas as pd", "x = pd.read_csv('/data/trials/a.csv')", kinds.ABSOLUTE_PATH, "x = pd.read_csv('/data/"),
    "the head of an absolute path": ("folder = '/data/trials'", "x = open(folder + '/a.csv').read()", kinds.ABSOLUTE_PATH, "folder = "),
    "typed input": ("n = 1", "x = input('how many?')", kinds.KEYBOARD, "x = input('how many?')"),
    "another program": ("import subprocess", "x = subprocess.check_output(['ls'])", kinds.PROGRAM, "x = subprocess"),
    "the shell": ("n = 1", "x = !ls", kinds.PROGRAM, "x = __import__('subprocess')"),
    "exec": ("n = 'x = 1'", "exec(n.strip())", kinds.WIDENED, "exec(n.strip())"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_risk_comes_with_its_line(case: str) -> None:
    first, second, kind, line = CASES[case]
    found = risks_of(first, second, used=[FILE])
    assert [(risk.kind, risk.line.startswith(line)) for risk in found] == [(kind, True)]
    assert found[0].advice
    assert found[0].cell in (10, 11)


@pytest.mark.parametrize(
    "cells",
    [
        ("import numpy as np\nnp.random.seed(3)", "x = np.random.rand(3)"),
        ("import random\nrandom.seed(3)", "x = random.random()"),
        ("import numpy as np\nrng = np.random.default_rng(3)", "x = rng.normal()"),
        ("import time", "started = time.time()", "x = 3"),
        ("import pandas as pd", "x = pd.read_csv('trials/a.csv')"),
        ("x = 'a/b'", "y = x + '/usr/lib'"),
        ("import os", "x = os.path.join('a', 'b')"),
    ],
)
def test_what_can_be_repeated_is_no_risk(cells: tuple[str, ...]) -> None:
    assert risks_of(*cells, used=[FILE, UsedValue("isfdb://01/a@1")]) == []


def test_a_seed_after_the_draw_does_not_help() -> None:
    cells = ("import numpy as np\nx = np.random.rand()", "np.random.seed(3)", "y = np.random.rand() + x")
    assert [risk.line for risk in risks_of(*cells)] == ["x = np.random.rand()"]


def test_failed_and_hidden_cells_are_risks() -> None:
    cells = (Executed("a = []", 1, is_hidden=True), Executed("a.append(1)\na.append(1 / 0)", 2, "error", 2), "b = a")
    assert {risk.kind for risk in risks_of(*cells)} == {kinds.FAILED, kinds.HIDDEN}


def test_a_file_without_digest_is_a_risk_unless_the_digest_is_on_its_way() -> None:
    on_their_way = [UsedFile("/b", 1, 1.0, None, "being computed"), UsedFile("/c")]
    files = [UsedFile("/a", None, None, None, "larger than the limit"), *on_their_way, FILE]
    assert [(risk.kind, risk.line) for risk in risks_of("a = 1", used=files)] == [(kinds.NO_DIGEST, "/a: larger than the limit")]


def test_a_hundred_lines_of_a_kind_are_a_few_risks() -> None:
    cells = ["import time\nx = 0", *[f"x += time.time() + {number}" for number in range(100)]]
    assert len(risks_of(*cells)) == MOST_OF_A_KIND


def test_the_surroundings_have_risks_of_their_own() -> None:
    code = {"changed_after_import": ["lab.fit"], "local_modules": {"helpers": {}}}
    found = risks_around(code, ["numpy was 1 when this process first looked and is 2 now"])
    assert [(risk.kind, risk.line[:8]) for risk in found] == [
        (kinds.DRIFT, "numpy wa"),
        (kinds.EDITED, "lab.fit"),
        (kinds.NOT_IN_GIT, "helpers"),
    ]
    assert risks_around({}, ()) == []


def test_every_kind_has_advice() -> None:
    assert set(kinds.ADVICE) == {text for name, text in vars(kinds).items() if name.isupper() and isinstance(text, str)}


def test_a_module_outside_git_is_told_by_name_and_path():
    (risk,) = risks_around({"local_modules": [{"name": "helpers", "path": "/home/ada/helpers.py", "blob": "3856cfc"}]}, [])
    assert (risk.kind, risk.line) == (kinds.NOT_IN_GIT, "helpers: /home/ada/helpers.py")
