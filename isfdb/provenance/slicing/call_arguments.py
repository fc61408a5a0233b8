"""What the arguments of a call say: paths, switches, all that is given."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Final

from isfdb.provenance.slicing import effects
from isfdb.provenance.slicing.world import NOTHING, Value

_PATH_PARAMETERS: Final = frozenset("path file fname filename buf excel_writer filepath_or_buffer path_or_buf".split())


def all_given(arguments: Sequence[Value], named: dict[str, Value]) -> Value:
    """Return all that a call is given."""
    return frozenset().union(NOTHING, *arguments, *named.values())


def is_true(node: ast.Call | None, name: str) -> bool:
    """Say whether a call has ``name=True``, or a value that may be true."""
    for keyword in node.keywords if node is not None else ():
        if keyword.arg == name:
            return not (isinstance(keyword.value, ast.Constant) and not keyword.value.value)
    return False


def path_of(
    node: ast.Call | None, places: Sequence[str] = ("path", "file", "fname", "filename", "buf", "excel_writer", "filepath_or_buffer")
) -> str | None:
    """Return the file a call names by a text; None where it cannot be told."""
    if node is None:
        return None
    candidates = [*node.args[:1], *[keyword.value for keyword in node.keywords if keyword.arg in _PATH_PARAMETERS]]
    for one in candidates:
        if isinstance(one, ast.Constant) and isinstance(one.value, str):
            return one.value
    return None


def opens_for_writing(node: ast.Call | None, name: str) -> bool:
    """Say whether a call may open its file for writing."""
    if name in ("sqlite3.connect", "tempfile.mkdtemp"):
        return True
    if node is None:
        return name in effects.WRITES_FILE
    mode = next((keyword.value for keyword in node.keywords if keyword.arg == "mode"), node.args[1] if len(node.args) > 1 else None)
    if mode is None:
        return False
    return not (isinstance(mode, ast.Constant) and isinstance(mode.value, str) and not set(mode.value) & set("wax+"))
