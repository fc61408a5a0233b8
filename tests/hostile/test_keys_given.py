"""Keys as nobody should choose them, given to a database: refused, or kept as a name and nothing else (1 to 19 of the corpus)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

import isfdb
from isfdb.errors import InvalidKeyError, IsfdbError, KeyCollisionError
from isfdb.testing.reliability_table import Tally
from tests.hostile.visiting import digest_of_tree

REFUSED: list[Any] = [
    "", ".", "..", "../x", "a/../../x", "/etc/passwd", "a//b", "a/", "\ud800", "x/\udfff", "n" * 300, "é" * 200, ("deep",) * 1000,
    ".isfdb",
    ".isfdb/x", "isfdb.json", "README.txt", "db_state.json", "a/.isfdb", (), ("a", ""), ("a", 1), 1, 1.5, b"k", Path("k"), None, [],
]  # fmt: skip

LITERAL = [
    "C:\\x", "\\\\host\\share", "a\0b", ".stage-1", ".trash", ".db", "v000001", "CON", "nul.txt", "aux", "COM1.json", "dot.", "space ",
    " space", "~root", "~", "$HOME", "${HOME}", "{x}", "{0.__class__}", "%s", "%2e%2e", "%2F", "a\nb", "a\tb", "\x1b[2J", "\u202eabc",
    "x.key",     "x.deleted", "-rf", "*", "?", "a;b", "`touch x`", "$(touch x)", "|", "a&b", "<a>", '"', "'", "#",
    "@1", "k@2", "__class__", "__init__",
    "metadata.json", "Loader.json", "attributes", "attributes.json", "con/nul", "\ufeffx", "a\u0301", "İ", "ß",
]  # fmt: skip


@pytest.fixture
def around(db: Any) -> Path:
    """The folder that holds the database and what must stay as it is."""
    folder = Path(db.path).parent
    (folder / "x").write_text("not yours")
    (folder / "x.key").mkdir()
    return folder


@pytest.mark.parametrize("key", REFUSED, ids=lambda key: ascii(key)[:30])
def test_what_is_no_key_is_refused_whatever_is_asked_for(key: Any, db: Any, around: Path, tally: Tally) -> None:
    before = digest_of_tree(str(around))
    asked = (
        lambda: db.set(key, 1),
        lambda: db[key],
        lambda: db.entry(key),
        lambda: db.create_sub_db(key),
        lambda: db.attributes[key].update(a=1),
    )
    for act in asked:
        with pytest.raises(IsfdbError, match=r"cannot be a key|must be|text|empty|reserved"):
            act()
    tally("a key that leads out of the database or is no name", tries=len(asked), wrong=int(digest_of_tree(str(around)) != before))
    assert digest_of_tree(str(around)) == before


@pytest.mark.parametrize("key", LITERAL, ids=ascii)
def test_what_looks_dangerous_is_a_name(key: str, db: Any, around: Path, tally: Tally) -> None:
    before = {name for name in digest_of_tree(str(around)) if not name.startswith("results")}
    db[key] = [key]
    db.attributes[key]["note"] = key
    assert db[key] == [key]
    assert db.keys(recurse=True) == (key,)
    assert dict(db.attributes[key]) == {"note": key}
    outside = {name for name in digest_of_tree(str(around)) if not name.startswith("results")} - before
    tally("a key that leads out of the database or is no name", tries=1, wrong=len(outside))
    assert not outside
    assert not isfdb.verify(db)
    for name in os.listdir(db.path):
        assert name.isprintable() and not name.startswith("~") and name.rstrip(". ") == name


@pytest.mark.parametrize(("first", "second"), [("Key", "key"), ("é", "e\u0301"), ("STRASSE", "straße"), ("ﬁ", "fi"), ("K", "\u212a")])
def test_names_that_a_file_system_may_take_for_one_clash_or_are_two(first: str, second: str, db: Any) -> None:
    db[first] = 1
    try:
        db[second] = 2
    except KeyCollisionError:
        assert db[first] == 1 and db.keys() == (first,)
    else:
        assert (db[first], db[second]) == (1, 2)


def test_a_tuple_of_a_million_names_is_refused_at_once(db: Any) -> None:
    with pytest.raises(InvalidKeyError, match="3000 are the limit"):
        db[("x",) * 1_000_000] = 1
