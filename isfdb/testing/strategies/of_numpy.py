"""Hypothesis strategies for what numpy has: dtypes, arrays of every kind, scalars. Makes no arrays of Python objects."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

from hypothesis import reject
from hypothesis import strategies as st

from isfdb.testing.strategies.of_python import TEXTS, plain_values


@cache
def dtypes() -> st.SearchStrategy[Any]:
    """Return numpy dtypes without Python objects: of either byte order, nested, with sub-arrays."""
    from hypothesis.extra import numpy as hnp

    plain = st.one_of(hnp.scalar_dtypes(), hnp.byte_string_dtypes(), hnp.unicode_string_dtypes())
    return plain | hnp.array_dtypes(plain, max_size=3) | hnp.nested_dtypes(plain, max_leaves=4, max_itemsize=200)


@cache
def _fields() -> st.SearchStrategy[Any]:
    import numpy
    from hypothesis.extra import numpy as hnp

    units = st.sampled_from("Y M W D h m s ms us ns ps fs as".split())
    times = st.builds("{}[{}{}]".format, st.sampled_from(["<M8", ">M8", "<m8", ">m8"]), st.integers(1, 99), units)
    chars = st.sampled_from([*"?bBhHiIlLqQefdgFDGc", *("V3", "M8", "m8", "S0", "U0")])
    return st.one_of(times, chars, hnp.scalar_dtypes()).map(numpy.dtype)


@cache
def _formats() -> st.SearchStrategy[Any]:
    return st.lists(_fields().filter(lambda one: one.itemsize > 0), min_size=1, max_size=4)


@cache
def _metadata() -> st.SearchStrategy[Any]:
    return st.none() | st.dictionaries(TEXTS, plain_values(), min_size=1, max_size=2)


@cache
def _element_dtypes() -> st.SearchStrategy[Any]:
    return dtypes().filter(lambda kind: kind.subdtype is None)


@st.composite
def odd_dtypes(draw: st.DrawFn) -> Any:
    """Return dtypes of which ``==`` and the npy format do not see all."""
    import numpy

    kind = draw(st.sampled_from(["field", "aligned", "offsets", "titles", "overlapping"]))
    if kind == "field":
        dtype = draw(_fields())
    else:
        dtype = _structure(draw, kind, draw(_formats()))
        if draw(st.booleans()):
            dtype = numpy.dtype((numpy.record, dtype))
    metadata = draw(_metadata())
    return numpy.dtype(dtype, metadata=metadata) if metadata and dtype.kind != "M" else dtype


def _structure(draw: st.DrawFn, kind: str, formats: list[Any]) -> Any:
    import numpy

    names = draw(st.lists(TEXTS.filter(bool), min_size=len(formats), max_size=len(formats), unique=True))
    form: dict[str, Any] = {"names": names, "formats": formats}
    if kind == "offsets":
        gaps = draw(st.lists(st.integers(0, 5), min_size=len(formats), max_size=len(formats)))
        form["offsets"] = [sum(one.itemsize for one in formats[:place]) + sum(gaps[: place + 1]) for place in range(len(formats))]
    elif kind == "overlapping":
        form["offsets"] = [draw(st.integers(0, 8)) for _ in formats]
    elif kind == "titles":
        form["titles"] = [f"{name}?{place}" for place, name in enumerate(names)]
    return numpy.dtype(form, align=kind == "aligned")


@st.composite
def arrays(draw: st.DrawFn) -> Any:
    """Return plain arrays of any dtype, shape, order and striding, filled with any bits."""
    from hypothesis.extra import numpy as hnp

    shape = draw(hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
    if draw(st.booleans()):
        return draw(_laid_out(draw(hnp.arrays(_element_dtypes(), shape))))
    return draw(_laid_out(_of_any_bits(draw, draw(odd_dtypes()), shape)))


def _of_any_bits(draw: st.DrawFn, dtype: Any, shape: tuple[int, ...]) -> Any:
    """Return an array of bits that were drawn, for dtypes of which hypothesis draws no values."""
    import numpy

    array = numpy.zeros(shape, dtype)
    if array.nbytes == 0:
        return array
    seed = draw(st.binary(min_size=1, max_size=32))
    raw = numpy.resize(numpy.frombuffer(seed, "u1") & 1, array.nbytes).astype("u1")  # 0 and 1 are booleans and characters as well
    return raw.view(f"V{array.itemsize}").view(array.dtype).reshape(shape)  # numpy makes S1 of S0


def _laid_out(array: Any) -> st.SearchStrategy[Any]:
    """Return the array in different orders and stridings."""
    import numpy

    whole = [lambda: array, lambda: numpy.asfortranarray(array), lambda: array.T]
    parts = [lambda: array[::-1], lambda: array[::2], lambda: array[..., ::-2], lambda: array[..., :1], lambda: array[None]]
    return st.sampled_from(whole + parts if array.ndim else whole).map(lambda lay: lay())


@st.composite
def masked_arrays(draw: st.DrawFn) -> Any:
    """Return masked arrays: with a mask, without, hard, with a fill value."""
    import numpy

    data = draw(arrays().filter(lambda array: array.dtype.type is not numpy.record and array.dtype.char != "c"))
    try:
        with numpy.errstate(over="ignore"):  # numpy's own fill value is too large for small floats
            made = data.view(numpy.ma.MaskedArray)
    except (TypeError, ValueError):  # some structures numpy itself cannot mask
        reject()
    if data.dtype.names is not None or draw(st.booleans()):
        bits = draw(st.binary(min_size=1, max_size=16))
        mask = numpy.zeros(data.shape, numpy.ma.make_mask_descr(data.dtype))
        raw = numpy.resize(numpy.frombuffer(bits, "u1") & 1, mask.nbytes).astype("u1")
        made._mask = raw.view(f"V{mask.itemsize}").view(mask.dtype).reshape(mask.shape) if mask.nbytes else mask
    if data.size and draw(st.booleans()):
        made._fill_value = data.reshape(-1)[:1].reshape(()).copy()
    if draw(st.booleans()):
        made.harden_mask()
    return made


@st.composite
def text_arrays(draw: st.DrawFn) -> Any:
    """Return arrays of ``StringDType``, with each way to say that a text is missing. Needs numpy 2."""
    import numpy
    from hypothesis.extra import numpy as hnp

    kinds: list[list[Any]] = [[], [None], [float("nan")], ["missing"]]
    missing = draw(st.sampled_from(kinds))
    dtype = numpy.dtypes.StringDType(coerce=draw(st.booleans()), **({"na_object": missing[0]} if missing else {}))
    shape = draw(hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
    count = math.prod(shape)
    texts = draw(
        st.lists(
            st.text(st.characters(exclude_categories=["Cs"]), max_size=40) | st.sampled_from(missing or [""]),
            min_size=count,
            max_size=count,
        )
    )
    return draw(_laid_out(numpy.array(texts, dtype).reshape(shape)))


@st.composite
def arrays_of_subclasses(draw: st.DrawFn) -> Any:
    """Return arrays of numpy's own subclasses."""
    import numpy

    array = draw(arrays())
    if array.dtype.kind in "SU":
        return array.view(numpy.char.chararray)
    if array.ndim == 2 and draw(st.booleans()):
        return array.view(numpy.matrix)
    return array.view(numpy.recarray)


def numpy_values() -> st.SearchStrategy[Any]:
    """Return all kinds of arrays and scalars of numpy, without Python objects."""
    import numpy

    texts = [text_arrays()] if hasattr(numpy, "dtypes") and hasattr(numpy.dtypes, "StringDType") else []
    scalars = arrays().filter(lambda array: array.size > 0 and array.dtype.kind not in "SU").map(lambda array: array.reshape(-1)[0])
    return st.one_of(arrays(), arrays(), masked_arrays(), arrays_of_subclasses(), scalars, *texts)
