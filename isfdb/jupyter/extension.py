"""Adds ``%isfdb``, its help and its completion to an IPython session and takes them away again. Recording does not depend on it."""

from __future__ import annotations

import re
from typing import Any

_NAME = "isfdb"
_ASKED = re.compile(r"(\s*%isfdb\s+[\w-]+)\s*\?{1,2}\s*")


def load(shell: Any) -> None:
    """Register the magic; loading twice is loading once."""
    from isfdb.jupyter.completing.matcher import matcher
    from isfdb.jupyter.magics import IsfdbMagics

    if IsfdbMagics.__name__ in shell.magics_manager.registry:
        return
    magics = IsfdbMagics(shell)
    shell.register_magics(magics)
    magics.matcher = matcher(magics.here, magics.parser_or_none)
    shell.input_transformers_cleanup.append(_with_help_asked)
    if getattr(shell, "Completer", None) is not None:
        shell.Completer.custom_matchers.append(magics.matcher)


def unload(shell: Any) -> None:
    """Take all of it away; variables that it bound belong to the user and stay."""
    from isfdb.jupyter.magics import IsfdbMagics

    magics = shell.magics_manager.registry.pop(IsfdbMagics.__name__, None)
    if magics is None:
        return
    for kind in ("line", "cell"):
        shell.magics_manager.magics[kind].pop(_NAME, None)
    for functions, ours in (
        (shell.input_transformers_cleanup, _with_help_asked),
        (getattr(getattr(shell, "Completer", None), "custom_matchers", []), magics.matcher),
    ):
        if ours in functions:
            functions.remove(ours)


def _with_help_asked(lines: list[str]) -> list[str]:
    """Read ``%isfdb show?`` as a question about the verb; IPython would look for an object named show."""
    return [f"{found[1]} --help\n" if (found := _ASKED.fullmatch(line)) else line for line in lines]
