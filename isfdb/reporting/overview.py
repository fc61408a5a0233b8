"""The first screen of the report: how it stands in one sentence, counts, scores, what verify found, what needs a look."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from isfdb.auditing.rows import MEANING
from isfdb.display import html
from isfdb.display.badges import SIGNS, kind_of
from isfdb.display.safe import escape
from isfdb.display.verdicts import badge
from isfdb.display.words import count_text, size_text
from isfdb.findings import Findings
from isfdb.replaying.verdict import MEANING as MEANING_OF_STATUS
from isfdb.reporting.accounts import BAD, NOT_REPLAYED, UNREADABLE_KEY, Account
from isfdb.reporting.links import Links
from isfdb.reporting.subject import Subject, here

_MOST_LISTED: Final = 100
_MOST_NAMED: Final = 60
_MOST_FINDINGS: Final = 300

_MEANING: Final = {
    **MEANING_OF_STATUS,
    NOT_REPLAYED: "nobody has made it again yet",
    UNREADABLE_KEY: "its record cannot be read",
}


def name_of(status: str) -> str:
    """Return a status as a part of an id or a class."""
    return status.replace(" ", "-")


def opening(subject: Subject, made: str) -> str:
    """Return the head of the page: which database, when, by whom."""
    db = subject.db
    nbytes = sum([account.summary.nbytes or 0 for account in subject.accounts if not account.summary.reclaimed])
    facts = html.facts(
        [
            ("where", str(db.path)),
            ("id", str(db.id)),
            ("holds", f"{count_text(len(subject.accounts), 'key')}, {size_text(nbytes)}"),
            ("audited", subject.when or "never"),
            ("by", by_whom(subject.where)),
            ("page made", f"{made} by {by_whom(here())}"),
        ]
    )
    return f'<header class="r-top" id="top"><p class="r-kind">Report of a database</p><h1>{escape(db.name)}</h1>{facts}</header>'


def by_whom(where: Mapping[str, str]) -> str:
    """Return with which isfdb and Python, and on which computer; empty where that is not known."""
    words = (("isfdb", "isfdb"), ("with Python", "python"), ("on", "host"))
    return " ".join([f"{word} {where[name]}" for word, name in words if where.get(name)])


def result(subject: Subject, links: Links) -> str:
    """Return how it stands: a sentence, counts by verdict, scores, what verify found."""
    return "".join(
        [
            _sentence(subject),
            _never(subject),
            _bar(subject),
            _tiles(subject, links),
            _scores(subject),
            _verified(subject.findings),
            _notes(subject),
        ]
    )


def _sentence(subject: Subject) -> str:
    counts = subject.counts
    serious = len(subject.findings.serious) if subject.findings is not None else 0
    told = [f"{counts['different']:,} came out different"] if counts.get("different") else []
    told += [f"{counts['not runnable']:,} could not be made again"] if counts.get("not runnable") else []
    told += [f"{counts[UNREADABLE_KEY]:,} cannot be read"] if counts.get(UNREADABLE_KEY) else []
    told += [f"verify has {count_text(serious, 'finding')}"] if serious else []
    n_same = sum([counts.get(status, 0) for status in ("close", "equal", "identical")])
    if told:
        return _headline("bad", "✗", f"Of {count_text(len(subject.accounts), 'value')}, {_joined(told)}.")
    if n_same and n_same == len(subject.accounts):
        return _headline("good", "✓", f"All {count_text(n_same, 'value')} came out the same when made again.")
    if n_same:
        return _headline("good", "✓", f"{n_same:,} of {count_text(len(subject.accounts), 'value')} were made again, and came out the same.")
    return _headline("none", "○", "Nothing here has been made again yet.")


def _joined(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _headline(kind: str, sign: str, text: str) -> str:
    return f'<p class="r-headline r-{kind}"><span class="r-sign" aria-hidden="true">{sign}</span> {escape(text, 400)}</p>'


def _never(subject: Subject) -> str:
    if any(account.verdict for account in subject.accounts) or not subject.accounts:
        return ""
    name = escape(subject.db.name)
    return (
        '<div class="r-never"><p>No replay is on record, so this page cannot say whether the values can be made again. To find out, run '
        f"<code>isfdb audit {name}</code>, or <code>isfdb.audit(db)</code> in Python, and make this page again.</p></div>"
    )


def _bar(subject: Subject) -> str:
    """Return the counts as one bar; the same is told in words beside it."""
    n = len(subject.accounts)
    if not n:
        return ""
    shapes, at = [], 0.0
    for status, count in subject.counts.items():
        width = count / n * 1000
        shapes.append(
            f'<rect class="r-part i-v-{kind_of(_coloured(status))}" x="{at:.1f}" y="0" width="{max(width - 2, 1):.1f}" height="14"/>'
        )
        at += width
    told = ", ".join([f"{count:,} {status}" for status, count in subject.counts.items()])
    about = f'role="img" aria-label="{escape(told, 400)}"'
    return f'<svg class="r-bar" viewBox="0 0 1000 14" preserveAspectRatio="none" {about}>{"".join(shapes)}</svg>'


def _coloured(status: str) -> str:
    return "different" if status == UNREADABLE_KEY else status


def _tiles(subject: Subject, links: Links) -> str:
    tiles = [
        f'<li class="i-v-{kind_of(_coloured(status))}"><a href="{links.status(name_of(status))}"><span class="r-count">{count:,}</span>'
        f'<span><span aria-hidden="true">{SIGNS.get(status, "✗" if status == UNREADABLE_KEY else "○")}</span> {status}</span></a>'
        f'<span class="i-muted">{_MEANING[status]}</span></li>'
        for status, count in subject.counts.items()
    ]
    return f'<ul class="r-tiles">{"".join(tiles)}</ul>' if tiles else '<p class="i-muted">The database is empty.</p>'


def _scores(subject: Subject) -> str:
    n = subject.scores.n
    counts = [(name, getattr(subject.scores, name)) for name in MEANING]
    rows = [
        f'<tr><th scope="row">{name}</th><td>{count:,} of {n:,}</td><td>{_share(count, n)}</td><td>{escape(MEANING[name])}</td></tr>'
        for name, count in counts
    ]
    return html.table_around(("score", "values", "share", "what it means"), "".join(rows), name="r-scores")


def _share(count: int, n: int) -> str:
    return f"{count * 1000 // n / 10:g} %" if n else ""  # rounded down: 999 of 1,000 are not 100 %


def _verified(findings: Findings | None) -> str:
    if findings is None:
        return '<p class="i-muted">Whether the files are whole was not checked for this page.</p>'
    if not findings:
        text = f"Every file is there and is what was stored: {count_text(findings.n_files, 'file')}, {size_text(findings.n_bytes)}."
        sound = f'<p class="r-good"><span aria-hidden="true">✓</span> {text}</p>'
        return sound + _unvouched(findings)
    rows = [(one.kind, one.key, f"v{one.version}" if one.version else "", one.file, one.message) for one in findings[:_MOST_FINDINGS]]
    kind = "bad" if findings.serious else "near"
    head = f'<p class="i-v-{kind}"><b><span aria-hidden="true">⚠</span> verify has {count_text(len(findings), "finding")}</b></p>'
    table = html.table(("kind", "key", "version", "file", "what was found"), rows, limit=300)
    return head + html.folded("what verify found", table, is_open=len(findings) <= 20) + _unvouched(findings)


def _unvouched(findings: Findings) -> str:
    if findings.note:
        return f'<p class="i-muted">Not vouched for: {escape(findings.note, 400)}</p>'
    if not findings.unvouched:
        return ""
    return f'<p class="i-muted">Not vouched for, because they may change in place: {escape(", ".join(findings.unvouched), 600)}</p>'


def _notes(subject: Subject) -> str:
    claims = sum([account.is_claim for account in subject.accounts])
    told = [*subject.notes]
    if claims:
        told.append(
            f"{count_text(claims, 'verdict')} found in the database without your signature: a claim, which this page did not check."
        )
    return "".join([f'<p class="i-muted">{escape(note, 600)}</p>' for note in told])


def to_look_at(subject: Subject, links: Links) -> str:
    """Return what needs a look, the worst first; empty where nothing does. Values that share a reason share a line."""
    reasons: dict[tuple[str, str, str], list[Account]] = {}
    for account in sorted([one for one in subject.accounts if one.status in BAD], key=lambda one: BAD.index(one.status)):
        because = account.verdict.because if account.verdict else ""
        reasons.setdefault((account.status, because, account.detail), []).append(account)
    if not reasons:
        return ""
    rows = "".join([_look(*reason, accounts, links) for reason, accounts in list(reasons.items())[:_MOST_LISTED]])
    hidden = len(reasons) - _MOST_LISTED
    more = f'<p class="i-muted">and {count_text(hidden, "more reason")}, below</p>' if hidden > 0 else ""
    return html.table_around(("key", "verdict", "because", "in a sentence"), rows) + more


def _look(status: str, because: str, detail: str, accounts: list[Account], links: Links) -> str:
    named = [f'<a href="{links.key(account.key)}">{escape(account.key, 120)}</a>' for account in accounts[: _MOST_NAMED + 1]]
    rest = len(accounts) - 1
    left_out = f" and {rest - _MOST_NAMED:,} more" if rest > _MOST_NAMED else ""
    others = f"<details><summary>and {rest:,} more</summary>{', '.join(named[1:])}{left_out}</details>" if rest else ""
    cells = f"<td>{badge(status)}</td><td>{escape(because, 80)}</td><td>{escape(detail, 300)}</td>"
    return f'<tr><th scope="row">{named[0]}{others}</th>{cells}</tr>'


def choice(subject: Subject) -> Iterator[str]:
    """Give the buttons that show one verdict only; the browser does it by style alone."""
    if len(subject.counts) < 2:
        return
    options = [
        ("all", f"all {len(subject.accounts):,}"),
        *[(name_of(status), f"{status} {count:,}") for status, count in subject.counts.items()],
    ]
    yield '<fieldset class="r-choice"><legend>Show values that are</legend>'
    for name, text in options:
        checked = " checked" if name == "all" else ""
        yield f'<span><input type="radio" name="shown" id="only-{name}"{checked}><label for="only-{name}">{text}</label></span>'
    yield "</fieldset>"


def choice_style(subject: Subject) -> str:
    """Return the rules by which the buttons work."""
    return "".join([f"body:has(#only-{name_of(one)}:checked) .r-group:not(#all-{name_of(one)}){{display:none}}" for one in subject.counts])
