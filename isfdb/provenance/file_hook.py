"""Hears from Python which files are opened, by one audit hook that never raises. What comes of it is in `file_events.py`.

Python tells an audit hook of every ``open``, of SQLite and of started programs. It is installed by ``import isfdb``, so nothing heavy is
imported here.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from isfdb.provenance import file_events
from isfdb.provenance.file_events import APPENDED, BOTH, READ, WRITTEN, absolute, is_gathered, look, opened, text_of

_is_installed = False
_frame = sys._getframe


def install() -> None:
    """Have Python tell of every file it opens. Cannot be undone; the setting ``capture`` switches it off."""
    global _is_installed
    if not _is_installed:
        _is_installed = True
        file_events.begin()
        sys.addaudithook(_hook)


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "sys._getframe":  # our own, most of the time
        return
    try:
        if event == "open":
            path, mode, flags = arguments
            opened(path, READ if mode == "r" or mode == "rb" else _kind(mode, flags), _frame(1))
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


def _connected(arguments: tuple[Any, ...]) -> None:
    """SQLite opens a file: it may be read and written."""
    path = text_of(arguments[0])
    if path and path.startswith("file:"):
        from urllib.parse import unquote, urlsplit

        path = unquote(urlsplit(path).path)
    if path and path != ":memory:" and os.path.isfile(path) and os.path.getsize(path):
        opened(path, READ, _frame(2))


def _started(arguments: tuple[Any, ...]) -> None:
    """Take the files among the arguments of a program that is started for read, whatever it does with them."""
    _note_arguments(arguments[1], arguments[2])


def _note_arguments(command: Any, directory: Any = None) -> None:
    words = [text_of(word) for word in command] if isinstance(command, (list, tuple)) else _words(text_of(command) or "")
    if len(words) >= 3 and words[1] == "-c" and os.path.basename(words[0] or "").endswith("sh"):
        words = _words(words[2] or "")
    elif len(words) == 1 and os.path.basename(words[0] or "") in _SHELLS:
        words += _words(_source_of_what_runs())
    folder = text_of(directory) or os.getcwd()
    frame = _frame(3)
    for word in words[:1000]:
        path = os.path.join(folder, (word or "").partition("=")[2] or word or "")
        if word and os.path.isfile(path):
            opened(path, READ, frame)


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
        opened(url, READ, _frame(2))


def _removed(arguments: tuple[Any, ...]) -> None:
    path = text_of(arguments[0])
    if path and is_gathered(_absolute_or_same(path)):
        look()


def _renamed(arguments: tuple[Any, ...]) -> None:
    """Follow what this process wrote to its new name."""
    old, new = text_of(arguments[0]), text_of(arguments[1])
    if not old or not new:
        return
    look()
    usage = sys.modules.get("isfdb.provenance.usage")
    if usage is not None:
        usage.note_renamed(_absolute_or_same(old), _absolute_or_same(new))


def _absolute_or_same(path: str) -> str:
    return path if path.startswith("/") else absolute(path)


def _moved(_: tuple[Any, ...]) -> None:
    file_events.directory_changes()


def _set_variable(arguments: tuple[Any, ...]) -> None:
    if arguments[0] == b"PYTEST_CURRENT_TEST":  # another test begins
        look()


_handlers = {
    "sqlite3.connect": _connected,
    "subprocess.Popen": _started,
    "os.system": lambda arguments: _note_arguments(text_of(arguments[0])),
    "os.remove": _removed,
    "os.rename": _renamed,
    "os.truncate": _removed,
    "os.chdir": _moved,
    "os.putenv": _set_variable,
    "urllib.Request": _asked,
}
