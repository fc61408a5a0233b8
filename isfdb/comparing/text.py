"""Compares texts line by line, as ``diff -u`` does, and bytes by size, digest and first difference."""

from __future__ import annotations

import difflib
from typing import Any, Final

from isfdb.comparing.comparison import DIFFERENT, Comparison
from isfdb.comparing.context import identical_or_equal, short
from isfdb.display.words import count_text

#: Beyond so many lines that may differ, telling them apart takes too long: only the first is shown.
MAX_LINES: Final = 4000

#: Longest unified diff, in lines, and longest line of it.
MAX_SHOWN: Final = 200
_MAX_WIDTH: Final = 400


def compare_texts(a: str, b: str, where: str) -> Comparison:
    """Compare two texts."""
    if a == b:
        return identical_or_equal(a, b, where)
    lines, others = a.split("\n"), b.split("\n")
    if len(lines) == len(others) == 1:
        return _one_line(a, b, where)
    text, removed, added = unified(a, b)
    measures = {"n_removed": removed, "n_added": added}
    return Comparison(DIFFERENT, where, changed_lines(removed, added), measures=measures, text=text)


def changed_lines(removed: int, added: int) -> str:
    """Return ``2 lines removed, 1 added``."""
    return f"{count_text(removed, 'line')} removed, {added:,} added"


def _one_line(a: str, b: str, where: str) -> Comparison:
    place = _first_difference(a, b)
    begin = max(0, place - 20)
    if max(len(a), len(b)) <= 80:
        return Comparison(DIFFERENT, where, f"{short(a)} → {short(b)}")
    cuts = [f"…{short(side[begin : place + 40])}…" for side in (a, b)]
    because = (
        f"{len(a):,} → {len(b):,} characters, first difference at {place:,}"
        if len(a) != len(b)
        else f"first difference at character {place:,}"
    )
    return Comparison(DIFFERENT, where, because, (f"{cuts[0]} → {cuts[1]}",), measures={"first_at": place})


def _first_difference(a: Any, b: Any) -> int:
    """Return the first place where two sequences differ, by halving: comparing slices is fast."""
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def unified(a: str, b: str, names: tuple[str, str] = ("first", "second"), context: int = 3) -> tuple[str, int, int]:
    """Return the unified diff of two texts, cut if it is long, and how many lines were removed and added."""
    lines, others = a.split("\n"), b.split("\n")
    begin = _first_difference(lines, others)
    end = _first_difference(lines[begin:][::-1], others[begin:][::-1])
    if max(len(lines), len(others)) - begin - end > MAX_LINES:
        return _too_many(lines, others, begin, end)
    # What is equal at both ends but for the context is left out; the numbers of the lines are put right again.
    offset = max(0, begin - context)
    one, other = (side[offset : len(side) - max(0, end - context)] for side in (lines, others))
    found = list(difflib.unified_diff(one, other, names[0], names[1], n=context, lineterm=""))
    removed, added = (sum(line.startswith(sign) for line in found[2:]) for sign in "-+")
    shown = [_renumbered(line, offset) if line.startswith("@@") else _cut(line) for line in found[:MAX_SHOWN]]
    more = [f"… {len(found) - MAX_SHOWN:,} lines more"] if len(found) > MAX_SHOWN else []
    return "\n".join([*shown, *more]), removed, added


def _too_many(lines: list[str], others: list[str], begin: int, end: int) -> tuple[str, int, int]:
    removed, added = len(lines) - begin - end, len(others) - begin - end
    first = [f"{sign}{_cut(side[begin])}" for sign, side in (("-", lines), ("+", others)) if begin < len(side)]
    return "\n".join([f"@@ from line {begin + 1:,} on @@", *first, "… too many lines to tell apart"]), removed, added


def _cut(line: str) -> str:
    return line if len(line) <= _MAX_WIDTH else f"{line[:_MAX_WIDTH]}…"


def _renumbered(line: str, offset: int) -> str:
    """Add to the numbers of ``@@ -3,4 +3,5 @@`` the lines that were left out before."""
    words = []
    for word in line.split(" "):
        if word[0] in "-+":
            first, comma, count = word[1:].partition(",")
            word = f"{word[0]}{int(first) + offset}{comma}{count}"
        words.append(word)
    return " ".join(words)


def compare_bytes(a: Any, b: Any, where: str) -> Comparison:
    """Compare bytes, bytearrays or memoryviews."""
    one, other = bytes(a), bytes(b)
    if one == other:
        return identical_or_equal(a, b, where)
    from isfdb.hashing import digest_of

    place = _first_difference(one, other)
    because = f"{len(one):,} → {len(other):,} bytes" if len(one) != len(other) else f"{len(one):,} bytes, with other content"
    digests = " → ".join([digest_of(side)[:12] for side in (one, other)])
    context = " → ".join([side[place : place + 16].hex(" ") or "the end" for side in (one, other)])
    lines = (f"first difference at byte {place:,}: {context}", f"digest {digests}")
    return Comparison(DIFFERENT, where, because, lines, measures={"sizes": [len(one), len(other)], "first_at": place})
