"""ISF's own names for provenance go on being answered."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

import isfdb
from isfdb.provenance.isf_fields import isf_fields

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def db(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A database that a script stored into, from a work tree with one changed file."""
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    project = tmp_path / "project"
    project.mkdir()
    (project / "fit.py").write_text("import isfdb\nisfdb.open('../results')['a'] = 1\n")
    git = "git init -q -b main . && git add fit.py && git -c user.name=a -c user.email=a@b commit -q -m one && git tag v1 && echo >> fit.py"
    subprocess.run(git, shell=True, cwd=project, check=True)
    subprocess.run([sys.executable, "fit.py"], cwd=project, check=True)
    return isfdb.open(tmp_path / "results", mode="r")


def test_every_name_isf_wrote_is_answered_in_isfs_type(db):
    metadata = db.metadata["a"]
    assert metadata["dumper"] == "to_json"
    created = metadata["created"]
    assert metadata["time"][:6] == [
        int(part) for part in (created[:4], created[5:7], created[8:10], created[11:13], created[14:16], created[17:19])
    ]
    assert len(metadata["time"]) == 9
    assert metadata["history"] == "import isfdb\nisfdb.open('../results')['a'] = 1\n\n"
    assert metadata["hostname"] == os.uname().nodename
    assert metadata["metadata_creation_time"] == "together_with_new_key"
    assert "numpy==" in metadata["module_list"]
    assert "isfdb" in metadata["module_versions"]
    assert "notebook" not in metadata["module_versions"]
    assert metadata["dirty"] is True
    assert metadata["version"].startswith("v1")
    assert len(metadata["full-revisionid"]) == 40
    assert metadata["error"] is None


def test_history_ends_with_the_cell_of_the_value(tmp_path: Path):
    from isfdb.provenance.cells import Ran
    from isfdb.provenance.session_log import SessionLog
    from isfdb.storage.local import LocalStorage

    storage = LocalStorage(str(tmp_path))
    log = SessionLog(storage)
    line = log.line_of(Ran("cell", "b"), [Ran("cell", "a", outcome="ok")])
    log.line_of(Ran("cell", "c"), [])
    assert isf_fields(storage, {"activity": {"session": log.id, "line": line}})["history"] == "a\nb"


@pytest.mark.parametrize(
    "record", [{}, {"activity": None, "code": None, "environment": None, "by": None, "unknown": None}, {"code": {"snapshot": "../x"}}]
)
def test_what_was_not_recorded_is_none(tmp_path: Path, record: dict[str, Any]):
    from isfdb.storage.local import LocalStorage

    fields = isf_fields(LocalStorage(str(tmp_path)), {"created": "2026-11-21T05:00:00+00:00", **record})
    known = {name: value for name, value in fields.items() if value is not None}
    assert known == {"metadata_creation_time": "together_with_new_key", "time": [2026, 11, 21, 5, 0, 0, 5, 325, -1]}


def test_a_name_isf_did_not_have_is_a_key_error(tmp_path: Path):
    from isfdb.storage.local import LocalStorage

    with pytest.raises(KeyError, match="colour"):
        isf_fields(LocalStorage(str(tmp_path)), {})["colour"]
