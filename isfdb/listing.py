"""Which keys and sub-databases a folder holds: one listing, plus a look into the few keys that carry a ``.deleted`` hint."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from isfdb.index import names as names_kept
from isfdb.keys import MAX_NAME_BYTES, RESERVED_NAMES, name_of_folder
from isfdb.layout.current import DATABASE_FILE, DELETED_SUFFIX, KEY_SUFFIX, PRIVATE_FOLDER, README_FILE, join
from isfdb.storage.base import Storage
from isfdb.versions import is_alive, numbers_of

_N_SUFFIX = len(KEY_SUFFIX)
_ORDINARY_ASCII = re.compile(r"[A-Za-z0-9_ .+=,@()\-\0]*")  # a class and nothing more: a hundred thousand names take 1 ms
_ORDINARY = re.compile(r"[\w .+=,@()\-\0]*")  # ten times as slow


@dataclass(frozen=True)
class Listing:
    """Names in one database folder, unsorted."""

    keys: list[str]
    sub_databases: list[str]


def list_folder(storage: Storage, folder: str, *, deleted: bool = False) -> Listing:
    """List a database folder.

    Parameters
    ----------
    deleted : bool
        Give deleted keys as well.
    """
    watched = storage.watched_folder(folder)
    names = names_kept(watched, lambda: storage.list(folder)) if watched else storage.list(folder)
    stems = [name[:-_N_SUFFIX] for name in names if name[-_N_SUFFIX:] == KEY_SUFFIX]  # endswith() takes twice as long
    others = [name for name in names if not name.endswith(KEY_SUFFIX)] if len(stems) < len(names) else []
    hinted = {name.removesuffix(DELETED_SUFFIX) for name in others if name.endswith(DELETED_SUFFIX)}
    if hinted and not deleted:
        stems = [stem for stem in stems if stem not in hinted or _is_alive(storage, folder, stem)]
    return Listing(_texts(stems), [text for name in others if (text := _sub_database(storage, folder, name))])


def _texts(stems: list[str]) -> list[str]:
    # Most names need no decoding; what isfdb would never have made is no key, and verify reports it.
    if are_ordinary(stems):
        return stems
    return [text for stem in stems if (text := name_of_folder(stem)) is not None]


def are_ordinary(stems: list[str]) -> bool:
    """Say whether names of folders, or of keys, stand for themselves.

    A few looks at all of them together: asking one by one takes a hundred times as long.
    """
    joined = "\0" + "\0".join(stems) + "\0"
    return (
        (_ORDINARY_ASCII if joined.isascii() else _ORDINARY).fullmatch(joined) is not None
        and not any(edge in joined for edge in ("\0.", ".\0", "\0 ", " \0"))
        and unicodedata.is_normalized("NFC", joined)
        and RESERVED_NAMES.isdisjoint(stems)
        and max(map(len, stems), default=0) <= MAX_NAME_BYTES // 4
    )


def _is_alive(storage: Storage, folder: str, stem: str) -> bool:
    key_folder = join(folder, stem + KEY_SUFFIX)
    return is_alive(storage, key_folder, numbers_of(storage, key_folder))


def _sub_database(storage: Storage, folder: str, name: str) -> str | None:
    """Return the key of the sub-database that a folder is, None where it is none."""
    if name.endswith(DELETED_SUFFIX) or name in (PRIVATE_FOLDER, DATABASE_FILE, README_FILE):
        return None
    text = name_of_folder(name)
    return text if text is not None and storage.is_folder(join(folder, name)) else None
