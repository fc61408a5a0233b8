"""Plain readers of values that are JSON: alone, and inside other formats."""

from __future__ import annotations

from typing import Any


def read_json(spec: Any, folder: Any, load: Any) -> Any:
    """Return a plain value."""
    return json_value(inline_or_file(spec, folder, "value", "data.json"))


def read_python(spec: Any, folder: Any, load: Any) -> Any:
    """Return a value of Python's own types."""
    return node_value(inline_or_file(spec, folder, "value", "data.json"), None)


def inline_or_file(spec: Any, folder: Any, member: Any, name: Any) -> Any:
    """Return JSON that lies in the spec, or in a file where it is long."""
    return spec[member] if member in spec else json_file(folder, name)


def json_file(folder: Any, name: Any) -> Any:
    """Return what a JSON file holds."""
    import json
    import os

    with open(os.path.join(folder, name), encoding="utf-8") as file:
        return json.load(file)


def json_value(node: Any) -> Any:
    """Return the value of JSON in which an object with one member whose name begins with $ stands for what JSON lacks."""
    import base64
    import datetime
    import decimal
    import fractions
    import uuid

    if isinstance(node, list):
        return [json_value(one) for one in node]
    if not isinstance(node, dict):
        return node
    tag = next(iter(node), "")
    if len(node) != 1 or not tag.startswith("$"):
        return {name: json_value(one) for name, one in node.items()}
    content = node[tag]
    if tag in ("$numpy", "$scalar", "$array"):
        return json_array(tag, content)
    makers: Any = {
        "$float": float,
        "$dict": lambda pairs: {json_value(name): json_value(one) for name, one in pairs},
        "$tuple": lambda members: tuple(map(json_value, members)),
        "$set": lambda members: set(map(json_value, members)),
        "$frozenset": lambda members: frozenset(map(json_value, members)),
        "$bytes": base64.b64decode,
        "$complex": lambda parts: complex(*map(json_value, parts)),
        "$decimal": decimal.Decimal,
        "$fraction": lambda parts: fractions.Fraction(*parts),
        "$uuid": uuid.UUID,
        "$datetime": datetime.datetime.fromisoformat,
        "$date": datetime.date.fromisoformat,
        "$time": datetime.time.fromisoformat,
        "$timedelta": lambda parts: datetime.timedelta(*parts),
    }
    return makers[tag](content)


def json_array(tag: Any, content: Any) -> Any:
    """Return a numpy array or scalar that JSON holds."""
    import base64

    import numpy

    if tag == "$numpy":
        kind = numpy.dtype(content[0])
        return kind.type(content[1] == "True") if kind.kind == "b" else kind.type(content[1])
    if tag == "$scalar":
        kind = numpy.dtype(content[0])
        return numpy.frombuffer(bytes.fromhex(content[1]), kind)[0] if kind.itemsize else kind.type()
    array = numpy.ndarray(content["shape"], numpy.dtype(content["dtype"]), order=content.get("order", "C"))
    if array.nbytes:
        flat = numpy.frombuffer(base64.b64decode(content["bdata"]), array.dtype)
        array[...] = flat.reshape(content["shape"], order=content.get("order", "C"))
    return array


def node_value(node: Any, part: Any) -> Any:
    """Return the value of JSON in which an object whose first name begins with $ says what it is.

    Where it says $part, ``part(node)`` gives the value. Of instances of the author's own classes the fields are given.
    """
    import collections
    import types

    if isinstance(node, list):
        return [node_value(one, part) for one in node]
    if not isinstance(node, dict):
        return node
    tag = next(iter(node), "")
    if not tag.startswith("$"):
        return {name: node_value(one, part) for name, one in node.items()}
    if tag == "$part":
        return part(node)
    content = node[tag]
    if tag == "$enum":
        return node_value(node["value"], part)
    if tag in ("$namedtuple", "$dataclass", "$attrs"):
        fields = node_pairs(node["fields"], part)
        return tuple(fields.values()) if tag == "$namedtuple" else fields
    members: Any = {"$tuple": tuple, "$set": set, "$frozenset": frozenset}
    if tag in members:
        return members[tag]([node_value(one, part) if tag == "$tuple" else node_key(one, part) for one in content])
    if tag == "$deque":
        return collections.deque([node_value(one, part) for one in content], node.get("maxlen"))
    if tag == "$slice":
        return slice(*[node_value(one, part) for one in content])
    makers: Any = {
        "$dict": dict,
        "$OrderedDict": collections.OrderedDict,
        "$Counter": collections.Counter,
        "$mappingproxy": types.MappingProxyType,
        "$namespace": lambda pairs: types.SimpleNamespace(**pairs),
        "$defaultdict": lambda pairs: collections.defaultdict(node_type(node["factory"]) if node["factory"] else None, pairs),
    }
    if tag in makers:
        return makers[tag](node_pairs(content, part))
    return node_scalar(tag, content, node)


