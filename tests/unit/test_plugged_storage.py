"""A database in a storage of one's own: opened, used, sent to other processes; what needs a folder is refused with advice."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import isfdb
from isfdb.errors import DatabaseExistsError, DatabaseGoneError, DatabaseNotFoundError, NotADatabaseError, OptionError, ReadOnlyError
from isfdb.storage.base import Storage

SAMPLE = Path(__file__).parents[1] / "sample_plugin"


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[[], Storage]]:
    monkeypatch.syspath_prepend(str(SAMPLE))
    from sqlite_storage import SqliteStorage

    yield lambda: SqliteStorage(str(tmp_path / "results.sqlite"))
    sys.modules.pop("sqlite_storage", None)


def test_it_is_made_opened_and_refused_as_a_folder_is(make: Callable[[], Storage]) -> None:
    with pytest.raises(DatabaseNotFoundError, match=r"there is no database at .*results\.sqlite. Make one with mode='a'"):
        isfdb.open(make(), "r")
    db = isfdb.open(make())
    db["rates"] = pd.DataFrame({"t": [0.1, 0.2]})
    with pytest.raises(DatabaseExistsError, match="choose another place"):
        isfdb.open(make(), "x")
    again = isfdb.open(make(), "r")
    assert again == db
    assert again["rates"].equals(db["rates"])
    with pytest.raises(ReadOnlyError, match="cannot store 'x'"):
        again["x"] = 1


def test_a_place_with_other_things_is_not_taken(make: Callable[[], Storage]) -> None:
    make().put("notes.txt", b"mine")
    with pytest.raises(NotADatabaseError, match="it holds other things"):
        isfdb.open(make())


def test_it_is_named_by_where_it_lies(make: Callable[[], Storage], tmp_path: Path) -> None:
    db = isfdb.open(make())
    db["cells/L5"] = 1
    assert db.path == str(tmp_path / "results.sqlite")
    assert db["cells"].path == str(tmp_path / "results.sqlite" / "cells")
    assert str(tmp_path / "results.sqlite") in repr(db)


def test_values_grow_and_keep_their_versions(make: Callable[[], Storage]) -> None:
    db = isfdb.open(make())
    for start in (0, 3, 6):
        db.append("trace", np.arange(start, start + 3))
    db["cells/big"] = np.zeros((200, 300))
    assert db["trace"].tolist() == list(range(9))
    assert db.get("trace", np.s_[2:5]).tolist() == [2, 3, 4]
    assert db.get("trace", version=2).tolist() == list(range(6))
    assert db["cells/big"].shape == (200, 300)
    db.copy("trace", "again")
    assert db["again"].tolist() == list(range(9))
    assert not isfdb.verify(db)
    assert not isfdb.verify(isfdb.open(make()), key="trace")


def test_what_somebody_fills_needs_a_folder(make: Callable[[], Storage]) -> None:
    db = isfdb.open(make())
    for call in (db.create_managed_folder, db.create_shared_numpy_store):
        with pytest.raises(OptionError, match=r"yours to fill, and .*results.sqlite has none. Attach it when it is full"):
            call("mine")
    with pytest.raises(OptionError, match=r"cannot gather blocks for 'trace'.*Use db.append"):
        db.appending("trace")
    assert db.keys() == ()


def _double(db: isfdb.Database) -> None:
    db["doubled"] = 2 * db["x"]


def test_a_handle_goes_to_another_process_with_its_storage(make: Callable[[], Storage]) -> None:
    db = isfdb.open(make()).create_sub_db("sub")
    db["x"] = 21
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        pool.submit(_double, db).result()
    assert db["doubled"] == 42
    assert pickle.loads(pickle.dumps(db)) == db


def test_a_database_that_was_removed_is_gone(make: Callable[[], Storage]) -> None:
    db = isfdb.open(make())
    db["x"] = 1
    isfdb.open(make()).remove()
    with pytest.raises(DatabaseGoneError, match="moved or deleted while it was open"):
        db.keys()


def test_a_replay_runs_what_only_computes_and_refuses_what_opens_the_storage(make: Callable[[], Storage], tmp_path: Path) -> None:
    script = tmp_path / "analysis.py"
    script.write_text(
        f"import sys\nsys.path.insert(0, {str(SAMPLE)!r})\nimport isfdb\nfrom sqlite_storage import SqliteStorage\n"
        f'db = isfdb.open(SqliteStorage({str(tmp_path / "results.sqlite")!r}))\ndb["x"] = 6 * 7\ndb["y"] = db["x"] + 1\n'
    )
    subprocess.run([sys.executable, str(script)], check=True, timeout=300)
    db = isfdb.open(make())
    computed, read = [isfdb.replay(db, key, environment="current", trust=True) for key in "xy"]
    assert computed.status == "identical", str(computed)
    assert read.status == "not runnable", str(read)
    assert "cannot be held back" in f"{read} {read.detail} {read.evidence}"
    assert (db["x"], db["y"], len(db.versions("x")), len(db.versions("y"))) == (42, 43, 1, 1)


def test_a_report_and_an_export_hold_its_values(make: Callable[[], Storage], tmp_path: Path) -> None:
    db = isfdb.open(make())
    db["table"] = pd.DataFrame({"t": [0.1, 0.2]})
    db["trace"] = np.arange(5)
    assert "trace" in Path(isfdb.report(db, str(tmp_path / "report.html"))).read_text()
    isfdb.export(db, str(tmp_path / "crate"))
    (parquet,) = (tmp_path / "crate").rglob("*.parquet")
    assert pd.read_parquet(parquet)["t"].tolist() == [0.1, 0.2]
