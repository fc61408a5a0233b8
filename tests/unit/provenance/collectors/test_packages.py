"""What is installed is read from folder names, holds nothing of this computer, and says what changed while the process ran."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from isfdb.provenance.collectors import packages
from isfdb.provenance.collectors.packages import drift, environment, loaded

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder that is all there is on sys.path, as a process that starts now would see it."""
    folder = tmp_path / "site"
    folder.mkdir()
    import blake3  # noqa: F401 - while it can still be found

    monkeypatch.setattr(sys, "path", [str(folder)])
    monkeypatch.setattr(packages, "_baseline", {})
    monkeypatch.setattr(packages, "_folders", {})
    monkeypatch.setattr(packages, "_newest", None)
    monkeypatch.setattr(packages, "_owners", None)
    return folder


def install(site: Path, name: str, version: str, *, direct_url: dict[str, Any] | None = None, modules: str = "") -> Path:
    folder = site / f"{name}-{version}.dist-info"
    folder.mkdir()
    if direct_url is not None:
        (folder / "direct_url.json").write_text(json.dumps(direct_url))
    if modules:
        (folder / "RECORD").write_text(f"{modules}/__init__.py,sha256=x,1\n{modules}/more.py,,\n{folder.name}/RECORD,,\n")
    os.utime(site, ns=(time.time_ns(), time.time_ns()))
    return folder


def test_it_agrees_with_importlib_metadata() -> None:
    theirs = {
        distribution.metadata["Name"].lower().replace("_", "-").replace(".", "-") for distribution in importlib.metadata.distributions()
    }
    record = environment().record
    assert theirs == set(record["packages"])
    assert record["packages"]["numpy"] == np.__version__
    assert record["python"] == sys.version.split()[0]


def test_the_record_holds_nothing_of_this_computer() -> None:
    text = json.dumps(environment().record)
    for private in (sys.prefix, os.path.expanduser("~") + "/"):
        assert private not in text
    assert not re.search(rf"\b{re.escape(os.uname().nodename)}\b", text)  # a package may have the name in its own


