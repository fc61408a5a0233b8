"""One look at one database: what every page is given. It holds, and decides nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from isfdb.serving.addresses import Addresses
from isfdb.serving.survey import Survey


@dataclass(frozen=True)
class Visit:
    """What a page is made from.

    Attributes
    ----------
    db : Database
        Opened for this page, for reading.
    name : str
        What the database is called.
    to : Addresses
        Where pages are.
    query : mapping
        The parameters of the address.
    survey : Survey
        Of this database, kept between pages.
    is_one_of_several : bool
        Other databases are served too.
    """

    db: Any
    name: str
    to: Addresses
    query: Mapping[str, str]
    survey: Survey
    is_one_of_several: bool

    def asked(self, name: str) -> str:
        """Return a parameter; empty where it was not given."""
        return self.query.get(name, "")
