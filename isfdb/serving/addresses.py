"""The addresses of pages. Keys stand in them as parameters, never in the path, which browsers and servers tidy up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from isfdb.errors import LinkError
from isfdb.opening import parse_link
from isfdb.reporting.links import Links


class Addresses(Links):
    """Where the pages of one database are.

    Parameters
    ----------
    name : str
        Under which the database is served.
    place_of : callable
        Gives, of the id of a database, the name under which it is served and its key in the topmost one; None where it is not.
    """

    def __init__(self, name: str, place_of: Callable[[str], tuple[str, str] | None]) -> None:
        super().__init__()
        self._name = name
        self._place_of = place_of

    def page(self, page: str, /, **parameters: Any) -> str:
        """Return the address of a page; parameters that are None or empty are left out."""
        return address_of(self._name, page, parameters)

    def key(self, key: str) -> str:
        """Return where a key is told of."""
        return self.page("key", key=key)

    def version(self, key: str, number: int) -> str:
        """Return where one version of a key is told of."""
        return self.page("key", key=key, version=number)

    def environment(self, number: int, digest: str) -> str:
        """Return where an environment is told of."""
        return self.page("environment", digest=digest)

    def status(self, name: str) -> str:
        """Return where the keys with a status are listed."""
        return self.page("status", name=name)

    def value(self, link: str) -> str:
        """Return where a stored value is told of, also one in another database that is served; empty where it is in none."""
        try:
            database_id, key, version = parse_link(link)
        except LinkError:
            return ""
        found = self._place_of(database_id)
        if found is None or not key or not key.startswith(f"{found[1]}/" if found[1] else ""):
            return ""
        inside = key[len(found[1]) + 1 :] if found[1] else key
        return address_of(found[0], "key", {"key": inside, "version": version})

    def box(self, box: Any) -> str:
        """Return where a box of a drawing leads."""
        return self.value(box.link) if box.link else ""


def address_of(name: str, page: str, parameters: Mapping[str, Any]) -> str:
    """Return an address."""
    given = {one: value for one, value in parameters.items() if value not in (None, "")}
    return f"/{name}/{page}{f'?{urlencode(given)}' if given else ''}"
