"""Verbs that hand results on, or take them over: report, export, import."""

from __future__ import annotations

from typing import Any, Final

from IPython.core.error import UsageError

from isfdb import display
from isfdb.database import Database
from isfdb.display.safe import visible
from isfdb.jupyter.here import Here, refuse_unexpanded
from isfdb.jupyter.lines import LineParser
from isfdb.jupyter.verbs.verb import Verb


def _report_words(parser: LineParser) -> None:
    parser.add_argument("--audit", metavar="VARIABLE", help="an audit: audit = %%isfdb audit (default: the verdicts on record)")


def _report(arguments: Any, here: Here) -> display.Text:
    from isfdb.reporting.reports import report

    db = here.one_database(arguments.words)
    audit = _audit_named(arguments.audit, here) if arguments.audit else None
    path = report(db, arguments.to or f"{db.name}-report.html", audit=audit, verify=not arguments.no_verify)
    return display.Text(visible(path, 4000), display.file_link(path))


def _audit_named(name: str, here: Here) -> Any:
    from isfdb.auditing.audited import Audit

    found = here.names.get(name)
    if not isinstance(found, Audit):
        raise UsageError(f"--audit {visible(name, 40)} is no variable that holds an audit. Make one: audit = %isfdb audit")
    return found


def _export_words(parser: LineParser) -> None:
    parser.add_argument("-o", "--to", metavar="FILE", required=True, help="a .json, a .zip, or a folder to make")


def _export(arguments: Any, here: Here) -> Any:
    from isfdb.exporting.run import export

    db, key = here.database_or_key(arguments.words)
    options = {name: getattr(arguments, name) for name in ("format", "versions", "inputs", "licence", "overwrite")}
    return export(db, arguments.to, key=key, data=not arguments.no_data, **options)


def _import_words(parser: LineParser) -> None:
    parser.add_argument("old", metavar="OLD", help="a database of ISF: its folder, or its id in the registry")
    parser.add_argument("new", metavar="NEW", nargs="?", help="where to: a variable or a folder, made if need be (default: the open one)")


def _import(arguments: Any, here: Here) -> Any:
    from isfdb.migration import import_isf
    from isfdb.opening import open as open_database

    new = here.database(arguments.new, "a") if arguments.new else here.current()
    variable = here.names.get(arguments.old)
    refuse_unexpanded(arguments.old)
    if isinstance(variable, Database) and not arguments.trust:
        return import_isf(variable, new, progress=True)
    return import_isf(open_database(arguments.old, mode="r", trust=arguments.trust), new, progress=True)


VERBS: Final = (
    Verb(
        "report",
        "write one HTML page about a database: values, how they were made, whether they could be made again",
        "[DB]",
        _report,
        "the path of the page, which shows itself as a link",
        "report\nreport results -o audit.html\nreport --audit audit",
        ("to", "no_verify"),
        _report_words,
    ),
    Verb(
        "export",
        "write results and their provenance for people and programs that have no isfdb",
        "[DB] [KEY]",
        _export,
        "an isfdb.exporting.run.Exported: what was exported, and what was not",
        "export rates -o rates.zip\nexport -o crate --format ro-crate\nexport -o records.json",
        ("format", "no_data", "versions", "inputs", "licence", "overwrite"),
        _export_words,
    ),
    Verb(
        "import",
        "copy a database that ISF wrote into one of our own",
        "OLD [NEW]",
        _import,
        "an isfdb.migration.Imported: what was copied, and what was not",
        "import old_isf\nimport old_isf db --trust",
        ("trust",),
        _import_words,
    ),
)
