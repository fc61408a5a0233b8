"""``isfdb.json``: what makes a folder a database, and the id by which it is found again. Written once."""

from __future__ import annotations

import datetime
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from isfdb.errors import CorruptDatabaseError, FormatVersionError, NotADatabaseError
from isfdb.exact_json import loads
from isfdb.failures import reading_failure, storage_failure
from isfdb.hashing import digest_of
from isfdb.layout.current import DATABASE_FILE, FORMAT, README_FILE, join
from isfdb.layout.isf_legacy import is_isf_id
from isfdb.manifest import seal
from isfdb.storage.base import Storage

_README = """\
This folder is an isfdb database. You can read it without isfdb.

Each folder NAME.key is one stored value ("key"); any other folder is a
sub-database, which holds keys in the same way. In names, %XX stands for the
byte XX of the UTF-8 text.

Inside NAME.key:
  v000001/ v000002/ ...   versions; the highest number is the value
  attributes.json         notes about the key, if any were made
Inside a version:
  Loader.json     how the value was written: the last word of "Loader" names
                  the format, the other members are its arguments. Small
                  plain values lie in it, as "value".
  metadata.json   when, by whom, from which code, with which packages; and
                  "files": each file's size in bytes and BLAKE3 digest
  data.*          the data in an open format: .json JSON, .npy NumPy,
                  .parquet Apache Parquet, .zarr Zarr, .svg/.png pictures;
                  to_pickle and to_cloudpickle are Python pickles: open
                  those only if you trust who wrote them, for they run code
  code.py         what ran to make the value, as a script for Python
  DELETED         instead of data: the key was deleted with this version
  RECLAIMED       the data of this old version was removed to save space

In .isfdb:
  sessions/ID.jsonl       what was executed, line by line; metadata.json
                          names its session and line under "activity"
  environments/           installed packages, by digest
  code/                   state of the sources, patches, by digest
  inputs/                 long lists of what values were made from
  checks/                 what running code.py again showed
Nothing else is needed; caches lie elsewhere. Copy or move the folder freely.
"""


@dataclass(frozen=True)
class Identity:
    """What ``isfdb.json`` says.

    Attributes
    ----------
    id : str
        32 hexadecimal digits that never change; of a database that ISF wrote, ISF's id.
    created : str
        ISO-8601 time.
    members : Mapping
        All that stands there, options included.
    """

    id: str
    created: str | None
    members: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of_plain_folder(cls, parent_id: str, key: str) -> Identity:
        """Return the id of a sub-database made by hand, which has no file of its own: derived from its parent's."""
        return cls(hashlib.blake2b(f"{parent_id}/{key}".encode(), digest_size=16).hexdigest(), None)


def read_identity(storage: Storage, folder: str = "") -> Identity:
    """Read ``isfdb.json``.

    Raises
    ------
    NotADatabaseError
        There is none.
    CorruptDatabaseError
        It cannot be understood.
    FormatVersionError
        A newer isfdb wrote it.
    """
    where = join(storage.location, folder)
    try:
        data = storage.read(join(folder, DATABASE_FILE))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotADatabaseError(f"{where} is no isfdb database: it has no {DATABASE_FILE}.", path=where) from error
    except OSError as error:
        raise reading_failure(error, DATABASE_FILE, where) from error
    try:
        members = loads(data)
        written, id_, created = members["format"], members["id"], members.get("created")
        is_ours = isinstance(id_, str) and len(id_) == 32 and not set(id_) - set("0123456789abcdef")
        if type(written) is not int or not (is_ours or ("isf" in members and is_isf_id(id_))):
            raise ValueError("'format' must be a whole number and 'id' 32 hexadecimal digits")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise CorruptDatabaseError(
            f"{DATABASE_FILE} of {where} cannot be understood: {error!r}. The keys are unharmed: restore that file from a copy, "
            'or write {"format": 1, "id": "<32 hexadecimal digits>"} into it.',
            path=where,
        ) from error
    if written > FORMAT:
        raise FormatVersionError(
            f"{where} has format {written}, and this isfdb reads up to {FORMAT}. Upgrade isfdb.", path=where, format=written
        )
    return Identity(id_, created, members)


def make_database(storage: Storage, folder: str = "", *, parent_id: str | None = None, durable: bool = True) -> Identity:
    """Make a folder a database, unless another process just did; return what its ``isfdb.json`` then says.

    Raises
    ------
    ReadOnlyError, DatabaseFullError, StorageError
    """
    created = datetime.datetime.now(datetime.UTC).isoformat(timespec="microseconds")
    members: dict[str, Any] = {"created": created, "format": FORMAT, "id": os.urandom(16).hex()}
    if parent_id:
        members["parent"] = parent_id
    try:
        if folder:
            storage.put_folder(folder, DATABASE_FILE, seal(members).encode(), flushed=durable)
        else:
            members |= _put_readme(storage, flushed=durable)
            storage.put(DATABASE_FILE, seal(members).encode(), flushed=durable)
        if durable:
            storage.prepare([])
    except OSError as error:
        raise storage_failure(error, "make a database", join(storage.location, folder)) from error
    return read_identity(storage, folder)


def _put_readme(storage: Storage, *, flushed: bool) -> dict[str, Any]:
    """Lay down README.txt, before the file that tells its digest; return the member that does, unless somebody's own lies there."""
    text = _README.encode()
    is_ours = storage.put(README_FILE, text, flushed=flushed) or storage.read(README_FILE) == text
    if flushed:
        storage.prepare([])  # its name survives a power cut wherever that of isfdb.json does
    return {"readme": [len(text), digest_of(text)]} if is_ours else {}
