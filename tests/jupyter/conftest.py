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
def shell(tmp_path, tmp_path_factory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Start an IPython shell in an empty folder, with nothing kept from other tests and no history on disk."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    from isfdb.provenance.cells import unwatch

    _forget_modules_below(tmp_path_factory.getbasetemp())
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
    _forget_modules_below(tmp_path)


def _forget_modules_below(folder: Path) -> None:
    """Take away modules that tests imported from their folders: the files go with the tests, and whatever is recorded would miss them."""
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__dict__", {}).get("__file__") or "").startswith(f"{folder}{os.sep}"):
            del sys.modules[name]
