"""Runs the cells of a case as a notebook would: a real IPython shell, numbered cells, an event loop, figures shown inline."""

from __future__ import annotations

import sys
from typing import Any

from .reading import Case


def run_notebook(case: Case, sources: list[str], *, address: str = "") -> list[str]:
    """Run `sources` in place of the cells of `case`; return what went otherwise than the case says."""
    shell = _shell()
    surprises = []
    for number, (cell, source) in enumerate(zip(case.cells, sources, strict=True), 1):
        result = shell.run_cell(
            source.replace("{{address}}", address),
            store_history=not cell.hidden,
            silent=False,
            cell_id=cell.cell_id or f"cell-{number}",
        )
        if not result.success and not cell.fails:
            surprises.append(f"cell {number} failed: {result.error_before_exec or result.error_in_exec!r}")
        if result.success and cell.fails and source == cell.source:
            surprises.append(f"cell {number} did not fail")
    shell.atexit_operations()
    return surprises


def _shell() -> Any:
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    class NotebookShell(InteractiveShell):
        """As ipykernel's, which has event loops of its own."""

        def enable_gui(self, gui: Any = None) -> None:
            """Draw nowhere but inline."""

    config = Config()
    config.HistoryManager.enabled = False
    sys.path.insert(0, "")  # as a kernel does
    return NotebookShell.instance(config=config)
