"""Turns the operating system's refusals into errors that say what failed and what to do next."""

from __future__ import annotations

import errno
import os

from isfdb.errors import DatabaseFullError, DatabaseGoneError, IsfdbError, ReadOnlyError, StorageError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_FORBIDDEN = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


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
