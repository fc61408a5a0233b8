"""How a statement uses databases: which keys it reads under a fixed name, and what it stores. It looks at the text only."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from isfdb.provenance.slicing.statement_text import Edit, span_of

#: Functions and modules of isfdb whose answer depends on what databases hold now.
_OPENERS = frozenset({"Database", "audit", "code", "diff", "find", "lineage", "load", "open", "registry", "replay", "verify"})
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


@dataclass
class Rewritten:
    """What can be said of a statement without a database.

    Attributes
    ----------
    edits : list of Edit
        That replace reading by ``isfdb.load(link)`` and storing by ``value = ...``.
    left : set of str
        Names of databases that the statement uses in other ways, too.
    links : list of str
        Links that the edits read.
    stores : bool
        The edits leave what is stored in ``value``.
    """

    edits: list[Edit] = field(default_factory=list)
    left: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    stores: bool = False


def rewrite(node: ast.stmt, databases: set[str], link_of: Callable[[str], str | None], stored: str | None) -> Rewritten:
    """Say how a statement does without databases.

    Parameters
    ----------
    node : ast.stmt
    databases : set of str
        Names that stand for databases.
    link_of : callable
        Gives the link of the one version of a key that was read; None where there are none or several.
    stored : str, optional
        The statement stores this key.
    """
    found = Rewritten()
    handled = _rewrite_store(node, databases, stored, found) if stored is not None else set()
    for one, hidden in _with_hidden_names(node, frozenset()):
        if id(one) in handled:
            continue
        key = _key_read(one, databases - hidden)
        link = link_of(key) if key is not None else None
        if link is not None:
            found.edits.append((*span_of(one), f'isfdb.load("{link}")'))
            found.links.append(link)
            handled |= {id(part) for part in ast.walk(one)}
        elif isinstance(one, ast.Name) and one.id in databases - hidden:
            found.left.add(one.id)
        elif _opens_databases(one):
            found.left.add("isfdb")
    return found


def is_opening(node: ast.stmt) -> bool:
    """Say whether a statement does nothing but open a database under a name."""
    is_plain = isinstance(node, ast.Assign) and all(isinstance(target, ast.Name) for target in node.targets)
    return is_plain and isinstance(node.value, ast.Call) and _is_database(node.value, frozenset())  # type: ignore[attr-defined]


def _opens_databases(node: ast.AST) -> bool:
    """Say whether an expression is a function of isfdb that reads databases in whatever state they are."""
    if isinstance(node, ast.ImportFrom):
        return node.module == "isfdb" and any(alias.name in _OPENERS for alias in node.names)
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "isfdb" and node.attr in _OPENERS


def _is_database(node: ast.expr, databases: frozenset[str] | set[str]) -> bool:
    """Say whether an expression stands for a database: a name, or ``isfdb.open(...)`` itself."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return isinstance(node.func.value, ast.Name) and (node.func.value.id, node.func.attr) == ("isfdb", "open")
    return isinstance(node, ast.Name) and node.id in databases


def _rewrite_store(node: ast.stmt, databases: set[str], stored: str, found: Rewritten) -> set[int]:
    """Turn ``db["key"] = ...`` into ``value = ...``; return the nodes that this took care of."""
    if isinstance(node, ast.Assign):
        for target in node.targets:
            if isinstance(target, ast.Subscript) and _is_key(target.value, target.slice, databases, stored):
                found.edits.append((*span_of(target), "value"))
                found.stores = True
                return {id(part) for part in ast.walk(target)}
    call = node.value if isinstance(node, ast.Expr) else None
    if (
        isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr == "set"
        and len(call.args) > 1
        and not isinstance(call.args[1], ast.Starred)
        and _is_key(call.func.value, call.args[0], databases, stored)
    ):
        begin, end = span_of(call)
        first, last = span_of(call.args[1])
        found.edits += [(begin, first, "value = ("), (last, end, ")")]
        found.stores = True
        kept = {id(part) for part in ast.walk(call.args[1])}
        return {id(part) for part in ast.walk(call)} - kept
    return set()


def _key_read(node: ast.AST, databases: frozenset[str] | set[str]) -> str | None:
    """Return the key that an expression reads, where that is plain: ``db["rates"]``, ``db.get("rates")``."""
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
        owner, key = node.value, node.slice
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get" and len(node.args) == 1:
        owner, key = node.func.value, node.args[0]
        if node.keywords:
            return None
    else:
        return None
    return _fixed_key(key) if _is_database(owner, databases) else None


def _is_key(owner: ast.expr, key: ast.expr, databases: set[str], stored: str) -> bool:
    """Say whether an expression names the stored key; the database may be a sub-database of the one that holds it."""
    fixed = _fixed_key(key) if _is_database(owner, databases) else None
    return fixed is not None and (stored == fixed or stored.endswith("/" + fixed))


def _fixed_key(node: ast.expr) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.Tuple) and all(isinstance(one, ast.Constant) and isinstance(one.value, str) for one in node.elts):
        return "/".join([one.value for one in node.elts])  # type: ignore[attr-defined]
    return None


def _with_hidden_names(node: ast.AST, hidden: frozenset[str]) -> Iterator[tuple[ast.AST, frozenset[str]]]:
    """Yield all nodes, outermost first, with the names that are parameters or variables of a function around them."""
    yield node, hidden
    if isinstance(node, _FUNCTIONS):
        hidden |= {argument.arg for argument in ast.walk(node.args) if isinstance(argument, ast.arg)}
        body = node.body if isinstance(node.body, list) else [node.body]
        bound = {one.id for part in body for one in ast.walk(part) if isinstance(one, ast.Name) and not isinstance(one.ctx, ast.Load)}
        shared = {name for part in body for one in ast.walk(part) if isinstance(one, ast.Global) for name in one.names}
        hidden |= bound - shared
    for child in ast.iter_child_nodes(node):
        yield from _with_hidden_names(child, hidden)
