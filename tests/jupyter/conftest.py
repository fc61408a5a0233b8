"""A real IPython for tests of what happens in a notebook."""

from __future__ import annotations

import atexit
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def shell(tmp_path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Start an IPython shell in an empty folder, with nothing kept from other tests and no history on disk."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    from isfdb.provenance.cells import unwatch

    monkeypatch.chdir(tmp_path)
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
