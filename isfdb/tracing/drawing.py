"""What of a lineage is drawn: a few hundred nodes at most, the rest counted where it would hang. It decides nothing about looks.

Every picture and the text tree are made from this, so that they tell the same; JSON alone holds everything.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Final

from isfdb.display.safe import visible
from isfdb.display.words import count_text
from isfdb.tracing.graph import Graph, Node, neighbours

MOST_NODES: Final = 120
MOST_SIBLINGS: Final = 8

#: With more activities than these, repositories, modules and environments would be a tangle: they are listed below the picture.
_MOST_ACTIVITIES: Final = 2
_WORDS: Final = {"value": "key", "activity": "cell", "file": "file", "repository": "repository", "environment": "environment"}
_FAINT: Final = frozenset({"wasAssociatedWith"})
_DASHED: Final = frozenset({"wasDerivedFrom", "wasRevisionOf"})


@dataclass(frozen=True)
class Drawn:
    """One box of a drawing: a node, or a group of nodes that are only counted. A value has its ``isfdb://`` link."""

    kind: str
    label: str
    detail: str
    mark: str = ""
    title: str = ""
    is_start: bool = False
    path: str = ""
    because: str = ""
    link: str = ""


@dataclass(frozen=True)
class Arrow:
    """From what was there before to what came of it, by the numbers of their boxes; `style` is ``""``, ``"faint"`` or ``"dashed"``."""

    before: int
    after: int
    style: str = ""


@dataclass(frozen=True)
class Drawing:
    """Boxes, arrows between them, and what is told below: the first box is where the walk began."""

    boxes: tuple[Drawn, ...]
    arrows: tuple[Arrow, ...]
    legend: tuple[tuple[Drawn, int], ...] = ()
    hidden: int = 0
    notes: tuple[str, ...] = field(default=())


def draw(graph: Graph, *, most_nodes: int = MOST_NODES) -> Drawing:
    """Choose what of a graph is drawn."""
    graph, legend = _without_surroundings(graph)
    chosen = _Choice(graph, most_nodes)
    boxes = [_drawn(graph.nodes[name], is_start=name == graph.start) for name in chosen.shown]
    boxes += [_group(members) for members in chosen.groups]
    arrows: dict[tuple[int, int], str] = {}
    for edge in graph.edges:
        pair = (chosen.place[edge.object], chosen.place[edge.subject])
        style = "faint" if edge.relation in _FAINT else "dashed" if edge.relation in _DASHED else ""
        if pair[0] != pair[1] and arrows.get(pair) != "":
            arrows[pair] = style
    hidden = sum(len(members) for members in chosen.groups)
    return Drawing(tuple(boxes), tuple(Arrow(*pair, style) for pair, style in arrows.items()), legend, hidden, graph.notes)


def _without_surroundings(graph: Graph) -> tuple[Graph, tuple[tuple[Drawn, int], ...]]:
    """Take repositories, modules and environments out of a large graph; return them with the number of activities they belong to."""
    if len(graph.of_kind("activity")) <= _MOST_ACTIVITIES:
        return graph, ()
    counts = Counter(edge.object for edge in graph.edges if edge.relation == "wasAssociatedWith")
    names = counts.keys() - {edge.object for edge in graph.edges if edge.relation != "wasAssociatedWith"}
    taken = [node for node in graph.nodes.values() if node.id in names]
    nodes = {name: node for name, node in graph.nodes.items() if name not in names}
    edges = tuple(edge for edge in graph.edges if edge.object not in names)
    return Graph(graph.start, nodes, edges, graph.notes), tuple((_drawn(node), counts[node.id]) for node in taken)


