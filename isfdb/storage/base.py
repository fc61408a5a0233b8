"""The contract between isfdb and whatever holds the bytes: folders on a disk, later an object store.

A storage moves bytes. It knows nothing of values, loaderdumpers or provenance. Paths are texts relative to the database, with ``/``.
What the system refuses, or a server, comes out as OSError; but of `list`, `is_folder` and `read`, which answer questions, as a
StorageError, for "nothing is there" would be a wrong answer. What lies below a key's folder is never written where that folder is not
there: another process moved the key away, and FileNotFoundError says so.

Callers may rely on what stands here and on nothing else: not on rename, not on local paths for anything but a stage, and not on
probing being cheap or up to date (on NFS a name once missed stays missing for 30 s, while a listing sees it at once).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence


class TakenError(Exception):
    """Somebody else published under that number first. Never reaches a user: the writer tries the next number."""


class Stage:
    """A folder in which one version is written, invisible to readers until it is published.

    Attributes
    ----------
    path : str
        Local folder to fill.
    key_folder : str
        Where the version will appear, relative to the database.
    nonce : str
        Random text of 16 hexadecimal digits. After a doubtful publish it tells our version from another writer's.
    files, folders : list of str
        What lies in `path`, relative to it; filled in by the writer, flushed by :meth:`Storage.prepare`.
    container : str or None
        For a key's first version: the staged key folder that holds `path`.
    first : int
        The number that `container` gives to the version in it.
    named_in : str or None
        The folder in which the published name stands, which :meth:`Storage.settle` flushes.
    """

    __slots__ = ("_held", "container", "files", "first", "folders", "key_folder", "named_in", "nonce", "path")

    def __init__(self, path: str, key_folder: str, nonce: str, container: str | None = None, first: int = 1) -> None:
        self.path = path
        self.key_folder = key_folder
        self.nonce = str(nonce)
        self._held = nonce  # by this a storage may tell that somebody still writes here
        self.container = container
        self.first = first
        self.files: list[str] = []
        self.folders: list[str] = []
        self.named_in: str | None = None


class Storage(ABC):
    """What holds a database: small records, and versions that appear whole or not at all."""

    #: True where nothing may be written.
    read_only: bool = False

    #: Why no mode allows writing, and what to do instead; empty where one does.
    why_read_only: str = ""

    #: True where `fetch` gives copies: what somebody writes into them reaches nobody.
    gives_copies: bool = False

    #: A folder into which links are the storage's own; empty where every link is a stranger's.
    links_into: str = ""

    @property
    @abstractmethod
    def location(self) -> str:
        """Path or URL of the database, for people and error messages."""

    # Small records ---------------------------------------------------------------------------------------------------------------

    @abstractmethod
    def list(self, folder: str) -> list[str]:
        """Return the names inside `folder`, in no order; an empty list where there is no such folder.

        A listing is never stale: what was published before the call is in it.
        """

    def watched_folder(self, folder: str) -> str | None:
        """Return the local folder whose times of change tell whether a kept listing of `folder` still holds; None where nothing does."""
        return None

    @abstractmethod
    def is_folder(self, path: str) -> bool:
        """Say whether `path` holds names of its own. May cost a round trip."""

    @abstractmethod
    def read(self, path: str) -> bytes:
        """Return a record.

        Raises
        ------
        FileNotFoundError
            There is none.
        """

    @abstractmethod
    def put(self, path: str, data: bytes, *, flushed: bool = False) -> bool:
        """Create a record, whole, unless one exists. Return False where one does, and change nothing.

        Parameters
        ----------
        flushed : bool
            What it holds is on the disk before its name is there. Costs a wait for the disk; without it, a power cut before the
            next `prepare` can leave the name with less than the whole.
        """

    @abstractmethod
    def put_folder(self, folder: str, name: str, data: bytes, *, flushed: bool = False) -> bool:
        """Create a folder that holds the record `name`, both at once, unless there is such a folder. Return False where there is one."""

    @abstractmethod
    def replace(self, path: str, data: bytes, *, flushed: bool = True) -> None:
        """Create a record or replace it, atomically. The last writer wins.

        Parameters
        ----------
        flushed : bool
            What it holds is on the disk before its name is there; without it, a power cut can leave the name with less than the whole.
        """

    @abstractmethod
    def append(self, path: str, data: bytes) -> None:
        """Add `data` at the end of a record that one writer owns, creating it if need be."""

    def rely_on(self, path: str) -> None:
        """Note that what this process writes next means nothing without a record of another process, as far as that goes now.

        The next `prepare` flushes it as well.
        """
        return

    @abstractmethod
    def remove(self, path: str) -> None:
        """Remove a record; nothing happens where there is none."""

    # Versions --------------------------------------------------------------------------------------------------------------------

    @abstractmethod
    def stage(self, key_folder: str, *, is_new: bool, first: int = 1) -> Stage:
        """Make an empty stage for the next version of a key.

        Parameters
        ----------
        is_new : bool
            The listing showed no such key.
        first : int
            The number a new key's first version will bear: above 1 where the name was used before.
        """

    @abstractmethod
    def write(self, stage: Stage, name: str, data: bytes) -> None:
        """Write, or write anew, a small file of a stage."""

    @abstractmethod
    def prepare(self, stages: Sequence[Stage]) -> None:
        """Make stages, and every record this process wrote before, survive a power cut. One wait for the disk, however many there are.

        Raises
        ------
        OSError
            The stages must be discarded: after a failed flush nobody knows what is on the disk.
        """

    @abstractmethod
    def publish(self, stage: Stage, number: int) -> None:
        """Make a stage visible as version `number`, unless that number is taken.

        Raises
        ------
        TakenError
            The number is taken, and not by this stage.
        """

    @abstractmethod
    def settle(self, stages: Sequence[Stage]) -> None:
        """Make what was published survive a power cut."""

    @abstractmethod
    def discard(self, stage: Stage) -> None:
        """Remove a stage and all it holds. Never raises: what cannot be removed now, a later collect sweeps."""

    @abstractmethod
    def fetch(self, path: str) -> str:
        """Return a local folder, or file, with the content of the one at `path`: itself, or a copy that lives as long as this storage.

        It must not be written to.
        """

    # Moving and reclaiming -------------------------------------------------------------------------------------------------------

    @abstractmethod
    def move(self, old: str, new: str) -> None:
        """Move a key folder or a sub-database, whole, and make it survive a power cut.

        Raises
        ------
        TakenError
            There is something at `new`.
        FileNotFoundError
            There is nothing at `old`.
        """

    @abstractmethod
    def to_trash(self, path: str, *, durable: bool = False) -> None:
        """Take a file or folder out of sight at once; readers that hold it open go on. `empty_trash` deletes it later.

        Nothing happens where there is none: another process came first.

        Parameters
        ----------
        durable : bool
            Make sure that it stays out of sight after a power cut.
        """

    @abstractmethod
    def erase(self) -> None:
        """Delete the whole database, at once and for good."""

    @abstractmethod
    def empty_trash(self, older_than_s: float, *, dry_run: bool) -> int:
        """Delete what was trashed that long ago by the storage's own clock; return the bytes reclaimed."""

    @abstractmethod
    def sweep(self, folder: str, names: Iterable[str], older_than_s: float, *, dry_run: bool) -> int:
        """Remove the stages of dead writers among the `names` in `folder`; return the bytes reclaimed."""

    @abstractmethod
    def size(self, path: str) -> int:
        """Return the bytes that a file or folder takes, all its files summed; 0 where there is none."""

    @abstractmethod
    def age_s(self, path: str) -> float:
        """Return the seconds since `path` last changed, by the storage's own clock; 0 where there is none."""
