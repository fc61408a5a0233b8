"""Keeps pint quantities and units: the magnitude in its own format, the units by name. They come back in the application registry.

A unit is a name that a registry explains. What each meant is noted, and compared with what the application registry says when it is read.
"""

from __future__ import annotations

import math
import os
import sys
from typing import Any, Final

from isfdb.parts import dump_part, load_part, name_in, needs_of
from loaderdumpers import _typed_json

priority: Final = 30
has_parts: Final = True
extra: Final = "pint"
requires: Final = {"pint": "0.24"}
load_plainly: Final = "loaderdumpers.plainly.objects:read_pint"
about: Final = {
    "types": ("pint.Quantity", "pint.Unit"),
    "keeps": "quantities and units that the application registry knows",
    "format": "that of the magnitude, and JSON",
    "files": "`magnitude/`, none if small",
    "exact": True,
    "lazy": "that of the magnitude",
    "append": False,
}

_MAGNITUDE: Final = "magnitude"
#: Constants of nature are measured ever better; a unit that moved by less is the same unit.
_TOLERANCE: Final = 1e-6


def check(obj: Any) -> bool:
    """Say whether `obj` is a Quantity or Unit of pint, of whatever registry."""
    kind = type(obj)
    return _is_of(kind, "Quantity", "PlainQuantity") or _is_of(kind, "Unit", "PlainUnit")


def _is_of(kind: type, name: str, base: str) -> bool:
    plain = sys.modules.get("pint.facets.plain")
    # Each registry makes classes of its own, all under the same name.
    is_named_so = kind.__name__ == name and str(kind.__module__).partition(".")[0] == "pint"
    return plain is not None and is_named_so and issubclass(kind, getattr(plain, base))


def describe(obj: Any) -> dict[str, Any]:
    """Return the units, and shape and dtype of an array."""
    if not hasattr(obj, "magnitude"):
        return {"type": "Unit", "units": _text(_container(obj))}
    facts: dict[str, Any] = {"type": "Quantity", "units": _text(_container(obj))}
    magnitude = obj.magnitude
    if hasattr(magnitude, "shape") and hasattr(magnitude, "dtype"):
        return {**facts, "shape": list(magnitude.shape), "dtype": str(magnitude.dtype)}
    return {**facts, "value": str(magnitude)[:60]}


def _text(container: Any) -> str:
    """Return units as text; pint's own formatting fails for exponents that are fractions."""
    words = [name if exponent == 1 else f"{name} ** {exponent}" for name, exponent in container.items()]
    return " * ".join(words)[:200] or "dimensionless"


def dump(obj: Any, savedir: str) -> dict[str, Any]:
    """Give the magnitude to the loaderdumper of its type, and note the units.

    Parameters
    ----------
    obj : pint.Quantity or pint.Unit
        Of any registry, if the application registry means the same by its units.
    savedir : str
        Empty folder.

    Raises
    ------
    TypeError
        The magnitude, or a unit, cannot be kept.
    """
    if not check(obj):
        raise TypeError(f"pint_to_parts keeps pint's quantities and units, not {type(obj).__qualname__}; make a Quantity(value, unit)")
    units = [[str(name), _typed_json.encode(exponent), _meaning(obj._REGISTRY, name)] for name, exponent in _container(obj).items()]
    try:
        _verify(units)
    except ValueError as error:
        raise TypeError(f"the application registry cannot bring it back: {error}") from error
    if not hasattr(obj, "magnitude"):
        return {"units": units}
    return {"units": units, "magnitude": _dump_magnitude(obj.magnitude, os.path.join(savedir, _MAGNITUDE))}


def _container(obj: Any) -> Any:
    return obj._units


