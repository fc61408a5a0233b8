"""Opens databases by path, name, id or link, and reads permanent links: ``isfdb.open`` and ``isfdb.load``."""

from __future__ import annotations

import copyreg
import logging
import os
import re
import stat
from typing import Any
from urllib.parse import unquote

from isfdb import pins, registry
from isfdb.database import Database
from isfdb.errors import (
    DatabaseExistsError,
    DatabaseNotFoundError,
    LinkError,
    NotADatabaseError,
    OptionError,
    ReadOnlyError,
    RegistryError,
)
from isfdb.failures import reading_failure, storage_failure
from isfdb.identity import make_database, read_identity
from isfdb.keys import name_of_folder
from isfdb.layout.current import DATABASE_FILE, join
from isfdb.layout.isf_legacy import DATABASE_FILES as ISF_FILES
from isfdb.nearness import hint
from isfdb.options import option
from isfdb.plugged_storage import open_storage, reopen_storage
from isfdb.provenance import file_events
from isfdb.provenance.capture import current_activity, note_opened
from isfdb.provenance.senders import note_arrival
from isfdb.registry.folders import id_of
from isfdb.registry.nearby import nearby
from isfdb.registry.store import is_id
from isfdb.storage.base import Storage
from isfdb.storage.local import LocalStorage
from isfdb.storage.overlay import OverlayStorage
from isfdb.storage.small_files import stands
from isfdb.trust import is_trusted

# What isfdb logs is for those who ask for it: without a handler Python would print warnings to the notebook.
logging.getLogger("isfdb").addHandler(logging.NullHandler())

MODES = ("r", "r+", "a", "w-", "x")
_LINK = re.compile(r"isfdb://([0-9a-f]{32}|\d{4}-\d\d-\d\d_\d+_[A-Za-z0-9]+)(?:/(.*))?")
_VERSION = re.compile(r"(.*)@([1-9][0-9]{0,15}|[0-9a-f]{6,64})")


def open(  # the word that zarr, h5py and a file use
    target: str | os.PathLike[str] | Storage,
    mode: str = "a",
    *,
    durability: str | None = None,
    trust: bool = False,
) -> Database:
    """Open a database, or make one.

    Parameters
    ----------
    target : str or os.PathLike or Storage
        A folder; the name or id of a registered database; or an ``isfdb://`` link to a database. A database that ISF wrote opens
        too, for reading, whatever the mode. A :class:`~isfdb.storage.base.Storage` of your own holds a database elsewhere.
    mode : str
        ``"a"``: read and write, make it if it is not there. ``"r"``: read only. ``"r+"``: read and write, must exist.
        ``"w-"`` or ``"x"``: make it, must not exist.
    durability : str, optional
        ``"full"``: what is stored survives loss of power. ``"process"``: it survives a killed process only. Default: the option.
    trust : bool
        Let values of this database run code when loaded, for this handle and those sent to workers.

    Returns
    -------
    Database

    Raises
    ------
    DatabaseNotFoundError, DatabaseExistsError, NotADatabaseError
    CorruptDatabaseError, FormatVersionError, AmbiguousIdError
    ReadOnlyError, DatabaseFullError, StorageError

    Examples
    --------
    >>> import isfdb, tempfile
    >>> db = isfdb.open(tempfile.mkdtemp())
    >>> db["answer"] = 42
    >>> db["answer"]
    42
    """
    if mode not in MODES:
        raise OptionError(f"mode={mode!r} is none of {', '.join(map(repr, MODES))}.", mode=mode)
    if durability is not None:
        option("durability", durability)
    if isinstance(target, Storage):
        return open_storage(target, mode, durability, trust)
    if (pinned := pins.current()) is not None:
        return _open_pinned(pinned, _path_of(target, pinned), mode, trust)
    database = _open_plainly(_path_of(target), mode, durability, trust)
    note_opened(os.fspath(target), f"isfdb://{database.root.id}")
    if option("register"):
        registry.note_opened(database.id, database.path, database.name)
    return database


def _open_plainly(path: str, mode: str, durability: str | None, trust: bool) -> Database:
    exists = _is_ours(path) or _is_isf(path)
    if exists and mode in ("w-", "x"):
        raise DatabaseExistsError(f"there is a database at {path} already. Open it with mode='a', or choose another folder.", path=path)
    if not exists:
        _make(path, mode)
    return _open_folder(path, mode, durability, trust)


def _is_ours(path: str) -> bool:
    """Say whether a database lies in a folder; where the system does not let us see, it is neither made nor called missing."""
    try:
        return stands(f"{path}/{DATABASE_FILE}", stat.S_ISREG)
    except OSError as error:
        raise reading_failure(error, DATABASE_FILE, path) from error


