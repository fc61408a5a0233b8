"""What stands around every page: head, navigation, search, foot. And small pieces that pages share: links, lists, pages of a list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from isfdb.display.safe import escape
from isfdb.display.words import count_text
from isfdb.reporting.overview import by_whom
from isfdb.reporting.subject import here, now
from isfdb.serving.answers import Answer

if TYPE_CHECKING:
    from isfdb.serving.visit import Visit

#: Pages of a database that every other leads to.
NAVIGATION: Final = (
    ("", "Overview"),
    ("keys", "Keys"),
    ("log", "Log"),
    ("sessions", "Sessions"),
    ("environments", "Environments"),
)
#: Rows of a list on one page.
ROWS: Final = 200


def page(visit: Visit, title: str, body: str, *, here_is: str | None = None, status: int = 200) -> Answer:
    """Return a page of a database.

    Parameters
    ----------
    title : str
        For the browser's tab; not the heading.
    body : str
        HTML, which begins with its heading.
    here_is : str, optional
        Which page of the navigation it is.
    """
    name = visit.name
    links = "".join([_navigated(visit, page, text, is_here=page == here_is) for page, text in NAVIGATION])
    search = (
        f'<form class="s-find" role="search" action="{escape(visit.to.page("find"), 300)}" method="get">'
        f'<label class="r-hidden" for="q">Find keys</label><input type="search" id="q" name="q" maxlength="1000" '
        f'placeholder="find: word, user:ann, size&gt;1MB" value="{escape(visit.asked("q"), 1000)}"><button>Find</button></form>'
    )
    several = f"{anchor('/', 'all databases')} / " if visit.is_one_of_several else ""
    head = (
        f'<header class="s-top"><p class="s-name">{several}{anchor(visit.to.page(""), name, limit=60)}</p>'
        f'<nav aria-label="Pages of the database"><ul class="s-nav">{links}</ul></nav>{search}</header>'
    )
    return whole(f"{title} – {name}", f"{head}{_main(body)}", status=status)


def whole(title: str, body: str, *, status: int = 200) -> Answer:
    """Return a page around a body that has its own head."""
    text = (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<title>{escape(title, 200)}</title><link rel="stylesheet" href="/style.css"><link rel="icon" href="data:,"></head>\n'
        f'<body class="isfdb" id="top"><a class="r-skip" href="#main">Skip to the content</a>{body}{_foot()}</body></html>\n'
    )
    return Answer(status, text.encode("utf-8", "replace"))


def alone(title: str, body: str, *, status: int = 200) -> Answer:
    """Return a page that belongs to no database."""
    return whole(title, _main(body), status=status)


def _main(body: str) -> str:
    return f'<main id="main" tabindex="-1">{body}</main>'


def _navigated(visit: Visit, page: str, text: str, *, is_here: bool) -> str:
    current = ' aria-current="page"' if is_here else ""
    return f'<li><a href="{escape(visit.to.page(page), 300)}"{current}>{text}</a></li>'


def _foot() -> str:
    told = f"Read from the folder {now()} by {by_whom(here())}. Nothing can be changed here, and nothing here runs code."
    return f'<footer class="i-muted"><p>{escape(told, 400)} <a href="#top">To the top</a></p></footer>'


def anchor(address: str, text: object, *, limit: int = 200) -> str:
    """Return a link; the text alone where there is nothing to link to."""
    shown = escape(text, limit)
    return f'<a href="{escape(address, 40_000)}">{shown}</a>' if address else shown


def listed(links: Sequence[str], name: str = "s-links") -> str:
    """Return links, which are HTML already, beside each other."""
    return f'<ul class="{name}">{"".join([f"<li>{link}</li>" for link in links if link])}</ul>' if any(links) else ""


def number_of_page(text: str) -> int:
    """Return the page of a list that is asked for, from 1."""
    return int(text) if text.isdecimal() and 0 < len(text) < 8 and int(text) > 0 else 1


def pages(visit: Visit, page: str, number: int, n_rows: int, **parameters: Any) -> str:
    """Return links to the other pages of a list; nothing where it has one."""
    last = max(1, -(-n_rows // ROWS))
    if last == 1:
        return ""
    wanted = sorted({1, 2, number - 1, number, number + 1, last - 1, last} & set(range(1, last + 1)))
    links = [
        f'<b aria-current="page">{one:,}</b>' if one == number else anchor(visit.to.page(page, **parameters, page=one), f"{one:,}")
        for one in wanted
    ]
    first = (number - 1) * ROWS + 1
    told = f'<span class="i-muted">{first:,} to {min(first + ROWS - 1, n_rows):,} of {n_rows:,}</span>'
    return f'<nav aria-label="Pages of the list">{listed(["page", *links, told], "s-pages")}</nav>'


def problem(message: object) -> str:
    """Return what went wrong, in a box."""
    return f'<p class="s-error" role="alert">{escape(message, 1000)}</p>'


def counted(number: int, singular: str) -> str:
    """Return ``1 key`` or ``1,200 keys``."""
    return count_text(number, singular)
