"""Explains a value while it is stored: which statements made it, from what, at what risk; the script for ``code.py``.

The cells of the session are followed once, as they run (:mod:`isfdb.provenance.slicing`), whatever number of values is stored. What
cannot be told is said under ``unknown``.
"""

from __future__ import annotations

import datetime
import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from isfdb.hashing import digest_of
from isfdb.provenance.activities import ran_before
from isfdb.provenance.cells import RUNNING, Ran
from isfdb.provenance.records import Explained, SliceFacts, Used
from isfdb.provenance.redaction import redact
from isfdb.provenance.slicing.script import Wanted, script_of
from isfdb.provenance.slicing.slicer import Executed, History, without_empty_beginning
from isfdb.provenance.slicing.world import Step
from isfdb.provenance.top_level import position_in_cell


class _Followed:
    """The cells of a session, or the one script, with what followed them so far."""

    def __init__(self) -> None:
        self.history = History()
        self.ran: list[Ran] = []  # at each place of the history
        self.before: Sequence[Ran] | None = None  # the list in which the watch notes what ran
        self._taken = 0
        self._open: list[int] = []

    def go_on_with(self, before: Sequence[Ran]) -> None:
        """Take what ran from another list: a forked child begins its own, and what its parent ran still made its values."""
        self.before, self._taken = before, len(before)

    def catch_up(self, ran: Ran | None) -> int:
        """Follow what ran since, and return the place of what runs; -1 for nothing."""
        for place in list(self._open):
            if self.ran[place].outcome != RUNNING:
                self.history.end(place, _executed(self.ran[place]))
                self._open.remove(place)
        so_far = list(self.before or ())
        for one in so_far[self._taken :]:
            self._begin(one)
        self._taken = len(so_far)
        if ran is None:
            return -1
        if not any(self.ran[place] is ran for place in self._open):
            self._begin(ran)
        return next(place for place in reversed(range(len(self.ran))) if self.ran[place] is ran)

    def _begin(self, ran: Ran) -> None:
        if any(self.ran[place] is ran for place in self._open):
            return
        executed = _executed(ran)
        place = self.history.begin(executed)
        self.ran.append(ran)
        if ran.outcome == RUNNING:
            self._open.append(place)
        else:
            self.history.end(place, executed)


def _executed(ran: Ran) -> Executed:
    source = redact(ran.source or "")[0]
    return Executed(
        without_empty_beginning(source) if ran.kind == "cell" else source,
        ran.count,
        ran.outcome,
        ran.facts.get("error_line"),
        ran.facts.get("cell_id"),
        ran.started,
        ran.facts.get("stored_in_history") is False,
        redact(str(ran.facts.get("error") or ""))[0],
    )


_cells = _Followed()
_is_forked = False
_scripts: dict[int, _Followed] = {}
_lock = threading.RLock()


def explain(database_id: str, key: str, ran: Ran, opened: Mapping[str, str], line_of: Callable[[Ran], int]) -> Explained:
    """Say how a value that is stored right now is made.

    Parameters
    ----------
    database_id : str
        Of the topmost database that it goes to.
    key : str
        The whole key.
    ran : Ran
        What stores it.
    opened : Mapping
        What ``isfdb.open`` was given -> link of what it opened.
    line_of : callable
        Gives the line of a cell in the session's log.
    """
    with _lock:
        return _explain(database_id, key, ran, opened, line_of)


def _cells_so_far(before: Sequence[Ran]) -> _Followed:
    """Return what followed the cells of the shell that runs; a new one for another shell."""
    global _cells, _is_forked
    if _cells.before is not before:
        if not _is_forked:
            _cells = _Followed()
            _cells.before = before
        else:
            _cells.go_on_with(before)
        _is_forked = False
    return _cells


def _unknown(reason: str) -> Explained:
    return Explained({"unknown": {"slice": reason}})


def _explain(database_id: str, key: str, ran: Ran, opened: Mapping[str, str], line_of: Callable[[Ran], int]) -> Explained:
    if ran.kind not in ("cell", "script") or not ran.source:
        return _unknown(f"it was stored by a {ran.kind}, whose statements are not followed" if ran.source else "its code is not known")
    followed = _cells_so_far(ran_before(ran)) if ran.kind == "cell" else _scripts.setdefault(id(ran), _Followed())
    names, links = _databases_of(ran)
    followed.history.know_databases(names)
    place = followed.catch_up(ran)
    position = position_in_cell(ran)
    step = followed.history.advance(place, position)
    wanted = Wanted(
        database_id,
        key,
        step,
        before=_now(),
        opened={redact(target)[0]: link for target, link in opened.items() if link in links | {f"isfdb://{database_id}"}},
        names=names,
        directory=_directory(),
    )
    script = script_of(followed.history, wanted, lambda one: _reads(followed, one, line_of))
    # Cells are without secrets already; keys, paths and what others make of them are not.
    code = replace(script, parts=tuple([_redacted(part) for part in script.parts])).text.encode("utf-8", "replace")
    facts = SliceFacts(
        position[0] if position else None,
        script.labels,
        script.widened,
        len(code),
        digest_of(code),
        dict(wanted.opened),
        {name: opening for name, opening in names.items() if not followed.history.is_bound(name)},
    )
    return Explained({"slice": facts.to_json()}, code)


@lru_cache(maxsize=4096)
def _redacted(part: str) -> str:
    return redact(part)[0]


def follow(ran: Ran) -> None:
    """Follow the cells so far, now that one has ended: so a put finds them followed."""
    with _lock:
        if ran.kind == "cell":
            _cells_so_far(ran_before(ran)).catch_up(None)


def _reads(followed: _Followed, step: Step, line_of: Callable[[Ran], int]) -> list[Used]:
    return []


def _databases_of(ran: Ran) -> tuple[dict[str, str], set[str]]:
    """Return the variables of the session that stand for databases, as code that opens them, and the ids of these databases."""
    module = sys.modules.get("isfdb.database")
    names = vars(sys.modules["__main__"]) if "__main__" in sys.modules else {}
    found, ids = {}, set()
    for name, value in list(names.items()):
        if module is not None and type(value) is module.Database and not name.startswith("_"):
            link = f"isfdb://{value.root.id}"
            found[name] = f'isfdb.open("{link}")' + (f"[{value.prefix!r}]" if value.prefix else "")
            ids.add(link)
    return found, ids


def _directory() -> str:
    try:
        return os.getcwd()
    except OSError:  # deleted while this process stands in it
        return ""


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="microseconds")


def _begin_anew_after_fork() -> None:
    global _lock, _is_forked
    _lock = threading.RLock()
    _is_forked = True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew_after_fork)
