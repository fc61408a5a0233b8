"""An error about a name that does not exist tells which name may have been meant, and costs nothing where nobody reads it."""

from __future__ import annotations

import os
import pickle
import re
from pathlib import Path

import pytest

import isfdb
from isfdb.errors import DatabaseNotFoundError, KeyNotFoundError
from isfdb.nearness import hint, nearest


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("raets", "rates"),
        ("Rates", "rates"),
        ("rate", "rates"),
        ("spike", "spikes_of_2019"),
        ("L5TP", "L5PT"),
        ("zebra", None),
        ("r", None),
    ],
)
def test_a_slip_is_near_and_another_word_is_not(word: str, meant: str | None):
    assert nearest(word, ["rates", "spikes_of_2019", "L5PT", "trace"])[:1] == ((meant,) if meant else ())


def test_of_very_many_names_the_one_that_begins_alike_is_found():
    names = [f"key{number:06}" for number in range(100_000)]
    assert "key012344" in nearest("key012344x", names)


def test_names_are_quoted_so_that_nothing_in_them_acts():
    assert hint(("\x1b[2J", "\u202eb")) == " Did you mean '\\x1b[2J' or '\\u202eb'?"


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("raets", "'rates'"),
        ("cells/L5TP", "'cells/L5PT'"),
        ("cels/L5PT", "'cells'"),
        (("cells", "L5TP"), "'cells/L5PT'"),
        ("cell", "'cells'"),
    ],
)
def test_a_missing_key_names_those_near_it(db, key, meant: str):
    db["rates"], db["cells/L5PT"] = 1, 2
    with pytest.raises(KeyNotFoundError, match=f"Did you mean {re.escape(meant)}"):
        db[key]
    with pytest.raises(KeyNotFoundError, match=f"Did you mean {re.escape(meant)}"):
        db.entry(key)
    with pytest.raises(KeyNotFoundError, match=f"Did you mean {re.escape(meant)}"):
        del db[key]
    with pytest.raises(KeyNotFoundError, match=f"Did you mean {re.escape(meant)}"):
        db.rename(key, "new")


def test_a_deleted_key_is_not_proposed(db):
    db["rates"] = 1
    del db["rates"]
    with pytest.raises(KeyNotFoundError) as caught:
        db["raets"]
    assert "Did you mean" not in str(caught.value)


def test_an_error_is_pickled_with_what_may_have_been_meant(db):
    db["rates"] = 1
    with pytest.raises(KeyNotFoundError) as caught:
        db["raets"]
    back = pickle.loads(pickle.dumps(caught.value))
    assert (str(back), back.near, back.key) == (str(caught.value), ("rates",), "raets")


def test_nothing_is_listed_until_the_message_is_read(db):
    db["rates"] = 1
    with pytest.raises(KeyNotFoundError) as caught:
        db["traec"]
    db["trace"] = 2  # as whoever stores what is missing does
    assert caught.value.near[0] == "trace"


def test_a_database_that_is_gone_meanwhile_does_not_spoil_the_message(db, tmp_path: Path):
    db["rates"] = 1
    with pytest.raises(KeyNotFoundError) as caught:
        db["raets"]
    os.rename(db.path, tmp_path / "elsewhere")
    assert str(caught.value).endswith("See db.keys().")


def test_a_missing_database_names_those_beside_it_and_those_registered(db, tmp_path: Path, monkeypatch):
    isfdb.open(tmp_path / "here" / "results")
    (tmp_path / "here" / "resolts").mkdir()  # a folder, no database
    with pytest.raises(DatabaseNotFoundError, match=f"Did you mean {str(tmp_path / 'here' / 'results')!r}?"):
        isfdb.open(tmp_path / "here" / "reslts", mode="r")
    monkeypatch.chdir(tmp_path)
    isfdb.registry.add(db.path, name="barrel-2026")
    with pytest.raises(DatabaseNotFoundError, match="Did you mean 'barrel-2026'"):
        isfdb.open("barrel-2025", mode="r")
    with pytest.raises(DatabaseNotFoundError, match="Did you mean 'barrel-2026'"):
        isfdb.registry.forget("barrel-2025")


def test_a_damaged_key_is_no_slip_and_no_listing_is_waited_for(tmp_path):
    db = isfdb.open(tmp_path / "results")
    for number in range(20):
        db[f"key{number}"] = number
        os.rename(f"{db.path}/key{number}.key/v000001", f"{db.path}/key{number}.key/gone")
    listed = []
    list_folder = db._storage.list
    db._storage.list = lambda folder: listed.append(folder) or list_folder(folder)
    for number in range(20):
        with pytest.raises(KeyNotFoundError) as caught:
            db[f"key{number}"]
        assert "mean" not in str(caught.value)
    assert "" not in listed
    with pytest.raises(KeyNotFoundError) as caught:
        db["key1x"]
    assert "Did you mean 'key1" in str(caught.value)
