"""What the tests of reports share: tags of a page, audits with verdicts of every kind, texts that try to run a script."""

from __future__ import annotations

import html.parser
import re

from isfdb.auditing.audited import Audit, AuditedDatabase
from isfdb.auditing.rows import AuditRow
from isfdb.replaying.verdict import Run, Verdict

HOSTILE = "<script>document.title='hacked'</script><img src=x onerror=\"document.title='hacked'\"></style></pre>"

_WHERE = {"host": "node7", "python": "3.11.2", "isfdb": "0.5.0"}


class Tags(html.parser.HTMLParser):
    """Collects tags, their attributes and ids; complains about tags that are not closed in order."""

    VOID = frozenset({"meta", "link", "img", "br", "polyline", "rect", "path", "input"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def of(self, name: str) -> list[dict[str, str | None]]:
        """Return the attributes of each tag of a kind."""
        return [attributes for tag, attributes in self.tags if tag == name]


def pictures(page: str) -> list[str | None]:
    """Return the sources of the pictures that were stored, without heat maps."""
    return [one.get("src") for one in Tags(page).of("img") if one.get("class") == "i-picture"]


def section(page: str, key: str) -> str:
    """Return the section of a key."""
    from isfdb.reporting.accounts import anchor_of

    found = re.search(f'<article [^>]*id="{anchor_of(key)}".*?</article>', page, re.DOTALL)
    assert found, f"there is no section of {key}"
    return found[0]


def verdict(version, status: str, because: str = "", detail: str = "", **facts) -> Verdict:
    """Return a verdict about a version."""
    when = "2026-11-21T14:30:05+00:00"
    return Verdict(version.key, version.number, str(version.link), status, because, detail, when=when, where=_WHERE, **facts)


def audit_of(db, verdicts: dict[str, tuple], lacks: dict[str, tuple[str, ...]] | None = None) -> Audit:
    """Return an audit that gave each key the verdict named: status, because, detail, what supports it."""
    rows = []
    for key in sorted(db.keys(recurse=True)):
        version = db.entry(key).newest
        status, *more = verdicts.get(key, ("",))
        run = Run("statements", "current", compared=status, duration_s=1.5, output="it printed this")
        given = verdict(version, status, *more[:2], runs=(run,), **(more[2] if len(more) > 2 else {})) if status else None
        missing = (lacks or {}).get(key, ())
        row = AuditRow(db.path, key, version.number, str(version.link), not missing, missing, given, "" if given else "time")
        rows.append(row)
    audited = AuditedDatabase(db.id, db.name, db.path, None, len(rows))
    return Audit((audited,), tuple(rows), "2026-11-21T14:30:00+00:00", "2026-11-21T14:33:20+00:00", {}, 3, _WHERE)
