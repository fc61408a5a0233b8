"""Keeps containers of anything part by part: arrays, tables, models each in their own format and folder, the rest as readable JSON.

``data.json`` is the skeleton: small values stand in it, parts are named where they belong. Many small arrays share one file; what only
pickle keeps goes into one pickle, and makes the whole a version that must be trusted. Also keeps instances of the user's own enums,
named tuples, dataclasses and attrs classes, by their fields.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final

from isfdb import plugins
from isfdb.exact_json import loads
from isfdb.parts import code_may_run, describe_part
from loaderdumpers import _python_containers as containers
from loaderdumpers._container_parts import Leaves
from loaderdumpers._container_reading import PartsReader
from loaderdumpers._lazy_containers import lazily
from loaderdumpers._library_scalars import of_library
from loaderdumpers._places import Place, shown
from loaderdumpers._python_classes import facts_of, values_of
from loaderdumpers._python_scalars import encoders
from loaderdumpers._skeleton import PRIORITY, Encoder, is_kept, to_text
from loaderdumpers._skeleton_reading import Decoder, narrow

priority: Final = PRIORITY + 10
has_parts: Final = True
imports_classes: Final = True
load_plainly: Final = "loaderdumpers.plainly.values:read_parts"
about: Final = {
    "types": ("dict", "list", "tuple", "enum.Enum"),
    "keeps": "containers of anything, part by part; enums, named tuples, dataclasses, attrs classes of plain fields",
    "format": "JSON, and that of each part",
    "files": "`data.json`, a folder for each part",
    "exact": True,
    "lazy": "parts",
    "append": False,
}

_FILE: Final = "data.json"
_MOST_SHOWN: Final = 20
_MOST_CHARACTERS: Final = 500
_USUAL_FACTS: Final = ("type", "shape", "dtype", "length", "nbytes")
_MOST_LOOKED_AT: Final = 400


def check(obj: Any) -> bool:
    """Say whether `obj` is a container, or an instance that is its fields, and does not contain itself."""
    return is_kept(obj, leaves=True)


def describe(obj: Any) -> dict[str, Any]:
    """Return type and length, and what the loaderdumpers of the first parts say of them."""
    facts: dict[str, Any] = {"type": type(obj).__qualname__[:200]}
    if containers.is_container(type(obj)) and hasattr(type(obj), "__len__"):
        facts["length"] = len(obj)
    parts = _describe_parts(obj)
    return {**facts, "parts": parts} if parts else facts


def _describe_parts(obj: Any) -> dict[str, Any]:
    """Return the places of the first parts of a container, with what their loaderdumpers say of them."""
    return {place: _shortened(describe_part(value, {"Loader": name})) for place, value, name in _first_parts(obj)}


def _shortened(facts: dict[str, Any]) -> dict[str, Any]:
    """Leave out all but the usual facts where a loaderdumper tells much: twenty of them go into one record."""
    return facts if len(str(facts)) <= _MOST_CHARACTERS else {name: fact for name, fact in facts.items() if name in _USUAL_FACTS}


def summarise(obj: Any) -> dict[str, Any]:
    """Return the statistics of the first parts, by their places."""
    found = {}
    for place, value, name in _first_parts(obj):
        module = plugins.loaderdumper(name)
        if hasattr(module, "summarise"):
            found[place] = module.summarise(value)
    return {"parts": found}


def _first_parts(obj: Any) -> Iterator[tuple[str, Any, str]]:
    """Yield place, value and loaderdumper of the first parts."""
    for place, value in islice(_first_leaves(obj), _MOST_SHOWN):
        yield shown(place)[:200], value, plugins.choose(value)[0]


def _first_leaves(obj: Any) -> Iterator[tuple[Place, Any]]:
    """Yield the first members that are no plain values, looking at a few hundred members at most."""
    known = encoders()
    to_do: list[tuple[Place, Any]] = [(None, obj)]
    looked_at = 0
    while to_do and looked_at < _MOST_LOOKED_AT:
        place, value = to_do.pop()
        looked_at += 1
        encode = known.get(type(value))
        if value is None or (encode is not None and encode(value) is not None):
            continue
        members = _members(value)
        if members is not None:
            to_do += [((place, step), member) for step, member in members][::-1]
        elif of_library(value) is None:
            yield place, value


def _members(value: Any) -> list[tuple[Any, Any]] | None:
    taken = containers.take_apart(value)
    if taken is not None:
        keys = range(len(taken.members)) if taken.keys is None else taken.keys
        return list(islice(zip(keys, taken.members, strict=True), _MOST_LOOKED_AT))
    facts = facts_of(type(value))
    if facts is None or facts.kind == "enum":
        return None if facts is None else []
    values = values_of(value, facts)
    return None if values is None else list(values.items())


def dump(
    obj: Any,
    savedir: str,
    *,
    dumpers: Mapping[Any, Any] | None = None,
    pool_below: int = 2**20,
    most_parts: int = 10_000,
) -> dict[str, Any]:
    """Write the skeleton to ``data.json`` and each part into a folder named after its place.

    Parameters
    ----------
    obj : object
        A container, or an instance of an enum, named tuple, dataclass or attrs class.
    savedir : str
        Empty folder.
    dumpers : Mapping, optional
        Place to the name of the loaderdumper that shall keep what lies there, or to a dict with that name as ``dumper`` and its options:
        ``{"rates": "pandas_to_arrow", ("cells", 0): {"dumper": "numpy_to_zarr", "chunks": (100, 100)}}``.
    pool_below : int
        Where there are more than a few, arrays and bytes smaller than this many bytes share one file.
    most_parts : int
        How many folders there may be.

    Raises
    ------
    TypeError
        Something cannot be kept; the message names its place.
    """
    leaves = Leaves(dumpers or {})
    encoder = Encoder(leaves.add, is_chosen=leaves.is_chosen if dumpers else None)
    skeleton = encoder.encode(obj)
    specs = leaves.store(savedir, pool_below=pool_below, most_parts=most_parts)
    with open(os.path.join(savedir, _FILE), "w", encoding="utf-8", newline="") as file:
        file.write(to_text(skeleton))
    return {"parts": specs, **({"classes": sorted(encoder.classes)} if encoder.classes else {})}


class Loader:
    """Reads a container, or one part of it.

    Parameters
    ----------
    parts : dict
        Name of each part, which is its folder, to its spec.
    classes : list of str
        The user's classes whose instances are in it, as ``module:qualname``.
    """

    def __init__(self, *, parts: dict[str, Any], classes: list[str] | None = None) -> None:
        self._specs, self._classes = parts, frozenset(classes or ())

    def get(
        self,
        savedir: str,
        *,
        part: Any = None,
        select: Any = None,
        plain: bool = False,
        lazy: bool = False,
        part_options: dict[str, Any] | None = None,
    ) -> Any:
        """Return the value, or what lies at one place of it.

        Parameters
        ----------
        savedir : str
            Folder of the version.
        part : key, number, name of an attribute, or list of them
            Read only what lies there: ``part="rates"``, ``part=["cells", 0]``.
        select : slice or tuple
            Read only these members of a list or tuple; a tuple names its place first: ``("cells", slice(0, 10))``. What is left when a
            part is reached goes to its own loaderdumper.
        plain : bool
            Give dicts, tuples and values in place of instances of your own classes, which then need not be there.
        lazy : bool
            Return a mapping or sequence that loads each part when it is asked for.
        part_options : dict
            Options for loading the part that `part` names: ``{"columns": ["t"]}``, ``{"mmap": "r"}``.

        Raises
        ------
        ValueError
            There is no such place, a class is not there, or the files contradict each other.
        """
        with open(os.path.join(savedir, _FILE), "rb") as file:
            node = loads(file.read())
        node, rest = narrow(node, part, select)
        options = {**(part_options or {}), **({} if rest is None else {"select": rest})}
        reader = PartsReader(self._specs, savedir, node, options, keeps=not lazy)
        may_run = code_may_run()
        decoder = Decoder(reader.load, plain=plain, may_import=lambda name: may_run and name in self._classes)
        return lazily(node, decoder) if lazy else decoder.decode(node)
