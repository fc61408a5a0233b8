"""Runs the cells of a project as a notebook would: a real IPython shell in a process of its own. ``python notebook.py CELLS.json``."""

from __future__ import annotations

import json
import sys
from typing import Any


def main(path: str) -> int:
    """Run all cells; 1 if one went otherwise than the project says."""
    with open(path, encoding="utf-8") as file:
        cells = json.load(file)
    shell = _shell()
    surprises = 0
    for number, cell in enumerate(cells, 1):
        result = shell.run_cell(cell["source"], store_history=not cell["hidden"], silent=False, cell_id=f"cell-{number}")
        if result.success == cell["fails"]:
            surprises += 1
            print(f"cell {number} {'did not fail' if cell['fails'] else 'failed'}", file=sys.stderr)
    shell.atexit_operations()
    return min(surprises, 1)


def _shell() -> Any:
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    class NotebookShell(InteractiveShell):
        """As ipykernel's, which has event loops of its own."""

        def enable_gui(self, gui: Any = None) -> None:
            """Draw nowhere but inline."""

    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "NoColor"
    sys.path.insert(0, "")  # as a kernel does
    return NotebookShell.instance(config=config)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
