"""``isfdb.export``: hands a key, a sub-database or a database to people and programs that have no isfdb."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from typing import Any, Final

from isfdb.database import Database
from isfdb.display import text_bundle
from isfdb.display.safe import visible
from isfdb.display.words import count_text, size_text
from isfdb.errors import OptionError
from isfdb.exporting.archives import Archive, UnreadableError, Written, write_text, writing
from isfdb.exporting.bundle import bundle_items
from isfdb.exporting.contents import Contents, Item
from isfdb.exporting.prov_json import prov_json
from isfdb.exporting.ro_crate import METADATA, ro_crate
from isfdb.exporting.subject import Subject, subject_of

FORMATS: Final = ("bundle", "prov", "ro-crate")


@dataclass(frozen=True)
class Exported:
    """What was exported, and what was not.

    Attributes
    ----------
    path : str
        The file or folder that was written.
    format : str
    n_keys, n_versions, n_files, n_bytes : int
        What is in it; bytes before they are packed.
    left_out : tuple of str
        What is not in it, and why: records that cannot be read, input files that have changed.
    damaged : tuple of str
        Files that were copied as they are, and are not what was stored.
    """

    path: str
    format: str
    n_keys: int
    n_versions: int
    n_files: int
    n_bytes: int
    left_out: tuple[str, ...]
    damaged: tuple[str, ...]

    @property
    def is_complete(self) -> bool:
        """Nothing is left out or damaged."""
        return not self.left_out and not self.damaged

    def to_json(self) -> dict[str, Any]:
        """Return all that as plain values."""
        facts = asdict(self)
        return facts | {"left_out": list(self.left_out), "damaged": list(self.damaged), "is_complete": self.is_complete}

    def __str__(self) -> str:
        counts = [(self.n_keys, "key"), (self.n_versions, "version"), (self.n_files, "file")]
        told = ", ".join([count_text(number, unit) for number, unit in counts])
        lines = [f"{self.path}: {told}, {size_text(self.n_bytes)}"]
        lines += [f"left out: {one}" for one in self.left_out]
        lines += [f"not as it was stored: {one}" for one in self.damaged]
        return "\n".join([visible(line, 1000) for line in lines])

    __repr__ = __str__

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return text_bundle("export", str(self))


def export(
    db: Database,
    target: str | os.PathLike[str],
    *,
    key: str | tuple[str, ...] | None = None,
    format: str | None = None,
    data: bool = True,
    versions: str = "newest",
    inputs: bool = False,
    licence: str | None = None,
    overwrite: bool = False,
) -> Exported:
    """Write results and their provenance for people and programs that have no isfdb.

    Parameters
    ----------
    db : Database
    target : str or path
        What to write: a file for ``"prov"``; else a zip file if its name ends with ``.zip``, and a folder if not.
    key : str or tuple of str, optional
        One key, or a sub-database; default: the whole database.
    format : {'bundle', 'prov', 'ro-crate'}, optional
        ``"bundle"``: data, code, records, a README and a script for each key that reads it without isfdb. ``"ro-crate"``: data, code and
        records as an RO-Crate. ``"prov"``: provenance as PROV-JSON. Default: ``"prov"`` if the target's name ends with ``.json``, else
        ``"bundle"``.
    data : bool
        Take the data along; for ``"prov"``: tell of each file, with size and digest.
    versions : {'newest', 'all'}
        Which versions of each key.
    inputs : bool
        Take along the input files that still are what was read.
    licence : str, optional
        Under which others may use it: a URL, or words.
    overwrite : bool
        Replace a file, or an older export.

    Returns
    -------
    Exported

    Raises
    ------
    KeyNotFoundError, OptionError
    ExportExistsError, ExportError
    """
    path = os.path.abspath(os.path.expanduser(os.fspath(target)))
    chosen = format or ("prov" if path.endswith(".json") else "bundle")
    if chosen not in FORMATS:
        raise OptionError(f"format={format!r} is none of {', '.join(map(repr, FORMATS))}.", format=format)
    if not isinstance(db, Database):
        raise OptionError(f"export takes an open database, not {db!r:.80}: isfdb.export(isfdb.open(path, mode='r'), target).", database=db)
    _refuse_odd_name(chosen, path)
    _refuse_inside(db, path)
    subject = subject_of(db, key, versions)
    if chosen == "prov":
        size = write_text(path, prov_text(subject, data=data), overwrite=overwrite)
        return _exported(path, chosen, subject, [Written(path, size, "", "", None)], subject.problems)
    contents = Contents(subject, data=data, inputs=inputs)
    with writing(path, overwrite=overwrite) as archive:
        _fill(archive, contents, chosen, licence)
    return _exported(path, chosen, subject, archive.written, [*subject.problems, *contents.left_out])


def prov_text(subject: Subject, *, data: bool) -> str:
    """Return the text of a PROV-JSON document."""
    return json.dumps(prov_json(subject, files=data), ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _refuse_odd_name(chosen: str, path: str) -> None:
    """Refuse a name that says another thing than what would be written."""
    ending = os.path.splitext(path)[1]
    if ending == (".zip" if chosen == "prov" else ".json"):
        wanted = "a JSON file" if chosen == "prov" else "a .zip or a folder"
        raise OptionError(
            f"cannot export to {path}: {chosen!r} is {wanted}, and the name ends with {ending}. Choose another name.", target=path
        )


def _refuse_inside(db: Database, path: str) -> None:
    """Refuse to write into the database that is exported: what it holds is isfdb's business."""
    folder = os.path.realpath(db.root.path)
    if os.path.commonpath([folder, os.path.realpath(path)]) == folder:
        raise OptionError(f"cannot export to {path}: it lies inside the database. Choose a place outside {folder}.", target=path)


def _fill(archive: Archive, contents: Contents, chosen: str, licence: str | None) -> None:
    for item in contents.items():
        try:
            archive.add(item)
        except UnreadableError as error:
            contents.left_out.append(f"{item.path} {error}")
    if chosen == "bundle":
        for item in bundle_items(contents, archive.written):
            archive.add(item)
    about = f"{contents.subject.name}: results kept by isfdb, with the code, the packages and the inputs that made them"
    crate = ro_crate(contents, archive.written, licence=licence, description=about)
    archive.add(Item(METADATA, (json.dumps(crate, ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode()))


def _exported(path: str, chosen: str, subject: Subject, written: list[Written], left_out: list[str]) -> Exported:
    damaged = tuple([f"{one.path} has another digest than its record says" for one in written if not one.is_as_stored])
    counts = len(subject.keys), len(subject.versions), len(written), sum([one.size for one in written])
    return Exported(path, chosen, *counts, tuple(left_out), damaged)
