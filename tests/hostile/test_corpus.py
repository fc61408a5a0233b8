"""The corpus of bad inputs, opened, listed, shown, searched, verified, audited, read, reported and exported: nothing but our errors."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import isfdb
from isfdb.testing.reliability_table import Tally
from tests.hostile import visiting
from tests.hostile.corpus import ITEMS, VALUE, Item, Place

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the visitor's memory is limited, and its pipes are made, as on Linux")

#: Items of one database: a visitor takes a second to start, and a database of a hundred keys shows that each leaves the others alone.
TOGETHER = 70
ALONE = [one for one in ITEMS if one.is_whole]
GROUPS = [[one] for one in ALONE] + [
    [one for one in ITEMS if not one.is_whole][start : start + TOGETHER] for start in range(0, len(ITEMS) - len(ALONE), TOGETHER)
]
WAIT_S = 300  # for what stands still for ever: processor time is limited besides


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A stranger's database with one good key, and beside it what must not be reached."""
    (tmp_path / "outside" / "secret").mkdir(parents=True)
    np.save(tmp_path / "outside" / "secret" / "data.npy", np.arange(3))
    monkeypatch.setenv("ISFDB_DATA_FOLDER", str(tmp_path / "stranger"))
    with isfdb.set_options(register=False):
        isfdb.open(tmp_path / "db")["good"] = [1, 2, 3]
    monkeypatch.setenv("ISFDB_DATA_FOLDER", str(tmp_path / "mine"))
    return Place(tmp_path / "db", "good", tmp_path / "outside")


def planted(place: Place, items: list[Item]) -> dict[str, Item]:
    """Put items into a database, each under a key of its own."""
    by_key = {f"k{number}": one for number, one in enumerate(items)}
    for key, one in by_key.items():
        one.plant(Place(place.database, key, place.outside))
    return by_key


def visited(place: Place, **options: Any) -> dict[str, Any]:
    """Have a process of its own visit the database."""
    (place.outside.parent / "scratch").mkdir(exist_ok=True)
    asked = {"path": str(place.database), "scratch": str(place.outside.parent / "scratch"), **options}
    asked["forbidden"] = [str(place.outside), "/etc/passwd", "/etc/shadow", "/dev/zero", "/dev/random", "/proc/kmsg"]
    command = [sys.executable, "-W", "ignore", "-m", "tests.hostile.visiting"]
    done = subprocess.run(
        command, input=json.dumps(asked), capture_output=True, text=True, timeout=WAIT_S, cwd=Path(__file__).parents[2], check=False
    )
    assert done.returncode == 0, f"the visitor died, of its limits or at all: {done.returncode} {done.stderr[-3000:]}"
    return dict(json.loads(done.stdout.splitlines()[-1]))


def wrong(place: Place, by_key: dict[str, Item], seen: dict[str, Any]) -> list[str]:
    """Return what should not have happened."""
    found = [f"{kind}: {one}" for kind in ("events", "faults", "changed") for one in seen[kind]]
    found += ["the payload ran"] if place.mark.exists() else []
    outcomes = {key: seen["outcomes"].get(f"{key}: read") for key in by_key}
    for key, one in by_key.items():
        got = VALUE if str(outcomes[key]).startswith("a ") else outcomes[key]
        if got is not None and one.expects and got not in one.expects:
            found.append(f"{one.number} {one.name}: reading gave {got}, not one of {sorted(one.expects)}")
    return found


@pytest.mark.parametrize("items", GROUPS, ids=[f"{one[0].number}-{one[-1].number}" for one in GROUPS])
def test_a_strangers_database_does_no_harm(place: Place, items: list[Item], tally: Tally) -> None:
    by_key = planted(place, items)
    seen = visited(place)
    found = wrong(place, by_key, seen)
    tally("bad input of the corpus, opened, shown, searched, read, verified, exported", tries=len(items), wrong=len(found))
    assert not found, "\n".join(found)
    assert items[0].is_whole or seen["outcomes"]["good: read"] == "a list"


@pytest.mark.long
@pytest.mark.parametrize(("name", "n"), [(".stage-elsewhere-1-{:016x}", 100_000), ("v{:06d}", 10_000)], ids=["stages", "versions"])
def test_very_many_folders_of_one_key_do_no_harm(place: Place, name: str, n: int) -> None:
    for number in range(2, n):
        (place.folder.parent / name.format(number)).mkdir()
    seen = visited(place)  # within one gigabyte and a minute of processor time
    assert [seen[kind] for kind in ("events", "faults", "changed")] == [[], [], []]


def test_the_corpus_has_every_number_that_a_folder_can_hold() -> None:
    assert {one.number for one in ITEMS} == {*range(20, 56), *range(58, 61), *range(62, 75), 88}


# That all this can fail --------------------------------------------------------------------------------------------------------------


def test_the_visitor_notices_a_pickle_that_runs(place: Place) -> None:
    items = [one for one in ITEMS if one.number == 28 and "to_pickle" in one.name][:1]
    by_key = planted(place, items)
    seen = visited(place, trust=True)
    assert "the payload ran" in wrong(place, by_key, seen)
    assert any(event.startswith("os.system") for event in seen["events"])


@pytest.mark.parametrize(
    "weakness", ["import isfdb.storage.small_files as s; s.SmallFiles.refuse_links = lambda self, path: None; s._READ = 0"]
)
def test_the_visitor_notices_links_that_are_followed(place: Place, weakness: str) -> None:
    items = [one for one in ITEMS if one.number == 52]
    by_key = planted(place, items)
    assert any("open of" in one for one in wrong(place, by_key, visited(place, weakness=weakness)))


def test_the_visitor_notices_other_errors_and_writing(place: Place) -> None:
    weakness = "import isfdb.database as d; d.Database.ls = lambda self: open(self.path + '/x', 'w') and 1 / 0"
    found = wrong(place, {}, visited(place, weakness=weakness))
    assert any("ZeroDivisionError" in one for one in found) and "changed: x" in found


@pytest.mark.parametrize(
    "page",
    [
        "<script>1</script>",
        "<p onclick=x>",
        "<a href=' java\nscript:x'>",
        "<iframe srcdoc=x>",
        '<meta http-equiv="refresh">',
        "<img src=//x>",
    ],
)
def test_a_page_that_runs_something_is_noticed(page: str) -> None:
    assert visiting.unsafe_html(page)


def test_what_acts_on_a_terminal_is_noticed() -> None:
    assert visiting.unsafe_text("a\x1b[2J\u202e\x9b") == ["U+001B", "U+009B", "U+202E"]
    assert not visiting.unsafe_text("a\n\tb é 日")


# What a folder that was visited holds, still holds ------------------------------------------------------------------------------------


def test_a_hard_link_to_a_users_file_leaves_the_file_alone_when_it_is_reclaimed(db: Any, tmp_path: Path) -> None:
    mine = tmp_path / "mine.npy"
    np.save(mine, np.arange(3))
    before = mine.read_bytes()
    db["a"] = np.arange(3)
    data = db.entry("a").path / "data.npy"
    data.unlink()
    os.link(mine, data)
    db["a"] = 1
    del db["a"]
    db.collect(grace_s=0)
    assert mine.read_bytes() == before
