"""Which keys may have been meant by one that does not exist: lists the folder in which it would lie, and looks into nothing else."""

from __future__ import annotations

from isfdb.errors import IsfdbError
from isfdb.index import names as names_kept
from isfdb.keys import name_of_folder, split_key
from isfdb.layout.current import DELETED_SUFFIX, KEY_SUFFIX, PRIVATE_FOLDER, join
from isfdb.nearness import nearest
from isfdb.storage.base import Storage


def near_keys(storage: Storage, key_folder: str, key: str) -> tuple[str, ...]:
    """Return keys whose names are near that of a key which is not there; where its sub-database is missing, that one's neighbours.

    Parameters
    ----------
    key_folder : str
        Where the key would lie.
    key : str
        As it was asked for: as many of the folder's names as it has are looked at.
    """
    try:
        return _near(storage, key_folder.removesuffix(KEY_SUFFIX), split_key(key))
    except (IsfdbError, OSError):
        return ()  # it is an error's message that asks


def _near(storage: Storage, key_folder: str, names: tuple[str, ...]) -> tuple[str, ...]:
    folder = "/".join(key_folder.split("/")[: -len(names)])
    for depth, (part, name) in enumerate(zip(key_folder.split("/")[-len(names) :], names, strict=True)):
        is_last = depth == len(names) - 1
        if is_last and storage.is_folder(join(folder, part) + KEY_SUFFIX):
            return ()  # deleted or damaged: it was meant, and who asks for one of many such need not wait for a listing each time
        if is_last or not storage.is_folder(join(folder, part)):
            known = _names(storage, folder, with_keys=is_last)
            return tuple(["/".join([*names[:depth], near]) for near in nearest(name, known)])
        folder = join(folder, part)
    return ()


def _names(storage: Storage, folder: str, *, with_keys: bool) -> list[str]:
    """List what is there by name alone: that a folder is a sub-database, and a key with a hint alive, would take a look into each."""
    watched = storage.watched_folder(folder)
    entries = names_kept(watched, lambda: storage.list(folder)) if watched else storage.list(folder)
    gone = {entry.removesuffix(DELETED_SUFFIX) for entry in entries if entry.endswith(DELETED_SUFFIX)}
    stems = [entry.removesuffix(KEY_SUFFIX) for entry in entries if entry.endswith(KEY_SUFFIX)] if with_keys else []
    others = [entry for entry in entries if "." not in entry[:1] and not entry.endswith((KEY_SUFFIX, DELETED_SUFFIX, ".json", ".txt"))]
    found = [name_of_folder(entry) for entry in [*[stem for stem in stems if stem not in gone], *others] if entry != PRIVATE_FOLDER]
    return [name for name in found if name is not None]
