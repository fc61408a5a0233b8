"""Tells IPython's completer what may stand at the cursor. It knows IPython; what is offered, it asks its neighbours."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from IPython.core.completer import SimpleCompletion, context_matcher

from isfdb.jupyter.completing import lines, strings
from isfdb.jupyter.here import Here

_log = logging.getLogger(__name__)


def matcher(here: Here, parser_of: Callable[[str], Any]) -> Any:
    """Return what IPython asks at each Tab.

    Parameters
    ----------
    here : Here
        What the magics know of the session.
    parser_of : callable
        Gives the parser of a verb; None for what is no verb.
    """

    def isfdb(context: Any) -> Any:
        try:
            found = _found(context.text_until_cursor, here, parser_of)
            if found is None:
                return {"completions": []}
            typed, names, kind = found
            texts = _behind(typed, context.token, names, context.line_with_cursor[context.cursor_position :])
        except Exception:  # noqa: BLE001 - what cannot be completed is typed; a traceback would stand in the user's line
            _log.debug("completing failed", exc_info=True)
            return {"completions": []}
        return {"completions": [SimpleCompletion(text, type=kind) for text in texts], "suppress": True, "ordered": True}

    return context_matcher(identifier="isfdb")(isfdb)


def _found(text: str, here: Here, parser_of: Callable[[str], Any]) -> tuple[str, list[str], str] | None:
    """Return the word at the cursor, what it may become, and what that is; None where it is none of ours."""
    typed = lines.typed_of(text)
    if typed is not None:
        return typed.word, lines.endings(typed, here, parser_of), "magic"
    begun = strings.begun_in(text, here)
    return None if begun is None else (f"{begun.quote}{begun.typed}", strings.endings(begun), "dict key")


def _behind(typed: str, token: str, names: list[str], rest: str) -> list[str]:
    """Return of each name what takes the place of IPython's token, which begins behind the last space, quote or sign that was typed."""
    before = typed[: len(typed) - len(token)] if typed.endswith(token) else ""
    texts = [name[len(before) :] for name in names if name.startswith(before)]
    closing = rest[:1] if rest[:1] in ("'", '"') else ""  # front ends write it at once; it must not stand there twice
    return [text[:-1] if closing and text.endswith(closing) and len(text) > 1 else text for text in texts]
