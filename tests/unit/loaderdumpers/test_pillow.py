"""Images come back pixel for pixel; image files as the files they were."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import isfdb
from isfdb.testing import assert_identical
from loaderdumpers import pillow_to_png

Image = pytest.importorskip("PIL.Image")


@pytest.fixture
def photo() -> Any:
    return Image.fromarray(np.random.default_rng(1).integers(0, 255, (30, 40, 3), "u1"))


@pytest.fixture
def jpeg(photo: Any, tmp_path: Path) -> Path:
    photo.save(tmp_path / "photo.jpg", quality=50)
    return tmp_path / "photo.jpg"


def stored(image: Any, folder: Path, **options: Any) -> Any:
    folder.mkdir()
    return pillow_to_png.Loader(**pillow_to_png.dump(image, str(folder), **options)).get(str(folder))


def test_a_png_shows_the_image_to_other_programs(photo: Any, tmp_path: Path) -> None:
    photo.info = {"dpi": (300, 300), "icc_profile": b"profile"}
    stored(photo, tmp_path / "v1")
    with Image.open(tmp_path / "v1" / "data.png") as picture:
        assert picture.tobytes() == photo.tobytes()
        assert (round(picture.info["dpi"][0]), picture.info["icc_profile"]) == (300, b"profile")


def test_indices_beyond_a_short_palette_are_kept(tmp_path: Path) -> None:
    image = Image.frombytes("P", (3, 1), bytes([0, 200, 255]))
    image.putpalette([255, 0, 0, 0, 255, 0])
    assert_identical(stored(image, tmp_path / "v1"), image)


def test_transparency_of_a_palette_is_kept(tmp_path: Path) -> None:
    for place, transparency in enumerate((1, b"\x00\x80\xff")):
        image = Image.frombytes("P", (3, 1), bytes([0, 1, 2]))
        image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
        image.info["transparency"] = transparency
        found = stored(image, tmp_path / f"v{place}")
        assert_identical(found, image)
        assert found.convert("RGBA").tobytes() == image.convert("RGBA").tobytes()


def test_long_info_goes_to_a_file_and_unkeepable_info_is_named(photo: Any, tmp_path: Path) -> None:
    photo.info = {"exif": b"Exif\0\0" + bytes(9000), "pair": (1, 2.5)}
    assert_identical(stored(photo, tmp_path / "v1"), photo)
    assert (tmp_path / "v1" / "info.json").exists()
    photo.info["loose"] = object()
    with pytest.raises(TypeError, match=r"object cannot be kept.*remove it: image\.info\.pop"):
        stored(photo, tmp_path / "v2")


@pytest.mark.parametrize("kind", ["TIFF", "PNG", "GIF", "WEBP", "JPEG2000", "MPO"])
def test_what_pillow_noted_of_a_file_stays_with_a_copy(kind: str, photo: Any, tmp_path: Path) -> None:
    from PIL.PngImagePlugin import PngInfo

    notes = PngInfo()
    notes.add_itxt("Title", "Rate é", "de", "Titel")
    options: dict[str, Any] = {"TIFF": {"dpi": (72.5, 300)}, "PNG": {"pnginfo": notes}}.get(kind, {})
    photo.save(tmp_path / "file", kind, **options)
    with Image.open(tmp_path / "file") as image:
        copy = image.convert("L")
    assert copy.info or kind in ("JPEG2000", "WEBP")
    assert_identical(stored(copy, tmp_path / "v1"), copy)


def test_edited_exif_data_are_not_lost_silently(photo: Any, tmp_path: Path) -> None:
    photo.getexif()[274] = 6
    with pytest.raises(TypeError, match=r"write|written: image\.info\['exif'\]"):
        stored(photo, tmp_path / "v1")
    photo.info["exif"] = photo.getexif().tobytes()
    assert stored(photo, tmp_path / "v2").getexif()[274] == 6


def test_an_image_file_keeps_its_bytes(jpeg: Path, tmp_path: Path) -> None:
    with Image.open(jpeg) as image:
        found = stored(image, tmp_path / "v1")
        assert (tmp_path / "v1" / "data.jpg").read_bytes() == jpeg.read_bytes()
        assert_identical(found, image)
        assert (found.quantization, found.format) == (image.quantization, "JPEG")
        assert_identical(stored(image, tmp_path / "v2"), image)  # decoded meanwhile


def test_an_image_file_from_memory_is_kept_while_its_bytes_are_there(jpeg: Path, tmp_path: Path) -> None:
    image = Image.open(io.BytesIO(jpeg.read_bytes()))
    assert_identical(stored(image, tmp_path / "v1"), image)
    image.load()
    with pytest.raises(TypeError, match=r"no longer there\); store image\.copy\(\)"):
        stored(image, tmp_path / "v2")
    assert_identical(stored(image.copy(), tmp_path / "v3"), image.copy())


def test_an_image_file_that_was_painted_on_is_refused(jpeg: Path, tmp_path: Path) -> None:
    with Image.open(jpeg) as image:
        image.putpixel((3, 3), (1, 2, 3))
        with pytest.raises(TypeError, match=r"it was changed since.*image\.copy\(\)"):
            stored(image, tmp_path / "v1")


def test_a_stack_keeps_its_frames_and_the_one_in_view(tmp_path: Path) -> None:
    frames = [Image.fromarray(np.full((4, 5), level, "u2")) for level in (1, 500, 60_000)]
    frames[0].save(tmp_path / "stack.tif", save_all=True, append_images=frames[1:])
    (tmp_path / "v1").mkdir()
    with Image.open(tmp_path / "stack.tif") as stack:
        stack.seek(2)
        assert pillow_to_png.describe(stack)["frames"] == 3
        arguments = pillow_to_png.dump(stack, str(tmp_path / "v1"))
    for lazy in (False, True):
        with pillow_to_png.Loader(**arguments).get(str(tmp_path / "v1"), lazy=lazy) as found:
            assert (found.n_frames, found.tell(), found.getpixel((0, 0))) == (3, 2, 60_000)


def test_a_format_that_starts_programs_is_refused(photo: Any, tmp_path: Path) -> None:
    photo.save(tmp_path / "photo.eps")
    with Image.open(tmp_path / "photo.eps") as image, pytest.raises(TypeError, match="may start other programs"):
        stored(image, tmp_path / "v1")
    with pytest.raises(ValueError, match="is no file of an image"):
        pillow_to_png.Loader(file="data.eps", kind="EPS", mode="RGB", size=[1, 1])


def test_an_image_too_large_for_pillows_guard_is_not_compressed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pillow_to_png, "_MAX_PNG_PIXELS", 100)
    image = Image.frombytes("1", (19, 11), bytes(range(33)))
    assert_identical(stored(image, tmp_path / "v1"), image)
    assert np.load(tmp_path / "v1" / "data.npy").shape == (11, 19)


def test_a_decompression_bomb_is_not_unpacked(photo: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = pillow_to_png.dump(photo, str(tmp_path))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(ValueError, match=r"may be a decompression bomb.*raise PIL\.Image\.MAX_IMAGE_PIXELS"):
        pillow_to_png.Loader(**arguments).get(str(tmp_path))


def test_damage_is_told(photo: Any, tmp_path: Path) -> None:
    arguments = pillow_to_png.dump(photo, str(tmp_path))
    with pytest.raises(ValueError, match=r"data\.png has 40 x 30 pixels of mode RGB, and Loader\.json says 41 x 30"):
        pillow_to_png.Loader(**{**arguments, "size": [41, 30]}).get(str(tmp_path))
    whole = (tmp_path / "data.png").read_bytes()
    (tmp_path / "data.png").write_bytes(whole[:500])
    with pytest.raises(ValueError, match=r"data\.png is no whole image.*restore the file"):
        pillow_to_png.Loader(**arguments).get(str(tmp_path))
    with pytest.raises(ValueError, match="image mode 'XYZ' is not known"):
        pillow_to_png.Loader(**{**arguments, "mode": "XYZ"})


def test_a_changed_array_is_not_taken_for_the_image(tmp_path: Path) -> None:
    arguments = pillow_to_png.dump(Image.new("F", (3, 2)), str(tmp_path))
    np.save(tmp_path / "data.npy", np.zeros((3, 2), "f4"))
    with pytest.raises(ValueError, match=r"data\.npy holds float32 of shape \(3, 2\)"):
        pillow_to_png.Loader(**arguments).get(str(tmp_path))


def test_a_database_keeps_images(photo: Any, jpeg: Path, tmp_path: Path) -> None:
    db = isfdb.open(tmp_path / "db")
    db["photo"] = photo
    with Image.open(jpeg) as image:
        db["original"] = image
        assert_identical(db["original"], image)
    assert_identical(db["photo"], photo)
    assert db.entry("original").describe == {"type": "JpegImageFile", "mode": "RGB", "size": [40, 30], "format": "JPEG"}
