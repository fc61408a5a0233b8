"""Which verbs there are, grouped by what people want to do. One file a verb beside this one, imported when it is needed."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

#: What people want, and the verbs for it, in the order in which help shows them.
GROUPS: Final[dict[str, tuple[str, ...]]] = {
    "begin": ("demo", "open"),
    "look": ("ls", "show", "get", "log", "find", "serve"),
    "understand how a result was made": ("code", "lineage", "diff", "whence"),
    "check": ("verify", "replay", "audit", "seal"),
    "keep in order": ("attributes", "rename", "copy", "delete", "attach", "snapshot", "collect"),
    "hand on": ("report", "export", "import"),
    "set up": ("registry", "trust", "completion"),
}
VERBS: Final = tuple(verb for verbs in GROUPS.values() for verb in verbs)


def module_of(verb: str) -> Any:
    """Return the module of a verb: ``SUMMARY``, ``EXAMPLES``, ``add_arguments``, ``run``."""
    return import_module(f"isfdb.cli.{verb}")


def groups_text() -> str:
    """Return all verbs with their summaries, for help."""
    left = max(map(len, VERBS)) + 2
    blocks = [[f"{title}:", *[f"  {verb:{left}}{module_of(verb).SUMMARY}" for verb in verbs]] for title, verbs in GROUPS.items()]
    return "\n\n".join("\n".join(block) for block in blocks)