def test_the_same_packages_have_the_same_digest_elsewhere(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(site, "here", "1.0", direct_url={"url": f"file://{site}/here", "dir_info": {"editable": True}})
    digest = environment().digest
    other = tmp_path / "another" / "place"
    other.mkdir(parents=True)
    install(other, "here", "1.0", direct_url={"url": "file:///home/x/here", "dir_info": {"editable": True}})
    monkeypatch.setattr(sys, "path", [str(other)])
    assert environment().digest == digest
    assert len(digest) == 32


def test_a_second_answer_is_the_same_object() -> None:
    assert environment() is environment()


def test_where_a_package_came_from_is_told_without_credentials(site: Path) -> None:
    commit = "a" * 40
    vcs = {"url": "https://me:pw@example.org/a.git", "vcs_info": {"vcs": "git", "commit_id": commit}, "subdirectory": "python"}
    install(site, "from_git", "1.0", direct_url=vcs)
    install(site, "from_web", "2.0", direct_url={"url": "https://example.org/w.whl", "archive_info": {"hash": "sha256=abc"}})
    install(site, "from_folder", "3.0", direct_url={"url": "file:///home/me/from_folder", "dir_info": {"editable": True}})
    install(site, "from_index", "4.0")
    found = environment()
    assert found.record["sources"]["from-git"] == {
        "url": "https://example.org/a.git", "vcs": "git", "commit_id": commit, "subdirectory": "python",
    }  # fmt: skip
    assert found.requirements.splitlines()[1:] == [
        "# from-folder==3.0 was installed editable, from the local folder or file 'from_folder'",
        f"from-git @ git+https://example.org/a.git@{commit}#subdirectory=python",
        "from-index==4.0",
        "from-web @ https://example.org/w.whl#sha256=abc",
    ]
    assert "file:" not in found.requirements
    assert "/home" not in found.requirements


def test_pip_understands_the_requirements() -> None:
    """Pip reads every line; nothing is installed because everything already is."""
    text = "".join(line + "\n" for line in environment().requirements.splitlines() if not line.startswith("#"))
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--dry-run", "--no-deps", "--no-index", "--disable-pip-version-check", "-r", "/dev/stdin"],
        input=text, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if "No module named pip" in done.stderr:
        pytest.skip("this environment has no pip")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("broken", ["{", "[]", '{"url": 3, "vcs_info": "x"}', '"text"'])
def test_a_broken_direct_url_is_no_error(site: Path, broken: str) -> None:
    folder = install(site, "odd", "1.0")
    (folder / "direct_url.json").write_text(broken)
    assert environment().record["packages"] == {"odd": "1.0"}


def test_egg_info_of_both_kinds_and_leftovers(site: Path) -> None:
    (site / "old-1.5-py3.11.egg-info").write_text("Metadata-Version: 1.0\nVersion: 1.5\n")
    (site / "develop.egg-info").mkdir()
    (site / "develop.egg-info" / "PKG-INFO").write_text("Name: develop\nVersion: 0.3\n")
    (site / "~umpy-1.0.dist-info").mkdir()
    record = environment().record
    assert record["packages"] == {"develop": "0.3", "old": "1.5"}
    assert record["sources"] == {"develop": {"editable": True, "folder": "site"}}


def test_the_first_on_the_path_wins(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "second").mkdir()
    install(site, "twice", "1.0")
    install(tmp_path / "second", "twice", "2.0")
    monkeypatch.setattr(sys, "path", [str(site), str(tmp_path / "second"), "/nowhere", str(tmp_path / "x.zip")])
    assert environment().record["packages"] == {"twice": "1.0"}


def test_drift_names_what_was_installed_changed_and_removed(site: Path) -> None:
    old = install(site, "changed", "1.0")
    gone = install(site, "gone", "1.0")
    first = environment()
    assert drift() == []
    old.rename(site / "changed-2.0.dist-info")
    gone.rmdir()
    install(site, "fresh", "1.0")
    second = environment()
    assert second.digest != first.digest
    assert drift() == [
        "changed was 1.0 when this process first looked and is 2.0 now",
        "fresh 1.0 was installed after this process started",
        "gone 1.0 was removed",
    ]
    assert "# drift: gone 1.0 was removed" in second.requirements


def test_drift_names_a_version_that_is_imported_and_no_longer_installed(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = type(sys)("isfdb_drifted")
    module.__dict__["__version__"] = "1.0"
    monkeypatch.setitem(sys.modules, "isfdb_drifted", module)
    install(site, "isfdb_drifted", "2.0")
    assert drift() == ["isfdb-drifted 1.0 is imported and 2.0 is installed now"]


def test_loaded_names_the_distribution_not_the_module(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(site, "isfdb_painter", "3.0", modules="isfdb_paint")
    install(site, "not_imported", "1.0", modules="isfdb_nobody")
    module = type(sys)("isfdb_paint")
    module.__file__ = "/env/lib/site-packages/isfdb_paint/__init__.py"
    monkeypatch.setitem(sys.modules, "isfdb_paint", module)
    assert loaded() == {"isfdb-painter": "3.0"}


def test_loaded_of_this_process() -> None:
    found = loaded()
    assert found["numpy"] == np.__version__
    assert "sphinx" not in found or "sphinx" in sys.modules


def test_conda_packages_are_read_from_the_names_of_their_records(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    meta = tmp_path / "env" / "conda-meta"
    meta.mkdir(parents=True)
    (meta / "numpy-2.1.0-py311h64a7726_0.json").write_text("{}")
    (meta / "ld_impl_linux-64-2.40-h41732ed_0.json").write_text("{}")
    (meta / "history").write_text("")
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "env"))
    record = environment().record
    assert record["kind"] == "conda"
    assert record["conda"] == {"ld_impl_linux-64": "2.40=h41732ed_0", "numpy": "2.1.0=py311h64a7726_0"}


def test_a_database_on_the_path_is_listed_once_at_most(site: Path) -> None:
    """With the working directory on sys.path and a database there, each new key would mean listing all of them again."""
    (site / "isfdb.json").write_text("{}")
    first = environment()
    (site / "rates.key").mkdir()
    assert environment() is first
