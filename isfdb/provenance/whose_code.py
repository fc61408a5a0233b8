"""Whose code a file of Python holds, and in which folders no data lie: the system's, the interpreter's, its libraries'. Reads no file."""

from __future__ import annotations

import os
import sys

# Whose code it is; the last reads sources, to import or to show them.
LIBRARY, USER, OURS, FOR_CODE = 0, 1, 2, 3

#: Name of a file -> whose code it holds, as far as anybody asked.
owners: dict[str, int] = {}

_OUR_FOLDER = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_OURS = (_OUR_FOLDER, os.path.join(os.path.dirname(os.path.dirname(_OUR_FOLDER)), "loaderdumpers") + os.sep)
_NOT_OURS = tuple([os.path.join(os.path.dirname(os.path.abspath(__file__)), name) for name in ("native_readers.py", "file_links.py")])

# What is run from a text has a name like these; other names between < and > belong to libraries.
_TYPED = ("<ipython-input", "<stdin>", "<string>", "<cell", "<doctest", "<python-input", "<console>")

_SOURCE_READERS = ("linecache.py", "tokenize.py", "inspect.py", "pkgutil.py", "zipimport.py")


def owner_of(filename: str) -> int:
    """Return whose code a file holds, given the name that its code objects bear; :data:`owners` has what was found out before."""
    owner = owners.get(filename)
    if owner is None:
        if len(owners) > 10_000:
            owners.clear()
        owner = owners[filename] = _find_owner(filename)
    return owner


def _find_owner(filename: str) -> int:
    if filename.startswith("<frozen ") or filename.endswith(_SOURCE_READERS):
        return FOR_CODE
    if filename.startswith(_OURS):
        return LIBRARY if filename in _NOT_OURS else OURS  # what stands between the user and a library
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


def folders_left_out() -> tuple[str, ...]:
    """Return the folders of the system, the interpreter and its libraries, and those in which programs keep their settings."""
    folders = set(_library_folders())
    for prefix in {sys.prefix, sys.base_prefix, os.path.realpath(sys.base_prefix)} - {"/"}:
        folders |= {os.path.join(prefix, name) + os.sep for name in ("bin", "etc", "include", "lib", "lib64", "share")}
    folders |= {"/proc/", "/sys/", "/etc/", "/usr/", "/lib/", "/lib64/", "/bin/"}
    folders |= {"/dev/null", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/pts/", "/dev/fd/"}  # but data may lie in /dev/shm
    home = os.path.expanduser("~")
    own = [".config", ".ipython", ".jupyter", ".local/share/jupyter", ".local/lib", ".cache/matplotlib", ".cache/fontconfig", ".cache/pip"]
    if os.path.isabs(home):
        folders |= {os.path.join(home, name) + os.sep for name in own}
    named = [os.environ.get(name) for name in ("IPYTHONDIR", "MPLCONFIGDIR", "ISFDB_DATA_FOLDER", "ISFDB_CACHE_FOLDER")]
    return tuple(sorted(folders | {os.path.abspath(name) + os.sep for name in named if name}))
