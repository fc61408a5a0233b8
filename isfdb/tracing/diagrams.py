"""A drawing as text for other programs, Mermaid and DOT, and for people: an indented tree."""

from __future__ import annotations

import re
from typing import Final

from isfdb.display.safe import fit, visible, width
from isfdb.display.words import count_text
from isfdb.tracing.drawing import Drawing, Drawn, shortened

_LABEL_COLUMNS: Final = 60
_MARKS: Final = {"stale": "stale", "changed": "changed since", "unknown": "not known"}
_MERMAID_SHAPES: Final = {"value": ("[", "]"), "activity": ("([", "])"), "file": ("[/", "/]"), "group": ("[", "]")}
_DOT_SHAPES: Final = {"value": "box", "activity": "oval", "file": "note", "group": "plaintext"}

#: What Mermaid would read as its own, or a browser as HTML: everything but letters, digits and a few signs, as a character number.
_NOT_FOR_MERMAID: Final = re.compile(r"[^\w .,·…=+\-]")


def mermaid(drawing: Drawing) -> str:
    """Return a drawing as a Mermaid flowchart, as GitHub and JupyterLab draw it."""
    lines = ["flowchart LR"]
    for number, box in enumerate(drawing.boxes):
        left, right = _MERMAID_SHAPES.get(box.kind, ("[[", "]]"))
        text = "<br>".join([_for_mermaid(part) for part in _parts(box)])
        lines.append(f'  n{number}{left}"{text}"{right}{_mermaid_class(box)}')
    link = {"": "-->", "faint": "-.->", "dashed": "-.->"}
    lines += [f"  n{arrow.before} {link[arrow.style]} n{arrow.after}" for arrow in drawing.arrows]
    lines += [f"  %% {_for_mermaid(text)}" for text in told_below(drawing)]
    lines += ["  classDef stale stroke:#c9302c,stroke-width:2px,stroke-dasharray:7 3", "  classDef changed stroke:#c9302c,stroke-width:2px"]
    lines += ["  classDef unknown stroke-dasharray:2 3", "  classDef start stroke-width:3px"]
    return "\n".join(lines) + "\n"


def _mermaid_class(box: Drawn) -> str:
    name = box.mark or ("start" if box.is_start else "")
    return f":::{name}" if name else ""


def _for_mermaid(text: str) -> str:
    return _NOT_FOR_MERMAID.sub(lambda match: f"#{ord(match[0])};", visible(text, 200))


def dot(drawing: Drawing) -> str:
    """Return a drawing in the language of Graphviz."""
    lines = ["digraph lineage {", "  rankdir=LR;", '  node [fontname="sans-serif", fontsize=11];']
    for number, box in enumerate(drawing.boxes):
        text = "\\n".join([_for_dot(part) for part in _parts(box)])
        style = {"stale": ", style=dashed, color=red", "changed": ", color=red", "unknown": ", style=dotted"}.get(box.mark, "")
        start = ", penwidth=2.5" if box.is_start else ""
        lines.append(f'  n{number} [label="{text}", shape={_DOT_SHAPES.get(box.kind, "component")}{style}{start}];')
    line = {"": "", "faint": " [color=gray]", "dashed": " [style=dashed]"}
    lines += [f"  n{arrow.before} -> n{arrow.after}{line[arrow.style]};" for arrow in drawing.arrows]
    lines += [f"  // {visible(text, 400)}" for text in told_below(drawing)]
    return "\n".join([*lines, "}"]) + "\n"


def _for_dot(text: str) -> str:
    return visible(text, 200).replace("\\", "\\\\").replace('"', '\\"')


def _parts(box: Drawn) -> list[str]:
    parts = [shortened(box.label, _LABEL_COLUMNS), shortened(box.detail, _LABEL_COLUMNS), _MARKS.get(box.mark, "")]
    return [part for part in parts if part]


def told_below(drawing: Drawing) -> list[str]:
    """Return what is told below a drawing: surroundings that were taken out of it, what was left out, what is not known."""
    told = [f"{_line(box)} ({count_text(number, 'activity', 'activities')})" for box, number in drawing.legend]
    if drawing.hidden:
        told.append(f"{drawing.hidden:,} nodes are only counted; to_json() has them all")
    return told + list(drawing.notes)


def tree(drawing: Drawing, *, columns: int | None = None) -> str:
    """Return a drawing as indented text: below each box what it came from, and then what came of the first."""
    lines = [_line(drawing.boxes[0])]
    before, after = _neighbours(drawing)
    shown = {0}
    for title, sides in (("made from", before), ("made into", after)):
        if sides[0]:
            lines += [title, *_branches(drawing, sides, 0, "", shown)]
    rest = [box for number, box in enumerate(drawing.boxes) if number not in shown]
    lines += ["also"] * bool(rest) + [f"·  {_line(box)}" for box in rest]
    lines += [visible(text, 1000) for text in told_below(drawing)]
    return "\n".join([line if columns is None or width(line) <= columns else fit(line, columns) for line in lines])


def _neighbours(drawing: Drawing) -> tuple[list[list[int]], list[list[int]]]:
    before: list[list[int]] = [[] for _ in drawing.boxes]
    after: list[list[int]] = [[] for _ in drawing.boxes]
    for arrow in sorted(drawing.arrows, key=lambda arrow: "group" in (drawing.boxes[arrow.before].kind, drawing.boxes[arrow.after].kind)):
        before[arrow.after].append(arrow.before)
        after[arrow.before].append(arrow.after)
    return before, after


def _branches(drawing: Drawing, sides: list[list[int]], start: int, indent: str, shown: set[int]) -> list[str]:
    """Return the lines below a box; a box that stands above already is named again, but not what hangs on it."""
    lines: list[str] = []
    waiting = [(number, indent, position == len(sides[start]) - 1) for position, number in enumerate(sides[start])][::-1]
    while waiting:
        number, indent, is_last = waiting.pop()
        seen = number in shown and bool(sides[number])
        lines.append(f"{indent}{'└─' if is_last else '├─'} {_line(drawing.boxes[number])}{', see above' if seen else ''}")
        shown.add(number)
        if not seen:
            below, deeper = sides[number], indent + ("   " if is_last else "│  ")
            waiting += [(one, deeper, position == len(below) - 1) for position, one in enumerate(below)][::-1]
    return lines


def _line(box: Drawn) -> str:
    name = box.path if box.kind == "file" else box.label
    detail = f"  {visible(box.detail, 120)}" if box.detail else ""
    return f"{visible(name, 160)}{detail}{_marked(box)}"


def _marked(box: Drawn) -> str:
    because = f": {visible(box.because, 300)}" if box.because and not (box.is_start and box.mark == "stale") else ""
    return f"  ! {_MARKS[box.mark]}{because}" if box.mark else ""