def node_pairs(content: Any, part: Any) -> Any:
    """Return a dict from an object, or from pairs of key and member."""
    pairs = content.items() if isinstance(content, dict) else content
    return {(name if isinstance(content, dict) else node_key(name, part)): node_value(one, part) for name, one in pairs}


def node_key(node: Any, part: Any) -> Any:
    """Return a value that can be a key: of instances of the author's own classes a tuple of their fields."""

    def hashable(value: Any) -> Any:
        if isinstance(value, dict):
            return tuple(hashable(one) for one in value.values())
        return tuple(hashable(one) for one in value) if type(value) is tuple else value

    return hashable(node_value(node, part))


def node_type(name: Any) -> Any:
    """Return one of Python's or numpy's types by its name."""
    import builtins

    if name == "NoneType":
        return type(None)
    if not name.startswith("numpy."):
        return getattr(builtins, name)
    import numpy

    return getattr(numpy, name.removeprefix("numpy."))


def node_scalar(tag: Any, content: Any, node: Any) -> Any:
    """Return a single value that JSON lacks."""
    import decimal
    import fractions
    import ipaddress
    import os
    import pathlib
    import struct
    import uuid

    if tag.startswith(("$numpy", "$pandas")):
        return library_scalar(tag, content, node)
    if tag in ("$datetime", "$time", "$date", "$timedelta", "$timezone", "$zoneinfo"):
        return time_value(tag, content, node)
    if tag == "$float":
        return struct.unpack(">d", bytes.fromhex(node["bits"]))[0] if "bits" in node else float(content)
    if tag == "$path":
        foreign = "PosixPath" if os.name == "nt" else "WindowsPath"  # cannot be made on this system
        return getattr(pathlib, f"Pure{foreign}" if node["type"] == foreign else node["type"])(node_value(content, None))
    makers: Any = {
        "$bytes": bytes.fromhex,
        "$bytearray": bytearray.fromhex,
        "$complex": lambda parts: complex(*[node_value(one, None) for one in parts]),
        "$constant": lambda name: {"Ellipsis": ..., "NotImplemented": NotImplemented}[name],
        "$decimal": decimal.Decimal,
        "$fraction": lambda parts: fractions.Fraction(*[node_value(one, None) for one in parts]),
        "$int": lambda text: int(text, 16),
        "$ip": lambda text: getattr(ipaddress, node["type"])(text),
        "$range": lambda parts: range(*[node_value(one, None) for one in parts]),
        "$text": lambda text: text.encode("ascii").decode("unicode_escape"),
        "$type": node_type,
        "$uuid": lambda text: uuid.UUID(text, is_safe=uuid.SafeUUID(node.get("safe"))),
    }
    return makers[tag](content)


def time_value(tag: Any, content: Any, node: Any) -> Any:
    """Return a date, a time, a duration or a time zone."""
    import datetime
    import zoneinfo

    if tag == "$timedelta":
        return datetime.timedelta(*content)
    if tag == "$zoneinfo":
        return zoneinfo.ZoneInfo(content)
    if tag == "$timezone":
        names = [node_value(node["zone_name"], None)] if "zone_name" in node else []
        return datetime.timezone(datetime.timedelta(*content), *names)
    value = getattr(datetime, tag[1:]).fromisoformat(content)
    if "zone" in node:
        value = value.replace(tzinfo=zoneinfo.ZoneInfo(node["zone"]))
    if "zone_name" in node:
        value = value.replace(tzinfo=datetime.timezone(value.utcoffset(), node_value(node["zone_name"], None)))
    return value.replace(fold=1) if node.get("fold") else value


def library_scalar(tag: Any, content: Any, node: Any) -> Any:
    """Return a scalar or dtype of numpy, or a scalar of pandas."""
    if tag == "$numpy":
        return scalar_of({"dtype": node["dtype"], "bytes": node["bytes"]})
    if tag == "$numpy.dtype":
        return dtype_of(content)
    if tag.startswith("$numpy."):
        import numpy

        return getattr(numpy, {"bool": "bool_"}.get(tag[7:], tag[7:]))(content)
    import pandas

    if tag == "$pandas.Period":
        return pandas.Period(ordinal=node["ordinal"], freq=node["freq"])
    if tag == "$pandas.Interval":
        return pandas.Interval(label_value(content[0]), label_value(content[1]), closed=node["closed"])
    return label_value(content)


