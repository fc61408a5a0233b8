"""Links inside exported files: which cell of which session wrote a figure or table, in the file's own metadata. Off unless asked for.

matplotlib's ``savefig`` (PNG, SVG, PDF) and pyarrow's writer of Parquet take the link as metadata of theirs; the option is `link_exports`.
Reading a link back needs neither of them.
"""

from __future__ import annotations

import functools
import logging
import os
import re
import sys
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from isfdb.options import option

_log = logging.getLogger(__name__)

#: Modules that write files with links in them.
MARKED: Final = frozenset({"matplotlib.figure", "pyarrow.parquet"})
#: Under this name Parquet and PNG hold the link.
NAME: Final = "isfdb"
#: Which of a format's own fields holds it.
_FIELDS: Final = {"png": NAME, "svg": "Source", "pdf": "Keywords"}
_LINK: Final = re.compile(rb"isfdb://[0-9A-Za-z_-]{1,80}/\?session=[0-9A-Za-z-]{1,60}(?:&|&amp;)cell=\d{1,9}(?:(?:&|&amp;)at=\d{1,9})?")
#: A link stands near the beginning or the end of a file.
_PIECE_BYTES: Final = 4 << 20


def link_of_cell(database_id: str, session: str, line: int, at: int | None) -> str:
    """Return the link that names a cell, and the line in it."""
    return f"isfdb://{database_id}/?session={session}&cell={line}" + (f"&at={at}" if at is not None else "")


def parse_link(link: str) -> tuple[str, str, int, int | None]:
    """Return database id, session, line of the cell in its log, and line in the cell.

    Raises
    ------
    ValueError
        It is no such link.
    """
    parts = urlsplit(link)
    query = parse_qs(parts.query)
    try:
        return parts.netloc, query["session"][0], int(query["cell"][0]), int(query["at"][0]) if "at" in query else None
    except KeyError as error:
        raise ValueError(f"{link!r} names no cell: it has no {error}") from error


def link_in(path: str) -> str | None:
    """Return the link that a file holds, whatever its format; None where it holds none."""
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        pieces = [file.read(_PIECE_BYTES)]
        if size > _PIECE_BYTES:
            file.seek(max(_PIECE_BYTES, size - _PIECE_BYTES))
            pieces.append(file.read(_PIECE_BYTES))
    for piece in pieces:
        match = _LINK.search(piece.replace(b"\\(", b"(").replace(b"\\)", b")"))
        if match:
            return match[0].replace(b"&amp;", b"&").decode()
    return None


def mark_module(name: str, module: Any) -> None:
    """Have a library that was imported write links where that is asked for."""
    try:
        if name == "matplotlib.figure":
            module.Figure.savefig = _linking_savefig(module.Figure.savefig)
        elif name == "pyarrow.parquet":
            module.ParquetWriter.__init__ = _linking_writer(module.ParquetWriter.__init__)
    except AttributeError:  # a release that we do not know
        _log.debug("%s cannot write links", name, exc_info=True)


def _current_link() -> str | None:
    """Return the link of the cell that runs; None where no database knows it, or no links are wanted."""
    if not option("link_exports"):
        return None
    from isfdb.provenance.capture import link_of_running

    return link_of_running()


def _is_putting() -> bool:
    """Say whether this thread stores a value."""
    frame: Any = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__") != "isfdb.writing":
        frame = frame.f_back
    return frame is not None


def _linking_savefig(savefig: Any) -> Any:
    if getattr(savefig, "_isfdb_links", False):
        return savefig

    @functools.wraps(savefig)
    def linking(figure: Any, fname: Any, *arguments: Any, **named: Any) -> Any:
        try:
            kind = str(named.get("format") or os.path.splitext(os.fspath(fname))[1].lstrip(".") or "png").lower()
            link = _current_link() if kind in _FIELDS and not _is_putting() else None
        except Exception:  # noqa: BLE001 - a figure without a link is better than none
            _log.debug("a figure gets no link", exc_info=True)
            link = None
        if link is not None:
            named["metadata"] = {_FIELDS[kind]: link, **(named.get("metadata") or {})}
        return savefig(figure, fname, *arguments, **named)

    linking._isfdb_links = True  # type: ignore[attr-defined]  # so that it is not wrapped twice
    return linking


def _linking_writer(init: Any) -> Any:
    if getattr(init, "_isfdb_links", False):
        return init

    @functools.wraps(init)
    def linking(writer: Any, where: Any, schema: Any, *arguments: Any, **named: Any) -> None:
        try:
            # A value that isfdb itself stores is explained by its record, and its bytes say nothing of the session.
            link = _current_link() if not _is_putting() else None
            if link is not None:
                schema = schema.with_metadata({**(schema.metadata or {}), NAME.encode(): link.encode()})
        except Exception:  # noqa: BLE001 - as above
            _log.debug("a table gets no link", exc_info=True)
        init(writer, where, schema, *arguments, **named)

    linking._isfdb_links = True  # type: ignore[attr-defined]  # as above
    return linking