def _path_of(target: str | os.PathLike[str], pinned: pins.Pins | None = None) -> str:
    text = os.fspath(target)
    if not isinstance(text, str) or not text or "\0" in text:
        raise OptionError(f"{target!r} is no path, name or id of a database.", target=target)
    if pinned is not None:
        text = pinned.place_named(text) or text
    if text.startswith("isfdb://"):
        database_id = parse_link(text)[0]
        return (pinned and pinned.place_of(database_id)) or registry.resolve(database_id)
    path = os.path.abspath(os.path.expanduser(text))
    if os.path.exists(path) or os.sep in text or isinstance(target, os.PathLike):
        return path
    try:
        return registry.resolve(text, folder_names=False)  # every other project has its "results"
    except (DatabaseNotFoundError, RegistryError):
        if is_id(text):
            raise  # an id, not the name of a folder that somebody wants to make
        return path  # with a registry that cannot be read, too: noting the database warns of that


def _make(path: str, mode: str) -> None:
    """Make an empty database, or say why not."""
    _refuse_to_make(path, mode)
    if os.path.isfile(f"{os.path.dirname(path)}/{DATABASE_FILE}"):
        _make_sub_database(path, mode)
        return
    _refuse_inside_isf(path)
    storage = LocalStorage(path)
    try:
        storage.make()
    except OSError as error:
        raise storage_failure(error, "make a database", path) from error
    make_database(storage, durable=option("durability") == "full")


def _refuse_to_make(path: str, mode: str) -> None:
    """Say why no database is made in a folder, by its mode or for what lies there."""
    standing = os.path.exists(path)
    if mode not in ("a", "w-", "x"):
        if standing:
            raise NotADatabaseError(
                f"{path} is no isfdb database: it has no {DATABASE_FILE}. Open one of its sub-folders, or make one with mode='a'.",
                path=path,
            )
        near = hint(nearby(path))
        message = f"there is no database at {path}.{near} Check the path, or look for it: isfdb.registry.find(name)."
        raise DatabaseNotFoundError(message, path=path)
    if standing and (not os.path.isdir(path) or _is_foreign(path)):
        what = "is a folder with other things in it" if os.path.isdir(path) else "is a file"
        raise NotADatabaseError(
            f"cannot make a database at {path}: it {what} and has no {DATABASE_FILE}. Choose a new or empty folder.", path=path
        )


def _make_sub_database(path: str, mode: str) -> None:
    """Make a folder inside a database the sub-database that its name says, by the rules for keys."""
    parent, name = os.path.split(path)
    _open_folder(parent, mode, None, trusted=False).create_sub_db(_name_inside(path, parent, name))


def _name_inside(path: str, parent: str, folder: str) -> str:
    """Return the key that a sub-database bears whose folder is called so."""
    key = name_of_folder(folder)
    if key is None:
        raise NotADatabaseError(
            f"cannot make a database at {path}: no key of the database at {parent} has such a folder. "
            "Make sub-databases by key: isfdb.open(parent).create_sub_db(key).",
            path=path,
        )
    return key


def _is_isf(path: str) -> bool:
    """Say whether a database that ISF wrote, and nothing of ours, lies in a folder."""
    return not os.path.isfile(f"{path}/{DATABASE_FILE}") and any(os.path.isfile(f"{path}/{name}") for name in ISF_FILES)


def _refuse_inside_isf(path: str) -> None:
    folder = os.path.dirname(path)
    while folder != os.path.dirname(folder):
        if _is_isf(folder):
            message = (
                f"cannot make a database at {path}: it lies inside {folder}, which ISF wrote and which stays as it is. Choose another."
            )
            raise ReadOnlyError(message, database=folder)
        folder = os.path.dirname(folder)


def _open_isf(path: str, durability: str | None, trusted: bool) -> Database:
    """Open a database that ISF wrote, as the part of the topmost one that it is."""
    from isfdb.storage.isf import IsfStorage, topmost

    storage = IsfStorage(topmost(path))
    file_events.leave_out(storage.path)
    folder = "" if storage.path == path else storage.path_of(path)
    if folder is None:  # a database that is no key's: the folder of a value that somebody laid one into
        storage, folder = IsfStorage(path), ""
    root = Database(storage, read_identity(storage), mode="r", durability=durability, trusted=trusted)
    return root if not folder else root._sub("/".join([name_of_folder(name) or name for name in folder.split("/")]))


def _open_pinned(pinned: pins.Pins, path: str, mode: str, trusted: bool, carried: Any = None) -> Database:
    """Open a database so that it is not changed; what was made in the same way before is there, too."""
    if _is_isf(path):
        return _open_isf(path, None, trusted)
    if pins.is_in_a_value(pinned, path):  # a copy already, as is all that lies there
        return _open_plainly(path, mode, "process", trusted)
    storage, folder = pins.storage_at(pinned, path, read_only=mode == "r")
    exists = DATABASE_FILE in storage.list(folder) or (folder and storage.is_folder(folder))
    if exists and mode in ("w-", "x"):
        raise DatabaseExistsError(f"there is a database at {path} already. Open it with mode='a', or choose another folder.", path=path)
    if not exists:
        # What lies below may be removed or of later: only where nothing does is the real folder looked at.
        _refuse_to_make(join(storage.location, folder) if storage.has_below else path, mode)
    pins.make_overlay(pinned, storage)
    if not exists and not folder:
        make_database(storage, durable=False)
    identity = read_identity(storage)
    pins.note_opened(pinned, identity.id, storage)
    trusted = trusted or identity.id in pinned.trusted or is_trusted(identity.id, storage.place)
    root = Database(storage, identity, mode=mode, durability="process", trusted=trusted, carried=carried)
    if not folder:
        return root
    if not exists:
        return root.create_sub_db("/".join([_name_inside(path, storage.place, name) for name in folder.split("/")]))
    return root._sub("/".join([name_of_folder(name) or name for name in folder.split("/")]))


