"""Keeps a dict of numpy arrays in one ``data.npz``, as ``numpy.load`` reads it. Used when named, and for small arrays in containers.

The members lie uncompressed unless asked otherwise, each beginning at a multiple of 64 bytes, so that they can be memory-mapped.
Arrays of objects are refused, in storing and in reading: nothing is ever unpickled.
"""

from __future__ import annotations

import os
import struct
import sys
import zipfile
import zlib
from ast import literal_eval
from typing import TYPE_CHECKING, Any, Final

from isfdb.hashing import open_hashed
from loaderdumpers import numpy_to_npy
from loaderdumpers._numpy_facts import CHANGED
from loaderdumpers._selections import checked

if TYPE_CHECKING:
    import numpy as np

priority: Final = 24
explicit_only: Final = True
load_plainly: Final = "loaderdumpers.plainly.arrays:read_npz"
about: Final = {
    "types": ("dict",),
    "keeps": "a dict of text to numpy arrays without Python objects",
    "format": "npz",
    "files": "`data.npz`",
    "exact": True,
    "lazy": "memory map",
    "append": False,
}

_FILE: Final = "data.npz"
_ALONE: Final = "arr_0"  # as numpy.savez names an array without a name
_FIRST_DAY: Final = (1980, 1, 1, 0, 0, 0)  # equal arrays give equal files
_LOCAL_HEADER: Final = struct.Struct("<4s22xHH")
_ZIP64_FIELD: Final = 20
_PADDING_ID: Final = 0xD935  # of the field that other programs use to align members
_MAX_NAME_BYTES: Final = 60_000
#: Deflate cannot press more zeros into a byte than this; a member that claims to hold more is a lie.
_MAX_RATIO: Final = 1032
_MAX_HEADER: Final = 2**20
_SHOWN: Final = 50


def check(obj: Any) -> bool:
    """Say whether `obj` is a plain dict of text to arrays that numpy_to_npy keeps."""
    if type(obj) is not dict or "numpy" not in sys.modules:
        return False
    return all(_is_name(name) and numpy_to_npy.check(array) and not _is_map(array) for name, array in obj.items())


def _is_name(name: Any) -> bool:
    if type(name) is not str or "\0" in name or len(name) > _MAX_NAME_BYTES // 4:
        return False
    try:
        name.encode()
    except UnicodeEncodeError:  # half a surrogate pair
        return False
    return True


def _is_map(array: Any) -> bool:
    return type(array) is sys.modules["numpy"].memmap


def describe(obj: dict[str, np.ndarray] | np.ndarray) -> dict[str, Any]:
    """Return the number of arrays, their size together, and dtype and shape of the first fifty."""
    if not isinstance(obj, dict):
        return numpy_to_npy.describe(obj)
    members = {name[:100]: f"{str(array.dtype)[:60]} {list(array.shape)}" for name, array in list(obj.items())[:_SHOWN]}
    return {"type": "dict", "n_members": len(obj), "nbytes": sum(int(array.nbytes) for array in obj.values()), "members": members}


def dump(obj: dict[str, np.ndarray] | np.ndarray, savedir: str, *, compressed: bool = False) -> dict[str, Any]:
    """Write the arrays to ``data.npz``.

    Parameters
    ----------
    obj : dict of str to numpy.ndarray
        A plain dict; no arrays of objects. An array alone comes back alone, as users of ISF expect it.
    savedir : str
        Empty folder.
    compressed : bool
        Compress each array with deflate. Then nothing can be mapped.

    Raises
    ------
    TypeError
        Something in the dict cannot be kept exactly.
    ValueError
        Another thread changed an array meanwhile.
    """
    if numpy_to_npy.check(obj):
        return {**dump({_ALONE: obj}, savedir, compressed=compressed), "alone": True}
    if not check(obj) or not isinstance(obj, dict):
        raise TypeError(f"numpy_to_npz keeps a plain dict of text to numpy arrays without Python objects; {_culprit(obj)}")
    path, extras = os.path.join(savedir, _FILE), {}
    members = dict(obj)  # another thread may be adding to it
    with open_hashed(path) as file:
        sink = _Sink(file)
        with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED) as archive:  # type: ignore[call-overload]
            for name, array in members.items():
                facts = _write_member(archive, sink, name, array)
                if facts:
                    extras[name] = facts
        if not compressed:
            _compare(file, sink, members)
    if compressed:
        _compare_compressed(path, members)
    return {"n_members": len(members), **({"extras": extras} if extras else {})}


