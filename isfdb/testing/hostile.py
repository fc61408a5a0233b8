"""Values that make careless code raise, hang or fill the memory: what ``check`` of a loaderdumper must survive."""

from __future__ import annotations

import sys
from typing import Any, Never


class HostileError(Exception):
    """Raised by the values of this module, whatever is done to them."""


def _refuse(*arguments: Any, **options: Any) -> Never:
    raise HostileError("a check looked into a value that it had not recognised; test type(obj) first")


class RefusesEverything:
    """Raises on any attribute, length, comparison, conversion, iteration, hash or text, and on the question for its class."""

    __class__ = property(_refuse)
    __getattr__ = __len__ = __bool__ = __iter__ = __contains__ = __getitem__ = __array__ = __call__ = _refuse
    __eq__ = __ne__ = __lt__ = __gt__ = __hash__ = __int__ = __float__ = __index__ = _refuse
    __repr__ = __str__ = __fspath__ = __bytes__ = __dask_graph__ = __array_interface__ = _refuse


class HostileMeta(type):
    """Makes a class that refuses to say what its instances and subclasses are."""

    __instancecheck__ = __subclasscheck__ = _refuse


class OfHostileClass(metaclass=HostileMeta):
    """An ordinary object of a class that refuses questions."""


class ClaimsToBe:
    """Says it is of another class than it is."""

    def __init__(self, kind: type) -> None:
        self._kind = kind

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        """Return the class it claims."""
        return self._kind


class Endless:
    """Iterates for ever."""

    def __iter__(self) -> Endless:
        return self

    def __next__(self) -> int:
        return 0


class AnswersEverything:
    """Has every attribute, and each is callable: like a mock, or a remote object."""

    def __getattr__(self, name: str) -> Any:
        return AnswersEverything()

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """Return something that can be called again."""
        return AnswersEverything()


class ListWithTeeth(list[Any]):
    """A subclass of list that raises when used."""

    __iter__ = __len__ = __getitem__ = __eq__ = _refuse


class DictWithTeeth(dict[Any, Any]):
    """A subclass of dict that raises when used."""

    __iter__ = __len__ = __getitem__ = __eq__ = items = values = keys = _refuse


class TextWithTeeth(str):
    """A subclass of str that raises when used."""

    __slots__ = ()
    __len__ = __eq__ = __hash__ = encode = isascii = _refuse


def hostile_values() -> list[Any]:
    """Return values of many unlikely kinds, some of them inside lists and dicts."""
    ring: list[Any] = []
    ring.append(ring)
    deep: Any = None
    for _ in range(20_000):
        deep = [deep]
    web: list[Any] = [1]
    for _ in range(60):
        web = [web, web]
    odd: list[Any] = [RefusesEverything(), OfHostileClass(), OfHostileClass, AnswersEverything(), Endless()]
    odd += [ListWithTeeth(), DictWithTeeth(), TextWithTeeth(), *(ClaimsToBe(kind) for kind in (int, str, bytes, list, dict))]
    inside = [*([one] for one in odd), *({"member": one} for one in odd), {"ring": ring}]
    plain = [None, True, 10**5000, float("nan"), "\ud800", b"", bytearray(b"x"), memoryview(b"x"), (1,), {1}, {1: 2}, {"a": (1,)}, 1j]
    rest = [range(10**15), object(), type, len, sys, iter(()), Ellipsis, NotImplemented, HostileError("x"), lambda: None]
    return [*odd, *inside, *plain, *rest, ring, deep, web, *_of_loaded_libraries()]


def _of_loaded_libraries() -> list[Any]:
    found: list[Any] = []
    numpy, pandas = sys.modules.get("numpy"), sys.modules.get("pandas")
    if numpy is not None:
        objects = numpy.empty(4, dtype=object)
        for place, kind in enumerate((RefusesEverything, OfHostileClass, list, object)):
            objects[place] = kind()
        huge = numpy.broadcast_to(numpy.float64(0), (10**6, 10**6))
        with_metadata = numpy.zeros(2, numpy.dtype("i4", metadata={"unit": "mV"}))
        found += [objects, huge, with_metadata, numpy.ma.zeros(2), numpy.zeros(2).view(numpy.recarray), numpy.ndarray]
        found += [ClaimsToBe(numpy.ndarray)]
        if pandas is not None:
            half_made = object.__new__(pandas.DataFrame)
            series = pandas.Series(objects, dtype=object)
            found += [series, series.to_frame(), half_made, ClaimsToBe(pandas.DataFrame), pandas.DataFrame, pandas.NA]
    return found