class _Choice:
    """Which nodes are shown, nearest first, and in which group each other one is counted.

    Attributes
    ----------
    shown : list of str
    groups : list of list of Node
    place : dict
        The number of the box of each node: its own, or its group's.
    """

    def __init__(self, graph: Graph, most_nodes: int) -> None:
        self._graph = graph
        self._most = most_nodes
        self._sides = neighbours(graph)
        self.shown: list[str] = [graph.start]
        self.groups: list[list[Node]] = []
        self._group_of: dict[str, int] = {}
        self._seen = {graph.start}
        self._spread([(graph.start, (0, 1))])
        # What is no cause of a cause and no effect of an effect: what was made from an earlier version, say.
        self._spread([(name, (0, 1)) for name in list(self.shown)], turn=True)
        self._gather()
        self.place = {name: number for number, name in enumerate(self.shown)}
        self.place |= {name: len(self.shown) + number for name, number in self._group_of.items()}

    def _spread(self, starts: list[tuple[str, tuple[int, ...]]], *, turn: bool = False) -> None:
        """Go on from some nodes to causes (side 0) and effects (side 1); without turning, a cause leads to causes only."""
        waiting = deque(starts)
        while waiting:
            name, sides = waiting.popleft()
            for side in sides:
                fresh = list(dict.fromkeys([other for other in self._sides[side][name] if other not in self._seen]))
                self._seen.update(fresh)
                kept = self._keep(fresh)
                waiting += [(other, (0, 1) if turn else (side,)) for other in kept]

    def _keep(self, fresh: list[str]) -> list[str]:
        """Show some nodes, and count the others as one group."""
        kept: list[str] = []
        counts: Counter[str] = Counter()
        totals = Counter(self._graph.nodes[name].kind for name in fresh)
        rest = []
        for name in sorted(fresh, key=lambda name: not _has_mark(self._graph.nodes[name])):
            kind = self._graph.nodes[name].kind
            most = MOST_SIBLINGS if totals[kind] <= MOST_SIBLINGS else MOST_SIBLINGS - 2
            if counts[kind] < most and len(self.shown) < self._most:
                counts[kind] += 1
                kept.append(name)
                self.shown.append(name)
            else:
                rest.append(name)
        if rest:
            self._group_of.update(dict.fromkeys(rest, len(self.groups)))
            self.groups.append([self._graph.nodes[name] for name in rest])
        return kept

    def _gather(self) -> None:
        """Count what hangs on the members of a group with them."""
        waiting = deque(self._group_of)
        while waiting:
            name = waiting.popleft()
            group = self._group_of[name]
            for other in (*self._sides[0][name], *self._sides[1][name]):
                if other not in self._seen:
                    self._seen.add(other)
                    self._group_of[other] = group
                    self.groups[group].append(self._graph.nodes[other])
                    waiting.append(other)
        apart = [name for name in self._graph.nodes if name not in self._seen]
        if apart:  # cut off where the graph was full
            self._group_of.update(dict.fromkeys(apart, len(self.groups)))
            self.groups.append([self._graph.nodes[name] for name in apart])


def _has_mark(node: Node) -> bool:
    return bool(node.stale or node.changed or node.unknown)


def _drawn(node: Node, *, is_start: bool = False) -> Drawn:
    mark = "stale" if node.stale else "changed" if node.changed else "unknown" if node.unknown else ""
    path = str(node.facts.get("path") or node.label)
    about = [path, node.detail, node.unknown, node.changed and f"changed: {node.changed}", *[f"stale: {one}" for one in node.stale]]
    if node.kind == "activity":
        about.append(str(node.facts.get("source") or ""))
    title = "\n".join([text for text in about if text])
    because = next(iter(node.stale), node.changed or node.unknown)
    link = node.id if node.kind == "value" else ""
    return Drawn(node.kind, node.label, node.detail, mark, title, is_start, path, because, link)


def _group(members: list[Node]) -> Drawn:
    counts = Counter(node.kind for node in members)
    words = [count_text(number, _WORDS[kind], None if kind != "repository" else "repositories") for kind, number in counts.most_common()]
    marked = Counter("stale" if node.stale else "changed" if node.changed else "unknown" for node in members if _has_mark(node))
    told = [f"{number:,} {word}" for word, number in marked.most_common()]
    mark = next(iter(marked), "")
    return Drawn("group", f"… {words[0]} more", ", ".join([*words[1:], *told]), mark, ", ".join([*words, *told]))


def shortened(text: str, columns: int) -> str:
    """Return one line of text, cut in its middle: of long keys and paths the end tells most."""
    whole = visible(text, 400)
    if len(whole) <= columns:
        return whole
    left = (columns - 1) // 3
    return f"{whole[:left]}…{whole[len(whole) - (columns - 1 - left) :]}"
