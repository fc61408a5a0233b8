"""In what two versions of a key differ, and how their making did. Values are loaded up to a size, and only where that runs no code."""

from __future__ import annotations

from typing import Final

from isfdb.comparing.axes import axes_of, may_explain
from isfdb.comparing.comparison import NOT_COMPARED, Comparison
from isfdb.comparing.difference import Difference
from isfdb.comparing.stored import Stored
from isfdb.comparing.stored_values import compare_stored
from isfdb.display.glimpses import MOST_IN_MEMORY
from isfdb.display.words import size_text
from isfdb.entry import Version
from isfdb.memory import at_most
from isfdb.serving import frame
from isfdb.serving.answers import Answer
from isfdb.serving.pages.key_list import crumbs
from isfdb.serving.pages.version_list import comparing
from isfdb.serving.versions_meant import numbers, version_asked
from isfdb.serving.visit import Visit

#: Larger values are told apart by their digests only.
MOST_BYTES: Final = 32_000_000


def show(visit: Visit) -> Answer:
    """Return the page."""
    key = visit.asked("key")
    known, a, b = numbers(visit, key), version_asked(visit, "a"), version_asked(visit, "b")
    found = difference(a, b)
    links = [frame.anchor(visit.to.version(key, one.number), f"v{one.number}") for one in (a, b)]
    name = frame.anchor(visit.to.key(key), key.rpartition("/")[2], limit=400)
    head = f'{crumbs(visit, key, is_key=True)}<h1 class="s-key">{name}: {links[0]} → {links[1]}</h1>'
    form = comparing(visit, key, known, str(a.number), str(b.number))
    return frame.page(visit, f"{key} {a.number} {b.number}", f"{head}{form}{''.join(found.html_parts())}")


def difference(a: Version, b: Version) -> Difference:
    """Compare two versions; their values only where that is quick."""
    first, second = Stored(a, f"v{a.number}"), Stored(b, f"v{b.number}")
    is_large = max(a.nbytes, b.nbytes) > MOST_BYTES and a.digest != b.digest
    with at_most(MOST_IN_MEMORY):
        value = _too_large(a, b) if is_large else compare_stored(first, second)
    axes = axes_of(first, second)
    return Difference((first.name, second.name), value, axes, "" if value.same else may_explain(axes), a.key)


def _too_large(a: Version, b: Version) -> Comparison:
    told = f"the bytes differ; values of {size_text(max(a.nbytes, b.nbytes))} are not compared on this page: isfdb diff DB {a.key}"
    return Comparison(NOT_COMPARED, because=told)
