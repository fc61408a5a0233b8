"""Files that a session writes are found again: by their digest, by a link in them, among stored values."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

import isfdb
from isfdb.cli.main import main
from isfdb.errors import OptionError
from isfdb.provenance import cells, file_digests
from isfdb.provenance.file_links import link_in, link_of_cell, parse_link

SETUP = """
import os
os.environ.pop('PYTEST_CURRENT_TEST', None)
import isfdb, numpy as np, pandas as pd
import matplotlib
matplotlib.use('agg')
import matplotlib.pyplot as plt
db = isfdb.open('results')
"""
FIGURE = "fig, ax = plt.subplots()\nax.plot(x)\nfig.savefig('{name}')\nplt.close(fig)"


@pytest.fixture
def run(shell: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Run cells in a notebook that has stored 'rates' and 'other', for a user who has no other database."""
    cells.watch()
    monkeypatch.setenv("ISFDB_DATA_FOLDER", str(tmp_path / "own"))
    monkeypatch.delenv("PYTEST_CURRENT_TEST", raising=False)

    def run_cells(*sources: str) -> None:
        for source in sources:
            shell.run_cell(source, store_history=True).raise_error()

    run_cells(SETUP, "x = np.arange(5.0)\njunk = 4", "db['rates'] = x\ndb['other'] = junk")
    return run_cells


def settled(run) -> None:
    """Let the digests be computed, and one more cell end."""
    file_digests.wait(30)
    run("pass")


def rates() -> str:
    return isfdb.open("results").entry("rates").link


@pytest.mark.parametrize("name", ["a.png", "a.svg", "a.pdf"])
def test_a_figure_is_found_by_its_digest_under_any_name(run, name: str) -> None:
    run(FIGURE.format(name=name))
    settled(run)
    shutil.copy(name, f"copy-of-{name}")
    found = isfdb.whence(f"copy-of-{name}")
    assert [(one.found_by, one.values, one.cell.count, one.file) for one in found] == [("digest", (rates(),), 4, os.path.abspath(name))]
    assert "fig.savefig" in found[0].code
    assert "junk" not in found[0].code
    assert link_in(name) is None


@pytest.mark.parametrize(
    "source",
    [
        "np.save('t.npy', x)",
        "np.savetxt('t.txt', x)",
        "pd.DataFrame({'a': x}).to_csv('t.csv')",
        "pd.DataFrame({'a': x}).to_parquet('t.parquet')",
        "pd.DataFrame({'a': x}).to_json('t.json')",
        "import json\nwith open('t.json', 'w') as file:\n    json.dump(list(x), file)",
        "import pathlib\np = pathlib.Path('t.txt').write_text(str(x))",
        "import pyarrow.feather as feather\nfeather.write_feather(pd.DataFrame({'a': x}), 't.feather')",
        "np.save('t.npy', db['rates'])",
    ],
)
def test_a_table_is_found_with_the_value_behind_it(run, source: str) -> None:
    run(source)
    settled(run)
    (path,) = Path().glob("t.*")
    assert [one.values for one in isfdb.whence(path)] == [(rates(),)]


@pytest.mark.parametrize("name", ["a.png", "a.svg", "a.pdf"])
def test_a_figure_holds_a_link_where_that_is_asked_for(run, name: str) -> None:
    run("isfdb.set_options(link_exports=True)", FIGURE.format(name=name))
    settled(run)
    Path(name).write_bytes(Path(name).read_bytes() + b"\n")  # the digest tells nothing any more
    found = isfdb.whence(name)
    assert [(one.found_by, one.values, one.at) for one in found] == [("link", (rates(),), 3)]
    run("isfdb.set_options(link_exports=False)")


def test_a_parquet_file_holds_a_link_and_stored_values_do_not(run) -> None:
    run(
        "isfdb.set_options(link_exports=True)",
        "frame = pd.DataFrame({'a': x})\nframe.to_parquet('t.parquet')",
        "db.set('f', frame, dumper='pandas_to_parquet')",
    )
    run("isfdb.set_options(link_exports=False)", "db.set('g', frame, dumper='pandas_to_parquet')")
    link = link_in("t.parquet")
    assert link is not None
    assert parse_link(link)[0] == isfdb.open("results").id
    db = isfdb.open("results")
    assert db.entry("f").metadata["digest"] == db.entry("g").metadata["digest"]


def test_a_file_written_before_anything_was_stored_is_found_all_the_same(shell, monkeypatch) -> None:
    cells.watch()
    monkeypatch.delenv("PYTEST_CURRENT_TEST", raising=False)
    for source in (SETUP, "x = np.arange(3.0)\nnp.save('early.npy', x)", "db['rates'] = x"):
        shell.run_cell(source, store_history=True).raise_error()
    file_digests.wait(30)
    shell.run_cell("pass", store_history=True)
    assert [one.values for one in isfdb.whence("early.npy")] == [(rates(),)]


def test_a_file_of_a_stored_value_is_found(run) -> None:
    shutil.copy(isfdb.open("results").entry("rates").path / "data.npy", "out.npy")
    assert [(one.found_by, one.values) for one in isfdb.whence("out.npy")] == [("stored", (rates(),))]


def test_nothing_is_told_of_a_file_that_nobody_wrote(run, capsys) -> None:
    Path("strange.txt").write_text("nobody knows me")
    assert not isfdb.whence("strange.txt")
    assert main(["whence", "strange.txt"]) == 1
    assert "no known database tells" in capsys.readouterr().out
    with pytest.raises(OptionError, match="there is no file"):
        isfdb.whence("missing.txt")


def test_the_command_and_the_magic_tell_the_same(run, shell, capsys) -> None:
    run("np.save('t.npy', x)", "%load_ext isfdb")
    settled(run)
    capsys.readouterr()
    assert main(["whence", "t.npy", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    run("found = %isfdb whence t.npy")
    assert [one.to_json() for one in shell.user_ns["found"]] == told["origins"]
    assert "np.save" in shell.user_ns["found"]._repr_mimebundle_()["text/html"]


def test_a_forged_link_or_log_is_no_error(run, tmp_path) -> None:
    Path("forged.txt").write_text(link_of_cell("0" * 32, "20260101T000000-0123456789ab", 3, 1))
    assert not isfdb.whence("forged.txt")
    Path("forged.txt").write_text(f"isfdb://{isfdb.open('results').id}/?session=../../x&cell=3")
    assert not isfdb.whence("forged.txt")
