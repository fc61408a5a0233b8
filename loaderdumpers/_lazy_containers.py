"""Read-only mappings and sequences over a skeleton, which load a part when it is asked for and keep none of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, overload

from loaderdumpers._python_containers import UNORDERED, has_keys
from loaderdumpers._python_scalars import Node, tag_of
from loaderdumpers._skeleton_reading import Decoder


def lazily(node: Node, decoder: Decoder) -> Any:
    """Return what a node stands for: dicts and lists, of any kind, lazily, everything else at once."""
    tag = tag_of(node)
    if type(node) is list or (tag is not None and has_keys(tag) is False and tag not in UNORDERED and type(node[tag]) is list):
        return LazySequence(node, node if tag is None else node[tag], decoder)
    if type(node) is dict and (tag is None or has_keys(tag)):
        return LazyMapping(node, decoder.pairs_lazily(node if tag is None else node[tag]), decoder)
    return decoder.decode(node)


class LazyMapping(Mapping[Any, Any]):
    """A stored dict. Each look-up loads that member, and only it."""

    def __init__(self, node: Node, members: dict[Any, Node], decoder: Decoder) -> None:
        self._node, self._members, self._decoder = node, members, decoder

    def __getitem__(self, key: Any) -> Any:
        return lazily(self._members[key], self._decoder)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)

    def __contains__(self, key: object) -> bool:
        return key in self._members

    def load(self) -> Any:
        """Return the whole as it was stored."""
        return self._decoder.decode(self._node)

    def __repr__(self) -> str:
        names = ", ".join([repr(key) for key in list(self._members)[:10]])
        return f"<LazyMapping of {len(self)}: {names}{', ...' if len(self) > 10 else ''}>"


class LazySequence(Sequence[Any]):
    """A stored list or tuple. Each look-up loads that member, and only it."""

    def __init__(self, node: Node, members: list[Node], decoder: Decoder) -> None:
        self._node, self._members, self._decoder = node, members, decoder

    @overload
    def __getitem__(self, place: int) -> Any: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[Any]: ...

    def __getitem__(self, place: int | slice) -> Any:
        if isinstance(place, slice):
            return LazySequence(self._members[place], self._members[place], self._decoder)
        return lazily(self._members[place], self._decoder)

    def __len__(self) -> int:
        return len(self._members)

    def load(self) -> Any:
        """Return the whole as it was stored."""
        return self._decoder.decode(self._node)

    def __repr__(self) -> str:
        return f"<LazySequence of {len(self)}>"
