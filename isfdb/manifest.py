"""The manifest of a version: each file's size and digest, the digest of the whole, and the seal on the record that holds them.

``docs/reference/format.md`` states the rules so that any language can check them.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import IO, Any, Final

from isfdb.errors import CorruptVersionError, DumpError, FormatVersionError, UnsafePathError
from isfdb.exact_json import compact, dumps, loads
from isfdb.hashing import digest_of, digest_of_file
from isfdb.layout.current import FORMAT, LOADER_FILE, METADATA_FILE, RESERVED_FILES

#: Name -> [size in bytes, BLAKE3 digest], for every file of a version but ``metadata.json``.
Files = dict[str, list[Any]]

NO_SEAL = "0" * 64

_READ: Final = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def walk(path: str) -> tuple[list[str], list[str]]:
    """List what a dumper left in a stage.

    Returns
    -------
    files, folders : list of str
        Relative to `path`, with ``/``; folders innermost first.

    Raises
    ------
    DumpError
        There is something that is neither a file nor a folder, or a name that isfdb keeps for itself.
    """
    files: list[str] = []
    folders: list[str] = []
    _walk(path, "", files, folders)
    folders.reverse()
    return files, folders


def _walk(path: str, prefix: str, files: list[str], folders: list[str]) -> None:
    with os.scandir(path) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            name = f"{prefix}{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                folders.append(name)
                _walk(entry.path, f"{name}/", files, folders)
            elif entry.is_file(follow_symlinks=False):
                if name in RESERVED_FILES and name != LOADER_FILE:  # which a module written for ISF brings itself
                    raise DumpError(f"the dumper wrote {name!r}, a name that isfdb keeps for itself. Choose another name.", path=name)
                files.append(name)
            else:
                raise DumpError(
                    f"the dumper left {name!r}, which is neither a file nor a folder. Links and devices cannot be kept.", path=name
                )


def files_of(path: str, names: list[str]) -> Files:
    """Return sizes and digests of files below `path`."""
    return {name: list(digest_of_file(f"{path}/{name}")) for name in names}


def digest_of_files(files: Files) -> str:
    """Return the digest of the whole: of the manifest's canonical text, so equal files give equal digests."""
    return digest_of(compact(files).encode())


def sealed(record: dict[str, Any]) -> tuple[str, str]:
    """Return the text of ``metadata.json``, and its seal: the digest of the text itself, written with zeros in the seal's place."""
    text = dumps({**record, "record": NO_SEAL})
    digest = digest_of(text.encode())
    return text.replace(f'"record": "{NO_SEAL}"', f'"record": "{digest}"', 1), digest


def seal(record: dict[str, Any]) -> str:
    """Return the text of a record with its seal."""
    return sealed(record)[0]


def is_sealed(data: bytes, record: dict[str, Any]) -> bool:
    """Say whether not one byte of a sealed record has changed."""
    found = f'"record": "{record.get("record")}"'.encode()
    return data.count(found) == 1 and digest_of(data.replace(found, f'"record": "{NO_SEAL}"'.encode())) == record.get("record")


def read_record(data: bytes, where: str) -> dict[str, Any]:
    """Read ``metadata.json`` or a tombstone.

    Raises
    ------
    CorruptVersionError
        The text is no record.
    FormatVersionError
        A newer isfdb wrote it.
    """
    try:
        record = loads(data)
        if not isinstance(record, dict) or type(record.get("format")) is not int:
            raise TypeError("it is no object with a whole number 'format'")
        _check_kinds(record)
    except (ValueError, TypeError, RecursionError) as error:
        raise CorruptVersionError(
            f"cannot read {METADATA_FILE} of {where}: {error}. Run isfdb.verify(db); an earlier version of the key may be whole.",
            path=where,
        ) from error
    if record["format"] > FORMAT:
        raise FormatVersionError(f"{where} has format {record['format']}, and this isfdb reads up to {FORMAT}. Upgrade isfdb.", path=where)
    return record


#: What the members of a record are, where they are there and not null. Whoever reads one relies on it.
_KINDS: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("activity", "by", "code", "copied", "copied_from", "describe", "earlier", "files", "isf", "slice", "unknown"), dict),
    **dict.fromkeys(("created", "digest", "dumper", "environment", "journal", "key", "logged", "nonce", "previous", "record"), str),
    **dict.fromkeys(("renamed_to", "signature"), str),
    "risks": list,
    "snapshot_of": int,
    "used": (list, dict),
}


