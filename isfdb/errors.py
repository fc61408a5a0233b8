"""Every error and warning isfdb raises, grouped by what a caller would do about it.

::

    IsfdbError
    ├── KeyNotFoundError (KeyError)            no such key: look at db.keys()
    │   └── VersionNotFoundError               the key is there, that version never was
    ├── KeyExistsError (KeyError)              asked not to overwrite, and something is there
    ├── InvalidKeyError (ValueError)           choose another name
    │   ├── KeyTypeError (TypeError)           a key is text, or a tuple of texts
    │   └── KeyCollisionError                  differs from an existing name only in case or Unicode form
    ├── KeyKindError (ValueError)              a value where a sub-database is needed, or the reverse
    ├── ConflictError (RuntimeError)           somebody else published first: read again, then decide
    ├── DatabaseError                          about a whole database
    │   ├── DatabaseNotFoundError (FileNotFoundError)
    │   ├── DatabaseExistsError (FileExistsError)
    │   ├── NotADatabaseError (ValueError)
    │   ├── FormatVersionError (ValueError)    written by a newer isfdb: upgrade
    │   ├── CorruptDatabaseError (ValueError)  isfdb.json cannot be understood
    │   ├── DatabaseGoneError (FileNotFoundError)
    │   ├── ReadOnlyError (PermissionError)
    │   └── AmbiguousIdError (LookupError)     two copies carry one id
    ├── StorageError (OSError)                 the disk or the network said no
    │   └── DatabaseFullError                  no space, or no quota, left
    ├── VersionError                           about one stored version
    │   ├── VersionGoneError (LookupError)     reclaimed or deleted while it was in use
    │   ├── IncompleteVersionError (ValueError)  files missing or of another size
    │   ├── CorruptVersionError (ValueError)   a file cannot be understood
    │   ├── ChecksumMismatchError (ValueError) a file is not what was stored
    │   └── UntrustedDataError (PermissionError) loading would run code that is not known to be yours
    ├── DumpError                              the value could not be written
    │   ├── NoDumperError (TypeError)          no loaderdumper accepts the value
    │   └── AppendError (TypeError)            what is appended does not fit, or the value cannot grow
    ├── LoadError                              the value could not be read back
    │   ├── TooLargeError (MemoryError)        the value needs more memory than there is
    │   └── UnsafePathError (ValueError)       a stored path leads out of its folder
    ├── OptionError (TypeError)                an option nobody knows, or a value it cannot take
    ├── QueryError (ValueError)                a search that cannot be understood
    ├── UnknownLoaderdumperError (LookupError) no such loaderdumper is registered
    ├── MissingDependencyError (ImportError)   an optional library is needed
    ├── RegistryError (RuntimeError)           the registry cannot be read or written
    ├── ExportError (OSError)                  an export could not be written
    │   └── ExportExistsError (FileExistsError)  something is there, and overwriting was not asked for
    ├── LinkError (ValueError)                 an isfdb:// link that cannot be understood
    └── PinError (RuntimeError)                what a pinned process writes has no place any more

    IsfdbWarning (UserWarning)
    ├── PickleWarning                          stored by running-code format; only you can load it
    ├── BrokenPluginWarning                    an installed plug-in could not be used
    ├── RegistryWarning                        the registry could not be kept up to date
    └── DatabaseWarning                        something odd about the database itself

Facts are attributes as well as words: ``error.key``, ``error.database``. Every error survives pickling.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from isfdb.nearness import hint


def _rebuild(cls: type[IsfdbError], message: str, facts: dict[str, Any]) -> IsfdbError:
    return cls(message, **facts)


class IsfdbError(Exception):
    """Parent of every error isfdb raises.

    Parameters
    ----------
    message : str
        What failed, what was found, what to do next.
    **facts
        What the message is about (``key=``, ``database=``, ``version=``, ``path=`` ...); each becomes an attribute.
    """

    def __init__(self, message: str, **facts: Any) -> None:
        super().__init__(message)
        self.message = message
        self.facts = facts
        for name, fact in facts.items():
            setattr(self, name, fact)

    def __str__(self) -> str:
        # KeyError would show the repr of its argument, quotes and escapes included.
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.message, self.facts)


class KeyNotFoundError(IsfdbError, KeyError):
    """There is no such key.

    Parameters
    ----------
    message : str
    near : callable or sequence of str
        The keys that may have been meant, or what finds them. It is called once, when the message is read: whoever tries a key and
        stores it where it is missing waits for no listing.
    **facts
    """

    def __init__(self, message: str, *, near: Callable[[], Sequence[str]] | Sequence[str] = (), **facts: Any) -> None:
        super().__init__(message, **facts)
        self._near = near

    @property
    def near(self) -> tuple[str, ...]:
        """The keys that may have been meant."""
        self._near = tuple(self._near() if callable(self._near) else self._near)
        return self._near

    def __str__(self) -> str:
        return f"{self.message}{hint(self.near)}"

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.message, {**self.facts, "near": self.near})


class VersionNotFoundError(KeyNotFoundError):
    """The key exists, the version asked for does not."""


class KeyExistsError(IsfdbError, KeyError):
    """The key holds a value already and ``overwrite=False`` was asked for."""


class InvalidKeyError(IsfdbError, ValueError):
    """The text cannot be a key."""


class KeyTypeError(InvalidKeyError, TypeError):
    """A key is a text or a tuple of texts, and this is neither."""


class KeyCollisionError(InvalidKeyError):
    """The name differs from an existing one only in case or in Unicode form."""


class KeyKindError(IsfdbError, ValueError):
    """A value stands where a sub-database is needed, or the reverse."""


class ConflictError(IsfdbError, RuntimeError):
    """Another writer published a version since the one that was expected."""


class DatabaseError(IsfdbError):
    """Something about a whole database."""


class DatabaseNotFoundError(DatabaseError, FileNotFoundError):
    """There is no database at that path, name or id."""


class DatabaseExistsError(DatabaseError, FileExistsError):
    """A new database was asked for where one exists."""


class NotADatabaseError(DatabaseError, ValueError):
    """The folder exists and is not an isfdb database."""


class FormatVersionError(DatabaseError, ValueError):
    """The database was written by a newer isfdb than this one."""


class CorruptDatabaseError(DatabaseError, ValueError):
    """The file that identifies the database cannot be understood."""


class DatabaseGoneError(DatabaseError, FileNotFoundError):
    """The database was moved or deleted while it was open."""


class ReadOnlyError(DatabaseError, PermissionError):
    """The database was opened for reading, or its folder cannot be written."""


class AmbiguousIdError(DatabaseError, LookupError):
    """Two databases carry the same id."""


class StorageError(IsfdbError, OSError):
    """The storage below refused an operation; ``__cause__`` has the operating system's words."""


