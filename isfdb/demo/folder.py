"""Finds and fills the demo's folder without touching anybody else's files."""

from __future__ import annotations

import os
from importlib.resources import files

from isfdb.errors import DatabaseExistsError

NOTEBOOK = "penguins.ipynb"
DATA = "penguins_raw.csv"
DATABASE = "results"
REPORT = "report.html"
_ABOUT = "about-this-demo.txt"
_TITLE = "This folder was made by `isfdb demo`."
_TEXT = f"""{_TITLE}

{NOTEBOOK}     the notebook, as it was executed
{DATA}   its data: real measurements, in the public domain (CC0)
{DATABASE}/           the database it wrote; look into it with:  isfdb ls {DATABASE}
{REPORT}        what is in the database and how it was made; open it in a browser

Running `isfdb demo` again stores new versions here. Delete the folder whenever you like.
"""


def demo_folder(into: str | None) -> str:
    """Return the folder to use: `into`, else ``isfdb-demo`` here, else the next free ``isfdb-demo-2`` ...

    Raises
    ------
    DatabaseExistsError
        `into` holds something that is no earlier demo.
    """
    if into is not None:
        if not is_usable(into):
            raise DatabaseExistsError(
                f"cannot put the demo into {into!r}: the folder holds other things. Name a new folder: isfdb demo --into DIR", path=into
            )
        return os.path.abspath(into)
    names = ("isfdb-demo", *(f"isfdb-demo-{number}" for number in range(2, 1000)))
    return os.path.abspath(next(name for name in names if is_usable(name)))


def is_usable(folder: str) -> bool:
    """Say whether `folder` is absent, empty or an earlier demo."""
    if not os.path.lexists(folder):
        return True
    return os.path.isdir(folder) and (not os.listdir(folder) or is_earlier_demo(folder))


def is_earlier_demo(folder: str) -> bool:
    """Say whether the demo made `folder`."""
    try:
        with open(os.path.join(folder, _ABOUT), encoding="utf-8") as file:
            return file.readline().strip() == _TITLE
    except FileNotFoundError:
        return False


def fill(folder: str) -> None:
    """Write the notebook, its data and a note about the folder."""
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, _ABOUT), "w", encoding="utf-8") as file:
        file.write(_TEXT)
    for name in (NOTEBOOK, DATA):
        with open(os.path.join(folder, name), "wb") as file:
            file.write(files("isfdb.demo").joinpath(name).read_bytes())
