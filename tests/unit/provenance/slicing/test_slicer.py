"""Slices hold what a value needs and little else. Each case: the cells, and which of their statements the last one needs."""

from __future__ import annotations

import ast

import pytest

from isfdb.provenance.slicing.slicer import Executed, history_of

#: Name -> cells; those that are needed for the last one begin with ``#*``.
CASES = {
    "a chain": ["#*import numpy as np", "#*x = np.arange(3)", "#*y = x + 1", "z = 5", "#*y.sum()"],
    "an alias": ["#*a = [1]", "#*b = a", "#*b.append(2)", "c = 3", "#*sum(a)"],
    "a copy is no alias": ["#*a = [1]", "b = a.copy()", "b.append(2)", "#*sum(a)"],
    "a view": ["#*import numpy as np", "#*a = np.zeros(3)", "#*v = a[1:]", "#*v[:] = 5", "k = a.copy()", "k[0] = 9", "#*a"],
    "out=": ["#*import numpy as np", "#*a = np.zeros(3)", "#*np.add(a, 1, out=a)", "#*a"],
    "augmented assignment": ["#*a = 1", "#*a += 2", "b = a", "b += 1", "#*a"],
    "random numbers": ["#*import numpy as np", "#*np.random.seed(0)", "#*x = np.random.rand(3)", "#*y = np.random.rand(3)", "#*y"],
    "a seed sets all anew": ["#*import random", "x = random.random()", "#*random.seed(1)", "#*y = random.random()", "#*y"],
    "a generator of one's own": [
        "#*import numpy as np",
        "#*rng = np.random.default_rng(0)",
        "other = np.random.default_rng(1)",
        "#*a = rng.random()",
        "b = other.random()",
        "#*c = rng.random()",
        "#*c",
    ],
    "shuffled": ["#*import random", "#*random.seed(0)", "#*a = [1, 2, 3]", "#*random.shuffle(a)", "#*a"],
    "a column": [
        "#*import pandas as pd",
        "#*f = pd.DataFrame({'a': [1]})",
        "#*f['b'] = f.a * 2",
        "g = f.copy()",
        "g['c'] = 1",
        "f.head()",
        "#*f",
    ],
    "names of a function at the time of the call": ["#*def f(x):\n    return x * k", "k = 3", "#*k = 4", "#*r = f(2)", "#*r"],
    "a function that changes what it is given": ["#*def f(x):\n    x.append(1)", "#*a = []", "b = []", "#*f(a)", "f(b)", "#*a"],
    "global": ["#*n = 0", "#*def f():\n    global n\n    n += 1", "#*f()", "#*n"],
    "a closure": [
        "#*def make():\n    k = []\n    def f(x):\n        k.append(x)\n        return k\n    return f",
        "#*f = make()",
        "#*f(1)",
        "#*f(2)",
    ],
    "files by name": [
        "#*open('a.txt', 'w').write('x')",
        "open('b.txt', 'w').write('x')",
        "#*t = open('a.txt').read()",
        "#*t",
    ],
    "an instance": [
        "#*class A:\n    def __init__(self, n): self.n = n\n    def inc(self): self.n += step",
        "#*step = 2",
        "#*a = A(1)",
        "b = A(5)",
        "#*a.inc()",
        "b.inc()",
        "#*a.n",
    ],
    "monkey-patching": ["#*import json", "#*json.limit = 3", "#*x = json.limit", "#*x"],
    "a loop": ["#*results = []", "#*for i in range(3):\n    results.append(i)", "x = 1", "#*len(results)"],
    "a loop may run no round": ["#*x = 1", "#*for x in []:\n    pass", "#*x"],
    "either branch": ["x = 0", "#*c = 1", "#*if c:\n    x = 1\nelse:\n    x = 2", "#*x"],
    "one branch": ["#*x = 0", "#*c = 1", "#*if c:\n    x = 1", "#*x"],
    "plots": ["import matplotlib.pyplot as plt", "#*x = [1, 2]", "plt.plot(x)", "#*x"],
    "the last output": ["#*x = 1", "#*x + 1", "#*_ * 2"],
    "an output by number": ["#*x = 1", "#*x + 1", "y = 3", "#*_2 * 2"],
    "literal exec": ["#*exec('q = 1')", "#*q"],
    "a star import": ["#*from math import *", "#*x = sqrt(4)", "#*x"],
    "deleted and bound again": ["x = 1", "del x", "#*x = 2", "#*x"],
    "a comprehension has names of its own": ["i = 3", "#*a = [i for i in range(3)]", "#*a"],
    "an environment variable": ["#*import os", "#*os.environ['A'] = '1'", "#*x = os.environ['A']", "#*x"],
    "an iterator is used up": ["#*g = iter([1, 2])", "#*a = list(g)", "#*b = list(g)", "#*b"],
    "a container holds": ["#*a = []", "#*d = {'k': a}", "#*a.append(1)", "#*d"],
    "a swap": ["#*a = 1", "#*b = 2", "#*a, b = b, a", "#*a"],
    "a class attribute": ["#*class C:\n    shared = []", "#*c = C()", "#*C.shared.append(1)", "#*c.shared"],
    "a magic": ["%matplotlib inline", "#*x = %time sum([1, 2])", "#*x"],
    "a decorator": ["#*seen = []", "#*def d(f):\n    seen.append(1)\n    return f", "#*@d\ndef f(): return seen", "#*f()"],
    "in place": ["#*import pandas as pd", "#*f = pd.DataFrame({'a': [2, 1]})", "#*f.sort_values('a', inplace=True)", "#*f"],
    "a context": ["#*import contextlib", "#*a = []", "#*with contextlib.nullcontext(a) as b:\n    b.append(1)", "#*a"],
}


