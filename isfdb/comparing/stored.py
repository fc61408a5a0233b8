"""One stored version as a side of a comparison: its value on request, and the records that tell how it was made. Compares nothing."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from isfdb import plugins
from isfdb.display.summaries import UNREADABLE
from isfdb.errors import IsfdbError, LoadError, OptionError
from isfdb.exact_json import loads
from isfdb.identity import read_identity
from isfdb.layout.current import CODE_FILE, CODE_FOLDER, ENVIRONMENTS_FOLDER
from isfdb.provenance.session import Cell, Session, read_session
from isfdb.reading import find, load

if TYPE_CHECKING:
    from isfdb.entry import Version

#: Larger values are read lazily, or mapped, where their format can.
LARGE_BYTES: Final = 64_000_000


@dataclass(frozen=True)
class Stored:
    """A version, and what a comparison asks of it.

    Attributes
    ----------
    version : Version
    name : str
        How it is called in a message.
    trusted : bool
        Whoever opened its database vouches for it.
    """

    version: Version
    name: str
    trusted: bool = False

    @property
    def record(self) -> Mapping[str, Any]:
        """``metadata.json``."""
        return self.version.record

    @property
    def folder(self) -> str:
        """Folder of the version, within the storage."""
        return self.version._folder

    @property
    def storage(self) -> Any:
        """Of the database that holds it."""
        return self.version._storage

    def load(self, *, is_large: bool) -> Any:
        """Return the value, lazily or mapped where it is large and its format can.

        Raises
        ------
        IsfdbError
            It was reclaimed or deleted, cannot be read, or would run code that is not known to be yours.
        """
        options = self._lazy_options() if is_large else {}
        try:
            return self._read(options)
        except (OptionError, LoadError):
            if not options:
                raise
            return self._read({})  # a value of this kind cannot be read so; whole it can

    def _read(self, options: Mapping[str, Any]) -> Any:
        """Return the value without noting it as used: nothing is made from it."""
        found = find(self.storage, self.folder.rpartition("/")[0], self.version.key, self.version.number)
        root_id = read_identity(self.storage).id
        return load(self.storage, found, self.version.key, database_id=root_id, trusted=self.trusted, options=options)

    def _lazy_options(self) -> dict[str, Any]:
        try:
            parameters = inspect.signature(plugins.loaderdumper(str(self.version.dumper)).Loader.get).parameters
        except IsfdbError:
            return {}  # loading says what is wrong
        if "lazy" in parameters:
            return {"lazy": True}
        return {"mmap": "r"} if "mmap" in parameters and parameters["mmap"].default is None else {}

    # How it was made -------------------------------------------------------------------------------------------------------------

    def why_unknown(self, name: str) -> str:
        """Return why a member of the record is not known."""
        unknown = _mapping(self.record.get("unknown"))
        return str(unknown.get(name) or unknown.get("all") or "it is not recorded")

    @cached_property
    def session(self) -> Session | None:
        """The session that stored it, as far as its database holds it."""
        try:
            return read_session(self.storage, str(_mapping(self.record.get("activity")).get("session")))
        except UNREADABLE:
            return None  # a sub-database moved out by hand leaves its sessions behind; verify names what is damaged

    @property
    def cell(self) -> Cell | None:
        """The cell or script that stored it."""
        line = _mapping(self.record.get("activity")).get("line")
        return next((cell for cell in self.session.cells if cell.line == line), None) if self.session else None

    @property
    def slice_text(self) -> str | None:
        """Its ``code.py``; None where there is none."""
        try:
            return str(self.storage.read(f"{self.folder}/{CODE_FILE}").decode("utf-8", "replace"))
        except OSError:
            return None

    @cached_property
    def snapshot(self) -> Mapping[str, Any] | None:
        """The state of the sources; None where it is not known. Where git answered after the put, the session's log tells."""
        code = _mapping(self.record.get("code"))
        late = _mapping(self.cell.facts.get("code")) if code.get("late") and self.cell is not None else {}
        return self._kept(CODE_FOLDER, late.get("snapshot") or code.get("snapshot"))

    @cached_property
    def environment(self) -> Mapping[str, Any] | None:
        """The packages that were installed; None where they are not known."""
        return self._kept(ENVIRONMENTS_FOLDER, self.record.get("environment"))

    @property
    def machine(self) -> Mapping[str, Any] | None:
        """The computer; None where it is not known."""
        found = self.session.start.get("machine") if self.session else None
        return found if isinstance(found, Mapping) else None

    def _kept(self, folder: str, digest: Any) -> Mapping[str, Any] | None:
        if not (isinstance(digest, str) and digest.isalnum()):
            return None
        try:
            found = loads(self.storage.read(f"{folder}/{digest}.json"))
        except UNREADABLE:
            return None
        return found if isinstance(found, Mapping) else None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
