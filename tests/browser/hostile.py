"""Texts that try to run a script, to forge what is seen or to burst a page, and databases full of them."""

from __future__ import annotations

import types
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from isfdb.plugins import register_loaderdumper, unregister_loaderdumper

if TYPE_CHECKING:
    import pytest

    from isfdb.database import Database

SCRIPT = "top.hacked=1;document.title='hacked'"
HOSTILE = [
    f"<script>{SCRIPT}</script>",
    f'<img src=x onerror="{SCRIPT}">',
    f'"><svg onload="{SCRIPT}">',
    f"' autofocus onfocus='{SCRIPT}",
    f"</style><script>{SCRIPT}</script>",
    f"</pre></code></details></div><iframe srcdoc='&lt;script>{SCRIPT}&lt;/script>'></iframe>",
    f"javascript:{SCRIPT}",
    f"]]><script>{SCRIPT}</script>",
    "\x1b[31mred\x1b[0m \x1b]8;;http://elsewhere.example\x07link\x1b]8;;\x07",
    "invoice\u202egnp.exe \u2067right to left\u2069",
    "line\nafter\r\nline\ttab",
    "<a href='http://elsewhere.example'>x</a><img src='http://elsewhere.example/x.png'><style>*{display:none}</style>",
]
LONG = "x" * 10_000


def key_of(text: str) -> str:
    """Return a key that holds as much of a text as a key may."""
    return text.replace("/", "∕")[:180]


def fill(db: Database, request: pytest.FixtureRequest) -> Database:
    """Store hostile texts in every place where a database keeps texts."""
    for text in HOSTILE:
        db[key_of(text)] = text
    db["attributes"] = np.arange(100.0)
    for text in [*HOSTILE, LONG]:
        db.attributes["attributes"][text[:200]] = text
    db["long/" + "x" * 200] = LONG
    db["frame"] = pd.DataFrame({text[:2000]: [text, LONG] for text in [*HOSTILE, LONG]})
    db["dict"] = {text: [text] for text in [*HOSTILE, LONG]}
    db.set("described", HOSTILE, dumper=_stranger(request))
    return db


def _stranger(request: pytest.FixtureRequest) -> str:
    """Return the name of a loaderdumper that notes hostile texts in every place of a description."""

    def describe(value: list[str]) -> dict[str, Any]:
        return {
            "type": value[0],
            "dtype": value[1],
            "columns": [[one, one] for one in value],
            "members": {one: {"type": one, "dtype": one} for one in value},
            "statistics": {one: {two: two for two in value} for one in value},
            "ranges": {one: [one, one] for one in value},
            **{one: one for one in value},
            "wide": LONG,
            "n_<b>": 3,
        }

    module = types.ModuleType("hostile_to_json")
    facts = {"check": lambda _: False, "dump": lambda value, _: {"value": value}, "describe": describe}
    loader = type("Loader", (), {"__init__": lambda self, value: None, "get": lambda self, savedir: None})
    vars(module).update(facts, Loader=loader)
    register_loaderdumper(module)
    request.addfinalizer(lambda: unregister_loaderdumper("hostile_to_json"))
    return "hostile_to_json"
