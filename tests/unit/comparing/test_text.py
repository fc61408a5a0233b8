"""Texts are compared as diff -u does; bytes by size and first difference."""

from __future__ import annotations

import difflib

from hypothesis import given
from hypothesis import strategies as st

from isfdb.comparing.text import MAX_LINES, compare_bytes, compare_texts, unified


def test_a_changed_line_is_shown_with_its_neighbours():
    found = compare_texts("a\nb\nc\n", "a\nB\nc\n", "")
    assert (found.status, found.because) == ("different", "1 line removed, 1 added")
    assert found.text.splitlines()[-4:] == ["-b", "+B", " c", " "]


@given(st.lists(st.sampled_from("ab"), max_size=30), st.lists(st.sampled_from("ab"), max_size=30))
def test_the_diff_tells_how_the_one_becomes_the_other(first: list[str], second: list[str]):
    text, removed, added = unified("\n".join(first), "\n".join(second), context=100)
    if not removed and not added:
        assert "\n".join(first) == "\n".join(second)
        return
    lines = text.split("\n")[3:]
    for side, signs in ((first, " -"), (second, " +")):
        assert "\n".join([line[1:] for line in lines if line[0] in signs]) == "\n".join(side)


def test_line_numbers_are_right_though_equal_ends_are_skipped():
    first = [str(number) for number in range(1000)]
    second = [*first[:500], "new", *first[500:]]
    (line,) = [line for line in unified("\n".join(first), "\n".join(second))[0].split("\n") if line.startswith("@@")]
    (expected,) = [line for line in difflib.unified_diff(first, second, lineterm="") if line.startswith("@@")]
    assert line == expected


def test_huge_texts_do_not_take_for_ever():
    first = "\n".join(str(number) for number in range(10 * MAX_LINES))
    second = "\n".join(str(-number) for number in range(10 * MAX_LINES))
    found = compare_texts(first, second, "")
    assert "too many lines to tell apart" in found.text
    one = compare_texts("x" * 5_000_000 + "a", "x" * 5_000_000 + "b", "")
    assert one.because == "first difference at character 5,000,000"


def test_bytes_tell_where_they_begin_to_differ():
    found = compare_bytes(b"abc", b"abx!", "")
    assert found.because == "3 → 4 bytes"
    assert found.lines[0] == "first difference at byte 2: 63 → 78 21"