class DatabaseFullError(StorageError):
    """No space, inodes or quota left where the database lies."""


class VersionError(IsfdbError):
    """Something about one stored version."""


class VersionGoneError(VersionError, LookupError):
    """The version was reclaimed or moved away while it was being used."""


class IncompleteVersionError(VersionError, ValueError):
    """A file of the version is missing or has another size than was stored."""


class CorruptVersionError(VersionError, ValueError):
    """A file of the version cannot be understood."""


class ChecksumMismatchError(VersionError, ValueError):
    """A file of the version is not what was stored."""


class UntrustedDataError(VersionError, PermissionError):
    """Loading this would run code, and nothing shows that you wrote it or trust it."""


class DumpError(IsfdbError):
    """The value could not be written; nothing was changed."""


class NoDumperError(DumpError, TypeError):
    """No registered loaderdumper accepts the value."""


class AppendError(DumpError, TypeError):
    """The value of the key cannot grow, or what was to be appended does not fit it."""


class LoadError(IsfdbError):
    """The value could not be read back."""


class TooLargeError(LoadError, MemoryError):
    """The value needs more memory than there is, or a changed file claims so."""


class UnsafePathError(LoadError, ValueError):
    """A path named by the database leads out of its folder."""


class OptionError(IsfdbError, TypeError):
    """An option is unknown, or has a value it cannot take."""


class QueryError(IsfdbError, ValueError):
    """What was asked of ``isfdb.find`` cannot be understood."""


class UnknownLoaderdumperError(IsfdbError, LookupError):
    """No loaderdumper of that name is registered; nothing was imported."""


class MissingDependencyError(IsfdbError, ImportError):
    """An optional library is needed and not installed."""


class RegistryError(IsfdbError, RuntimeError):
    """The registry of databases cannot be read or written."""


class ExportError(IsfdbError, OSError):
    """An export could not be written; nothing is left of it."""


class ExportExistsError(ExportError, FileExistsError):
    """There is something where the export was to go."""


class LinkError(IsfdbError, ValueError):
    """An ``isfdb://`` link cannot be understood."""


class PinError(IsfdbError, RuntimeError):
    """The folder for what a pinned process writes cannot be used, and going on without it would change databases."""


class IsfdbWarning(UserWarning):
    """Parent of every warning isfdb gives."""


class PickleWarning(IsfdbWarning):
    """A value was stored in a format that runs code when loaded."""


class BrokenPluginWarning(IsfdbWarning):
    """An installed plug-in could not be imported or lacks what a plug-in needs."""


class RegistryWarning(IsfdbWarning):
    """The registry of databases could not be kept up to date."""


class DatabaseWarning(IsfdbWarning):
    """Something odd about a database that does not stop the work."""
