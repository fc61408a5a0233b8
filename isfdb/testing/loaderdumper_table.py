"""Writes the reference's table of loaderdumpers from what the modules say of themselves: each one's ``about``.

``python -m isfdb.testing.loaderdumper_table --write docs/reference/loaderdumpers.md`` brings the page up to date; without ``--write``
the table is printed.
"""

from __future__ import annotations

import argparse
import inspect
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

_COLUMNS: Final = ("type", "loaderdumper", "format", "exact", "lazy", "append", "safe")
_MOST_TYPES: Final = 4
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
    """Return the tables of loaderdumpers, as Markdown.

    First from type to format: those chosen by ``check`` in the order asked, then those used when named. Then what each keeps in which
    files, and its options.

    Parameters
    ----------
    modules : Mapping
        Name to module.
    """
    told = sorted((int(getattr(module, "priority", DEFAULT_PRIORITY)), name, module) for name, module in modules.items())
    chosen = [(name, module) for _, name, module in told if not getattr(module, "explicit_only", False)]
    named = sorted([(name, module) for _, name, module in told if getattr(module, "explicit_only", False) and not _only_reads(module)])
    reading = sorted([(name, module) for _, name, module in told if _only_reads(module)])
    parts = [
        "Chosen by themselves, in the order in which they are asked:",
        markdown(_COLUMNS, [_row(*one) for one in chosen]),
        "Only when named, by `db.set(key, value, dumper=...)` or a method of the database:",
        markdown(_COLUMNS, [_row(*one) for one in named]),
        *(["Only to read what ISF wrote:", markdown(_COLUMNS, [_row(*one) for one in reading])] if reading else []),
        "## What is kept, in which files",
        markdown(("loaderdumper", "keeps", "files", "lazy", "extra"), [_kept(*one) for one in sorted(chosen + named)]),
        "## Options",
        markdown(
            ("loaderdumper", "when storing", "when reading"), [row for one in sorted(chosen + named) if any((row := _options(*one))[1:])]
        ),
    ]
    return "\n\n".join(parts) + "\n"


def markdown(names: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Return a table with these columns, as Markdown."""
    return "\n".join(f"| {' | '.join(row)} |" for row in [names, ("---",) * len(names), *rows])


def _row(name: str, module: Any) -> tuple[str, ...]:
    about = getattr(module, "about", _UNKNOWN)
    types = _short(about["types"][:_MOST_TYPES])
    more = len(about["types"]) - _MOST_TYPES
    return (
        ", ".join(types) + (f" and {more} more" if more > 0 else ""),
        f"`{name}`",
        about["format"],
        _word(about["exact"]),
        _word(bool(about["lazy"])),
        _word(about["append"]),
        _safety(module),
    )


def _short(types: Iterable[str]) -> list[str]:
    """Return dotted names in code, of the first of each library in full, of others and of our own without where they come from."""
    found, told = [], {"isfdb", "loaderdumpers"}
    for one in types:
        library = one.partition(".")[0]
        found.append(f"`{one.rpartition('.')[2] if library in told else one}`")
        told.add(library)
    return found


def _kept(name: str, module: Any) -> tuple[str, ...]:
    about = getattr(module, "about", _UNKNOWN)
    extra = getattr(module, "extra", "")
    return f"`{name}`", about["keeps"], about["files"] or "none", about["lazy"], f"`{extra}`" if extra else ""


def _options(name: str, module: Any) -> tuple[str, ...]:
    return f"`{name}`", _signature(module.dump), _signature(module.Loader.get)


def _signature(function: Any) -> str:
    """Return the options of a function with their defaults, each in code."""
    found = [one for one in inspect.signature(function).parameters.values() if one.kind is one.KEYWORD_ONLY]
    return ", ".join(f"`{one.name}={_default(one.default)}`" for one in found)


def _default(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _only_reads(module: Any) -> bool:
    return bool(getattr(module, "reads_only", False))


def _safety(module: Any) -> str:
    if getattr(module, "runs_code", False):
        return "runs code"
    return "as its parts" if getattr(module, "has_parts", False) else "yes"


def _word(is_true: bool) -> str:
    return "yes" if is_true else "no"


def replaced(page: str, text: str, begin: str = BEGIN, end: str = END) -> str:
    """Return a page with `text` between two marks.

    Raises
    ------
    ValueError
        The page has no such marks.
    """
    head, is_begun, rest = page.partition(begin)
    _, is_ended, tail = rest.partition(end)
    if not is_begun or not is_ended:
        raise ValueError(f"the page has no place for the table; write these two lines where it goes:\n{begin}\n{end}")
    return f"{head}{begin}\n\n{text}\n{end}{tail}"


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
