"""What one activity has read, where that is much and grows: a loop that reads a value in each turn, and stores another.

Each value is made from all that was read so far. Written out for each, the lists would grow with the square of the turns; so a list may
name parts: earlier lists, which all later ones share. As in a binary counter two parts of about a size become one, and a list of ten
thousand inputs has a dozen parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from isfdb.exact_json import compact
from isfdb.provenance import late_digests
from isfdb.provenance.activities import ran_before
from isfdb.provenance.cells import Ran
from isfdb.provenance.reduction import in_order, list_text, put_list, told_of
from isfdb.provenance.session_log import SessionLog
from isfdb.provenance.usage import Use
from isfdb.storage.base import Storage

#: So many inputs stand in a list itself before they become a part.
OWN: Final = 32
#: No part grows beyond this: records of 16 MB are not read.
MOST_PART_BYTES: Final = 4_000_000
#: So many slices of one activity are remembered: a loop may store values of several kinds, made from different things.
MOST_SLICES: Final = 4
MOST_ACTIVITIES: Final = 16

_growing: dict[tuple[int, int], list[_Growing]] = {}  # by the log and what runs, whose notes are kept as long as the process lives


def growing_member(storage: Storage, log: SessionLog, ran: Ran, uses: Sequence[Use]) -> dict[str, Any]:
    """Return the member ``used`` for the record of a value that is made from much; only what is new since the last one is written.

    Parameters
    ----------
    storage : Storage
        Of the database that is written to.
    log : SessionLog
        Of this session in that database.
    ran : Ran
        What stores the value.
    uses : sequence of Use
        What the slice has read.
    """
    reads = {id(use): use for use in uses if not use.is_output}
    slices = _slices(log, ran)
    growing = max([one for one in slices if one.seen <= reads.keys()], key=lambda one: len(one.seen), default=None)
    if growing is None:
        growing = _Growing()
        slices.append(growing)
        del slices[:-MOST_SLICES]
    told = told_of([use for place, use in reads.items() if place not in growing.seen], lambda one: log.line_of(one, ran_before(one)))
    pending = {one.member["file"]: one.pending for one in told if one.pending is not None}
    if pending:
        late_digests.follow(log, ran, pending)
    growing.add({id(one.use): one.member for one in told if one.pending is None})
    return growing.written(storage, [one.member for one in told if one.pending is not None])


def _slices(log: SessionLog, ran: Ran) -> list[_Growing]:
    while len(_growing) >= MOST_ACTIVITIES:
        _growing.pop(next(iter(_growing)))
    return _growing.setdefault((id(log), id(ran)), [])


class _Part(NamedTuple):
    members: list[dict[str, Any]]
    digest: str
    size: int  # of its text


class _Growing:
    """What has been recorded of one slice so far.

    Attributes
    ----------
    seen : set of int
        The ids of the uses that stand in it.
    """

    def __init__(self) -> None:
        self.seen: set[int] = set()
        self._known: set[tuple[Any, ...]] = set()
        self._parts: list[_Part] = []  # the largest first
        self._own: list[dict[str, Any]] = []

    def add(self, members: dict[int, dict[str, Any]]) -> None:
        """Take up what is new."""
        self.seen.update(members)
        for member in members.values():
            if (values := tuple(member.values())) not in self._known:
                self._known.add(values)
                self._own.append(member)

    def written(self, storage: Storage, unsettled: list[dict[str, Any]]) -> dict[str, Any]:
        """Write the list as it is now, and return the member that names it; what is `unsettled` becomes part of no part."""
        if len(self._own) >= OWN:
            self._make_part(storage)
        own = in_order([*self._own, *unsettled])
        text = f'{{"parts": {compact([part.digest for part in self._parts])},\n "used": {list_text(own)}}}\n'
        return {"n": sum([len(part.members) for part in self._parts]) + len(own), "stored": put_list(storage, text)}

    def _make_part(self, storage: Storage) -> None:
        members, self._own = self._own, []
        text = list_text(in_order(members))
        while self._parts and len(self._parts[-1].members) <= len(members) and self._parts[-1].size + len(text) <= MOST_PART_BYTES:
            members = self._parts.pop().members + members
            text = list_text(in_order(members))
        self._parts.append(_Part(members, put_list(storage, text + "\n"), len(text)))
