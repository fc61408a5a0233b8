"""Sees which files this process opens: one audit hook, quick enough for every open. It gathers; `usage.py` makes notes of it.

Python tells an audit hook of every ``open``, of SQLite and of started programs. Readers that open files in C, and so tell nobody, are
wrapped by `native_readers.py`, which calls :func:`saw`. The hook never raises, and imports nothing heavy: it is installed by
``import isfdb``. What is looked at more closely, the file itself included, waits until the cell ends or something is stored.
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
_is_installed = False
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


def install() -> None:
    """Have Python tell of every file it opens. Cannot be undone; the setting ``capture`` switches it off."""
    global _is_installed, _left_out
    if not _is_installed:
        _is_installed = True
        _left_out = folders_left_out()
        sys.addaudithook(_hook)


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
    if not _is_installed:
        return
    try:
        _opened(path, kind | FOLDER, _frame(depth))
    except Exception:  # noqa: BLE001 - whatever a stranger's path object does, the user's reading goes on
        return


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "sys._getframe":  # our own, most of the time
        return
    try:
        if event == "open":
            path, mode, flags = arguments
            _opened(path, READ if mode == "r" or mode == "rb" else _kind(mode, flags), _frame(1))
        elif event in _handlers:
            _handlers[event](arguments)
    except Exception:  # noqa: BLE001 - an error in an audit hook would fail the user's open; at exit half of Python is gone
        return


def _kind(mode: Any, flags: int) -> int:
    """Return what a file is opened for. `mode` is None where ``os.open`` was called."""
    if type(mode) is str:
        if "w" in mode or "x" in mode:
            return WRITTEN
        if "+" in mode:
            return BOTH
        return WRITTEN | APPENDED if "a" in mode else READ
    if flags & 3 == os.O_RDONLY:
        return 0 if flags & getattr(os, "O_DIRECTORY", 0) else READ
    return WRITTEN if flags & os.O_TRUNC or flags & os.O_EXCL else BOTH


def _opened(path: Any, kind: int, frame: Any) -> None:
    """Gather one opening. Whatever can wait is done by :func:`look`: a notebook may open thousands of files a second."""
    if type(path) is not str:
        path = _text_of(path)
    if not path or not kind:
        return
    if path[0] != "/":
        path = _absolute(path)
    if path.startswith(_left_out) or path in _files_left_out:
        return
    where = _standing(frame)
    if where is None or _is_switched_off():
        return
    if kind & APPENDED and not os.path.exists(path):
        kind = WRITTEN
    if kind & WRITTEN and _is_gathered(path):
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


def _is_gathered(path: str) -> bool:
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


def _text_of(path: Any) -> str | None:
    """Return a path as text; None where it is none: a number of an open file, a buffer."""
    if isinstance(path, int) or path is None:
        return None
    try:
        return os.fsdecode(path)
    except TypeError:
        return None


def _absolute(path: str) -> str:
    global _directory
    if os.sep != "/" or "://" in path:
        return path if "://" in path else os.path.abspath(path)
    if _directory is None:
        _directory = os.getcwd()  # until the event os.chdir
    return os.path.normpath(f"{_directory}/{path}")


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


# Other events -------------------------------------------------------------------------------------------------------------------------


def _connected(arguments: tuple[Any, ...]) -> None:
    """SQLite opens a file: it may be read and written."""
    path = _text_of(arguments[0])
    if path and path.startswith("file:"):
        from urllib.parse import unquote, urlsplit

        path = unquote(urlsplit(path).path)
    if path and path != ":memory:" and os.path.isfile(path) and os.path.getsize(path):
        _opened(path, READ, _frame(2))


def _started(arguments: tuple[Any, ...]) -> None:
    """Take the files among the arguments of a program that is started for read, whatever it does with them."""
    _note_arguments(arguments[1], arguments[2])


def _note_arguments(command: Any, directory: Any = None) -> None:
    words = [_text_of(word) for word in command] if isinstance(command, (list, tuple)) else _words(_text_of(command) or "")
    if len(words) >= 3 and words[1] == "-c" and os.path.basename(words[0] or "").endswith("sh"):
        words = _words(words[2] or "")
    elif len(words) == 1 and os.path.basename(words[0] or "") in _SHELLS:
        words += _words(_source_of_what_runs())
    folder = _text_of(directory) or os.getcwd()
    frame = _frame(3)
    for word in words[:1000]:
        path = os.path.join(folder, (word or "").partition("=")[2] or word or "")
        if word and os.path.isfile(path):
            _opened(path, READ, frame)


_SHELLS = ("bash", "sh", "zsh", "dash", "ksh")


def _source_of_what_runs() -> str:
    """Return the text of the cell: a magic such as ``%%bash`` gives it to the program, which is told nothing else."""
    activities = sys.modules.get("isfdb.provenance.activities")
    source = activities.running().source if activities is not None else None
    return source if source is not None and source.lstrip().startswith("%%") else ""


def _words(line: str) -> list[Any]:
    """Return what may be arguments in a line for the shell; where it holds several commands, of all of them."""
    import shlex

    try:
        return list(shlex.shlex(line, posix=True, punctuation_chars=True))
    except ValueError:
        return list(line.split())


def _asked(arguments: tuple[Any, ...]) -> None:
    """``urllib`` fetches something."""
    url = arguments[0]
    if isinstance(url, str) and url.startswith(("http://", "https://", "ftp://")):
        _opened(url, READ, _frame(2))


def _removed(arguments: tuple[Any, ...]) -> None:
    path = _text_of(arguments[0])
    if path and _is_gathered(_absolute_or_same(path)):
        look()


def _renamed(arguments: tuple[Any, ...]) -> None:
    """Follow what this process wrote to its new name."""
    old, new = _text_of(arguments[0]), _text_of(arguments[1])
    if not old or not new:
        return
    look()
    usage = sys.modules.get("isfdb.provenance.usage")
    if usage is not None:
        usage.note_renamed(_absolute_or_same(old), _absolute_or_same(new))


def _absolute_or_same(path: str) -> str:
    return path if path.startswith("/") else _absolute(path)


def _moved(_: tuple[Any, ...]) -> None:
    """Python tells of ``os.chdir`` before it goes."""
    global _directory, first_directory
    _directory = None
    first_directory = first_directory or os.getcwd()


def _set_variable(arguments: tuple[Any, ...]) -> None:
    if arguments[0] == b"PYTEST_CURRENT_TEST":  # another test begins
        look()


_handlers = {
    "sqlite3.connect": _connected,
    "subprocess.Popen": _started,
    "os.system": lambda arguments: _note_arguments(_text_of(arguments[0])),
    "os.remove": _removed,
    "os.rename": _renamed,
    "os.truncate": _removed,
    "os.chdir": _moved,
    "os.putenv": _set_variable,
    "urllib.Request": _asked,
}


def _begin_anew_after_fork() -> None:
    global _main_thread
    _main_thread = get_ident()
    work_for_another()
    _gathered.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=look, after_in_child=_begin_anew_after_fork)
