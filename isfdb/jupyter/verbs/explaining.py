"""Verbs that explain: code, lineage, diff, whence. Nothing is run but by ``code --check``."""

from __future__ import annotations

from typing import Any, Final

from isfdb.jupyter.here import Here, refuse_unexpanded
from isfdb.jupyter.lines import LineParser, number_of
from isfdb.jupyter.verbs.verb import Verb


def _code(arguments: Any, here: Here) -> Any:
    from isfdb.explaining.scripts import code

    db, key = here.key(arguments.words, "note" if arguments.check else "r")
    options = {name: getattr(arguments, name) for name in ("level", "all", "check", "trust")}
    script = code(db, key, version=number_of(arguments.number), timeout_s=arguments.timeout, **options)
    if arguments.notebook:
        script.to_notebook(arguments.notebook)
    return script


def _lineage(arguments: Any, here: Here) -> Any:
    from isfdb.tracing.walk import lineage

    db, key = here.key(arguments.words)
    options = {name: getattr(arguments, name) for name in ("direction", "depth", "git")}
    return lineage(db, key, version=arguments.number, **options)


def _diff_words(parser: LineParser) -> None:
    parser.add_argument("words", nargs="+", metavar="DB|KEY|LINK", help="databases, keys with or without @VERSION, or isfdb:// links")


def _diff(arguments: Any, here: Here) -> Any:
    from isfdb.comparing.differences import diff
    from isfdb.comparing.words import meant

    return diff(*meant(arguments.words, here.database, here.current_or_none()), rtol=arguments.rtol, atol=arguments.atol)


def _whence_words(parser: LineParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a figure, table or other file that a session wrote")


def _whence(arguments: Any, here: Here) -> Any:
    from isfdb.origins import whence

    refuse_unexpanded(arguments.file)
    return whence(arguments.file)


VERBS: Final = (
    Verb(
        "code",
        "give the script that made a value; nothing is run but with --check",
        "[DB] KEY",
        _code,
        "an isfdb.explaining.code_text.Code, which is a text",
        "code rates\ncode rates --check\ncode rates --level everything\ncode rates --notebook rates.ipynb",
        ("number", "level", "all", "check", "trust", "timeout", "notebook"),
    ),
    Verb(
        "lineage",
        "show what a value was made from, or what was made from it",
        "[DB] KEY",
        _lineage,
        "an isfdb.tracing.shown.Lineage, which shows itself as a picture",
        "lineage rates\nlineage rates --direction downstream\nlineage rates --git",
        ("direction", "depth", "number", "git"),
    ),
    Verb(
        "diff",
        "show in what two versions, keys or databases differ, and what may explain it",
        "DB|KEY|LINK ...",
        _diff,
        "an isfdb.comparing.difference.Difference, true where something differs",
        "diff rates\ndiff rates@1 rates@2\ndiff rates other_rates --rtol 1e-9\ndiff db old",
        ("rtol", "atol"),
        _diff_words,
    ),
    Verb(
        "whence",
        "find where an exported file came from",
        "FILE",
        _whence,
        "an isfdb.origins.Origins",
        "whence figure.png",
        add_words=_whence_words,
    ),
)
