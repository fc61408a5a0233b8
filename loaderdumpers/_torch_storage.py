"""Turns torch tensors into flat pieces of memory and back, so that what shared memory shares it again. Writes and reads no files.

Each tensor gets an entry, a small JSON object: the name of the piece it lies in, and how it lies there where that is not the whole.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

#: dtypes that safetensors has; complex ones that it lacks are kept as pairs of real numbers.
_KEPT: Final = frozenset(
    "float64 float32 float16 bfloat16 int64 int32 int16 int8 uint8 uint16 uint32 uint64 bool complex64 float8_e4m3fn float8_e5m2 "
    "float8_e4m3fnuz float8_e5m2fnuz float8_e8m0fnu float4_e2m1fn_x2".split()
)
_PAIRS: Final = {"complex128": "float64", "complex32": "float16"}
_COMPRESSED: Final = {
    "sparse_csr": ("crow_indices", "col_indices"),
    "sparse_csc": ("ccol_indices", "row_indices"),
    "sparse_bsr": ("crow_indices", "col_indices"),
    "sparse_bsc": ("ccol_indices", "row_indices"),
}
_CHANGED: Final = "one of the files was changed"
Entry = dict[str, Any]


def word(torch_name: Any) -> str:
    """Return the last word of a torch dtype or layout: ``float32``, ``sparse_coo``."""
    return str(torch_name).rpartition(".")[2]


@dataclass
class Plan:
    """What is to be written, and where each tensor will lie in it."""

    _strided: list[tuple[Entry, Any, str]] = field(default_factory=list)
    _entries: dict[int, Entry] = field(default_factory=dict)
    _alive: list[Any] = field(default_factory=list)  # ids are only unique among objects that live

    def add(self, tensor: Any, name: str) -> Entry:
        """Return the entry of a tensor; one that was added before has the same entry, which then has a number.

        Raises
        ------
        TypeError
            It cannot be kept exactly.
        """
        known = self._entries.get(id(tensor))
        if known is not None:
            known.setdefault("number", list(self._entries).index(id(tensor)))
            return known
        _refuse(tensor, name)
        self._alive.append(tensor)
        entry = self._entries[id(tensor)] = self._add_values(tensor.detach(), name)
        if type(tensor).__name__ == "Parameter":
            entry["parameter"] = True
        if tensor.requires_grad:
            entry["requires_grad"] = True
        if tensor.device.type != "cpu":
            entry["device"] = str(tensor.device)
        if tensor.grad is not None:
            entry["grad"] = self.add(tensor.grad, f"{name}.grad")
        return entry

    def _add_values(self, tensor: Any, name: str) -> Entry:
        layout = word(tensor.layout)
        if layout == "strided":
            entry: Entry = {"dtype": word(tensor.dtype), "shape": list(tensor.shape)}
            self._strided.append((entry, tensor.resolve_conj().resolve_neg(), name))
            return entry
        entry = {"layout": layout, "shape": list(tensor.shape)}
        if layout == "sparse_coo":
            entry["coalesced"] = bool(tensor.is_coalesced())
            members = {"indices": tensor._indices(), "values": tensor._values()}
        else:
            compressed, plain = _COMPRESSED[layout]
            members = {"compressed": getattr(tensor, compressed)(), "plain": getattr(tensor, plain)(), "values": tensor.values()}
        return {**entry, "parts": {member: self._add_values(part, f"{name}.{member}") for member, part in members.items()}}

    def pieces(self) -> dict[str, Any]:
        """Return the tensors to be written, by name, and complete the entries: each says the name of its piece."""
        found: dict[str, Any] = {}
        for group in _overlapping(self._strided):
            name = _free(group[0][2], found)
            found[name] = _as_written(_piece_of(group, name), name)
        return found


def _refuse(tensor: Any, name: str) -> None:
    layout, dtype = word(tensor.layout), word(tensor.dtype)
    if tensor.grad_fn is not None:
        what = "is the result of a computation that autograd remembers; store tensor.detach()"
    elif tensor.is_quantized or tensor.is_nested or tensor.device.type == "meta":
        what = "is quantized, nested or without values; store plain tensors made from it"
    elif layout not in ("strided", "sparse_coo", *_COMPRESSED):
        what = f"has the layout {layout}; store tensor.to_dense()"
    elif dtype not in _KEPT and dtype not in _PAIRS:
        what = f"has the dtype {dtype}, which safetensors lacks; convert it with tensor.to(dtype)"
    elif vars(tensor) or tensor._backward_hooks:
        what = f"has hooks or attributes of its own ({', '.join(sorted(vars(tensor))[:5])}); store tensor.detach()"
    else:
        return
    raise TypeError(f"the tensor {name!r} {what}")


def _extent(tensor: Any) -> tuple[int, int]:
    """Return where in its storage a tensor begins and ends, in elements."""
    begin = int(tensor.storage_offset())
    if tensor.numel() == 0:
        return begin, begin
    return begin, begin + 1 + sum((size - 1) * step for size, step in zip(tensor.shape, tensor.stride(), strict=True))


def _overlapping(members: list[tuple[Entry, Any, str]]) -> list[list[tuple[Entry, Any, str]]]:
    """Group tensors that lie in the same memory; those beside each other in one storage share nothing."""
    by_storage: dict[Any, list[tuple[Entry, Any, str]]] = {}
    for place, member in enumerate(members):
        tensor = member[1]
        address = tensor.untyped_storage().data_ptr() if tensor.numel() else 0
        by_storage.setdefault((str(tensor.device), address) if address else ("alone", place), []).append(member)
    groups: list[list[tuple[Entry, Any, str]]] = []
    for stored in by_storage.values():
        end = -1
        # sorted() keeps the order of the value among those that begin together, so the same value gives the same names
        for member in sorted(stored, key=lambda one: _bytes_before(one[1])):
            if _bytes_before(member[1]) >= end:
                groups.append([])
                end = -1
            groups[-1].append(member)
            end = max(end, _extent(member[1])[1] * member[1].element_size())
    return groups


def _bytes_before(tensor: Any) -> int:
    return int(tensor.storage_offset()) * int(tensor.element_size())


def _piece_of(group: list[tuple[Entry, Any, str]], name: str) -> Any:
    """Return the memory that a group of tensors lies in, and note in their entries how each lies there."""
    first = group[0][1]
    for entry, tensor, other in group:
        if tensor.dtype != first.dtype:
            what = f"{word(first.dtype)} and {word(tensor.dtype)}"
            raise TypeError(f"the tensors {group[0][2]!r} and {other!r} share memory as {what}; store a clone() of one of them")
        entry["in"] = name
    if all(_lies_as(tensor, first) for _, tensor, _ in group) and (first.is_contiguous() or (len(group) == 1 and _has_gaps(first))):
        return first.contiguous()
    begin = min(_extent(tensor)[0] for _, tensor, _ in group)
    end = max(_extent(tensor)[1] for _, tensor, _ in group)
    for entry, tensor, _ in group:
        entry["view"] = [list(tensor.stride()), int(tensor.storage_offset()) - begin]
    return first.as_strided((end - begin,), (1,), begin)


def _lies_as(tensor: Any, other: Any) -> bool:
    return bool(tensor.storage_offset() == other.storage_offset() and tensor.shape == other.shape and tensor.stride() == other.stride())


def _has_gaps(tensor: Any) -> bool:
    begin, end = _extent(tensor)
    return end - begin > int(tensor.numel())


def _as_written(piece: Any, name: str) -> Any:
    import torch

    piece = piece.cpu()
    if word(piece.dtype) in _PAIRS:
        piece = torch.view_as_real(piece)
    # Of a part of a larger storage safetensors would think that it is shared.
    return piece if piece.untyped_storage().nbytes() == piece.nbytes else piece.clone(memory_format=torch.contiguous_format)


def _free(name: str, taken: dict[str, Any]) -> str:
    while name in taken or name == "__metadata__":
        name += "_"
    return name


class Pieces:
    """Makes tensors again from their entries.

    Parameters
    ----------
    read : callable
        Gives a piece by its name.
    device : str
        Where the tensors are to lie.
    """

    def __init__(self, read: Callable[[str], Any], device: str) -> None:
        self._read, self._device = read, device
        self._pieces: dict[str, Any] = {}
        self._tensors: dict[int, Any] = {}

    def tensor(self, entry: Entry) -> Any:
        """Return the tensor of an entry.

        Raises
        ------
        ValueError
            The piece is not what the entry says.
        """
        import torch

        number = entry.get("number")
        if number in self._tensors:
            return self._tensors[number]
        found = self._values(entry)
        if entry.get("parameter"):
            found = torch.nn.Parameter(found, requires_grad=bool(entry.get("requires_grad")))
        elif entry.get("requires_grad"):
            found.requires_grad_()
        if number is not None:
            self._tensors[number] = found
        if "grad" in entry:
            found.grad = self.tensor(entry["grad"])
        return found

    def _values(self, entry: Entry) -> Any:
        if "layout" in entry:
            return self._sparse(entry)
        name, shape = entry["in"], tuple(entry["shape"])
        piece = self._piece(name, entry["dtype"])
        if "view" in entry:
            stride, offset = entry["view"]
            if _end(shape, stride, offset) > piece.numel() or offset < 0 or min(stride, default=0) < 0:
                raise ValueError(f"the tensor {name!r} is too short for what is said of it; {_CHANGED}")
            return piece.as_strided(shape, stride, offset)
        if tuple(piece.shape) != shape:
            raise ValueError(
                f"the tensor {name!r} has the shape {tuple(piece.shape)}, and {shape} was stored; one of the files was changed"
            )
        return piece.detach()

    def _piece(self, name: str, dtype: str) -> Any:
        import torch

        piece = self._pieces.get(name)
        if piece is None:
            piece = self._read(name)
            if dtype in _PAIRS and word(piece.dtype) == _PAIRS[dtype]:
                # Compiled code takes it that numbers of 16 bytes lie at multiples of 16; in the mapped file they need not.
                piece = torch.view_as_complex(piece.clone(memory_format=torch.contiguous_format))
            if word(piece.dtype) != dtype:
                raise ValueError(
                    f"the tensor {name!r} has the dtype {word(piece.dtype)}, and {dtype} was stored; one of the files was changed"
                )
            self._pieces[name] = piece = piece.to(self._device)
        return piece

    def _sparse(self, entry: Entry) -> Any:
        import torch

        parts, shape = {name: self._values(part) for name, part in entry["parts"].items()}, tuple(entry["shape"])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # torch tells that sparse compressed tensors are in beta; so was the value
            if entry["layout"] == "sparse_coo":
                return torch.sparse_coo_tensor(
                    parts["indices"], parts["values"], shape, is_coalesced=entry["coalesced"], check_invariants=True
                )
            if entry["layout"] not in _COMPRESSED:
                raise ValueError(f"the layout {entry['layout']!r} is not known; a newer isfdb may have written it")
            layout = getattr(torch, entry["layout"])
            return torch.sparse_compressed_tensor(
                parts["compressed"], parts["plain"], parts["values"], shape, layout=layout, check_invariants=True
            )


def _end(shape: tuple[int, ...], stride: list[int], offset: int) -> int:
    if 0 in shape:
        return offset
    return int(offset + 1 + sum((size - 1) * step for size, step in zip(shape, stride, strict=True)))
