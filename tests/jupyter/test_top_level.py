"""The line of the cell at which a session stands, asked from below it in a real IPython shell."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

_PROBE = """
import isfdb
from isfdb.provenance.activities import running
from isfdb.provenance.top_level import line_in_cell

def where():
    return line_in_cell(running())

def deeper(depth):
    return where() if depth == 0 else deeper(depth - 1)
"""

_CASES = {
    "a statement": ("x = 1\nfound = where()", 2),
    "a call of several lines counts from where it stands": ("found = deeper(\n    3\n)", 1),
    "empty lines at the beginning do not count": ("\n\nx = 1\nfound = deeper(40)", 2),
    "a loop": ("for i in range(3):\n    y = i\n    found = where()", 3),
    "a line magic": ("z = 1\n%time found = where()", 2),
    "a cell magic gives the line of its body": ("%%time\na = 1\nfound = where()", 2),
    "a capturing magic gives the line of its body": ("%%capture out\na = 1\nb = 2\nfound = where()", 3),
    "awaited code": ("import asyncio\nasync def later():\n    await asyncio.sleep(0)\n    return where()\nfound = await later()", 5),
    "a cell run by a cell": ("a = 1\n_ = get_ipython().run_cell('b = 1\\nb = 2\\nfound = where()')", 3),
    "a list comprehension": ("a = 1\nfound = [where() for _ in range(2)][0]", 2),
}


@pytest.mark.parametrize("case", _CASES)
def test_the_line_is_that_of_the_top_level(shell: Any, case: str) -> None:
    source, line = _CASES[case]
    shell.run_cell(_PROBE, store_history=True).raise_error()
    shell.run_cell(source, store_history=True).raise_error()
    assert shell.user_ns["found"] == line


def test_a_thread_of_a_cell_stands_at_no_line(shell: Any) -> None:
    shell.run_cell(_PROBE, store_history=True).raise_error()
    source = "import threading\nall_found = []\nt = threading.Thread(target=lambda: all_found.append(where()))\nt.start()\nt.join()"
    shell.run_cell(source, store_history=True).raise_error()
    assert shell.user_ns["all_found"] == [None]


def test_a_script_stands_at_the_line_of_its_own_file(tmp_path) -> None:
    script = tmp_path / "script.py"
    script.write_text(_PROBE + "\n\nprint(deeper(3))\n")
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True)
    assert int(done.stdout) == len(_PROBE.splitlines()) + 3
