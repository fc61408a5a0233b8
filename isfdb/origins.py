"""Where a file came from: ``isfdb.whence("fig.png")`` finds the cell that wrote it, the values behind it and the code.

It looks for the link that the file may hold, then for its digest in the logs of sessions, then among the files of stored values. It only
reads, and of what it finds nothing is run.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

from isfdb import registry
from isfdb.display import Text, html
from isfdb.display.safe import visible, visible_lines
from isfdb.errors import DatabaseNotFoundError, IsfdbError, OptionError
from isfdb.hashing import digest_of_file
from isfdb.keys import key_of_folder
from isfdb.layout.current import KEY_SUFFIX, METADATA_FILE, SESSIONS_FOLDER
from isfdb.opening import open as open_database
from isfdb.provenance.file_links import link_in, parse_link
from isfdb.provenance.session import Cell, Session, read_session
from isfdb.provenance.slicing.from_log import script_of_line

if TYPE_CHECKING:
    from isfdb.database import Database

_MOST_CODE_LINES = 40


@dataclass(frozen=True)
class Origin:
    """One place that a file came from.

    Attributes
    ----------
    found_by : str
        ``"link"``, ``"digest"``, or ``"stored"``: it is a file of a stored value.
    database : dict
        ``id``, ``name`` and ``path``.
    values : tuple of str
        Links of the stored values that stand behind it.
    session : str
        Empty where it is a file of a stored value.
    cell : Cell or None
        What wrote it.
    at : int or None
        Line in the cell, counted from 1.
    file : str
        Its path when it was written.
    code : str
        The part of the session that made it.
    """

    found_by: str
    database: dict[str, str]
    values: tuple[str, ...]
    session: str = ""
    cell: Cell | None = None
    at: int | None = None
    file: str = ""
    code: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return JSON-ready members."""
        cell = (
            {"count": self.cell.count, "line": self.cell.line, "source": self.cell.source, "started": self.cell.started}
            if self.cell
            else None
        )
        return {
            "at": self.at,
            "cell": cell,
            "code": self.code,
            "database": self.database,
            "file": self.file,
            "found_by": self.found_by,
            "session": self.session,
            "values": list(self.values),
        }

    def lines(self) -> list[str]:
        """Return it as lines of text."""
        told = [f"  database  {self.database['name']}, {self.database['path']}"]
        told += [f"  value     {link}" for link in self.values]
        if self.cell is not None:
            count = f"[{self.cell.count}]" if self.cell.count is not None else f"line {self.cell.line} of the log"
            told.append(f"  cell      {count}, {self.cell.started or 'time unknown'}, session {self.session}")
        if self.file:
            told.append(f"  written   {self.file}")
        told.append(f"  found by  {self.found_by}")
        code = self.code.split("\n")
        told += [f"    {line}" for line in code[:_MOST_CODE_LINES]] if self.code else []
        return [*told, f"    … {len(code) - _MOST_CODE_LINES} lines more"] if len(code) > _MOST_CODE_LINES else told


class Origins(Sequence[Origin]):
    """Where a file came from, newest first; empty where no known database tells.

    Attributes
    ----------
    path : str
        The file.
    digest : str
        BLAKE3 of what it holds.
    unreadable : tuple of str
        Databases that could not be looked into, and why.
    """

    def __init__(self, path: str, digest: str, origins: Sequence[Origin], unreadable: Sequence[str] = ()) -> None:
        self.path = path
        self.digest = digest
        self.unreadable = tuple(unreadable)
        self._origins = tuple(origins)

    @overload
    def __getitem__(self, index: int) -> Origin: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Origin, ...]: ...
    def __getitem__(self, index: int | slice) -> Origin | tuple[Origin, ...]:
        return self._origins[index]

    def __len__(self) -> int:
        return len(self._origins)

    def to_json(self) -> dict[str, Any]:
        """Return JSON-ready members."""
        return {
            "digest": self.digest,
            "origins": [one.to_json() for one in self],
            "path": self.path,
            "unreadable": list(self.unreadable),
        }

    def __str__(self) -> str:
        if not self:
            told = [f"{self.path}: no known database tells where it came from. isfdb.registry.scan(folder) makes databases known."]
        else:
            told = [self.path, *[line for one in self for line in [*one.lines(), ""]]]
        told += [f"  not looked into: {problem}" for problem in self.unreadable]
        return visible_lines("\n".join(told).rstrip("\n"))

    __repr__ = __str__

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        parts = [html.heading(visible(os.path.basename(self.path)), "where it came from")]
        for one in self:
            facts = [
                ("values", ", ".join(one.values)),
                ("database", one.database["path"]),
                ("found by", one.found_by),
                ("written", one.file),
            ]
            parts.append(html.facts([(name, fact) for name, fact in facts if fact]))
            parts.append(html.folded("code", html.code(one.code, "code"), is_open=True) if one.code else "")
        return dict(Text(str(self), html.fragment(*parts) if self else "")._repr_mimebundle_())


