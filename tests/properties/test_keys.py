"""Any text is a key that comes back as it was, or is refused with a reason; none leads out of the database or off a file system."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

import isfdb
from isfdb.errors import InvalidKeyError, KeyCollisionError, KeyTypeError
from isfdb.keys import MAX_NAME_BYTES, folded, folder_name, name_of_folder, split_key

quick = settings(deadline=None, max_examples=200, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
on_disk = settings(quick, max_examples=60)

ODD = [
    "..",
    ".",
    "/",
    "//",
    "a/../b",
    "CON",
    "nul.txt",
    "a.",
    " a",
    "~",
    "~root",
    "a\0b",
    "a\nb",
    "a\\b",
    "C:x",
    "%41",
    "%",
    "é",
    "é",
    "\u202e",
    "\ud800",
]
TEXTS = (
    st.text(max_size=30)
    | st.sampled_from(ODD)
    | st.text(alphabet="./\\:%~ \0aA", max_size=8)
    | st.text(alphabet="é한Ǆİ\u0301", max_size=100)
)

#: What Windows, the strictest of the common systems, refuses in a name.
FORBIDDEN = re.compile(r'[\x00-\x1f<>:"/\\|?*]')
DEVICES = re.compile(r"(?i)(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?")


def folders_of(key: str) -> tuple[str, ...] | None:
    """Return the folder names of a key; None where it is refused, as a refusal should be."""
    try:
        return tuple(folder_name(name) for name in split_key(key))
    except InvalidKeyError as refusal:
        return None if "cannot be a key" in str(refusal).encode().decode() else ("refused without a reason",)


@quick
@given(TEXTS)
def test_a_key_comes_back_from_its_folder_names(key: str) -> None:
    folders = folders_of(key)
    assume(folders is not None)
    assert "/".join(name_of_folder(folder) or "?" for folder in folders or ()) == key


@quick
@given(TEXTS)
@example("x" * MAX_NAME_BYTES)
@example("é" * (MAX_NAME_BYTES // 2))
def test_folder_names_are_safe_on_every_common_file_system(key: str) -> None:
    for folder in folders_of(key) or ():
        assert not FORBIDDEN.search(folder)
        assert not DEVICES.fullmatch(folder)
        assert folder[0] not in ". ~"
        assert folder[-1] not in ". "
        assert len(f"{folder}.deleted".encode()) <= 255
        assert len(f"{folder}.deleted".encode("utf-16-le")) // 2 <= 255
        assert unicodedata.is_normalized("NFC", folder), "macOS would hand back another form"
        assert not folder.casefold().endswith((".key", ".deleted"))


@quick
@given(TEXTS, TEXTS)
@example("a", "A")
@example("\u00e9", "e\u0301")
@example("%41", "A")
def test_two_keys_never_share_a_folder(one: str, other: str) -> None:
    first, second = folders_of(one), folders_of(other)
    assume(first is not None and second is not None and one != other)
    assert first != second


@quick
@given(TEXTS)
def test_what_no_key_gives_is_no_key_folder(folder: str) -> None:
    """A folder made by hand stands for a key only if that key would be stored in it."""
    assume(folder and "/" not in folder)
    name = name_of_folder(folder)
    if name is not None:
        assert folder_name(name) == folder


@on_disk
@given(key=TEXTS)
def test_any_text_stores_and_stays_inside_or_is_refused(key: str, new_folder: Callable[[], str]) -> None:
    outside = Path(new_folder())
    with isfdb.open(outside / "results", durability="process") as db:
        if folders_of(key) is None:
            with pytest.raises(InvalidKeyError, match="cannot be a key"):
                db[key] = 1
            assert db.keys() == ()
        else:
            db[key] = 1
            assert db[key] == 1
            assert db.keys(recurse=True) == (key,)
            assert key in db
            assert not isfdb.verify(db)
            assert isfdb.open(db.path, "r").entry(key).key == key
            del db[key]
            assert db.keys(recurse=True) == ()
    assert os.listdir(outside) == ["results"]


@on_disk
@given(one=TEXTS, other=TEXTS)
@example(one="key", other="Key")
@example(one="\u00e9", other="e\u0301")
@example(one="straße", other="STRASSE")
def test_keys_that_some_file_system_takes_for_one_clash(one: str, other: str, new_folder: Callable[[], str]) -> None:
    first, second = folders_of(one), folders_of(other)
    assume(first is not None and second is not None and one != other and "/" not in one + other)
    with isfdb.open(Path(new_folder()) / "results", durability="process") as db:
        db[one] = 1
        if folded((first or ("",))[0]) == folded((second or ("",))[0]):
            with pytest.raises(KeyCollisionError, match="differ only in"):
                db[other] = 2
            assert db.keys() == (one,)
        else:
            db[other] = 2
            assert db[one] == 1
        assert db[one] == 1


@pytest.mark.parametrize("key", [1, 1.5, None, b"k", ("a", 1), ["a"], Path("a")], ids=repr)
def test_what_is_no_text_is_refused(key: object, new_folder: Callable[[], str]) -> None:
    db = isfdb.open(Path(new_folder()) / "results")
    with pytest.raises(KeyTypeError, match="cannot be a key"):
        db[key] = 1
    assert db.keys() == ()


@pytest.mark.parametrize(
    "key", ["", (), "/", "a//b", "/a", "a/", ("a", ""), "..", "../x", "a/../../x", ".isfdb", "isfdb.json", "x" * 241], ids=repr
)
def test_what_leads_elsewhere_is_refused(key: str, new_folder: Callable[[], str]) -> None:
    db = isfdb.open(Path(new_folder()) / "results")
    for act in (lambda: db.set(key, 1), lambda: db[key], lambda: db.pop(key), lambda: db.create_sub_db(key), lambda: db.rename("k", key)):
        with pytest.raises(InvalidKeyError, match="cannot be a key"):
            act()
    assert sorted(os.listdir(db.path)) == [".isfdb", "README.txt", "isfdb.json"]


def test_a_tuple_a_text_and_nested_databases_are_one_key(new_folder: Callable[[], str]) -> None:
    db = isfdb.open(Path(new_folder()) / "results")
    db["cells", "L5PT"] = 1
    assert db["cells/L5PT"] == db["cells"]["L5PT"] == db[("cells", "L5PT")] == db["cells",]["L5PT"] == 1