def _is_foreign(path: str) -> bool:
    # What another process, making the same database at this moment, has laid down so far is not foreign.
    return any(not name.startswith(".stage-") and name not in (".isfdb", DATABASE_FILE, "README.txt") for name in os.listdir(path))


def _open_folder(path: str, mode: str, durability: str | None, trusted: bool, carried: Any = None) -> Database:
    """Open the topmost database that `path` is part of, then the part that `path` is."""
    if _is_isf(path):
        return _open_isf(path, durability, trusted)
    top = path
    while os.path.isfile(f"{os.path.dirname(top)}/{DATABASE_FILE}") and os.path.dirname(top) != top:
        top = os.path.dirname(top)
    storage = LocalStorage(top, read_only=mode == "r")
    root = Database(storage, read_identity(storage), mode=mode, durability=durability, trusted=trusted, carried=carried)
    if top == path:
        return root
    names = [name_of_folder(folder) or folder for folder in os.path.relpath(path, top).split(os.sep)]
    return root._sub("/".join(names))


def reopen(
    path: str, database_id: str, prefix: str, mode: str, durability: str | None, trusted: bool, carried: Any, pins_folder: str | None = None
) -> Database:
    """Open a database again in another process, from what a pickled handle carries.

    Raises
    ------
    DatabaseNotFoundError
        It is not where it was, and the registry does not know where else.
    """
    note_arrival(carried)
    if pins_folder and (pinned := pins.current(pins_folder)):
        root = _open_pinned(pinned, path, mode, trusted, carried)
        return root._sub(prefix) if prefix else root
    if id_of(path) != database_id:
        path = registry.resolve(database_id)
    root = _open_folder(path, mode, durability, trusted, carried)
    return root._sub(prefix) if prefix else root


def _reduce(database: Database) -> tuple[Any, ...]:
    """Say how a handle is pickled: not its storage but where it lies, and which activity sends it."""
    storage, activity = database._storage, current_activity(database._storage, database._carried)
    if storage.gives_copies:
        return reopen_storage, (storage, database.prefix, database.mode, database._durability, database._trusted, activity)
    facts = (database.root.path, database.root.id, database.prefix, database.mode, database._durability, database._trusted, activity)
    pinned = pins.current() if isinstance(storage, OverlayStorage) else None
    return reopen, (*facts, pinned.folder) if pinned else facts


# Here and not in the class, because a database does not know how it is opened.
copyreg.pickle(Database, _reduce)


def parse_link(link: str) -> tuple[str, str, int | str | None]:
    """Return the database's id, the key and the version that a link names.

    Raises
    ------
    LinkError
        The text is no link.
    """
    match = _LINK.fullmatch(link)
    if not match:
        raise LinkError(f"{link!r} is no link. A link reads isfdb://<database id>/<key>@<version>.", link=link)
    database_id, rest = match[1], match[2] or ""
    versioned = _VERSION.fullmatch(rest)
    key, version = (versioned[1], versioned[2]) if versioned else (rest, None)
    if version is None:
        return database_id, unquote(key), None
    return database_id, unquote(key), int(version) if version.isdigit() and len(version) < 16 else version


def load(link: str, **options: Any) -> Any:
    """Read what a permanent link names, wherever its database lies now.

    Parameters
    ----------
    link : str
        ``isfdb://<database id>/<key>@<version>``; without version the newest.
    **options
        For the loaderdumper.

    Raises
    ------
    LinkError
        The text is no link.
    DatabaseNotFoundError, AmbiguousIdError
        The registry does not know the database, or knows two copies.
    KeyNotFoundError, VersionNotFoundError, VersionGoneError
    """
    database_id, key, version = parse_link(link)
    if not key:
        raise LinkError(f"{link!r} names no key. A link reads isfdb://<database id>/<key>@<version>.", link=link)
    database = open(f"isfdb://{database_id}", "r")
    return database[key] if version is None and not options else database.get(key, version=version, **options)


def check_open(db: object, call: str) -> None:
    """Refuse what is no open database, a path above all, and show how to call a function.

    Parameters
    ----------
    db : object
        What was given.
    call : str
        ``"replay(isfdb.open(path, mode='r+'), key)"``.

    Raises
    ------
    OptionError
    """
    if not isinstance(db, Database):
        raise OptionError(f"{call.partition('(')[0]} takes an open database, not {db!r:.80}: isfdb.{call}.", database=db)
