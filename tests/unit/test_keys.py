"""Keys: what they may be, and the folder names they become."""

from __future__ import annotations

import pytest

from isfdb.errors import InvalidKeyError, KeyTypeError
from isfdb.keys import folded, folder_name, name_of_folder, split_key


def test_text_tuple_and_nested_forms_are_one_key():
    assert split_key("cells/L5PT") == split_key(("cells", "L5PT")) == ("cells", "L5PT")
    assert split_key(("cells/deep", "L5PT")) == ("cells", "deep", "L5PT")


@pytest.mark.parametrize("key", ["", "/", "a/", "/a", "a//b", (), ("a", ""), ".", "..", "a/..", ".isfdb", "isfdb.json", "\ud800"])
def test_what_cannot_be_a_key_is_refused(key):
    with pytest.raises(InvalidKeyError, match="cannot be a key"):
        split_key(key)


@pytest.mark.parametrize("key", [5, None, b"bytes", ("a", 5), ["a"], 1.5])
def test_what_is_no_text_is_refused_as_a_type(key):
    with pytest.raises(KeyTypeError, match="of type"):
        split_key(key)


def test_an_over_long_name_is_refused_with_its_length():
    with pytest.raises(InvalidKeyError, match="takes 300 bytes"):
        split_key("x" * 300)
    assert split_key("x" * 240)


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("rates", "rates"),
        ("L5 PT", "L5 PT"),
        (".hidden", "%2Ehidden"),
        ("con", "%63on"),
        ("nul.txt", "%6Eul.txt"),
        ("100%", "100%25"),
        ("a\nb", "a%0Ab"),
        ("a:b", "a%3Ab"),
        ("x.key", "x%2Ekey"),
        ("x.DELETED", "x%2EDELETED"),
        ("ends.", "ends%2E"),
        ("ends ", "ends%20"),
        ("Ä", "Ä"),
        ("A\u0308", "A%CC%88"),
        ("\u202eabc", "%E2%80%AEabc"),
    ],
)
def test_unsafe_names_are_percent_encoded_and_come_back(name, folder):
    assert folder_name(name) == folder
    assert name_of_folder(folder) == name


@pytest.mark.parametrize("folder", ["%41", "%zz", "a%2e", "..", ".x", "%2F", "%ff"])
def test_a_folder_isfdb_would_never_make_is_no_key(folder):
    assert name_of_folder(folder) is None


def test_case_and_unicode_form_fold_together():
    assert folded(folder_name("Ä")) == folded(folder_name("A\u0308")) == folded(folder_name("ä"))
