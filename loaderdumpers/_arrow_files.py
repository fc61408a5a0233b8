"""Arrow files (IPC, as Feather writes them), uncompressed and in one piece, so that a column is a stretch of the file's bytes."""

from __future__ import annotations

import os
from typing import Any, Final

from isfdb.hashing import open_hashed
from isfdb.memory import require
from loaderdumpers._arrow_claims import claimed_bytes

#: Short writes are gathered; long ones go through as they are, without a copy.
_SHORT_BYTES: Final = 2**16
_GATHERED_BYTES: Final = 2**20


class _Sink:
    """A file as pyarrow wants one, over a file that computes its digest while it is written."""

    closed = False

    def __init__(self, file: open_hashed) -> None:
        self._file = file
        self._short = bytearray()

    def write(self, data: Any) -> int:
        n_bytes = memoryview(data).nbytes
        if n_bytes < _SHORT_BYTES:
            self._short += data
        if n_bytes >= _SHORT_BYTES or len(self._short) > _GATHERED_BYTES:
            self.flush()
        if n_bytes >= _SHORT_BYTES:
            self._file.write(data)
        return n_bytes

    def flush(self) -> None:
        if self._short:
            self._file.write(bytes(self._short))
            self._short.clear()

    def close(self) -> None:
        self.flush()

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False


def write_ipc(table: Any, path: str, *, compression: str | None = None) -> None:
    """Write a table to a new Arrow file.

    Parameters
    ----------
    table : pyarrow.Table
        What to write; a column in one piece stays in one piece.
    path : str
        File to create.
    compression : {'lz4', 'zstd'}, optional
        Smaller, but then a column must be unpacked to be read.
    """
    import pyarrow

    options = pyarrow.ipc.IpcWriteOptions(compression=compression)
    with open_hashed(path) as file:
        sink = _Sink(file)
        with pyarrow.ipc.new_file(pyarrow.PythonFile(sink, "w"), table.schema, options=options) as writer:
            writer.write_table(table)
        sink.flush()


class ArrowFile:
    """An Arrow file that was opened; its columns are read when they are used.

    Parameters
    ----------
    path : str
        The file.
    rows : int
        How many rows there must be.
    mmap : {'c', 'r', None}
        Map the file, so that changes stay in memory, or so that there can be none; None: read it.
    """

    def __init__(self, path: str, rows: int, mmap: str | None = None) -> None:
        import pyarrow

        self._name = os.path.basename(path)
        self.memory = Memory(path, mmap)
        try:
            require(claimed_bytes(self.memory.bytes), self._name)
            self._reader = pyarrow.ipc.open_file(pyarrow.py_buffer(self.memory.bytes))
            table = self._reader.read_all()
        except (pyarrow.ArrowInvalid, pyarrow.ArrowNotImplementedError, OSError) as error:
            raise ValueError(f"{self._name} is no whole Arrow file: {error}") from error
        if table.num_rows != rows:
            raise ValueError(f"{self._name} has {table.num_rows} rows where {rows} were stored; one of the files was changed")
        self._table = table

    def table(self, names: list[str]) -> Any:
        """Return the columns of these names.

        Raises
        ------
        ValueError
            One is missing, or damaged.
        """
        import pyarrow

        missing = sorted(set(names) - set(self._table.column_names))
        if missing:
            raise ValueError(f"{self._name} has no column {missing[0]!r}; one of the files was changed")
        table = self._table.select(names)
        try:
            table.validate()
        except pyarrow.ArrowInvalid as error:
            raise ValueError(f"{self._name} is damaged: {error}") from error
        return table

    def everything(self) -> Any:
        """Return all columns."""
        return self.table(self._table.column_names)


def list_in(table: Any, name: str, where: str) -> Any:
    """Return the members of the one list in a column, as a chunked array.

    Raises
    ------
    ValueError
        There is no such column.
    """
    import pyarrow

    if name not in table.column_names:
        raise ValueError(f"{where} has no list {name!r}; one of the files was changed")
    return pyarrow.chunked_array([table.column(name).combine_chunks().flatten()])


class Memory:
    """The bytes of a file, mapped or read."""

    def __init__(self, path: str, mmap: str | None) -> None:
        import mmap as mapping

        import numpy

        if mmap not in ("c", "r", None):
            raise ValueError(f"mmap={mmap!r} is none of 'c' (changes stay in memory), 'r' (no changes) and None (read the file)")
        with open(path, "rb") as file:
            if mmap is None or os.fstat(file.fileno()).st_size == 0:
                self.bytes: Any = bytearray(file.read())
            else:
                access = mapping.ACCESS_COPY if mmap == "c" else mapping.ACCESS_READ
                self.bytes = mapping.mmap(file.fileno(), 0, access=access)
        self._array = numpy.frombuffer(self.bytes, "u1")
        self._start = self._array.__array_interface__["data"][0]
        self._is_locked = mmap == "r"

    def own(self, view: Any) -> Any:
        """Return an array over the same bytes that may be written to, unless the file was mapped for reading only."""
        if self._is_locked or view.flags.writeable:
            return view
        start = view.__array_interface__["data"][0] - self._start
        if not 0 <= start <= self._array.size - view.nbytes:
            return view.copy()  # unpacked, or gathered from pieces: no bytes of the file
        return self._array[start : start + view.nbytes].view(view.dtype)