def _culprit(obj: Any) -> str:
    if type(obj) is not dict:
        return f"this is a {type(obj).__qualname__}"
    wrong = [name for name, array in obj.items() if not (_is_name(name) and numpy_to_npy.check(array) and not _is_map(array))]
    return f"it cannot keep the member {str(wrong[:1])[1:-1][:100]}"


class _Sink:
    """What zipfile writes to: knows its place, cannot go back; notes where the values of each array begin."""

    def __init__(self, file: open_hashed) -> None:
        self._file, self._place = file, 0
        self.starts: list[int] = []

    def write(self, data: Any) -> int:
        n_written = self._file.write(data)
        self._place += n_written
        return n_written

    def tell(self) -> int:
        return self._place

    def flush(self) -> None:
        """Nothing waits."""


def _write_member(archive: zipfile.ZipFile, sink: _Sink, name: str, array: np.ndarray) -> dict[str, Any]:
    """Write one array; return what its header does not say."""
    info = zipfile.ZipInfo(f"{name}.npy", _FIRST_DAY)
    info.compress_type = archive.compression
    info.external_attr = 0o600 << 16
    is_large = array.nbytes > 2**30
    before = sink.tell() + 30 + len(info.filename.encode()) + 4 + (_ZIP64_FIELD if is_large else 0)
    info.extra = struct.pack("<HH", _PADDING_ID, -before % 64) + bytes(-before % 64)
    with archive.open(info, "w", force_zip64=is_large) as stream:
        start = sink.tell()
        facts = numpy_to_npy.write_into(stream, array)
    sink.starts.append(start + facts["offset"])
    return {name: facts[name] for name in ("exact", "long_double", "subclass") if name in facts}


def _compare(file: open_hashed, sink: _Sink, arrays: dict[str, np.ndarray]) -> None:
    """Compare all arrays with what was written, after the last was: together they are what memory held at the moment between."""
    for (name, array), start in zip(arrays.items(), sink.starts, strict=True):
        if not numpy_to_npy.is_held(file, array, start):
            raise ValueError(f"{name!r}: {CHANGED}")


def _compare_compressed(path: str, arrays: dict[str, np.ndarray]) -> None:
    with zipfile.ZipFile(path) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy") as stream:
                _header(stream, name)
                if not all(_comes_next(stream, memoryview(piece)) for piece in numpy_to_npy.pieces_of(array)):
                    raise ValueError(f"{name!r}: {CHANGED}")


def _comes_next(stream: Any, piece: memoryview) -> bool:
    step = 2**20
    return all(stream.read(min(step, len(piece) - at)) == bytes(piece[at : at + step]) for at in range(0, len(piece), step))


