"""Feeds bytes to what reads a stranger's records; atheris chooses them by the code they reach.

``python -m tests.fuzzing.guided FORMAT RUNS [SEEDS]`` ends with an error at the first input that gets anything out but isfdb's errors.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from typing import Any

import atheris

with atheris.instrument_imports(include=["isfdb"]):
    from isfdb.errors import IsfdbError
    from isfdb.exact_json import loads
    from isfdb.identity import read_identity
    from isfdb.layout.current import DATABASE_FILE
    from isfdb.loader_spec import LoaderSpec
    from isfdb.manifest import checked_files, read_record
    from isfdb.provenance.event_lines import read_events
    from isfdb.provenance.records import risks_of, slice_of, used_of
    from isfdb.provenance.session import check_chain, read_session
    from isfdb.sealing.seals import seal_of

_SESSION = "20261121T120000-0123456789ab"


class OneFile:
    """A storage that holds one content, under every name that is asked for."""

    location = "somewhere"
    read_only = True

    def __init__(self, data: bytes) -> None:
        self._data = data

    def read(self, path: str) -> bytes:
        return self._data

    def list(self, folder: str) -> list[str]:
        return []

    def holds(self, path: str) -> bool:
        return True

    def size(self, path: str) -> int:
        return len(self._data)


def _identity(data: bytes) -> None:
    read_identity(OneFile(data))  # type: ignore[arg-type]


def _record(data: bytes) -> None:
    record = read_record(data, "here")
    checked_files(record, "here")
    risks_of(record)
    slice_of(record)
    used_of(OneFile(data), record)  # type: ignore[arg-type]


def _session(data: bytes) -> None:
    storage: Any = OneFile(data)
    read_session(storage, _SESSION)
    read_events(storage, _SESSION)
    check_chain(storage, _SESSION)


READERS: dict[str, Callable[[bytes], object]] = {
    "json": loads,
    DATABASE_FILE: _identity,
    "Loader.json": lambda data: LoaderSpec.from_json(data, "here"),
    "metadata.json": _record,
    "seal": lambda data: seal_of(data, "here"),
    "session": _session,
}


def main(name: str, runs: str, *seeds: str) -> None:
    """Try so many inputs."""
    reader = READERS[name]
    expected = (IsfdbError, ValueError) if name == "json" else IsfdbError

    def try_one(data: bytes) -> None:
        try:
            reader(data)
        except expected:
            return

    limits = ["-timeout=10", "-rss_limit_mb=2000", "-max_len=4096"]
    options = [f"-runs={runs}", *limits, "-verbosity=0", f"-artifact_prefix={tempfile.gettempdir()}/"]
    atheris.Setup([sys.argv[0], *options, *seeds], try_one)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
