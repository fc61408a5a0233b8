"""Sizes, ages and kinds of values, in words."""

from __future__ import annotations

import datetime

import pytest

from isfdb.display.words import age_text, count_text, duration_text, moment_text, size_text, time_text, what_text

NOW = datetime.datetime(2026, 11, 21, 12, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.00 kB"),
        (12_345, "12.3 kB"),
        (999_600, "1.00 MB"),
        (10**9, "1.00 GB"),
        (5 * 10**18, "5000 PB"),
        (10**400, "more than 10^21 B"),
        (None, ""),
    ],
)
def test_sizes_have_three_figures(size: int | None, words: str):
    assert size_text(size) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s ago"), (90, "1 min ago"), (7200, "2 h ago"), (3 * 86400, "3 d ago"), (100 * 86400, "2026-08-13"), (-3600, "2026-11-21")],
)
def test_ages_grow_coarser(seconds: int, words: str):
    assert age_text(NOW - datetime.timedelta(seconds=seconds), NOW) == words


def test_times_are_in_utc_whatever_their_offset():
    berlin = datetime.timezone(datetime.timedelta(hours=1))
    assert time_text(datetime.datetime(2026, 11, 21, 5, 0, 7, tzinfo=berlin)) == "2026-11-21 04:00:07 UTC"


@pytest.mark.parametrize(("seconds", "words"), [(0.0123, "12 ms"), (3.44, "3.4 s"), (320, "5 min 20 s"), (None, "")])
def test_durations(seconds: float | None, words: str):
    assert duration_text(seconds) == words


def test_one_key_and_many_keys():
    assert (count_text(1, "key"), count_text(1200, "key")) == ("1 key", "1,200 keys")


@pytest.mark.parametrize(
    ("describe", "words"),
    [
        ({"type": "DataFrame", "shape": [344, 8]}, "DataFrame 344 × 8"),
        ({"type": "ndarray", "shape": [1000], "dtype": "float64"}, "ndarray 1000 float64"),
        ({"type": "float", "value": "49.7"}, "float 49.7"),
        ({"type": "list", "length": 2}, "list of 2"),
        ({"type": "Array", "shape": [None, 3]}, "Array ? × 3"),
        ({}, "to_json"),
        ({"type": {"odd": 1}, "shape": "wide", "dtype": 3, "value": "\x1b[2J"}, "{'odd': 1} \\e[2J"),
    ],
)
def test_a_value_in_a_few_words(describe: dict, words: str):
    assert what_text(describe, "to_json") == words


def test_times_of_records_are_told_like_others_and_other_texts_as_they_are():
    assert moment_text("2026-11-21T05:30:05.25+01:00") == "2026-11-21 04:30:05 UTC"
    assert moment_text("2026-11-21T05:30:05") == "2026-11-21 05:30:05 UTC"
    assert moment_text("<b>") == "<b>"
