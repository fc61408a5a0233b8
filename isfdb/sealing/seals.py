"""``isfdb.seal``: writes down one head digest over all that a database holds, and reads such seals back."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from isfdb.database import Database
from isfdb.display import pairs_bundle
from isfdb.display.words import count_text, moment_text
from isfdb.errors import ConflictError, CorruptVersionError, OptionError
from isfdb.exact_json import dumps, loads
from isfdb.failures import storage_failure
from isfdb.layout.current import FORMAT, SEALS_FOLDER
from isfdb.provenance.events import Announcements
from isfdb.sealing.covered import Covered, covered_now
from isfdb.sealing.signatures import Signature, SigningKey
from isfdb.storage.base import Storage
from isfdb.storage.isf import IsfStorage
from isfdb.writing import now


@dataclass(frozen=True)
class Seal:
    """A seal: what a database held at one moment, in one digest.

    Attributes
    ----------
    head : str
        The digest: write it down where nobody who can write to the database can change it.
    number : int
        Seals are counted from 1.
    created : str
        When, by the clock of whoever sealed.
    database : str
        The database's id.
    previous : str or None
        Head of the seal before.
    covered : Covered
    signature : Signature or None
    logged : str or None
        Session whose log tells of it.
    """

    head: str
    number: int
    created: str
    database: str
    previous: str | None
    covered: Covered = field(repr=False)
    signature: Signature | None = None
    logged: str | None = None

    @property
    def is_sound(self) -> bool:
        """Whether the head is the digest of what the seal says it covers."""
        return self.covered.head(self.database, self.previous) == self.head

    @property
    def counts(self) -> dict[str, int]:
        """Of how many keys, versions, sessions and lines it is."""
        sessions = self.covered.sessions
        lines = sum(n for n, _ in sessions.values())
        return {"keys": self.covered.n_keys, "lines": lines, "sessions": len(sessions), "versions": len(self.covered.versions)}

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values, without the long lists."""
        signed = self.signature.to_json() if self.signature else None
        facts = {"created": self.created, "database": self.database, "head": self.head, "number": self.number}
        return {**facts, "counts": self.counts, "previous": self.previous, "signature": signed}

    def to_record(self) -> dict[str, Any]:
        """Return what lies in the database."""
        sessions = {session: list(last) for session, last in self.covered.sessions.items()}
        return {**self.to_json(), "format": FORMAT, "logged": self.logged, "sessions": sessions, "versions": self.covered.versions}

    def __str__(self) -> str:
        counts = self.counts
        told = ", ".join([count_text(counts[name], name.removesuffix("s")) for name in ("keys", "versions", "sessions")])
        signed = f", signed by {self.signature.public_key}" if self.signature else ""
        return f"seal {self.number} of {self.created}: {told}{signed}\n{self.head}"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        pairs = [
            ("head", self.head),
            ("made", moment_text(self.created)),
            ("covers", ", ".join([count_text(number, name.removesuffix("s")) for name, number in self.counts.items()])),
            ("database", self.database),
            ("seal before", self.previous or ""),
            ("signed by", self.signature.public_key if self.signature else ""),
        ]
        note = "Write the head down where nobody who can write to the database can change it; isfdb.verify(db, against=head) compares."
        return pairs_bundle(f"seal {self.number}", pairs, note=note)


def seal(db: Database, *, sign: str | os.PathLike[str] | None = None) -> Seal:
    """Seal a database: one digest over every version's record and every session's log, for a lab book.

    ``isfdb.verify(db, against=head)`` says later whether all of it is still there and unchanged. It is always the topmost database
    that is sealed. Values are not read: run :func:`isfdb.verify` first, for a seal says that nothing changes from now on.

    Parameters
    ----------
    db : Database
        Open for writing.
    sign : path, optional
        A private Ed25519 key (PEM), which no other user may read: sign the seal with it.

    Raises
    ------
    ReadOnlyError, OptionError, CorruptVersionError, StorageError
    ConflictError
        Somebody else sealed it at the same moment.
    MissingDependencyError
        Signing takes the package cryptography.
    """
    if not isinstance(db, Database):
        raise OptionError(f"seal takes an open database, not {db!r}: isfdb.seal(isfdb.open(path)).", database=db)
    root = db.root
    root._refuse_if_read_only("seal it")
    root._publish_batch()
    if isinstance(root._storage, IsfStorage):
        raise OptionError(f"{root.path} was written by ISF, which keeps no digests. Copy it with isfdb import, then seal that.")
    key = SigningKey.read(sign, root.path) if sign is not None else None
    try:
        return _write(root._storage, root.id, key)
    except OSError as error:
        raise storage_failure(error, "seal the database", root.path) from error


def _write(storage: Storage, database_id: str, key: SigningKey | None) -> Seal:
    before = newest_seal(storage)
    number, previous = (before.number + 1, before.head) if before else (1, None)
    covered = covered_now(storage)
    head = covered.head(database_id, previous)
    signature = key.sign(database_id, head) if key else None
    announcements = Announcements(storage, always=True)
    lines = announcements.tell([{"head": head, "kind": "seal", "number": number, "previous_seal": previous}])
    sealed = Seal(head, number, now(), database_id, previous, covered, signature, announcements.session)
    storage.prepare([])  # the log's line is on the disk before the seal that names it
    if not storage.put(_path(number), dumps(sealed.to_record()).encode(), flushed=True):
        raise ConflictError(f"somebody else made seal {number} at the same moment. Seal again, if you need one of your own.")
    storage.prepare([])
    announcements.done(lines, at_once=True)  # the last act of many a session, and the next line may never come
    return sealed


def _path(number: int) -> str:
    return f"{SEALS_FOLDER}/{number:06d}.json"


def seal_numbers(storage: Storage) -> list[int]:
    """Return the numbers of the seals that are there, ascending."""
    stems = [name.removesuffix(".json") for name in storage.list(SEALS_FOLDER) if name.endswith(".json")]
    return sorted(int(stem) for stem in stems if stem.isdecimal())


def newest_seal(storage: Storage) -> Seal | None:
    """Return the newest seal; None where there is none.

    Raises
    ------
    CorruptVersionError
        It cannot be read.
    """
    numbers = seal_numbers(storage)
    return read_seal(storage, numbers[-1]) if numbers else None


def read_seal(storage: Storage, number: int) -> Seal:
    """Read a seal.

    Raises
    ------
    CorruptVersionError
        It cannot be read.
    """
    return seal_of(storage.read(_path(number)), _path(number))


def seals_in(storage: Storage) -> Iterator[Seal]:
    """Give the seals that can be read, oldest first."""
    for number in seal_numbers(storage):
        try:
            yield read_seal(storage, number)
        except (OSError, CorruptVersionError):
            continue  # verify reports it


def seal_of(data: bytes, where: str) -> Seal:
    """Return what a seal's file says.

    Raises
    ------
    CorruptVersionError
        It is none.
    """
    try:
        record = loads(data)
        sessions = {str(session): (int(n), str(digest)) for session, (n, digest) in record["sessions"].items()}
        versions = {str(path): str(digest) for path, digest in record["versions"].items()}
        signature = Signature.from_json(record["signature"]) if record.get("signature") else None
        previous, logged = record["previous"], record.get("logged")
        covered = Covered(sessions, versions)
        named = {name: str(record[name]) for name in ("head", "created", "database")}
        return Seal(number=int(record["number"]), previous=previous, covered=covered, signature=signature, logged=logged, **named)
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise CorruptVersionError(f"{where} is no seal: {type(error).__name__}: {error}. Run isfdb.verify(db).", path=where) from error
