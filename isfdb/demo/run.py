"""The demo from start to end: a real notebook stores results, another process reads them back and explains them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from isfdb.demo.folder import DATABASE, NOTEBOOK, REPORT, demo_folder, fill, is_earlier_demo
from isfdb.demo.kernel import Ran, run_cells
from isfdb.display.safe import visible

if TYPE_CHECKING:
    from collections.abc import Callable

#: The order in which the cells run: the fit fails, what it lacks is made further down, and it is run again.
ORDER = ("start", "read", "fit", "clean", "fit", "doubt", "draw", "note")


def run_demo(into: str | None, say: Callable[[str], None]) -> bool:
    """Run the demo and return whether everything was as it should be.

    Parameters
    ----------
    into : str, optional
        Folder; by default ``isfdb-demo`` in the current folder.
    say : callable
        Called with each line to show.

    Raises
    ------
    DatabaseExistsError
        The folder holds something else.
    """
    started = time.monotonic()
    folder = demo_folder(into)
    again = " (an earlier demo is there: its keys get new versions)" if is_earlier_demo(folder) else ""
    say(f"The demo goes into {visible(folder, 1000)}{again}\n")
    fill(folder)
    sound = _store(folder, say) and _read_back(folder, say)
    say("")
    say(_farewell(folder) if sound else f"The demo FAILED. What there is lies in {visible(folder, 1000)}.")
    say(f"It took {time.monotonic() - started:.1f} s.")
    return sound


def _store(folder: str, say: Callable[[str], None]) -> bool:
    say(f"A notebook runs in a kernel: {NOTEBOOK}")
    ran = []
    for cell in run_cells(os.path.join(folder, NOTEBOOK), ORDER):
        ran.append(cell)
        again = ", run again" if [earlier.cell_id for earlier in ran].count(cell.cell_id) > 1 else ""
        outcome = f"failed: {visible(cell.error, 70)}" if cell.error else f"ok{again}"
        say(f"  [{cell.count}] {visible(_headline(cell), 48):<48}  {outcome}")
    unexpected = _unexpected(ran)
    for problem in unexpected:
        say(f"  ! {problem}")
    return not unexpected


def _headline(cell: Ran) -> str:
    stores = [line for line in cell.source.splitlines() if line.startswith("db")]
    return stores[0] if stores else cell.source.splitlines()[-1]


def _unexpected(ran: list[Ran]) -> list[str]:
    failed = [number for number, cell in enumerate(ran) if cell.error]
    if failed == [ORDER.index("fit")]:
        return []
    wrong = [f"cell {cell.cell_id!r} failed: {visible(cell.error)}" for cell in ran if cell.error and cell.cell_id != "fit"]
    return wrong or [f"the fit should fail once, the first time; failures were at {failed}"]


def _read_back(folder: str, say: Callable[[str], None]) -> bool:
    say("\nAnother process reads it back")
    command = [sys.executable, "-m", "isfdb.demo.read_back", folder]
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    # In a session of its own, because Ctrl-C is for this process to answer: it then ends the other one.
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8", env=environment, start_new_session=True) as process:
        try:
            for line in process.stdout or ():
                say(f"  {line}".rstrip())
        except BaseException:
            process.kill()
            raise
    return process.returncode == 0


def _farewell(folder: str) -> str:
    here = os.path.relpath(folder)
    folder = folder if here.startswith("..") else here
    database = os.path.join(folder, DATABASE)
    return (
        f"All as it should be. Look at it yourself:\n"
        f"  open {os.path.join(folder, REPORT)} in a browser\n"
        f"  isfdb ls {database}\n"
        f"  isfdb show {database} fit/slope\n"
        f"  isfdb log {database} --cells"
    )
