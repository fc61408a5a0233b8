"""The folder initializer: one attachment a file, resumable."""

from __future__ import annotations

from pathlib import Path

import pytest

import isfdb
from isfdb import plugins
from isfdb.errors import UnknownLoaderdumperError


@pytest.fixture
def source(tmp_path):
    for name in ("a.csv", "deep/b.csv", "deep/er/c.txt", ".hidden", ".git/config"):
        path = tmp_path / "source" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (tmp_path / "source" / "link").symlink_to("/etc/passwd")
    return tmp_path / "source"


def test_every_file_becomes_an_attachment(db, source):
    assert plugins.initializer("folder").init(db, source) == 3
    assert db.keys(recurse=True) == ("a.csv", "deep/b.csv", "deep/er/c.txt")
    assert Path(db["deep/er/c.txt"]).read_text() == "deep/er/c.txt"
    assert not isfdb.verify(db)


def test_run_again_it_stores_only_what_changed(db, source):
    folder = plugins.initializer("folder")
    folder.init(db, source)
    (source / "a.csv").write_text("new")
    assert folder.init(db, source) == 1
    assert len(db.versions("a.csv")) == 2 and len(db.versions("deep/b.csv")) == 1


def test_a_pattern_chooses(db, source):
    assert plugins.initializer("folder").init(db, source, pattern="*.csv") == 2


def test_what_is_not_there_is_told(db, tmp_path):
    with pytest.raises(NotADirectoryError, match="no such folder"):
        plugins.initializer("folder").init(db, tmp_path / "nowhere")
    with pytest.raises(UnknownLoaderdumperError, match="there is no initializer 'nonesuch'"):
        plugins.initializer("nonesuch")
