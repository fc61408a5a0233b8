"""The loader spec: what ``Loader.json`` says about reading one version back. Resolves nothing and imports nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from isfdb.errors import CorruptVersionError, DumpError, FormatVersionError
from isfdb.exact_json import dumps, loads
from isfdb.layout.current import FORMAT, LOADER_FILE

#: The word before a loaderdumper's name, kept so that ISF's users find the spec they know.
NAMESPACE = "loaderdumpers"


class LoaderSpec:
    """Names the loaderdumper of a version and holds the arguments of its ``Loader``.

    Parameters
    ----------
    loader : str
        Dotted text whose last word is the registered name of a loaderdumper. It is never imported.
    arguments : Mapping
        JSON-ready arguments of the Loader.
    """

    __slots__ = ("arguments", "loader")

    def __init__(self, loader: str, arguments: Mapping[str, Any]) -> None:
        self.loader = loader
        self.arguments = arguments

    @property
    def name(self) -> str:
        """The registered name: the last word of the text."""
        return self.loader.rpartition(".")[2]

    def to_json(self) -> str:
        """Return the text of ``Loader.json``."""
        try:
            return dumps({**self.arguments, "Loader": self.loader, "format": FORMAT})
        except (TypeError, ValueError) as error:
            raise DumpError(
                f"the loaderdumper {self.name!r} returned arguments that are no plain JSON: {error}. Report this to its author."
            ) from error

    @classmethod
    def from_json(cls, data: bytes, where: str) -> LoaderSpec:
        """Read ``Loader.json``.

        Raises
        ------
        CorruptVersionError
            The text is no loader spec.
        FormatVersionError
            A newer isfdb wrote it.
        """
        try:
            members = loads(data)
            loader = members.pop("Loader")
            written = members.pop("format", 0)
            if not isinstance(loader, str) or type(written) is not int:
                raise TypeError("'Loader' must be text and 'format' a whole number")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise CorruptVersionError(
                f"cannot read {LOADER_FILE} of {where}: {error!r}. Run isfdb.verify(db); an earlier version of the key may be whole.",
                path=where,
            ) from error
        if written > FORMAT:
            raise FormatVersionError(f"{where} has format {written}, and this isfdb reads up to {FORMAT}. Upgrade isfdb.", path=where)
        return cls(loader, members)
