"""Opens the parts in which ISF kept a reduced model: a database in the key's own folder, shown as a sub-database. Only reads."""

from __future__ import annotations

from typing import Any, Final

from loaderdumpers._isf import accepts_nothing as check  # noqa: F401 - what isfdb asks
from loaderdumpers._isf import refusing

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

dump = refusing("reduced_lda_model", "to_cloudpickle where ISF is installed")


class Loader:
    """Opens the parts."""

    def get(self, savedir: str) -> Any:
        """Return a database of the parts; the model itself, under ``Rm``, needs ISF."""
        import isfdb

        return isfdb.open(savedir, "r")
