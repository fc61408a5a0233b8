"""Records that are no records: cut short, nested, huge, of another format (37 to 45)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from tests.hostile.corpus._items import VALUE, Place, each, item

_TEXTS: dict[str, tuple[int, bytes]] = {
    "empty": (37, b""),
    "cut short": (38, b'{"Loader": "loaderdump'),
    "100,000 brackets": (39, b"[" * 100_000),
    "100,000 brackets in a member": (39, b'{"Loader": "to_json", "value": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    "duplicate names": (41, b'{"Loader": "to_json", "Loader": "to_pickle", "format": 1}'),
    "NaN": (42, b'{"Loader": "to_json", "value": NaN}'),
    "an exponent": (42, b'{"Loader": "to_json", "value": 1e999, "format": 1e999}'),
    "200,000 digits": (42, b'{"Loader": "to_json", "format": ' + b"9" * 200_000 + b"}"),
    "no UTF-8": (43, b'{"Loader": "to_json\xff\xfe"}'),
    "a byte order mark": (43, '{"Loader": "to_json"}'.encode("utf-16")),
    "half a pair": (43, b'{"Loader": "to_json\\ud800", "value": "\\udfff"}'),
    "a list": (44, b"[]"),
    "a text": (44, b'"to_json"'),
    "null": (44, b"null"),
    "format 999": (45, b'{"Loader": "to_json", "format": 999}'),
    "format 10**400": (45, b'{"Loader": "to_json", "format": 1' + b"0" * 400 + b"}"),
}
for _name, (_number, _text) in _TEXTS.items():

    @each(_number, {f"a spec: {_name}": _text}, "CorruptVersionError", "FormatVersionError", "LoadError", "UnknownLoaderdumperError")
    def _(place: Place, text: bytes) -> None:
        place.forge(text)

    @each(_number, {f"a record: {_name}": _text}, "CorruptVersionError", "FormatVersionError")
    def _(place: Place, text: bytes) -> None:
        place.forge({"Loader": "loaderdumpers.to_json", "value": 1})
        (place.folder / "metadata.json").write_bytes(text)


SPARSE_BYTES: Final = 2 * 2**30


@each(40, {f"{name} of 2 GB, sparse": name for name in ("Loader.json", "metadata.json")}, "StorageError")
def _(place: Place, name: str) -> None:
    place.forge({"Loader": "loaderdumpers.to_json", "value": 1})
    os.truncate(place.folder / name, SPARSE_BYTES)


@each(40, {f"{name} of 2 GB, sparse": name for name in ("code.py", "attributes.json", "attributes/000001.json")}, VALUE)
def _(place: Place, name: str) -> None:
    sparse = place.folder / name if name == "code.py" else place.folder.parent / name
    code = {"digest": "0" * 64, "size": 3, "labels": []}
    place.forge({"Loader": "loaderdumpers.to_json", "value": 1}, code={"slice": code})
    _sparse(sparse)


def _sparse(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    os.truncate(path, SPARSE_BYTES)


@item(40, "records that versions share of 2 GB, sparse", VALUE)
def _(place: Place) -> None:
    record = {
        "activity": {"count": None, "kind": "interactive", "line": 1, "session": "20261121T060000-000000000000"},
        "logged": "20261121T060000-000000000000",
        "environment": "0" * 32,
        "code": {"snapshot": "0" * 32},
        "used": {"stored": "0" * 32},
    }
    place.forge({"Loader": "loaderdumpers.to_json", "value": 1}, **record)
    private = place.database / ".isfdb"
    for name in (
        "sessions/20261121T060000-000000000000.jsonl",
        f"environments/{'0' * 32}.json",
        f"code/{'0' * 32}.json",
        f"inputs/{'0' * 32}.json",
        "part.json",
    ):
        _sparse(private / name)


@item(40, "isfdb.json of 2 GB, sparse", whole=True)
def _(place: Place) -> None:
    os.truncate(place.database / "isfdb.json", SPARSE_BYTES)
