"""Digests of the files that were read: in the background, each content once, within bounds. What has none says why.

A digest belongs to a file as it was read. Who reads looks at size, time and inode at once, and a file that differs from that when its
turn comes gets no digest. Answers are kept in memory and, for the next process, in the user's cache folder.
"""

from __future__ import annotations

import logging
import math
import os
import stat
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from isfdb.options import option
from isfdb.provenance.digest_cache import DigestCache
from isfdb.provenance.records import PENDING

_log = logging.getLogger(__name__)

CHANGED: Final = "it changed after it was read"
GONE: Final = "it is no longer there"
REMOTE: Final = "it lies elsewhere, and was not fetched once more"
FOLDER: Final = "a folder: the digest is of names, sizes and times"
TOO_MANY: Final = "it stands for many files"

#: What is read at once: little enough to stop soon, and to stay in the processor's cache.
PIECE: Final = 2**20

#: A folder with more files than this gets no digest.
MOST_IN_FOLDER: Final = 100_000

#: The clock that a file system stamps with runs in steps of this size.
CLOCK_STEP_S: Final = 0.01


class FileFacts(NamedTuple):
    """What was seen of a file or folder when it was read.

    Attributes
    ----------
    path : str
        Absolute, or a URL.
    mode, device, inode, size, mtime_ns, ctime_ns : int
        As ``os.stat`` tells them; 0 for a URL.
    changed : bool
        It changed between its opening and the look at it, so the facts are not those of what was read.
    is_many : bool
        A folder that only stands for many files in it.
    """

    path: str
    mode: int = 0
    device: int = 0
    inode: int = 0
    size: int = 0
    mtime_ns: int = 0
    ctime_ns: int = 0
    changed: bool = False
    is_many: bool = False

    @property
    def identity(self) -> tuple[Any, ...]:
        """What tells that it is the same, unchanged: device, inode, size and times."""
        return self[2:7]

    @property
    def is_remote(self) -> bool:
        """It is named by a URL."""
        return not self.mode and not self.is_many

    @property
    def is_folder(self) -> bool:
        """It is a folder that a reader takes as one thing."""
        return stat.S_ISDIR(self.mode)

    @classmethod
    def of_many(cls, folder: str) -> FileFacts:
        """Return what stands for the many files in a folder."""
        return cls(folder, is_many=True)


def facts_of(path: str, opened: float) -> FileFacts | None:
    """Look at a file.

    Parameters
    ----------
    path : str
        Absolute, or a URL.
    opened : float
        When it was opened, in seconds since 1970.

    Returns
    -------
    FileFacts or None
        None where there is none.
    """
    if "://" in path:
        return FileFacts(path)
    try:
        found = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    # The time of change tells of any change since, also of a file that was moved here; a clock of another computer may be ahead.
    changed = found.st_ctime_ns > (opened + CLOCK_STEP_S) * 1e9 and found.st_ctime <= time.time() + CLOCK_STEP_S
    return FileFacts(path, found.st_mode, found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns, changed=changed)


@dataclass(frozen=True, slots=True)
class Answer:
    """The digest of a file as it was read, or why there is none."""

    digest: str | None
    because: str = ""


