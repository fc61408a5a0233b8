"""Compares arrays block by block, whatever library they come from: numpy (mapped, masked, with fields), zarr, dask, h5py, torch, scipy."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from isfdb.comparing.blocks import Blocks, block_shape, slices_of, starts
from isfdb.comparing.comparison import DIFFERENT, EQUAL, IDENTICAL, Comparison, Parts, at, worst
from isfdb.comparing.context import Context, kind, why_not_identical
from isfdb.comparing.elements import Tally, place_text
from isfdb.comparing.equality import dtypes_compare

_SMALL_BYTES: Final = 64_000_000

#: Arrays of these libraries are never held in memory as a whole.
_ON_DISK: Final = ("dask", "h5py", "zarr")

#: Why arrays whose elements are equal are not identical.
OTHER_BITS: Final = "some elements have other bits: -0.0 for 0.0, or another NaN"


def blocks_of(value: Any) -> Blocks | None:
    """Return an array of a known library as something to be read block by block; None for anything else."""
    library = type(value).__module__.partition(".")[0]
    make = _READERS.get(library)
    return make(value) if make is not None else None


def compare_arrays(a: Any, b: Any, where: str, context: Context) -> Comparison:
    """Compare two values of which :func:`blocks_of` knows how to read them."""
    one, other = blocks_of(a), blocks_of(b)
    assert one is not None  # the caller asked
    assert other is not None
    found = compare_blocks(one, other, where, context)
    if found.status not in (IDENTICAL, EQUAL):
        return found
    notes = list(found.notes)
    if type(a) is not type(b):
        notes.append(f"{kind(a)} → {kind(b)}")
    elif one.is_fortran != other.is_fortran:
        notes.append("the order of its axes in memory differs")
    elif one.chunks != other.chunks:
        notes.append(f"chunks {shape_text(one.chunks or ())} → {shape_text(other.chunks or ())}")
    elif not notes:
        notes += _particulars(a, b, found.status)
    return replace(found, status=EQUAL, notes=tuple(notes)) if notes else Comparison(IDENTICAL, where, measures=found.measures)


def _particulars(a: Any, b: Any, status: str) -> list[str]:
    """Return what is other beyond the elements' values: of small arrays all, of others their dtypes."""
    import numpy

    library = type(a).__module__.partition(".")[0]
    if library in _ON_DISK or getattr(a, "nbytes", 0) > _SMALL_BYTES:
        why = None if library in _ON_DISK else why_not_identical(numpy.empty(0, a.dtype), numpy.empty(0, b.dtype))
        return [OTHER_BITS] if status != IDENTICAL else [why] if why else []
    why = why_not_identical(a, b)
    return [] if why is None else [why if status == IDENTICAL else OTHER_BITS]


def compare_blocks(a: Blocks, b: Blocks, where: str, context: Context) -> Comparison:
    """Compare what two readers of blocks give."""
    if a.shape != b.shape:
        return _of_other_shape(a, b, where, context)
    if a.dtype.names is not None or b.dtype.names is not None:
        return _fields(a, b, where, context)
    if not dtypes_compare(a.dtype, b.dtype):
        return Comparison(DIFFERENT, where, f"dtype {a.dtype} → {b.dtype}")
    found = _elements(a, b, where, context)
    notes = () if a.dtype == b.dtype else (f"dtype {a.dtype} → {b.dtype}",)
    return replace(found, status=worst([found.status, EQUAL if notes else IDENTICAL]), notes=notes)


def _elements(a: Blocks, b: Blocks, where: str, context: Context) -> Comparison:
    if "O" in (a.dtype.kind, b.dtype.kind):
        return _objects(a, b, where, context)
    tally = Tally(context)
    block = block_shape(a.shape, max(a.dtype.itemsize, b.dtype.itemsize), a.chunks or b.chunks, is_fortran=a.is_fortran)
    for slices in slices_of(a.shape, block):
        tally.add(a.read(slices), b.read(slices), starts(slices), _missing(a, b, slices))
    return Comparison(tally.status, where, tally.because, tally.lines(), measures=tally.measures())


