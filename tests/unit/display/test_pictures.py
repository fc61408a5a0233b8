"""Stored pictures on a page: each once, of kinds that run nothing, up to a limit."""

from __future__ import annotations

from pathlib import Path

import pytest

from isfdb.display.pictures import Pictures, kind_of, thumbnail
from isfdb.reporting.page import report_page
from tests.unit.reporting.reported import pictures, section

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 100


def _file(folder: Path, name: str, data: bytes) -> Path:
    (folder / name).write_bytes(data)
    return folder / name


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0rest", "image/jpeg"),
        (b"GIF89arest", "image/gif"),
        (b"RIFF\0\0\0\0WEBPrest", "image/webp"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", ""),
        (b"<?xml version='1.0'?><svg/>", ""),
        (b"", ""),
    ],
)
def test_kinds_are_told_by_how_they_begin(data: bytes, kind: str):
    assert kind_of(data) == kind


def test_the_same_picture_is_embedded_once(tmp_path: Path):
    shown = Pictures()
    first = shown.of(_file(tmp_path, "a.png", PNG), "one", "k-1")
    again = shown.of(_file(tmp_path, "b.png", PNG), "two", "k-2")
    assert "<img" in first
    assert "<img" not in again
    assert 'href="#k-1"' in again


def test_beyond_the_limit_a_sentence_stands_for_a_picture(tmp_path: Path):
    shown = Pictures(max_bytes=150)
    shown.of(_file(tmp_path, "a.png", PNG), "one", "k-1")
    assert "is not shown" in shown.of(_file(tmp_path, "b.png", PNG + b"1"), "two", "k-2")


def test_a_large_picture_is_made_smaller_for_a_notebook(tmp_path: Path):
    image = pytest.importorskip("PIL.Image")
    import numpy as np

    noise = np.random.default_rng(1).integers(0, 255, (900, 1200, 3), dtype="uint8")
    image.fromarray(noise).save(tmp_path / "photo.png")
    whole = (tmp_path / "photo.png").stat().st_size
    shown = thumbnail(tmp_path / "photo.png", "noise")
    assert 'alt="noise"' in shown
    assert "data:image/png;base64," in shown
    assert len(shown) < whole


def test_a_damaged_picture_is_shown_as_it_is(tmp_path: Path):
    damaged = PNG + b"x" * 400_000
    assert len(thumbnail(_file(tmp_path, "a.png", damaged), "one")) > 400_000
    assert "no kind that a page can show" in thumbnail(_file(tmp_path, "b.png", b"no picture"), "two")
    assert "no kind that a page can show" in thumbnail(tmp_path / "missing.png", "three")


def test_an_attached_picture_is_shown_unless_it_is_one_that_could_hold_a_script(db, tmp_path: Path):
    image = pytest.importorskip("PIL.Image")
    image.new("RGB", (3, 2)).save(tmp_path / "photo.jpg")
    db.attach("photo", tmp_path / "photo.jpg")
    db.attach("drawing", _file(tmp_path, "drawing.svg", b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"))
    db.attach("posing", _file(tmp_path, "posing.png", b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"))
    page = report_page(db)
    assert len(pictures(page)) == 1
    assert "data:image/jpeg;base64," in section(page, "photo")
    assert "alert(1)" not in section(page, "drawing") + section(page, "posing")


def test_a_folder_that_is_a_link_is_not_followed(db, tmp_path: Path):
    db.attach("photo", _file(tmp_path, "photo.png", PNG))
    attached = Path(db.entry("photo").path) / "attached"
    outside = tmp_path / "outside"
    attached.rename(outside)
    attached.symlink_to(outside)
    assert not pictures(report_page(db))


def test_a_value_whose_record_names_another_loader_is_not_loaded(db):
    import json

    db["x"] = 1.5
    folder = Path(db.entry("x").path)
    spec = json.loads((folder / "Loader.json").read_bytes())
    spec["Loader"] = "loaderdumpers.to_pickle"
    (folder / "Loader.json").write_text(json.dumps(spec))
    assert "It cannot be shown" in section(report_page(db), "x")
