"""Makes a patch apply again from which secrets were removed, where the secret stands in the commit. It finds out no secret that does not.

Lines of context and lines that were removed are in the committed file, so their text is taken from there. What was added stays as it was
stored, with the mark of a removed secret.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Final

from isfdb.replaying.recorded_code import is_safe_path

_MARK: Final = b"<redacted:"
_HUNK: Final = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+\d+(?:,\d+)? @@")
_OLD: Final = re.compile(rb"--- a/(.+)")


def healed(patch: bytes, root: str) -> bytes:
    """Return a patch whose old lines are again those of the files below `root`.

    Parameters
    ----------
    patch : bytes
        As ``git diff`` writes it.
    root : str
        A work tree at the commit that the patch was made from.
    """
    return b"\n".join(_lines(patch.split(b"\n"), root))


def _lines(lines: list[bytes], root: str) -> Iterator[bytes]:
    old: list[bytes] = []
    number, left = 0, 0
    for line in lines:
        if left <= 0 and (match := _OLD.fullmatch(line.rstrip(b"\t"))):
            old = _text_of(root, match[1])
        elif hunk := _HUNK.match(line) if left <= 0 else None:
            number, left = int(hunk[1]) - 1, int(hunk[2] or 1)
        elif left > 0 and line[:1] in (b" ", b"-"):
            if _MARK in line and number < len(old):
                line = line[:1] + old[number] + (b"\r" if line.endswith(b"\r") else b"")
            number, left = number + 1, left - 1
        yield line


def _text_of(root: str, path: bytes) -> list[bytes]:
    name = os.fsdecode(path)
    target = os.path.join(root, name)
    if not is_safe_path(name) or not os.path.isfile(target) or os.path.islink(target):
        return []  # a name that git quotes; such a patch is left as it is
    with open(target, "rb") as file:
        return [line.removesuffix(b"\r") for line in file.read().split(b"\n")]
