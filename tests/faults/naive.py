"""Naive ways of storing, for the same faults: a test that finds nothing wrong with these finds nothing wrong with anything.

Each stores a number as an array with two small files beside it, as many programs do, through the same calls as isfdb's storage.
"""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from isfdb.storage.file_calls import FileCalls
from isfdb.testing.faults import FailingCalls

N_BYTES = 40_000

Put = Callable[[FileCalls, str, int], None]


def _files(number: int) -> dict[str, bytes]:
    return {
        "Loader.json": b'{"Loader": "array"}',
        "data.bin": number.to_bytes(8, "little") * (N_BYTES // 8),
        "metadata.json": json.dumps({"number": number, "bytes": N_BYTES}).encode(),
    }


def overwrite_in_place(calls: FileCalls, folder: str, number: int) -> None:
    """Write over what is there, and flush."""
    if not os.path.isdir(f"{folder}/key"):
        calls.make_folder(f"{folder}/key")
    for name, data in _files(number).items():
        calls.rewrite(f"{folder}/key/{name}", data)
    calls.flush([f"{folder}/key/{name}" for name in _files(number)], [f"{folder}/key", folder])


def delete_then_write(calls: FileCalls, folder: str, number: int) -> None:
    """Remove what is there, then write in its place and flush: ISF's order."""
    if os.path.isdir(f"{folder}/key"):
        for name in os.listdir(f"{folder}/key"):
            calls.unlink(f"{folder}/key/{name}")
        calls.remove_folder(f"{folder}/key")
    overwrite_in_place(calls, folder, number)


def rename_without_flush(calls: FileCalls, folder: str, number: int) -> None:
    """Write aside and rename into place, as isfdb does, but leave the order on the disk to chance."""
    calls.make_folder(f"{folder}/.stage")
    for name, data in _files(number).items():
        calls.create(f"{folder}/.stage/{name}", data)
    calls.rename(f"{folder}/.stage", f"{folder}/v{number:06}")


POWER_CUT_WAYS: dict[str, Put] = {
    "overwrite in place": overwrite_in_place,
    "delete, then write": delete_then_write,
    "rename, unflushed": rename_without_flush,
}
KILL_WAYS = {name: way for name, way in POWER_CUT_WAYS.items() if way is not rename_without_flush}


def read(folder: str) -> int | str | None:
    """Return the number; "torn" where the files do not belong together; None where there is nothing."""
    versions = sorted(name for name in os.listdir(folder) if name[0] == "v") if os.path.isdir(folder) else []
    key = f"{folder}/{versions[-1] if versions else 'key'}"
    if not os.path.isdir(key) or not os.listdir(key):
        return None
    try:
        found = {name: Path(key, name).read_bytes() for name in ("Loader.json", "data.bin", "metadata.json")}
        number = json.loads(found["metadata.json"])["number"]
        return number if found == _files(number) else "torn"
    except (OSError, ValueError):
        return "torn"


def problem_with(found: int | str | None, n_stored: int) -> str | None:
    """Say what is wrong, `n_stored` having been stored; None where the old or the new number is there."""
    if found in (n_stored, n_stored + 1):
        return None
    return "torn: files of two numbers, or half a file" if found == "torn" else f"lost: {n_stored}"


class DyingCalls(FailingCalls):
    """Makes calls up to one of them, and none after it, as a killed process."""

    def _call(self, name: str, *arguments: object, half: Callable[[], None] | None = None) -> None:
        if self.failed:
            raise InterruptedError("dead")
        super()._call(name, *arguments, half=half)


def work(way: str, folder: str, acknowledge: Any) -> None:
    """Store one number after the other until killed."""
    calls = FileCalls()
    for number in itertools.count(2):
        POWER_CUT_WAYS[way](calls, folder, number)
        acknowledge.send_bytes(b"%d" % number)
