"""Keeps a ``fractions.Fraction`` as text, as 1/3. Not a subclass of it, which would come back as another type."""

import os
import sys

priority = 40
about = {
    "types": ("fractions.Fraction",),
    "keeps": "fractions of any size",
    "format": "text",
    "files": "`data.txt`",
    "exact": True,
    "lazy": "",
    "append": False,
}


def check(obj):
    """Say whether `obj` is a Fraction."""
    fractions = sys.modules.get("fractions")
    return fractions is not None and type(obj) is fractions.Fraction


def describe(obj):
    """Return what is shown without loading."""
    return {"type": "Fraction", "value": str(obj)[:60]}


def dump(obj, savedir, *, spaced=False):
    """Write the fraction to ``data.txt``.

    Parameters
    ----------
    obj : fractions.Fraction
        The value.
    savedir : str
        Empty folder.
    spaced : bool
        Write spaces around the stroke.
    """
    if not check(obj):
        raise TypeError(f"fraction_to_text keeps fractions, not {type(obj).__name__}; convert with Fraction(value)")
    stroke = " / " if spaced else "/"
    with open(os.path.join(savedir, "data.txt"), "w", encoding="ascii") as file:
        file.write(f"{obj.numerator}{stroke}{obj.denominator}")
    return {"stroke": stroke}


class Loader:
    """Reads a fraction.

    Parameters
    ----------
    stroke : str
        What stands between the two numbers.
    """

    def __init__(self, *, stroke):
        self._stroke = stroke

    def get(self, savedir):
        """Return the fraction."""
        from fractions import Fraction

        with open(os.path.join(savedir, "data.txt"), encoding="ascii") as file:
            numerator, denominator = file.read().split(self._stroke)
        return Fraction(int(numerator), int(denominator))
