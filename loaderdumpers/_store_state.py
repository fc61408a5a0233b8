"""What one process knows of a shared numpy store, whichever handle asks: its writer, what it has read, which files it has mapped."""

from __future__ import annotations

import atexit
import json
import logging
import mmap
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from isfdb.errors import KeyExistsError
from isfdb.hashing import digest_of
from isfdb.storage.staging import host, writer_is_alive
from loaderdumpers._store_blocks import Block, Names, block_of, path_of
from loaderdumpers._store_segments import Readings, Writer

_log = logging.getLogger(__name__)

_CLAIMS: Final = "claims"
#: A claim by a process of another host is void when its array has not come for so long.
_CLAIM_AGE_S: Final = 86400.0
#: Files kept mapped; arrays in use keep theirs mapped beyond that.
_MOST_MAPS: Final = 256


class State:
    """All that the handles of one store in one process share. Use it inside :func:`held`.

    Parameters
    ----------
    path : str
        Folder of the store.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.lock = threading.RLock()
        self.identity = identity_of(path)
        self.names = Names()
        self.problems: list[str] = []
        self._readings = Readings(path)
        self._writer: Writer | None = None
        self._rows_files: dict[tuple[str, Any], str] = {}
        self._grown: dict[str, Any] = {}
        self._maps: OrderedDict[str, mmap.mmap] = OrderedDict()
        self._n_unnamed = 0

    @property
    def writer(self) -> Writer:
        """The writer of this process, made when first needed."""
        if self._writer is None:
            self._writer = Writer(self.path)
            self._rows_files, self._grown = {}, {}
        return self._writer

    def refresh(self) -> None:
        """Read what any process has added."""
        for writer, line, record in self._readings.new_records():
            try:
                self.names.add(*block_of(writer, line, record))
            except ValueError as error:
                self.problems.append(f"line at byte {line} of {writer}/index.jsonl: {error}")

    def unnamed(self) -> str:
        """Return a name that no other process gives."""
        self._n_unnamed += 1
        return f"{self.writer.name.rpartition('-')[2]}-{self._n_unnamed:06d}"

    def rows_file(self, name: str, rows_like: Any) -> str:
        """Return the file of this process that holds the rows of a name, so that they lie together."""
        return self._rows_files.setdefault((name, rows_like), f"rows-{len(self._rows_files) + 1:06d}.bin")

    def check_rows(self, name: str, rows_like: Any) -> None:
        """Refuse rows that do not fit those that are there."""
        known = self._grown.get(name)
        if known is None:
            self.refresh()
            generations = self.names.generations(name)
            known = generations[-1][-1].rows_like if generations else rows_like
        if known != rows_like:
            raise ValueError(
                f"{name!r} has rows of shape {known[1]} and dtype {known[0]}; rows of shape {rows_like[1]} and dtype {rows_like[0]} do not "
                "fit. Convert them, or choose another name."
            )
        self._grown[name] = rows_like

    def forget_rows(self, name: str) -> None:
        """Note that another array begins under a name."""
        self._grown.pop(name, None)

    def commit(self, *, durable: bool) -> None:
        """Make visible what waits; after a failure the next array goes to a new writer's files."""
        if self._writer is None or not self._writer.waiting:
            return
        n_waiting = len(self._writer.waiting)
        try:
            self._writer.commit(durable=durable)
        except OSError as error:
            writer, self._writer = self._writer, None
            writer.close()
            error.add_note(
                f"{n_waiting} arrays or blocks of rows, all since the last flush, are not stored in {self.path}; store them again"
            )
            raise

    def mapped(self, block: Block) -> Any:
        """Return the file of a block, mapped at least as far as the block reaches.

        Raises
        ------
        ValueError
            The file is shorter.
        """
        path = path_of(self.path, block)
        needed = block.offset + block.size_bytes
        known = self._maps.get(path)
        if known is None or len(known) < needed:
            with open(path, "rb") as file:
                found = os.fstat(file.fileno()).st_size
                if found < needed:
                    raise ValueError(f"{path} has {found} bytes where {needed} are needed: it was cut short. See store.verify().")
                known = mmap.mmap(file.fileno(), found, access=mmap.ACCESS_READ)
            self._maps[path] = known
        self._maps.move_to_end(path)
        while len(self._maps) > _MOST_MAPS:
            self._maps.popitem(last=False)
        return known


def identity_of(path: str) -> tuple[int, int]:
    """Return what tells a folder from another one of the same path."""
    found = os.stat(path)
    return found.st_dev, found.st_ino


_states: dict[str, State] = {}


def _forget_after_fork() -> None:
    _states.clear()  # a child has its own files to write to, and no part in what its parent holds back


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_forget_after_fork)


@atexit.register
def _flush_at_exit() -> None:
    for state in _states.values():
        try:
            state.commit(durable=True)
        except OSError:
            _log.exception("what waited in %s is lost", state.path)


def forget_another(path: str) -> None:
    """Forget what is known of a store if another folder bears its path now."""
    known = _states.get(path)
    if known is not None and known.identity != identity_of(path):
        del _states[path]


@contextmanager
def held(path: str) -> Iterator[State]:
    """Give what this process knows of a store, to one thread at a time."""
    state = _states.get(path)
    if state is None:
        state = _states.setdefault(path, State(path))
    with state.lock:
        yield state


def claim(state: State, name: str) -> str:
    """Take a name that nobody has; return the path of a file that only one process can create, and which says who did.

    Raises
    ------
    KeyExistsError
        Somebody has the name, or is about to.
    """
    folder = os.path.join(state.path, _CLAIMS)
    os.makedirs(folder, exist_ok=True)
    number = 1
    while True:
        path = os.path.join(folder, f"{digest_of(name.encode())[:32]}-{number}.json")
        is_mine = _create(path, {"name": name, "writer": state.writer.name})
        may_come = is_mine or _holder_may_live(path)
        state.refresh()  # after that look: what a dead process wrote is all there
        if name in state.names.blocks:
            if is_mine:
                os.unlink(path)
            raise KeyExistsError(f"{state.path} holds an array {name!r} already. Choose another name.", key=name)
        if is_mine:
            return path
        if may_come:
            raise KeyExistsError(f"another process is storing an array {name!r} in {state.path}. Choose another name.", key=name)
        number += 1


def _create(path: str, facts: dict[str, str]) -> bool:
    try:
        with open(path, "x", encoding="utf-8") as file:
            json.dump(facts, file)
    except FileExistsError:
        return False
    return True


def _holder_may_live(path: str) -> bool:
    try:
        with open(path, encoding="utf-8") as file:
            holder = str(json.load(file)["writer"])
        return writer_is_alive(holder, host(), lambda: time.time() - os.stat(path).st_mtime, _CLAIM_AGE_S)
    except FileNotFoundError:
        return True  # its process withdrew: who asks again gets the name
    except (ValueError, KeyError, TypeError):
        return time.time() - os.stat(path).st_mtime < _CLAIM_AGE_S  # cut short, or just being written
