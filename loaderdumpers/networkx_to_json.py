"""Keeps networkx graphs in ``data.json``, in the node-link form that networkx and D3 read. Attributes are plain values, no objects.

The order of nodes, of edges, and of the neighbours of each node comes back: algorithms that break ties by order then give the same.
"""

from __future__ import annotations

import json
import math
import os
import sys
from collections import deque
from collections.abc import Iterable
from typing import Any, Final

from isfdb.exact_json import loads
from loaderdumpers import _typed_json

priority: Final = 30
extra: Final = "networkx"
requires: Final = {"networkx": "3.0"}
load_plainly: Final = "loaderdumpers.plainly.objects:read_networkx"
about: Final = {
    "types": ("networkx.Graph", "networkx.DiGraph", "networkx.MultiGraph", "networkx.MultiDiGraph"),
    "keeps": "graphs whose nodes and attributes are plain values or small arrays",
    "format": "JSON (node-link)",
    "files": "`data.json`",
    "exact": True,
    "lazy": "",
    "append": False,
}

_FILE: Final = "data.json"
_KINDS: Final = ("Graph", "DiGraph", "MultiGraph", "MultiDiGraph")
_SIMPLE: Final = frozenset({int, bool, type(None)})
#: What every graph has in its ``__dict__``; views cached there say nothing about it.
_OWN: Final = frozenset({"graph", "_node", "_adj", "_succ", "_pred", "__networkx_cache__"})
_CACHED: Final = frozenset("adj succ pred nodes edges out_edges in_edges degree in_degree out_degree".split())
#: A place in the order of edges: positions of the two nodes.
Pair = tuple[int, int]


def check(obj: Any) -> bool:
    """Say whether `obj` is one of networkx' four graphs, no subclass, with names and attributes that JSON keeps with their types."""
    networkx = sys.modules.get("networkx")
    if networkx is None or type(obj) not in [getattr(networkx, kind, None) for kind in _KINDS]:
        return False
    nodes, edges = obj.nodes(data=True), obj.edges(data=True)
    keys = (key for _, _, key in obj.edges(keys=True)) if obj.is_multigraph() else ()
    names = (*obj.nodes(), *keys)
    return (
        all(_is_kept(name) for name in names)
        and all(_are_kept(attributes) for _, attributes in nodes)
        and all(_are_kept(attributes) for _, _, attributes in edges)
        and _typed_json.can_encode(dict(obj.graph))
    )


def _is_kept(value: Any) -> bool:
    kind = type(value)
    return kind in _SIMPLE or (kind is float and math.isfinite(value)) or _typed_json.can_encode(value)


def _are_kept(attributes: Any) -> bool:
    return type(attributes) is dict and all(type(name) is str and _is_kept(value) for name, value in attributes.items())


def describe(obj: Any) -> dict[str, Any]:
    """Return the numbers of nodes and edges, and the names of their attributes."""
    facts: dict[str, Any] = {"type": type(obj).__name__, "nodes": obj.number_of_nodes(), "edges": obj.number_of_edges()}
    if obj.graph.get("name"):
        facts["name"] = str(obj.graph["name"])[:80]
    first_node: dict[str, Any] = next(iter(obj.nodes(data=True)), (None, {}))[1]
    first_edge: dict[str, Any] = next(iter(obj.edges(data=True)), (None, None, {}))[2]
    return {**facts, "node_attributes": _names(first_node), "edge_attributes": _names(first_edge)}


def _names(attributes: dict[str, Any]) -> list[str]:
    return [str(name)[:80] for name in list(attributes)[:20]]


def dump(obj: Any, savedir: str) -> dict[str, Any]:
    """Write the graph as JSON.

    Parameters
    ----------
    obj : networkx.Graph, DiGraph, MultiGraph or MultiDiGraph
        Nodes and attributes: text, numbers, None, dates, bytes, numpy scalars and arrays; tuples, lists, dicts and sets of them.
    savedir : str
        Empty folder.

    Raises
    ------
    TypeError
        The graph, or something in it, cannot be kept exactly.
    """
    _refuse(obj)
    names = _member_names(obj)
    record = {
        "directed": obj.is_directed(),
        "multigraph": obj.is_multigraph(),
        "graph": _typed_json.encode(dict(obj.graph)),
        "nodes": [{names["id"]: _typed_json.encode(node), **_attributes(found)} for node, found in obj.nodes(data=True)],
        "edges": list(_edges(obj, names)),
    }
    with open(os.path.join(savedir, _FILE), "w", encoding="utf-8", newline="") as file:
        file.write(json.dumps(record, ensure_ascii=False, allow_nan=False, check_circular=False))
        file.write("\n")
    return {"kind": type(obj).__name__, "names": names, "nodes": len(record["nodes"]), "edges": len(record["edges"])}


def _refuse(obj: Any) -> None:
    if not check(obj):
        advice = "use plain values for nodes and attributes, or store it with dumper='to_cloudpickle'"
        raise TypeError(f"networkx_to_json cannot keep this {type(obj).__qualname__} exactly; {advice}")
    foreign = set(vars(obj)) - _OWN - _CACHED
    if foreign:
        what = "it is frozen, or a view of another graph" if foreign & {"frozen", "_graph"} else f"it has the members {sorted(foreign)[:5]}"
        raise TypeError(f"this {type(obj).__name__} would come back changed: {what}; store graph.copy()")
    if any(node != node for node in obj):
        raise TypeError("a node is nan, which equals no node, so its edges could not be found again; name it otherwise")


def _attributes(found: dict[str, Any]) -> dict[str, Any]:
    return {name: _typed_json.encode(value) for name, value in found.items()}


