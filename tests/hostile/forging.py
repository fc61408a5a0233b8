"""Writes versions as a stranger would with an editor: whole, sealed and consistent, and with whatever in them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from isfdb.hashing import digest_of
from isfdb.keys import folder_name, split_key
from isfdb.manifest import Files, digest_of_files, files_of, sealed, walk

Dumper = Callable[[Path], Mapping[str, Any]]


def version_of(database: Path, key: str, number: int = 1) -> Path:
    """Return the folder of a version, which need not be there."""
    *above, last = [folder_name(name) for name in split_key(key)]
    return database.joinpath(*above, f"{last}.key", f"v{number:06d}")


def forge(database: Path, key: str, spec: Mapping[str, Any] | bytes, fill: Callable[[Path], object] | None = None, **record: Any) -> Path:
    """Write a version with a manifest and a seal that fit it.

    Parameters
    ----------
    spec : mapping or bytes
        What ``Loader.json`` holds; bytes as they are.
    fill : callable, optional
        Writes the files into the folder it is given.
    **record
        Members of the record; ``files`` replaces those of the manifest.
    """
    folder = version_of(database, key)
    folder.mkdir(parents=True)
    if fill is not None:
        fill(folder)
    text = spec if isinstance(spec, bytes) else json.dumps({"format": 1, **spec}).encode()
    (folder / "Loader.json").write_bytes(text)
    seal(folder, key, **record)
    return folder


def seal(folder: Path, key: str, *, files: Files | None = None, **record: Any) -> None:
    """Write the record of a version so that it fits the files that are there."""
    if files is None:
        (folder / "metadata.json").unlink(missing_ok=True)
        files = files_of(str(folder), walk(str(folder))[0])
    members = {
        "by": {"host": "elsewhere", "user": "stranger"},
        "created": "2026-11-21T06:00:00+00:00",
        "describe": {"type": "stranger"},
        "digest": digest_of_files(files),
        "dumper": "stranger",
        "files": files,
        "format": 1,
        "key": key,
        "nonce": digest_of(os.urandom(8))[:16],
        "previous": None,
    }
    (folder / "metadata.json").write_text(sealed({**members, **record})[0], encoding="utf-8", errors="surrogatepass")
