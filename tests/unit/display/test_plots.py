"""Small pictures of numbers, whatever the numbers are."""

from __future__ import annotations

import base64
import io
import xml.dom.minidom

import numpy as np
import pytest

from isfdb.display.plots import course_svg, distribution_svg, heat_map, picture_of_pixels

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
    assert ",4 " in course_svg(numbers, "peak")


def test_the_label_is_escaped():
    assert "<b>" not in course_svg(np.arange(3.0), "<b>")


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_heat_maps_are_pictures_of_at_most_so_many_pixels(values: list[float]):
    numbers = np.array([values, values[::-1]])
    size = _size(heat_map(numbers, "map"))
    assert size == (min(len(values), 96), 2)


def _size(picture: str) -> tuple[int, int]:
    Image = pytest.importorskip("PIL.Image")
    data = base64.b64decode(picture.split("base64,")[1].split('"')[0])
    image = Image.open(io.BytesIO(data))
    image.load()
    return image.size


def test_a_heat_map_is_dark_where_values_are_small_and_grey_where_there_are_none():
    Image = pytest.importorskip("PIL.Image")
    picture = heat_map(np.array([[0.0, 1.0], [np.nan, 0.5]]), "map")
    image = Image.open(io.BytesIO(base64.b64decode(picture.split("base64,")[1].split('"')[0])))
    assert [sum(image.getpixel(at)) for at in ((0, 0), (1, 0))] == [68 + 1 + 84, 253 + 231 + 37]
    assert image.getpixel((0, 1)) == (128, 128, 128)


def test_an_array_of_pixels_is_shown_as_it_is_and_a_large_one_smaller():
    pixels = np.zeros((1000, 500, 4), "uint8")
    assert _size(picture_of_pixels(pixels, "photo")) == (167, 334)


def test_labels_of_pictures_are_escaped():
    assert '"><b>' not in heat_map(np.eye(3), '"><b>') + picture_of_pixels(np.zeros((3, 3, 3), "uint8"), '"><b>')
