"""Small pictures of numbers, whatever the numbers are."""

from __future__ import annotations

import xml.dom.minidom

import numpy as np
import pytest

from isfdb.reporting.plots import course_svg, distribution_svg

VALUES = {
    "two": [1.0, 2.0],
    "constant": [3.0] * 100,
    "with gaps": [1.0, np.nan, 2.0, np.inf, -np.inf, 0.5],
    "many": list(np.sin(np.linspace(0, 50, 100_000))),
    "many with gaps": [np.nan] * 5000 + list(range(5000)),
    "huge": [-1e308, 1e308],
    "tiny": [0.0, 5e-324],
}


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_pictures_are_well_formed_and_hold_no_nan(values: list[float]):
    numbers = np.array(values)
    with np.errstate(all="ignore"):
        pictures = [course_svg(numbers, "course"), distribution_svg(numbers[np.isfinite(numbers)], "distribution")]
    for picture in pictures:
        xml.dom.minidom.parseString(picture)
        drawn = picture.split('aria-label="')[0] + picture.split('">', 1)[1]
        assert "nan" not in drawn
        assert "inf" not in drawn


def test_a_peak_in_a_long_array_is_not_lost():
    numbers = np.zeros(1_000_000)
    numbers[123_457] = 1.0
    assert ",2.0" in course_svg(numbers, "peak")


def test_the_label_is_escaped():
    assert "<b>" not in course_svg(np.arange(3.0), "<b>")
