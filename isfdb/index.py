"""The names in a folder of many, kept in the user's cache folder: listing 100,000 keys then takes one small read, not a scan.

It knows nothing of keys: whoever asks says how the folder is listed. Nothing is ever written into the database, and everything
here may be deleted at any time; the folder is the truth.

A list is believed only while the folder looks exactly as it did before *and* after the scan, and only if the folder had not changed
for some seconds when the scan began: within one tick of a file server's clock, a name may come without the time of change moving
(git has the same problem, and the same answer, with its index).
"""

from __future__ import annotations

import contextlib
import logging
import os
import time
from typing import TYPE_CHECKING, Final

from isfdb.exact_json import compact, loads
from isfdb.options import option

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)

MIN_NAMES: Final = 2000  # below, a scan takes 2 ms at most
QUIET_S: Final = 5.0  # ticks last up to 2 s (FAT); the rest allows for a file server's clock behind ours
MAX_FILES: Final = 200
MAX_BYTES: Final = 256_000_000

_HEADER_END: Final = b"\n"
_SEPARATOR: Final = b"\0"  # the one character, beside the slash, that no file name has


def names(folder: str | os.PathLike[str], list_folder: Callable[[], list[str]]) -> list[str]:
    """Return what `list_folder` returns, without calling it where the folder has not changed since it was last called.

    Parameters
    ----------
    folder : str or os.PathLike
        The folder that is listed.
    list_folder : callable
        Lists the names in it; what it leaves out must depend on the names alone.

    Returns
    -------
    list of str
        In no particular order.
    """
    before = _looks(folder)
    file = None if before is None else file_for("names", folder)
    if before is None or file is None:
        return list_folder()
    kept = _read(file, before)
    if kept is not None:
        return kept
    began = time.time()
    found = list_folder()
    if len(found) >= MIN_NAMES and is_settled(max(before[2], before[3]), began) and _looks(folder) == before:
        _write(file, before, found)
    return found


def _looks(folder: str | os.PathLike[str]) -> list[int] | None:
    """Return all that changes when a name comes or goes: times, and on some file systems number of sub-folders and size."""
    try:
        found = os.stat(folder)
    except OSError:
        return None
    return [found.st_dev, found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_nlink, found.st_size]


def is_settled(changed_ns: int, now_s: float) -> bool:
    """Say whether a folder that changed then cannot change again without its times moving."""
    # A time of change in the future says that the clocks differ, and then nothing is known.
    return changed_ns / 1e9 < now_s - QUIET_S


def file_for(kind: str, folder: str | os.PathLike[str]) -> str | None:
    """Return the file in the cache folder for what is kept of that kind about a folder; None where there is no cache folder."""
    place = option("cache_folder")
    if place is None:
        return None
    from hashlib import blake2b

    digest = blake2b(os.fsencode(os.path.abspath(folder)), digest_size=16).hexdigest()
    return os.path.join(place, kind, digest)


def _read(file: str, looks: list[int]) -> list[str] | None:
    try:
        with open(file, "rb") as stream:
            header = stream.readline(1000)
            if loads(header) != {"format": 1, "looks": looks}:
                return None
            content = stream.read(MAX_BYTES)
        if not content.endswith(_SEPARATOR + _SEPARATOR):
            return None  # cut off
        kept = content[:-2].decode("utf-8", "surrogateescape").split("\0")
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        logger.debug("the kept names in %s cannot be used: %s", file, error)
        return None
    with contextlib.suppress(OSError):
        os.utime(file)  # what is used stays longest
    return kept


def _write(file: str, looks: list[int], found: list[str]) -> None:
    """Keep names for next time, if that is possible; where it is not, next time scans again."""
    # Sorted, for whoever shows them sorts them, and that takes next to nothing the second time.
    content = "\0".join(sorted(found)).encode("utf-8", "surrogateescape") + _SEPARATOR + _SEPARATOR
    if len(content) > MAX_BYTES // 2:
        return
    staged = f"{file}.{os.getpid()}-{time.monotonic_ns():x}"
    try:
        os.makedirs(os.path.dirname(file), mode=0o700, exist_ok=True)
        make_room(os.path.dirname(file), len(content), max_bytes=MAX_BYTES, max_files=MAX_FILES)
        with open(staged, "xb") as stream:
            stream.write(compact({"format": 1, "looks": looks}).encode() + _HEADER_END + content)
        os.replace(staged, file)
    except (OSError, ValueError) as error:
        logger.debug("the names cannot be kept in %s: %s", file, error)
        with contextlib.suppress(OSError):
            os.unlink(staged)


def make_room(folder: str, needed_bytes: int, *, max_bytes: int, max_files: int) -> None:
    """Delete what was not used for longest until there is room, leftovers of killed processes among it."""
    with os.scandir(folder) as entries:
        files = sorted([(entry.stat().st_mtime, entry.stat().st_size, entry.path) for entry in entries], reverse=True)
    total, count = needed_bytes, 1
    for _, size, path in files:
        total, count = total + size, count + 1
        if total > max_bytes or count > max_files:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
