"""Whether a cached value still is what its cell would make: what is stored, its code and its inputs are compared with how they are now."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

from isfdb.database import Database
from isfdb.display.safe import visible
from isfdb.entry import Entry
from isfdb.provenance.cached_cells import CachedCell, cached_cell_of, directory_now
from isfdb.provenance.cell_dependencies import Dependencies
from isfdb.provenance.records import UsedFile
from isfdb.tracing.places import Places, Stored
from isfdb.tracing.stale import Changes
from isfdb.tracing.surroundings import Surroundings

#: Of a statement or a list so much is shown: it is one line of many.
_SHOWN: Final = 60
_MOST: Final = 2


@dataclass(frozen=True)
class Decision:
    """What is to be done.

    Attributes
    ----------
    loads : bool
        The stored value is loaded.
    because : str
    """

    loads: bool
    because: str


def decide(db: Database, key: str, own: str, now: Dependencies, *, force: bool, ignore_inputs: bool) -> Decision:
    """Decide whether a value is loaded or computed.

    Parameters
    ----------
    own : str
        Digest of the cell's own code.
    now : Dependencies
        What the cell needs of the cells before.
    force : bool
        Compute in any case.
    ignore_inputs : bool
        Files, stored values and modules may have changed.
    """
    if force:
        return Decision(False, "--force was given")
    if key not in db:
        return Decision(False, "it is not stored yet")
    entry = db.entry(key)
    label = f"{visible(key)}@{entry.newest.number}"
    noted = _noted(entry)
    if noted is None:
        return Decision(False, f"{label} was not stored by a cell with %%isfdb cache, so that nothing tells whether it still holds")
    changed = _code_changed(noted, own, now) or ("" if ignore_inputs else _inputs_changed(db, entry, noted.directory))
    if changed:
        return Decision(False, f"since {label}, {changed}")
    kept = "its code has not changed" if ignore_inputs else "neither its code nor its inputs have changed"
    return Decision(True, f"{kept} since {label} of {entry.newest.created:%Y-%m-%d %H:%M} UTC")


def _noted(entry: Entry) -> CachedCell | None:
    """Return what the cell that stored a value noted of its code; None where it was no cached cell, or its session is not here."""
    cell = entry.cell
    noted = cached_cell_of(cell.facts) if cell is not None else None
    return noted if noted is not None and noted.own else None


def _code_changed(noted: CachedCell, own: str, now: Dependencies) -> str:
    """Say what of the code differs; empty where nothing does."""
    if noted.own != own:
        return "the code of the cell changed"
    if noted.needs == now.digest:
        return ""
    before, needed = Counter(noted.earlier), Counter([one.digest for one in now.earlier])
    new, gone = needed - before, before - needed
    if not new and not gone:
        return "the order changed in which the code that it needs ran"
    if not new:
        return f"{'a statement' if gone.total() == 1 else f'{gone.total()} statements'} that it needed did not run in this session"
    texts = [f"`{visible(' '.join(one.text.split()), _SHOWN)}`" for one in now.earlier if one.digest in new]
    more = f" and {len(texts) - _MOST} more" if len(texts) > _MOST else ""
    why = f" (all that ran counts, because {now.widened[0]})" if now.widened else ""
    return f"the code that it needs changed: {', '.join(texts[:_MOST])}{more}{why}"


def _inputs_changed(db: Database, entry: Entry, directory: str) -> str:
    """Say which files, stored values and modules differ from what was used; empty where none does."""
    files = [one for one in entry.inputs if isinstance(one, UsedFile) and not one.written_here]
    if files and directory != directory_now():
        return f"the working directory is another one, where the path of {visible(files[0].path, 200)} may mean another file"
    places = Places(db)
    stored = places.find(entry.newest.link)
    if not isinstance(stored, Stored):
        return f"its record cannot be read ({visible(stored.because, _SHOWN)})"
    reasons = Changes(places, Surroundings(), git=True).own_reasons(stored)
    more = f" and {len(reasons) - _MOST} more" if len(reasons) > _MOST else ""
    return f"{'; '.join(visible(one, 200) for one in reasons[:_MOST])}{more}" if reasons else ""
