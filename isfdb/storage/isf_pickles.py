"""Reads the small pickles in which ISF's older databases say what they hold, without running or importing anything they name.

Every class or function that a pickle names becomes an :class:`Unknown`, which remembers its name and what it was given. Not for values.
"""

from __future__ import annotations

import codecs
import io
import pickle
from typing import Any, Final

MAX_BYTES: Final = 64_000_000


class Unknown:
    """Stands for an object of a class that is not imported.

    Attributes
    ----------
    kind : str
        Full name of its class: ``data_base.model_data_base.model_data_base.LoaderWrapper``.
    state : dict
        Its attributes, as far as they have names.
    """

    kind = ""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self.state: dict[str, Any] = dict(named)

    def __new__(cls, *_: Any, **__: Any) -> Unknown:
        """Make one without looking at what the class would have been given."""
        made = super().__new__(cls)
        made.state = {}
        return made

    def __setstate__(self, state: Any) -> None:
        parts = state if isinstance(state, tuple) else (state,)
        for part in parts:
            if isinstance(part, dict):
                self.state.update({str(name): member for name, member in part.items()})

    def append(self, member: Any) -> None:
        """Take a member, as a list would; it is not kept."""

    def extend(self, members: Any) -> None:
        """Take members, as a list would; they are not kept."""

    def add(self, member: Any) -> None:
        """Take a member, as a set would; it is not kept."""

    def __setitem__(self, name: Any, member: Any) -> None:
        """Take a member, as a dict would; it is not kept."""


def _bytes(text: Any, encoding: Any = "latin1") -> bytes:
    return codecs.encode(str(text), "utf-8" if encoding in ("utf8", "utf-8") else "latin1")


def _instance(kind: Any, *_: Any) -> Any:
    return kind() if isinstance(kind, type) and issubclass(kind, Unknown) else Unknown()


def _dict(members: Any = ()) -> dict[Any, Any]:
    return dict(members)


#: What may be called, each a function of ours: how bytes, old-style instances and ordered dicts are written.
_CALLED: Final = {
    ("_codecs", "encode"): _bytes,
    ("copy_reg", "_reconstructor"): _instance,
    ("copyreg", "_reconstructor"): _instance,
    ("copyreg", "__newobj__"): _instance,
    ("collections", "OrderedDict"): _dict,
    ("collections", "defaultdict"): lambda *_: {},
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        return _CALLED.get((module, name)) or type(name.rpartition(".")[2] or "Unknown", (Unknown,), {"kind": f"{module}.{name}"})

    def persistent_load(self, pid: Any) -> Any:
        return Unknown()


def read_pickle(data: bytes) -> Any:
    """Return what a pickle says, with an :class:`Unknown` for everything that is not plain.

    Raises
    ------
    ValueError
        It cannot be understood.
    """
    if len(data) > MAX_BYTES:
        raise ValueError(f"it is a pickle of {len(data):,} bytes, where a few hundred are usual")
    try:
        return _Unpickler(io.BytesIO(data), encoding="utf-8", errors="replace").load()
    except Exception as error:  # pickle raises nearly anything for a damaged file
        raise ValueError(f"it is no pickle that can be understood ({type(error).__name__}: {error})") from error


def loader_of(data: bytes) -> dict[str, Any]:
    """Return a pickled ``Loader`` as ISF's newer databases would have written it: ``{"Loader": <module>, ...arguments}``.

    Raises
    ------
    ValueError
        It is no pickled Loader.
    """
    found = read_pickle(data)
    if not isinstance(found, Unknown) or not found.kind.endswith(".Loader"):
        raise ValueError("it does not hold a Loader of ISF")
    plain = {name: member for name, member in found.state.items() if is_plain(member)}
    return {**plain, "Loader": found.kind.removesuffix(".Loader")}


def is_plain(value: Any) -> bool:
    """Say whether a value holds nothing but what JSON has; tuples count as lists."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return True
    if isinstance(value, (list, tuple)):
        return all(is_plain(member) for member in value)
    return isinstance(value, dict) and all(isinstance(name, str) and is_plain(member) for name, member in value.items())
