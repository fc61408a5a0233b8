"""Gathers which files this process opens, quick enough for every open. `file_hook.py` tells of them; `usage.py` makes notes of it.

Readers that open files in C, and so tell nobody, are wrapped by `native_readers.py`, which calls :func:`saw`. Nothing heavy is imported
here: ``import isfdb`` begins it. What is looked at more closely, the file itself included, waits until the cell ends or something is
stored.
"""

from __future__ import annotations

import os
import sys
import time
from _thread import get_ident  # `threading` would be imported for nothing by a program that only imports isfdb
from typing import Any

from isfdb.provenance.whose_code import FOR_CODE, LIBRARY, OURS, USER, folders_left_out, owner_of, owners

# What a file is opened for: bits, to be added.
READ, WRITTEN, BOTH = 1, 2, 3
FOLDER = 4  # a folder counts, too: its reader takes it as one thing
APPENDED = 8  # written at the end of what it held: read only if this process reads it later


#: So many different openings are gathered before they are looked at, so that a loop over a million files takes no memory.
MOST_GATHERED = 20_000

#: Fewer are looked at when the cell ends; more in the background.
FEW = 100

#: Beyond this many folders the look at each path would be felt.
MOST_LEFT_OUT = 200

#: Python itself stops deeper recursion, unless told otherwise.
MAX_FRAMES = 1000

#: Lines at which the top level stands: the outermost, and the one below it where a magic runs the body of a cell.
_Where = tuple[int | None, int | None]

#: What for, the two lines, and the thread.
By = tuple[int, int | None, int | None, int]

#: (path, by what, when first, how often)
Opening = tuple[str, By, float, int]

# By what -> path -> when. A list or tuple for each opening would set off Python's garbage collector, which costs more than all the rest.
_gathered: dict[By, dict[str, float]] = {}
_again: dict[tuple[By, str], int] = {}  # how often a file was opened once more
_is_begun = False
_is_worker = False  # a process that was started to work for another one
_directory: str | None = None
first_directory: str | None = None  # where this process stood before it first went elsewhere, if it did
_names: dict[str, Any] | None = None  # of the shell's cells
_left_out: tuple[str, ...] = ()
_files_left_out: set[str] = set()
_frame = sys._getframe
_time = time.time
_modules = sys.modules
_main_thread = get_ident()

#: Parts of a path that tell of compiled code, of what dask keeps for a while, of a database of ours, whose values are noted as values.
_INSIDE = (
    ".key/v",
    ".egg-info/",
    ".dist-info/",
    "/.isfdb/",
    "/__pycache__/",
    "/dask-scratch-space/",
    "/dask-worker-space/",
    "/.ipynb_checkpoints/",
)


def begin() -> None:
    """Gather what is opened from now on."""
    global _is_begun, _left_out
    _is_begun = True
    _left_out = folders_left_out()


def leave_out(folder: str) -> None:
    """Do not see what lies below a folder from now on: a database that ISF wrote, whose values are noted as values."""
    global _left_out
    prefix = folder.rstrip(os.sep) + os.sep
    if prefix not in _left_out and len(_left_out) < MOST_LEFT_OUT:
        _left_out += (prefix,)


def leave_out_file(path: str) -> None:
    """Do not see a file, nor what SQLite lays beside it: a database in a storage of the user's own, whose values are noted as values."""
    if len(_files_left_out) < MOST_LEFT_OUT:
        _files_left_out.update(path + suffix for suffix in ("", "-journal", "-wal", "-shm"))
        for files in list(_gathered.values()):  # its storage opened it before anybody knew what it is
            for name in _files_left_out:
                files.pop(name, None)


def top_level_is(names: dict[str, Any] | None) -> None:
    """Say in which names the cells run; None for the main module. While ``%run`` runs a file, that is not where the cell stands."""
    global _names
    _names = names


def gathered() -> list[Opening]:
    """Hand over what was gathered, and begin anew; oldest first. What another thread adds meanwhile stays for the next time."""
    taken: list[Opening] = []
    while _gathered:
        try:
            by, files = _gathered.popitem()
        except KeyError:  # another thread took the last
            break
        taken += [(path, by, opened, 1 + _again.pop((by, path), 0)) for path, opened in list(files.items())]
    return sorted(taken, key=_when)


def _when(opening: Opening) -> float:
    return opening[2]


def saw(path: Any, kind: int = READ, *, depth: int = 2) -> None:
    """Note that a file is about to be opened by something that tells Python nothing.

    Parameters
    ----------
    path : object
        What the reader was given; whatever is no path of a file is passed over.
    depth : int
        How many frames up the one lies who calls the reader.
    """
    if not _is_begun:
        return
    try:
        opened(path, kind | FOLDER, _frame(depth))
    except Exception:  # noqa: BLE001 - whatever a stranger's path object does, the user's reading goes on
        return


