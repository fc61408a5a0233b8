"""``isfdb.pin``: databases are seen as they were, what is written goes elsewhere, and nothing real is changed."""

from __future__ import annotations

import datetime
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy
import pytest

import isfdb
from isfdb import pins
from isfdb.errors import DatabaseExistsError, DatabaseNotFoundError, KeyNotFoundError, LinkError, NotADatabaseError, OptionError, PinError
from tests.properties.test_a_pinned_database_is_a_dict import tree_digest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def nothing_stays_pinned() -> Iterator[None]:
    yield
    pins.release()


@pytest.fixture
def untouched(db, tmp_path: Path) -> Iterator[Any]:
    """Give a database with something in it, which must be the same at the end."""
    db["spikes"] = [1]
    db["spikes"] = [2]
    db["spikes"] = [3]
    db["cells/L5PT"] = numpy.arange(3)
    folder = db.create_managed_folder("raw")
    Path(folder.join("a.txt")).write_text("as it was")
    db.attach("paper", _file(tmp_path / "paper.txt"))
    before = tree_digest(db.path)
    yield db
    pins.release()
    assert tree_digest(db.path) == before


def _file(path: Path) -> Path:
    path.write_text("text")
    return path


def just_after(version: Any) -> datetime.datetime:
    return version.created + datetime.timedelta(microseconds=1)


def run(code: str, **options: Any) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True, **options).stdout.strip()


def test_a_pinned_version_is_the_newest_of_its_key(untouched):
    isfdb.pin(f"isfdb://{untouched.id}/spikes@2")
    db = isfdb.open(untouched.path)
    assert db["spikes"] == [2] and len(db.versions("spikes")) == 2
    db["spikes"] = [20]
    assert [version.number for version in db.versions("spikes")] == [1, 2, 3]
    assert db.get("spikes", version=3) == [20]
    assert isfdb.load(f"isfdb://{untouched.id}/spikes@1") == [1]


def test_a_key_of_a_sub_database_is_pinned_by_its_own_id_too(untouched):
    isfdb.pin(f"isfdb://{untouched['cells'].id}/L5PT@1")
    pins_of = isfdb.open(untouched.path)
    assert len(pins_of.versions("cells/L5PT")) == 1


def test_what_was_published_later_is_not_seen(untouched):
    moment = just_after(untouched.versions("spikes")[1])
    isfdb.pin(before=moment)
    assert isfdb.open(untouched.path).keys(recurse=True) == ("spikes",)
    assert isfdb.open(untouched.path)["spikes"] == [2]


def test_everything_can_be_done_and_nothing_real_changes(untouched):
    isfdb.pin()
    db = isfdb.open(untouched.path)
    db["new"] = 1
    del db["spikes"]
    assert list(db.append("cells/L5PT", numpy.arange(2)).describe["shape"]) == [5]
    db.attributes["paper"]["pages"] = 3
    db.rename("cells", "neurons")
    db.copy("paper", "again")
    Path(db["paper"]).write_text("changed")
    Path(db["raw"].join("a.txt")).write_text("changed")
    assert Path(isfdb.open(untouched.path)["raw"].join("a.txt")).read_text() == "changed"
    assert isfdb.open(untouched.path).keys(recurse=True) == ("again", "neurons/L5PT", "new", "paper", "raw")
    assert list(db["neurons/L5PT"]) == [0, 1, 2, 0, 1]
    db.collect(grace_s=0, trash_s=0)
    assert untouched.keys(recurse=True) == ("cells/L5PT", "paper", "raw", "spikes")


def test_a_database_can_be_removed_and_made_anew(untouched):
    isfdb.pin()
    isfdb.open(untouched.path).remove()
    with pytest.raises(DatabaseNotFoundError, match="there is no database"):
        isfdb.open(untouched.path, mode="r+")
    isfdb.open(untouched.path)["only"] = 1
    assert isfdb.open(untouched.path).keys() == ("only",)


def test_a_database_that_never_was_is_made_elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    isfdb.pin()
    isfdb.open("fresh")["cells/a"] = 1
    assert isfdb.open("fresh")["cells"]["a"] == isfdb.open("fresh/cells")["a"] == 1
    assert isfdb.open("fresh/more").prefix == "more"
    assert not os.listdir(tmp_path)
    with pytest.raises(DatabaseExistsError, match="already"):
        isfdb.open("fresh", mode="w-")


