"""Every Python block of the documents runs, page by page from top to bottom, or says why it does not.

``<!-- not run: reason -->`` above a block excuses it. What a page takes for granted, a database of a colleague's for example, it makes in
``<!-- prepared:`` ... ``-->``, Python that runs and is not shown.
"""

from __future__ import annotations

import builtins
import doctest
import importlib
import os
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import isfdb

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^(?:```(?:python|py)|<!-- prepared:)\n(.*?)^(?:```|-->)$", re.MULTILINE | re.DOTALL)
EXCUSE = re.compile(r"<!-- not run: \S.{5,} -->\s*\Z")
MODULES = sorted(module.name for module in pkgutil.walk_packages(isfdb.__path__, "isfdb.") if not module.name.endswith("__main__"))


def program_of(page: str) -> str:
    """Return the page's blocks that are to be run, each on the lines where it stands in the page."""
    program = ""
    for block in BLOCK.finditer(page):
        if EXCUSE.search(page[: block.start()]) is None:
            first_line = page.count("\n", 0, block.start(1))
            program += "\n" * (first_line - program.count("\n")) + block[1]
    return program


def pages_with_code() -> list[Path]:
    return [page for page in PAGES if program_of(page.read_text(encoding="utf-8")).strip() and "_build" not in page.parts]


@pytest.mark.parametrize("page", pages_with_code(), ids=lambda page: str(page.relative_to(ROOT)))
def test_the_examples_of_a_page_run(page: Path, tmp_path: Path):
    run_as_a_reader(page, tmp_path)


def test_the_first_two_pages_get_along_in_one_folder(tmp_path: Path):
    for page in (ROOT / "README.md", ROOT / "docs" / "tutorials" / "first_database.md"):
        run_as_a_reader(page, tmp_path)


def run_as_a_reader(page: Path, tmp_path: Path) -> None:
    script = tmp_path / f"page_{page.stem}.py"  # a script of its own, as a reader would run it, and not named like a library
    script.write_text(program_of(page.read_text(encoding="utf-8")), encoding="utf-8")
    work = tmp_path / "work"
    work.mkdir(exist_ok=True)
    environment = os.environ | {"ISFDB_DATA_FOLDER": str(tmp_path / "user"), "ISFDB_CACHE_FOLDER": str(tmp_path / "cache")}
    finished = subprocess.run([sys.executable, script], cwd=work, env=environment, capture_output=True, text=True, timeout=600)
    assert finished.returncode == 0, f"{page.relative_to(ROOT)} (line numbers are the page's):\n{finished.stdout}\n{finished.stderr}"


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_in_docstrings_run(module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(builtins, "_", None, raising=False)  # doctest leaves one behind, and IPython then keeps its own `_` back
    failed, _ = doctest.testmod(importlib.import_module(module), optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    assert failed == 0


def test_an_excuse_must_give_a_reason():
    assert program_of("<!-- not run: needs a cluster -->\n```python\n1 / 0\n```\n") == ""
    assert program_of("<!-- not run: -->\n```python\nx = 1\n```\n").strip() == "x = 1"
    assert program_of("a\nb\n```python\nx = 1\n```\n") == "\n\n\nx = 1\n"


def test_what_a_page_takes_for_granted_is_prepared_unseen():
    assert program_of("<!-- prepared:\nx = 1\n-->\n```python\nx\n```\n").split() == ["x", "=", "1", "x"]
