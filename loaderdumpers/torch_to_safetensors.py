"""Keeps torch tensors, and nests of them (state dicts, optimizer states, checkpoints), in ``data.safetensors``. No modules: they are code.

Tensors that shared memory (tied weights, views) share it again. Whatever the device, the values are kept for the CPU.
"""

from __future__ import annotations

import json
import os
import sys
from collections import OrderedDict
from typing import Any, Final

from isfdb.exact_json import loads
from loaderdumpers import _typed_json

priority: Final = 28
extra: Final = "torch"
requires: Final = {"torch": "2.1", "safetensors": "0.4"}
load_plainly: Final = "loaderdumpers.plainly.arrays:read_torch"
about: Final = {
    "types": ("torch.Tensor", "torch.nn.Parameter"),
    "keeps": "tensors, and dicts, lists and tuples of tensors and plain values: state dicts, checkpoints",
    "format": "safetensors",
    "files": "`data.safetensors`, sometimes `structure.json`",
    "exact": True,
    "lazy": "some entries",
    "append": False,
}

_FILE: Final = "data.safetensors"
_STRUCTURE: Final = "structure.json"
_MAX_INLINE_CHARACTERS: Final = 1000
_MAX_DEPTH: Final = 50
_SIMPLE: Final = frozenset({int, float, str, bool, type(None)})


def check(obj: Any) -> bool:
    """Say whether `obj` is a tensor or Parameter, or a nest of dicts, lists and tuples of them and plain values."""
    torch = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "nn"):
        return False
    return _n_tensors(obj, (torch.Tensor, torch.nn.Parameter), 0) > 0


def _n_tensors(obj: Any, tensors: tuple[type, ...], depth: int) -> int:
    """Count the tensors in a nest; a nest that holds anything else that is not kept has less than none."""
    kind = type(obj)
    if kind in tensors:
        return 1
    if kind not in (dict, OrderedDict, list, tuple):
        return 0 if kind in _SIMPLE or _is_plain(obj, kind) else -1
    if depth > _MAX_DEPTH or (kind is OrderedDict and set(vars(obj)) - {"_metadata"}):
        return -1
    if kind in (dict, OrderedDict) and not all(type(name) in _SIMPLE or _typed_json.can_encode(name) for name in obj):
        return -1
    count = 0
    for member in obj.values() if kind in (dict, OrderedDict) else obj:
        found = _n_tensors(member, tensors, depth + 1)
        if found < 0:
            return -1
        count += found
    return count


def _is_plain(obj: Any, kind: type) -> bool:
    numpy = sys.modules.get("numpy")  # an array may be large, and has better places than a JSON file
    return not (numpy is not None and kind is numpy.ndarray) and _typed_json.can_encode(obj)


def describe(obj: Any) -> dict[str, Any]:
    """Return shape and dtype of a tensor; of a nest, the number of tensors, values and bytes, and the first names."""
    kind = type(obj)
    if kind not in (dict, OrderedDict, list, tuple):
        facts: dict[str, Any] = {"type": kind.__name__, "shape": list(obj.shape), "dtype": str(obj.dtype).rpartition(".")[2]}
        return {**facts, "device": str(obj.device)} if obj.device.type != "cpu" else facts
    found = list(_tensors_in(obj))
    facts = {"type": kind.__name__, "tensors": len(found), "values": sum(int(one.numel()) for one in found)}
    names = [str(name)[:80] for name in list(obj)[:20]] if kind in (dict, OrderedDict) else []
    return {**facts, "nbytes": sum(int(one.numel()) * int(one.element_size()) for one in found), **({"names": names} if names else {})}


def _tensors_in(obj: Any) -> Any:
    if type(obj) in (dict, OrderedDict, list, tuple):
        for member in obj.values() if isinstance(obj, dict) else obj:
            yield from _tensors_in(member)
    elif hasattr(obj, "numel"):
        yield obj


def dump(obj: Any, savedir: str) -> dict[str, Any]:
    """Write the tensors as safetensors, and how they are nested as JSON.

    Parameters
    ----------
    obj : torch.Tensor, or dict, list or tuple
        Tensors and plain values, nested as you like.
    savedir : str
        Empty folder.

    Raises
    ------
    TypeError
        A tensor cannot be kept exactly.
    """
    if not check(obj):
        advice = (
            "store model.state_dict() and the code that makes the model" if hasattr(obj, "state_dict") else "convert with torch.as_tensor"
        )
        raise TypeError(f"torch_to_safetensors keeps tensors and nests of them, not {type(obj).__qualname__}; {advice}")
    from safetensors.torch import save_file

    from loaderdumpers._torch_storage import Plan

    plan = Plan()
    structure = _encode(obj, (), plan)
    pieces = plan.pieces()
    try:
        save_file(pieces, os.path.join(savedir, _FILE), metadata={"format": "pt"})
    except KeyError as error:  # a dtype that this safetensors does not know yet
        raise TypeError(f"this safetensors has no dtype {error}; update it, or convert the tensor with tensor.to(dtype)") from error
    text = json.dumps(structure, ensure_ascii=False, allow_nan=False)
    if len(text) <= _MAX_INLINE_CHARACTERS:
        return {"structure": structure}
    with open(os.path.join(savedir, _STRUCTURE), "w", encoding="utf-8", newline="") as file:
        file.write(text + "\n")
    return {}


