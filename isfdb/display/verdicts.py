"""What came of making a value again, as HTML: for a notebook, and in pieces for a page. It judges nothing; every text is escaped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from isfdb.display import html
from isfdb.display.badges import kind_of, sign_of
from isfdb.display.safe import escape, escape_lines
from isfdb.display.words import count_text, duration_text, moment_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: Besides the style of everything.
VERDICT_STYLE: Final = (
    ".isfdb .i-verdict{display:inline-block;border:1.5px solid currentColor;border-radius:1em;padding:0 .7em;font-weight:600;"
    "white-space:nowrap;margin-right:.4em}"
    ".isfdb .i-detail{margin:.2em 0 .5em}"
    ".isfdb .i-lines{margin:.2em 0 .5em;padding-left:1.6em}.isfdb .i-lines li{margin:.1em 0}"
)

_MOST_LINES: Final = 40
_MOST_RUNS: Final = 20
_MOST_OUTPUT: Final = 4_000


def badge(status: str) -> str:
    """Return a status as a word with a sign, in its colour; any other word than a status gets the sign of what is not known."""
    sign = sign_of(status)
    return f'<span class="i-verdict i-v-{kind_of(status)}"><span aria-hidden="true">{sign}</span> {escape(status, 40)}</span>'


def verdict_html(verdict: Any) -> str:
    """Return a verdict as HTML that stands alone in a notebook.

    Parameters
    ----------
    verdict : Verdict
    """
    head = f"{badge(verdict.status)}<b>{escape(f'{verdict.key}@{verdict.version}')}</b>{_because(verdict)}"
    return html.fragment(f"<style>{VERDICT_STYLE}</style>", f'<p class="i-head">{head}</p>', *verdict_parts(verdict))


def _because(verdict: Any) -> str:
    return f' <span class="i-muted">because: <b>{escape(verdict.because, 80)}</b></span>' if verdict.because else ""


def verdict_parts(verdict: Any) -> list[str]:
    """Return what a verdict rests on, without its head, as pieces of HTML: the sentence, evidence, differences, runs, notes."""
    return [
        f'<p class="i-detail">{escape(verdict.detail, 2000)}</p>' if verdict.detail else "",
        html.table(("shown by", "what was found"), verdict.evidence[:_MOST_LINES], limit=2000) if verdict.evidence else "",
        _lines("difference", verdict.differences, is_open=True),
        _runs(verdict),
        _lines("note", verdict.notes, is_open=False),
        f'<p class="i-muted">{escape(how_made(verdict), 1000)}</p>',
    ]


def _lines(what: str, lines: Sequence[str], *, is_open: bool) -> str:
    if not lines:
        return ""
    shown = "".join([f"<li>{escape(line, 1000)}</li>" for line in lines[:_MOST_LINES]])
    more = f"<li>… {len(lines) - _MOST_LINES:,} more</li>" if len(lines) > _MOST_LINES else ""
    return html.folded(count_text(len(lines), what), f'<ul class="i-lines">{shown}{more}</ul>', is_open=is_open)


def _runs(verdict: Any) -> str:
    if not verdict.runs:
        return ""
    names = ("run", "script", "environment", "set otherwise", "outcome", "took", "because")
    rows = [
        (str(number), run.level, run.environment, run.changed, run.compared or run.outcome, duration_text(run.duration_s), run.because)
        for number, run in enumerate(verdict.runs[:_MOST_RUNS], 1)
    ]
    output = "".join(_outputs(verdict.runs[:_MOST_RUNS]))
    return html.folded(count_text(len(verdict.runs), "run"), html.table(names, rows, limit=1000) + output)


def _outputs(runs: Sequence[Any]) -> Iterator[str]:
    for number, run in enumerate(runs, 1):
        if run.output.strip():
            title = f"what run {number} printed"
            yield (
                f'<p class="i-muted">{title}</p><pre class="i-code" tabindex="0" role="group" aria-label="{title}">'
                f"{escape_lines(run.output, _MOST_OUTPUT)}</pre>"
            )


def how_made(verdict: Any) -> str:
    """Return when, where and with which tolerance a verdict was reached, in a line."""
    where = " ".join([f"{name} {verdict.where[name]}" for name in ("python", "isfdb") if verdict.where.get(name)])
    tolerance = ", ".join([f"{name} {number:g}" for name, number in verdict.tolerance.items() if number is not None])
    facts = [
        f"replayed {moment_text(verdict.when)}" if verdict.when else "",
        f"on {verdict.where['host']}" if verdict.where.get("host") else "",
        f"in the {verdict.environment} environment" if verdict.environment in ("current", "recorded") else f"with {verdict.environment}",
        where,
        f"tolerance: {tolerance}" if tolerance else "tolerance: a few units in the last place",
        "found in the database, nothing was run now" if verdict.recorded else "",
    ]
    return " · ".join([fact for fact in facts if fact])
