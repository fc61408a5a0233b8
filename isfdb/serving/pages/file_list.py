"""The files of a version with their sizes and digests; each can be downloaded as it is."""

from __future__ import annotations

from isfdb.display import html
from isfdb.display.safe import escape
from isfdb.display.words import size_text
from isfdb.serving import frame
from isfdb.serving.answers import Answer
from isfdb.serving.pages.download import files_of
from isfdb.serving.pages.key_list import crumbs
from isfdb.serving.versions_meant import version_asked
from isfdb.serving.visit import Visit


def show(visit: Visit) -> Answer:
    """Return the page."""
    key, version = visit.asked("key"), version_asked(visit)
    number = frame.number_of_page(visit.asked("page"))
    files = sorted(files_of(version).items())
    chosen = files[(number - 1) * frame.ROWS : number * frame.ROWS]
    rows = [
        f'<tr><th scope="row">{frame.anchor(visit.to.page("file", key=key, version=version.number, name=name), name, limit=400)}</th>'
        f'<td class="s-num">{size_text(size) if size is not None else ""}</td><td><code>{escape(digest[:16])}</code></td></tr>'
        for name, (size, digest) in chosen
    ]
    name = frame.anchor(visit.to.version(key, version.number), f"{key.rpartition('/')[2]}@{version.number}", limit=400)
    where = f"<p>{frame.counted(len(files), 'file')} in <code>{escape(version.path, 600)}</code></p>"
    where = f"<p>{frame.counted(len(files), 'file')} in <code>{escape(version.path, 600)}</code></p>"
    head = f'{crumbs(visit, key, is_key=True)}<h1 class="s-key">{name}</h1>{where}'
    table = html.table_around(("file", "size", "digest"), "".join(rows), name="s-list")
    pages = frame.pages(visit, "files", number, len(files), key=key, version=version.number)
    return frame.page(visit, f"Files of {key}", head + table + pages)
