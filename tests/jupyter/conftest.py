"""A real IPython for tests of what happens in a notebook."""

from __future__ import annotations

import atexit
import os
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def shell(tmp_path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Start an IPython shell in an empty folder, with nothing kept from other tests and no history on disk."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    from isfdb.provenance.cells import unwatch

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])  # a cell may lead it to modules of its own
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])  # IPython puts its own there, and leaves it
    config = Config()
    config.HistoryManager.enabled = False
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance(config=config)
    yield shell
    unwatch()
    atexit.unregister(shell.atexit_operations)  # it may run only once, and the shell ends here
    shell.atexit_operations()
    InteractiveShell.clear_instance()
    for name in [name for name, module in list(sys.modules.items()) if _lies_in(module, tmp_path)]:
        del sys.modules[name]  # its file goes with the test, and would be missing in what others record


def _lies_in(module: Any, folder: Path) -> bool:
    return str(getattr(module, "__dict__", {}).get("__file__") or "").startswith(f"{folder}{os.sep}")
