"""What was restored is not mixed with what is there now, and nothing is written to where a restored link leads."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from isfdb.explaining.workplace import workplace
from isfdb.provenance.records import UsedFile


@contextlib.contextmanager
def work_tree(root: str, folder: Path, link: Path | None = None) -> Iterator[None]:
    """Lay out a work tree with one module, as it was when the value was made."""
    here = Path(root + str(folder))
    here.mkdir(parents=True)
    (here / ".git").write_text("gitdir: elsewhere\n")
    (here / "model.py").write_text("then\n")
    if link is not None:
        (here / "data").symlink_to(link)
    yield


def test_modules_of_today_are_not_laid_beside_those_of_then(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    (folder / "model").mkdir(parents=True)
    (folder / "model" / "__init__.py").write_text("now\n")
    (folder / "later.py").write_text("now\n")
    (folder / "table.csv").write_text("now\n")
    with workplace(str(folder), [], {}, restore=lambda root: work_tree(root, folder)) as place:
        laid = {path.relative_to(place.directory).as_posix() for path in Path(place.directory).rglob("*") if path.is_file()}
    assert laid == {".git", "model.py", "table.csv"}


def test_without_a_work_tree_modules_of_today_are_laid_out(tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("now\n")
    with workplace(str(tmp_path), [], {}) as place:
        assert Path(place.directory, "helper.py").read_text() == "now\n"


def test_nothing_is_written_through_a_restored_link(tmp_path: Path) -> None:
    """The link led to one folder then and leads to another one now: neither is written to."""
    folder, then, now = tmp_path / "project", tmp_path / "v1", tmp_path / "v2"
    for one, text in ((then, "one"), (now, "two")):
        one.mkdir()
        (one / "table.csv").write_text(text)
    (now / "new.csv").write_text("new")
    folder.mkdir()
    (folder / "data").symlink_to(now)
    used = UsedFile(path=str(folder / "data" / "table.csv"), size=3)
    with workplace(str(folder), [used], {}, restore=lambda root: work_tree(root, folder, then)) as place:
        assert Path(place.directory, "data", "table.csv").read_text() == "one"
    assert {path.name: path.read_text() for path in then.iterdir()} == {"table.csv": "one"}
    assert {path.name: path.read_text() for path in now.iterdir()} == {"table.csv": "two", "new.csv": "new"}


def test_no_folder_is_made_where_a_restored_link_leads(tmp_path: Path) -> None:
    folder, then, now = tmp_path / "project", tmp_path / "v1", tmp_path / "v2"
    (now / "later").mkdir(parents=True)
    (now / "later" / "table.csv").write_text("two")
    then.mkdir()
    folder.mkdir()
    (folder / "data").symlink_to(now)
    path = str(folder / "data" / "later" / "table.csv")
    with workplace(str(folder), [UsedFile(path=path)], {}, written=[path], restore=lambda root: work_tree(root, folder, then)):
        assert list(then.iterdir()) == []


@pytest.mark.parametrize("path", ["{up}{folder}/file", "{folder}/a\0b", "no/whole/path", "https://example.org/x", ""])
def test_a_path_that_a_record_makes_up_leads_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    """A forged path climbs out of the workplace: what lies there then is neither made nor changed."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    (tmp_path / "file").write_text("1")
    path = path.format(up="/.." * 9, folder=tmp_path)
    with workplace(str(tmp_path), [UsedFile(path=path, size=1)], {}, written=[path]) as place:
        assert sorted(one.name for one in (tmp_path / "temporary").iterdir()) == [Path(place.folder).name]
        assert place.notes == ()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["file", "temporary"]


def test_a_forged_path_makes_no_folder_beside_the_workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    used = [UsedFile(path="/../../etc/passwd"), UsedFile(path="/../../usr/../etc/passwd")]
    with workplace(None, used, {}, written=["/../../etc/passwd"]) as place:
        assert [one.name for one in tmp_path.iterdir()] == [Path(place.folder).name]
