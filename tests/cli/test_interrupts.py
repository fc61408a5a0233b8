"""Ctrl-C at any moment of any verb: status 130, one line, no half-written file, no process and no folder that stays behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

import isfdb

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals are sent as POSIX has them")

_MAKE = """\
import isfdb, numpy, sys, time
db = isfdb.open('results')
with db.batch():
    for number in range(40):
        db[f'many/key{number:02}'] = number
def slow(n):
    time.sleep(0.2)
    return numpy.arange(n)
db['a'] = slow(10)
db['b'] = slow(100_000)
db['a'] = slow(12)
"""

#: As isfdb does, saying first that Ctrl-C is heard from now on.
_COMMAND = "import sys; from isfdb.cli.main import main; print('ready', file=sys.stderr, flush=True); sys.exit(main())"

#: Each in a folder with a copy of the database, and what may be written there.
VERBS = (
    ("ls results --jsonl", None),
    ("log results --cells", None),
    ("find results text:slow", None),
    ("diff results a b", None),
    ("verify results", None),
    ("lineage results a -o lineage.svg", "lineage.svg"),
    ("get results b -o b.npy", "b.npy"),
    ("code results a --check --trust", None),
    ("replay results a --trust", None),
    ("audit results --only a --only b --trust --jobs 2 --junit audit.xml", "audit.xml"),
    ("collect results", None),
    ("report results -o page.html", "page.html"),
    ("export results -o bundle.zip", "bundle.zip"),
    ("export results -o crate --format ro-crate", "crate"),
    ("export results a -o a.json", "a.json"),
    ("import isf new", "new"),
    ("registry scan .", None),
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a database that a script made, and one of ISF's."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "make.py").write_text(_MAKE)
    subprocess.run([sys.executable, "make.py"], cwd=folder, check=True, timeout=120)
    shutil.copytree(Path(__file__).parents[1] / "compatibility" / "data" / "isf" / "written_by_isf", folder / "isf")
    return folder


@pytest.fixture(autouse=True)
def hears_ctrl_c():
    """Undo what a shell does to what it starts with ``&``: Ctrl-C is ignored there, and by every process started from there."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


#: Tested with --long only: a start of Python each, and what they do is done by the others, too.
_ONLY_LONG = ("log", "diff", "lineage", "get", "code", "registry")


@pytest.mark.parametrize(("line", "written"), VERBS, ids=[line for line, _ in VERBS])
def test_ctrl_c_leaves_nothing_behind(line: str, written: str | None, made: Path, tmp_path: Path, long_run: bool):
    if not long_run and (line.split()[0] in _ONLY_LONG or (line.startswith("export") and not line.endswith(".zip"))):
        pytest.skip("runs only with --long")
    whole_s, _, _ = _run(line, made, tmp_path / "whole", None)
    statuses = []
    for number, share in enumerate((0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9) if long_run else (0.0, 0.6)):
        for attempt in range(10):
            folder = tmp_path / f"{number}-{attempt}"
            _, status, err = _run(line, made, folder, share * whole_s)
            if status in (0, 1, 130) or err.count("  File ") > 1:
                break  # else it was heard before the command began, in the line of this test that calls it
        statuses.append(status)
        if status == 130:
            assert [text for text in err.splitlines() if text != "ready" and "replay " not in text] == ["isfdb: interrupted"]
        else:  # it was done before
            assert (status in (0, 1), err.splitlines()[1:]) == (True, [])
        _check_folder(folder, written)
    assert statuses[0] == 130


def _run(line: str, made: Path, folder: Path, after_s: float | None) -> tuple[float, int, str]:
    """Run a verb in a copy of the database, send Ctrl-C to all its processes after some time, and wait until none of them is there."""
    shutil.copytree(made, folder, symlinks=True)
    (folder / "temporary").mkdir()
    surroundings = {name: text for name, text in os.environ.items() if name != "PYTEST_CURRENT_TEST"} | {
        "TMPDIR": str(folder / "temporary")
    }
    command = [sys.executable, "-c", _COMMAND, *line.split()]
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=folder, env=surroundings, text=True, start_new_session=True, **pipes) as process:
        assert process.stderr.readline() == "ready\n"
        began = time.monotonic()
        if after_s is not None:
            time.sleep(after_s)  # when it comes does not matter: whatever is going on then must end well
            os.killpg(process.pid, signal.SIGINT)  # as a terminal does: every process of the command hears it
        err = process.stderr.read()
        status = process.wait(60)
    took_s = time.monotonic() - began
    _wait(lambda: not _is_there(process.pid), f"a process of {line} goes on")
    return took_s, status, err


def _is_there(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def _wait(is_so, otherwise: str) -> None:
    until = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < until, otherwise
        time.sleep(0.05)


def _check_folder(folder: Path, written: str | None) -> None:
    """Check that nothing stays in the folder for temporary files, and beside the database only what was written, whole."""
    _wait(lambda: not list((folder / "temporary").iterdir()), f"left: {list((folder / 'temporary').iterdir())}")
    expected = {"results", "isf", "make.py", "temporary"}
    assert {path.name for path in folder.iterdir()} - expected <= {written}
    if written and (folder / written).exists():
        _check_whole(folder / written)
    assert not [finding for finding in isfdb.verify(isfdb.open(folder / "results", mode="r")) if finding.kind != "leftover"]
    assert not [path for path in (folder / "results").rglob(".stage-*") if path.parent.name != "staging"]


def _check_whole(path: Path) -> None:
    text = path.read_text(encoding="utf-8") if path.suffix in (".html", ".svg", ".json") else ""
    match path.suffix:
        case ".zip":
            assert zipfile.ZipFile(path).testzip() is None
        case ".json":
            json.loads(text)
        case ".html" | ".svg":
            assert text.rstrip().endswith((f"</{path.suffix[1:]}>",))
        case ".xml":
            assert path.read_text() == "" or path.read_text().rstrip().endswith("</testsuites>")
        case "" if path.name == "new":
            assert not isfdb.verify(isfdb.open(path, mode="r"))
        case "":
            assert (path / "ro-crate-metadata.json").exists()
