"""Turns the operating system's refusals into errors that say what failed and what to do next."""

from __future__ import annotations

import errno
import os

from isfdb.errors import DatabaseFullError, DatabaseGoneError, IsfdbError, ReadOnlyError, StorageError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_FORBIDDEN = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
#: What the system says of a disk, a server or itself, never of the content of a file.
_REFUSALS = _FULL | _FORBIDDEN | {errno.EIO, errno.ESTALE, errno.EINTR, errno.EMFILE, errno.ENFILE, errno.ETIMEDOUT, errno.ENXIO}


def is_refusal(error: BaseException) -> bool:
    """Say whether the operating system refused, whatever library called it, or a storage: nothing is wrong with what was to be read."""
    if isinstance(error, StorageError) and error.__cause__ is not None and not isinstance(error.__cause__, OSError):
        return True  # of a storage that asks no operating system, but a server or a library
    return isinstance(error, OSError) and _of_the_system(error).errno in _REFUSALS


def storage_failure(error: OSError, what: str, location: str) -> IsfdbError:
    """Return the error to raise for `error`.

    Parameters
    ----------
    error : OSError
        What the operating system said.
    what : str
        What was being done: ``"publish 'rates'"``.
    location : str
        Where: path or URL of the database.
    """
    error = _of_the_system(error)
    if isinstance(error, IsfdbError):
        return error
    facts = {"path": error.filename or location, "database": location}
    words = error.strerror or str(error)
    if error.errno in _FULL:
        return DatabaseFullError(
            f"cannot {what}: no space left at {location} ({words}). What was stored before is unharmed. Free some, or db.collect().",
            **facts,
        )
    if error.errno in _FORBIDDEN:
        return ReadOnlyError(
            f"cannot {what}: {location} may not be written ({words}). What was stored before is unharmed. Check who owns the folder.",
            **facts,
        )
    if error.errno in (errno.ENOENT, errno.ESTALE) and os.path.isdir(location):
        return StorageError(
            f"cannot {what}: {facts['path']} vanished ({words}); another process renamed or removed it. Look again, then try again.",
            **facts,
        )
    if error.errno in (errno.ENOENT, errno.ESTALE):
        return DatabaseGoneError(
            f"cannot {what}: {facts['path']} is gone ({words}). Was the database moved or deleted? Open it again.", **facts
        )
    return StorageError(f"cannot {what}: {location} refused ({words}). What was stored before is unharmed; try again.", **facts)


def reading_failure(error: OSError, what: str, location: str) -> IsfdbError:
    """Return the error to raise where something may well be there, and the system does not let us see it.

    Parameters
    ----------
    error : OSError
        What the operating system said.
    what : str
        What was to be read: a path, or ``"'rates'"``.
    location : str
        Path or URL of the database.
    """
    error = _of_the_system(error)
    if isinstance(error, IsfdbError):
        return error
    if error.errno not in _FORBIDDEN | _FULL and not os.path.isdir(location):
        return storage_failure(error, f"read {what}", location)
    words = error.strerror or str(error)
    advice = "Check who owns the folder" if error.errno in _FORBIDDEN else "Nothing was changed; try again"
    return StorageError(f"cannot read {what}: {location} refused ({words}). {advice}.", path=error.filename or location, database=location)


def _of_the_system(error: OSError) -> OSError:
    """Return what the system said where reading failed on the way: the caller knows better what for."""
    return error.__cause__ if isinstance(error, StorageError) and isinstance(error.__cause__, OSError) else error