def opened(path: Any, kind: int, frame: Any) -> None:
    """Gather one opening. Whatever can wait is done by :func:`look`: a notebook may open thousands of files a second."""
    if type(path) is not str:
        path = text_of(path)
    if not path or not kind:
        return
    if path[0] != "/":
        path = absolute(path)
    if path.startswith(_left_out) or path in _files_left_out:
        return
    where = _standing(frame)
    if where is None or _is_switched_off():
        return
    if kind & APPENDED and not os.path.exists(path):
        kind = WRITTEN
    if kind & WRITTEN and is_gathered(path):
        look()  # as it was read, before it changes
    by = (kind, *where, get_ident())
    files = _gathered.get(by)
    if files is None:
        files = _gathered[by] = {}
    if path in files:
        _again[by, path] = _again.get((by, path), 0) + 1
        return
    files[path] = _time()
    if _is_worker or len(files) >= MOST_GATHERED or len(_gathered) >= MOST_GATHERED:
        look()


def is_gathered(path: str) -> bool:
    """Say whether a file is among what was not looked at yet."""
    return any(path in files for files in list(_gathered.values()))


def look() -> None:
    """Make notes of what was gathered: who opened it, and what lies there."""
    if _gathered or _is_behind():
        from isfdb.provenance.usage import catch_up, note_gathered

        catch_up()
        note_gathered(gathered())


def look_soon() -> None:
    """Make notes of what was gathered, which all belongs to what runs now: in the background where it is much."""
    if sum([len(files) for files in list(_gathered.values())]) < FEW:
        look()
        return
    from isfdb.provenance.usage import note_later

    note_later(gathered())


def _is_behind() -> bool:
    usage = sys.modules.get("isfdb.provenance.usage")
    return usage is not None and usage.is_behind()


def is_data(path: str) -> bool:
    """Say whether a path may be that of data: not compiled code, nor what a program keeps for itself."""
    return not path.endswith((".pyc", ".so")) and not any(part in path for part in _INSIDE)


def text_of(path: Any) -> str | None:
    """Return a path as text; None where it is none: a number of an open file, a buffer."""
    if isinstance(path, int) or path is None:
        return None
    try:
        return os.fsdecode(path)
    except TypeError:
        return None


def absolute(path: str) -> str:
    """Return a path as it is seen from anywhere; an address stays as it is."""
    global _directory
    if os.sep != "/" or "://" in path:
        return path if "://" in path else os.path.abspath(path)
    if _directory is None:
        _directory = os.getcwd()  # until the event os.chdir
    return os.path.normpath(f"{_directory}/{path}")


def directory_changes() -> None:
    """Forget where this process stands, which it is about to leave."""
    global _directory, first_directory
    _directory = None
    first_directory = first_directory or os.getcwd()


def _is_switched_off() -> bool:
    """Say whether a ``with set_options(capture=False)`` block surrounds this; what else may switch it off is looked at later."""
    options = sys.modules.get("isfdb.options")
    block = options._block.get() if options is not None else None
    return block is not None and block.get("capture") is False


def _standing(frame: Any) -> _Where | None:
    """Return at which lines the top level stands; None where nobody but a library or isfdb itself wants the file."""
    code = frame.f_code
    filename = code.co_filename
    owner = owners[filename] if filename in owners else owner_of(filename)
    if owner >= OURS:
        return None
    names = _modules["__main__"].__dict__ if _names is None else _names
    if code.co_name == "<module>" and owner == USER and frame.f_globals is names:  # a loop in the cell itself
        back = frame.f_back
        if back is None or back.f_code.co_name == "run_code":
            return frame.f_lineno, None
    first = second = None
    for _ in range(MAX_FRAMES):
        name = code.co_name
        if name == "<module>" or (name[0] == "<" and name.startswith("<cell line:")):
            if frame.f_globals is names:
                first, second = frame.f_lineno, first
        elif name == "run_code" and first is not None:  # IPython's, which runs a cell
            break
        frame = frame.f_back
        if frame is None:
            break
        code = frame.f_code
        if owner == LIBRARY:
            filename = code.co_filename
            owner = owners[filename] if filename in owners else owner_of(filename)
            if owner == OURS:
                return None
            owner = LIBRARY if owner == FOR_CODE else owner
    if owner == LIBRARY and get_ident() == _main_thread and not _works_for_another():
        return None  # IPython reads its settings, pytest its files
    return first, second


def _works_for_another() -> bool:
    """Say whether this process may run a library's function, and nothing of the user's, in another process's name."""
    multiprocessing = sys.modules.get("multiprocessing.process")
    return _is_worker or getattr(multiprocessing, "_parent_process", None) is not None


def work_for_another() -> None:
    """Say that this process works for another one: what it opens is noted at once, for it may be killed at any time."""
    global _is_worker
    _is_worker = True


def _begin_anew_after_fork() -> None:
    global _main_thread
    _main_thread = get_ident()
    work_for_another()
    _gathered.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=look, after_in_child=_begin_anew_after_fork)
