"""Containers as a tree of their parts, each of which can be looked at. The tree itself loads no part."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from isfdb.display.safe import escape
from isfdb.display.words import what_text

_MOST_MEMBERS: Final = 60
_MOST_PARTS: Final = 500
_DEEPEST: Final = 8


def parts_of(describe: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the parts that are stored for themselves: where each lies, as ``['cells'][0]``, and what is noted of it."""
    noted = describe.get("parts")
    if not isinstance(noted, Mapping):
        return {}
    return {name: facts for name, facts in islice(noted.items(), _MOST_PARTS) if isinstance(facts, Mapping) and place_of(name) is not None}


def place_of(name: str) -> list[Any] | None:
    """Return the keys, numbers and names of attributes that lead to a part; None where the name says no such thing."""
    try:
        node: ast.expr = ast.parse(f"v{name}", mode="eval").body
        place: list[Any] = []
        while not isinstance(node, ast.Name):
            if isinstance(node, ast.Attribute):
                place.append(node.attr)
                node = node.value
            elif isinstance(node, ast.Subscript):
                place.append(ast.literal_eval(node.slice))
                node = node.value
            else:
                return None
        return place[::-1] if node.id == "v" else None
    except (SyntaxError, ValueError, RecursionError, MemoryError, TypeError):
        return None


def tree_html(value: Any, parts: Mapping[str, Mapping[str, Any]]) -> str:
    """Return a lazy container as a tree that opens and closes.

    Parameters
    ----------
    value : Mapping or Sequence
        As ``lazy=True`` gives it: what is not asked for is not loaded.
    parts : Mapping
        As :func:`parts_of` gives them; none of them is asked for.
    """
    return f'<ul class="i-tree">{"".join(_members(value, "", parts, _DEEPEST))}</ul>'


def _members(value: Any, path: str, parts: Mapping[str, Any], depth: int) -> Iterator[str]:
    names: Sequence[Any] = list(islice(value, _MOST_MEMBERS)) if isinstance(value, Mapping) else range(min(len(value), _MOST_MEMBERS))
    for name in names:
        at = f"{path}[{name!r}]"
        yield f"<li>{_leaf(name, what_text(parts[at])) if at in parts else _member(value[name], name, at, parts, depth)}</li>"
    if len(value) > len(names):
        yield f'<li class="i-muted">… {len(value) - len(names):,} more</li>'


def _member(member: Any, name: Any, at: str, parts: Mapping[str, Any], depth: int) -> str:
    if not isinstance(member, (Mapping, list, tuple)) and not (isinstance(member, Sequence) and not isinstance(member, (str, bytes))):
        return _leaf(name, repr(member) if not isinstance(member, str) else repr(member[:200]))
    if depth <= 1:
        return _leaf(name, f"{type(member).__name__} of {len(member):,}")
    inside = "".join(_members(member, at, parts, depth - 1))
    row = f'<span class="i-name"><b>{escape(name, 80)}</b></span> <span class="i-num">{len(member):,}</span>'
    return f'<details open><summary><span class="i-row">{row}</span></summary><ul>{inside}</ul></details>'


def _leaf(name: Any, what: str) -> str:
    shown = f'<span class="i-name"><b>{escape(name, 80)}</b></span> <span class="i-what">{escape(what, 120)}</span>'
    return f'<span class="i-row">{shown}</span>'
