"""Explains a value while it is stored: which statements made it, from what, at what risk; the script for ``code.py``.

The cells of the session are followed once, as they run (:mod:`isfdb.provenance.slicing`), whatever number of values is stored. What
cannot be told is said under ``unknown``.
"""

from __future__ import annotations

import datetime
import os
import sys
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from isfdb.hashing import digest_of
from isfdb.layout.current import CODE_FOLDER
from isfdb.provenance import usage
from isfdb.provenance.activities import Activity, ran_before
from isfdb.provenance.cached_cells import text_that_ran
from isfdb.provenance.cells import RUNNING, Ran
from isfdb.provenance.file_digests import answer_about
from isfdb.provenance.records import PENDING, Explained, Risk, SliceFacts, Used, UsedFile, UsedValue
from isfdb.provenance.redaction import redact
from isfdb.provenance.reduction import recorded
from isfdb.provenance.risks import find_risks
from isfdb.provenance.session_log import SessionLog
from isfdb.provenance.slicing.script import SENT, Script, Wanted, script_of, value_line
from isfdb.provenance.slicing.slicer import Executed, History, without_empty_beginning
from isfdb.provenance.slicing.statement_text import span_of
from isfdb.provenance.slicing.world import Step
from isfdb.provenance.top_level import position_in_cell
from isfdb.provenance.usage import Use, ValueRead
from isfdb.storage.base import Storage


class _Followed:
    """The cells of a session, or the one script, with what followed them so far."""

    def __init__(self) -> None:
        self.history = History()
        self.ran: list[Ran] = []  # at each place of the history
        self.stores: dict[str, set[int]] = {}  # link without version -> statements that stored under it
        self.begun: dict[int, str] = {}  # place -> when it was first asked about
        self.sent: dict[int, bytes] = {}  # statement -> the code that goes to workers
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
                self.history.end(place, executed_of(self.ran[place]))
                self._open.remove(place)
        so_far = list(self.before or ())
        for one in so_far[self._taken :]:
            if one is ran or not one.facts.get("run_by_cell"):  # what a cell runs belongs to the statement that runs it
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
        executed = executed_of(ran)
        place = self.history.begin(executed)
        self.ran.append(ran)
        if ran.outcome == RUNNING:
            self._open.append(place)
        else:
            self.history.end(place, executed)


def executed_of(ran: Ran) -> Executed:
    """Return a cell as whoever follows it must know it."""
    source = redact(text_that_ran(ran.source, ran.facts))[0]
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


@dataclass(frozen=True)
class Put:
    """A value that is stored right now.

    Attributes
    ----------
    storage : Storage
        Of the database that it goes to.
    log : SessionLog
        Of this session in that database.
    database_id : str
        Of the topmost database that it goes to.
    key : str
        The whole key.
    ran : Ran
        What stores it.
    opened : Mapping
        What ``isfdb.open`` was given -> link of what it opened.
    risks_around : sequence of Risk
        Those in sources and packages.
    carried : Activity, optional
        What a pickled handle brought along.
    """

    storage: Storage
    log: SessionLog
    database_id: str
    key: str
    ran: Ran
    opened: Mapping[str, str]
    risks_around: Sequence[Risk] = ()
    carried: Activity | None = None


def explain(put: Put) -> Explained:
    """Say how a value that is stored right now is made."""
    with _lock:
        if put.ran.kind in ("cell", "script") and put.ran.source:
            return _explain(put)
        if put.ran.kind == "task" and put.carried is not None and put.carried.script:
            return _explain_task(put, put.carried.script)
        reason = f"it was stored by a {put.ran.kind}, whose statements are not followed" if put.ran.source else "its code is not known"
        return Explained({"unknown": {"slice": reason}, **_used(put, usage.uses_of(put.ran))})


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


def _explain(put: Put) -> Explained:
    followed, wanted = _standing(put)
    reads = _Reads(followed)
    script = script_of(followed.history, wanted, reads.of)
    code = _bytes(script)
    facts = SliceFacts(
        wanted.at,
        script.labels,
        script.widened,
        len(code),
        digest_of(code),
        dict(wanted.opened),
        {name: opening for name, opening in wanted.names.items() if not followed.history.is_bound(name)},
    )
    lines = {step.cell: put.log.line_of(followed.ran[step.cell], ran_before(put.ran)) for step in script.steps}
    risks = [*find_risks(followed.history, script.steps, script.used, lines), *put.risks_around]
    members = {"risks": [_without_secrets(risk) for risk in risks]} if risks else {}
    return Explained({"slice": facts.to_json(), **_used(put, reads.uses(script.steps)), **members}, code)


def _standing(put: Put) -> tuple[_Followed, Wanted]:
    """Return what followed the code that runs, up to where it stands, and what its script is to make."""
    ran = put.ran
    followed = _cells_so_far(ran_before(ran)) if ran.kind == "cell" else _scripts.setdefault(id(ran), _Followed())
    names, links = databases_of(ran)
    followed.history.know_databases(names)
    place = followed.catch_up(ran)
    position = position_in_cell(ran)
    step = followed.history.advance(place, position)
    if step is not None and put.key:
        followed.stores.setdefault(f"isfdb://{put.database_id}/{quote(put.key)}", set()).add(step.number)
    wanted = Wanted(
        put.database_id,
        put.key,
        step,
        at=position[0] if position else None,
        before=followed.begun.setdefault(place, _now()),
        opened={redact(target)[0]: link for target, link in put.opened.items() if link in links | {f"isfdb://{put.database_id}"}},
        names=names,
        stores=followed.stores,
        directory=_directory(),
        subject="" if put.key else SENT,
    )
    return followed, wanted


