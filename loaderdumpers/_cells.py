"""Turns cells of object columns, and values of ``attrs``, into JSON nodes and back, exactly. Knows nothing of columns.

The nodes are those of ``_skeleton``: plain values and containers of Python's own types. Besides, cells keep small numpy arrays and
pandas' periods and intervals, as ``{"$part": "array", ...}``. Your own classes, enums among them, are refused: reading a table must not
import modules.
"""

from __future__ import annotations

import base64
import sys
from typing import Any, Final

from loaderdumpers._labels import NotExactError
from loaderdumpers._python_scalars import Node
from loaderdumpers._skeleton import Encoder
from loaderdumpers._skeleton_reading import Decoder

MAX_ARRAY_BYTES: Final = 16 * 2**20
_ARRAY_KINDS: Final = "biufcmMSU"


class CellEncoder:
    """Makes the nodes of the cells of one column, or of one set of attributes.

    Parameters
    ----------
    sort : bool
        The JSON will be sorted when written; keep the order of names in another way.
    """

    def __init__(self, *, sort: bool = False) -> None:
        self._encoder = Encoder(self._leaf, sort=sort)

    def encode(self, value: Any) -> Node:
        """Return the node of a value.

        Raises
        ------
        NotExactError
            It, or something inside it, is of a type that is not kept.
        """
        try:
            node = self._encoder.encode(value)
        except NotExactError:
            raise
        except (TypeError, RuntimeError) as error:  # a dict or set changed size
            raise NotExactError(str(error).replace("containers_to_parts or ", "")) from error
        if self._encoder.classes:
            raise NotExactError(f"a value is of your own class {next(iter(self._encoder.classes))}; convert it, or use to_cloudpickle")
        return node

    def _leaf(self, value: Any, place: Any) -> Node:
        numpy, pandas = sys.modules.get("numpy"), sys.modules.get("pandas")
        kind = type(value)
        if numpy is not None and kind is numpy.ndarray:
            return _array(value)
        if pandas is None:
            return None
        if kind is pandas.Period:
            return _period(value)
        if kind is pandas.Interval:
            sides = [self._encoder.encode(side, (place, name)) for name, side in (("left", value.left), ("right", value.right))]
            return {"$part": "interval", "sides": sides, "closed": value.closed}
        return None


def _array(value: Any) -> Node:
    dtype = value.dtype
    if dtype.kind not in _ARRAY_KINDS or dtype.metadata or value.nbytes > MAX_ARRAY_BYTES:
        raise NotExactError(
            f"a cell holds an array of {dtype} and {value.nbytes:,} bytes; cells keep arrays of numbers, dates and texts up to 16 MiB. "
            "Store large arrays under keys of their own, or use to_cloudpickle"
        )
    order = "F" if value.ndim > 1 and value.flags.f_contiguous and not value.flags.c_contiguous else "C"
    content = base64.b64encode(value.tobytes(order)).decode("ascii")
    return {"$part": "array", "dtype": dtype.str, "shape": list(value.shape), "order": order, "base64": content}


def _period(value: Any) -> Node:
    import pandas

    try:
        is_same = pandas.Period(ordinal=value.ordinal, freq=value.freqstr) == value
    except ValueError:
        is_same = False
    if not is_same:
        raise NotExactError(f"the frequency {value.freq!r} has no name that gives it back; use asfreq, or to_cloudpickle")
    return {"$part": "period", "ordinal": int(value.ordinal), "freq": str(value.freqstr)}


def decode_cell(node: Node) -> Any:
    """Turn what :class:`CellEncoder` returned back into the value.

    Raises
    ------
    ValueError
        isfdb writes no such node.
    """
    return _decoder.decode(node)


def _part(node: Node) -> Any:
    import pandas

    what = node["$part"]
    if what == "array":
        return _unpack_array(node)
    if what == "period":
        return pandas.Period(ordinal=node["ordinal"], freq=node["freq"])
    if what == "interval":
        left, right = map(decode_cell, node["sides"])
        return pandas.Interval(left, right, node["closed"])
    raise ValueError(f"a cell holds the unknown {what!r:.60}; a newer isfdb may have written it")


def _unpack_array(node: Node) -> Any:
    import numpy

    kind = numpy.dtype(node["dtype"])
    if kind.kind not in _ARRAY_KINDS:
        raise ValueError(f"a cell names the array dtype {node['dtype']!r:.60}, which isfdb does not write")
    if not kind.itemsize:
        return numpy.zeros(node["shape"], kind)
    return numpy.frombuffer(bytearray(base64.b64decode(node["base64"])), kind).reshape(node["shape"], order=node["order"])


_decoder: Final = Decoder(_part)
