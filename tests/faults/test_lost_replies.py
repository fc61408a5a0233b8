"""A rename that was done, though its reply was lost or says otherwise, is a success: nothing is raised, and nothing is stored twice."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

import isfdb
from isfdb.storage.file_calls import FileCalls
from isfdb.testing.faults import calls_go_to


class RepliesLost(FileCalls):
    """Renames folders, and then says that this failed, as NFS may when it asks twice."""

    def __init__(self, error: int) -> None:
        self.error = error
        self.n_lost = 0

    def rename(self, old: str, new: str) -> None:
        super().rename(old, new)
        self.n_lost += 1
        raise OSError(self.error, os.strerror(self.error), old)


@pytest.mark.parametrize("error", [errno.EIO, errno.ETIMEDOUT, errno.ENOENT, errno.ENOTEMPTY, errno.EEXIST], ids=os.strerror)
def test_a_version_that_arrived_is_stored_once(error: int, tmp_path: Path) -> None:
    calls = RepliesLost(error)
    with calls_go_to(calls):
        db = isfdb.open(tmp_path / "results")
        db["k"] = 1
        db["k"] = 2
        del db["k"]
    assert calls.n_lost == 3
    assert [(version.number, version.deleted) for version in db.versions("k")] == [(1, False), (2, False), (3, True)]
    assert not isfdb.verify(db)
