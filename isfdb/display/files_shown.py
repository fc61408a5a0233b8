"""What is shown of values that are files: stored pictures, attachments, folders. It follows no link and opens nothing large."""

from __future__ import annotations

import os
import stat
from itertools import islice
from pathlib import Path
from typing import Any, Final

from isfdb.display import html
from isfdb.display.glimpses import Glimpse, of_text
from isfdb.display.pictures import size_of_picture, thumbnail
from isfdb.display.text import table_text
from isfdb.display.words import count_text, size_text

_PICTURE_FILES: Final = {"figure": "figure.png", "altair_to_json": "figure.png", "pillow_to_png": "data.png"}
_PICTURES: Final = (".png", ".jpg", ".jpeg", ".gif", ".webp")
_TEXTS: Final = (
    ".txt",
    ".md",
    ".rst",
    ".csv",
    ".tsv",
    ".json",
    ".yaml",
    ".yml",
    ".toml",
    ".ini",
    ".cfg",
    ".py",
    ".r",
    ".m",
    ".hoc",
    ".log",
)
_HEAD_BYTES: Final = 4_000
_MOST_FILES: Final = 20
_MOST_COUNTED: Final = 10_000


def picture_of(version: Any) -> tuple[Path, str] | None:
    """Return the picture that shows a value, and what it shows, for those who do not see it; None where there is none.

    Parameters
    ----------
    version : Version
    """
    dumper = str(version.dumper)
    if dumper in _PICTURE_FILES:
        name = _PICTURE_FILES[dumper]
        titles = version.describe.get("titles")
        about = f": {'; '.join(map(str, titles))}" if isinstance(titles, list) and titles else ""
        return version.path / name, f"{'Figure' if name == 'figure.png' else 'Image'} {version.key}{about}"
    attached = _attached_file(version) if dumper == "attachment" else None
    if attached is None or attached.suffix.lower() not in _PICTURES:
        return None
    return attached, f"Attached picture {version.key}: {attached.name}"


def _attached_file(version: Any) -> Path | None:
    return _attached(version) if version.describe.get("type") == "file" else None


def _attached(version: Any) -> Path | None:
    name = version.describe.get("name")
    return Path(version.path / "attached" / name) if isinstance(name, str) and Path(name).name == name else None


def of_picture(path: Path, alt: str) -> Glimpse:
    """Show a stored picture."""
    sides = size_of_picture(path)
    words = f"a picture of {sides[0]:,} × {sides[1]:,} pixels" if sides else "a picture"
    return Glimpse("picture", thumbnail(path, alt), f"{words}: {path.name}")


def of_attachment(version: Any) -> Glimpse:
    """Show the head of an attached text, else which files there are."""
    file = _attached_file(version)
    if file is None:
        return of_folder(_attached(version) or version.path / "attached")
    text = _head(file) if file.suffix.lower() in _TEXTS else None
    if text is None:
        return of_folder(file.parent)
    whole = file.lstat().st_size
    shown = of_text(version.key, text)
    return Glimpse(
        "text", shown.html, shown.text, f"the first {size_text(_HEAD_BYTES)} of {size_text(whole)}" if whole > _HEAD_BYTES else ""
    )


def _head(file: Path) -> str | None:
    """Return how a text begins; None where it is no text, or a link."""
    if file.parent.is_symlink() or not stat.S_ISREG(file.lstat().st_mode):
        return None
    with open(os.open(file, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0)), "rb") as opened:
        data = opened.read(_HEAD_BYTES)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        is_cut_in_two = len(data) == _HEAD_BYTES and error.start >= _HEAD_BYTES - 4
        return data[: error.start].decode("utf-8") if is_cut_in_two else None


def of_folder(folder: Path) -> Glimpse:
    """List what lies directly in a folder."""
    if folder.is_symlink():
        return Glimpse("nothing", note="Not shown: the folder is a link that leads elsewhere.")
    with os.scandir(folder) as entries:
        found = sorted(islice(entries, _MOST_COUNTED), key=lambda entry: entry.name)
    rows = [(entry.name + ("/" if entry.is_dir(follow_symlinks=False) else ""), _size(entry)) for entry in found[:_MOST_FILES]]
    rest = f"{len(found) - _MOST_FILES:,} more" if len(found) > _MOST_FILES else ""
    if not rows:
        return Glimpse("files", "", "", "an empty folder")
    counted = f"{_MOST_COUNTED:,} names or more" if len(found) == _MOST_COUNTED else count_text(len(found), "name")
    note = f"{counted} in {folder.name}/{f', {rest} not shown' if rest else ''}"
    return Glimpse("files", html.table(("file", "size"), rows), table_text(("file", "size"), rows), note)


def _size(entry: os.DirEntry[str]) -> str:
    facts = entry.stat(follow_symlinks=False)
    return size_text(facts.st_size) if stat.S_ISREG(facts.st_mode) else "a link" if entry.is_symlink() else ""
