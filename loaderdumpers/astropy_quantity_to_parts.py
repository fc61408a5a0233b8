"""Keeps astropy's quantities, angles and units: the numbers as an array, the unit as text. Not units that somebody defined."""

from __future__ import annotations

import os
import sys
from typing import Any, Final

from isfdb.parts import dump_part, load_part
from loaderdumpers import _typed_json

priority: Final = 30
has_parts: Final = True
extra: Final = "astropy"
requires: Final = {"astropy": "6.0"}
load_plainly: Final = "loaderdumpers.plainly.objects:read_astropy_quantity"
about: Final = {
    "types": ("astropy.units.Quantity", "astropy.units.UnitBase", "astropy.coordinates.Angle", "astropy.coordinates.Distance"),
    "keeps": "quantities, angles, distances and units",
    "format": "npy, and JSON",
    "files": "`value/data.npy`",
    "exact": True,
    "lazy": "memory map",
    "append": False,
}

_VALUE: Final = "value"
_KINDS: Final = {
    "astropy.units": ("Quantity", "Magnitude", "Decibel", "Dex"),
    "astropy.coordinates": ("Angle", "Latitude", "Longitude", "Distance"),
}
_NOTES: Final = ("name", "format", "description", "meta")


def check(obj: Any) -> bool:
    """Say whether `obj` is a Quantity, an angle, a distance or a unit of astropy; no other subclass of them."""
    kind = type(obj)
    units = sys.modules.get("astropy.units")
    if units is None:
        return False
    return _class_of(kind.__name__) is kind or (
        str(kind.__module__).startswith("astropy.units") and issubclass(kind, (units.UnitBase, units.FunctionUnitBase))
    )


def _class_of(name: str) -> Any:
    for library, names in _KINDS.items():
        if name in names:
            return getattr(sys.modules.get(library), name, None)
    return None


def describe(obj: Any) -> dict[str, Any]:
    """Return type, unit, shape and dtype."""
    if not hasattr(obj, "unit"):
        return {"type": "Unit", "unit": obj.to_string()[:200]}
    return {"type": type(obj).__name__, "unit": obj.unit.to_string()[:200], "shape": list(obj.shape), "dtype": str(obj.dtype)}


def dump(obj: Any, savedir: str) -> dict[str, Any]:
    """Write the numbers as an array, and note the unit.

    Parameters
    ----------
    obj : astropy.units.Quantity or unit
        Of any shape and dtype.
    savedir : str
        Empty folder.

    Raises
    ------
    TypeError
        The unit, or what is noted of the quantity, cannot be kept.
    """
    if not check(obj):
        raise TypeError(f"astropy_quantity_to_parts keeps quantities and units of astropy, not {type(obj).__qualname__}")
    import numpy

    from loaderdumpers._astropy_units import text_of

    if not hasattr(obj, "unit"):
        return {"kind": "Unit", "unit": text_of(obj)}
    arguments: dict[str, Any] = {"kind": type(obj).__name__, "unit": text_of(obj.unit), **_notes(obj)}
    if arguments["kind"] == "Longitude":
        arguments["wrap_angle"] = [float(obj.wrap_angle.value), text_of(obj.wrap_angle.unit)]
    spec = dump_part(obj.view(numpy.ndarray), os.path.join(savedir, _VALUE), dumper="numpy_to_npy")
    return {**arguments, "value": spec}


def _notes(obj: Any) -> dict[str, Any]:
    """Return what the user noted of the quantity in its ``info``: name, description and the like."""
    if "info" not in vars(obj):
        return {}
    noted = {name: getattr(obj.info, name) for name in _NOTES if getattr(obj.info, name)}
    if "meta" in noted:
        noted["meta"] = dict(noted["meta"])
    return {"info": _typed_json.encode(noted, in_order=True)} if noted else {}


class Loader:
    """Reads a quantity or a unit.

    Parameters
    ----------
    kind : str
        Its type: ``Quantity``, ``Angle``, ``Unit`` ...
    unit : str
        The unit, as astropy writes it.
    value : dict, optional
        Spec of the part that holds the numbers.
    wrap_angle : list, optional
        Value and unit at which a longitude wraps.
    info : dict, optional
        What was noted of it.
    """

    def __init__(
        self,
        *,
        kind: str,
        unit: str,
        value: dict[str, Any] | None = None,
        wrap_angle: list[Any] | None = None,
        info: dict[str, Any] | None = None,
    ) -> None:
        if kind != "Unit" and not any(kind in names for names in _KINDS.values()):
            raise ValueError(f"{kind!r} is no quantity of astropy; Loader.json was changed, or a newer isfdb wrote it")
        self._kind, self._unit, self._value = kind, unit, value or {}
        self._wrap_angle, self._info = wrap_angle, info

    def get(self, savedir: str, *, mmap: str | None = None, select: Any = None) -> Any:
        """Return the quantity or unit.

        Parameters
        ----------
        savedir : str
            Folder of the version.
        mmap : {'r', 'c', None}
            How the numbers are mapped into memory, as for arrays themselves.
        select : index, optional
            The part that is read, as ``numpy.s_[10:20]``.

        Raises
        ------
        ValueError
            This astropy does not know the unit, or the file is damaged.
        """
        from loaderdumpers._astropy_units import unit_of

        unit = unit_of(self._unit)
        if self._kind == "Unit":
            return unit
        options = {name: given for name, given in (("mmap", mmap), ("select", select)) if given is not None}
        found = self._quantity(load_part(self._value, os.path.join(savedir, _VALUE), **options), unit)
        for name, note in _typed_json.decode(self._info or {}).items():
            setattr(found.info, name, note)
        return found

    def _quantity(self, value: Any, unit: Any) -> Any:
        import astropy.coordinates
        import astropy.units

        from loaderdumpers._astropy_units import unit_of

        kept: dict[str, Any] = {"unit": unit, "dtype": value.dtype, "copy": False}
        if self._kind == "Longitude" and self._wrap_angle is not None:
            kept["wrap_angle"] = astropy.coordinates.Angle(self._wrap_angle[0], unit_of(self._wrap_angle[1]))
        if self._kind == "Distance":
            kept["allow_negative"] = True
        return _class_of(self._kind)(value, **kept)