def scalar_of(facts: Any) -> Any:
    """Return a numpy scalar from its dtype and its bytes in hexadecimal digits."""
    import numpy

    dtype = dtype_of(facts["exact"]) if facts.get("exact") is not None else header_dtype(facts["dtype"])
    raw = bytes.fromhex(facts["bytes"])
    if not raw:
        return dtype.type() if dtype.names is None else numpy.zeros((), dtype)[()]
    return numpy.frombuffer(bytearray(raw), f"V{len(raw)}").view(dtype)[0]


def header_dtype(text: Any) -> Any:
    """Return the dtype that the header of an npy file names."""
    import ast

    import numpy

    return numpy.lib.format.descr_to_dtype(ast.literal_eval(text)) if text.startswith("[") else numpy.dtype(text)


def dtype_of(described: Any) -> Any:
    """Return a dtype of numpy from its description: its short text, or an object that says more."""
    import json

    import numpy

    if isinstance(described, str):
        return numpy.dtype(described)
    if "metadata" in described:
        return numpy.dtype(dtype_of(described["dtype"]), metadata=json_value(json.loads(described["metadata"])))
    if "base" in described:
        return numpy.dtype((dtype_of(described["base"]), tuple(described["shape"])))
    if "char" in described:
        wanted, named = numpy.dtype(described["str"]), numpy.dtype(described["char"])
        return named.newbyteorder(wanted.byteorder) if named.itemsize == wanted.itemsize else wanted
    if "ml_dtypes" in described:
        import ml_dtypes

        return numpy.dtype(getattr(ml_dtypes, described["ml_dtypes"]))
    form = {name: described[name] for name in ("names", "offsets", "itemsize", "titles") if name in described}
    form["formats"] = [dtype_of(one) for one in described["formats"]]
    made = numpy.dtype(form, align=bool(described.get("aligned")))
    return numpy.dtype((numpy.record, made)) if described.get("record") else made


def label_value(parts: Any) -> Any:
    """Return a label of a table: text, a number and None stand as they are, all else says what it is."""
    if not isinstance(parts, dict):
        return parts
    ((what, content),) = parts.items()
    if what in ("float", "date"):
        return json_value(content)
    if what == "tuple":
        return tuple(label_value(one) for one in content)
    if what == "numpy":
        return scalar_of(content)
    import numpy
    import pandas

    if what == "missing":
        return getattr(pandas, content)
    if what == "timedelta":
        return pandas.Timedelta(numpy.timedelta64(*content))
    stamp = pandas.Timestamp(numpy.datetime64(content[0], content[1]))
    return stamp if content[2] is None else stamp.tz_localize("UTC").tz_convert(label_zone(content[2]))


def label_zone(parts: Any) -> Any:
    """Return the time zone of a label or column."""
    import datetime
    import zoneinfo

    ((what, content),) = parts.items()
    if what == "offset":
        return datetime.timezone(datetime.timedelta(*content))
    if what == "pytz":
        import pytz

        return pytz.timezone(content)
    return zoneinfo.ZoneInfo(content)


def read_bytes(spec: Any, folder: Any, load: Any) -> Any:
    """Return bytes, or a bytearray."""
    import os

    with open(os.path.join(folder, "data.bin"), "rb") as file:
        return bytearray(file.read()) if spec.get("type") == "bytearray" else file.read()


def read_scalar(spec: Any, folder: Any, load: Any) -> Any:
    """Return a scalar of numpy, which lies in the spec."""
    return scalar_of(spec)


def read_parts(spec: Any, folder: Any, load: Any) -> Any:
    """Return a container; each part lies in a folder of its own."""
    import os

    loaded: Any = {}

    def part(node: Any) -> Any:
        name = node["$part"]
        if name not in loaded:
            loaded[name] = load(spec["parts"][name], os.path.join(folder, name))
        value = loaded[name] if node.get("item") is None else loaded[name][node["item"]]
        made = {"bytes": lambda: value.tobytes(), "bytearray": lambda: bytearray(value.tobytes())}
        return made[node["as"]]() if "as" in node else value

    return node_value(json_file(folder, "data.json"), part)


def read_pickle(spec: Any, folder: Any, load: Any) -> Any:
    """Return what was pickled. This runs code that whoever wrote the file chose."""
    import os
    import pickle

    with open(os.path.join(folder, spec.get("file", "data.pickle")), "rb") as file:
        return pickle.load(file)
