"""All that is told about one key: what it is, which cell made it, with which code and packages, and its versions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from isfdb.display import html
from isfdb.display.cells import CellSummary, cell_html, cell_summaries, cells_text
from isfdb.display.descriptions import described
from isfdb.display.explanations import Explanation, explanation_lines, explanation_of, explanation_parts, labels_text
from isfdb.display.safe import visible
from isfdb.display.summaries import UNREADABLE, KeySummary, badged_summary, version_summary
from isfdb.display.text import facts_of, pairs_text, table_text
from isfdb.display.words import age_text, size_text, time_text

_MAX_VERSIONS = 20


@dataclass(frozen=True)
class EntryStory:
    """One key with its versions and what made the newest one."""

    summary: KeySummary
    versions: tuple[KeySummary, ...]
    cell: CellSummary | None
    made: tuple[tuple[str, str], ...]
    attributes: tuple[tuple[str, str], ...]
    explanation: Explanation = field(default_factory=Explanation)

    def to_json(self) -> dict[str, Any]:
        """Return the members that ``--json`` prints."""
        return {
            **self.summary.to_json(),
            "versions": [version.to_json() for version in self.versions],
            "cell": self.cell.to_json() if self.cell else None,
            "made": dict(self.made),
            "attributes": dict(self.attributes),
            **self.explanation.to_json(),
        }


def entry_story(entry: Any) -> EntryStory:
    """Collect what is told about a key; what cannot be read is told as such."""
    versions = tuple(version_summary(version, entry.key) for version in entry.versions)
    record = entry.newest.record
    return EntryStory(
        summary=badged_summary(entry.newest, entry.key),
        versions=versions,
        cell=_cell(entry),
        made=made_pairs(record if isinstance(record, Mapping) else {}),
        attributes=_attributes(entry),
        explanation=explanation_of(entry.newest),
    )


def _cell(entry: Any) -> CellSummary | None:
    try:
        cell = entry.cell
    except UNREADABLE:
        # The session record may have been left behind when a folder was moved by hand; the value is whole all the same.
        return None
    return cell_summaries([cell])[0] if cell is not None else None


def _attributes(entry: Any) -> tuple[tuple[str, str], ...]:
    try:
        return tuple((str(name), str(entry.attributes[name])) for name in entry.attributes)
    except UNREADABLE as error:
        return (("unreadable", str(error)),)


def made_pairs(record: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return, from a version's record, who made it, with which code and which packages."""
    by, code, activity = (_mapping(record.get(name)) for name in ("by", "code", "activity"))
    pairs = [
        ("by", " on ".join(str(by[name]) for name in ("user", "host") if by.get(name))),
        ("code", code_words(code)),
        ("session", str(activity.get("session") or "")),
        ("environment", str(record.get("environment") or "")),
        *((f"{name} unknown", str(why)) for name, why in _mapping(record.get("unknown")).items()),
    ]
    return tuple((name, fact) for name, fact in pairs if fact)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def code_words(code: Mapping[str, Any]) -> str:
    """Return what is known of the sources: the commit, the branch, whether there were changes beyond it."""
    commit = str(code.get("commit") or "")[:12]
    if not commit:
        return "not in a git commit" if code else ""
    branch = f" on {code['branch']}" if code.get("branch") else ""
    return f"commit {commit}{branch}{', with uncommitted changes' if code.get('dirty') else ''}"


def entry_lines(story: EntryStory, *, columns: int | None = None) -> str:
    """Return a key's story as text."""
    told = story.summary
    noted = described(told.describe or {})
    pairs = [
        ("what", told.what),
        *noted.facts,
        ("size", "reclaimed" if told.reclaimed else size_text(told.nbytes)),
        ("stored", f"{time_text(told.created)} ({age_text(told.created)}) as version {told.version} by {told.dumper}"),
        *(("notice", f"{badge.words}: {badge.title}" if badge.title else badge.words) for badge in told.badges),
        *story.made,
        ("slice", labels_text(story.explanation)),
        ("link", told.link),
        *((f"attribute {name}", value) for name, value in story.attributes),
    ]
    parts = [visible(told.key), pairs_text([(name, value) for name, value in pairs if value], indent="  ")]
    parts += [f"  {visible(one.title)}\n{_indented(table_text(one.names, one.rows, columns=columns))}" for one in noted.tables]
    parts += explanation_lines(story.explanation)
    if story.cell is not None:
        parts.append("  made by\n" + "\n".join(f"    {line}" for line in cells_text([story.cell], lines=40).split("\n")))
    if len(story.versions) > 1:
        parts.append(versions_text(story.versions, columns=columns))
    return "\n".join(parts)


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.split("\n"))


def versions_text(versions: tuple[KeySummary, ...], *, columns: int | None = None) -> str:
    """Return a table of versions, newest first."""
    rows = [(f"v{told.version}", time_text(told.created), *facts_of(told)[:2], told.digest[:12]) for told in reversed(versions)]
    return table_text(("version", "stored", "what", "size", "digest"), rows[:_MAX_VERSIONS], columns=columns, flexible=2)


def entry_html(story: EntryStory) -> str:
    """Return a key's story as HTML that stands alone in a notebook."""
    return html.fragment(html.value_heading(story.summary), *entry_parts(story))


def entry_parts(story: EntryStory, *, shows_cell: bool = True) -> list[str]:
    """Return the pieces of a key's story, for a notebook or a page; the source of its cell opened or closed."""
    parts = [html.key_facts(story.summary)]
    if story.attributes:
        parts.append(html.folded("attributes", html.facts(story.attributes), is_open=True))
    if story.cell is not None:
        parts.append(html.folded(f"made by {story.cell.label}", cell_html(story.cell), is_open=shows_cell))
    parts += explanation_parts(story.explanation)
    if story.made:
        parts.append(html.folded("code, environment, session", html.facts([*story.made, ("slice", labels_text(story.explanation))])))
    if len(story.versions) > 1:
        parts.append(html.folded(f"{len(story.versions)} versions", _versions_table(story.versions)))
    return parts


def _versions_table(versions: tuple[KeySummary, ...]) -> str:
    rows = [(f"v{told.version}", time_text(told.created), *facts_of(told)[:2], told.digest[:16]) for told in reversed(versions)]
    return html.table(("version", "stored", "what", "size", "digest"), rows[:_MAX_VERSIONS])