def _member_names(obj: Any) -> dict[str, str]:
    """Return what the members that name nodes are called: otherwise than all attributes."""
    of_nodes = {name for _, attributes in obj.nodes(data=True) for name in attributes}
    of_edges = {name for _, _, attributes in obj.edges(data=True) for name in attributes}
    names = {"id": _free("id", of_nodes), "source": _free("source", of_edges), "target": _free("target", of_edges)}
    return {**names, "key": _free("key", of_edges)} if obj.is_multigraph() else names


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    return name


def _edges(obj: Any, names: dict[str, str]) -> Iterable[dict[str, Any]]:
    """Give the edges in an order in which adding them gives each node its neighbours in the same order."""
    nodes = list(obj)
    encoded = [_typed_json.encode(node) for node in nodes]
    for one, other in _order(obj, nodes):
        ends = {names["source"]: encoded[one], names["target"]: encoded[other]}
        found = obj.adj[nodes[one]][nodes[other]]
        if not obj.is_multigraph():
            yield {**ends, **_attributes(found)}
            continue
        for key, attributes in found.items():
            yield {**ends, names["key"]: _typed_json.encode(key), **_attributes(attributes)}


def _order(obj: Any, nodes: list[Any]) -> list[Pair]:
    """Sort the pairs of neighbours so that each follows those before it in the rows of both its nodes."""
    rows = _rows(obj, nodes)
    rows_of: dict[Pair, list[int]] = {}
    for number, row in enumerate(rows):
        for pair in row:
            rows_of.setdefault(pair, []).append(number)
    order: list[Pair] = []
    seen: dict[Pair, int] = {}
    heads = [iter(row) for row in rows]
    ready: deque[Pair] = deque()
    to_advance: Iterable[int] = range(len(rows))
    while True:
        for number in to_advance:
            head = next(heads[number], None)
            if head is not None:
                seen[head] = seen.get(head, 0) + 1
                if seen[head] == len(rows_of[head]):
                    ready.append(head)
        if not ready:
            break
        order.append(ready.popleft())
        to_advance = rows_of[order[-1]]
    if len(order) != len(rows_of):
        raise TypeError("no order of adding edges gives the neighbours in the order that this graph has; store graph.copy()")
    return order


def _rows(obj: Any, nodes: list[Any]) -> list[list[Pair]]:
    place = {node: number for number, node in enumerate(nodes)}
    if obj.is_directed():
        following = [[(place[node], place[other]) for other in obj.succ[node]] for node in nodes]
        return following + [[(place[other], place[node]) for other in obj.pred[node]] for node in nodes]
    ends = [[(place[node], place[other]) for other in obj.adj[node]] for node in nodes]
    return [[(min(pair), max(pair)) for pair in row] for row in ends]


class Loader:
    """Reads a graph.

    Parameters
    ----------
    kind : {'Graph', 'DiGraph', 'MultiGraph', 'MultiDiGraph'}
        Its type.
    names : dict
        What the members that name nodes are called in the file.
    nodes, edges : int
        How many there are.
    """

    def __init__(self, *, kind: str, names: dict[str, str], nodes: int, edges: int) -> None:
        if kind not in _KINDS:
            raise ValueError(f"{kind!r} is no graph of networkx; Loader.json was changed, or a newer isfdb wrote it")
        self._kind, self._names, self._counts = kind, names, (nodes, edges)

    def get(self, savedir: str) -> Any:
        """Return the graph.

        Raises
        ------
        ValueError
            The file is damaged, or does not hold as many nodes and edges as were stored.
        """
        import networkx

        with open(os.path.join(savedir, _FILE), "rb") as file:
            record = self._read(file.read())
        graph = getattr(networkx, self._kind)()
        graph.graph.update(_typed_json.decode(record["graph"]))
        graph.add_nodes_from(self._nodes(record["nodes"]))
        graph.add_edges_from(self._edges(record["edges"]))
        found = graph.number_of_nodes(), graph.number_of_edges()
        if found != self._counts:
            raise ValueError(f"{_FILE} holds {found[0]} nodes and {found[1]} edges, and Loader.json says {self._counts}; one was changed")
        return graph

    def _read(self, text: bytes) -> dict[str, Any]:
        try:
            record = loads(text)
            missing = {"graph", "nodes", "edges"} - set(record)
        except (ValueError, TypeError) as error:
            raise ValueError(f"{_FILE} is no whole JSON ({error}); restore the file from a copy") from error
        if missing:
            raise ValueError(f"{_FILE} has no member {', '.join(sorted(missing))}; restore the file from a copy")
        return dict(record)

    def _nodes(self, entries: list[dict[str, Any]]) -> Iterable[tuple[Any, dict[str, Any]]]:
        for entry in entries:
            (node,) = self._taken(entry, "id")
            yield node, {name: _typed_json.decode(value) for name, value in entry.items()}

    def _edges(self, entries: list[dict[str, Any]]) -> Iterable[tuple[Any, ...]]:
        roles = ("source", "target", "key") if self._kind.startswith("Multi") else ("source", "target")
        for entry in entries:
            ends = self._taken(entry, *roles)
            yield *ends, {name: _typed_json.decode(value) for name, value in entry.items()}

    def _taken(self, entry: dict[str, Any], *roles: str) -> list[Any]:
        """Take the members that name nodes out of an entry."""
        try:
            return [_typed_json.decode(entry.pop(self._names[role])) for role in roles]
        except KeyError as error:
            raise ValueError(f"an entry of {_FILE} has no member {error}; restore the file from a copy") from error
