"""The isfdb that runs now, for another interpreter: a folder of links to its three packages, with its entry points, and nothing else.

A replay is always run by the isfdb that is asked for it. In an environment with other packages, its own folder on ``sys.path`` would
bring along everything that is installed beside it.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import secrets
import shutil
from collections.abc import Container
from typing import Final

from isfdb.hashing import digest_of

_PACKAGES: Final = ("isfdb", "loaderdumpers", "initializers")

#: What isfdb needs to run a script and to store what it leaves. Other libraries are needed only for values of their kind, and a session
#: that had such values had these libraries.
NEEDED: Final = ("blake3", "platformdirs")


def own_folder(cache: str) -> str:
    """Return a folder that holds this isfdb and nothing else; it is made once and found again."""
    places = {name: _place(name) for name in _PACKAGES}
    installed = importlib.metadata.distribution("isfdb")
    points = installed.read_text("entry_points.txt") or ""
    told = "\n".join([installed.version, points, *places.values()])
    folder = f"{cache}/isfdb-{digest_of(told.encode())[:32]}"
    if not os.path.isdir(folder):
        _make(folder, places, installed.version, points)
    return folder


def _place(package: str) -> str:
    found = importlib.util.find_spec(package)
    places = list(found.submodule_search_locations or ()) if found is not None else []
    if not places:
        raise FileNotFoundError(2, "isfdb is not installed whole: its package is missing", package)
    return os.path.realpath(places[0])


def _make(folder: str, places: dict[str, str], version: str, points: str) -> None:
    staged = f"{folder}.{os.getpid()}-{secrets.token_hex(4)}"
    about = f"{staged}/isfdb-{version}.dist-info"
    os.makedirs(about, mode=0o700)
    try:
        for name, place in places.items():
            os.symlink(place, f"{staged}/{name}")
        for name, text in (("METADATA", f"Metadata-Version: 2.1\nName: isfdb\nVersion: {version}\n"), ("entry_points.txt", points)):
            with open(f"{about}/{name}", "w", encoding="utf-8") as file:
                file.write(text)
        os.rename(staged, folder)
    except OSError:
        if not os.path.isdir(folder):  # else another process was quicker, and made the same
            raise
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def requirements_of(names: Container[str]) -> tuple[str, ...]:
    """Return the requirements for what isfdb needs and `names` does not hold."""
    ranges = {}
    for line in importlib.metadata.distribution("isfdb").requires or ():
        if found := re.match(r"([A-Za-z0-9._-]+) *([<>=!~0-9.,]*)$", line):
            ranges[found[1].lower()] = f"{found[1]}{found[2]}"
    return tuple([ranges.get(name, name) for name in NEEDED if name not in names])
