"""The tab Actions: make a value again, verify it, export it, get its link or the code that loads it. Long work runs in a thread."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from isfdb.display import file_link, html
from isfdb.display.safe import escape, escape_lines
from isfdb.display.verdicts import VERDICT_STYLE, badge, verdict_parts
from isfdb.display.words import count_text
from isfdb.errors import OptionError
from isfdb.jupyter.browsing.tabs.inserting import loading_button
from isfdb.jupyter.browsing.tabs.jobs import Progress, Work
from isfdb.jupyter.browsing.tabs.pieces import Notice, button, column, fitted, note, piece, row, show
from isfdb.jupyter.browsing.tabs.subject import Subject
from isfdb.replaying.replay_records import known_verdicts

if TYPE_CHECKING:
    from isfdb.findings import Findings
    from isfdb.replaying.verdict import Verdict

_ENVIRONMENTS: Final = (("packages of this notebook", "current"), ("packages recorded with it", "recorded"))
_FORMATS: Final = (("by the file's name", ""), ("bundle", "bundle"), ("RO-Crate", "ro-crate"), ("PROV-JSON", "prov"))
_MOST_FINDINGS: Final = 200


def tab(subject: Subject) -> Any:
    """Return the widget."""
    return _Actions(subject).widget


def static(subject: Subject) -> str:
    """Return what is on record, and what to type for the rest."""
    key = subject.key
    typed = [f"isfdb.replay(db, {key!r})", f"isfdb.verify(db, key={key!r})", f"isfdb.export(db, 'result.zip', key={key!r})"]
    lines = "\n".join(["import isfdb", f"db = isfdb.open({subject.db.path!r})", *typed, f"value = db[{key!r}]"])
    return verdict_on_record(subject) + html.facts([("link", subject.version.link)]) + html.code(lines, "what to type for the rest")


def verdict_on_record(subject: Subject) -> str:
    """Return what is known of replays of the version, as HTML; nothing is run."""
    version = subject.version
    found = known_verdicts(version._storage, version.record)
    if not found:
        return note("Nobody replayed this version so far, as far as the database tells.")
    own = {one.when for one in known_verdicts(version._storage, version.record, mine=True)}
    is_mine = found[-1].when in own
    claim = "" if is_mine else note("Found in the database without your signature: a claim, which was not checked here.")
    return verdict_html(found[-1]) + claim


def verdict_html(verdict: Verdict) -> str:
    """Return a verdict with its evidence as a piece of HTML."""
    because = f' <span class="i-muted">because: <b>{escape(verdict.because, 80)}</b></span>' if verdict.because else ""
    head = f'<p class="i-head">{badge(verdict.status)}version {verdict.version}{because}</p>'
    return f"<style>{VERDICT_STYLE}</style>{head}{''.join(verdict_parts(verdict))}"


def findings_html(findings: Findings) -> str:
    """Return what a verification found as a piece of HTML."""
    first, _, rest = str(findings).partition("\n")
    if not findings:
        return f'<p><span aria-hidden="true">✓</span> {escape(first, 600)}</p>' + (f"<pre>{escape_lines(rest)}</pre>" if rest else "")
    rows = [(one.kind, "" if one.version is None else f"v{one.version}", one.file or "", one.message) for one in findings]
    title = f'<p class="i-bad"><span aria-hidden="true">⚠</span> {count_text(len(rows), "finding")}: not as it was stored</p>'
    return title + html.table(("what", "version", "file", "message"), rows[:_MOST_FINDINGS], limit=600)


class _Actions:
    """The buttons, and the place where their outcome is shown."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.notice = Notice()
        self.work = Work(self.notice)
        self.outcome = piece(verdict_on_record(subject))
        self.link = _link_field()
        insert, code = loading_button(subject, self.notice)
        others = row(
            button("verify", "Check that every file of this key is there and is what was stored", self.notice, self._verify, icon="check"),
            button("copy link", "Show the permanent link of the newest version, to be copied", self.notice, self._show_link, icon="link"),
            insert,
        )
        self.widget = column(
            self._replay_row(), others, self._export_row(), self.notice.widget, self.link, code, self.work.widget, self.outcome
        )

    def _replay_row(self) -> Any:
        import ipywidgets as widgets

        self.environment = fitted(
            widgets.Dropdown(options=_ENVIRONMENTS, value="current", description="with", tooltip="with which packages")
        )
        self.again = _checkbox("though it is known", "run it though a verdict is on record")
        self.trust = _checkbox("I read the code and trust it", "run it though nothing shows that you wrote it")
        replay = button("replay", "Make the value again in a clean process, and compare", self.notice, self._replay, icon="refresh")
        return row(replay, self.environment, self.again, self.trust)

    def _export_row(self) -> Any:
        import ipywidgets as widgets

        name = "".join([one if one.isalnum() or one in "-_." else "_" for one in self.subject.key])[:80].strip(".") or "result"
        target = widgets.Text(
            value=f"{name}.zip", placeholder="a .zip, a .json or a folder", description="to", tooltip="file or folder to write"
        )
        self.target = fitted(target, width="18em")
        self.format = fitted(widgets.Dropdown(options=_FORMATS, value="", description="as", tooltip="what to write"))
        tooltip = "Write the value with code and provenance, for those who have no isfdb"
        return row(button("export", tooltip, self.notice, self._export, icon="download"), self.target, self.format)

    def _show_link(self) -> None:
        self.link.value = self.subject.version.link
        self.link.layout.display = ""
        self.notice.say("Select the link below, and copy it; isfdb.load(link) reads it wherever the database lies then.")

    # Long work ---------------------------------------------------------------------------------------------------------------------

    def _replay(self) -> None:
        asked = {"environment": self.environment.value, "again": self.again.value, "trust": self.trust.value}
        self._start("replaying", lambda progress: _replayed(self.subject, progress, asked), self._show_verdict)

    def _show_verdict(self, verdict: Verdict) -> None:
        show(self.outcome, verdict_html(verdict))
        self.subject.changed()

    def _verify(self) -> None:
        from isfdb.verifying import verify

        def done(found: Findings) -> None:
            show(self.outcome, findings_html(found))

        self._start("verifying", lambda _: verify(self.subject.db, key=self.subject.key), done)

    def _export(self) -> None:
        from isfdb.exporting.run import export

        target, form = self.target.value.strip(), self.format.value or None
        if not target:
            raise OptionError("give the name of a file or folder to write: result.zip, say.")
        self._start("exporting", lambda _: export(self.subject.db, target, key=self.subject.key, format=form), self._show_export)

    def _show_export(self, done: Any) -> None:
        is_file = os.path.isfile(done.path)
        link = file_link(os.path.relpath(done.path)) if is_file and _is_below_here(done.path) else ""
        show(self.outcome, f"<p>{escape_lines(done, 4000)}</p>{link}")

    def _start(self, doing: str, act: Any, done: Any) -> None:
        self.work.start(f"{doing} {self.subject.key}", act, done)


def _link_field() -> Any:
    import ipywidgets as widgets

    field = fitted(widgets.Text(description="link", tooltip="permanent link to the newest version"))
    field.layout.display = "none"
    return field


def _checkbox(words: str, tooltip: str) -> Any:
    import ipywidgets as widgets

    return widgets.Checkbox(value=False, description=words, tooltip=tooltip, indent=False, layout={"width": "auto"})


def _is_below_here(path: str) -> bool:
    here = os.getcwd()
    return os.path.commonpath([here, os.path.abspath(path)]) == here


def _replayed(subject: Subject, progress: Progress, asked: dict[str, Any]) -> Verdict:
    """Do what ``isfdb.replay`` does, and tell of the steps here."""
    from isfdb.replaying.asked import Asked
    from isfdb.replaying.jobs import jobs_of, replay_job
    from isfdb.replaying.replays import known_verdict, with_kept

    options = Asked(**asked)
    version = subject.version
    (job,) = jobs_of(subject.db, [version], options)
    known = None if options.again else known_verdict(job, version)
    if known is not None:
        return known
    (verdict,) = replay_job(subject.db, job, options, on_output=progress.output, on_step=progress.step)
    return with_kept(version, verdict)
