"""The lineage of a version as a picture whose boxes lead on, and the same as text."""

from __future__ import annotations

from typing import Final

from isfdb.display import html
from isfdb.display.safe import escape, escape_lines
from isfdb.serving import frame
from isfdb.serving.answers import Answer
from isfdb.serving.pages.key_list import crumbs
from isfdb.serving.versions_meant import version_asked
from isfdb.serving.visit import Visit
from isfdb.tracing.diagrams import told_below, tree
from isfdb.tracing.drawing import MOST_NODES, draw
from isfdb.tracing.svg import svg
from isfdb.tracing.walk import DIRECTIONS, lineage

_WORDS: Final = {"upstream": "What it was made from", "downstream": "What was made from it", "both": "Both"}
_MOST_DEPTH: Final = 20


def show(visit: Visit) -> Answer:
    """Return the page."""
    key, version = visit.asked("key"), version_asked(visit)
    direction = visit.asked("direction") if visit.asked("direction") in DIRECTIONS else "upstream"
    asked = visit.asked("depth")
    depth = min(int(asked), _MOST_DEPTH) if asked.isdecimal() and 0 < len(asked) < 4 and int(asked) else _MOST_DEPTH
    found = lineage(visit.db, key, direction=direction, depth=depth, version=version.number)
    drawing = draw(found.graph, most_nodes=MOST_NODES)
    picture = svg(drawing, f"lineage of {key}, {direction}", alone=False, styled=False, link=visit.to.box)
    stale = "".join([f'<p class="i-bad">It would come out different now: {escape(reason, 600)}</p>' for reason in found.stale])
    told = "".join([f'<p class="i-muted">{escape(text, 1000)}</p>' for text in told_below(drawing)])
    text = f'<pre class="i-code" tabindex="0" role="group" aria-label="lineage as text">{escape_lines(tree(drawing, columns=None))}</pre>'
    name = frame.anchor(visit.to.version(key, version.number), f"{key.rpartition('/')[2]}@{version.number}", limit=400)
    head = f'{crumbs(visit, key, is_key=True)}<h1 class="s-key">{name}</h1>{_directions(visit, key, version.number, direction)}'
    wide = f'<div class="i-wide" tabindex="0" role="group" aria-label="lineage">{picture}</div>'
    return frame.page(visit, f"Lineage of {key}", f"{head}{wide}{stale}{told}{html.folded('the same as text', text)}")


def _directions(visit: Visit, key: str, number: int, direction: str) -> str:
    links = [
        f"<b>{text}</b>" if one == direction else frame.anchor(visit.to.page("lineage", key=key, version=number, direction=one), text)
        for one, text in _WORDS.items()
    ]
    return frame.listed(links)
