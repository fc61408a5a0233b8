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

# What a file is opened for: bits, to be added.
READ, WRITTEN, BOTH = 1, 2, 3
FOLDER = 4  # a folder counts, too: its reader takes it as one thing

LIBRARY, USER, OURS = 0, 1, 2

#: So many different openings are gathered before they are looked at, so that a loop over a million files takes no memory.
MOST_GATHERED = 2000

#: Beyond this many folders the look at each path would be felt.
MOST_LEFT_OUT = 200

#: Python itself stops deeper recursion, unless told otherwise.
MAX_FRAMES = 1000

#: (path, what for, line of the top level, the same one level below, thread) -> [when first, how often]
Gathered = dict[tuple[str, int, int | None, int | None, int], list[float]]

_gathered: Gathered = {}
_paths: set[str] = set()  # those in _gathered
_is_installed = False
_is_worker = False  # a process that was started to work for another one
_directory: str | None = None
_owners: dict[str, int] = {}
_left_out: tuple[str, ...] = ()
_frame = sys._getframe
_main_thread = get_ident()

_OUR_FOLDER = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_OURS = (_OUR_FOLDER, os.path.join(os.path.dirname(os.path.dirname(_OUR_FOLDER)), "loaderdumpers") + os.sep)
_NOT_OURS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "native_readers.py")  # between the user and the library

# What is run from a text has a name like these; other names between < and > belong to libraries.
_TYPED = ("<ipython-input", "<stdin>", "<string>", "<cell", "<doctest", "<python-input", "<console>")

#: Parts of a path that tell of compiled code, of what dask keeps for a while, of a database of ours, whose values are noted as values.
_INSIDE = (".key/v", "/.isfdb/", "/__pycache__/", "/dask-scratch-space/", "/dask-worker-space/", "/.ipynb_checkpoints/")

_SOURCE_READERS = ("linecache.py", "tokenize.py", "inspect.py", "pkgutil.py", "zipimport.py")


def install() -> None:
    """Have Python tell of every file it opens. Cannot be undone; the setting ``capture`` switches it off."""
    global _is_installed, _left_out
    if not _is_installed:
        _is_installed = True
        _left_out = _folders_left_out()
        sys.addaudithook(_hook)


def leave_out(folder: str) -> None:
    """Do not see what lies below a folder from now on: a database that ISF wrote, whose values are noted as values."""
    global _left_out
    prefix = folder.rstrip(os.sep) + os.sep
    if prefix not in _left_out and len(_left_out) < MOST_LEFT_OUT:
        _left_out += (prefix,)


def gathered() -> list[tuple[tuple[str, int, int | None, int | None, int], list[float]]]:
    """Hand over what was gathered, and begin anew; oldest first. What another thread adds meanwhile stays for the next time."""
    _paths.clear()
    taken = []
    while _gathered:
        try:
            taken.append(_gathered.popitem())
        except KeyError:  # another thread took the last
            break
    return taken[::-1]


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
    try:
        if event == "open":
            path, mode, flags = arguments
            _opened(path, _kind(mode, flags), _frame(1))
        elif event in _handlers:
            _handlers[event](arguments)
    except Exception:  # noqa: BLE001 - an error in an audit hook would fail the user's open; at exit half of Python is gone
        return


def _kind(mode: Any, flags: int) -> int:
    """Return what a file is opened for. `mode` is None where ``os.open`` was called."""
    if mode == "r" or mode == "rb":  # by far the most
        return READ
    if type(mode) is str:
        if "w" in mode or "x" in mode:
            return WRITTEN
        return BOTH if "a" in mode or "+" in mode else READ
    if flags & 3 == os.O_RDONLY:
        return 0 if flags & getattr(os, "O_DIRECTORY", 0) else READ
    return WRITTEN if flags & os.O_TRUNC or flags & os.O_EXCL else BOTH


def _opened(path: Any, kind: int, frame: Any) -> None:
    if type(path) is not str:
        path = _text_of(path)
    if not path or not kind:
        return
    if path[0] != "/":
        path = _absolute(path)
    if path.startswith(_left_out) or path.endswith((".pyc", ".so")) or _is_switched_off():
        return
    where = _standing(frame)
    if where is None or any(part in path for part in _INSIDE):
        return
    _gather(path, kind, where)


