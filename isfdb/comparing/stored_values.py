"""Compares the values of two stored versions: by digest, else loaded, else by what is known without loading them."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any, Final

from isfdb.comparing.arrays import compare_arrays
from isfdb.comparing.comparison import DIFFERENT, EQUAL, IDENTICAL, NOT_COMPARED, Comparison, Parts
from isfdb.comparing.containers import compare_mappings, with_notes
from isfdb.comparing.context import Context
from isfdb.comparing.pictures import of_pixels, picture_of
from isfdb.comparing.stored import LARGE_BYTES, Stored
from isfdb.comparing.text import compare_bytes, compare_texts
from isfdb.comparing.values import compare, compare_values
from isfdb.display.words import size_text, what_text
from isfdb.errors import IsfdbError
from isfdb.hashing import digest_of_file
from isfdb.layout.current import LOADER_FILE, METADATA_FILE, RESERVED_FILES
from isfdb.manifest import checked_files

#: What these give is a path: the files are the value.
_OF_FILES: Final = frozenset({"attachment", "figure", "folder", "just_create_folder", "isf_folder", "shared_numpy_store"})

#: The picture of a figure that is compared by its pixels.
_PIXELS: Final = "figure.png"

#: Larger files are compared by size and digest only.
_MOST_BYTES: Final = 4_000_000


def compare_stored(a: Stored, b: Stored, *, rtol: float | None = 0.0, atol: float = 0.0, statistics: bool = False) -> Comparison:
    """Compare two stored values; the tolerances and `statistics` as for :func:`isfdb.comparing.values.compare_values`.

    The bytes are compared first; only where they differ are the values loaded. What would run code that is not yours is never loaded.
    """
    gone = [f"{side.name} {'deleted the key' if side.version.deleted else 'was reclaimed'}" for side in (a, b) if _is_gone(side)]
    if any(side.version.deleted for side in (a, b)):
        return Comparison(DIFFERENT if a.version.deleted != b.version.deleted else NOT_COMPARED, because=", ".join(gone))
    if _have_same_bytes(a, b):
        return Comparison(IDENTICAL, because=f"the same bytes, digest {str(a.version.digest)[:12]}")
    if a.version.dumper == b.version.dumper in _OF_FILES:
        return compare_files(a, b, Context(rtol, atol, compare, statistics))
    is_large = max(a.version.nbytes, b.version.nbytes) >= LARGE_BYTES
    values = []
    for side in (a, b):
        try:
            values.append(side.load(is_large=is_large))
        except (IsfdbError, OSError, MemoryError) as error:
            return _without_loading(a, b, f"{side.name} was not loaded: {_words(error)}")
    found = compare_values(values[0], values[1], rtol=rtol, atol=atol, statistics=statistics)
    if found.status == IDENTICAL:
        return replace(found, because="the values are the same to the bit; the files that hold them differ")
    return found


def compare_with_stored(a: Any, b: Any, *, rtol: float, atol: float) -> Comparison:
    """Compare a stored value with a value in memory, either of which may come first."""
    sides = []
    for side in (a, b):
        try:
            sides.append(side.load(is_large=side.version.nbytes >= LARGE_BYTES) if isinstance(side, Stored) else side)
        except (IsfdbError, OSError, MemoryError) as error:
            return Comparison(NOT_COMPARED, because=f"{side.name} was not loaded: {_words(error)}")
    return compare_values(sides[0], sides[1], rtol=rtol, atol=atol)


def _words(error: BaseException) -> str:
    return str(error) or type(error).__name__


def _is_gone(side: Stored) -> bool:
    return bool(side.version.deleted or side.version.reclaimed)


def _have_same_bytes(a: Stored, b: Stored) -> bool:
    if a.record.get("mutable") or b.record.get("mutable"):
        return False  # the digest is that of the day when it was stored
    return bool(a.version.digest and a.version.digest == b.version.digest and a.version.dumper == b.version.dumper)


def _without_loading(a: Stored, b: Stored, why: str) -> Comparison:
    """Compare what is known of values that may not, or cannot, be loaded."""
    described = compare_mappings(a.version.describe, b.version.describe, "what is noted about them", Context(0.0, 0.0, compare))
    sizes = " → ".join(size_text(side.version.nbytes) for side in (a, b))
    told = " → ".join(what_text(side.version.describe, side.version.dumper or "") for side in (a, b))
    digests = [str(side.version.digest)[:12] for side in (a, b) if side.version.digest]
    files = f"their files differ: digest {' → '.join(digests)}, {sizes}" if len(digests) == 2 else f"their files: {sizes}"
    parts = Parts()
    parts.add(described)
    # Two loaderdumpers note other things about one and the same value.
    is_different = described.status == DIFFERENT and a.version.dumper == b.version.dumper
    return replace(parts.whole(NOT_COMPARED, "", why, lines=(files, told)), status=DIFFERENT if is_different else NOT_COMPARED)


def compare_files(a: Stored, b: Stored, context: Context) -> Comparison:
    """Compare values that are files: a folder, an attachment, the pictures of a figure."""
    files = [_files(side) for side in (a, b)]
    if a.version.dumper == b.version.dumper == "figure" and (drawn := _as_drawn(files, context)) is not None:
        return drawn
    parts = Parts()
    for name in files[0]:
        if name in files[1]:
            same = files[0][name][0] == files[1][name][0] and files[0][name][1] == files[1][name][1]
            parts.add(Comparison(IDENTICAL, name) if same else _file(files[0][name][2], files[1][name][2], name, context))
    names = compare_mappings(dict.fromkeys(files[0], 0), dict.fromkeys(files[1], 0), "files", context)
    if not names.same:
        parts.add(names)
    n_different = parts.n - parts.n_same
    found = parts.whole(IDENTICAL, "", f"{n_different:,} of {parts.n:,} files differ" if n_different else "")
    if any(side.record.get("mutable") for side in (a, b)):
        return (
            with_notes(found, ["as the files are now: they are the user's, and may have changed since they were stored"])
            if found.same
            else found
        )
    return found


def _as_drawn(files: list[dict[str, tuple[int, str, str]]], context: Context) -> Comparison | None:
    """Compare two figures by their pixels; None where there are none.

    Drawn twice by the same code, a figure has the same pixels, but names in its vector picture, and in what makes it again, that are
    made up anew each time.
    """
    paths = [side[_PIXELS][2] for side in files if _PIXELS in side]
    pictures = [picture_of(path) for path in paths]
    if len(pictures) < 2 or any(picture is None for picture in pictures):
        return None
    found = of_pixels(compare_arrays(pictures[0], pictures[1], _PIXELS, context))
    others = [name for name in files[0] if name != _PIXELS and files[0][name][:2] != files[1].get(name, (0, ""))[:2]]
    if found.status != IDENTICAL or not others:
        parts = Parts()
        parts.add(found)
        return parts.whole(IDENTICAL, "", "" if found.same else "they look different")
    return Comparison(EQUAL, notes=(f"drawn, they look the same; {', '.join(others)}: the same figure with other bytes",))


def _files(side: Stored) -> dict[str, tuple[int, str, str]]:
    """Return name → size, digest and path of the files that are the value."""
    path = str(side.version.path)
    if not side.record.get("mutable"):
        listed = checked_files(dict(side.record), side.folder)
        return {name: (size, digest, f"{path}/{name}") for name, (size, digest) in listed.items() if name != LOADER_FILE}
    found = {}
    for folder, _, names in os.walk(path):
        for name in names:
            whole = f"{folder}/{name}"
            if os.path.relpath(whole, path) not in {*RESERVED_FILES, METADATA_FILE}:
                size, digest = digest_of_file(whole)
                found[os.path.relpath(whole, path)] = (size, digest, whole)
    return dict(sorted(found.items()))


def _file(a: str, b: str, name: str, context: Context) -> Comparison:
    """Compare two files: pictures by their pixels, small ones by their text or bytes, others by their sizes."""
    sizes = os.path.getsize(a), os.path.getsize(b)
    if max(sizes) > _MOST_BYTES:
        return Comparison(DIFFERENT, name, f"{size_text(sizes[0])} → {size_text(sizes[1])}, with other content")
    pictures = (
        [picture_of(path) for path in (a, b)] if name.lower().endswith((".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")) else [None]
    )
    if all(picture is not None for picture in pictures):
        return of_pixels(compare_arrays(pictures[0], pictures[1], name, context))
    contents = []
    for path in (a, b):
        with open(path, "rb") as file:
            contents.append(file.read())
    try:
        if not any(b"\0" in content for content in contents):
            return replace(compare_texts(contents[0].decode(), contents[1].decode(), name), where=name)
    except UnicodeDecodeError:
        pass  # it is no text
    return compare_bytes(contents[0], contents[1], name)
