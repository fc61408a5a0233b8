"""An audit as JUnit XML: a suite for each database, a case for each value, as GitLab, Jenkins and the actions of GitHub read it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree

from isfdb.auditing.rows import NOT_ASKED, AuditRow, Scores, is_bad
from isfdb.auditing.shown import because_of
from isfdb.display.safe import visible, visible_lines

if TYPE_CHECKING:
    from isfdb.auditing.audited import Audit, AuditedDatabase

#: What XML 1.0 cannot hold, even as an escape.
_FORBIDDEN: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MOST_TEXT: Final = 10_000


def junit(audit: Audit) -> str:
    """Return an audit as JUnit XML.

    A value that came out different is a failure, one that could not be made again an error, one that was not tried is skipped. What
    verify found is a case of its own.

    Parameters
    ----------
    audit : Audit
    """
    suites = [_suite(audit, database) for database in audit.databases]
    top = ElementTree.Element("testsuites", {"name": "isfdb audit", **_sums(suites)})
    top.extend(suites)
    ElementTree.indent(top)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(top, encoding="unicode") + "\n"


def _suite(audit: Audit, database: AuditedDatabase) -> ElementTree.Element:
    rows = audit.of(database)
    cases = [*_verified(database), *[_case(row, database) for row in rows]]
    counts = {kind: str(sum([case.find(kind) is not None for case in cases])) for kind in ("failure", "error", "skipped")}
    totals = {"tests": str(len(cases)), "failures": counts["failure"], "errors": counts["error"], "skipped": counts["skipped"]}
    time_s = sum([float(case.get("time", "0")) for case in cases])
    facts = {
        "name": _line(database.name),
        "timestamp": audit.began[:19],
        "time": f"{time_s:.3f}",
        "hostname": _line(audit.where.get("host", "")),
    }
    suite = ElementTree.Element("testsuite", {**facts, **totals})
    properties = ElementTree.SubElement(suite, "properties")
    told = {"database": database.id, "path": database.path, **{name: count for name, count, _ in Scores.of(rows).lines()}}
    for name, value in told.items():
        ElementTree.SubElement(properties, "property", {"name": name, "value": _line(value)})
    suite.extend(cases)
    return suite


def _sums(suites: list[ElementTree.Element]) -> dict[str, str]:
    sums = {name: str(sum([int(suite.get(name, "0")) for suite in suites])) for name in ("tests", "failures", "errors", "skipped")}
    return sums | {"time": f"{sum([float(suite.get('time', '0')) for suite in suites]):.3f}"}


def _verified(database: AuditedDatabase) -> list[ElementTree.Element]:
    if database.findings is None:
        return []
    case = ElementTree.Element("testcase", {"classname": _line(database.name), "name": "files and records", "time": "0.000"})
    if database.findings.serious:
        lines = "\n".join([str(one) for one in database.findings.serious])
        _add(case, "failure", "findings", f"{len(database.findings.serious)} serious findings", lines)
    return [case]


def _case(row: AuditRow, database: AuditedDatabase) -> ElementTree.Element:
    within, _, _ = row.key.rpartition("/")
    classname = ".".join([database.name, *([within.replace("/", ".")] if within else [])])
    duration_s = sum([run.duration_s or 0.0 for run in row.verdict.runs]) if row.verdict is not None else 0.0
    case = ElementTree.Element(
        "testcase", {"classname": _line(classname), "name": _line(f"{row.key}@{row.version}"), "time": f"{duration_s:.3f}"}
    )
    verdict = row.verdict
    if is_bad(row):
        kind = "error" if verdict is not None and not verdict.ran else "failure"
        told = verdict.because or verdict.status if verdict is not None else "not explained"
        _add(case, kind, told, f"{row.label}{f': {because_of(row)}' if because_of(row) else ''}", str(verdict or "\n".join(row.lacks)))
    elif verdict is None and row.skipped != NOT_ASKED:
        ElementTree.SubElement(case, "skipped", {"message": _line(row.apart or row.skipped)})
    elif row.lacks or row.made_from:
        ElementTree.SubElement(case, "system-out").text = _text(because_of(row))
    return case


def _add(case: ElementTree.Element, kind: str, what: str, message: str, text: str) -> None:
    ElementTree.SubElement(case, kind, {"type": _line(what), "message": _line(message)}).text = _text(text)


def _line(text: str) -> str:
    return _FORBIDDEN.sub("?", visible(text, 1000))


def _text(text: str) -> str:
    return _FORBIDDEN.sub("?", visible_lines(text, _MOST_TEXT))