def _gather(path: str, kind: int, where: tuple[int | None, int | None]) -> None:
    if kind & WRITTEN and path in _paths:
        look()  # as it was read, before it changes
    key = (path, kind, *where, get_ident())
    known = _gathered.get(key)
    if known is not None:
        known[1] += 1
        return
    _gathered[key] = [time.time(), 1]
    _paths.add(path)
    if len(_gathered) >= MOST_GATHERED or _is_worker:
        look()


def look() -> None:
    """Make notes of what was gathered: who opened it, and what lies there."""
    if _gathered:
        from isfdb.provenance.usage import note_gathered

        note_gathered(gathered())


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


def _standing(frame: Any) -> tuple[int | None, int | None] | None:
    """Return at which lines the top level stands, outermost first; None where nobody but a library or isfdb itself wants the file."""
    if frame.f_code.co_filename.startswith("<frozen ") or frame.f_code.co_filename.endswith(_SOURCE_READERS):
        return None
    names = sys.modules["__main__"].__dict__
    owner = LIBRARY
    first = second = None
    for _ in range(MAX_FRAMES):
        code = frame.f_code
        if owner == LIBRARY:
            owner = _owner(code.co_filename)
            if owner == OURS:
                return None
        name = code.co_name
        if frame.f_globals is names and (name == "<module>" or name.startswith("<cell line:")):
            first, second = frame.f_lineno, first
        elif name == "run_code" and first is not None:  # IPython's, which runs a cell
            break
        frame = frame.f_back
        if frame is None:
            break
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


def _owner(filename: str) -> int:
    """Return whose code a file holds."""
    owner = _owners.get(filename)
    if owner is None:
        if len(_owners) > 10_000:
            _owners.clear()
        owner = _owners[filename] = _find_owner(filename)
    return owner


def _find_owner(filename: str) -> int:
    if filename.startswith(_OURS):
        return LIBRARY if filename == _NOT_OURS else OURS
    if filename.startswith("<"):
        return USER if filename.startswith(_TYPED) else LIBRARY
    return LIBRARY if filename.startswith(_library_folders()) or "/site-packages/" in filename else USER


_libraries: tuple[str, ...] = ()


def _library_folders() -> tuple[str, ...]:
    global _libraries
    if not _libraries:
        standard = {os.path.dirname(os.__file__), os.path.dirname(os.path.realpath(os.__file__))}
        installed = {path for path in sys.path if os.path.basename(path) in ("site-packages", "dist-packages")}
        _libraries = tuple(sorted([folder + os.sep for folder in standard | installed]))
    return _libraries


def _folders_left_out() -> tuple[str, ...]:
    """Return the folders of the system, the interpreter and its libraries, and those in which programs keep their settings."""
    folders = set(_library_folders())
    for prefix in {sys.prefix, sys.base_prefix, os.path.realpath(sys.base_prefix)} - {"/"}:
        folders |= {os.path.join(prefix, name) + os.sep for name in ("bin", "etc", "include", "lib", "lib64", "share")}
    folders |= {"/proc/", "/sys/", "/dev/", "/etc/", "/usr/", "/lib/", "/lib64/", "/bin/", "/run/"}
    home = os.path.expanduser("~")
    own = [".config", ".ipython", ".jupyter", ".local/share/jupyter", ".local/lib", ".cache/matplotlib", ".cache/fontconfig", ".cache/pip"]
    if os.path.isabs(home):
        folders |= {os.path.join(home, name) + os.sep for name in own}
    named = [os.environ.get(name) for name in ("IPYTHONDIR", "MPLCONFIGDIR", "ISFDB_DATA_FOLDER", "ISFDB_CACHE_FOLDER")]
    return tuple(sorted(folders | {os.path.abspath(name) + os.sep for name in named if name}))


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
    folder = _text_of(directory) or os.getcwd()
    frame = _frame(3)
    for word in words[:1000]:
        path = os.path.join(folder, (word or "").partition("=")[2] or word or "")
        if word and os.path.isfile(path):
            _opened(path, READ, frame)


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
    if path and _absolute_or_same(path) in _paths:
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
    global _directory
    _directory = None


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
