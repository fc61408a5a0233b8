"""Arrays as lines of an index, and back: which blocks of which files make the array of a name. For the shared numpy store only."""

from __future__ import annotations

import os
import re
from ast import literal_eval
from bisect import insort
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import numpy as np

_KINDS: Final = frozenset("biufcmMSUV")
_PIECE_BYTES: Final = 8 * 2**20
_FILE_NAME: Final = re.compile(r"data\.bin|rows-\d{6}\.bin")


def descr_of(array: Any) -> str:
    """Return the dtype of `array` in the words of the npy format.

    Raises
    ------
    TypeError
        Its bytes alone would not bring it back.
    """
    import numpy
    from numpy.lib import format as npy

    if type(array) not in (numpy.ndarray, numpy.memmap):
        advice = "keep data and mask apart" if isinstance(array, numpy.ma.MaskedArray) else "convert it: numpy.asarray(value)"
        raise TypeError(f"a shared numpy store keeps numpy arrays, not {type(array).__module__}.{type(array).__qualname__}; {advice}")
    dtype = array.dtype
    try:
        descr = str(npy.dtype_to_descr(dtype)) if dtype.kind in _KINDS and not dtype.hasobject and not _is_annotated(dtype) else None
        is_exact = descr is not None and dtype_of(descr) == dtype and dtype_of(descr).isalignedstruct == dtype.isalignedstruct
    except (TypeError, ValueError):  # overlapping fields
        is_exact = False
    if not is_exact:
        raise TypeError(f"a shared numpy store cannot keep arrays of dtype {dtype}: their bytes alone do not bring them back; use db[key]")
    return str(descr)


def _is_annotated(dtype: Any) -> bool:
    fields = [field[0] for field in (dtype.fields or {}).values()]
    return bool(dtype.metadata) or any(map(_is_annotated, [*fields, *([dtype.base] if dtype.subdtype else [])]))


@lru_cache(maxsize=1000)
def dtype_of(descr: str) -> np.dtype[Any]:
    """Turn the text back into a dtype; evaluates literals only."""
    import numpy
    from numpy.lib import format as npy

    return npy.descr_to_dtype(literal_eval(descr)) if descr.startswith("[") else numpy.dtype(descr)


def order_of(array: np.ndarray) -> str:
    """Say which index changes fastest: ``"F"`` for the first, ``"C"`` for the last."""
    return "F" if array.flags.f_contiguous and not array.flags.c_contiguous else "C"


def pieces_of(array: np.ndarray, order: str) -> Iterator[bytes]:
    """Give the bytes of an array in copies of a few MB: another thread may be changing it, and digest and file must agree."""
    import numpy

    if array.nbytes <= _PIECE_BYTES:
        yield array.tobytes(order)  # type: ignore[arg-type]  # mypy does not know that it is "C" or "F"
        return
    per_piece = max(1, _PIECE_BYTES // array.itemsize)
    if order == "F" or array.flags.c_contiguous:
        flat = (array.T if order == "F" else array).reshape(-1)
        for start in range(0, flat.size, per_piece):
            yield flat[start : start + per_piece].tobytes()
    else:
        for piece in numpy.nditer(array, flags=["external_loop", "buffered"], buffersize=per_piece, order="C"):
            yield piece.tobytes()


@dataclass(frozen=True, order=True, slots=True)
class Block:
    """One line of an index. Blocks are ordered by when they were written, which any two readers see alike."""

    clock: int
    writer: str
    line: int
    is_first: bool
    file: str
    offset: int
    shape: tuple[int, ...]
    dtype: str
    order: str
    digest: str

    @property
    def size_bytes(self) -> int:
        """Bytes it takes."""
        return prod(self.shape) * dtype_of(self.dtype).itemsize

    @property
    def rows_like(self) -> tuple[str, tuple[int, ...] | None]:
        """What must agree between blocks of one array: dtype, and shape but for the number of rows; None where it has no rows."""
        return self.dtype, self.shape[1:] if self.shape else None


def block_of(writer: str, line: int, record: Any) -> tuple[str, Block]:
    """Return name and block of a record.

    Raises
    ------
    ValueError
        The record is not what a store writes.
    """
    try:
        shape = tuple(record["shape"])
        texts = [record[name] for name in ("name", "dtype", "order", "digest", "file")]
        numbers = [record["clock"], record["offset"], *shape]
        is_sound = all(type(text) is str for text in texts) and all(type(number) is int and number >= 0 for number in numbers)
        is_sound = is_sound and not dtype_of(record["dtype"]).hasobject
        if not is_sound or not _FILE_NAME.fullmatch(record["file"]) or record["order"] not in ("C", "F"):
            raise ValueError("a member is of another kind")
        name, dtype, order, digest, file = texts
        return name, Block(record["clock"], writer, line, record["op"] == "put", file, record["offset"], shape, dtype, order, digest)
    except (KeyError, TypeError, ValueError, SyntaxError, RecursionError, MemoryError) as error:
        raise ValueError(f"{str(record)[:200]} is not what a store writes") from error


class Names:
    """Which blocks belong to which name, as far as was read.

    Attributes
    ----------
    blocks : dict
        All blocks of a name, in order.
    newest : dict
        The pieces of which the array of a name consists now: blocks, joined where they lie one after the other.
    """

    def __init__(self) -> None:
        self.blocks: dict[str, list[Block]] = {}
        self.newest: dict[str, list[Block]] = {}

    def add(self, name: str, block: Block) -> None:
        """Add a block in its place; nearly always that is the end."""
        known = self.blocks.setdefault(name, [])
        if known and block < known[-1]:
            insort(known, block)
            self.newest[name] = joined(self.generations(name)[-1])
        else:
            known.append(block)
            _join(self.newest.setdefault(name, []), block)

    def generations(self, name: str) -> list[list[Block]]:
        """Return the blocks of each array that was stored under a name, oldest first."""
        found: list[list[Block]] = []
        for block in self.blocks.get(name, ()):
            if block.is_first or not found:
                found.append([])
            found[-1].append(block)
        return found


def joined(blocks: list[Block]) -> list[Block]:
    """Return the pieces of which the array consists that these blocks make."""
    pieces: list[Block] = []
    for block in blocks:
        _join(pieces, block)
    return pieces


def _join(pieces: list[Block], block: Block) -> None:
    """Add a block to the pieces before it: to the last one where it lies right behind it, as rows that one process adds do."""
    if block.is_first:
        pieces.clear()
    last = pieces[-1] if pieces else None
    if last is None or not last.shape or not block.shape or last.rows_like != block.rows_like or (last.order, block.order) != ("C", "C"):
        pieces.append(block)
    elif (last.writer, last.file, last.offset + last.size_bytes) == (block.writer, block.file, block.offset):
        pieces[-1] = replace(last, shape=(last.shape[0] + block.shape[0], *last.shape[1:]))
    else:
        pieces.append(block)


def array_on(buffer: Any, block: Block, offset: int) -> np.ndarray:
    """Return the array of a block whose bytes begin at `offset` of `buffer`."""
    import numpy

    dtype = dtype_of(block.dtype)
    order: Any = block.order
    if not block.size_bytes:
        return numpy.ndarray(block.shape, dtype, order=order)
    return numpy.ndarray(block.shape, dtype, buffer, offset, order=order)


def path_of(folder: str, block: Block) -> str:
    """Return the path of the file that holds a block."""
    return os.path.join(folder, block.writer, block.file)