def whence(file: str | os.PathLike[str], *, db: Database | None = None) -> Origins:
    """Find where an exported file came from: the cell that wrote it, the stored values behind it, the code.

    Parameters
    ----------
    file : str or os.PathLike
        A figure, table or other file that a session wrote.
    db : Database, optional
        Look here only; default: in all registered databases.

    Returns
    -------
    Origins
        Newest first; empty where nothing is known of it.

    Raises
    ------
    OptionError
        There is no such file.
    """
    path = os.path.abspath(os.path.expanduser(os.fspath(file)))
    if not os.path.isfile(path):
        raise OptionError(f"there is no file {path}, so nothing can be said of it. Check the path.", path=path)
    _, digest = digest_of_file(path)
    unreadable: list[str] = []
    databases = [db.root] if db is not None else list(_registered(unreadable))
    found = [*_by_link(path, databases), *_by_digest(digest, databases, unreadable)]
    distinct = list(
        {(one.database["id"], one.session, one.cell.line if one.cell else None, one.at, one.values): one for one in found}.values()
    )
    found = distinct or [origin for one in databases for origin in _among_stored(digest, one)]
    found.sort(key=lambda one: (one.cell.started or "") if one.cell else "", reverse=True)
    return Origins(path, digest, found, unreadable)


def _registered(unreadable: list[str]) -> Iterator[Database]:
    for record in registry.databases():
        if record.parent or not record.present:
            continue
        try:
            yield open_database(record.path, "r").root
        except (IsfdbError, OSError) as error:
            unreadable.append(f"{record.path}: {error}")


def _by_link(path: str, databases: Sequence[Database]) -> list[Origin]:
    link = link_in(path)
    if link is None:
        return []
    database_id, session_id, line, at = parse_link(link)
    try:
        database = next((one for one in databases if one.id == database_id), None) or open_database(registry.resolve(database_id), "r")
        session = read_session(database._storage, session_id)
    except (DatabaseNotFoundError, FileNotFoundError):
        return []
    cell = next((one for one in session.cells if one.line == line), None)
    if cell is None:
        return []
    wrote = next((one for one in _wrote(cell) if one.get("at") == at), {})
    return [_origin("link", database, session, cell, {"at": at, **wrote})]


def _by_digest(digest: str, databases: Sequence[Database], unreadable: list[str]) -> Iterator[Origin]:
    for database in databases:
        for name in database._storage.list(SESSIONS_FOLDER):
            try:
                # Most logs do not name the digest: reading is quicker than understanding.
                if digest.encode() not in database._storage.read(f"{SESSIONS_FOLDER}/{name}"):
                    continue
                session = read_session(database._storage, name.removesuffix(".jsonl"))
            except OSError as error:
                unreadable.append(f"{database.path}/{SESSIONS_FOLDER}/{name}: {error}")
                continue
            for cell in session.cells:
                for wrote in _wrote(cell):
                    if wrote.get("digest") == digest:
                        yield _origin("digest", database, session, cell, wrote)


def _wrote(cell: Cell) -> list[dict[str, Any]]:
    found = cell.facts.get("wrote")
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _origin(found_by: str, database: Database, session: Session, cell: Cell, wrote: dict[str, Any]) -> Origin:
    at = wrote.get("at") if isinstance(wrote.get("at"), int) else None
    links = [one for one in wrote.get("values") or () if isinstance(one, str)]
    script = script_of_line(session, cell, at, database_id=database.id)
    return Origin(
        found_by,
        _members(database),
        tuple([_versioned(database, session, link) for link in links]),
        session.id,
        cell,
        at,
        str(wrote.get("file") or ""),
        script.text if script is not None else cell.source or "",
    )


def _members(database: Database) -> dict[str, str]:
    return {"id": database.id, "name": database.name, "path": database.path}


def _versioned(database: Database, session: Session, link: str) -> str:
    """Add to the link of a key that the session stored which version that was."""
    head, at, number = link.rpartition("@")
    if at and number.isdigit() and head.startswith("isfdb://"):
        return link
    from urllib.parse import unquote

    try:
        versions = database.versions(unquote(link.removeprefix(f"isfdb://{database.id}/")))
    except IsfdbError:
        return link
    own = [one for one in versions if (one.record.get("activity") or {}).get("session") == session.id]
    return own[-1].link if own else link


def _among_stored(digest: str, database: Database) -> Iterator[Origin]:
    """Look for a file of a stored value: the record of its version names its digest."""
    for folder, names, files in os.walk(database.path):
        names[:] = [name for name in names if not name.startswith(".")]
        if METADATA_FILE not in files or not folder.rpartition("/")[0].endswith(KEY_SUFFIX):
            continue
        names.clear()
        try:
            with open(f"{folder}/{METADATA_FILE}", "rb") as file:
                is_named = digest.encode() in file.read()
        except OSError:
            continue
        if is_named:
            key = key_of_folder(os.path.relpath(os.path.dirname(folder), database.path).replace(os.sep, "/"))
            version = next((one for one in database.versions(key) if one.number == int(os.path.basename(folder)[1:])), None)
            if version is not None and any(facts[1:] == [digest] for facts in (version.record.get("files") or {}).values()):
                yield Origin("stored", _members(database), (version.link,), code=database.entry(key).code)
