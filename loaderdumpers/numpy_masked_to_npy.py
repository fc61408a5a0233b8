"""Keeps a masked array: ``data.npy`` has the values, also those under the mask, ``mask.npy`` the mask. Not subclasses of it.

A masked array of text of any length has its values in ``data.arrow``. An array without a mask has no ``mask.npy`` and comes back
without one; so does a fill value that was never set.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, Final

from loaderdumpers import numpy_strings_to_arrow, numpy_to_npy
from loaderdumpers._numpy_facts import CHANGED
from loaderdumpers._numpy_facts import describe as describe_array
from loaderdumpers._numpy_facts import summarise as summarise_array
from loaderdumpers._selections import box, checked

if TYPE_CHECKING:
    import numpy as np

priority: Final = 21
load_plainly: Final = "loaderdumpers.plainly.arrays:read_masked"
about: Final = {
    "types": ("numpy.ma.MaskedArray",),
    "keeps": "masked arrays without Python objects, `numpy.ma.masked`: values, mask, fill value, hardness of the mask",
    "format": "npy",
    "files": "`data.npy`, `mask.npy`",
    "exact": True,
    "lazy": "memory map",
    "append": False,
}

_MASK: Final = "mask.npy"


def check(obj: Any) -> bool:
    """Say whether `obj` is a masked array over a plain array, or the constant ``numpy.ma.masked``."""
    numpy = sys.modules.get("numpy")
    if numpy is None or "numpy.ma" not in sys.modules or not hasattr(numpy, "ma"):
        return False
    if obj is numpy.ma.masked:
        return True
    if type(obj) is not numpy.ma.MaskedArray or obj.baseclass is not numpy.ndarray or obj._optinfo or obj._basedict:
        return False
    if set(vars(obj)) - _OWN_ATTRIBUTES:
        return False
    return _keeper(obj.dtype).check(obj.data) and _fill_is_exact(obj)


_OWN_ATTRIBUTES: Final = {"_fill_value", "_hardmask", "_sharedmask", "_isfield", "_baseclass", "_optinfo", "_basedict", "_mask", "_data"}


def _keeper(dtype: Any) -> Any:
    """Return the loaderdumper of the values."""
    return numpy_strings_to_arrow if dtype.kind == "T" else numpy_to_npy


def _fill_is_exact(obj: Any) -> bool:
    if obj._fill_value is None or obj.dtype.kind == "T":
        return obj._fill_value is None or type(obj._fill_value.item()) is str
    return bool(obj._fill_value.dtype == obj.dtype and obj._fill_value.shape == ())


def describe(obj: Any) -> dict[str, Any]:
    """Return type, shape, dtype and size."""
    return describe_array(obj) | {"has_mask": obj._mask is not sys.modules["numpy"].ma.nomask}


def summarise(obj: Any) -> dict[str, Any]:
    """Return statistics of what is not masked, and how many values are."""
    if obj.dtype.names is not None:
        return {}
    return summarise_array(obj.compressed()) | {"n_masked": int(sys.modules["numpy"].ma.count_masked(obj))}


def dump(obj: np.ma.MaskedArray[Any, Any], savedir: str) -> dict[str, Any]:
    """Write values and mask.

    Parameters
    ----------
    obj : numpy.ma.MaskedArray
        Over a plain array without Python objects.
    savedir : str
        Empty folder.

    Raises
    ------
    TypeError
        The array cannot be kept exactly.
    ValueError
        Another thread changed it meanwhile.
    """
    import numpy

    if not check(obj):
        kind = f"{type(obj).__qualname__} of dtype {str(getattr(obj, 'dtype', None))[:200]}"
        raise TypeError(f"numpy_masked_to_npy cannot keep {kind} exactly; leave the choice to isfdb, or use to_cloudpickle")
    if obj is numpy.ma.masked:
        return {"constant": True}
    mask = None if obj._mask is numpy.ma.nomask else numpy_to_npy.write(numpy.asarray(obj._mask), os.path.join(savedir, _MASK))
    values = _keeper(obj.dtype).dump(obj.data, savedir)
    if mask is not None and not _mask_is_unchanged(obj, mask, savedir):  # it was written first: both are as they were in between
        raise ValueError(CHANGED)
    return {"data": values, "mask": mask, "fill_value": _fill(obj), "hard_mask": bool(obj.hardmask)}


def _mask_is_unchanged(obj: Any, mask: dict[str, Any], savedir: str) -> bool:
    import numpy

    written = numpy_to_npy.Loader(**mask).read(os.path.join(savedir, _MASK), mmap="r")
    return bool(numpy.array_equal(written, numpy.asarray(obj._mask)))


def _fill(obj: Any) -> Any:
    if obj._fill_value is None:
        return None
    return obj._fill_value.item() if obj.dtype.kind == "T" else obj._fill_value.tobytes().hex()


class Loader:
    """Reads or maps a masked array.

    Parameters
    ----------
    data : dict, optional
        Arguments of the loader of the values.
    mask : dict, optional
        Arguments of the loader of the mask; None where there is none.
    fill_value : str, optional
        Its bytes in hexadecimal digits, or the text itself; None where it was never set.
    hard_mask : bool
        Whether assignments leave what is masked alone.
    constant : bool
        Whether the value is ``numpy.ma.masked`` itself.
    """

    def __init__(
        self,
        *,
        data: dict[str, Any] | None = None,
        mask: dict[str, Any] | None = None,
        fill_value: str | None = None,
        hard_mask: bool = False,
        constant: bool = False,
    ) -> None:
        self._data, self._mask, self._fill_value, self._hard_mask, self._constant = data, mask, fill_value, hard_mask, constant

    def get(self, savedir: str, *, mmap: str | None = None, select: Any = None) -> Any:
        """Return the masked array, or a part of it.

        Parameters
        ----------
        savedir : str
            Folder of the version.
        mmap : {'r', 'c', None}
            Map values and mask, as numpy_to_npy does.
        select : int, slice, Ellipsis, None or a tuple of them
            Read only this part, as ``array[select]`` would give it.

        Raises
        ------
        ValueError
            The files are not what was stored.
        """
        import numpy

        if self._constant:
            return numpy.ma.masked
        if self._data is None:
            raise ValueError("Loader.json says nothing of the values; restore it from a copy")
        if select is None:
            return self._made(savedir, mmap)
        with numpy.errstate(over="ignore"):  # numpy's own fill value is too large for small floats in structures
            return self._part(savedir, mmap, checked(select))

    def _part(self, savedir: str, mmap: str | None, select: tuple[Any, ...]) -> Any:
        mapped = self._made(savedir, mmap or "r")
        if mmap or not mapped.shape:
            return (mapped if mmap else self._made(savedir, None))[select]
        forward, then = box(select, mapped.shape)
        return mapped[forward].copy()[then]  # in this order: one place of a structured masked array has no copy()

    def _made(self, savedir: str, mmap: str | None) -> Any:
        import numpy

        arguments = self._data or {}
        is_text = "dtype" not in arguments
        values: Any = (numpy_strings_to_arrow if is_text else numpy_to_npy).Loader(**arguments)
        data = values.get(savedir) if is_text else values.get(savedir, mmap=mmap)
        mask = numpy.ma.nomask
        if self._mask is not None:
            mask = numpy_to_npy.Loader(**self._mask).read(os.path.join(savedir, _MASK), mmap=mmap)
            if mask.shape != data.shape or mask.dtype != numpy.ma.make_mask_descr(data.dtype):
                raise ValueError(f"{_MASK} is {mask.dtype} of shape {mask.shape}, the values are {data.dtype} of shape {data.shape}")
        with numpy.errstate(over="ignore"):  # as above
            made = data.view(numpy.ma.MaskedArray)
        made._mask, made._hardmask, made._sharedmask = mask, self._hard_mask, False
        if self._fill_value is not None:
            made._fill_value = self._fill(data.dtype)
        return made

    def _fill(self, dtype: Any) -> Any:
        import numpy

        if dtype.kind == "T":
            return numpy.array(self._fill_value, dtype)
        raw = bytes.fromhex(str(self._fill_value))
        if len(raw) != dtype.itemsize:
            raise ValueError(f"Loader.json has a fill value of {len(raw)} bytes for {dtype}; restore it from a copy")
        return numpy.frombuffer(bytearray(raw), f"V{len(raw)}").view(dtype).reshape(()) if raw else numpy.zeros((), dtype)
