"""The variables that a clean process is given: what this one has, but for secrets and what concerns this program only."""

from __future__ import annotations

import os
from typing import Final

from isfdb.options import option
from isfdb.provenance.redaction import redact

#: Says something about the program that started us, not about the computer.
_NOT_HANDED_ON: Final = ("JPY_", "PYTEST_", "COLAB_", "VSCODE_", "MPLBACKEND", "PYTHONSTARTUP", "PYTHONINSPECT", "ISFDB_PINS")
#: Says where this interpreter finds its packages, and is wrong for another one.
OF_THIS_INTERPRETER: Final = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__")


def environment(folder: str) -> dict[str, str]:
    """Return the environment of a clean process: what this one has, but for secrets and what concerns this program only."""
    kept = {
        name: text
        for name, text in os.environ.items()
        if not name.startswith(_NOT_HANDED_ON) and not redact(f"{name}={text}")[1] and not redact(f"{name}='{text}'")[1]
    }
    caches = dict.fromkeys(("XDG_CACHE_HOME", "NUMBA_CACHE_DIR", "IPYTHONDIR"), f"{folder}/cache")
    caches["MPLCONFIGDIR"] = f"{folder}/cache/matplotlib"
    places = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), f"{folder}/tmp")  # noqa: S108 - a folder of our own
    home = dict.fromkeys(("HOME", "USERPROFILE"), f"{folder}/home") | {"ISFDB_DATA_FOLDER": str(option("data_folder") or folder)}
    quiet = {"ISFDB_CAPTURE": "false", "ISFDB_REGISTER": "false", "MPLBACKEND": "agg", "PYTHONDONTWRITEBYTECODE": "1"}
    return kept | caches | places | home | {"ISFDB_CACHE_FOLDER": f"{folder}/cache/isfdb"} | quiet
