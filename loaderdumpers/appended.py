"""Reads and writes a value that ``db.append`` has made longer: blocks in a row, most of them in folders of earlier versions.

What a block holds, and how blocks become one value, the loaderdumper of the blocks knows. Only ``db.append`` stores values this way.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from isfdb.blocks import OWN, Block, Grown
from isfdb.parts import dump_part, load_part
from isfdb.plugins import loaderdumper

if TYPE_CHECKING:
    from collections.abc import Iterator

priority: Final = 80
explicit_only: Final = True
has_parts: Final = True
load_plainly: Final = "loaderdumpers.plainly.frames:read_appended"
about: Final = {
    "types": ("isfdb.blocks.Grown",),
    "keeps": "what db.append made longer: arrays and tables, in blocks",
    "format": "that of its blocks",
    "files": "`block/`, and folders of earlier versions",
    "exact": True,
    "lazy": "select=, lazy=True",
    "append": True,
}


def check(obj: Any) -> bool:
    """Say whether `obj` is a plan that ``db.append`` made."""
    return type(obj) is Grown


def describe(obj: Grown) -> dict[str, Any]:
    """Return what the loaderdumper of the blocks says of one, with the size of the whole."""
    module, blocks = loaderdumper(obj.of), [*obj.kept, *obj.merged]
    facts = dict(module.describe(obj.addition))
    n_rows = sum(block.extent for block in blocks) + module.extent(obj.addition, obj.axis)
    if isinstance(facts.get("shape"), list) and len(facts["shape"]) > obj.axis:
        facts["shape"] = [n_rows if place == obj.axis else side for place, side in enumerate(facts["shape"])]
    if "rows" in facts:
        facts["rows"] = n_rows
    if "nbytes" in facts and module.extent(obj.addition, obj.axis):
        facts["nbytes"] = facts["nbytes"] * n_rows // module.extent(obj.addition, obj.axis)
    return facts | {"blocks": len(obj.kept) + 1}


def dump(obj: Grown, savedir: str) -> dict[str, Any]:
    """Write the newest block into ``block/``; the others stay where they are.

    Raises
    ------
    TypeError
        `obj` does not come from ``db.append``.
    """
    if not check(obj):
        raise TypeError(f"appended keeps what db.append makes, not {type(obj).__qualname__}; leave the choice to isfdb")
    module, value = loaderdumper(obj.of), obj.addition
    if obj.merged:
        value = module.join([*[load_part(block.spec, _folder(savedir, block)) for block in obj.merged], value], obj.axis)
    spec = dump_part(value, os.path.join(savedir, OWN), dumper=obj.of)
    newest = Block(OWN, module.extent(value, obj.axis), obj.n_appends, _size(os.path.join(savedir, OWN)), spec)
    return {"axis": obj.axis, "of": obj.of, "blocks": [block.to_json() for block in (*obj.kept, newest)]}


def _folder(savedir: str, block: Block) -> str:
    return os.path.normpath(os.path.join(savedir, block.place))


def _size(folder: str) -> int:
    return sum(os.path.getsize(os.path.join(path, name)) for path, _, names in os.walk(folder) for name in names)


def _first_from(numbers: range, bound: int) -> int:
    """Return the place of the first number in an ascending range that is not below `bound`; its length where there is none."""
    return min(len(numbers), max(0, -(-(bound - numbers.start) // numbers.step)))


def _rows(value: Any) -> Any:
    """Return what takes an index by position: of a table its ``iloc``."""
    return getattr(value, "iloc", value)


class Loader:
    """Reads blocks as one value.

    Parameters
    ----------
    axis : int
        Along which the value grew.
    of : str
        Name of the blocks' loaderdumper.
    blocks : list
        Place, extent, number of appends, size in bytes and spec of each.
    """

    def __init__(self, *, axis: int, of: str, blocks: list[Any]) -> None:
        self._axis, self._of = axis, of
        self._blocks = [Block.from_json(block) for block in blocks]

    def get(self, savedir: str, *, select: Any = None, columns: list[Any] | None = None, lazy: bool = False) -> Any:
        """Return the value.

        Parameters
        ----------
        savedir : str
            Folder of the version.
        select : index, optional
            Part of the value: ``numpy.s_[100:200, 3]`` of an array, rows and columns of a table. Other blocks are not opened.
        columns : list of labels, optional
            Of a table, these columns.
        lazy : bool
            Return a dask array, or dask table, with a chunk for each block.

        Raises
        ------
        ValueError
            The files contradict each other, or the selection is none.
        """
        options = {} if columns is None else {"columns": columns}
        if lazy and select is not None:
            raise ValueError("select= reads now and lazy=True later; index what lazy=True returns")
        if lazy:
            return self._lazy(savedir, options)
        if select is not None:
            return self._select(savedir, select, options)
        values = [load_part(block.spec, _folder(savedir, block), **options) for block in self._blocks]
        return loaderdumper(self._of).join(values, self._axis)

    def _select(self, savedir: str, select: Any, options: dict[str, Any]) -> Any:
        """Read, of each block, the rows that are asked for."""
        before, rows, after = self._around(select)
        total = sum(block.extent for block in self._blocks)
        if not isinstance(rows, slice) and not -total <= rows < total:
            raise ValueError(f"index {rows} along axis {self._axis} was asked for; there are {total:,}")
        numbers = range(total)[rows if isinstance(rows, slice) else slice(rows, rows + 1 or None)]
        ascending = numbers if numbers.step > 0 else numbers[::-1]
        parts = []
        for block, local in self._overlapping(ascending):
            chosen = (*before, local, *after)
            parts.append(load_part(block.spec, _folder(savedir, block), select=chosen if len(chosen) > 1 else local, **options))
        # An index that is a whole number drops its axis; the parts are joined along what is then left of ours.
        axis = self._axis - sum(isinstance(one, int) for one in before)
        value = loaderdumper(self._of).join(parts, axis)
        rest = (slice(None),) * axis
        if numbers.step < 0:
            value = _rows(value)[(*rest, slice(None, None, -1))]
        return value if isinstance(rows, slice) else _rows(value)[(*rest, 0)]

    def _around(self, select: Any) -> tuple[tuple[Any, ...], Any, tuple[Any, ...]]:
        """Part a selection into what stands before the axis that grew, for that axis, and after it."""
        import operator

        parts = list(select) if isinstance(select, tuple) else [select]
        ellipses = [place for place, part in enumerate(parts) if part is Ellipsis]
        if len(ellipses) > 1 or any(part is None or isinstance(part, bool) for part in parts):  # these move axes, ours among them
            raise ValueError(f"of a value that grew, select takes slices, whole numbers and one '...', not {str(select)[:80]}")
        for place in ellipses:
            n_axes = len(self._blocks[0].spec.get("shape", (0, 0)))
            parts[place : place + 1] = [slice(None)] * (n_axes - len(parts) + 1)
        parts += [slice(None)] * (self._axis + 1 - len(parts))
        rows = parts[self._axis]
        try:
            rows = rows if isinstance(rows, slice) else operator.index(rows)
        except TypeError as error:
            advice = "a slice, as numpy.s_[100:200], or a whole number"
            raise ValueError(f"along axis {self._axis}, which grew, select takes {advice}, not {str(rows)[:80]}") from error
        before = [operator.index(part) if hasattr(part, "__index__") else part for part in parts[: self._axis]]
        return tuple(before), rows, tuple(parts[self._axis + 1 :])

    def _overlapping(self, numbers: range) -> Iterator[tuple[Block, slice]]:
        """Give the blocks in which rows of an ascending range lie, with the rows as each block counts them; one block at least."""
        first = 0
        found = False
        for block in self._blocks:
            past = first + block.extent
            start = _first_from(numbers, first)
            stop = _first_from(numbers, past)
            if start < stop:
                found = True
                yield block, slice(numbers[start] - first, numbers[stop - 1] - first + 1, numbers.step)
            first = past
        if not found:
            yield self._blocks[0], slice(0, 0)

    def _lazy(self, savedir: str, options: dict[str, Any]) -> Any:
        """Return a dask collection with a chunk for each block."""
        module = loaderdumper(self._of)
        folders = [os.path.abspath(_folder(savedir, block)) for block in self._blocks]
        blocks = list(zip([block.spec for block in self._blocks], folders, strict=True))
        lengths = [block.extent for block in self._blocks]
        if not hasattr(module, "join_lazily"):
            raise ValueError(f"blocks of {self._of} have no lazy form; read a part with select=")
        return module.join_lazily(blocks, self._axis, lengths, **options)
