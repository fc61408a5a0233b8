"""Writes units of astropy as text and reads them back, if they come back the same. Not for units that somebody defined."""

from __future__ import annotations

from typing import Any


def text_of(unit: Any) -> str:
    """Return a unit as text that :func:`unit_of` reads back as the same unit.

    Raises
    ------
    TypeError
        It is none that astropy itself defines.
    """
    text = str(unit.to_string())
    try:
        found = unit_of(text)
    except ValueError as error:
        raise TypeError(f"the unit {text!r} is none of astropy's own; convert it, as in quantity.to('m')") from error
    is_same = type(found) is type(unit) and found == unit and getattr(found, "scale", 1) == getattr(unit, "scale", 1)
    if not is_same or found.to_string() != text:
        raise TypeError(f"the unit {text!r} would come back as another one; convert it, as in quantity.to('m')")
    return text


def unit_of(text: str) -> Any:
    """Return the unit of a text.

    Raises
    ------
    ValueError
        astropy knows no such unit.
    """
    from astropy import units
    from astropy.units import imperial

    with units.add_enabled_units(imperial):
        return units.Unit(text)
