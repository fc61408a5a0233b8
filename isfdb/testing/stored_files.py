"""Looks at the files a loaderdumper wrote: whether their names are fit for every file system, and whether they hide pickles."""

from __future__ import annotations

import base64
import os
import pickletools
import re
from collections.abc import Iterator, Sequence
from typing import Final

_UNFIT: Final = re.compile(r'[\x00-\x1f\x7f<>:"\\|?*]|[ .]$')
_WINDOWS: Final = frozenset({"con", "prn", "aux", "nul", *(f"com{n}" for n in range(1, 10)), *(f"lpt{n}" for n in range(1, 10))})
_MAX_NAME: Final = 120
_FRAMES: Final = (b"\x80\x04\x95", b"\x80\x05\x95")
_OLD_STARTS: Final = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
#: Opcodes that no accident puts into a well-formed pickle, and that import or call something.
_TELLING: Final = frozenset({"GLOBAL", "STACK_GLOBAL", "REDUCE", "NEWOBJ", "INST", "OBJ"})
_SCANNED_BYTES: Final = 64 * 2**20
_OBJECTS_IN_NPY: Final = re.compile(rb"\x93NUMPY.{1,20}'descr': [^}]*'\|O", re.DOTALL)


def files_in(folder: str) -> Iterator[str]:
    """Yield the paths of all files in a folder."""
    for place, _, names in os.walk(folder):
        for name in sorted(names):
            yield os.path.join(place, name)


def snapshot(folder: str) -> dict[str, tuple[int, int]]:
    """Return size and time of change of every file and folder."""
    found: dict[str, tuple[int, int]] = {}
    for place, folders, names in os.walk(folder):
        for name in (*folders, *names):
            path = os.path.join(place, name)
            facts = os.lstat(path)
            found[os.path.relpath(path, folder)] = (facts.st_size, facts.st_mtime_ns)
    return found


def complain_of_names(folder: str, what: str) -> None:
    """Raise for names that some file system refuses or confuses.

    Raises
    ------
    AssertionError
        A name is unfit.
    """
    for place, folders, names in os.walk(folder):
        lower: set[str] = set()
        for name in (*folders, *names):
            unfit = _UNFIT.search(name) or name.lower().partition(".")[0] in _WINDOWS or len(name) > _MAX_NAME
            if unfit or name.lower() in lower:
                advice = "use letters, digits, '-', '_' and '.', at most 120 of them, not differing only in case"
                raise AssertionError(f"dump of {what} wrote a file named {name!r} in {os.path.relpath(place, folder)!r}; {advice}")
            lower.add(name.lower())


def complain_of_pickles(folder: str, arguments: str, what: str, declared: Sequence[str] = ()) -> None:
    """Raise if a file, or the Loader's arguments, hold a pickle, which would run code when loaded.

    Parameters
    ----------
    folder : str
        Where the value was dumped.
    arguments : str
        The Loader's arguments, as JSON.
    what : str
        What the message calls the value.
    declared : sequence of str
        Names of folders in it that may hold pickles.

    Raises
    ------
    AssertionError
        Something looks and parses like a pickle, or an npy file holds Python objects.
    """
    advice = "keep it in an open format, or say runs_code = True"
    for path in files_in(folder):
        if os.path.relpath(path, folder).partition(os.sep)[0] in declared:
            continue
        with open(path, "rb") as file:
            data = file.read(_SCANNED_BYTES)
        if _holds_pickle(data) or _OBJECTS_IN_NPY.search(data[:4096]):
            raise AssertionError(f"dump of {what} wrote a pickle into {os.path.relpath(path, folder)}; {advice}")
    for found in re.finditer(r"gA[SWN][A-Za-z0-9+/_-]{8,}", arguments):
        text = found.group().replace("-", "+").replace("_", "/")
        if _parses(base64.b64decode(text + "=" * (-len(text) % 4))):
            raise AssertionError(f"dump of {what} hid a pickle in the Loader's arguments; {advice}")


def _holds_pickle(data: bytes) -> bool:
    if data[:2] in _OLD_STARTS and _parses(data):
        return True
    return any(_parses(data[found.start() :]) for frame in _FRAMES for found in re.finditer(re.escape(frame), data))


def _parses(data: bytes) -> bool:
    """Say whether `data` begins with a whole pickle that imports or calls something."""
    telling = False
    try:
        for opcode, _, _ in pickletools.genops(data):
            telling = telling or opcode.name in _TELLING
    except (ValueError, KeyError, IndexError, OverflowError, UnicodeDecodeError):
        return False
    return telling
