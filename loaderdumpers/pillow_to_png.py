"""Keeps PIL images, pixel for pixel: as PNG, as an array where PNG would change them, and as the original file where there is one.

An image that was read from a file (``Image.open``) keeps that file, so a JPEG stays the JPEG it was. One that was changed since is
refused: its type would promise a file that no longer holds it.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from io import BytesIO
from typing import Any, Final

from isfdb.exact_json import loads
from loaderdumpers import _typed_json

priority: Final = 30
requires: Final = {"pillow": "10.1"}
load_plainly: Final = "loaderdumpers.plainly.objects:read_image"
about: Final = {
    "types": ("PIL.Image.Image",),
    "keeps": "images of every mode, and images read from files",
    "format": "PNG, npy, or the original file",
    "files": "`data.png`, `data.npy` or `data.jpg` ..., sometimes `info.json`",
    "exact": True,
    "lazy": "file images",
    "append": False,
}

#: Modes that PNG keeps as they are. What else PNG accepts it changes.
_PNG_MODES: Final = frozenset({"1", "L", "LA", "P", "RGB", "RGBA", "I;16"})
_MODES: Final = _PNG_MODES | {"PA", "La", "RGBa", "RGBX", "CMYK", "YCbCr", "LAB", "HSV", "I", "F", "I;16L", "I;16B", "I;16N"}
#: Above as many pixels Pillow warns of a bomb, by default: such images are not compressed, so that the size of the file proves theirs.
_MAX_PNG_PIXELS: Final = 89_478_485
_MAX_INLINE_CHARACTERS: Final = 2000
_MAX_PROFILE_BYTES: Final = 1_000_000  # more is refused when Pillow reads a PNG
#: Formats whose reading is decoding and nothing else (EPS, for one, starts another program), and the usual end of their names.
_FORMATS: Final = {
    "AVIF": "avif",
    "BMP": "bmp",
    "DDS": "dds",
    "DIB": "dib",
    "FITS": "fits",
    "GIF": "gif",
    "ICNS": "icns",
    "ICO": "ico",
    "JPEG": "jpg",
    "JPEG2000": "jp2",
    "MPO": "jpg",
    "PCX": "pcx",
    "PNG": "png",
    "PPM": "ppm",
    "PSD": "psd",
    "SGI": "sgi",
    "SPIDER": "spi",
    "TGA": "tga",
    "TIFF": "tif",
    "WEBP": "webp",
}


def check(obj: Any) -> bool:
    """Say whether `obj` is a PIL image, or one that Pillow read from a file; no other subclass."""
    module = sys.modules.get("PIL.Image")
    if module is None:
        return False
    kind = type(obj)
    return kind is getattr(module, "Image", None) or _is_file_image(kind)


def _is_file_image(kind: type) -> bool:
    files = sys.modules.get("PIL.ImageFile")
    return files is not None and issubclass(kind, files.ImageFile) and kind.__module__.startswith("PIL.")


def describe(obj: Any) -> dict[str, Any]:
    """Return mode and size, and of an image file its format and number of frames."""
    facts: dict[str, Any] = {"type": type(obj).__name__, "mode": obj.mode, "size": list(obj.size)}
    if _is_file_image(type(obj)):
        facts["format"] = str(obj.format)
        if getattr(obj, "n_frames", 1) > 1:
            facts["frames"] = int(obj.n_frames)
    return facts


def dump(obj: Any, savedir: str, *, compress_level: int = 6) -> dict[str, Any]:
    """Write the image.

    Parameters
    ----------
    obj : PIL.Image.Image
        Of any mode and size.
    savedir : str
        Empty folder.
    compress_level : int
        0 (fast) to 9 (small), for PNG. The pixels do not depend on it.

    Raises
    ------
    TypeError
        Something about the image cannot be kept exactly.
    """
    if not check(obj):
        raise TypeError(f"pillow_to_png keeps PIL images, not {type(obj).__qualname__}; convert with PIL.Image.fromarray(array)")
    if _is_file_image(type(obj)):
        return _dump_file(obj, savedir)
    _refuse_edited_exif(obj)
    obj.load()
    arguments = {"mode": obj.mode, "size": list(obj.size), **_dump_info(obj.info, savedir), **_palette(obj)}
    if obj.mode in _PNG_MODES and 0 < obj.width * obj.height <= _MAX_PNG_PIXELS:
        _for_viewers(obj).save(os.path.join(savedir, "data.png"), "PNG", compress_level=compress_level, **_chunks(obj.info))
        return {**arguments, "file": "data.png"}
    if obj.mode not in _MODES:
        raise TypeError(f"an image of mode {obj.mode!r} is not known; convert it: image.convert('RGB')")
    import numpy

    numpy.save(os.path.join(savedir, "data.npy"), numpy.asarray(obj), allow_pickle=False)
    return {**arguments, "file": "data.npy"}


def _refuse_edited_exif(obj: Any) -> None:
    # getexif() gives an object whose changes reach the image only when it is written into info.
    edited = getattr(obj, "_exif", None)
    if edited:
        from PIL import Image

        original = Image.Exif()
        original.load(obj.info.get("exif") or b"")
        if dict(edited) != dict(original):
            raise TypeError("its EXIF data were changed but not written: image.info['exif'] = image.getexif().tobytes()")


def _dump_info(info: dict[Any, Any], savedir: str) -> dict[str, Any]:
    forms = {name: form for name, value in info.items() if (form := _form_of(value))}
    try:
        plain = {name: _FORMS[forms[name]][0](value) if name in forms else value for name, value in info.items()}
        encoded = _typed_json.encode([plain, forms] if forms else [plain], in_order=True)
    except (TypeError, ValueError) as error:
        raise TypeError(f"image.info holds something that cannot be kept ({error}); remove it: image.info.pop(name)") from error
    text = json.dumps(encoded, ensure_ascii=False, allow_nan=False)
    if len(text) <= _MAX_INLINE_CHARACTERS:
        return {"info": encoded} if info else {}
    with open(os.path.join(savedir, "info.json"), "w", encoding="utf-8") as file:
        file.write(text + "\n")
    return {"info_in_file": True}


def _form_of(value: Any) -> str:
    """Return what to call a value of a type that Pillow makes when it reads a file; nothing for an ordinary one."""
    members = value if type(value) is tuple and value else (value,)
    names = {f"{type(member).__module__}.{type(member).__name__}" for member in members}
    if names == {"PIL.TiffImagePlugin.IFDRational"}:
        return "rationals" if members is value else "rational"
    return "text" if names == {"PIL.PngImagePlugin.iTXt"} and members is not value else ""


def _rational(value: Any) -> list[Any]:
    return [value.numerator, value.denominator]


def _read_rational(parts: list[Any]) -> Any:
    from PIL.TiffImagePlugin import IFDRational

    return IFDRational(*parts)


def _read_text(parts: list[str]) -> Any:
    from PIL.PngImagePlugin import iTXt

    return iTXt(*parts)


_FORMS: Final[dict[str, tuple[Any, Any]]] = {
    "rational": (_rational, _read_rational),
    "rationals": (lambda value: list(map(_rational, value)), lambda parts: tuple(map(_read_rational, parts))),
    "text": (lambda value: [str(value), value.lang, value.tkey], _read_text),
}


def _read_info(encoded: Any) -> dict[Any, Any]:
    plain, *forms = _typed_json.decode(encoded)
    return {name: _FORMS[forms[0][name]][1](value) if forms and name in forms[0] else value for name, value in plain.items()}


def _palette(obj: Any) -> dict[str, Any]:
    if obj.mode not in ("P", "PA") or not obj.palette or not obj.palette.palette:
        return {}
    palette = {"mode": obj.palette.mode, "colours": bytes(obj.palette.palette).hex()}
    one_pixel = _with_palette(_from_bytes(obj.mode, (1, 1), bytes(len(obj.mode))), palette)
    if one_pixel.im.getpalette("RGBA", "RGBA") != obj.im.getpalette("RGBA", "RGBA"):
        raise TypeError("its palette is not the one it is drawn with; convert it: image.convert('RGBA')")
    return {"palette": palette}


def _with_palette(image: Any, palette: dict[str, str] | None) -> Any:
    if palette:
        image.putpalette(bytes.fromhex(palette["colours"]), palette["mode"])
        image.load()
    return image


def _for_viewers(obj: Any) -> Any:
    """Return what is written as PNG: all 256 colours of a palette, because Pillow writes fewer bits where it knows fewer colours."""
    if obj.mode != "P":
        return obj.copy()
    image = _from_bytes("P", obj.size, obj.tobytes())
    image.putpalette(obj.im.getpalette("RGB", "RGB").ljust(768, b"\0"))
    return image


def _chunks(info: dict[Any, Any]) -> dict[str, Any]:
    """Return what other programs want to find in the PNG; isfdb itself reads the info from JSON."""
    found: dict[str, Any] = {"transparency": None}
    if type(info.get("icc_profile")) is bytes and len(info["icc_profile"]) < _MAX_PROFILE_BYTES:
        found["icc_profile"] = info["icc_profile"]
    dpi = info.get("dpi")
    if type(dpi) is tuple and len(dpi) == 2 and all(type(one) in (int, float) and 0 < one < 1e6 for one in dpi):
        found["dpi"] = dpi
    return found


def _dump_file(obj: Any, savedir: str) -> dict[str, Any]:
    if obj.format not in _FORMATS:
        raise TypeError(f"reading {obj.format} may start other programs, so the file is not kept; store image.copy()")
    data = _original_bytes(obj)
    frame = int(obj.tell())
    if data is None or not _is_unchanged(obj, data, frame):
        why = "its bytes are no longer there" if data is None else "it was changed since, or the file was"
        raise TypeError(f"this {type(obj).__name__} is not what its file holds ({why}); store image.copy(), which keeps the pixels")
    name = f"data.{_FORMATS[obj.format]}"
    with open(os.path.join(savedir, name), "wb") as file:
        file.write(data)
    return {"file": name, "kind": obj.format, "mode": obj.mode, "size": list(obj.size), "frame": frame}


def _original_bytes(obj: Any) -> bytes | None:
    file = getattr(obj, "fp", None)
    if file is not None and not getattr(file, "closed", True):
        place = file.tell()
        try:
            file.seek(0)
            return bytes(file.read())
        finally:
            file.seek(place)
    try:
        with open(obj.filename, "rb") as source:
            return source.read()
    except (OSError, TypeError, ValueError):  # no path, no file there
        return None


def _is_unchanged(obj: Any, data: bytes, frame: int) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # whoever opened the image was told already
        try:
            fresh = _open(BytesIO(data), str(obj.format), frame)
        except (OSError, EOFError, ValueError, SyntaxError):
            return False
        is_loaded = any(vars(obj).get(name) is not None for name in ("_im", "im"))  # as Pillow calls it since version 11, and before
        if is_loaded:
            fresh.load()
        if type(fresh) is not type(obj) or (fresh.mode, fresh.size) != (obj.mode, obj.size):
            return False
        if not is_loaded:
            return bool(fresh.info == obj.info)
        edited = getattr(obj, "_exif", None)  # decoding TIFF fills it, getexif() too
        return bool(fresh == obj and (not edited or dict(edited) == dict(fresh.getexif())))


def _open(source: Any, kind: str, frame: int) -> Any:
    from PIL import Image

    image = Image.open(source, formats=["JPEG", "MPO"] if kind == "MPO" else [kind])
    if frame:
        image.seek(frame)
    return image


def _from_bytes(mode: str, size: tuple[int, int], data: bytes) -> Any:
    from PIL import Image

    return Image.frombytes(mode, size, data)


class Loader:
    """Reads an image back.

    Parameters
    ----------
    file : str
        Its name.
    mode : str
        The mode, as Pillow names it.
    size : list of int
        Width and height.
    info : list, optional
        ``image.info``, and which of its values are of Pillow's own types; empty by default.
    info_in_file : bool
        Whether it lies in ``info.json``.
    palette : dict, optional
        Mode and colours of the palette.
    kind : str, optional
        Format of the original file, as Pillow names it.
    frame : int
        The frame at which the original file stood.
    """

    def __init__(
        self,
        *,
        file: str,
        mode: str,
        size: list[int],
        info: Any = None,
        info_in_file: bool = False,
        palette: dict[str, str] | None = None,
        kind: str | None = None,
        frame: int = 0,
    ) -> None:
        if mode not in _MODES and kind is None:
            raise ValueError(f"the image mode {mode!r} is not known; a newer isfdb may have written it")
        if file not in {"data.png", "data.npy"} and (kind not in _FORMATS or file != f"data.{_FORMATS[kind]}"):
            raise ValueError(f"{file!r} is no file of an image; Loader.json was changed")
        self._file, self._mode, self._size = file, mode, (int(size[0]), int(size[1]))
        self._info, self._info_in_file, self._palette = info or [{}], info_in_file, palette
        self._kind, self._frame = kind, frame

    def get(self, savedir: str, *, lazy: bool = False) -> Any:
        """Return the image.

        Parameters
        ----------
        savedir : str
            Folder of the version.
        lazy : bool
            Leave the original file open where it lies and decode a frame when it is looked at; for large stacks. Only for images
            that were read from a file.

        Raises
        ------
        ValueError
            The file is not what was stored, or has more pixels than Pillow deems safe.
        """
        from PIL import Image

        try:
            if self._kind is not None:
                return self._original(savedir, lazy)
            image = self._pixels(savedir)
        except Image.DecompressionBombError as error:
            advice = "if you know who wrote it, raise PIL.Image.MAX_IMAGE_PIXELS first"
            raise ValueError(f"{self._file} may be a decompression bomb: {error}; {advice}") from error
        except (OSError, EOFError, SyntaxError) as error:
            if isinstance(error, FileNotFoundError):
                raise
            raise ValueError(f"{self._file} is no whole image ({error}); restore the file from a copy") from error
        image.info = self._read_info(savedir)
        return image

    def _original(self, savedir: str, lazy: bool) -> Any:
        path = os.path.join(savedir, self._file)
        if lazy:
            image = _open(path, str(self._kind), self._frame)
        else:
            with open(path, "rb") as file:
                image = _open(BytesIO(file.read()), str(self._kind), self._frame)
            image.load()
        self._compare(image)
        return image

    def _pixels(self, savedir: str) -> Any:
        path = os.path.join(savedir, self._file)
        if self._file == "data.npy":
            return _with_palette(self._from_array(path), self._palette)
        with open(path, "rb") as file:
            image = _open(file, "PNG", 0)
            self._compare(image)
            image.load()
        if self._mode == "P":
            return _with_palette(_from_bytes("P", self._size, image.tobytes()), self._palette)
        return image.copy()

    def _compare(self, image: Any) -> None:
        if (image.mode, image.size) != (self._mode, self._size):
            found = f"{image.size[0]} x {image.size[1]} pixels of mode {image.mode}"
            raise ValueError(f"{self._file} has {found}, and Loader.json says {self._size[0]} x {self._size[1]} of mode {self._mode}")

    def _from_array(self, path: str) -> Any:
        import numpy
        from PIL import Image

        array = numpy.load(path, allow_pickle=False)
        like = numpy.asarray(Image.new(self._mode, (1, 1)))
        if array.dtype != like.dtype or array.shape != (self._size[1], self._size[0], *like.shape[2:]):
            raise ValueError(f"{self._file} holds {array.dtype} of shape {array.shape}, not {self._size} pixels of mode {self._mode}")
        data = numpy.packbits(array, axis=1) if self._mode == "1" else array
        return _from_bytes(self._mode, self._size, data.tobytes())

    def _read_info(self, savedir: str) -> Any:
        if not self._info_in_file:
            return _read_info(self._info)
        with open(os.path.join(savedir, "info.json"), "rb") as file:
            return _read_info(loads(file.read()))
