"""Which keys and sub-databases a folder holds: one listing, plus a look into the few keys that carry a ``.deleted`` hint."""

from __future__ import annotations

from dataclasses import dataclass

from isfdb.index import names as names_kept
from isfdb.keys import folder_name, name_of_folder
from isfdb.layout.current import DATABASE_FILE, DELETED_SUFFIX, KEY_SUFFIX, README_FILE, join
from isfdb.storage.base import Storage
from isfdb.versions import is_alive, numbers_of

_N_SUFFIX = len(KEY_SUFFIX)


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
    return Listing(_texts(stems), [name for name in _texts(others) if _is_sub_database(storage, folder, name)])


def _texts(stems: list[str]) -> list[str]:
    # Most names need no decoding; what isfdb would never have made is no key, and verify reports it.
    joined = "\0" + "\0".join(stems)
    if "%" not in joined and "\0." not in joined:
        return stems
    return [text for stem in stems if (text := name_of_folder(stem) if "%" in stem else stem) is not None and stem[:1] != "."]


def _is_alive(storage: Storage, folder: str, stem: str) -> bool:
    key_folder = join(folder, stem + KEY_SUFFIX)
    return is_alive(storage, key_folder, numbers_of(storage, key_folder))


def _is_sub_database(storage: Storage, folder: str, name: str) -> bool:
    if name in (DATABASE_FILE, README_FILE) or name.endswith(DELETED_SUFFIX):
        return False
    return storage.is_folder(join(folder, folder_name(name)))
