"""Pins: what this process sees of databases, and that it changes none of them. ``isfdb.pin`` sets them; opening asks for them.

They lie in a temporary folder together with all that is written, and an environment variable hands that folder to child processes.
Nothing here opens a database.
"""

from __future__ import annotations

import atexit
import datetime
import os
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import unquote

from isfdb import leftovers, plugins
from isfdb.errors import IsfdbError, LinkError, OptionError, PinError
from isfdb.exact_json import dumps, loads
from isfdb.hashing import digest_of
from isfdb.keys import folder_name, split_key
from isfdb.layout.current import DATABASE_FILE, KEY_SUFFIX, PRIVATE_FOLDER
from isfdb.storage.base import Storage
from isfdb.storage.local import LocalStorage
from isfdb.storage.overlay import OverlayStorage
from isfdb.storage.past import PastView

#: Names the folder in child processes.
VARIABLE: Final = "ISFDB_PINS"

_PINS_FILE: Final = "pins.json"
_OVERLAY_FILE: Final = "overlay.json"
_IDS_FOLDER: Final = "ids"
_PIN: Final = re.compile(r"isfdb://([^/]+)/(.+)@([1-9][0-9]{0,15})")
_folder: str | None = None
_read: tuple[str, tuple[int, int], Pins] | None = None