@pytest.mark.parametrize("name", ["results", "/somewhere/data/results", "../data/results"])
def test_a_place_that_is_none_any_more_stands_for_a_database(untouched, name, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    isfdb.pin(at={"/somewhere/data/results": f"isfdb://{untouched.id}"})
    assert isfdb.open(name)["spikes"] == [3]
    assert not os.listdir(".")


def test_a_database_that_was_made_is_found_by_its_link(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    isfdb.pin()
    version = isfdb.open("fresh").set("k", 1)
    assert isfdb.load(version.link) == 1 == isfdb.open(f"isfdb://{isfdb.open('fresh').id}")["k"]


def test_a_database_that_is_a_value_is_copied_too(db):
    db.set("island", None, dumper="just_create_isf_db")
    db["island"]["a"] = 1
    before = tree_digest(db.path)
    isfdb.pin()
    pinned = isfdb.open(db.path)
    pinned["island"]["a"] = 2
    pinned.set("new", None, dumper="just_create_isf_db")
    pinned["new"]["b"] = 3
    assert (isfdb.open(db.path)["island"]["a"], pinned["new"]["b"]) == (2, 3)
    assert tree_digest(db.path) == before


def test_a_folder_inside_a_pinned_database_follows_the_rules_for_keys(untouched):
    isfdb.pin()
    with pytest.raises(NotADatabaseError, match="no key of the database"):
        isfdb.open(f"{untouched.path}/a:b")


def test_the_folder_of_a_pinned_database_is_not_the_real_one(untouched):
    isfdb.pin()
    db = isfdb.open(untouched.path)
    db["new"] = 1
    assert db.path != untouched.path and db.name == untouched.name
    assert isfdb.open(db.path) == db
    assert isfdb.open(f"{db.path}/cells") == db["cells"]


def test_child_processes_see_what_was_written_and_change_nothing_real(untouched):
    isfdb.pin(f"isfdb://{untouched.id}/spikes@2")
    isfdb.open(untouched.path)["sent"] = 1
    code = f"import isfdb; db = isfdb.open({untouched.path!r}); db['back'] = db['sent'] + db['spikes'][0]"
    run(code)
    assert isfdb.open(untouched.path)["back"] == 3


def test_a_handle_carries_the_pins_to_a_process_that_knows_none(untouched):
    isfdb.pin(f"isfdb://{untouched.id}/spikes@2")
    db = isfdb.open(untouched.path)
    code = f"import pickle; db = pickle.loads({pickle.dumps(db['cells'])!r}); db['back'] = 1; print(db.root['spikes'])"
    environment = {name: text for name, text in os.environ.items() if name != pins.VARIABLE}
    assert run(code, env=environment) == "[2]"
    assert db["cells"]["back"] == 1


def test_what_was_written_is_removed_when_the_process_ends(tmp_path):
    code = "import isfdb; isfdb.open('x'); isfdb.pin(); isfdb.open('x')['k'] = isfdb.open('y')['k'] = 1"
    environment = {**os.environ, "TMPDIR": str(tmp_path / "tmp")}
    for name in ("tmp", "work"):
        (tmp_path / name).mkdir()
    run(code, env=environment, cwd=tmp_path / "work")
    assert os.listdir(tmp_path / "tmp") == []
    assert os.listdir(tmp_path / "work") == ["x"]


def test_nothing_is_recorded_about_a_pinned_database(untouched, monkeypatch, tmp_path):
    monkeypatch.setenv("ISFDB_REGISTRY", str(tmp_path / "registry.sqlite"))
    isfdb.pin()
    isfdb.open(untouched.path)["k"] = 1
    assert not (tmp_path / "registry.sqlite").exists()


def test_a_process_whose_pins_are_gone_changes_nothing(untouched, monkeypatch):
    monkeypatch.setenv(pins.VARIABLE, "/no/such/folder")
    with pytest.raises(PinError, match="is to change no database"):
        isfdb.open(untouched.path)


@pytest.mark.parametrize("link", ["isfdb://abc", "isfdb://" + "0" * 32 + "/key", "spikes@3", 3])
def test_a_pin_names_a_version(link):
    with pytest.raises(LinkError, match="a pin reads"):
        isfdb.pin(link)


@pytest.mark.parametrize("options", [{"before": "yesterday"}, {"at": {"results": 3}}, {"at": {"": "isfdb://x"}}])
def test_what_is_no_time_and_no_place_is_refused(options):
    with pytest.raises(OptionError, match=r"is no time|names no place"):
        isfdb.pin(**options)
    assert pins.current() is None


def test_of_several_moments_the_earliest_holds(untouched):
    first, second = (just_after(version) for version in untouched.versions("spikes")[:2])
    isfdb.pin(before=second)
    isfdb.pin(before=first)
    isfdb.pin(before=second)
    assert isfdb.open(untouched.path)["spikes"] == [1]


def test_a_key_deleted_since_is_there_again(db):
    db["k"] = 1
    moment = just_after(db.versions("k")[0])
    del db["k"]
    isfdb.pin(before=moment)
    assert isfdb.open(db.path)["k"] == 1 and "k" in isfdb.open(db.path)


def test_a_key_deleted_then_is_missing_though_it_was_stored_again(db):
    db["k"] = 1
    del db["k"]
    moment = just_after(db.versions("k")[1])
    db["k"] = 2
    isfdb.pin(before=moment)
    assert isfdb.open(db.path).keys() == ()
    with pytest.raises(KeyNotFoundError, match="no key 'k'"):
        isfdb.open(db.path)["k"]
