"""``SharedNumpyStore``: named arrays that many processes add to one folder at once, each found again by name, memory-mapped.

Not a database: no provenance of single arrays, no Python objects. What had a name before stays, as an earlier generation.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from isfdb.errors import DatabaseWarning, KeyNotFoundError, LoadError, OptionError, ReadOnlyError
from isfdb.options import option
from loaderdumpers._store_blocks import Block, array_on, descr_of, joined, order_of, path_of, pieces_of
from loaderdumpers._store_segments import MOST_WAITING
from loaderdumpers._store_state import State, claim, forget_another, held

if TYPE_CHECKING:
    import numpy as np

_MODES: Final = {"r": "r", "memmap": "r", "shared_memory": "r", "c": "c", "copy": "copy", "memory": "copy"}


class SharedNumpyStore(Mapping[str, "np.ndarray"]):
    """Named arrays in one folder, to which any number of processes add at the same time.

    A process that is killed loses nothing that was acknowledged, and is in nobody's way. Readers see whole arrays only.

    Parameters
    ----------
    path : str
        The folder.
    durability : {'full', 'process', None}
        What a stored array survives: loss of power, or only a killed process. None: as the database does it was read from, else as
        ``isfdb.set_options`` says.
    read_only : bool
        Refuse to add: the store is a snapshot, or was read from a database that was opened for reading.

    Examples
    --------
    >>> import isfdb, numpy
    >>> store = isfdb.open("results").create_shared_numpy_store("stack")
    >>> store["first"] = numpy.arange(3)
    >>> store.append_save(numpy.zeros((2, 4)), "rows")
    >>> store.append_save(numpy.ones((1, 4)), "rows")
    >>> store["rows"].shape
    (3, 4)
    >>> store.names()
    ('first', 'rows')
    """

    def __init__(self, path: str | os.PathLike[str], *, durability: str | None = None, read_only: bool = False) -> None:
        self.path = os.path.realpath(path)
        self.read_only = read_only
        self._durability = durability
        self._is_durable()  # complains of a value that cannot be
        forget_another(self.path)

    def __isfdb_opened__(self, *, durability: str | None, read_only: bool) -> None:
        """Do as the database does that the store was read from, where nothing else was asked for."""
        self._durability = self._durability or durability
        self.read_only = self.read_only or read_only

    def _is_durable(self) -> bool:
        if self._durability not in ("full", "process", None):
            raise OptionError(f"durability is {self._durability!r}; use 'full' or 'process'.")
        return bool(option("durability", self._durability) == "full")

    # Adding ----------------------------------------------------------------------------------------------------------------------

    def save(self, array: np.ndarray, name: str, *, overwrite: bool = True, autoflush: bool = True) -> None:
        """Store an array under a name. What had that name stays, as an earlier generation.

        Parameters
        ----------
        array : numpy.ndarray
            Any shape, order and dtype but Python objects.
        name : str
            Any text.
        overwrite : bool
            False: refuse a name that is taken; of several processes at the same moment one gets it.
        autoflush : bool
            False: hold it back until :meth:`flush`; then many arrays wait for the disk once.

        Raises
        ------
        KeyExistsError
            The name is taken, and `overwrite` is False.
        TypeError
            It is no plain array, or of Python objects.
        """
        facts = self._facts(array, name)
        with held(self.path) as state:
            if not overwrite:
                self._update(state)
            mine = None if overwrite else claim(state, name)
            try:
                self._add(state, array, {**facts, "op": "put"}, "data.bin", autoflush=autoflush or mine is not None)
            except BaseException:
                if mine:
                    os.unlink(mine)  # or the name would be lost for as long as this process lives
                raise
            state.forget_rows(name)

    def __setitem__(self, name: str, array: np.ndarray) -> None:
        self.save(array, name)

    def append_save(self, array: np.ndarray, name: str, autoflush: bool = True) -> None:
        """Add rows, along axis 0, to the array of a name; the first call makes it.

        Rows that one process adds lie together and are mapped as one. Several processes may add to one name: all rows are kept, in
        the order of their clocks.

        Parameters
        ----------
        array : numpy.ndarray, shape (n, ...)
            The rows.
        name : str
            Any text.
        autoflush : bool
            False: hold the rows back until :meth:`flush`.

        Raises
        ------
        ValueError
            The rows differ in shape or dtype from those that are there.
        TypeError
            It is no plain array, or of Python objects.
        """
        facts = {**self._facts(array, name), "op": "rows", "order": "C"}
        if not facts["shape"]:
            raise ValueError(f"a single number has no rows to add to {name!r}; pass an array of shape (1,), or use save()")
        rows_like = (facts["dtype"], tuple(facts["shape"][1:]))
        with held(self.path) as state:
            state.writer  # noqa: B018 - a new one knows of no rows
            state.check_rows(name, rows_like)
            self._add(state, array, facts, state.rows_file(name, rows_like), autoflush=autoflush)

    def append(self, array: np.ndarray, name: str | None = None) -> str:
        """Add rows to the array of a name; without a name, store the array under one that nobody else gives.

        Returns
        -------
        str
            The name.
        """
        if name is not None:
            self.append_save(array, name)
            return name
        with held(self.path) as state:
            name = state.unnamed()
        self.save(array, name)
        return name

    def _facts(self, array: Any, name: str) -> dict[str, Any]:
        if self.read_only:
            raise ReadOnlyError(
                f"cannot add to {self.path}: it is a snapshot, or was read from a database that was opened for reading. "
                "Add to db[key] of one opened with mode='a'.",
                database=self.path,
            )
        if type(name) is not str or not name:
            raise TypeError(f"the name of an array is text, not {name!r:.80}")
        name.encode()  # half a surrogate pair is no text
        return {"dtype": descr_of(array), "name": name, "order": order_of(array), "shape": list(array.shape)}

    def _add(self, state: State, array: Any, facts: dict[str, Any], file: str, *, autoflush: bool) -> None:
        writer = state.writer
        known = state.names.blocks.get(facts["name"])
        facts["clock"] = writer.tick(known[-1].clock if known else 0)
        writer.add(file, pieces_of(array, facts["order"]), facts)
        if autoflush or len(writer.waiting) >= MOST_WAITING:
            state.commit(durable=self._is_durable())

    def flush(self) -> None:
        """Make visible, and as durable as asked for, what was held back."""
        with held(self.path) as state:
            state.commit(durable=self._is_durable())

    def close(self) -> None:
        """Flush. The store can be used again; ISF's name."""
        self.flush()

    def __enter__(self) -> SharedNumpyStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.flush()

    # Reading ---------------------------------------------------------------------------------------------------------------------

    def load(
        self, name: str, mode: str = "r", *, start_row: int | None = None, end_row: int | None = None, generation: int = -1
    ) -> np.ndarray:
        """Return the array of a name, as it stands now.

        Parameters
        ----------
        mode : {'r', 'c', 'copy', 'memmap', 'shared_memory', 'memory'}
            ``'r'`` (for ISF's users also ``'memmap'`` and ``'shared_memory'``): read-only; mapped, unless several processes added rows.
            ``'c'``: mapped, changes stay in memory. ``'copy'`` (ISF: ``'memory'``): an ordinary array.
        start_row, end_row : int, optional
            Only these rows are read.
        generation : int
            Which of the arrays that had this name, counted from 0; -1: the newest.

        Raises
        ------
        KeyNotFoundError
            There is no such name or generation.
        LoadError
            A file is missing or was cut short.
        ValueError
            Processes added rows that do not fit together.
        """
        if mode not in _MODES:
            raise OptionError(f"mode is {mode!r}; use 'r' (read-only), 'c' (copy on write) or 'copy' (an ordinary array).")
        with held(self.path) as state:
            self._update(state)
            pieces = self._pieces(state, name, generation)
            is_private = _MODES[mode] == "c" and len(pieces) == 1
            try:
                parts = [_private(state.path, piece) if is_private else _mapped(state, piece) for piece in pieces]
            except (OSError, ValueError) as error:
                advice = "Restore the file from a copy; store.verify() names all that is damaged."
                raise LoadError(f"cannot load {name!r} from the store {self.path}: {error}. {advice}", key=name, path=self.path) from error
        array = _rows(parts, start_row, end_row) if pieces[0].shape else parts[0]
        if _MODES[mode] == "r":
            array.flags.writeable = False
        return array if array.flags.writeable == (_MODES[mode] != "r") else array.copy("K")

    def __getitem__(self, name: str) -> np.ndarray:
        return self.load(name)

    def _pieces(self, state: State, name: str, generation: int) -> list[Block]:
        pieces = list(state.names.newest.get(name, ())) if generation == -1 else []
        generations = [pieces] if pieces else state.names.generations(name)
        try:
            pieces = pieces or joined(generations[generation])
        except IndexError as error:
            what = f"{len(generations)} generations of {name!r}, and none is number {generation}" if generations else f"no array {name!r}"
            raise KeyNotFoundError(f"there is {what} in {self.path}. See store.names().", key=name) from error
        if len({piece.rows_like for piece in pieces}) > 1:
            kinds = " and ".join(sorted({f"{piece.dtype} {piece.shape[1:]} by {piece.writer}" for piece in pieces}))
            raise ValueError(f"processes added rows to {name!r} that do not fit together: {kinds}. Store them under names of their own.")
        return pieces

    def _update(self, state: State) -> None:
        known = len(state.problems)
        state.commit(durable=self._is_durable())
        state.refresh()
        if len(state.problems) > known:
            message = f"the store {self.path} has lines that cannot be read, so arrays are missing from it: {state.problems[-1]}"
            warnings.warn(f"{message}. Restore its index.jsonl from a copy; store.verify() names them all.", DatabaseWarning, stacklevel=4)

    def update(self) -> None:
        """Read what others have stored. Reading does so by itself; ISF's name."""
        with held(self.path) as state:
            self._update(state)

    def names(self) -> tuple[str, ...]:
        """Return the names of all arrays, sorted."""
        with held(self.path) as state:
            self._update(state)
            return tuple(sorted(state.names.blocks))

    def n_generations(self, name: str) -> int:
        """Return how many arrays had this name so far."""
        with held(self.path) as state:
            self._update(state)
            return len(state.names.generations(name))

    def verify(self) -> list[str]:
        """Compare every array with its digest; return what is wrong, one text each. Reads everything."""
        from blake3 import blake3

        with held(self.path) as state:
            self._update(state)
            found = list(state.problems)
            for name, block in [(name, block) for name, blocks in state.names.blocks.items() for block in blocks]:
                try:
                    piece = memoryview(state.mapped(block))[block.offset : block.offset + block.size_bytes] if block.size_bytes else b""
                    if blake3(piece).hexdigest() != block.digest:
                        found.append(f"{name!r}: {block.writer}/{block.file} is not what was stored, from byte {block.offset}")
                except (OSError, ValueError) as error:
                    found.append(f"{name!r}: {error}")
        return found

    def __contains__(self, name: object) -> bool:
        with held(self.path) as state:
            self._update(state)
            return name in state.names.blocks

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __len__(self) -> int:
        return len(self.names())

    # As Python uses it -----------------------------------------------------------------------------------------------------------

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SharedNumpyStore) and other.path == self.path

    def __hash__(self) -> int:
        return hash(self.path)

    def __getstate__(self) -> dict[str, Any]:
        self.flush()  # who gets the handle sees what is in the store
        return dict(self.__dict__)

    def __repr__(self) -> str:
        return f"<SharedNumpyStore of {len(self)} arrays, {self.path}>"


def _mapped(state: State, block: Block) -> np.ndarray:
    return array_on(state.mapped(block) if block.size_bytes else b"", block, block.offset)


def _private(folder: str, block: Block) -> np.ndarray:
    """Return an array on pages of its own, which are copied when they are changed."""
    import numpy

    if not block.size_bytes:
        return array_on(b"", block, 0)
    return array_on(numpy.memmap(path_of(folder, block), numpy.uint8, "c", block.offset, (block.size_bytes,)), block, 0)


def _rows(parts: list[np.ndarray], start: int | None, end: int | None) -> np.ndarray:
    """Return some rows of arrays that follow each other: a view where they lie in one of them."""
    import numpy

    first, last, _ = slice(start, end).indices(sum(map(len, parts)))
    found, before = [], 0
    for part in parts:
        if before < last and before + len(part) > first:
            found.append(part[max(0, first - before) : max(0, last - before)])
        before += len(part)
    if not found:
        return parts[0][:0]
    if len(found) == 1:
        return found[0]
    together = numpy.empty((sum(map(len, found)), *found[0].shape[1:]), found[0].dtype)  # concatenate() would change the order of bytes
    return numpy.concatenate(found, out=together)
