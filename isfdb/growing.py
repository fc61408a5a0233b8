"""The methods by which a database makes its values longer: ``append``, and ``appending`` for many small blocks."""

from __future__ import annotations

from typing import Any

from isfdb.appender import FLUSH_BYTES, Appender, recover
from isfdb.appending import append
from isfdb.entry import Version, version_published
from isfdb.errors import OptionError
from isfdb.place import Key, Place
from isfdb.publishing import Target


class Growing(Place):
    """A database's part that makes values longer."""

    def append(self, key: Key, block: Any, *, axis: int = 0, **options: Any) -> Version:
        """Make an array or a table longer; where there is no such key, store `block`.

        What is there is not copied: the cost does not grow with the value. Readers see whole blocks only, and a version read before
        stays what it was. Several processes may append at once; no block is lost.

        Parameters
        ----------
        block : object
            Of the same dtype, or columns, as the value. An array may lack `axis`: then it is one row, or one image of a stack.
        axis : int
            Along which the value grows; any of an array's axes, 0 of tables.
        **options
            For the loaderdumper, as ``ignore_index=True`` for tables.

        Returns
        -------
        Version

        Raises
        ------
        AppendError
            The value cannot grow, or `block` does not fit it. Nothing was changed.
        DumpError, ReadOnlyError, StorageError
        """
        names = self._writable(key, "append to")
        self._publish_batch()
        self._make_levels(names[:-1])
        target = self._target(names)
        last = self._appended.get(target.key_folder)
        if last is None:
            self._recover(target)
        pending = append(target, block, axis=axis, options=options, carried=self._carried, durable=self._durable, last=last)
        self._appended[target.key_folder] = pending.number
        return version_published(pending, "/".join(names), self.id)

    def appending(
        self,
        key: Key,
        *,
        axis: int = 0,
        flush_bytes: int = FLUSH_BYTES,
        flush_s: float | None = None,
        sync: bool = False,
        **options: Any,
    ) -> Appender:
        """Make a value longer by many small blocks: ``with db.appending("trace") as trace: trace.append(block)``.

        Blocks of an array are written as they come, in some ten microseconds each, and survive a killed process: the next append to the
        key, or :meth:`collect`, publishes what a dead process left. Readers see them after a flush. Tables wait in memory.

        Parameters
        ----------
        axis : int
            Along which the value grows.
        flush_bytes : int
            Publish whenever so much has been gathered.
        flush_s : float, optional
            Publish with the first append that finds the oldest block waiting for longer, in seconds.
        sync : bool
            Wait at every append until the disk has it: then it also survives a power cut. Arrays only.
        **options
            As for :meth:`append`.

        Returns
        -------
        Appender
            With ``append(block)``, ``flush()`` and ``close()``; the end of the ``with`` block closes it.

        Raises
        ------
        OptionError
            The database does not lie in a folder.
        """
        names = self._writable(key, "append to")
        if self._storage.gives_copies:
            message = f"cannot gather blocks for {key!r}: they lie in a folder until they are published, and {self.path} has none."
            raise OptionError(f"{message} Use db.append(key, block) for blocks of some size.", key=key)
        self._publish_batch()
        self._make_levels(names[:-1])
        self._recover(self._target(names))
        return Appender(
            lambda: self._target(names),
            axis=axis,
            carried=self._carried,
            durable=self._durable,
            flush_bytes=flush_bytes,
            flush_s=flush_s,
            sync=sync,
            options=options,
        )

    def _recover(self, target: Target, names: list[str] | None = None) -> None:
        """Publish what processes that died while appending left behind: it came before what is appended now."""
        names = self._storage.list(target.key_folder) if names is None else names
        recover(target, names, self._carried, durable=self._durable)
