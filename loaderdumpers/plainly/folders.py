"""Plain readers of folders, stores and attachments, and of dask's bags and delayed values."""

from __future__ import annotations

from typing import Any

from loaderdumpers.plainly.values import header_dtype, json_value


def read_bag(spec: Any, folder: Any, load: Any) -> Any:
    """Return, as a list, what was a dask bag."""
    import json
    import os

    members: Any = []
    for place, one in enumerate(spec["partitions"]):
        name = os.path.join(folder, f"part-{place:0{spec['width']}d}")
        if "spec" in one:
            members += load(one["spec"], name)
        else:
            with open(f"{name}.jsonl", encoding="utf-8", newline="\n") as file:
                members += [json_value(json.loads(line)) for line in file]
    return members


def read_delayed(spec: Any, folder: Any, load: Any) -> Any:
    """Return the value that was delayed."""
    import os

    return load(spec["value"], os.path.join(folder, "value"))


def read_attachment(spec: Any, folder: Any, load: Any) -> Any:
    """Return the path of an attached file or folder."""
    import os

    return os.path.join(folder, "attached", spec["name"])


def read_folder(spec: Any, folder: Any, load: Any) -> Any:
    """Return the path of a folder that its author filled."""
    import os

    return os.path.join(folder, "files")


def read_database(spec: Any, folder: Any, load: Any) -> Any:
    """Return the path of a database inside this one; its README says how it is read."""
    import os

    return os.path.join(folder, "db")


def read_store(spec: Any, folder: Any, load: Any) -> Any:
    """Return the newest arrays of a store, by name. Its README says how the files belong together."""
    import os

    return store_arrays(os.path.join(folder, "store"))


def store_arrays(folder: Any) -> Any:
    """Return the newest array of each name in a store; rows that several processes added, in the order of their clocks."""
    import glob
    import json
    import math
    import os

    import numpy

    lines = []
    for index in sorted(glob.glob(os.path.join(glob.escape(folder), "writer-*", "index.jsonl"))):
        with open(index, "rb") as file:
            told = [json.loads(line) for line in file.read().split(b"\n")[:-1]]
        lines += [(one["clock"], os.path.dirname(index), place, one) for place, one in enumerate(told)]
    blocks: Any = {}
    for _, writer, _, one in sorted(lines, key=lambda line: line[:3]):
        dtype, path = header_dtype(one["dtype"]), os.path.join(writer, one["file"])
        count = math.prod(one["shape"]) if dtype.itemsize else 0
        flat = numpy.fromfile(path, dtype, count, offset=one["offset"]) if count else numpy.zeros(math.prod(one["shape"]), dtype)
        array = flat.reshape(one["shape"], order=one["order"])
        blocks[one["name"]] = [array] if one["op"] == "put" else [*blocks.get(one["name"], []), array]
    return {name: found[0] if len(found) == 1 else numpy.concatenate(found) for name, found in blocks.items()}