def _dump_magnitude(magnitude: Any, folder: str) -> dict[str, Any]:
    if type(magnitude).__module__.partition(".")[0] == "uncertainties":
        raise TypeError("its magnitude has an uncertainty, which is tied to other variables; store nominal value and standard deviation")
    spec = dump_part(magnitude, folder)
    if needs_of(name_in(spec), spec).runs_code:
        kind = f"{type(magnitude).__module__}.{type(magnitude).__qualname__}"
        raise TypeError(f"its magnitude, a {kind}, has no open format; convert it to a number or an array")
    return spec


def _meaning(registry: Any, name: str) -> list[Any]:
    """Return what 0 and 1 of a unit are in root units, and those: enough for factors and offsets."""
    ends = [registry.Quantity(value, registry.UnitsContainer({name: 1})) for value in (0.0, 1.0)]
    import pint

    try:
        zero, one = (end.to_root_units() for end in ends)
    except pint.UndefinedUnitError:
        raise
    except Exception:  # noqa: BLE001 - decibels and their like ask for settings of the registry; such units are known by name only
        return []
    roots = {str(root): _typed_json.encode(exponent) for root, exponent in _container(one).items()}
    return [_typed_json.encode(float(zero.magnitude)), _typed_json.encode(float(one.magnitude)), roots]


def _verify(units: list[list[Any]]) -> None:
    """See that the application registry means the same by each unit.

    Raises
    ------
    ValueError
        It does not know one, or means something else by it.
    """
    import pint

    registry = pint.get_application_registry()
    for name, _, meaning in units:
        try:
            now = _meaning(registry, name)
        except pint.UndefinedUnitError as error:
            raise ValueError(f"the unit {name!r} is not defined there; {_ADVICE}") from error
        if not _means_the_same(meaning, now):
            raise ValueError(f"the unit {name!r} was {_shown(meaning)}, and is {_shown(now)} there; {_ADVICE}")


_ADVICE: Final = "first let the registry that defines it be the one: pint.set_application_registry(registry)"


def _means_the_same(meaning: list[Any], now: list[Any]) -> bool:
    if not meaning or not now:
        return not meaning and not now
    return meaning[2] == now[2] and all(
        math.isclose(then, here, rel_tol=_TOLERANCE, abs_tol=1e-300) for then, here in zip(meaning[:2], now[:2], strict=True)
    )


def _shown(meaning: list[Any]) -> str:
    if not meaning:
        return "known by name only"
    return f"{meaning[1]} {_text(meaning[2])}" + (f", from {meaning[0]}" if meaning[0] else "")


class Loader:
    """Reads a quantity or a unit.

    Parameters
    ----------
    units : list
        Name, exponent and meaning of each unit.
    magnitude : dict, optional
        Spec of the part that holds the magnitude; none for a unit.
    """

    def __init__(self, *, units: list[list[Any]], magnitude: dict[str, Any] | None = None) -> None:
        self._units, self._magnitude = units, magnitude

    def get(self, savedir: str, *, mmap: str | None = None, select: Any = None) -> Any:
        """Return the quantity or unit, in pint's application registry.

        Parameters
        ----------
        savedir : str
            Folder of the version.
        mmap : {'r', 'c', None}
            For an array: how it is mapped into memory, as for arrays themselves.
        select : index, optional
            For an array: the part of it that is read, as ``numpy.s_[10:20]``.

        Raises
        ------
        ValueError
            The application registry does not know a unit, or means something else by it.
        """
        import pint

        _verify(self._units)
        registry = pint.get_application_registry()
        container = self._container(registry)
        if self._magnitude is None:
            return registry.Unit(container)
        options = {name: value for name, value in (("mmap", mmap), ("select", select)) if value is not None}
        return registry.Quantity(load_part(self._magnitude, os.path.join(savedir, _MAGNITUDE), **options), container)

    def _container(self, registry: Any) -> Any:
        found = registry.UnitsContainer({})
        for name, exponent, _ in self._units:
            # Given to the container at once, a fraction would become a float.
            found = found * registry.UnitsContainer({name: 1}) ** _typed_json.decode(exponent)
        return found
