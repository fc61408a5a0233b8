"""What others implement to extend isfdb: loaderdumpers and initializers.

A **loaderdumper** is a module with ``check``, ``dump`` and ``class Loader``. It is registered by an entry point in the group
``isfdb.loaderdumpers`` (name = the word that stands in ``Loader.json``, value = the module), or at run time with
:func:`isfdb.plugins.register_loaderdumper`. This page states what the core expects; nothing here needs to be inherited from.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol, runtime_checkable

#: Where a loaderdumper stands in the order of choice when it does not say: before pickle, after everything more specific.
DEFAULT_PRIORITY = 50


class Loader(Protocol):
    """Reads one format back. Constructed with the arguments that ``dump`` returned, taken from ``Loader.json``."""

    def get(self, savedir: str, **options: Any) -> Any:
        """Return the value stored in `savedir`.

        Parameters
        ----------
        savedir : str
            The folder of the version. It must not be written to.
        **options
            What the caller passed to ``db.get(key, **options)``.
        """
        ...


@runtime_checkable
class LoaderDumper(Protocol):
    """A module that keeps one kind of value in one format.

    Optional facts, read with ``getattr`` and never required:

    ``priority : int``
        Loaderdumpers are asked in ascending order, names breaking ties. Default 50; open formats lie below 80, pickle above.
    ``runs_code : bool``
        True where loading can execute code from the file (pickle). Such versions load only if trusted.
    ``describe(obj) -> dict``
        Facts shown without loading: ``{"type": "ndarray", "shape": [3, 4], "dtype": "float64"}``. JSON-ready, small.
    ``mutable : bool``
        True where the stored folder belongs to the user and may change in place (managed folders).
    ``snapshot(savedir, target) -> dict``
        Of a mutable one: copies the content of version folder `savedir` into `target`, as it is at one moment, while others write to
        it; returns the arguments of the copy's Loader. Without it the files are copied, and must not change meanwhile.
        A value that can be written to may have a method ``__isfdb_opened__(*, durability, read_only)``: it is told how the database was
        opened that it was read from.
    ``explicit_only : bool``
        True where it is used only when named, never chosen by ``check``.
    ``reads_only : bool``
        True where it reads what another program wrote, and ``dump`` refuses everything.
    ``has_parts : bool``
        True where the arguments hold specs of parts, made by :func:`isfdb.parts.dump_part`.
    ``imports_classes : bool``
        True where loading imports the modules of the user's own classes if the version is trusted
        (:func:`isfdb.parts.code_may_run`), and does without if it is not.
    ``pickles : tuple of str``
        Folders in the version that hold a pickle although the value loads without: it is read on request, if the version is trusted.
    ``extra : str``
        The extra of isfdb that brings the libraries it needs: named where one is missing.
    ``requires : dict``
        Distribution to lowest version: ``{"xarray": "2024.10"}``. Looked at where dumping or loading fails.
    ``summarise(obj) -> dict``
        Statistics, computed only where the user asks: ``{"min": 0.0, "max": 3.5}``. JSON-ready, small.
    ``fits(sample, addition, *, axis, extent) -> value``, ``extent(value, axis) -> int``, ``join(values, axis) -> value``
        All three where values can be made longer by ``db.append``: return what is appended in its final form, having refused what
        does not fit with a TypeError (`sample` is the value empty along `axis`, read with ``select=``; further keyword-only parameters
        are options of ``db.append``); how long a value is; several values as one. ``describe`` must give ``shape``.
        ``join_lazily(blocks, axis, lengths)``, of pairs of spec and folder, where ``lazy=True`` is to work on what grew.
    ``load_plainly(spec, folder, load) -> value``, or ``"module:function"``
        How the format is read without isfdb. Its text is copied into the ``load.py`` of bundles, with that of the functions that it calls
        by name; so they stand alone: they import inside, and use nothing else of their modules. `spec` is what ``Loader.json`` holds,
        `folder` a path, and ``load(spec, folder)`` reads a part.
    ``about : dict``
        Its row in the reference: ``types`` (tuple of dotted names), ``keeps``, ``format``, ``files``, ``exact``, ``lazy``, ``append``.
    """

    Loader: ClassVar[Any]

    def check(self, obj: Any) -> bool:
        """Say whether `obj` can be kept exactly. Cheap, without side effects, and total: never raises, for any value."""
        ...

    def dump(self, obj: Any, savedir: str, **options: Any) -> Mapping[str, Any] | None:
        """Write `obj` into the empty folder `savedir` and return what ``Loader`` needs as JSON-ready arguments."""
        ...


class Initializer(Protocol):
    """A module that fills a database from a foreign source."""

    def init(self, db: Any, source: Any, **options: Any) -> None:
        """Import `source` into `db`."""
        ...
