"""What the packed buffers of an Arrow file unpack to, learned before memory is taken for them: pyarrow takes it without asking.

Reads the little of Arrow's format (flatbuffers) that says it. A file that is not understood claims nothing: pyarrow says what is wrong.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, Final

_MAGIC: Final = b"ARROW1"
_CONTINUED: Final = 0xFFFFFFFF
#: Members of tables, by their place in the format's definition.
_HEADER_TYPE, _HEADER, _BODY_LENGTH, _BUFFERS, _COMPRESSION, _DATA, _DICTIONARIES, _BATCHES = 1, 2, 3, 2, 3, 1, 2, 3
_DICTIONARY_BATCH, _RECORD_BATCH = 2, 3


def claimed_bytes(data: Any, *, at_once: bool = False) -> int:
    """Return what all packed buffers of a file say they unpack to; 0 where none is packed.

    Parameters
    ----------
    data : bytes-like
        The whole file or stream, mapped or read.
    at_once : bool
        Of the largest batch only.
    """
    view = memoryview(data).cast("B")
    most = total = 0
    try:
        for block in _blocks(view) if bytes(view[-6:]) == _MAGIC else _blocks_of_stream(view):
            claimed = sum(_claims(view, *block))
            most, total = max(most, claimed), total + claimed
    except (struct.error, IndexError):
        pass  # cut off, or no Arrow
    return most if at_once else total


def _blocks(view: memoryview) -> Iterator[tuple[int, int]]:
    """Give where the metadata and the body of each batch begin, in the order of the file's last table."""
    end = len(view) - 10
    footer = _table(view, end - _int(view, end))
    for member in (_DICTIONARIES, _BATCHES):
        vector = _followed(view, footer, member)
        for number in range(_uint(view, vector) if vector else 0):
            at = vector + 4 + 24 * number
            offset, n_metadata = struct.unpack_from("<q", view, at)[0], _int(view, at + 8)
            yield offset, offset + n_metadata


def _blocks_of_stream(view: memoryview) -> Iterator[tuple[int, int]]:
    at = 0
    while at + 8 < len(view):
        is_continued = _uint(view, at) == _CONTINUED
        body = at + (8 if is_continued else 4) + _uint(view, at + 4 * is_continued)
        length = _member(view, _table(view, at + (8 if is_continued else 4)), _BODY_LENGTH)
        yield at, body
        at = body + max(0, struct.unpack_from("<q", view, length)[0] if length else 0)


def _claims(view: memoryview, metadata: int, body: int) -> Iterator[int]:
    """Give what each packed buffer of one batch says."""
    message = _table(view, metadata + (8 if _uint(view, metadata) == _CONTINUED else 4))
    kind = _member(view, message, _HEADER_TYPE)
    batch = _followed(view, message, _HEADER)
    if kind and view[kind] == _DICTIONARY_BATCH:
        batch = _followed(view, batch, _DATA)
    if not kind or view[kind] not in (_DICTIONARY_BATCH, _RECORD_BATCH) or not _member(view, batch, _COMPRESSION):
        return
    buffers = _followed(view, batch, _BUFFERS)
    for number in range(_uint(view, buffers) if buffers else 0):
        offset, length = struct.unpack_from("<qq", view, buffers + 4 + 16 * number)
        if length >= 8:
            yield max(0, struct.unpack_from("<q", view, body + offset)[0])  # -1: it is not packed after all


# Flatbuffers --------------------------------------------------------------------------------------------------------------------------


def _int(view: memoryview, at: int) -> int:
    return int(struct.unpack_from("<i", view, at)[0])


def _uint(view: memoryview, at: int) -> int:
    return int(struct.unpack_from("<I", view, at)[0])


def _table(view: memoryview, at: int) -> int:
    return at + _uint(view, at)


def _member(view: memoryview, table: int, number: int) -> int:
    """Return where a member of a table lies; 0 where it has none."""
    names = table - _int(view, table)
    size = struct.unpack_from("<H", view, names)[0]
    offset = struct.unpack_from("<H", view, names + 4 + 2 * number)[0] if 4 + 2 * number < size else 0
    return table + offset if offset else 0


def _followed(view: memoryview, table: int, number: int) -> int:
    at = _member(view, table, number)
    return _table(view, at) if at else 0
