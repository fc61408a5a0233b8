"""Random notebooks: whatever a cell holds, running the slice of a variable gives what running everything gave."""

from __future__ import annotations

import ast
import random
from typing import Any

import numpy as np

from isfdb.provenance.slicing.slicer import Executed, history_of

NAMES = "abcdefg"
BEGIN = (
    "import numpy as np, random, functools, itertools\nfrom collections import deque\nfrom contextlib import contextmanager",
    "rng = np.random.default_rng(0)\nnp.random.seed(0)\nrandom.seed(0)",
    "class C:\n    shared = []\n    def __init__(self, v):\n        self.v = v\n    def m(self, x=None):\n        self.v, old = x, self.v\n"
    "        return old\n    def __len__(self):\n        return len(self.v)",
    "@contextmanager\ndef ctx(x):\n    x.append('in')\n    yield x\n    x.append('out')",
    "def g(x):\n    for y in x:\n        yield y",
    "f0 = f1 = f2 = lambda x: x",
    *[f"{name} = [{place}, {place + 1}]" for place, name in enumerate(NAMES)],
)
#: N is replaced by a variable, each by another one; I by a number; F by a function.
STATEMENTS = (
    """
N = [I, I]|N = {'k': N}|N = N|N = [N, N]|N = np.arange(4.)|N = N[1:]|N = N[0]|N.append(N)|N[0] = N|N += N[:2]|N = (N + N)[:9]|N = list(N)
N = tuple(N)|N.extend(list(N)[:2])|np.add(N, 1, out=N)|N = N.reshape(-1)|N = N.copy()|N = np.asarray(N)|F = lambda x: N
F = lambda x: x.append(I)
N = F(N)|def F(x):\\n    global N\\n    N = x\\n    return N|def F(x, y=N):\\n    y.append(1)\\n    return y
if len(N) > I:\\n    N = N\\nelse:\\n    N = N|for N in list(N)[:3]:\\n    N = N\\n    N.append(I)
try:\\n    N = N['k']\\nexcept Exception:\\n    N = N
N = [x for x in N]|N, N = N, N|N = C(N)|N.m(N)|N = N.v|N.v = N|N = N.m|N = sorted([I, I], key=lambda t: F([t]) or 0)
N = list(map(F, [N, N]))|N = rng.random(2)|rng = np.random.default_rng(I)|np.random.seed(I)|N = np.random.rand(2)
random.shuffle(N)|random.seed(I)
with ctx(N) as N:\\n    N.append(I)|N = N.T|N = (N if len(N) else N)|N = N.pop()|N.sort()|N = {**N, 'k': N}|N.update(k=N)|N = N.get('k', N)
del N[0]|N = dict(k=N)|N = deque(N)|N = itertools.chain(N, N)|N = next(N)|N = iter(N)|N = g(N)|C.shared.append(I)|N = N.shared
N = functools.partial(F, N)|N = N()|setattr(N, 'v', N)|N = getattr(N, 'v')|N.clear()|N = zip(N, N)|N = enumerate(N)
""".strip()
    .replace("\n", "|")
    .replace("\\n", "\n")
    .split("|")
)


def notebook(chance: random.Random) -> list[str]:
    def filled(statement: str) -> str:
        words = {"N": lambda: chance.choice(NAMES), "I": lambda: str(chance.randint(0, 3)), "F": lambda: f"f{chance.randint(0, 2)}"}
        parts = [
            words[one]() if one in words and not (before + after).strip("_ ").isidentifier() else one
            for before, one, after in _around(statement)
        ]
        return "".join(parts)

    return [*BEGIN, *[filled(chance.choice(STATEMENTS)) for _ in range(chance.randint(5, 25))]]


def _around(text: str) -> list[tuple[str, str, str]]:
    padded = f" {text} "
    return [(padded[place], padded[place + 1], padded[place + 2]) for place in range(len(text))]


def shown(value: Any, seen: tuple[int, ...] = ()) -> Any:
    """Return a value in a form that can be compared, cut off where it contains itself."""
    if id(value) in seen or len(seen) > 6:
        return "..."
    seen = (*seen, id(value))
    if isinstance(value, np.ndarray):
        return [shown(one, seen) for one in value.ravel()[:8]] if value.dtype == object else (value.dtype.str, value.shape, value.tobytes())
    if isinstance(value, dict):
        return {key: shown(one, seen) for key, one in value.items()}
    if type(value).__name__ in ("list", "tuple", "deque"):
        return [type(value).__name__, len(value), *[shown(one, seen) for one in list(value)[:8]]]
    if type(value).__name__ == "C":
        return "C", shown(value.v, seen), shown(type(value).shared, seen)
    return repr(value) if isinstance(value, (int, float, str, type(None), np.generic)) else type(value).__name__


def executed(sources: list[str]) -> tuple[dict[str, Any], list[Executed]]:
    variables: dict[str, Any] = {}
    cells = []
    for count, source in enumerate(sources, 1):
        try:
            exec(compile(source, "<cell>", "exec"), variables)
            outcome = "ok"
        except Exception:  # noqa: BLE001 - a random cell may fail in any way
            outcome = "error"
        cells.append(Executed(source, count, outcome))
    return variables, cells


def from_slice(cells: list[Executed], name: str) -> Any:
    history = history_of([*cells, Executed(name, len(cells) + 1)])
    variables: dict[str, Any] = {}
    for step in history.slice([len(history.steps) - 1]):
        try:
            exec(compile(ast.Module([step.node], []), "<slice>", "exec"), variables)
        except Exception:
            if not step.may_have_failed:
                raise
    return variables.get(name, "missing")


def test_running_a_slice_gives_what_running_everything_gave(long_run: bool) -> None:
    for seed in range(3000 if long_run else 60):
        variables, cells = executed(notebook(random.Random(seed)))
        for name in NAMES:
            wanted = shown(variables[name]) if name in variables else None
            if wanted is not None:
                assert shown(from_slice(cells, name)) == wanted, f"notebook {seed}, variable {name}"
