"""Forge a database as a stranger would who wants it to be believed: change anything, then make digests and seals fit again."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from isfdb.exact_json import dumps
from isfdb.hashing import digest_of_file
from isfdb.manifest import digest_of_files, sealed

#: What stands where something else should: wrong kinds, extremes, names that lead elsewhere, JSON that exact JSON gives a meaning.
RUBBISH: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 7, 255, 2**31, 2**32, 2**62, 2**63, -(2**63), 2**64, 10**12, 10**400, 0.5, -1.5, 1e308, 5e-324,
    "", "a", "\0", "\n", "../..", "/etc/passwd", "..", ".", "é" * 300, "\u202e", "<b>", "%00", "$dict", "1", "-1", "1e999", "nan", "O",
    "<f8", "V1", "|V9999999999", "M8[ns]", "builtins.eval", "os.system", "to_pickle", "loaderdumpers.to_cloudpickle", "9" * 5000,
    "x" * 10_000,
    [], {}, [[]], [{}], [None], ["x"], [0], [-1], [2**40], [10**12, 10**12], [1, 2, 3], ["a", "a"], {"a": 1}, {"": {}}, {"$dict": 5},
    {"$numpy": ["V10000000000", "1"]}, {"$float": "nan"}, {"$datetime": "x"}, {"$timedelta": [10**9, 0, 0]}, [[[[[[]]]]]],
)  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Give the path to every member within JSON, itself included."""
    yield path
    members = value.items() if isinstance(value, dict) else enumerate(value[:40]) if isinstance(value, list) else ()
    for name, member in members:
        yield from places(member, (*path, name))


def replaced(value: Any, path: tuple[Any, ...], change: Any) -> Any:
    """Return JSON in which `change` was called on what lies at a path."""
    if not path:
        return change(value)
    result = copy.copy(value)
    result[path[0]] = replaced(result[path[0]], path[1:], change)
    return result


def mutated(value: Any, chance: random.Random, elsewhere: tuple[Any, ...] = ()) -> Any:
    """Return JSON with one member changed, taken away, doubled, nested or put in another's place."""
    path = chance.choice(list(places(value)))
    return replaced(value, path, lambda member: _changed(member, chance, elsewhere))


def _changed(member: Any, chance: random.Random, elsewhere: tuple[Any, ...]) -> Any:
    way = chance.randrange(7)
    if way < 2 and isinstance(member, (dict, list)) and member:
        return _without_or_with_more(member, chance)
    if way < 3 and isinstance(member, (int, float)) and not isinstance(member, bool):
        return chance.choice(
            [-member, member + 1, member * 10**6, member * 10**12, float(member) if abs(member) < 1e300 else 0, str(member)]
        )
    if way < 4 and isinstance(member, str) and member:
        return chance.choice(
            [member[:-1], member + member, member.upper(), member.encode()[::-1].decode("utf-8", "replace"), member + "\0", [member]]
        )
    if way < 5:
        return chance.choice([[member], {"a": member}, [member] * 3])
    return copy.deepcopy(chance.choice([*RUBBISH, *elsewhere]))


def _without_or_with_more(member: Any, chance: random.Random) -> Any:
    if isinstance(member, list):
        at = chance.randrange(len(member))
        return chance.choice([member[:at] + member[at + 1 :], [*member, member[at]], member[::-1], member * 2])
    name = chance.choice(list(member))
    rest = {one: fact for one, fact in member.items() if one != name}
    return chance.choice([rest, {**rest, chance.choice(["", "x", "$dict", "../x", *member]): member[name]}, {**member, "unknown": 1}])


def with_changed_bytes(data: bytes, chance: random.Random) -> bytes:
    """Return bytes of which some are others, missing, repeated, zero, or numbers that claim much."""
    data = bytearray(data)
    for _ in range(chance.choice([1, 1, 1, 2, 4])):
        at = chance.randrange(len(data) + 1)
        way = chance.randrange(7)
        if way == 0:
            data[at : at + 1] = bytes([chance.randrange(256)])
        elif way == 1:
            data[at : at + 8] = chance.choice([2**31 - 1, 2**32 - 1, 2**40, 2**63 - 1, 2**64 - 1]).to_bytes(8, "little")
        elif way == 2:
            data[at : at + 4] = chance.choice([b"\xff\xff\xff\x7f", b"\0\0\0\0", b"\xff\xff\xff\xff"])
        elif way == 3:
            del data[at : at + chance.choice([1, 4, 64, 10_000])]
        elif way == 4:
            data[at:at] = data[at : at + chance.choice([1, 8, 200])]
        elif way == 5 and data:
            data[min(at, len(data) - 1)] ^= 1 << chance.randrange(8)
        else:
            data[at:at] = chance.choice([b"\0", b'"', b"[" * 2000, b"{}", b"9" * 30, b"\x1b[2J", b"\xed\xa0\x80", b"\n"])
    return bytes(data)


def reseal(version: Path, record: dict[str, Any] | None = None) -> None:
    """Make the record of a version fit what lies in its folder now."""
    path = version / "metadata.json"
    record = json.loads(path.read_bytes()) if record is None else record
    code = {"code.py"} if "slice" in record else set()
    names = [str(file.relative_to(version)) for file in version.rglob("*") if file.is_file() and file != path]
    files = {name: list(digest_of_file(str(version / name))) for name in names if name not in code}
    earlier = record.get("earlier")
    record = record | {"files": files, "digest": digest_of_files(files | (earlier if isinstance(earlier, dict) else {}))}
    path.write_text(sealed(record)[0])


def write_spec(version: Path, members: dict[str, Any]) -> None:
    """Write a loader spec."""
    (version / "Loader.json").write_text(dumps(members))
