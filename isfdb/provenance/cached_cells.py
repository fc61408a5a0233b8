"""What is noted of cells that compute a value only where it is not stored yet. Who decides that, and runs them, is not here.

Such a cell does one of two things, and its text does not tell which: the statements that ran are noted beside it as ``ran_as``, and
whoever slices reads these. What it depended on is noted as ``cached``, as digests: so a later run can tell whether it changed.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from isfdb.hashing import digest_of
from isfdb.provenance.cells import Ran
from isfdb.provenance.redaction import redact
from isfdb.provenance.slicing.cell_source import read_cell

COMPUTED: Final = "computed"
LOADED: Final = "loaded"

#: Digits of the digest of a statement: two of a session must not meet by chance.
_DIGITS: Final = 20


def text_that_ran(source: str | None, facts: Mapping[str, Any]) -> str:
    """Return the text whose statements ran: of a cached cell not its own."""
    ran_as = facts.get("ran_as")
    return ran_as if isinstance(ran_as, str) else source or ""


@dataclass(frozen=True)
class CachedCell:
    """What a cell with a cached value did.

    Attributes
    ----------
    key : str
        Link of the key, without version.
    name : str
        The variable that it bound to the value.
    did : str
        ``"computed"`` or ``"loaded"``; empty where it came to neither.
    digest : str
        Of the version that it loaded or, once that is there, stored.
    own : str
        Digest of its own code; empty where it loaded.
    needs : str
        Digest of all that its code needs of earlier cells, and of how that hangs together.
    directory : str
        In which it ran.
    earlier : tuple of str
        Digests of these statements, each by itself.
    """

    key: str
    name: str
    did: str = ""
    digest: str = ""
    own: str = ""
    needs: str = ""
    directory: str = ""
    earlier: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return what the log of a session says."""
        facts = {"did": self.did, "digest": self.digest, "key": self.key, "name": self.name}
        computed = {"directory": self.directory, "earlier": list(self.earlier), "needs": self.needs, "own": self.own}
        return facts | (computed if self.own else {})


def cached_cell_of(facts: Mapping[str, Any]) -> CachedCell | None:
    """Return what is noted of a cached cell; None for any other, and for a note that cannot be understood."""
    found = facts.get("cached")
    if not isinstance(found, Mapping):
        return None
    texts = {name: found.get(name, "") for name in ("key", "name", "did", "digest", "own", "needs", "directory")}
    earlier = found.get("earlier", [])
    if not isinstance(earlier, list) or not all(isinstance(one, str) for one in [*texts.values(), *earlier]):
        return None
    return CachedCell(**texts, earlier=tuple(earlier))


def note(ran: Ran, ran_as: str, cached: CachedCell) -> None:
    """Note what a cell does instead of its text; before any of it runs, and again when more is known."""
    ran.facts["ran_as"] = ran_as
    ran.facts["cached"] = cached.to_json()


def directory_now() -> str:
    """Return where relative paths are looked for, as a record may tell it; empty where nobody can."""
    try:
        return redact(os.getcwd())[0]
    except OSError:  # deleted while this process stands in it
        return ""


def digest_of_code(nodes: Iterable[ast.AST], more: str = "") -> str:
    """Return a digest of what code means: comments, empty lines and the width of indents do not count."""
    return digest_of_texts([*map(ast.dump, nodes), more])


def digest_of_texts(texts: Iterable[str]) -> str:
    """Return a short digest of texts in their order."""
    return digest_of("\n".join(texts).encode("utf-8", "replace"))[:_DIGITS]


def digest_of_body(body: str, more: str = "") -> str:
    """Return a digest of the body of a cell; of its text where it is no Python."""
    code = read_cell(body)
    return digest_of_code([code.tree], more) if code.tree is not None else digest_of_texts([body])


def earlier_but_not(ran: Ran, before: Sequence[Ran]) -> list[Ran]:
    """Return the cells before one, without those that cells ran: what these do belongs to the statement that runs them."""
    return [one for one in before if one is not ran and not one.facts.get("run_by_cell")]