def _missing(a: Blocks, b: Blocks, slices: tuple[slice, ...]) -> tuple[Any, Any] | None:
    """Return where two blocks have no elements; None where neither array is masked."""
    import numpy

    if a.mask is None and b.mask is None:
        return None
    shape = tuple([one.stop - one.start for one in slices])
    masks = [numpy.zeros(shape, bool) if side.mask is None else numpy.asarray(side.mask(slices)) for side in (a, b)]
    return masks[0], masks[1]


def _objects(a: Blocks, b: Blocks, where: str, context: Context) -> Comparison:
    """Compare arrays of objects, one object with the other."""
    import numpy

    whole = tuple([slice(0, size) for size in a.shape])
    parts = Parts()
    one, other = (numpy.asarray(side.read(whole)).astype(object) for side in (a, b))
    for side, gaps in zip((one, other), _missing(a, b, whole) or (), strict=False):
        side[gaps] = None
    for index in numpy.ndindex(*a.shape):
        part = context.compare(one[index], other[index], "", context)
        parts.add(part if part.status == IDENTICAL else at(part, place_text(index)))
    return of_members(parts, where, "elements")


def of_members(parts: Parts, where: str, what: str) -> Comparison:
    """Return the comparison of a whole whose members were compared."""
    n_different = parts.n - parts.n_same
    if parts.status == IDENTICAL:
        return Comparison(IDENTICAL, where, measures={"n": parts.n, "n_different": 0})
    because = f"{n_different:,} of {parts.n:,} {what} differ" if n_different else ""
    return parts.whole(IDENTICAL, where, because, measures={"n": parts.n, "n_different": n_different})


def _fields(a: Blocks, b: Blocks, where: str, context: Context) -> Comparison:
    """Compare structured arrays field by field."""
    names, others = a.dtype.names or (), b.dtype.names or ()
    if set(names) != set(others):
        gone, new = [name for name in names if name not in others], [name for name in others if name not in names]
        lines = [f"only in the first: {', '.join(map(repr, gone))}"] * bool(gone) + [
            f"only in the second: {', '.join(map(repr, new))}"
        ] * bool(new)
        return Comparison(DIFFERENT, where, f"dtype {a.dtype} → {b.dtype}", tuple(lines))
    parts = Parts()
    for name in names:
        parts.add(compare_blocks(_field(a, name), _field(b, name), f"[{name!r}]", context))
    found = of_members(parts, where, "fields")
    notes = () if a.dtype == b.dtype else (f"dtype {a.dtype} → {b.dtype}",)
    return replace(found, status=worst([found.status, EQUAL if notes else IDENTICAL]), notes=notes)


def _field(array: Blocks, name: str) -> Blocks:
    """Return one field of a structured array, whose own axes follow those of the array."""
    dtype = array.dtype[name]
    inner: tuple[int, ...] = dtype.shape
    axes = len(array.shape)
    chunks = (*array.chunks, *inner) if array.chunks else None

    def of(read: Callable[[tuple[slice, ...]], Any]) -> Callable[[tuple[slice, ...]], Any]:
        import numpy

        return lambda slices: numpy.asarray(read(slices[:axes])[name])[(..., *slices[axes:])]

    mask = None if array.mask is None else of(array.mask)
    return Blocks((*array.shape, *inner), dtype.base, of(array.read), chunks, mask=mask)


def _of_other_shape(a: Blocks, b: Blocks, where: str, context: Context) -> Comparison:
    """Say that the shapes differ, and compare the corner that both have: an array that only grew is equal there."""
    because = f"shape {shape_text(a.shape)} → {shape_text(b.shape)}"
    common = tuple([min(pair) for pair in zip(a.shape, b.shape, strict=False)])
    if len(a.shape) != len(b.shape) or 0 in common or not common:
        return Comparison(DIFFERENT, where, because)
    corner = compare_blocks(replace(a, shape=common), replace(b, shape=common), "", context)
    reach = f"[{', '.join([f':{size}' for size in common])}]"
    line = f"{corner.status if corner.same else corner.because} in {reach}, which both have"
    lines = (line, *(f"there, {one}" for one in corner.lines))
    return Comparison(DIFFERENT, where, because, lines, corner.notes, {"in_common": dict(corner.measures)}, parts=corner.parts)


