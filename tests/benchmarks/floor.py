"""What the operating system itself takes for the same files, flushes and renames: the limit that isfdb is measured against."""

from __future__ import annotations

import json
import os

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL


def flush(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


class Floor:
    """The commit protocol in bare calls: a hidden sibling, three ready-made files, one rename."""

    def __init__(self, folder: str, *, durable: bool) -> None:
        os.makedirs(folder)
        self.folder = folder
        self.durable = durable
        self.spec = b"{" + b"s" * 78 + b"}"
        self.record = b"{" + b"r" * 598 + b"}"

    def _write(self, path: str, data: bytes) -> None:
        descriptor = os.open(path, _CREATE)
        os.write(descriptor, data)
        if self.durable:
            os.fdatasync(descriptor)
        os.close(descriptor)

    def put(self, name: str, value: object) -> None:
        stage = f"{self.folder}/.stage-{name}"
        os.mkdir(stage)
        self._write(f"{stage}/data.json", json.dumps(value).encode())
        self._write(f"{stage}/Loader.json", self.spec)
        self._write(f"{stage}/metadata.json", self.record)
        if self.durable:
            flush(stage)
        os.rename(stage, f"{self.folder}/{name}")
        if self.durable:
            flush(self.folder)

    def get(self, name: str) -> object:
        with open(f"{self.folder}/{name}/Loader.json", "rb") as file:
            file.read()
        with open(f"{self.folder}/{name}/data.json", "rb") as file:
            return json.loads(file.read())
