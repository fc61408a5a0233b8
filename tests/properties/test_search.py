"""What a search answers, with what it kept from earlier ones, equals what looking at every key gives; two processes change the keys."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import isfdb
from isfdb import index
from isfdb.entry import Entry
from isfdb.searching import kept
from isfdb.searching.kept import wait_until_kept

KEYS = ["a", "b", "rates", "cells/a", "cells/L5", "cells/deep/b"]
VALUES = [1, 2.5, "text", [1, 2, 3], {"trial": "x" * 400}]
UNITS = ["Hz", "mV", 3, 120.5]

#: Each question with what it means, said once more and another way.
QUESTIONS: dict[str, Callable[[Entry], bool]] = {
    "": lambda entry: True,
    "*a*": lambda entry: "a" in entry.key,
    "cells/*": lambda entry: entry.key.startswith("cells/"),
    "key=b": lambda entry: entry.key.rpartition("/")[2] == "b",
    "type:list": lambda entry: entry.describe.get("type") == "list",
    "not type:list": lambda entry: entry.describe.get("type") != "list",
    "version>2": lambda entry: entry.newest.number > 2,
    "size>200": lambda entry: entry.nbytes > 200,
    "unit=Hz": lambda entry: entry.attributes.get("unit") == "Hz",
    "attribute:unit": lambda entry: "unit" in entry.attributes,
    "unit>100": lambda entry: isinstance(entry.attributes.get("unit"), float),
    "type:str,int cells/*": lambda entry: entry.key.startswith("cells/") and entry.describe.get("type") in ("str", "int"),
}

CHANGES = st.one_of(
    st.tuples(st.just("put"), st.sampled_from(KEYS), st.integers(0, len(VALUES) - 1)),
    st.tuples(st.just("note"), st.sampled_from(KEYS), st.integers(0, len(UNITS) - 1)),
    st.tuples(st.just("delete"), st.sampled_from(KEYS), st.just(0)),
    st.tuples(st.just("rename"), st.sampled_from(KEYS), st.integers(0, len(KEYS) - 1)),
)
STEPS = st.lists(st.tuples(st.booleans(), st.lists(CHANGES, min_size=1, max_size=4), st.booleans()), min_size=1, max_size=6)


CHANGER = """
import json, sys
from tests.properties.test_search import change
for line in sys.stdin:
    change(*json.loads(line))
    print(flush=True)
"""


def change(path: str, what: str, key: str, number: int) -> None:
    """Change a database; what cannot be done now is left undone."""
    with isfdb.set_options(register=False):
        db = isfdb.open(path, durability="process")
    try:
        if what == "put":
            db[key] = VALUES[number]
        elif what == "note":
            db.attributes[key]["unit"] = UNITS[number]
        elif what == "delete":
            del db[key]
        else:
            db.rename(key, KEYS[number])
    except isfdb.errors.IsfdbError:
        return


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Callable[..., None]]:
    """Make a change in another process, and wait until it is made."""
    words = [sys.executable, "-c", CHANGER]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=os.getcwd()) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def send(*words: Any) -> None:
            print(json.dumps(words), file=process.stdin, flush=True)
            assert process.stdout is not None
            assert process.stdout.readline() == "\n"

        yield send
        process.stdin.close()


def by_looking(db: Any, holds: Callable[[Entry], bool]) -> set[tuple[str, int]]:
    entries = [db.entry(key) for key in db.keys(recurse=True)]
    return {(entry.key, entry.newest.number) for entry in entries if holds(entry)}


@settings(max_examples=12, deadline=None)
@given(steps=STEPS)
def test_what_is_kept_never_changes_an_answer(elsewhere: Callable[..., None], steps: list[Any]) -> None:
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        patch.setattr(kept, "KEEP_ABOVE_S", 0.0)
        patch.setattr(index, "QUIET_S", 0.15)  # longer than any disk's clock stands still on a loaded machine
        path = os.path.join(folder, "results")
        with isfdb.set_options(register=False):
            db = isfdb.open(path)
        for is_elsewhere, changes, settles in steps:
            for one in changes:
                (elsewhere if is_elsewhere else change)(path, *one)
            if settles:
                time.sleep(0.17)
            for question, holds in QUESTIONS.items():
                found = isfdb.find(db, question)
                assert {(hit.key, hit.number) for hit in found} == by_looking(db, holds), question
                assert not found.unreadable
            wait_until_kept()