class Loader:
    """Reads or maps arrays.

    Parameters
    ----------
    n_members : int
        How many arrays were stored.
    extras : dict, optional
        By name, what the header of an array does not say: as the arguments of numpy_to_npy.
    alone : bool
        An array was stored, not a dict.
    """

    def __init__(self, *, n_members: int, extras: dict[str, Any] | None = None, alone: bool = False) -> None:
        self._n_members, self._extras, self._alone = n_members, extras or {}, alone

    def get(self, savedir: str, *, members: list[str] | None = None, mmap: str | None = None, select: Any = None) -> Any:
        """Return the dict of arrays, some of them, or one.

        Parameters
        ----------
        savedir : str
            Folder of the version.
        members : list of str, optional
            Read only these, in this order.
        mmap : {'r', 'c', None}
            Map the arrays, as numpy_to_npy does.
        select : str or tuple, optional
            A name: return that array alone. A name followed by an index: ``("rates", slice(0, 10))`` gives ten rows of it.
            Where an array was stored alone: an index.

        Raises
        ------
        ValueError
            The file is not what was stored.
        KeyError
            There is no such member.
        """
        numpy_to_npy.check_mmap(mmap)
        path = os.path.join(savedir, _FILE)
        try:
            with zipfile.ZipFile(path) as archive:
                infos = self._infos(archive)
                if self._alone:
                    return self._read(archive, path, _ALONE, infos, mmap, select)
                if select is None:
                    return {name: self._read(archive, path, name, infos, mmap, None) for name in (infos if members is None else members)}
                name, index = (select[0], select[1:] or None) if isinstance(select, tuple) else (select, None)
                return self._read(archive, path, name, infos, mmap, index)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, struct.error) as error:
            raise ValueError(f"{_FILE} is damaged ({error}); restore it from a copy") from error

    def _infos(self, archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
        infos = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
        n_found = len(archive.infolist())
        if not n_found == len(infos) == self._n_members:
            raise ValueError(f"{_FILE} has {n_found} arrays under {len(infos)} names where {self._n_members} were stored; restore it")
        return infos

    def _read(self, archive: Any, path: str, name: Any, infos: dict[str, Any], mmap: str | None, select: Any) -> Any:
        if not isinstance(name, str) or name not in infos:
            known = ", ".join(map(repr, list(infos)[:10]))
            raise KeyError(f"there is no array {name!r} in {_FILE}; it has {known}{' ...' if len(infos) > 10 else ''}")
        info = infos[name]
        if info.compress_type == zipfile.ZIP_STORED:
            start = _start_of(path, info)
            with open(path, "rb") as file:
                file.seek(start)
                facts = _header(file, name) | self._extras.get(name, {})
            loader = numpy_to_npy.Loader(**facts)
            return loader.read(path, mmap=mmap, select=select, before=start, length=info.file_size)
        if mmap:
            raise ValueError(f"{name!r} was stored compressed and cannot be mapped; read it without mmap=")
        array = self._unpressed(archive, info, name)
        return array if select is None else array[checked(select)].copy()

    def _unpressed(self, archive: Any, info: Any, name: str) -> Any:
        if info.compress_type != zipfile.ZIP_DEFLATED or info.file_size > _MAX_RATIO * info.compress_size + _MAX_HEADER:
            raise ValueError(f"{name!r} in {_FILE} claims {info.file_size} bytes in {info.compress_size}; the file was changed")
        with archive.open(info) as stream:
            facts = _header(stream, name)
            loader = numpy_to_npy.Loader(**facts, **self._extras.get(name, {}))
            return loader.read_stream(stream, info.file_size, f"{name}.npy in {_FILE}")


def _start_of(path: str, info: zipfile.ZipInfo) -> int:
    """Return where a member's bytes begin, having seen that they lie in the file."""
    with open(path, "rb") as file:
        file.seek(info.header_offset)
        signature, name_bytes, extra_bytes = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
        start = info.header_offset + _LOCAL_HEADER.size + int(name_bytes) + int(extra_bytes)
        if signature != b"PK\3\4" or info.file_size != info.compress_size or start + info.file_size > os.fstat(file.fileno()).st_size:
            raise ValueError(f"{info.filename!r} does not lie in {_FILE} where its directory says; restore it from a copy")
    return start


def _header(file: Any, name: str) -> dict[str, Any]:
    """Read the header of an npy file, which must be as isfdb writes it; evaluates literals only."""
    try:
        lead = file.read(8)
        size_bytes = 2 if lead[6:] == b"\1\0" else 4
        length = int.from_bytes(file.read(size_bytes), "little")
        text = file.read(length).decode() if lead[:6] == b"\x93NUMPY" and length <= _MAX_HEADER else ""
        said = literal_eval(text.strip())
        descr = said["descr"] if isinstance(said["descr"], str) else str(said["descr"])
        shape, fortran = said["shape"], said["fortran_order"]
        if len(numpy_to_npy.header_of(descr, shape, fortran)) != 8 + size_bytes + length or any(type(side) is not int for side in shape):
            raise ValueError("it is not as isfdb writes it")
    except (ValueError, SyntaxError, KeyError, TypeError, UnicodeDecodeError, RecursionError, MemoryError) as error:
        raise ValueError(f"the header of {name!r} in {_FILE} cannot be read ({str(error)[:100]}); restore it from a copy") from error
    return {"dtype": descr, "shape": list(shape), "fortran_order": fortran, "offset": 8 + size_bytes + length}
