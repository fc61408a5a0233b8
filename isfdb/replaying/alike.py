"""Tells which scripts are one and the same but for the value they leave, so that one run gives all their values. It runs nothing.

The keys that a loop stores have one script, which ends with another ``value = isfdb.load(...)`` for each. What is compared is what Python
makes of the text, so comments do not count; nor do the versions that are pinned, of which a later turn of a loop has more.
"""

from __future__ import annotations

import ast
import functools
import re
from dataclasses import dataclass
from typing import Final

from isfdb.hashing import digest_of

_LAST: Final = re.compile(r'(?:^|\n)(?:    )?(value = isfdb\.load\("isfdb://[^"\\\n]+"\))\n*\Z')


@dataclass(frozen=True)
class Parts:
    """A script, taken apart.

    Attributes
    ----------
    body : str
        What is to be run. Without `wanted` it is the whole.
    wanted : str
        The line that leaves the value; empty where it is no line of its own.
    links : frozenset of str
        The versions that are pinned.
    shape : str
        Digest of what the body does, whatever is pinned: of two scripts with one shape, the one with more pins does for both.
    """

    body: str
    wanted: str
    links: frozenset[str]
    shape: str


def parts_of(script: str) -> Parts:
    """Take a script apart."""
    found = _LAST.search(script)
    body = script[: found.start() + 1] if found and found.start() > 0 else script
    wanted = found[1] if found and body != script else ""
    shape, links = _shape(_without_comments_on_top(body)) or (None, frozenset())
    if shape is None:  # the line was all there was in a block
        body, wanted = script, ""
        shape, links = _shape(body) or (digest_of(script.encode("utf-8", "surrogatepass")), frozenset())
    return Parts(body, wanted, links, shape)


def _without_comments_on_top(text: str) -> str:
    """Drop the comments before the first statement, which name the key: then the scripts of a loop are equal texts, and parsed once."""
    lines = text.split("\n")
    first = next((number for number, line in enumerate(lines) if not line.startswith("#")), 0)
    return "\n".join(lines[first:])


@functools.lru_cache(maxsize=64)
def _shape(text: str) -> tuple[str, frozenset[str]] | None:
    """Return the digest of what a text does, and the links it pins; None where it is no Python."""
    try:
        tree = ast.parse(text)
        links = frozenset([link for node in ast.walk(tree) if _is_pin(node) for link in _take_links(node)])  # type: ignore[arg-type]
        return digest_of(ast.dump(tree).encode("utf-8", "surrogatepass")), links
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _is_pin(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func) == "isfdb.pin" if isinstance(node, ast.Call) else False


def _take_links(call: ast.Call) -> list[str]:
    """Take the links out of a call of ``isfdb.pin``."""
    links = [one.value for one in call.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    call.args = [one for one in call.args if not (isinstance(one, ast.Constant) and isinstance(one.value, str))]
    return links