@dataclass(frozen=True)
class Pins:
    """What is pinned.

    Attributes
    ----------
    folder : str
        Holds these facts and all that is written.
    numbers : dict
        Database id -> key -> number of the version that is its newest.
    before : str or None
        ISO-8601 time: what was published then or later is not seen.
    at : dict
        A place as the code names it -> link of a database, or its folder.
    places : dict
        Database id -> its folder, where the registry need not know it.
    trusted : list of str
        Ids of databases whose values may run code when they are loaded.
    """

    folder: str
    numbers: dict[str, dict[str, int]] = field(default_factory=dict)
    before: str | None = None
    at: dict[str, str] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    trusted: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return what the file of pins holds."""
        return {"at": self.at, "before": self.before, "numbers": self.numbers, "places": self.places, "trusted": self.trusted}

    @classmethod
    def from_json(cls, folder: str, members: dict[str, Any]) -> Pins:
        """Return the pins that a file holds."""
        return cls(folder, **{name: members[name] for name in ("numbers", "before", "at", "places", "trusted") if name in members})

    def place_of(self, database_id: str) -> str | None:
        """Return where a database lies that was opened or made while this was pinned, or is known from before."""
        try:
            with open(f"{self.folder}/{_IDS_FOLDER}/{database_id}", encoding="utf-8", errors="surrogateescape") as file:
                return file.read()
        except (OSError, ValueError):
            return self.places.get(database_id)

    def place_named(self, text: str) -> str | None:
        """Return what stands for a place that the code names: by its very text, as the same path, or as the end of one known path."""
        if text in self.at:
            return self.at[text]
        path = os.path.abspath(os.path.expanduser(text))
        found = [target for name, target in self.at.items() if os.path.isabs(name) and os.path.normpath(name) == path]
        if not found and not os.path.isabs(text) and not os.path.exists(path):
            end = "/" + os.path.normpath(text).replace(os.sep, "/").replace("../", "")
            found = [target for name, target in self.at.items() if os.path.normpath(name).replace(os.sep, "/").endswith(end)]
        return found[0] if len(set(found)) == 1 else None


def pin(*links: str, before: str | datetime.datetime | None = None, at: Mapping[str, str] | None = None) -> None:
    """From now on see databases as they were, and change none: what is written goes to a temporary folder.

    It is for scripts that repeat what made a value. Handles opened before stay what they are. Child processes and dask workers that
    start later follow; what they and this process write can be read again in all of them, and is removed when this process ends.

    Parameters
    ----------
    *links : str
        ``isfdb://<database id>/<key>@<version>``: that version is the newest of its key.
    before : str or datetime, optional
        Of keys that are not pinned, nothing published at or after this moment is seen. ISO-8601; without offset: UTC. Of several calls the
        earliest moment holds.
    at : mapping, optional
        Where the code opens a database by a place which is none any more: ``{"results": "isfdb://<database id>"}``. The place as it
        stands in the code, or the whole path it meant; instead of a link a folder.

    Raises
    ------
    LinkError
        A link names no key or no version number.
    OptionError
        `before` is no time, or a place or its link is no text.
    PinError
        The temporary folder cannot be used.

    Examples
    --------
    >>> import isfdb
    >>> isfdb.pin(before="2026-11-21T09:53:07+00:00")  # doctest: +SKIP
    """
    numbers = [_parse_pin(link) for link in links]
    moment = None if before is None else _moment(before)
    places = {_text(name): _text(target) for name, target in (at or {}).items()}
    standing = current() or make()
    merged = {database: dict(keys) for database, keys in standing.numbers.items()}
    for database, key, number in numbers:
        keys = merged.setdefault(database, {})
        keys[key] = max(number, keys.get(key, 0))
    earliest = min([one for one in (standing.before, moment) if one is not None], default=None)
    _write(replace(standing, numbers=merged, before=earliest, at=standing.at | places))


def _parse_pin(link: str) -> tuple[str, str, int]:
    match = _PIN.fullmatch(link) if isinstance(link, str) else None
    if match is None:
        raise LinkError(f"{link!r} pins nothing: a pin reads isfdb://<database id>/<key>@<number of a version>.", link=link)
    return match[1], "/".join(split_key(unquote(match[2]))), int(match[3])


def _moment(before: str | datetime.datetime) -> str:
    try:
        moment = datetime.datetime.fromisoformat(before) if isinstance(before, str) else before
        moment = moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
        return moment.astimezone(datetime.UTC).isoformat(timespec="microseconds")
    except (ValueError, TypeError, AttributeError) as error:
        raise OptionError(f"before={before!r} is no time: give ISO-8601 text or a datetime.", before=before) from error


def _text(place: str | os.PathLike[str]) -> str:
    if isinstance(place, (str, os.PathLike)) and isinstance(text := os.fspath(place), str) and text:
        return text
    raise OptionError(f"at={{...: {place!r}}} names no place: give texts, as {{'results': 'isfdb://<database id>'}}.", at=place)


# The folder of pins ----------------------------------------------------------------------------------------------------------------


def make(
    folder: str | None = None,
    *,
    places: Mapping[str, str] | None = None,
    at: Mapping[str, str] | None = None,
    trusted: Iterable[str] = (),
) -> Pins:
    """Make a folder of pins without a pin in it: for this process, or, where `folder` is given, for a process to be started.

    Raises
    ------
    PinError
        It cannot be made.
    """
    try:
        made = folder or leftovers.make_folder("isfdb-pins-")
        pins = Pins(os.path.realpath(made), at=dict(at or {}), places=dict(places or {}), trusted=list(trusted))
        _write(pins)
    except OSError as error:
        raise PinError(f"cannot make a temporary folder for what is written: {error}. Name another place: set TMPDIR.") from error
    if folder is None:
        _use(pins.folder)
        atexit.register(_remove, pins.folder, os.getpid())
    return pins


def _use(folder: str) -> None:
    global _folder
    _folder = folder
    os.environ[VARIABLE] = folder


def _remove(folder: str, process_id: int) -> None:
    """Remove the folder in the process that made it; a forked child ends before its parent has done with it."""
    if os.getpid() == process_id:
        shutil.rmtree(folder, ignore_errors=True)


def release() -> None:
    """Forget all pins and remove what was written. Handles that were opened meanwhile are of no more use."""
    global _folder
    if _folder is not None:
        shutil.rmtree(_folder, ignore_errors=True)
    _folder = None
    os.environ.pop(VARIABLE, None)


def leave() -> None:
    """Forget all pins, but leave what was written where it is: values read from there may be lazy."""
    global _folder
    _folder = None
    os.environ.pop(VARIABLE, None)


def enter(folder: str) -> None:
    """See databases again as a folder of pins says, after `leave`."""
    _use(folder)


def _write(pins: Pins) -> None:
    path = f"{pins.folder}/{_PINS_FILE}"
    with open(f"{path}.{os.getpid()}", "w", encoding="utf-8") as file:
        file.write(dumps(pins.to_json()))
    os.replace(f"{path}.{os.getpid()}", path)


def current(folder: str | None = None) -> Pins | None:
    """Return what is pinned in this process, or in the folder that a handle brought along; None where nothing ever was.

    Raises
    ------
    PinError
        The folder is gone or damaged: going on without it would change databases.
    """
    global _read
    folder = folder or _folder or os.environ.get(VARIABLE)
    if not folder:
        return None
    path = f"{folder}/{_PINS_FILE}"
    try:
        found = os.stat(path)
        if _read is None or _read[:2] != (path, (found.st_mtime_ns, found.st_ino)):
            with open(path, encoding="utf-8") as file:
                _read = path, (found.st_mtime_ns, found.st_ino), Pins.from_json(folder, loads(file.read()))
    except (OSError, ValueError, TypeError) as error:
        raise PinError(
            f"this process is to change no database (isfdb.pin), and the folder for what it writes, {folder}, cannot be used: {error}. "
            "The process that pinned may have ended. Start again without the variable ISFDB_PINS.",
            folder=folder,
        ) from error
    return _read[2]


# Overlays --------------------------------------------------------------------------------------------------------------------------


def storage_at(pins: Pins, path: str, *, read_only: bool) -> tuple[OverlayStorage, str]:
    """Return the overlay of the topmost database that holds `path`, and the folder in it; of a new database where there is none.

    Parameters
    ----------
    path : str
        Absolute; it may lie in an overlay.
    """
    if (known := _known_overlay(pins, path)) is not None:
        return _overlay(pins, *known, read_only=read_only)
    top = path
    while os.path.isfile(f"{os.path.dirname(top)}/{DATABASE_FILE}") and os.path.dirname(top) != top:
        top = os.path.dirname(top)
    inside = "" if top == path else os.path.relpath(path, top).replace(os.sep, "/")
    return _overlay(pins, os.path.realpath(top), inside, read_only=read_only)


def _known_overlay(pins: Pins, path: str) -> tuple[str, str] | None:
    """Return the place and the folder inside of an overlay that `path` names by the folder it writes to, or that was made here."""
    if path.startswith(f"{pins.folder}/"):
        digest, _, rest = path.removeprefix(f"{pins.folder}/").partition("/")
        try:
            with open(f"{pins.folder}/{digest}/{_OVERLAY_FILE}", encoding="utf-8") as file:
                return str(loads(file.read())["place"]), rest.partition("/")[2]
        except (OSError, ValueError, KeyError):
            return None
    top = path
    while top != os.path.dirname(top):
        if os.path.isfile(f"{_notes(pins, os.path.realpath(top))}/{_OVERLAY_FILE}"):
            return os.path.realpath(top), "" if top == path else os.path.relpath(path, top).replace(os.sep, "/")
        top = os.path.dirname(top)
    return None


def is_in_a_value(pins: Pins, path: str) -> bool:
    """Say whether a path leads into a value that was copied, or that is being written: there a database may lie that is no part of one."""
    inside = path.removeprefix(f"{pins.folder}/").split("/") if path.startswith(f"{pins.folder}/") else []
    return any(name.endswith(KEY_SUFFIX) or name == PRIVATE_FOLDER for name in inside[2:])


def _notes(pins: Pins, place: str) -> str:
    return f"{pins.folder}/{digest_of(os.fsencode(place))[:16]}"


def _overlay(pins: Pins, place: str, inside: str, *, read_only: bool) -> tuple[OverlayStorage, str]:
    notes = _notes(pins, place)
    below = LocalStorage(place, read_only=True) if os.path.isfile(f"{place}/{DATABASE_FILE}") else None
    before = datetime.datetime.fromisoformat(pins.before) if pins.before else None
    view = None if below is None else PastView(below, _Numbers(pins.numbers, below), before)
    upper = LocalStorage(f"{notes}/{os.path.basename(place) or 'database'}", links_into=place)
    storage = OverlayStorage(upper, view, notes=notes, place=place, is_copied=_gives_its_path, read_only=read_only)
    return storage, inside


def make_overlay(pins: Pins, storage: OverlayStorage) -> None:
    """Make the folder in which an overlay writes, and note whose it is."""
    path = f"{_notes(pins, storage.place)}/{_OVERLAY_FILE}"
    storage.make()
    if not os.path.exists(path):
        with open(f"{path}.{os.getpid()}", "w", encoding="utf-8") as file:
            file.write(dumps({"place": storage.place}))
        os.replace(f"{path}.{os.getpid()}", path)


def note_opened(pins: Pins, database_id: str, storage: OverlayStorage) -> None:
    """Note the id of a database: the registry, which finds others by it, must not learn of one that is made here."""
    path = f"{pins.folder}/{_IDS_FOLDER}/{database_id}"
    if not os.path.exists(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(f"{path}.{os.getpid()}", "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(storage.place)
        os.replace(f"{path}.{os.getpid()}", path)


class _Numbers:
    """Finds the pin of a key's folder. A pin may name a sub-database by its own id, so ids are read on the way down."""

    def __init__(self, numbers: Mapping[str, Mapping[str, int]], storage: Storage) -> None:
        self._storage = storage
        self._by_id = {
            database: {"/".join([folder_name(name) for name in split_key(key)]) + KEY_SUFFIX: number for key, number in keys.items()}
            for database, keys in numbers.items()
        }
        self._ids: dict[str, str | None] = {}

    def __call__(self, key_folder: str) -> int | None:
        if not self._by_id:
            return None
        names = key_folder.split("/")
        for depth in range(len(names)):
            keys = self._by_id.get(self._id_of("/".join(names[:depth])) or "")
            number = keys.get("/".join(names[depth:])) if keys else None
            if number is not None:
                return number
        return None

    def _id_of(self, folder: str) -> str | None:
        if folder not in self._ids:
            try:
                data = self._storage.read(f"{folder}/{DATABASE_FILE}" if folder else DATABASE_FILE)
                self._ids[folder] = str(loads(data)["id"])
            except (OSError, ValueError, TypeError, KeyError):
                self._ids[folder] = None
        return self._ids[folder]


def _gives_its_path(record: dict[str, Any]) -> bool:
    """Say whether reading a version hands out the path of its files, or something else that may write to them."""
    if record.get("mutable"):
        return True
    try:
        about = getattr(plugins.loaderdumper(str(record.get("dumper"))), "about", {})
    except (IsfdbError, ImportError):
        return True  # nobody can say
    return about.get("lazy") in ("path", "paths")
