"""Secrets planted wherever text is recorded never reach the disk: every byte of a database, of the cache and of exports is searched."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import isfdb

from .planting import CELLS, ENVIRONMENT, MARKED, SOURCES, Planted

ROOT = Path(__file__).parents[2]
SEED = 4


@pytest.fixture(scope="module")
def planted() -> Planted:
    return Planted(SEED)


@pytest.fixture(scope="module")
def session(planted: Planted, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run a notebook full of secrets in a work tree full of secrets; return the folder of all."""
    folder = tmp_path_factory.mktemp("planted")
    _plant(planted, folder)
    secrets = planted.secrets
    arguments = [sys.executable, "-m", "tests.planted_secrets.session", str(SEED), str(folder)]
    arguments += ["--password", secrets["option of the command line"], secrets["marked argument"]]
    environment = {
        **os.environ,
        **{name: secrets[name] for name in ENVIRONMENT},
        "PYTHONPATH": str(ROOT),
        "JPY_SESSION_NAME": f"/home/me/{secrets['name of the session']}.ipynb",
        "ISFDB_DATA_FOLDER": str(folder / "data"),
        "ISFDB_CACHE_FOLDER": str(folder / "cache"),
    }
    environment.pop("PYTEST_CURRENT_TEST", None)
    ended = subprocess.run(arguments, cwd=_lab(planted, folder), env=environment, capture_output=True, text=True, check=False, timeout=200)
    assert ended.returncode == 0, ended.stderr[-3000:]
    return folder


def _lab(planted: Planted, folder: Path) -> Path:
    return folder / f"lab-{planted.secrets['working directory']}"


def _plant(planted: Planted, folder: Path) -> None:
    """Make a work tree with a patch, untracked sources and a remote, and a module outside of it."""
    lab, outside = _lab(planted, folder), folder / "outside"
    lab.mkdir()
    outside.mkdir()
    old = planted.text("removed line of a patch", SOURCES["removed line of a patch"])
    new = planted.text("password in a patch", SOURCES["password in a patch"])
    (lab / "lab_code.py").write_text(old + "x = 1\n")
    _git(lab, "init", "-q")
    _git(lab, "add", ".")
    _git(lab, "-c", "user.name=me", "-c", "user.email=me@example.org", "commit", "-q", "-m", f"with {planted.secrets['commit of git']}")
    _git(lab, "checkout", "-q", "-b", f"with-{planted.secrets['branch of git']}")
    _git(lab, "remote", "add", "origin", f"https://me:{planted.secrets['git remote']}@example.org/lab.git")
    (lab / "lab_code.py").write_text(new + "x = 2\n")
    for kind, path in {
        "untracked source": lab / "lab_untracked.py",
        "module outside of git": outside / "lab_outside.py",
        "settings beside the notebook": lab / "settings.json",
        "notebook in the work tree": lab / "work.ipynb",
    }.items():
        path.write_text(planted.text(kind, SOURCES[kind]) + ("x = 3\n" if path.suffix == ".py" else ""))
    (lab / f"table-{planted.secrets['name of an input']}.csv").write_text("a\n1\n")
    inner = lab / f"in-{planted.secrets['folder of an input']}"
    inner.mkdir()
    (inner / "a.csv").write_text("a\n2\n")


def _git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(folder), *arguments], check=True, capture_output=True)


def test_at_least_forty_kinds_are_planted(planted: Planted) -> None:
    assert len(MARKED) + len(CELLS) + len(ENVIRONMENT) + len(SOURCES) >= 40
    assert len(set(planted.secrets.values())) == len(planted.secrets)


def test_the_search_finds_a_secret_that_is_there(planted: Planted, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(f"x{planted.secrets['vault']}y")
    assert list(planted.found_in(tmp_path)) == ["vault"]


def test_the_session_is_recorded_with_slices_inputs_risks_and_sources(session: Path) -> None:
    db = isfdb.open(session / "results", mode="r")
    entry = db.entry("last")
    assert len(db) > 45
    assert entry.code is not None
    assert any("settings" in str(one) or "csv" in str(one) for one in db.entry("input-1").inputs)
    assert any("random" in risk.kind for risk in db.entry("noise").risks)
    assert any(path.suffix == ".patch" for path in (session / "results" / ".isfdb" / "code").iterdir())


def test_no_planted_secret_is_in_the_database_or_the_cache(session: Path, planted: Planted) -> None:
    assert planted.found_in(session / "results", session / "cache", session / "data") == {}


def test_no_planted_secret_is_in_what_is_made_of_the_database(session: Path, planted: Planted, tmp_path: Path) -> None:
    db = isfdb.open(session / "results", mode="r")
    made = {
        "the whole history.txt": str(isfdb.code(db, "last", all=True)),
        "lineage.txt": str(isfdb.lineage(db, "input-1")),
        "found.txt": str(isfdb.find(db, "*")),
        "session.txt": str([(cell.source, cell.error) for cell in db.entry("last").session.cells]),
    }
    for name, text in made.items():
        (tmp_path / name).write_text(text)
    isfdb.export(db, tmp_path / "bundle.zip", format="bundle")
    isfdb.export(db, tmp_path / "prov.json", format="prov")
    assert planted.found_in(tmp_path) == {}
