"""Writes an export: a zip file or a folder, whole or not at all. It reads each file once, and hashes it while it is copied."""

from __future__ import annotations

import hashlib
import os
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO, Final

from blake3 import blake3

from isfdb.errors import ExportError, ExportExistsError
from isfdb.exporting.contents import Item
from isfdb.manifest import open_file

#: Files with these endings are packed; the others are packed already, or are numbers that hardly become smaller.
_PACKED: Final = (".json", ".jsonl", ".txt", ".py", ".patch", ".csv", ".svg", ".html", ".yaml", ".md")

_COPIED_BYTES: Final = 2**20

#: What a folder that replaces another must find in it: only an export is replaced.
_MARK: Final = "ro-crate-metadata.json"


class UnreadableError(Exception):
    """A file that was to be copied cannot be opened; the message says why. Never reaches a user: the export says what is left out."""


@dataclass(frozen=True)
class Written:
    """A file of an export, as it was written.

    Attributes
    ----------
    size : int
        In bytes.
    sha256, digest : str
        SHA-256 and BLAKE3, in hexadecimal digits.
    expected : str or None
        BLAKE3 that a record gives for it.
    """

    path: str
    size: int
    sha256: str
    digest: str
    expected: str | None

    @property
    def is_as_stored(self) -> bool:
        """It is what its record says, or no record says anything."""
        return self.expected in (None, self.digest)


class Archive:
    """A place for files: a zip file where the name ends with ``.zip``, else a folder. Made by :func:`writing`."""

    def __init__(self, path: str, *, is_zip: bool) -> None:
        self._path = path
        self._zip = zipfile.ZipFile(path, "x", allowZip64=True, strict_timestamps=False) if is_zip else None
        self.written: list[Written] = []

    def add(self, item: Item) -> Written:
        """Copy one file.

        Raises
        ------
        UnreadableError
            It cannot be read, and the archive is as if nobody had asked.
        """
        with _blocks(item.source) as blocks, self._open(item) as target:
            size, sha256, digest = _copy(blocks, target)
        written = Written(item.path, size, sha256, digest, item.digest)
        self.written.append(written)
        return written

    @contextmanager
    def _open(self, item: Item) -> Iterator[IO[bytes]]:
        if self._zip is None:
            path = f"{self._path}/{item.path}"
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "xb") as file:
                yield file
            return
        info = zipfile.ZipInfo(item.path)  # all of one date, the first a zip can have: the same files make the same archive
        info.external_attr = 0o644 << 16
        info.compress_type = zipfile.ZIP_DEFLATED if item.path.endswith(_PACKED) else zipfile.ZIP_STORED
        with self._zip.open(info, "w", force_zip64=not isinstance(item.source, bytes)) as entry:
            yield entry

    def close(self) -> None:
        """Finish a zip file."""
        if self._zip is not None:
            self._zip.close()


@contextmanager
def _blocks(source: bytes | str) -> Iterator[Iterator[bytes]]:
    if isinstance(source, bytes):
        yield iter([source])
        return
    try:
        file = open_file(source)
    except OSError as error:
        raise UnreadableError("is missing" if isinstance(error, FileNotFoundError) else f"cannot be read: {error.strerror}") from error
    with file:
        yield iter(lambda: file.read(_COPIED_BYTES), b"")


def _copy(blocks: Iterator[bytes], target: IO[bytes]) -> tuple[int, str, str]:
    sha256, digest, size = hashlib.sha256(), blake3(), 0
    for block in blocks:
        sha256.update(block)
        digest.update(block)
        target.write(block)
        size += len(block)
    return size, sha256.hexdigest(), str(digest.hexdigest())


@contextmanager
def writing(target: str, *, overwrite: bool) -> Iterator[Archive]:
    """Write an export beside its target, and give it its name once it is whole.

    Parameters
    ----------
    target : str
        A zip file if its name ends with ``.zip``, else a folder.
    overwrite : bool
        Replace what is there: any file, but no folder that is not an export itself.

    Raises
    ------
    ExportExistsError
        Something is there.
    ExportError
        It could not be written.
    """
    is_zip = target.endswith(".zip")
    refuse_existing(target, overwrite=overwrite, is_folder=not is_zip)
    aside = beside(target)
    try:
        if not is_zip:
            os.mkdir(aside)
        archive = Archive(aside, is_zip=is_zip)
        try:
            yield archive
        finally:
            archive.close()
        publish(aside, target, overwrite=overwrite)
    except OSError as error:
        raise ExportError(f"cannot write {target}: {error.strerror or error}. Choose another place.", path=target) from error
    finally:
        _remove(aside)


def write_text(target: str, text: str, *, overwrite: bool) -> int:
    """Write one file, whole or not at all, and return its bytes."""
    refuse_existing(target, overwrite=overwrite, is_folder=False)
    aside, data = beside(target), text.encode()
    try:
        with open(aside, "xb") as file:
            file.write(data)
        publish(aside, target, overwrite=overwrite)
    except OSError as error:
        raise ExportError(f"cannot write {target}: {error.strerror or error}. Choose another place.", path=target) from error
    finally:
        _remove(aside)
    return len(data)


def beside(target: str) -> str:
    """Return a name in the folder of the target that nobody else uses."""
    folder, name = os.path.split(target)
    return f"{folder}/.{name[:100]}.{os.urandom(8).hex()}.part"


def refuse_existing(target: str, *, overwrite: bool, is_folder: bool) -> None:
    """Refuse a target that is taken, before hours of copying."""
    if not os.path.lexists(target):
        return
    if not overwrite:
        raise ExportExistsError(f"there is something at {target}. Choose another name, or replace it: overwrite=True.", path=target)
    is_replaceable = os.path.isfile(f"{target}/{_MARK}") if is_folder else os.path.isfile(target)
    if not is_replaceable:
        what = f"a folder without {_MARK}, so no export" if is_folder else "no file"
        raise ExportExistsError(f"cannot replace {target}: it is {what}. Choose another name.", path=target)


def publish(aside: str, target: str, *, overwrite: bool) -> None:
    """Give what was written its name."""
    _flush(aside)
    if os.path.isdir(aside):
        refuse_existing(target, overwrite=overwrite, is_folder=True)
        old = beside(target) if os.path.lexists(target) else None
        if old is not None:
            os.rename(target, old)
        os.rename(aside, target)
        if old is not None:
            shutil.rmtree(old)
    elif overwrite:
        os.replace(aside, target)
    else:
        _link(aside, target)


def _link(aside: str, target: str) -> None:
    """Give a file its name only if that is free, at the moment it is given."""
    try:
        os.link(aside, target)
    except FileExistsError as error:
        raise ExportExistsError(f"there is something at {target} by now. Choose another name.", path=target) from error
    except OSError:  # a file system without links
        refuse_existing(target, overwrite=False, is_folder=False)
        os.rename(aside, target)


def _flush(path: str) -> None:
    for folder, _, names in os.walk(path) if os.path.isdir(path) else [(os.path.dirname(path), [], [os.path.basename(path)])]:
        for name in names:
            with open(f"{folder}/{name}", "rb") as file:
                os.fsync(file.fileno())


def _remove(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(FileNotFoundError):
            os.remove(path)
