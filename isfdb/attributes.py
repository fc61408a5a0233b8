"""What the user notes about a key: a mapping kept beside the data, changed without touching it, its history kept, no update lost.

Each change writes the next revision, ``attributes/000007.json``, unless another writer took that number; then it starts again from what
that writer noted. ``attributes.json`` is the newest revision once more, for people and simple readers. No lock is needed.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, ItemsView, Iterator, Mapping, MutableMapping, ValuesView
from dataclasses import dataclass
from typing import Any

from isfdb import display
from isfdb.errors import CorruptVersionError, KeyNotFoundError, OptionError, ReadOnlyError
from isfdb.exact_json import decode, encode, loads
from isfdb.failures import storage_failure
from isfdb.layout.current import ATTRIBUTES_FILE, ATTRIBUTES_FOLDER, FORMAT
from isfdb.manifest import seal
from isfdb.storage.base import Storage
from isfdb.versions import is_alive, numbers_of

_REVISION = re.compile(r"(\d{6,15})\.json")


@dataclass(frozen=True)
class Revision:
    """One state of the attributes: its number, when it was made and what they were."""

    number: int
    created: datetime.datetime | None
    values: Mapping[str, Any]


def revisions_of(storage: Storage, key_folder: str) -> list[int]:
    """Return the numbers of all revisions, ascending."""
    names = storage.list(f"{key_folder}/{ATTRIBUTES_FOLDER}")
    return sorted([int(match[1]) for name in names if (match := _REVISION.fullmatch(name))])


def _path(key_folder: str, number: int) -> str:
    return f"{key_folder}/{ATTRIBUTES_FOLDER}/{number:06d}.json"


def read_revision(storage: Storage, key_folder: str, number: int) -> Revision:
    """Read one revision; revision 0 is empty.

    Raises
    ------
    CorruptVersionError
        The file cannot be understood.
    """
    if number == 0:
        return Revision(0, None, {})
    path = _path(key_folder, number)
    try:
        members = _members(storage, path)
        values = decode(members["attributes"])
        created = datetime.datetime.fromisoformat(members["created"])
        if not isinstance(values, dict):
            raise TypeError("'attributes' is no object")
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise _unreadable(path, error) from error
    return Revision(number, created, values)


def read_encoded(storage: Storage, key_folder: str, number: int) -> dict[str, Any]:
    """Return the attributes of a revision as they stand in the file, for those who only compare them: no library is needed to decode them.

    Raises
    ------
    CorruptVersionError
        The file cannot be understood.
    """
    path = _path(key_folder, number)
    try:
        encoded = _members(storage, path)["attributes"]
        if not isinstance(encoded, dict):
            raise TypeError("'attributes' is no object")
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise _unreadable(path, error) from error
    return encoded


def _members(storage: Storage, path: str) -> dict[str, Any]:
    members = loads(storage.read(path))
    if not isinstance(members, dict):
        raise TypeError("it is no object")
    return members


def _unreadable(path: str, error: Exception) -> CorruptVersionError:
    return CorruptVersionError(f"cannot read the attributes in {path}: {error}. Earlier revisions lie beside it.", path=path)


class Attributes(MutableMapping[str, Any]):
    """The notes about one key: ``db.attributes["rates"]["unit"] = "Hz"``.

    Values are None, bool, int, float, str, list, dict, dates, times and numpy scalars; what is read equals what was noted, type included.
    A list or dict that was read is a copy: changing it changes nothing until it is assigned again.

    Parameters
    ----------
    storage : Storage
    key_folder : str
        The key's folder, relative to the database.
    key : str
        For messages.
    durable : bool
        Wait until each change survives a power cut.
    """

    def __init__(self, storage: Storage, key_folder: str, key: str, *, read_only: bool, durable: bool) -> None:
        self._storage = storage
        self._key_folder = key_folder
        self._key = key
        self._read_only = read_only
        self._durable = durable

    def _newest(self) -> Revision:
        numbers = revisions_of(self._storage, self._key_folder)
        return read_revision(self._storage, self._key_folder, numbers[-1] if numbers else 0)

    def __getitem__(self, name: str) -> Any:
        return self._newest().values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._newest().values)

    def __len__(self) -> int:
        return len(self._newest().values)

    def items(self) -> ItemsView[str, Any]:
        """Return names and values, all of one moment; `dict(attributes)` asks for one after the other."""
        return self._newest().values.items()

    def values(self) -> ValuesView[Any]:
        """Return the values, all of one moment."""
        return self._newest().values.values()

    def __setitem__(self, name: str, value: Any) -> None:
        self.update({name: value})

    def __delitem__(self, name: str) -> None:
        def without(values: dict[str, Any]) -> dict[str, Any]:
            del values[name]
            return values

        self._change(without)

    def update(self, *others: Any, **values: Any) -> None:
        """Note several values in one atomic change."""
        news = dict(*others, **values)
        check_values(news, self._key)
        self._change(lambda standing: {**standing, **news})

    def replace(self, values: Mapping[str, Any]) -> None:
        """Note these values and forget all others, in one atomic change."""
        news = dict(values)
        check_values(news, self._key)
        self._change(lambda _: news)

    def clear(self) -> None:
        """Forget all notes; earlier revisions stay in the history."""
        self._change(lambda _: {})

    def history(self) -> tuple[Revision, ...]:
        """Return every state the attributes had, oldest first."""
        return tuple(read_revision(self._storage, self._key_folder, number) for number in revisions_of(self._storage, self._key_folder))

    def _change(self, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        if self._read_only:
            why = self._storage.why_read_only or "it was opened for reading. Open the database with mode='a'"
            raise ReadOnlyError(f"cannot change the attributes of {self._key!r}: {why}.", key=self._key)
        try:
            while True:
                self._refuse_where_there_is_no_key()
                try:
                    if self._commit(change):
                        return
                except FileNotFoundError:
                    self._refuse_where_there_is_no_key()  # else it was renamed, and a new value stored under its name: once more
        except OSError as error:
            raise storage_failure(error, f"change the attributes of {self._key!r}", self._storage.location) from error

    def _refuse_where_there_is_no_key(self) -> None:
        if not is_alive(self._storage, self._key_folder, numbers_of(self._storage, self._key_folder)):
            raise KeyNotFoundError(f"cannot note attributes of {self._key!r}: there is no such key. Store a value first.", key=self._key)

    def _commit(self, change: Callable[[dict[str, Any]], dict[str, Any]]) -> bool:
        """Write the next revision from the newest one; False where another writer took its number, or the key was renamed."""
        standing = self._newest()
        number = standing.number + 1
        values = encode(change(dict(standing.values)), dates=True, numpy_scalars=True)
        created = datetime.datetime.now(datetime.UTC).isoformat(timespec="microseconds")
        text = seal({"attributes": values, "created": created, "format": FORMAT, "revision": number}).encode()
        path = _path(self._key_folder, number)
        if not self._storage.put(path, text, flushed=self._durable):
            return False
        alive = is_alive(self._storage, self._key_folder, numbers_of(self._storage, self._key_folder))
        numbers = revisions_of(self._storage, self._key_folder)
        if number not in numbers:
            return True  # the key was renamed since, and took the note along
        if not alive or (standing.number and standing.number not in numbers):
            # It lies with a tombstone, or with another value than it was made for: the key was deleted or renamed while we wrote.
            self._storage.remove(path)
            return False
        if self._durable:
            self._storage.prepare([])
        self._show(number, text)
        return True

    def _show(self, number: int, text: bytes) -> None:
        """Bring attributes.json in line with the newest revision, which may be another writer's by now."""
        shown = f"{self._key_folder}/{ATTRIBUTES_FILE}"
        while True:
            try:
                self._storage.replace(shown, text, flushed=self._durable)
            except FileNotFoundError:
                return  # the key was renamed, and took its notes along
            numbers = revisions_of(self._storage, self._key_folder)
            if not numbers:
                self._storage.remove(shown)  # it lies in the folder that bears the old name now
                return
            if numbers[-1] == number:
                return
            number, text = numbers[-1], self._storage.read(_path(self._key_folder, numbers[-1]))

    def __repr__(self) -> str:
        return f"Attributes of {self._key!r}: {dict(self.items())!r}"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return display.attributes_bundle(self._key, self)


