"""In what the code of two versions differs: the slice, or the cell that stored it, and the state of the sources it imported."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from typing import Final

from isfdb.comparing.axis import DIFFERS, SAME, UNKNOWN, Axis, at_most, unknown
from isfdb.comparing.source_changes import SourceChanges, source_changes
from isfdb.comparing.stored import Stored
from isfdb.comparing.text import changed_lines, unified
from isfdb.provenance.records import slice_of

_LINK_VERSION: Final = re.compile(r"(isfdb://[^\s\"'@]*)@\w+")


def code_axis(a: Stored, b: Stored) -> Axis:
    """Compare the code that made two versions, and the sources it ran in."""
    texts = [_text(side) for side in (a, b)]
    missing = {side.name: why for side, (_, text, why) in zip((a, b), texts, strict=True) if text is None}
    sources = source_changes(a, b)
    if missing:
        found = unknown("code", missing)
        told = at_most([*found.lines, *sources.lines])
        return Axis("code", DIFFERS, "the sources differ", told, sources.text) if sources.lines else found
    (kind, one, _), (other_kind, other, _) = texts
    assert one is not None  # else it would be missing
    assert other is not None
    lines = [f"of {a.name} {kind} is compared with {other_kind} of {b.name}"] if kind != other_kind else []
    lines += [*_labels(a, b), *sources.lines]
    if _meaning(one) == _meaning(other):
        return _of_same_code(kind, sources, lines)
    text, removed, added = unified(without_comments(one), without_comments(other), (a.name, b.name))
    because = f"{kind}: {changed_lines(removed, added)}{'; the sources differ, too' if sources.lines else ''}"
    return Axis("code", DIFFERS, because, at_most([*lines, *sources.unknown]), "\n".join([one for one in (text, sources.text) if one]))


def _of_same_code(kind: str, sources: SourceChanges, lines: list[str]) -> Axis:
    if sources.lines:
        return Axis("code", DIFFERS, f"{kind} is the same, the sources it ran in differ", at_most(lines), sources.text)
    if sources.unknown:
        return Axis("code", UNKNOWN, f"{kind} is the same, the sources it ran in are not known", at_most([*lines, *sources.unknown]))
    return Axis("code", SAME, f"{kind} and the sources are the same", at_most(lines))


def _text(side: Stored) -> tuple[str, str | None, str]:
    """Return what there is to compare, its text, and why there is none."""
    slice_text = side.slice_text
    if slice_text is not None:
        return "the slice", slice_text, ""
    cell = side.cell
    if cell is not None and cell.source is not None:
        return f"the {cell.kind} that stored it", cell.source, ""
    why = "its session is not in this database" if side.session is None and side.record.get("activity") else side.why_unknown("activity")
    return "the code", None, why


def _labels(a: Stored, b: Stored) -> list[str]:
    """Return what is to be known about one slice and not about the other."""
    found = [dict(facts.labels) if (facts := slice_of(side.record)) is not None else {} for side in (a, b)]
    pairs = ((a, found[0], found[1]), (b, found[1], found[0]))
    return [f"{side.name}: {label}: {why}" for side, here, there in pairs for label, why in here.items() if label not in (*there, "linear")]


def _meaning(code: str) -> str:
    """Return what of a code counts: not its comments, nor which version of an input it reads, which is told among the inputs."""
    code = _LINK_VERSION.sub(r"\1", code)
    try:
        return ast.dump(ast.parse(code))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return code  # magics


def without_comments(code: str) -> str:
    """Return code without the lines that are nothing but a comment: those of a slice name cells and times."""
    lines = code.split("\n")
    try:
        for token in tokenize.generate_tokens(io.StringIO(code).readline):
            if token.type == tokenize.COMMENT and not token.line[: token.start[1]].strip():
                lines[token.start[0] - 1] = "\0"
    except (tokenize.TokenError, SyntaxError, IndexError):
        return code
    return "\n".join([line for line in lines if line != "\0"]).strip("\n")
