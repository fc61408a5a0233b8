"""Loads the parts of a container that its skeleton names; believes neither names nor places in the files."""

from __future__ import annotations

import os
from typing import Any

from isfdb.errors import UntrustedDataError
from isfdb.parts import code_may_run, load_part, name_in
from loaderdumpers._container_parts import ARRAYS, PICKLE
from loaderdumpers._places import is_safe
from loaderdumpers._python_scalars import Node


class PartsReader:
    """Loads the parts that a skeleton names.

    Parameters
    ----------
    specs : dict
        Their specs, by name.
    savedir : str
        Folder of the version.
    node : object
        The skeleton, or the piece of it that is to be read.
    options : dict
        For the part, where the piece is one.
    keeps : bool
        Remember what was loaded, so that it is loaded once, and one object however often it is referred to.
    """

    def __init__(self, specs: dict[str, Any], savedir: str, node: Node, options: dict[str, Any], *, keeps: bool) -> None:
        self._specs, self._savedir, self._options, self._keeps = specs, savedir, options, keeps
        self._loaded: dict[str, Any] = {}
        if options and not (type(node) is dict and "$part" in node):
            raise ValueError("part_options= is for loading one part; name it with part=")
        self._items = _items_in(node) if keeps else {}
        for name in () if keeps else specs:  # a pickle may run now or never: nobody asks again when the lazy value is used
            if self._name(name) == PICKLE and code_may_run():
                self._loaded[name] = load_part(specs[name], self._folder(name))

    def load(self, node: Node) -> Any:
        """Return the value of a part.

        Raises
        ------
        ValueError
            There is no such part, or its files are not as they were stored.
        """
        name, item = node["$part"], node.get("item")
        if type(name) is not str or name not in self._specs or not is_safe(name):
            raise ValueError(f"data.json names a part {name!r:.80} that Loader.json does not know; one of them was changed")
        if item is None:
            return self._part(name, {} if "item" in node else self._options)
        loader = self._name(name)
        if loader == ARRAYS and type(item) is str:
            value = self._arrays(name, item)
            return value if "as" not in node else _as_bytes(value, node["as"])
        if loader == PICKLE and type(item) is int:
            values = self._part(name, {})
            if type(values) is list and 0 <= item < len(values):
                return values[item]
        raise ValueError(f"data.json names a member {item!r:.80} of the part {name!r} that is not in it; one of them was changed")

    def _name(self, name: str) -> str:
        return name_in(self._specs[name])

    def _folder(self, name: str) -> str:
        return os.path.join(self._savedir, name)

    def _part(self, name: str, options: dict[str, Any]) -> Any:
        if name in self._loaded:
            return self._loaded[name]
        value = self._load(name, options)
        if self._keeps:
            self._loaded[name] = value
        return value

    def _arrays(self, name: str, item: str) -> Any:
        if "select" in self._options:
            chosen = self._options["select"]
            index = (item, *chosen) if type(chosen) is tuple else (item, chosen)
            return self._load(name, {**self._options, "select": index})
        if not self._keeps or self._options:
            return self._member(self._load(name, {"members": [item], **self._options}), name, item)
        if name not in self._loaded:
            self._loaded[name] = self._load(name, {"members": self._items.get(name, [item])})
        return self._member(self._loaded[name], name, item)

    def _member(self, arrays: Any, name: str, item: str) -> Any:
        if type(arrays) is not dict or item not in arrays:
            raise ValueError(f"data.json names an array {item!r:.80} that the part {name!r} does not have; one of them was changed")
        return arrays[item]

    def _load(self, name: str, options: dict[str, Any]) -> Any:
        try:
            return load_part(self._specs[name], self._folder(name), **options)
        except (OSError, ImportError, UntrustedDataError):
            raise
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(f"its part {name!r} cannot be loaded with {self._name(name)}: {type(error).__name__}: {error}") from error


def _as_bytes(array: Any, kind: Any) -> bytes | bytearray:
    if kind not in ("bytes", "bytearray"):
        raise ValueError(f"data.json says that a part is {kind!r:.60}; it was changed")
    data: bytes = array.tobytes()
    return data if kind == "bytes" else bytearray(data)


def _items_in(node: Node) -> dict[str, list[Any]]:
    """Return the members of pools that a piece of a skeleton names, by the name of the pool."""
    found: dict[str, dict[Any, None]] = {}
    to_do = [node]
    while to_do:
        one = to_do.pop()
        if type(one) is dict:
            if "$part" in one:
                if type(one["$part"]) is str and type(one.get("item")) is str:
                    found.setdefault(one["$part"], {})[one["item"]] = None
                continue
            one = list(one.values())
        if type(one) is list:
            to_do += [member for member in one if type(member) in (dict, list)]
    return {name: list(items) for name, items in found.items()}
