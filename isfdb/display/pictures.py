"""Stored pictures on a page: embedded as data, each once, up to a limit. A browser runs nothing that is in a picture shown this way."""

from __future__ import annotations

import os
import stat
from base64 import b64encode
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Final

from isfdb.display.safe import escape
from isfdb.display.words import size_text

#: How a picture begins, and what a browser is told that it is.
_SIGNATURES: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)
_MAX_PICTURE_BYTES: Final = 5 * 10**6
#: Of a thumbnail: a notebook keeps what it shows, so what is larger is made smaller.
_MAX_THUMBNAIL_BYTES: Final = 300_000
_MAX_LARGE_BYTES: Final = 40 * 10**6
_MAX_PIXELS: Final = 60 * 10**6
_LONGEST_SIDE: Final = 800
#: Of all pictures on a page: what is larger opens slowly, and no mail takes it.
MAX_PAGE_BYTES: Final = 40 * 10**6


class Pictures:
    """The pictures of one page.

    The same picture under several keys is embedded under the first, and the others lead there.

    Parameters
    ----------
    max_bytes : int
        Of all pictures together.
    """

    def __init__(self, max_bytes: int = MAX_PAGE_BYTES) -> None:
        self._left = max_bytes
        self._shown: dict[str, str] = {}

    def of(self, path: Path, alt: str, anchor: str) -> str:
        """Return a picture as HTML, or a sentence that says why it is not shown.

        Parameters
        ----------
        path : Path
            Of the file.
        alt : str
            What it shows, for those who do not see it.
        anchor : str
            Of the section that shows it.
        """
        data = _read(path)
        kind = kind_of(data) if data is not None else ""
        if data is None or not kind:
            return _note("The stored picture is of no kind that a page can show, or too large for one.")
        digest = sha256(data).hexdigest()
        if digest in self._shown:
            return f'<p>The same picture as <a href="#{self._shown[digest]}">above</a>.</p>'
        if len(data) > self._left:
            return _note(f"The picture ({size_text(len(data))}) is not shown: the page holds as many as it can.")
        self._left -= len(data)
        self._shown[digest] = anchor
        return _image(data, kind, alt)


def thumbnail(path: Path, alt: str) -> str:
    """Return a picture as HTML, a large one made smaller where Pillow is installed, or a sentence that says why it is not shown.

    Parameters
    ----------
    path : Path
        Of the file.
    alt : str
        What it shows, for those who do not see it.
    """
    data = _read(path, _MAX_LARGE_BYTES)
    kind = kind_of(data) if data is not None else ""
    if data is not None and kind and len(data) > _MAX_THUMBNAIL_BYTES:
        data = _smaller(data, "JPEG" if kind == "image/jpeg" else "PNG") or data
        kind = kind_of(data)
    if data is None or not kind or len(data) > _MAX_PICTURE_BYTES:
        return _note("The stored picture is of no kind that a page can show, or too large for one.")
    return _image(data, kind, alt)


def _smaller(data: bytes, form: str) -> bytes | None:
    """Return a picture with sides that a notebook shows; None where that cannot be done."""
    try:
        from PIL import Image

        with Image.open(BytesIO(data), formats=("PNG", "JPEG", "GIF", "WEBP")) as image:
            if image.width * image.height > _MAX_PIXELS:
                return None
            image.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
            made = BytesIO()
            image.save(made, form)
    except Exception:  # noqa: BLE001 - whatever a damaged picture makes the library raise; the picture is then shown as it is
        return None
    return made.getvalue()


def _image(data: bytes, kind: str, alt: str) -> str:
    source = f"data:{kind};base64,{b64encode(data).decode('ascii')}"
    return f'<p><img class="i-picture" loading="lazy" decoding="async" alt="{escape(alt, 300)}" src="{source}"></p>'


def kind_of(data: bytes) -> str:
    """Return what kind of picture some bytes are, by how they begin; empty where they are none that is shown.

    SVG is not: in an ``<img>`` it runs no script, but who saves the picture and opens it alone would.
    """
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for signature, kind in _SIGNATURES if data.startswith(signature)), "")


def size_of_picture(path: Path) -> tuple[int, int] | None:
    """Return width and height of a PNG or GIF in pixels, as its first bytes say; None where they do not."""
    data = _read(path) or b""
    if data.startswith(b"\x89PNG") and len(data) > 24:
        return int.from_bytes(data[16:20]), int.from_bytes(data[20:24])
    if data.startswith(b"GIF8") and len(data) > 10:
        return int.from_bytes(data[6:8], "little"), int.from_bytes(data[8:10], "little")
    return None


def _read(path: Path, most: int = _MAX_PICTURE_BYTES) -> bytes | None:
    # A link could lead out of the database.
    try:
        status = path.lstat()
    except OSError:
        return None
    if path.parent.is_symlink() or not stat.S_ISREG(status.st_mode) or status.st_size > most:
        return None
    with open(os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0)), "rb") as file:
        return file.read(most)


def _note(text: str) -> str:
    return f'<p class="i-muted">{escape(text)}</p>'
