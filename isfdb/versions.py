"""Which versions a key has, and which one is meant: by listing, never by probing names. Reads JSON only, never data."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, SupportsIndex

from isfdb.errors import CorruptVersionError, OptionError, VersionNotFoundError
from isfdb.layout.current import METADATA_FILE, RECLAIMED_FILE, TOMBSTONE_FILE, join, version_name, version_number
from isfdb.manifest import read_record
from isfdb.storage.base import Storage


def numbers_of(storage: Storage, key_folder: str) -> list[int]:
    """Return the version numbers of a key, ascending; empty where the key never was."""
    numbers = [number for name in storage.list(key_folder) if (number := version_number(name))]
    numbers.sort()
    return numbers


@dataclass(frozen=True)
class VersionState:
    """What the names and the record in one version folder say."""

    number: int
    folder: str
    record: dict[str, Any]
    is_tombstone: bool
    is_reclaimed: bool


def state_of(storage: Storage, key_folder: str, number: int) -> VersionState:
    """Read the record of a version or tombstone.

    Raises
    ------
    FileNotFoundError
        There is no such version, or it has no record.
    CorruptVersionError
        The record cannot be understood.
    """
    folder = join(key_folder, version_name(number))
    names = storage.list(folder)
    is_tombstone = TOMBSTONE_FILE in names
    data = storage.read(f"{folder}/{TOMBSTONE_FILE if is_tombstone else METADATA_FILE}")
    return VersionState(number, folder, read_record(data, folder), is_tombstone, RECLAIMED_FILE in names)


def original_of(record: dict[str, Any], numbers: list[int]) -> int | None:
    """Return the version that a snapshot froze, which is what reading its key gives; None where `record` is of no snapshot."""
    original = record.get("snapshot_of")
    return original if type(original) is int and original in numbers[:-1] else None


def is_alive(storage: Storage, key_folder: str, numbers: list[int]) -> bool:
    """Say whether the newest version is a value, not a tombstone."""
    return bool(numbers) and TOMBSTONE_FILE not in storage.list(join(key_folder, version_name(numbers[-1])))


def pick(storage: Storage, key_folder: str, numbers: list[int], version: int | str | datetime.date, key: str) -> int:
    """Return the number of the version that is meant.

    Parameters
    ----------
    version : int or str or date or datetime
        A number; a date, meaning the value as it stood then (ISO-8601 text will do; without offset: UTC); or the first
        six or more digits of a digest.

    Raises
    ------
    VersionNotFoundError
        There is no such version.
    OptionError
        `version` is none of these.
    """
    if isinstance(version, bool) or not isinstance(version, (SupportsIndex, str, datetime.date)):
        raise OptionError(f"version={version!r} of {key!r} is no number, date or digest. A Version has a .number to pass.", key=key)
    if isinstance(version, SupportsIndex):  # numpy's integers too
        found = int(version) if version in numbers else None
    elif isinstance(version, datetime.date) or "-" in version:
        found = _at(storage, key_folder, numbers, _moment(version, key))
    else:
        found = _with_digest(storage, key_folder, numbers, version, key)
    if found is None:
        shown = f"{numbers[0]} to {numbers[-1]}" if len(numbers) > 1 else ", ".join(map(str, numbers))
        raise VersionNotFoundError(
            f"{key!r} has no version {version!s}; it has {shown or 'none'}. See db.versions({key!r}).", key=key, version=version
        )
    return found


def _moment(version: datetime.date | str, key: str) -> datetime.datetime:
    if isinstance(version, str):
        try:
            version = datetime.datetime.fromisoformat(version)
        except ValueError as error:
            raise OptionError(f"version={version!r} of {key!r} is neither a date nor a digest: {error}.", key=key) from error
    if not isinstance(version, datetime.datetime):
        version = datetime.datetime.combine(version, datetime.time.max)
    return version if version.tzinfo else version.replace(tzinfo=datetime.UTC)


def created_at(record: Mapping[str, Any]) -> datetime.datetime:
    """Return when a version was published.

    Raises
    ------
    CorruptVersionError
        The record does not say it.
    """
    try:
        created = datetime.datetime.fromisoformat(record["created"])
    except (KeyError, TypeError, ValueError) as error:
        raise CorruptVersionError(f"the record of {record.get('key')!r} gives no time of its making. Run isfdb.verify(db).") from error
    return created if created.tzinfo else created.replace(tzinfo=datetime.UTC)


def _at(storage: Storage, key_folder: str, numbers: list[int], moment: datetime.datetime) -> int | None:
    for number in reversed(numbers):
        if created_at(state_of(storage, key_folder, number).record) <= moment:
            return number
    return None


def _with_digest(storage: Storage, key_folder: str, numbers: list[int], digest: str, key: str) -> int | None:
    if len(digest) < 6 or set(digest) - set("0123456789abcdef"):
        raise OptionError(
            f"version={digest!r} of {key!r} is no number, date or digest; of a digest give six hexadecimal digits or more.", key=key
        )
    for number in reversed(numbers):
        if str(state_of(storage, key_folder, number).record.get("digest", "")).startswith(digest):
            return number
    return None
