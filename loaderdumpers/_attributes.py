"""Keeps the ``attrs`` of a frame or series: as JSON where that keeps them exactly, else as parts with a loaderdumper of their own."""

from __future__ import annotations

import os
import sys
from typing import Any, Final

from loaderdumpers._labels import NotExactError, pack_label, unpack_label

#: Larger arrays lie in a file of their own, where numpy opens them.
_INLINE_BYTES: Final = 1000
_OURS: Final = ("pandas_to_parquet", "pandas_to_arrow")


def check_attributes(attrs: dict[Any, Any]) -> None:
    """Raise unless every value is kept; writes nothing.

    Raises
    ------
    NotExactError
    """
    for name, value in attrs.items():
        _pack(name, value)


def pack_attributes(attrs: dict[Any, Any], savedir: str | None, own: str) -> tuple[list[Any], list[dict[str, Any]]]:
    """Return the JSON-ready entries, and the specs of the parts that were written.

    Parameters
    ----------
    attrs : dict
        The attributes.
    savedir : str or None
        Folder of the version; parts lie in ``attrs-0`` ... below it. None: parts have no place, and are refused.
    own : str
        The loaderdumper of the frame, which also keeps frames among the attributes.

    Raises
    ------
    NotExactError
    """
    from isfdb.parts import dump_part

    entries: list[Any] = []
    parts: list[dict[str, Any]] = []
    for name, value in attrs.items():
        label, content, dumper = _pack(name, value)
        if dumper is None:
            entries.append([label, content])
            continue
        if savedir is None:
            raise NotExactError(f"attrs[{name!r}] needs a file of its own, which a partition cannot have; remove it, or compute the frame")
        entries.append([label, None, len(parts)])
        parts.append(dump_part(value, os.path.join(savedir, f"attrs-{len(parts)}"), dumper=own if dumper in _OURS else dumper))
    return entries, parts


def _pack(name: Any, value: Any) -> tuple[Any, Any, str | None]:
    """Return the packed name and either JSON-ready content or the name of a loaderdumper."""
    from loaderdumpers._cells import CellEncoder

    label = pack_label(name)
    numpy = sys.modules.get("numpy")
    if not (numpy is not None and type(value) is numpy.ndarray and value.nbytes > _INLINE_BYTES):
        try:
            return label, CellEncoder(sort=True).encode(value), None
        except NotExactError:
            pass  # it may be kept in files of its own
    return label, None, _dumper_for(name, value)


def _dumper_for(name: Any, value: Any) -> str:
    from isfdb import plugins

    dumper, module = plugins.choose(value)
    if getattr(module, "runs_code", False) or (getattr(module, "has_parts", False) and dumper not in _OURS):
        raise NotExactError(
            f"attrs[{name!r}] is a {type(value).__qualname__} that no open format keeps exactly; remove it, or use to_cloudpickle"
        )
    return dumper


def unpack_attributes(entries: list[Any], parts: list[dict[str, Any]], savedir: str) -> dict[Any, Any]:
    """Turn what :func:`pack_attributes` returned back into the attributes."""
    from isfdb.parts import load_part
    from loaderdumpers._cells import decode_cell

    found: dict[Any, Any] = {}
    for label, content, *place in entries:
        folder = os.path.join(savedir, f"attrs-{place[0]}") if place else ""
        found[unpack_label(label)] = load_part(parts[place[0]], folder) if place else decode_cell(content)
    return found