def _bytes(script: Script) -> bytes:
    # Cells are without secrets already; keys, paths and what others make of them are not.
    return replace(script, parts=tuple([_redacted(part) for part in script.parts])).text.encode("utf-8", "replace")


def script_of_sender(put: Put) -> bytes:
    """Return the code that makes workers store what they store: without the key, which is not known yet. Empty where it is not known."""
    with _lock:
        if put.ran.kind not in ("cell", "script") or not put.ran.source:
            return b""
        followed, wanted = _standing(put)
        number = wanted.step.number if wanted.step is not None else -1
        if number not in followed.sent or number == -1:  # a handle is pickled for each of a thousand tasks
            followed.sent[number] = _bytes(script_of(followed.history, wanted, _Reads(followed).of))
        return followed.sent[number]


def _explain_task(put: Put, digest: str) -> Explained:
    """Explain what a worker stores by the code that sent it the work."""
    text = put.storage.read(f"{CODE_FOLDER}/{digest}.py").decode()
    # What is sent is guarded: workers may import the script.
    code = f"# Of what it stores: {put.key!r}\n{text}\n    {value_line(put.database_id, put.key)}\n".encode("utf-8", "replace")
    labels = (("stored by a worker", "the code is that which sent it the work"),)
    facts = SliceFacts(None, labels, (), len(code), digest_of(code))
    return Explained({"slice": facts.to_json(), **_used(put, usage.uses_of(put.ran))}, code)


def values_behind(ran: Ran, line: int | None) -> list[str]:
    """Return links of the stored values that stand behind what a cell wrote: those it read, and those it shares its making with.

    Parameters
    ----------
    ran : Ran
        What wrote a file.
    line : int or None
        At which line it did; None: anywhere.
    """
    with _lock:
        followed = _cells if ran.kind == "cell" else _scripts.get(id(ran), _Followed())
        place = next((place for place, one in enumerate(followed.ran) if one is ran), None)
        if place is None:
            return []
        targets = [step for step in followed.history.steps if step.cell == place and (line is None or _stands_at(step, line))]
        steps = {step.number for step in followed.history.slice([step.number for step in targets])}
        read = [
            use.what.link
            for use in _Reads(followed).uses([followed.history.steps[number] for number in sorted(steps)])
            if isinstance(use.what, ValueRead)
        ]
        stored = [
            link for link, by in followed.stores.items() if any(_is_made_from(followed.history.steps[number], steps) for number in by)
        ]
        return list(dict.fromkeys([*read, *stored]))


def _stands_at(step: Step, line: int) -> bool:
    (first, _), (last, _) = span_of(step.node)
    return first <= line <= last


def _is_made_from(store: Step, steps: set[int]) -> bool:
    """Say whether a statement stored what some steps made, too."""
    return bool(store.needs) and store.needs <= steps


def _without_secrets(risk: Risk) -> dict[str, Any]:
    return replace(risk, line=_redacted(risk.line)).to_json()


class _Reads:
    """What the statements of a session read; asked about each cell once."""

    def __init__(self, followed: _Followed) -> None:
        self._followed = followed
        self._of_cell: dict[int, dict[int | None, list[Use]]] = {}  # by line: a loop reads much at one, and each statement asks

    def uses(self, steps: Iterable[Step]) -> list[Use]:
        """Return what statements have read, each note once."""
        return list({id(use): use for step in steps for use in self._uses(step)}.values())

    def _uses(self, step: Step) -> list[Use]:
        found = self._of_cell.get(step.cell)
        if found is None:
            found = self._of_cell[step.cell] = {}
            for use in usage.uses_of(self._followed.ran[step.cell]):
                if not use.is_output:
                    found.setdefault(use.line, []).append(use)
        if not found:
            return []
        (first, _), (last, _) = span_of(step.node)
        is_whole = step.cell in self._followed.history.problems
        return [use for line, uses in found.items() if is_whole or line is None or first <= line <= last for use in uses]

    def of(self, step: Step) -> list[Used]:
        """Return what a statement has read, for a script."""
        return [_as_used(use) for use in self._uses(step)]


def _as_used(use: Use) -> Used:
    if isinstance(use.what, ValueRead):
        return _as_used_value(use.what)
    answer = answer_about(use.what)
    because = "" if answer.because == PENDING else answer.because  # the record is told later, a script never
    return UsedFile(use.what.path, None if use.what.is_folder else use.what.size, None, answer.digest, because)


@lru_cache(maxsize=65536)
def _as_used_value(read: ValueRead) -> UsedValue:
    return UsedValue(read.link, read.digest, published=read.published)


def _used(put: Put, uses: Iterable[Use]) -> dict[str, Any]:
    """Return the member of the record that says what a value was made from."""
    found = [use for use in uses if not use.is_output]
    return {"used": recorded(put.storage, put.log, put.ran, found)} if found else {}


@lru_cache(maxsize=4096)
def _redacted(part: str) -> str:
    return redact(part)[0]


def follow(ran: Ran) -> None:
    """Follow the cells so far, now that one has ended: so a put finds them followed."""
    with _lock:
        if ran.kind == "cell":
            _cells_so_far(ran_before(ran)).catch_up(None)


def databases_of(ran: Ran) -> tuple[dict[str, str], set[str]]:
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
