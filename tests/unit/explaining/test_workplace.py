"""What was restored is not mixed with what is there now, and nothing is written to where a restored link leads."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

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
