"""Manifests that lie, and what stands where a file, a folder or a version should (46 to 66)."""

from __future__ import annotations

import json
import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np

from tests.hostile.corpus._items import VALUE, Place, each, item
from tests.hostile.forging import seal


def _array(folder: Path) -> None:
    np.save(folder / "data.npy", np.arange(3))


NPY: Final = {"Loader": "loaderdumpers.numpy_to_npy", "dtype": "<i8", "shape": [3], "fortran_order": False, "offset": 128}


def _manifest(place: Place, change: Callable[[dict[str, Any]], object]) -> None:
    place.forge(NPY, _array)
    record = json.loads((place.folder / "metadata.json").read_text())
    change(record["files"])
    seal(place.folder, place.key, files=record["files"])


@item(46, "no record", "CorruptVersionError")
def _(place: Place) -> None:
    place.forge(NPY, _array)
    (place.folder / "metadata.json").unlink()


_LEADING_OUT = ["../x", "/etc/passwd", "a/../../x", "a//b", ".", "..", "", "a\\..\\b", "x\0y", "a/./b"]


@each(47, {f"the manifest names {name!r}": name for name in _LEADING_OUT}, "UnsafePathError")
def _(place: Place, name: str) -> None:
    _manifest(place, lambda files: files.update({name: [1, "0" * 64]}))


@item(48, "another size", "IncompleteVersionError")
def _(place: Place) -> None:
    _manifest(place, lambda files: files["data.npy"].__setitem__(0, 7))


@each(
    48, {f"the size {size!r}": size for size in (-1, 2**70, 10**300, True, None, "3", 3.0)}, "IncompleteVersionError", "CorruptVersionError"
)
def _(place: Place, size: Any) -> None:
    _manifest(place, lambda files: files["data.npy"].__setitem__(0, size))


@item(49, "another digest", VALUE, "ChecksumMismatchError")
def _(place: Place) -> None:
    _manifest(place, lambda files: files["data.npy"].__setitem__(1, "0" * 64))


@item(50, "a file that the manifest does not name", VALUE)
def _(place: Place) -> None:
    _manifest(place, lambda files: None)
    (place.folder / "more.py").write_text(f"open({str(place.mark)!r}, 'w')")


# What stands where a file or folder should ----------------------------------------------------------------------------------------------


def _in_place(place: Place, make: Callable[[Path], object]) -> None:
    place.forge(NPY, _array)
    data = place.folder / "data.npy"
    size = data.stat().st_size
    data.unlink()
    make(data)
    if data.is_symlink() and data.is_file():
        seal(
            place.folder,
            place.key,
            files=json.loads((place.folder / "metadata.json").read_text())["files"] | {"data.npy": [size, "0" * 64]},
        )


@item(51, "a link to /etc/shadow", "IncompleteVersionError")
def _(place: Place) -> None:
    _in_place(place, lambda path: path.symlink_to("/etc/shadow"))


@item(51, "a link to a file outside", "IncompleteVersionError")
def _(place: Place) -> None:
    _in_place(place, lambda path: path.symlink_to(place.secret))


@item(52, "the key's folder is a link out of the database", "StorageError")
def _(place: Place) -> None:
    place.forge(NPY, _array)
    shutil.move(place.folder.parent, place.outside / "secret" / "key")
    place.folder.parent.symlink_to(place.outside / "secret" / "key")


@item(52, "the version's folder is a link out of the database", "StorageError")
def _(place: Place) -> None:
    place.forge(NPY, _array)
    shutil.move(place.folder, place.outside / "secret" / "version")
    place.folder.symlink_to(place.outside / "secret" / "version")


@item(52, "a folder of the version is a link out of the database", "IncompleteVersionError", "UnsafePathError")
def _(place: Place) -> None:
    spec = {"Loader": "loaderdumpers.attachment", "name": "data.npy"}
    place.forge(spec, lambda folder: shutil.copytree(place.outside / "secret", folder / "attached"))
    shutil.rmtree(place.folder / "attached")
    (place.folder / "attached").symlink_to(place.outside / "secret")


@item(53, "links that lead to each other", "IncompleteVersionError")
def _(place: Place) -> None:
    _in_place(place, lambda path: path.symlink_to("data.npy"))


