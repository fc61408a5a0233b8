"""Adds ``%isfdb`` to an IPython session and takes it away again. Recording what runs does not depend on it."""

from __future__ import annotations

from typing import Any

_NAME = "isfdb"


def load(shell: Any) -> None:
    """Register the magic; loading twice is loading once."""
    from isfdb.jupyter.magics import IsfdbMagics

    if IsfdbMagics.__name__ not in shell.magics_manager.registry:
        shell.register_magics(IsfdbMagics)


def unload(shell: Any) -> None:
    """Take the magic away; variables that it bound belong to the user and stay."""
    from isfdb.jupyter.magics import IsfdbMagics

    if shell.magics_manager.registry.pop(IsfdbMagics.__name__, None) is not None:
        shell.magics_manager.magics["line"].pop(_NAME, None)