@pytest.mark.parametrize("name", CASES)
def test_a_slice_is_what_is_needed(name: str) -> None:
    cells = CASES[name]
    history = history_of([Executed(cell.removeprefix("#*"), place + 1) for place, cell in enumerate(cells)])
    needed = {step.cell for step in history.slice([len(history.steps) - 1])}
    assert {place for place, cell in enumerate(cells) if cell.startswith("#*")} == needed


def test_code_that_nobody_can_read_takes_everything_before() -> None:
    history = history_of([Executed("a = 1"), Executed("s = 'b'"), Executed("exec(s + '=1')"), Executed("b")])
    assert [step.cell for step in history.slice([3])] == [0, 1, 2, 3]
    assert "exec" in history.steps[2].widened[0]


def test_a_cell_that_ran_and_is_no_python_takes_everything() -> None:
    history = history_of([Executed("a = 1"), Executed("not python at all"), Executed("a")])
    assert history.problems.keys() == {1}
    assert [step.cell for step in history.slice([2])] == [0, 1, 2]


def test_statements_after_the_one_that_failed_never_ran() -> None:
    cells = [Executed("a = []"), Executed("a.append(1)\n1 / 0\na.append(2)", outcome="error", error_line=2), Executed("a")]
    history = history_of(cells)
    assert [step.node.lineno for step in history.slice([len(history.steps) - 1]) if step.cell == 1] == [1]


def test_in_a_cell_that_failed_somewhere_nothing_is_certain() -> None:
    history = history_of([Executed("a = 1"), Executed("a = 2\nb = 3", outcome="error"), Executed("a")])
    assert [step.cell for step in history.slice([3])] == [0, 1, 2]


def test_a_cell_that_ran_twice_counts_twice() -> None:
    history = history_of([Executed("n = 0"), Executed("n += 1"), Executed("n += 1"), Executed("n")])
    assert len(history.slice([3])) == 4


def test_a_running_cell_is_followed_up_to_where_it_stands() -> None:
    history = history_of([Executed("a = 1")])
    place = history.begin(Executed("b = a; c = 2; d = b\ne = 5", 2, "running"))
    step = history.advance(place, (1, 7))
    assert step is not None
    assert ast.unparse(step.node) == "c = 2"
    assert len(history.steps) == 3
    history.end(place, Executed("b = a; c = 2; d = b\ne = 5", 2, "ok"))
    assert [ast.unparse(one.node) for one in history.steps] == ["a = 1", "b = a", "c = 2", "d = b", "e = 5"]


def test_a_statement_that_fails_after_it_was_followed_may_have_bound_nothing() -> None:
    history = history_of([Executed("a = 1")])
    place = history.begin(Executed("a = store_and_fail()", 2, "running"))
    history.advance(place, (1, 0))
    history.end(place, Executed("a = store_and_fail()", 2, "error", 1))
    history.add(Executed("a", 3))
    assert [step.number for step in history.slice([2])] == [0, 1, 2]


def test_a_name_that_no_statement_bound_may_be_known_as_a_database() -> None:
    history = history_of([])
    history.know_databases(["db"])
    for source in ("junk = 1", "x = db['a']", "db['b'] = x"):
        history.add(Executed(source))
    assert [step.number for step in history.slice([2])] == [1, 2]
    assert history.is_database("db")


def test_what_was_stored_before_belongs_to_no_slice() -> None:
    cells = ["import isfdb\ndb = isfdb.open('r')", "a = [1]", "db['a'] = a", "x = db['a']", "db['b'] = x"]
    history = history_of([Executed(cell) for cell in cells])
    assert [step.number for step in history.slice([5])] == [4, 5]
    assert history.steps[5].databases == {"db": {1}}


def test_a_statement_nested_too_deep_is_widened() -> None:
    history = history_of([Executed("x = 1"), Executed("y = " + " + ".join(["x"] * 900)), Executed("y")])
    assert [step.cell for step in history.slice([2])] == [0, 1, 2]


def test_a_class_with_slots_is_followed() -> None:
    cells = ["class V:\n    __slots__ = ('x',)\n    def __lt__(self, o): return self.x < o.x", "v = V()\nw = V()", "min([v, w])"]
    history = history_of([Executed(cell) for cell in cells])
    assert len(history.slice([3])) == 4


def test_a_statement_with_too_much_in_it_to_follow_may_do_anything() -> None:
    source = """
def subs(of):
    return next((dict(a.choices) for a in of._actions), {})
def section(title, of, level=2):
    lines = [title]
    return "".join([*lines, *[section(f"{title} {name}", action, level + 1) for name, action in subs(of).items()]])
def reference(parser, VERBS):
    verbs = subs(parser())
    return "".join(section(f"isfdb {verb}", verbs[verb]) for verb in VERBS).rstrip()
"""
    history = history_of([Executed(source), Executed("x = reference(None, [])"), Executed("y = 3"), Executed("z = y + 1")])
    assert history.steps[-3].widened == ["there is too much in it to follow"]
    assert {step.number for step in history.slice([3])} == {0, 1, 2, 3}


def test_a_notebook_closes_its_figures_at_the_end_of_a_cell() -> None:
    cells = ["%matplotlib inline\nimport matplotlib.pyplot as plt", "fig, ax = plt.subplots()", "plt.plot([5, 5])", "plt.title('t')", "fig"]
    history = history_of([Executed(cell) for cell in cells])
    assert [step.cell for step in history.slice([len(history.steps) - 1])] == [0, 1, 4]
    assert history.closed_figures == {1, 2, 3}
    history = history_of([Executed(cell) for cell in ["%matplotlib agg", *cells[0].split("\n")[1:], *cells[1:]]])
    assert len(history.slice([len(history.steps) - 1])) == 5
