"""How a database, an entry and a version look in a terminal and in a notebook. Reads JSON only, never a value.

The classes call these functions with themselves; nothing here imports a class, so that this layer stays below them.
"""

from __future__ import annotations

from typing import Any

#: Rows that a notebook is given as a tree that opens and closes.
_MOST_ROWS = 1000


class Text(str):
    """A text that shows itself as it reads, not as a quoted string: for trees and tables at the end of a cell.

    Parameters
    ----------
    text : str
        What is shown in a terminal, and what the object is.
    html : str
        What a notebook shows instead, if anything.
    """

    html: str

    def __new__(cls, text: str, html: str = "") -> Text:
        """Make a text that also knows its HTML."""
        made = super().__new__(cls, text)
        made.html = html
        return made

    def __repr__(self) -> str:
        return str(self)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": str(self), **({"text/html": self.html} if self.html else {})}


def database_text(db: Any) -> str:
    """Return the ``repr`` of a database: one line, one listing."""
    from isfdb.display.safe import visible
    from isfdb.display.words import count_text

    return f"<isfdb.Database {visible(db.name)!r}: {_counted(db, count_text)}, mode {db.mode!r}, {visible(db.path, 400)}>"


def _counted(db: Any, count_text: Any) -> str:
    from isfdb.errors import IsfdbError

    try:
        return str(count_text(len(db.keys()), "key"))
    except (IsfdbError, OSError) as error:
        # A repr stands in tracebacks and debuggers: it tells what is wrong instead of raising.
        return f"cannot be listed ({type(error).__name__})"


def tree(db: Any, *, depth: int | None = None, max_keys: int = 1000, columns: int | None = None) -> str:
    """Return the keys of a database as a tree, one a line.

    Parameters
    ----------
    db : Database
        Listed; of each key shown the JSON is read.
    depth : int, optional
        How many levels of keys to show; all by default.
    max_keys : int
        Keys looked into; what lies beyond is counted.
    columns : int, optional
        Cut lines to this width.
    """
    from isfdb.display.summaries import branch
    from isfdb.display.text import tree_text

    return tree_text(branch(db, depth=depth, max_keys=max_keys), columns=columns)


def listing(db: Any, *, depth: int | None = None, max_keys: int = 200, head: str = "") -> Text:
    """Return the tree of a database as text, which shows itself as HTML in a notebook; `head` is the text's first line."""
    from isfdb.display import html
    from isfdb.display.safe import escape_lines
    from isfdb.display.summaries import branch
    from isfdb.display.text import tree_text

    told = branch(db, depth=depth, max_keys=max_keys)
    text = tree_text(told)
    n_shown = sum(1 for _ in told.values())
    # A notebook keeps what it shows: of very many keys the plain text.
    tree = html.tree(told) if n_shown <= _MOST_ROWS else f'<pre class="i-code" tabindex="0">{escape_lines(text, 10**7)}</pre>'
    return Text("\n".join([part for part in (head, text) if part]), html.fragment(html.heading(str(db.name), code=str(db.path)), tree))


def database_bundle(db: Any, *, depth: int | None = None) -> dict[str, str]:
    """Return a database as ``text/plain`` and ``text/html``, so many levels deep."""
    from isfdb.display import html
    from isfdb.display.safe import visible
    from isfdb.display.summaries import MORE_KEYS, branch
    from isfdb.display.text import tree_text
    from isfdb.display.words import count_text

    told = branch(db, depth=depth)
    more = MORE_KEYS if told.is_cut else ""
    facts = (count_text(told.n_members, "key"), "read only" if db.read_only else "")
    head = " · ".join(fact for fact in (visible(db.name), *facts, visible(db.path, 400)) if fact)
    return {
        "text/plain": "\n".join([part for part in (head, tree_text(told), more) if part]),
        "text/html": html.fragment(html.heading(str(db.name), *facts, code=str(db.path)), html.tree(told), html.note(more)),
    }


def version_text(version: Any) -> str:
    """Return the ``repr`` of a version, on one line."""
    from isfdb.display.safe import visible
    from isfdb.display.summaries import badged_summary
    from isfdb.display.text import facts_of

    told = badged_summary(version, "")
    return f"<Version {told.version}: {', '.join(visible(fact) for fact in facts_of(told) if fact)}>"


def version_bundle(version: Any) -> dict[str, str]:
    """Return a version as ``text/plain`` and ``text/html``."""
    from isfdb.display import html
    from isfdb.display.summaries import badged_summary

    told = badged_summary(version, f"{version.key}@{version.number}")
    return {"text/plain": version_text(version), "text/html": html.fragment(html.value_heading(told), html.key_facts(told))}


def entry_text(entry: Any) -> str:
    """Return the ``repr`` of an entry, on one line."""
    from isfdb.display.safe import visible
    from isfdb.display.summaries import entry_summary
    from isfdb.display.text import facts_of

    return f"<Entry {visible(entry.key)!r}: {', '.join(visible(fact) for fact in facts_of(entry_summary(entry)) if fact)}>"


def entry_bundle(entry: Any) -> dict[str, str]:
    """Return an entry as ``text/plain`` and ``text/html``."""
    from isfdb.display.entries import entry_html, entry_lines, entry_story

    story = entry_story(entry)
    return {"text/plain": entry_lines(story), "text/html": entry_html(story)}


def metadata_bundle(record: Any) -> dict[str, str]:
    """Return a version's record as ``text/plain`` and ``text/html``."""
    from isfdb.display import records_shown

    return records_shown.metadata_bundle(record)


def of_keys_bundle(db: Any, told: str) -> dict[str, str]:
    """Return a mapping of all keys as ``text/plain`` and ``text/html``: what it is for, and the keys."""
    from isfdb.display import records_shown

    return records_shown.of_keys_bundle(db, told)


def attributes_bundle(key: str, attributes: Any) -> dict[str, str]:
    """Return the attributes of a key as ``text/plain`` and ``text/html``."""
    from isfdb.display import records_shown

    return records_shown.attributes_bundle(key, attributes)


def versions_bundle(versions: Any) -> dict[str, str]:
    """Return the versions of a key as ``text/plain`` and ``text/html``."""
    from isfdb.display import records_shown

    return records_shown.versions_bundle(versions)


def text_bundle(title: str, text: str) -> dict[str, str]:
    """Return a few lines below a title as ``text/plain`` and ``text/html``."""
    from isfdb.display import records_shown

    return records_shown.text_bundle(title, text)


def pairs_bundle(title: str, pairs: Any, *, note: str = "") -> dict[str, str]:
    """Return names and facts below a title as ``text/plain`` and ``text/html``."""
    from isfdb.display import records_shown

    return records_shown.pairs_bundle(title, pairs, note=note)


def file_link(path: str) -> str:
    """Return a link to a file for a notebook: beside the notebook as the server knows it, elsewhere as the browser does."""
    from pathlib import Path
    from urllib.parse import quote

    from isfdb.display import html
    from isfdb.display.safe import escape

    file = Path(path).absolute()
    near = Path.cwd() in file.parents
    href = quote(file.relative_to(Path.cwd()).as_posix()) if near else file.as_uri()
    return html.fragment(f'<a href="{escape(href, 4000)}" target="_blank">{escape(path, 4000)}</a>')
