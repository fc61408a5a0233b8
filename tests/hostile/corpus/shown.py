"""Texts that try to run, to forge what is seen or to fill the memory, in every place of a record; times that cannot be (67 to 74, 88)."""

from __future__ import annotations

import json
import os
from typing import Any, Final

from tests.hostile.corpus._items import VALUE, Place, each
from tests.hostile.forging import forge

SCRIPT: Final = "top.hacked=1"
SHOWN: Final = {
    67: [f'<img src=x onerror="{SCRIPT}">', f"<script>{SCRIPT}</script>"],
    68: [f'"><script>{SCRIPT}</script>', f"' autofocus onfocus='{SCRIPT}", f"-->]]><script>{SCRIPT}</script>"],
    69: [
        f"javascript:{SCRIPT}",
        f"JaVaScRiPt:{SCRIPT}",
        f"java\tscript:{SCRIPT}",
        f"data:text/html,<script>{SCRIPT}</script>",
        f"vbscript:{SCRIPT}",
    ],
    70: [
        f"</style><svg onload={SCRIPT}>",
        f"</title><script>{SCRIPT}</script>",
        f"</textarea></pre></code><svg><script>{SCRIPT}</script></svg>",
    ],
    71: [f"[x](javascript:{SCRIPT})", rf"$\href{{javascript:{SCRIPT}}}{{x}}$", "![x](http://elsewhere.example/x.png)"],
    72: ["\x1b]0;title\x07\x1b[2J\x1b[31m", "\x9b31m\x9d0;x\x9c", "\x1b]8;;http://elsewhere.example\x07x\x1b]8;;\x07", "a\rb\bc\x7f"],
    73: ["invoice\u202egnp.exe", "\u2067\u2066x\u2069\u2069", "a\u200b\u2060\ufeffb", "\u2028\u2029\x85x"],
}


def _shown(text: str) -> dict[str, Any]:
    """Return a record that holds a text wherever a record has one."""
    return {
        "activity": {"count": 3, "kind": text, "line": 1, "session": text, "script": text, "cell": text, "name": text},
        "by": {"host": text, "user": text},
        "code": {
            "branch": text,
            "commit": text,
            "dirty": True,
            "snapshot": text,
            "slice": {"digest": text, "size": 3, "labels": [text], "risks": [text]},
        },
        "created": text,
        "describe": {
            "type": text,
            "dtype": text,
            "shape": [3],
            "columns": [[text, text]],
            text: text,
            "members": {text: {"type": text}},
            "unknown": text,
        },
        "dumper": text,
        "environment": text,
        "logged": text,
        "copied_from": {"key": text, "id": text, "version": 1},
        "renamed_from": text,
        "risks": [text, {"kind": text, "text": text, "where": text}],
        "signature": text,
        "unknown": {text: text, "slice": text},
        "used": {
            "files": [{"path": text, "digest": text, "size": 1}],
            "values": [{"key": text, "id": text, "version": 1, "digest": text, "link": text}],
        },
    }


for _number, _texts in SHOWN.items():

    @each(_number, {f"{text!r} in a record": text for text in _texts}, VALUE)
    def _(place: Place, text: str) -> None:
        forge(place.database, place.key, {"Loader": "loaderdumpers.to_json", "value": text}, **_shown(text))
        (place.folder.parent / "attributes").mkdir()
        note = {"attributes": {text: text}, "created": text, "format": 1, "by": {"host": text, "user": text}}
        (place.folder.parent / "attributes" / "000001.json").write_text(json.dumps(note))


@each(73, {f"the loader {text!r}": text for texts in SHOWN.values() for text in texts}, "UnknownLoaderdumperError", "CorruptVersionError")
def _(place: Place, text: str) -> None:
    place.forge({"Loader": text, text: text})


@each(74, {f"a line of 10 MB as {name}": name for name in ("describe", "risks", "unknown", "created", "logged")}, VALUE)
def _(place: Place, name: str) -> None:
    place.forge({"Loader": "loaderdumpers.to_json", "value": 1}, **{name: _shown("x" * 1_000_000)[name]})


_ENDLESS = ["/dev/zero", "/dev/random", "/dev/stdin", "/dev/tty", "/proc/kmsg", "pipe"]


@each(54, {f"a record says that {name} was read": name for name in _ENDLESS}, VALUE)
def _(place: Place, name: str) -> None:
    path = name if name.startswith("/") else str(place.outside / f"pipe of {place.key}")
    if name == "pipe":
        os.mkfifo(path)
    used = {"path": path, "digest": "0" * 64, "size": 0, "mtime": 1.0, "kind": "file"}
    place.forge({"Loader": "loaderdumpers.to_json", "value": 1}, used={"files": [used], "values": []})


@each(
    88,
    {
        f"created {when!r}": when
        for when in (
            "1970-01-01T00:00:00+00:00",
            "2100-01-01T00:00:00+00:00",
            "9999-12-31T23:59:59+14:00",
            "0001-01-01T00:00:00-14:00",
            1e300,
            None,
        )
    },
    VALUE,
    "CorruptVersionError",
)
def _(place: Place, when: Any) -> None:
    place.forge({"Loader": "loaderdumpers.to_json", "value": 1}, created=when)
    stamp = 0 if str(when).startswith("1970") else 2**32
    os.utime(place.folder, (stamp, stamp))
