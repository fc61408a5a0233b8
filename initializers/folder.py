"""Fills a database from a folder: one attachment for each file, its key the file's path. What is there already is not stored again."""

from __future__ import annotations

import os
from collections.abc import Iterator
from fnmatch import fnmatch
from typing import Any

from isfdb.errors import KeyNotFoundError
from isfdb.hashing import digest_of_file


def init(db: Any, source: str | os.PathLike[str], *, pattern: str = "*", progress: bool = False) -> int:
    """Attach every file below a folder.

    Parameters
    ----------
    db : isfdb.Database
        Where to; sub-folders become sub-databases.
    source : str or os.PathLike
        The folder. Hidden files and folders, and links, are left out.
    pattern : str
        Only files whose name fits, as ``"*.csv"``.
    progress : bool
        Show a bar.

    Returns
    -------
    int
        How many files were stored. Run again after an interruption, it stores what is missing or has changed.

    Raises
    ------
    NotADirectoryError
        There is no such folder.
    """
    folder = os.path.abspath(os.fspath(source))
    if not os.path.isdir(folder):
        raise NotADirectoryError(f"cannot fill the database from {folder}: there is no such folder.")
    files = list(_files(folder, pattern))
    stored = 0
    for path in _with_progress(files, progress):
        key = os.path.relpath(path, folder).replace(os.sep, "/")
        if not _is_stored(db, key, path):
            db.attach(key, path)
            stored += 1
    return stored


def _files(folder: str, pattern: str) -> Iterator[str]:
    for path, below, names in os.walk(folder):
        below[:] = sorted(name for name in below if not name.startswith("."))
        for name in sorted(names):
            file = os.path.join(path, name)
            if not name.startswith(".") and fnmatch(name, pattern) and not os.path.islink(file):
                yield file


def _with_progress(files: list[str], progress: bool) -> Iterator[str]:
    if not progress:
        return iter(files)
    from tqdm.auto import tqdm

    return iter(tqdm(files, desc="attach", unit="file"))


def _is_stored(db: Any, key: str, path: str) -> bool:
    try:
        files = db.entry(key).newest.record["files"]
    except KeyNotFoundError:
        return False
    return list(digest_of_file(path)) in files.values()
