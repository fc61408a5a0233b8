"""``isfdb demo``: the main job from start to end, with a real kernel and real measurements."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

import isfdb
from isfdb.demo.folder import demo_folder, is_usable
from isfdb.errors import DatabaseExistsError
from isfdb.verifying import verify


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("demo") / "shown"
    done = subprocess.run([sys.executable, "-m", "isfdb.cli", "demo", "--into", str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return folder, done.stdout


def test_it_says_where_and_shows_tree_metadata_cells_and_verdict(demo):
    folder, out = demo
    for part in (str(folder), "bootstrap_slopes", "penguins", "made by", "FAILED", "run again", "sound", "repeated    7 of 7"):
        assert part in out


def test_the_results_are_there_and_right(demo):
    with isfdb.open(demo[0] / "results", mode="r") as db:
        assert db.keys(recurse=True) == (
            "figures/mass_by_flipper",
            "fit/bootstrap_slopes",
            "fit/intercept",
            "fit/interval_95",
            "fit/residuals",
            "fit/slope",
            "penguins",
        )
        assert [len(db.get("penguins", version=number)) for number in (1, 2)] == [344, 342]
        assert round(db["fit/slope"], 2) == 49.69
        assert not verify(db)


def test_the_session_holds_the_failed_and_the_repeated_cell(demo):
    with isfdb.open(demo[0] / "results", mode="r") as db:
        cells = db.entry("fit/slope").session.cells
        ran = [(cell.cell_id, cell.outcome) for cell in cells]
        assert ("fit", "error") in ran
        assert ran.index(("fit", "error")) < ran.index(("clean", "ok")) < ran.index(("fit", "ok"))
        assert db.entry("fit/slope").cell.count == 5


def test_the_executed_notebook_is_kept(demo):
    notebook = nbformat.read(demo[0] / "penguins.ipynb", as_version=4)
    counts = {cell["id"]: cell.get("execution_count") for cell in notebook.cells if cell.cell_type == "code"}
    assert counts == {"start": 1, "read": 2, "fit": 5, "clean": 4, "doubt": 6, "draw": 7, "note": 8}


def test_the_page_shows_the_figure_the_frame_and_the_cells(demo):
    page = (demo[0] / "report.html").read_text(encoding="utf-8")
    for part in ("data:image/png;base64,", "Adelie", "<svg", "NameError", "run again", "Every file is there"):
        assert part in page


def test_it_runs_again_in_the_same_folder_and_adds_versions(demo):
    done = subprocess.run([sys.executable, "-m", "isfdb.cli", "demo", "--into", str(demo[0])], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "an earlier demo is there" in done.stdout
    with isfdb.open(demo[0] / "results", mode="r") as db:
        assert len(db.versions("penguins")) == 4


def test_somebody_elses_folder_is_not_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    foreign = tmp_path / "isfdb-demo"
    foreign.mkdir()
    (foreign / "thesis.txt").write_text("mine")
    assert demo_folder(None) == str(tmp_path / "isfdb-demo-2")
    with pytest.raises(DatabaseExistsError, match="holds other things"):
        demo_folder("isfdb-demo")
    assert not is_usable(str(foreign / "thesis.txt"))


def test_a_wrong_result_fails_the_demo_loudly(tmp_path: Path, demo, monkeypatch: pytest.MonkeyPatch):
    from isfdb.demo import read_back

    with isfdb.open(demo[0] / "results") as db:
        slope = db["fit/slope"]
        db["fit/slope"] = slope + 1
    try:
        assert read_back.main(str(demo[0])) == 1
    finally:
        with isfdb.open(demo[0] / "results") as db:
            db["fit/slope"] = slope


def test_damage_fails_the_demo_loudly(demo, capsys):
    from isfdb.demo import read_back

    with isfdb.open(demo[0] / "results", mode="r") as db:
        file = Path(db.versions("fit/residuals")[0].path) / "data.npy"
    content = file.read_bytes()
    file.chmod(0o644)
    file.write_bytes(content[:-1] + b"\x01")
    try:
        assert read_back.main(str(demo[0])) == 1
        assert "data.npy" in capsys.readouterr().out
    finally:
        file.write_bytes(content)
