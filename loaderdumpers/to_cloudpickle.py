"""Keeps what no open format keeps, by cloudpickle: functions, classes of a notebook, anything that pickles. The last resort.

Loading such a file runs code, so it loads only for whoever wrote it or trusts the database, and it may not load with other versions
of Python or of the libraries involved.
"""

from __future__ import annotations

import os
from typing import Any, Final

from isfdb.hashing import open_hashed

priority: Final = 90
runs_code: Final = True
load_plainly: Final = "loaderdumpers.plainly.values:read_pickle"
about: Final = {
    "types": ("object",),
    "keeps": "anything that pickles: functions, classes of a notebook; the last resort",
    "format": "pickle",
    "files": "`data.pickle`",
    "exact": True,
    "lazy": "",
    "append": False,
}


def check(obj: Any) -> bool:
    """Accept everything; what cannot be pickled fails in :func:`dump` with pickle's own words."""
    return True


def describe(obj: Any) -> dict[str, Any]:
    """Return the full name of the type."""
    kind = type(obj)
    return {"type": f"{kind.__module__}.{kind.__qualname__}"[:200]}


def dump(obj: Any, savedir: str) -> None:
    """Write `obj` to ``data.pickle``.

    Raises
    ------
    TypeError
        `obj` contains something that cannot be pickled (an open file, a lock, a running generator ...).
    """
    import cloudpickle

    with open_hashed(os.path.join(savedir, "data.pickle")) as file:
        cloudpickle.dump(obj, file, protocol=5)


class Loader:
    """Unpickles the value: runs whatever code the file holds."""

    def get(self, savedir: str) -> Any:
        """Return the value."""
        import cloudpickle

        with open(os.path.join(savedir, "data.pickle"), "rb") as file:
            return cloudpickle.load(file)