def shape_text(shape: tuple[int, ...]) -> str:
    """Return ``3 × 4``; ``()`` for a single element."""
    return " × ".join(f"{size:,}" for size in shape) if shape else "()"


# How arrays of each library are read ---------------------------------------------------------------------------------------------


def _numpy(value: Any) -> Blocks | None:
    numpy = sys.modules["numpy"]
    if not isinstance(value, (numpy.ndarray, numpy.generic)):
        return None
    array, mask = numpy.asarray(value), None
    if isinstance(value, numpy.ma.MaskedArray):
        mask = numpy.ma.getmaskarray(value).__getitem__
    is_fortran = array.ndim > 1 and array.flags.f_contiguous and not array.flags.c_contiguous
    return Blocks(array.shape, array.dtype, array.__getitem__, None, is_fortran, mask)


def _zarr(value: Any) -> Blocks | None:
    if type(value).__name__ != "Array":
        return None
    return Blocks(tuple(value.shape), value.dtype, value.__getitem__, tuple(value.chunks))


def _h5py(value: Any) -> Blocks | None:
    if type(value).__name__ != "Dataset" or value.shape is None:
        return None
    return Blocks(tuple(value.shape), value.dtype, value.__getitem__, value.chunks)


def _dask(value: Any) -> Blocks | None:
    if type(value).__name__ != "Array":
        return None
    if any(size != size for size in value.shape):  # of unknown length, as after a selection by condition
        value = value.compute_chunk_sizes()
    chunks = tuple([max(sizes) for sizes in value.chunks])
    return Blocks(tuple(value.shape), value.dtype, lambda slices: value[slices].compute(), chunks)


def _torch(value: Any) -> Blocks | None:
    torch = sys.modules["torch"]
    if not isinstance(value, torch.Tensor) or value.layout is not torch.strided or value.is_quantized:
        return None
    plain = value.detach().resolve_conj().resolve_neg().cpu()
    array = (plain.float() if plain.dtype in (torch.bfloat16,) else plain).numpy()
    return Blocks(array.shape, array.dtype, lambda slices: array[slices])


_READERS: dict[str, Callable[[Any], Blocks | None]] = {
    "dask": _dask,
    "h5py": _h5py,
    "numpy": _numpy,
    "torch": _torch,
    "zarr": _zarr,
}


def compare_sparse(a: Any, b: Any, where: str, context: Context) -> Comparison:
    """Compare sparse arrays of scipy where either stores an element."""
    import numpy

    if a.shape != b.shape:
        return Comparison(DIFFERENT, where, f"shape {shape_text(a.shape)} → {shape_text(b.shape)}")
    places, elements = zip(*[_stored(one) for one in (a, b)], strict=True)
    union = numpy.union1d(*places)
    dense = []
    for flat, stored in zip(places, elements, strict=True):
        row = numpy.zeros(union.size, stored.dtype)
        row[numpy.searchsorted(union, flat)] = stored
        dense.append(row)
    tally = Tally(context)
    tally.add(*dense)
    lines = tally.lines(lambda index: place_text(tuple(map(int, numpy.unravel_index(int(union[index[0]]), a.shape)))))
    why = why_not_identical(a, b) if tally.status in (IDENTICAL, EQUAL) else None
    status = (IDENTICAL if why is None else EQUAL) if tally.status in (IDENTICAL, EQUAL) else tally.status
    return at(Comparison(status, "", tally.because, lines, () if why is None else (why,), tally.measures()), where)


def _stored(value: Any) -> tuple[Any, Any]:
    """Return where a sparse array has elements, counted as if it were one row, and these."""
    import numpy

    found = value.tocoo(copy=True)
    found.sum_duplicates()
    coordinates = found.coords if hasattr(found, "coords") else (found.row, found.col)
    flat = numpy.ravel_multi_index(tuple([numpy.asarray(one, numpy.int64) for one in coordinates]), value.shape)
    order = numpy.argsort(flat)
    return flat[order], found.data[order]