class _Worker:
    """The background thread and what it has to do. It ends when there is nothing left, and begins again."""

    def __init__(self) -> None:
        self.lock = threading.Condition()
        self.to_do: deque[FileFacts] = deque()
        self.answers: dict[tuple[Any, ...], Answer] = {}
        self.is_running = False
        self.bytes_done = 0
        self.seconds_spent = 0.0
        self.cache = DigestCache()

    def ask(self, facts: FileFacts) -> Answer:
        with self.lock:
            known = self.answers.get(facts.identity)
            if known is None:
                known = self.answers[facts.identity] = Answer(None, PENDING)
                self.to_do.append(facts)
                if not self.is_running:
                    self.is_running = True
                    threading.Thread(target=self._work, name="isfdb-digests", daemon=True).start()
            return known

    def wait(self, timeout_s: float) -> None:
        with self.lock:
            self.lock.wait_for(lambda: not self.is_running, timeout_s)

    def _work(self) -> None:
        while True:
            with self.lock:
                if not self.to_do:
                    self.is_running = False
                    self.lock.notify_all()
                    break
                facts = self.to_do.popleft()
            try:
                answer = self._answer(facts)
            except Exception as error:  # noqa: BLE001 - whatever a disk or driver does, the next file may fare better
                _log.debug("no digest of %s", facts.path, exc_info=True)
                answer = Answer(None, f"it could not be read: {type(error).__name__}")
            with self.lock:
                self.answers[facts.identity] = answer
        self.cache.save()

    def _answer(self, facts: FileFacts) -> Answer:
        known = self.cache.get(facts.identity)
        if known is not None:
            return Answer(known, FOLDER if facts.is_folder else "")
        refusal = self._refusal(facts)
        if refusal:
            return Answer(None, refusal)
        started = time.monotonic()
        try:
            answer = digest_of_folder(facts) if facts.is_folder else self._digest_of_file(facts)
        except FileNotFoundError:
            answer = Answer(None, GONE)
        except OSError as error:
            answer = Answer(None, f"it could not be read: {error.strerror or type(error).__name__}")
        finally:
            self.seconds_spent += time.monotonic() - started
        # What was changed within a step of the clock before it was read may change again without its times telling.
        if answer.digest is not None and not facts.is_folder and time.time() - facts.ctime_ns / 1e9 > 2:
            self.cache.put(facts.identity, answer.digest)
        return answer

    def _refusal(self, facts: FileFacts) -> str:
        """Return why a file is not even begun; empty where it is."""
        if facts.size > option("digest_file_bytes"):
            return f"larger than the setting digest_file_bytes, {option('digest_file_bytes'):,} bytes"
        if self.bytes_done + facts.size > option("digest_session_bytes"):
            return f"more than the setting digest_session_bytes, {option('digest_session_bytes'):,} bytes, in this process"
        if self.seconds_spent > option("digest_session_s"):
            return f"digests took longer than the setting digest_session_s, {option('digest_session_s'):g} s, in this process"
        return ""

    def _digest_of_file(self, facts: FileFacts) -> Answer:
        from blake3 import blake3

        until = time.monotonic() + option("digest_file_s")
        digest = blake3()
        descriptor = os.open(facts.path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0))
        try:
            if not _is_same(facts, os.fstat(descriptor)):
                return Answer(None, CHANGED)
            while piece := os.read(descriptor, PIECE):
                digest.update(piece)
                self.bytes_done += len(piece)
                if time.monotonic() > until:
                    return Answer(None, f"it took longer than the setting digest_file_s, {option('digest_file_s'):g} s")
            return Answer(digest.hexdigest()) if _is_same(facts, os.fstat(descriptor)) else Answer(None, CHANGED)
        finally:
            os.close(descriptor)


def _is_same(facts: FileFacts, found: os.stat_result) -> bool:
    return facts.identity == (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def digest_of_folder(facts: FileFacts, max_s: float = math.inf) -> Answer:
    """Return the digest of what a listing tells: the content of a store of a thousand chunks would take too long."""
    from blake3 import blake3

    lines: list[str] = []
    most_s = min(max_s, option("digest_file_s"))
    until = time.monotonic() + most_s
    to_do = [facts.path]
    while to_do:
        with os.scandir(to_do.pop()) as entries:
            for entry in entries:
                found = entry.stat(follow_symlinks=False)
                if stat.S_ISDIR(found.st_mode):
                    to_do.append(entry.path)
                else:
                    lines.append(f"{os.path.relpath(entry.path, facts.path)}\0{found.st_size}\0{found.st_mtime_ns}")
        if len(lines) > MOST_IN_FOLDER:
            return Answer(None, f"a folder of more than {MOST_IN_FOLDER:,} files")
        if time.monotonic() > until:
            return Answer(None, f"a folder whose listing took longer than {most_s:g} s; see the setting digest_file_s")
    text = "\n".join(sorted(lines)).encode("utf-8", "surrogateescape")
    return Answer(blake3(text).hexdigest(), FOLDER)


_worker = _Worker()


def answer_about(facts: FileFacts) -> Answer:
    """Return the digest of a file that was read, if it is known; else have it computed, and say that it is.

    Parameters
    ----------
    facts : FileFacts
        The file as it was when it was read.
    """
    if facts.is_remote:
        return Answer(None, REMOTE)
    if facts.is_many:
        return Answer(None, TOO_MANY)
    if facts.changed:
        return Answer(None, CHANGED)
    return _worker.answers.get(facts.identity) or _worker.ask(facts)


def wait(timeout_s: float) -> None:
    """Wait until all digests that were asked for are computed, but no longer than `timeout_s`."""
    _worker.wait(timeout_s)


def _begin_anew_after_fork() -> None:
    """Start without the parent's thread, which is not here; what it had found out is."""
    global _worker
    known = {identity: answer for identity, answer in _worker.answers.items() if answer.because != PENDING}
    _worker = _Worker()
    _worker.answers = known


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew_after_fork)