def _check_kinds(record: dict[str, Any]) -> None:
    for name, member in record.items():
        kind = _KINDS.get(name)
        if kind is not None and member is not None and not isinstance(member, kind):
            raise TypeError(f"its {name!r} is {str(member)[:100]!r}, which isfdb never writes there")


def checked_files(record: dict[str, Any], where: str) -> Files:
    """Return the manifest of a record, having refused names that lead out of the version's folder.

    Raises
    ------
    UnsafePathError, CorruptVersionError
    """
    files = record.get("files")
    if not isinstance(files, dict):
        raise CorruptVersionError(f"{METADATA_FILE} of {where} has no manifest. Run isfdb.verify(db).", path=where)
    for name, facts in files.items():
        if name.startswith("/") or "\\" in name or "\0" in name or {"", ".", ".."} & set(name.split("/")):
            raise UnsafePathError(
                f"the manifest of {where} names {name!r}, which leads out of its folder. Do not use this version.", path=where
            )
        if not (isinstance(facts, list) and len(facts) == 2 and type(facts[0]) is int and isinstance(facts[1], str)):
            raise CorruptVersionError(
                f"the manifest of {where} says {facts!r} of {name!r}, not [size, digest]. Run isfdb.verify(db).", path=where
            )
    return files


def open_file(path: str) -> IO[bytes]:
    """Open a file to read it, and nothing else: no link is followed, no named pipe waited for.

    Raises
    ------
    OSError
    """
    descriptor = os.open(path, _READ)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return open(descriptor, "rb", buffering=0)
    os.close(descriptor)
    raise OSError(errno.EINVAL, "it is no file", path)


def is_strange_link(path: str, own: str) -> bool:
    """Say whether there is a link that isfdb did not make: the overlay of a replay has links into one folder, `own`."""
    return os.path.islink(path) and not (own and os.readlink(path).startswith(f"{own}/"))


def sizes_differ(path: str, files: Files, links_into: str = "") -> str | None:
    """Return the first file below `path` that is missing or has another size than the manifest says, and what was found; else None.

    Parameters
    ----------
    path : str
    files : dict
    links_into : str
        Folders may be links into this one: :attr:`Storage.links_into`.

    Raises
    ------
    OSError
        The system does not let us see.
    """
    folders: set[str] = set()
    for name, (size, _) in files.items():
        try:
            found = os.lstat(f"{path}/{name}")
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return f"{name} is missing"
        if "/" in name and (link := _link_to(path, name, folders, links_into)):
            return f"{link} is a link"
        if not stat.S_ISREG(found.st_mode):
            return f"{name} is not a regular file"
        if found.st_size != size:
            return f"{name} has {found.st_size:,} bytes where {size:,} were stored"
    return None


def checked_file(path: str, name: str, facts: list[Any]) -> tuple[int, str]:
    """Return a file's size, and what is wrong with it or nothing. It is read only where its size is right: one with holes may claim any.

    Raises
    ------
    OSError
        It is not there, or cannot be read.
    """
    found = os.lstat(path)
    if not stat.S_ISREG(found.st_mode):
        return 0, f"{name} is not a regular file"
    if found.st_size != facts[0]:
        return found.st_size, f"{name} has {found.st_size:,} bytes where {facts[0]:,} were stored"
    return found.st_size, "" if list(digest_of_file(path)) == facts else f"{name} has another digest than was stored"


def _link_to(path: str, name: str, known: set[str], own: str) -> str | None:
    """Return the first folder on the way to a file that is a link; those that are none are put among the known ones."""
    end = name.find("/")
    while end >= 0:
        folder = name[:end]
        if folder not in known:
            if folder != ".." and is_strange_link(f"{path}/{folder}", own):
                return folder
            known.add(folder)
        end = name.find("/", end + 1)
    return None


def copy_checked(files: Files, source: str, target: str) -> str | None:
    """Copy files from below `source` to below `target`; return the first that is not what the manifest says, else None.

    Each is read once: what was compared is what was copied.
    """
    for name, facts in files.items():
        with open_file(f"{source}/{name}") as file:
            data = file.read()
        if [len(data), digest_of(data)] != facts:
            return name
        path = f"{target}/{name}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data)
    return None