def check_values(values: Mapping[Any, Any], key: str) -> None:
    """Raise OptionError where a name is no text or a value cannot be kept exactly."""
    for name, value in values.items():
        if not isinstance(name, str):
            raise OptionError(f"cannot note {name!r} about {key!r}: an attribute's name is text.", key=key)
        try:
            encode({name: value}, dates=True, numpy_scalars=True)
        except (TypeError, ValueError) as error:
            raise OptionError(
                f"cannot note {name!r} about {key!r}: {error}. "
                "Attributes are None, bool, int, float, str, list, dict, dates and numpy scalars; store anything else as a value.",
                key=key,
            ) from error


class AttributesOfKeys(Mapping[str, Attributes]):
    """``db.attributes``: the attributes of each key."""

    def __init__(self, keys: Callable[[], Iterator[str]], attributes: Callable[[Any], Attributes]) -> None:
        self._keys = keys
        self._attributes = attributes

    def __getitem__(self, key: str | tuple[str, ...]) -> Attributes:
        return self._attributes(key)

    def __iter__(self) -> Iterator[str]:
        return self._keys()

    def __len__(self) -> int:
        return sum(1 for _ in self._keys())

    def __repr__(self) -> str:
        return f"<Attributes of {len(self)} keys: db.attributes[key] gives those of one, db.attributes[key][name] = value notes one>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        text = "Attributes: db.attributes[key] gives those of a key, db.attributes[key][name] = value notes one."
        return display.text_bundle(text, f"{len(self):,} keys")
