"""What is asked for in the search box and the filters, and the keys that fit. It shows nothing.

The language is that of ``isfdb.find``, but for one thing: a plain word is looked for in the keys alone, so that an answer comes while one
types, from one listing, whatever the database holds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from isfdb.asking import answer
from isfdb.jupyter.browsing.verdicts_known import NOT_REPLAYED, verdicts_known
from isfdb.provenance.risk_kinds import ADVICE
from isfdb.replaying.verdict import STATUSES
from isfdb.searching.combinations import Not
from isfdb.searching.full_text import Anything
from isfdb.searching.query import Query, parse
from isfdb.searching.search import list_places
from isfdb.searching.terms import OfKey, Term

#: Words in the list of types, and what they stand for in a query.
TYPES: Final = {
    "any type": "",
    "tables": "type:frame,series,table",
    "arrays": "type:array",
    "figures and images": "type:figure,image,chart",
    "numbers": "type=int,float,complex,bool,number",
    "texts": "type=str,text,bytes",
    "lists and dicts": "type=list,tuple,dict,set",
    "files and folders": "type=file,folder,ManagedFolder",
}

#: Risks are those that are recorded; what else there may be is asked for in the search box.
RISKS: Final = {"any risk or none": "", "no risk known": "not risk:*", "any risk": "risk:*"} | {kind: f'risk:"{kind}"' for kind in ADVICE}

#: The records of so many keys are read while somebody types; of more, when Enter was pressed.
MOST_READ_TYPING: Final = 3000

#: Of what was found by records, so many are listed: a list of more helps nobody.
MOST_HITS: Final = 10_000

#: Statuses of the newest replay that is on record.
VERDICTS: Final = {"any verdict": "", **{status: status for status in STATUSES}, NOT_REPLAYED: NOT_REPLAYED}


@dataclass(frozen=True)
class Asked:
    """A question.

    Attributes
    ----------
    text : str
        In the query language.
    type, verdict, risk : str
        Words of the lists above.
    """

    text: str = ""
    type: str = "any type"
    verdict: str = "any verdict"
    risk: str = "any risk or none"

    @property
    def is_anything(self) -> bool:
        """Whether something is asked; if not, all keys are meant."""
        return bool(self.text.strip() or self.query_of_filters or VERDICTS[self.verdict])

    @property
    def query_of_filters(self) -> str:
        """The filters in the query language, but for the verdict, which it does not know."""
        return " ".join([part for part in (TYPES[self.type], RISKS[self.risk]) if part])


@dataclass(frozen=True)
class Found:
    """What fits.

    Attributes
    ----------
    keys : tuple of str
    what : dict of str to str
        What is known of keys beside their names, where records were read.
    notes : tuple of str
        What the reader should know.
    """

    keys: tuple[str, ...]
    what: dict[str, str]
    notes: tuple[str, ...] = ()


def find_asked(db: Any, asked: Asked, *, most_read: int | None = None) -> Found | None:
    """Return the keys that fit.

    Parameters
    ----------
    db : Database
    asked : Asked
    most_read : int, optional
        While somebody types: where the records of more keys would have to be read, None is returned.

    Raises
    ------
    QueryError
        The text cannot be understood.
    """
    typed = parse(asked.text)  # alone: a quote that is not closed must not reach into the filters
    filters = parse(asked.query_of_filters)
    query = replace(typed, terms=(*map(_of_key, typed.terms), *filters.terms))
    status = VERDICTS[asked.verdict]
    prefix = f"{db.prefix}/" if db.prefix else ""
    if query.wants_stale is None and not query.of_record:
        found = _find_keys(db, query, prefix)
    elif most_read is not None and len(list_places(db._storage, prefix)) > most_read:
        return None
    else:
        found = _find_records(db, query, None if status else MOST_HITS)
    if status:
        known = verdicts_known(db)
        found = replace(found, keys=tuple([key for key in found.keys if known.get(key, NOT_REPLAYED) == status]))
    if not found.keys and any(isinstance(term, Anything) for term in typed.terms):
        found = replace(found, notes=(*found.notes, f"Plain words are looked for in keys. To search code: text:{asked.text.split()[0]}"))
    return found


def _of_key(term: Term) -> Term:
    """Look for a plain word in the key alone."""
    if isinstance(term, Not):
        return replace(term, term=_of_key(term.term))
    return OfKey(term.word, within=True) if isinstance(term, Anything) else term


def _find_keys(db: Any, query: Query, prefix: str) -> Found:
    tests = [term.matches() for term in query.of_key]
    keys = [place.key[len(prefix) :] for place in list_places(db._storage, prefix)]
    return Found(tuple(sorted([key for key in keys if all(test(key) for test in tests)])), {})


def _find_records(db: Any, query: Query, most: int | None) -> Found:
    hits = answer(db, query)
    shown = {hit.key: ", ".join([hit.what, *[why for why in hit.why if why != "key"]]) for hit in hits[:most]}
    cut = f"the first {most:,} of {len(hits):,} hits" if most is not None and len(hits) > most else ""
    unread = f"{len(hits.unreadable):,} keys cannot be read, so nobody knows whether they fit" if hits.unreadable else ""
    return Found(tuple(shown), shown, tuple([note for note in (*hits.notes, cut, unread) if note]))