def _encode(obj: Any, path: tuple[str, ...], plan: Any) -> Any:
    kind = type(obj)
    if kind is dict or kind is OrderedDict:
        items = [[_typed_json.encode(name, in_order=True), _encode(member, (*path, str(name)), plan)] for name, member in obj.items()]
        if kind is dict:
            return {"dict": items}
        notes = getattr(obj, "_metadata", None)
        return {"ordered": items} if notes is None else {"ordered": items, "metadata": _encode(notes, path, plan)}
    if kind is list or kind is tuple:
        return {kind.__name__: [_encode(member, (*path, str(place)), plan) for place, member in enumerate(obj)]}
    if hasattr(obj, "untyped_storage"):
        return {"tensor": plan.add(obj, ".".join(path) or "tensor")}
    return {"value": _typed_json.encode(obj, in_order=True)}


class Loader:
    """Reads tensors.

    Parameters
    ----------
    structure : dict, optional
        How they are nested; without it, it lies in ``structure.json``.
    """

    def __init__(self, *, structure: dict[str, Any] | None = None) -> None:
        self._structure = structure

    def get(self, savedir: str, *, device: str = "cpu", select: Any = None) -> Any:
        """Return the tensors, nested as they were.

        Parameters
        ----------
        savedir : str
            Folder of the version.
        device : str
            Where they are to lie: ``"cpu"``, ``"cuda:0"`` ... Those that were stored from another device come to the CPU too.
        select : index, name, list of names or tuple, optional
            Read only this: of a tensor ``numpy.s_[10:20]``, of a dict an entry by its name, or some as a smaller dict. A tuple leads
            further in: ``("model", "layer.weight", slice(0, 10))``.

        Raises
        ------
        ValueError
            A file is damaged, or the files do not belong together.
        """
        from safetensors import SafetensorError, safe_open

        from loaderdumpers._torch_storage import Pieces

        structure = self._read_structure(savedir)
        try:
            with safe_open(os.path.join(savedir, _FILE), framework="pt") as file:
                pieces = Pieces(file.get_tensor, device)
                return _decode(structure, pieces) if select is None else _selected(structure, select, pieces)
        except SafetensorError as error:
            raise ValueError(f"{_FILE} is damaged, or is not the file that was stored ({error}); restore it from a copy") from error

    def _read_structure(self, savedir: str) -> Any:
        if self._structure is not None:
            return self._structure
        with open(os.path.join(savedir, _STRUCTURE), "rb") as file:
            text = file.read()
        try:
            return loads(text)
        except ValueError as error:
            raise ValueError(f"{_STRUCTURE} is no whole JSON ({error}); restore the file from a copy") from error


def _selected(structure: Any, select: Any, pieces: Any) -> Any:
    steps = select if isinstance(select, tuple) else (select,)
    for place, step in enumerate(steps):
        if "tensor" in structure:
            return pieces.tensor(structure["tensor"])[steps[place:]]
        structure = _inside(structure, step)
    return _decode(structure, pieces)


def _inside(structure: Any, step: Any) -> Any:
    """Return the structure of what a step leads to."""
    (kind,) = set(structure) & {"dict", "ordered", "list", "tuple", "value"}
    if kind in ("list", "tuple") and isinstance(step, (int, slice)):
        found = structure[kind][step]
        return {kind: found} if isinstance(step, slice) else found
    if kind not in ("dict", "ordered") or isinstance(step, slice):
        raise ValueError(f"nothing can be selected by {step!r} in a {kind}; name an entry, or leave select out")
    items = [(_typed_json.decode(name), item) for name, item in structure[kind]]
    if isinstance(step, list):
        chosen = [[_typed_json.encode(name, in_order=True), item] for name, item in items if name in step]
        missing = [name for name in step if name not in dict(items)]
    else:
        chosen = [item for name, item in items if name == step]
        missing = [] if chosen else [step]
    if missing:
        raise ValueError(f"there is no entry {missing[:5]}; see the names in db.entry(key).describe")
    return {kind: chosen} if isinstance(step, list) else chosen[0]


def _decode(structure: Any, pieces: Any) -> Any:
    if "tensor" in structure:
        return pieces.tensor(structure["tensor"])
    if "value" in structure:
        return _typed_json.decode(structure["value"])
    if "list" in structure:
        return [_decode(member, pieces) for member in structure["list"]]
    if "tuple" in structure:
        return tuple([_decode(member, pieces) for member in structure["tuple"]])
    if "dict" in structure:
        return {_typed_json.decode(name): _decode(member, pieces) for name, member in structure["dict"]}
    if "ordered" not in structure:
        raise ValueError(f"the structure has an unknown member {sorted(structure)[:3]}; a newer isfdb may have written it")
    found: Any = OrderedDict((_typed_json.decode(name), _decode(member, pieces)) for name, member in structure["ordered"])
    if "metadata" in structure:
        found._metadata = _decode(structure["metadata"], pieces)
    return found
