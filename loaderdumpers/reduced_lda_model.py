"""Opens the parts in which ISF kept a reduced model: a database in the key's own folder, shown as a sub-database. Only reads."""

from __future__ import annotations

from typing import Any, Final

from loaderdumpers._isf import refuse_to_write

priority: Final = 79
explicit_only: Final = True
reads_only: Final = True
about: Final = {
    "types": ("object",),
    "keeps": "nothing new: reads what ISF's `reduced_lda_model` wrote",
    "format": "ISF database",
    "files": "`st`, `lda_value_dicts_0` ..., `Rm`",
    "exact": True,
    "lazy": "",
    "append": False,
}


def check(obj: Any) -> bool:
    """Accept nothing: this only reads."""
    return False


def dump(obj: Any, savedir: str, **options: Any) -> None:
    """Refuse, whatever options ISF took.

    Raises
    ------
    TypeError
        Always; it names the loaderdumper that writes.
    """
    refuse_to_write("reduced_lda_model", "to_cloudpickle where ISF is installed")


class Loader:
    """Opens the parts."""

    def get(self, savedir: str) -> Any:
        """Return a database of the parts; the model itself, under ``Rm``, needs ISF."""
        import isfdb

        return isfdb.open(savedir, "r")
