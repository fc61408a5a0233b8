"""The corpus of bad inputs, served: a page that cannot be made says why, and no fault of a database is one of the server."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import numpy as np
import pytest

import isfdb
from isfdb.serving.heads import parse
from isfdb.serving.site import Site, given
from tests.hostile.corpus import ITEMS, Place

if TYPE_CHECKING:
    from isfdb.testing.reliability_table import Tally

BESIDE = [one for one in ITEMS if not one.is_whole]

#: Pages of a database, and of one key of it.
OF_ALL: list[tuple[str, dict[str, Any]]] = [
    ("", {}),
    ("keys", {}),
    ("log", {}),
    ("sessions", {}),
    ("environments", {}),
    ("find", {"q": "stranger"}),
    ("status", {"name": "different"}),
]
OF_KEY: list[tuple[str, dict[str, Any]]] = [
    ("key", {}), ("key", {"version": 1}), ("versions", {}), ("diff", {"a": 1, "b": 1}), ("lineage", {}), ("files", {}),
    ("file", {"name": "metadata.json", "version": 1}), ("file", {"name": "Loader.json", "version": 1}), ("session", {"name": "s"}),
]  # fmt: skip


@pytest.fixture
def stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A stranger's database with one good key."""
    (tmp_path / "outside" / "secret").mkdir(parents=True)
    np.save(tmp_path / "outside" / "secret" / "data.npy", np.arange(3))
    monkeypatch.setenv("ISFDB_DATA_FOLDER", str(tmp_path / "stranger"))
    with isfdb.set_options(register=False):
        isfdb.open(tmp_path / "db")["good"] = [1, 2, 3]
    monkeypatch.setenv("ISFDB_DATA_FOLDER", str(tmp_path / "mine"))
    return Place(tmp_path / "db", "good", tmp_path / "outside")


def statuses(db: Any, pages: list[tuple[str, dict[str, Any]]]) -> dict[str, int]:
    """Ask for pages, and return what each was answered with."""
    site, found = Site(given([db])), {}
    for page, parameters in pages:
        address = f"/{db.id}/{page}?{urlencode(parameters)}"
        answer = site.answer(parse(f"GET {address} HTTP/1.1\r\nHost: localhost".encode()))
        if answer.file is not None:
            answer.file.close()
        found[f"{page} {parameters}"] = answer.status
    return found


def failed(found: dict[str, int]) -> list[str]:
    return [f"{page}: {status}" for page, status in found.items() if status not in (200, 303, 400, 404, 422)]


def test_no_page_of_a_damaged_key_is_a_failure_of_the_server(stranger: Place, long_run: bool, tally: Tally) -> None:
    pages = list(OF_ALL)
    for number, one in enumerate(BESIDE if long_run else BESIDE[::3]):
        one.plant(Place(stranger.database, f"k{number}", stranger.outside))
        chosen = OF_KEY if long_run else [OF_KEY[0], OF_KEY[1 + number % (len(OF_KEY) - 1)]]
        pages += [(page, {"key": f"k{number}", **parameters}) for page, parameters in chosen]
    found = statuses(isfdb.open(stranger.database, "r"), pages)
    tally("bad input of the corpus, served", tries=len(found), wrong=len(failed(found)))
    assert failed(found) == []
    assert 422 in found.values()
    assert not stranger.mark.exists()


def test_nor_is_a_database_that_cannot_be_opened(stranger: Place) -> None:
    db = isfdb.open(stranger.database, "r")
    for one in [one for one in ITEMS if one.is_whole]:
        one.plant(stranger)
        assert failed(statuses(db, OF_ALL)) == []


@pytest.mark.parametrize(("error", "status"), [(OSError(errno.EIO, "Input/output error"), 503), (ZeroDivisionError("ours"), 500)])
def test_a_disk_that_refuses_and_a_fault_of_ours_are_failures(error: Exception, status: int, stranger: Place, monkeypatch) -> None:
    def fail(self: Any, *_: Any) -> None:
        raise error

    db = isfdb.open(stranger.database, "r")
    site = Site(given([db]))
    monkeypatch.setattr(type(db), "keys", fail)
    assert site.answer(parse(f"GET /{db.id}/keys HTTP/1.1\r\nHost: localhost".encode())).status == status
