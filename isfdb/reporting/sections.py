"""The section of one key on the report: verdict, glimpse of the value, script, inputs, lineage, environment, risks. It only shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Protocol

from isfdb.auditing.completeness import advice_on
from isfdb.display import html
from isfdb.display.badges import kind_of
from isfdb.display.descriptions import described
from isfdb.display.entries import made_pairs
from isfdb.display.safe import escape
from isfdb.display.summaries import UNREADABLE, KeySummary, version_summary
from isfdb.display.verdicts import badge, verdict_parts
from isfdb.display.words import count_text, size_text, time_text
from isfdb.entry import version_of
from isfdb.errors import KeyNotFoundError
from isfdb.provenance.records import UsedFile
from isfdb.reporting.accounts import BAD, Account
from isfdb.reporting.environments import Environments
from isfdb.reporting.links import Links
from isfdb.reporting.previews import Previews
from isfdb.reporting.scripts import Scripts
from isfdb.tracing.drawing import draw
from isfdb.tracing.svg import svg
from isfdb.tracing.walk import lineage
from isfdb.versions import numbers_of

if TYPE_CHECKING:
    from isfdb.replaying.verdict import Verdict

_MOST_SHOWN: Final = 30
_MOST_BOXES: Final = 40
_NEAR: Final = 6


class CellsOnPages(Protocol):
    """Knows where the cell that stored a version is told of."""

    def link(self, record: Mapping[str, Any]) -> str:
        """Return a sentence that leads there."""


class Glimpses(Protocol):
    """Shows something of a value."""

    def of(self, key: str, anchor: str, version: Any) -> str:
        """Return it as HTML."""


class Sections:
    """Makes the sections; what several keys share is gathered while they are made, and shown once, below.

    Parameters
    ----------
    db : Database
    accounts : sequence of Account
        Those that have a section.
    cells : CellsOnPages
        Where the cells stand.
    links : Links, optional
        Where what is named leads; default: to its section on this page.
    previews : Glimpses, optional
        Shows values; default: within what one page may load of all of them together.
    is_alone : bool
        There is one section on the page, so its script is shown at once.
    """

    def __init__(
        self,
        db: Any,
        accounts: list[Account],
        cells: CellsOnPages,
        links: Links | None = None,
        *,
        previews: Glimpses | None = None,
        is_alone: bool = False,
    ) -> None:
        self._db = db
        self._cells = cells
        self._is_alone = is_alone
        self._links = links or Links({str(account.summary.link): account.anchor for account in accounts if account.summary.link})
        self.scripts = Scripts()
        self.environments = Environments(db.root._storage, self._links)
        self._previews = previews or Previews()
        self._printed: dict[tuple[str, ...], str] = {}
        for account in accounts:
            if account.version is not None:
                self.scripts.add(account.key, account.anchor, account.version)

    def of(self, account: Account) -> str:
        """Return the section of a key."""
        name = account.anchor
        head = (
            f'<div class="r-head"><h4 id="h{name}">{escape(account.key, 300)}</h4>{badge(account.status)}'
            f'<span class="r-what">{escape(account.summary.what)}</span></div>'
        )
        body = "".join(self.body(account))
        return f'\n<article class="r-key r-{kind_of(account.status)}" id="{name}" aria-labelledby="h{name}">{head}{body}</article>'

    def body(self, account: Account) -> Iterator[str]:
        """Give what stands below the name of a key."""
        yield _findings(account)
        version = account.version
        if version is None:
            yield f'<p class="i-bad">It cannot be read: {escape(account.summary.problem, 600)}</p>'
            return
        yield self._verdict(account)
        yield self._previews.of(account.key, account.anchor, version)
        yield self._attributes(account)
        folds: list[str] = []
        try:
            folds += self._folds(account)  # what was made before something failed is shown
        except UNREADABLE as error:
            yield f'<p class="i-bad">Its record cannot be understood: {escape(error, 300)}</p>'
        yield f'<div class="r-folds">{"".join(folds)}</div>'

    def _folds(self, account: Account) -> Iterator[str]:
        version, is_bad = account.version, account.status in BAD
        yield self._replayed(account)
        yield _lacks(account)
        yield _risks(version.risks, is_open=is_bad)
        yield _fold("script", self.scripts.of(account.key), is_open=is_bad or self._is_alone)
        yield self._inputs(version)
        yield _fold("lineage", self._lineage(account))
        yield _fold("environment and code", self._surroundings(account))
        yield _fold("all that is recorded", self._facts(account))

    def _verdict(self, account: Account) -> str:
        """Return the verdict where it is more than that all went well."""
        verdict = account.verdict
        if verdict is None:
            return f'<p class="i-muted">{escape(account.detail, 400)}</p>' if account.detail else ""
        if not _is_told(account):
            return ""
        because = f'<p class="r-because">Because: <b>{escape(verdict.because, 80)}</b></p>' if verdict.because else ""
        return because + self._parts(account, verdict)

    def _replayed(self, account: Account) -> str:
        verdict = account.verdict
        return "" if verdict is None or _is_told(account) else _fold("how it was replayed", self._parts(account, verdict))

    def _parts(self, account: Account, verdict: Verdict) -> str:
        """Return what a verdict rests on. What one run printed, which made many values, stands under the first of them."""
        printed = tuple([run.output for run in verdict.runs])
        first = self._printed.setdefault(printed, account.anchor)
        if first == account.anchor or not any(printed):
            return "".join(verdict_parts(verdict)) + _claim(account)
        silent = replace(verdict, runs=tuple([replace(run, output="") for run in verdict.runs]))
        link = f'<p class="i-muted">The runs printed the same as under <a href="#{first}">another value</a>.</p>'
        return "".join(verdict_parts(silent)) + link + _claim(account)

    def _attributes(self, account: Account) -> str:
        try:
            attributes = self._db.attributes[account.key]
        except KeyNotFoundError:
            return ""  # an earlier version of a key that was deleted
        pairs = [(str(name), str(attributes[name])) for name in attributes]
        return f'<div class="r-attributes">{html.facts(pairs)}</div>' if pairs else ""

    def _inputs(self, version: Any) -> str:
        inputs = version.inputs
        if not inputs:
            return ""
        rows = "".join([f"<tr>{self._input(one)}</tr>" for one in inputs[:_MOST_SHOWN]])
        more = f'<p class="i-muted">and {len(inputs) - _MOST_SHOWN:,} more</p>' if len(inputs) > _MOST_SHOWN else ""
        table = html.table_around(("made from", "size", "digest"), rows)
        return _fold(f"made from {count_text(len(inputs), 'input')}", table + more)

    def _input(self, used: Any) -> str:
        if isinstance(used, UsedFile):
            about = "written by this session" if used.written_here else used.because
            told = f"{escape(used.path, 400)}{f' <span class=i-muted>{escape(about, 200)}</span>' if about else ''}"
            size = size_text(used.size) if used.size is not None else ""
            return f"<td>file {told}</td><td>{size}</td><td><code>{escape((used.digest or '')[:16])}</code></td>"
        link = _linked(self._links.value(used.link), used.link)
        return f"<td>value {link}</td><td></td><td><code>{escape((used.digest or '')[:16])}</code></td>"

    def _lineage(self, account: Account) -> str:
        # One page for many keys is made once; where each has its own, nobody waits for what is far away.
        depth = _NEAR if self._is_alone else None
        found = lineage(self._db, account.key, version=account.version.number, depth=depth)
        drawing = draw(found.graph, most_nodes=_MOST_BOXES)
        # What a box tells when pointed at would be most of the page: the text of cells stands below, once.
        boxes = tuple([replace(box, title="" if box.kind == "activity" else box.title[:200]) for box in drawing.boxes])
        title = f"lineage of {account.key}: what it was made from"
        picture = svg(replace(drawing, boxes=boxes), title, alone=False, styled=False, link=self._links.box)
        stale = "".join([f'<p class="i-bad">It would come out different now: {escape(reason, 600)}</p>' for reason in found.stale])
        hidden = f'<p class="i-muted">{drawing.hidden:,} more are only counted.</p>' if drawing.hidden else ""
        return f'<div class="i-wide" tabindex="0">{picture}</div>{stale}{hidden}'

    def _surroundings(self, account: Account) -> str:
        record = account.version.record
        made = [pair for pair in made_pairs(record) if pair[0] not in ("environment", "session")]
        where = self._cells.link(record)
        return f"{self.environments.of(account.key, record)}{where}{html.facts(made)}"

    def _facts(self, account: Account) -> str:
        version, summary = account.version, account.summary
        pairs = [
            *described(version.describe).facts,
            ("stored", f"{time_text(summary.created)} as version {summary.version} by {summary.dumper}"),
            ("size", size_text(summary.nbytes)),
            ("digest", summary.digest),
            ("link", summary.link),
        ]
        return html.facts(pairs) + self._versions(account)

    def _versions(self, account: Account) -> str:
        if account.version.number < 2:
            return ""
        version, key = account.version, account.key
        storage, folder = version._storage, version._folder.rpartition("/")[0]
        newest = [*reversed(numbers_of(storage, folder))][:_MOST_SHOWN]  # there may be thousands
        versions = [version_of(storage, folder, key, version.database_id, number) for number in newest]
        rows = "".join([self._version(key, version_summary(one, key)) for one in versions])
        return html.table_around(("version", "stored", "what", "size", "digest"), rows)

    def _version(self, key: str, told: KeySummary) -> str:
        link = _linked(self._links.version(key, told.version or 0), f"v{told.version}")
        cells = (time_text(told.created), told.what, size_text(told.nbytes), told.digest[:16])
        return f"<tr><td>{link}</td>{''.join([f'<td>{escape(cell, 120)}</td>' for cell in cells])}</tr>"


def _linked(address: str, text: str) -> str:
    return f'<a href="{escape(address, 20_000)}">{escape(text, 400)}</a>' if address else escape(text, 400)


def _fold(title: str, body: str, *, is_open: bool = False) -> str:
    return f'<details class="r-fold"{" open" if is_open else ""}><summary>{escape(title)}</summary><div>{body}</div></details>'


def _findings(account: Account) -> str:
    if not account.findings:
        return ""
    lines = [f"{one.kind}{f' {one.file}' if one.file else ''}: {one.message}" for one in account.findings[:_MOST_SHOWN]]
    items = "".join([f"<li>{escape(line, 600)}</li>" for line in lines])
    return f'<div class="r-found"><p><span aria-hidden="true">⚠</span> Not as it was stored:</p><ul class="i-lines">{items}</ul></div>'


def _is_told(account: Account) -> bool:
    return account.status in BAD or account.status == "close"


def _claim(account: Account) -> str:
    return (
        '<p class="i-muted">Found in the database without your signature: a claim, which was not checked here.</p>'
        if account.is_claim
        else ""
    )


def _lacks(account: Account) -> str:
    if not account.lacks:
        return ""
    rows = [(lack, advice_on(lack)) for lack in account.lacks[:_MOST_SHOWN]]
    return _fold(
        f"not explained: {count_text(len(account.lacks), 'thing')} missing", html.table(("what is missing", "what to do"), rows, limit=500)
    )


def _risks(risks: tuple[Any, ...], *, is_open: bool) -> str:
    if not risks:
        return ""
    rows = [(risk.kind, risk.line, risk.advice) for risk in risks[:_MOST_SHOWN]]
    title = f"{count_text(len(risks), 'risk')} to making it again"
    return _fold(title, html.table(("risk", "line", "what to do"), rows, limit=300), is_open=is_open)