@item(53, "a sub-database that contains itself")
def _(place: Place) -> None:
    (place.database / "again").symlink_to(".")
    (place.database / "above").symlink_to("..")
    (place.database / "self").symlink_to("self")


@item(54, "a pipe", "IncompleteVersionError")
def _(place: Place) -> None:
    _in_place(place, os.mkfifo)


@each(54, {f"a pipe in place of {name}": name for name in ("Loader.json", "metadata.json")}, "StorageError")
def _(place: Place, name: str) -> None:
    place.forge(NPY, _array)
    (place.folder / name).unlink()
    os.mkfifo(place.folder / name)


@item(55, "a socket", "IncompleteVersionError")
def _(place: Place) -> None:
    def listen(path: Path) -> None:
        here = os.getcwd()
        os.chdir(path.parent)  # the name of a socket is short
        try:
            with socket.socket(socket.AF_UNIX) as listening:
                listening.bind(path.name)
        finally:
            os.chdir(here)

    _in_place(place, listen)


@each(55, {f"made from {name}": name for name in ("/proc/kmsg", "/dev/zero", "/proc/self/mem", "pipe")}, VALUE)
def _(place: Place, name: str) -> None:
    if name == "pipe":
        name = str(place.outside / "an input")
        os.mkfifo(name)
    input_file = {"cell": 1, "digest": "0" * 64, "file": name, "mtime": 5.0, "size": 0}
    place.forge({"Loader": "loaderdumpers.to_json", "value": 1}, used=[input_file])


@item(58, "a folder in place of a file", "IncompleteVersionError")
def _(place: Place) -> None:
    _in_place(place, lambda path: path.mkdir())


@each(58, {f"a folder in place of {name}": name for name in ("Loader.json", "metadata.json")}, "StorageError")
def _(place: Place, name: str) -> None:
    place.forge(NPY, _array)
    (place.folder / name).unlink()
    (place.folder / name).mkdir()


# Names of versions ----------------------------------------------------------------------------------------------------------------------


@item(59, "an empty version", "CorruptVersionError", "VersionGoneError", "KeyNotFoundError")
def _(place: Place) -> None:
    place.folder.mkdir(parents=True)


@each(
    60,
    {
        f"a version called {name}": name
        for name in ("v9999999999999999999999", "v-1", "v1", "v000001.bak", "V000001", "v000000", "v٠٠٠٠٠٢", "v000002\n")
    },
    VALUE,
)
def _(place: Place, name: str) -> None:
    place.forge({"Loader": "loaderdumpers.to_json", "value": 1})
    (place.folder.parent / name).mkdir()
    (place.folder.parent / name / "Loader.json").write_text("{}")


@item(62, "a gap", VALUE)
def _(place: Place) -> None:
    place.forge({"Loader": "loaderdumpers.to_json", "value": 1})
    place.folder.rename(place.folder.with_name("v000007"))


@item(63, "a tombstone with data", "KeyNotFoundError", VALUE)
def _(place: Place) -> None:
    place.forge({"Loader": "loaderdumpers.to_json", "value": 1})
    shutil.copy(place.folder / "metadata.json", place.folder / "DELETED")


@each(
    63,
    {
        f"a tombstone of {text[:20]!r}": text
        for text in (b"", b"{", b"[" * 100_000, b'{"format": 1, "renamed_to": "\\u001b[2J\\u202e"}', b'{"format":1,"renamed_to":["x"]}')
    },
    "KeyNotFoundError",
    VALUE,
)
def _(place: Place, text: bytes) -> None:
    place.folder.mkdir(parents=True)
    (place.folder / "DELETED").write_bytes(text)


@item(64, "only stages", "KeyNotFoundError")
def _(place: Place) -> None:
    (place.folder.parent / ".stage-elsewhere-1-0123456789abcdef").mkdir(parents=True)


@item(65, "2,000 stages", VALUE)
def _(place: Place) -> None:
    place.forge({"Loader": "loaderdumpers.to_json", "value": 1})
    for number in range(2000):
        (place.folder.parent / f".stage-elsewhere-1-{number:016x}").mkdir()


@item(66, "2,000 versions that are empty", "CorruptVersionError", "VersionGoneError", "KeyNotFoundError")
def _(place: Place) -> None:
    place.forge({"Loader": "loaderdumpers.to_json", "value": 1})
    for number in range(2, 2002):
        (place.folder.parent / f"v{number:06d}").mkdir()
