"""Where the parts of a page lead: to anchors on the same page. What shows them elsewhere, as a server does, gives addresses of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from isfdb.reporting.accounts import anchor_of


class Links:
    """Where a page leads; an empty text is no link.

    Parameters
    ----------
    on_page : mapping
        ``isfdb://`` links of the versions that have a section, each with its anchor.
    """

    def __init__(self, on_page: Mapping[str, str] | None = None) -> None:
        self._on_page = on_page or {}

    def key(self, key: str) -> str:
        """Return where a key is told of."""
        return f"#{anchor_of(key)}"

    def value(self, link: str) -> str:
        """Return where a stored value, named by its ``isfdb://`` link, is told of."""
        anchor = self._on_page.get(link)
        return f"#{anchor}" if anchor else ""

    def version(self, key: str, number: int) -> str:
        """Return where one version of a key is told of."""
        return ""

    def environment(self, number: int, digest: str) -> str:
        """Return where an environment, the so-many-th on the page, is told of."""
        return f"#environment-{number}"

    def status(self, name: str) -> str:
        """Return where the keys with a status are listed."""
        return f"#all-{name}"

    def box(self, box: Any) -> str:
        """Return where a box of a drawing leads."""
        return ""
