"""Writes the reference's table of loaderdumpers from what the modules say of themselves: each one's ``about``.

``python -m isfdb.testing.loaderdumper_table --write docs/reference/loaderdumpers.md`` brings the page up to date; without ``--write``
the table is printed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Final

from isfdb.interfaces import DEFAULT_PRIORITY
from isfdb.plugins import GROUP

BEGIN: Final = "<!-- Written by python -m isfdb.testing.loaderdumper_table, from each module's `about` -->"
END: Final = "<!-- End of what is written -->"

_COLUMNS: Final = ("type", "what is kept", "loaderdumper", "format", "files", "exact", "lazy", "append", "safe", "extra")
_MOST_TYPES: Final = 5
_UNKNOWN: Final = {"types": (), "keeps": "", "format": "", "files": "", "exact": False, "lazy": "", "append": False}


def built_in() -> dict[str, Any]:
    """Return the loaderdumpers that isfdb brings: name to module."""
    return {point.name: point.load() for point in entry_points(group=GROUP) if point.value.partition(".")[0] == "loaderdumpers"}


def of_package(names: Iterable[str]) -> dict[str, Any]:
    """Return modules by their dotted names, for the table of another package.

    Examples
    --------
    >>> sorted(of_package(["loaderdumpers.to_json"]))
    ['to_json']
    """
    return {name.rpartition(".")[2]: import_module(name) for name in names}


def table(modules: Mapping[str, Any]) -> str:
    """Return the tables of loaderdumpers, as Markdown: those chosen by ``check`` in the order asked, then those used when named.

    Parameters
    ----------
    modules : Mapping
        Name to module.
    """
    told = sorted((int(getattr(module, "priority", DEFAULT_PRIORITY)), name, module) for name, module in modules.items())
    by_name = sorted(told, key=lambda one: one[1])
    chosen = [_row(name, module) for _, name, module in told if not getattr(module, "explicit_only", False)]
    named = [_row(name, module) for _, name, module in by_name if getattr(module, "explicit_only", False) and not _only_reads(module)]
    reading = [_row(name, module) for _, name, module in by_name if _only_reads(module)]
    parts = [
        "Chosen by themselves, in the order in which they are asked:",
        _markdown(chosen),
        "Only when named, by `db.set(key, value, dumper=...)` or a method of the database:",
        _markdown(named),
        *(["Only to read what ISF wrote:", _markdown(reading)] if reading else []),
    ]
    return "\n\n".join(parts) + "\n"


def _only_reads(module: Any) -> bool:
    return bool(getattr(module, "reads_only", False))


def _markdown(rows: list[tuple[str, ...]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in [_COLUMNS, ("---",) * len(_COLUMNS), *rows])


def _row(name: str, module: Any) -> tuple[str, ...]:
    about = getattr(module, "about", _UNKNOWN)
    types = [f"`{one}`" for one in about["types"][:_MOST_TYPES]]
    more = len(about["types"]) - _MOST_TYPES
    extra = getattr(module, "extra", "")
    return (
        ", ".join(types) + (f" and {more} more" if more > 0 else ""),
        about["keeps"],
        f"`{name}`",
        about["format"],
        about["files"] or "none",
        _word(about["exact"]),
        about["lazy"] or "no",
        _word(about["append"]),
        _safety(module),
        f"`isfdb[{extra}]`" if extra else "",
    )


def _safety(module: Any) -> str:
    if getattr(module, "runs_code", False):
        return "runs code"
    return "as its parts" if getattr(module, "has_parts", False) else "yes"


def _word(is_true: bool) -> str:
    return "yes" if is_true else "no"


def replaced(page: str, text: str) -> str:
    """Return a page with `text` between its marks.

    Raises
    ------
    ValueError
        The page has no such marks.
    """
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has no place for the table; write these two lines where it goes:\n{BEGIN}\n{END}")
    return f"{head}{BEGIN}\n\n{text}\n{END}{tail}"


def main(arguments: list[str] | None = None) -> None:
    """Print the table, or write it into a page."""
    parser = argparse.ArgumentParser(prog="python -m isfdb.testing.loaderdumper_table", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--write", metavar="PAGE", type=Path, help="put the table between the marks of this Markdown page")
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="dotted names of loaderdumpers; default: those of isfdb")
    given = parser.parse_args(arguments)
    text = table(of_package(given.modules) if given.modules else built_in())
    if given.write is None:
        sys.stdout.write(text)
        return
    given.write.write_text(replaced(given.write.read_text(encoding="utf-8"), text), encoding="utf-8")


if __name__ == "__main__":
    main()
