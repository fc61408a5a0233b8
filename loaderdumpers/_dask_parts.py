"""Loads parts of a stored value later, in tasks of dask: in other threads, in other processes. What such a task holds, and may do.

Whether code may run is decided once, when the version is read. A task carries that answer, and for a version that is trusted because of
its signature also the digests of the files: what is unpickled later, maybe elsewhere, is what was signed.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Final

from isfdb.errors import VersionGoneError
from isfdb.parts import load_part, permission_for, with_permission

_MOST_DIGITS: Final = 20


def numbered(place: int, width: int) -> str:
    """Return how the files of a partition begin: its place, with as many digits as the last one has.

    Raises
    ------
    ValueError
        So many digits are said to stand in a name that no name can have them.
    """
    if type(width) is not int or not 0 < width <= _MOST_DIGITS:
        raise ValueError(f"Loader.json says that names have numbers of {str(width)[:50]} digits; restore it from a copy")
    return f"part-{place:0{width}d}"


@dataclass(frozen=True, repr=False)
class LazyPart:
    """A part of a stored value that is loaded when dask computes it.

    Attributes
    ----------
    savedir : str
        Folder of the version, or of the part that holds this one.
    name : str
        Name of the part's folder in it.
    spec : dict
        What :func:`isfdb.parts.dump_part` returned.
    permission : object
        From :func:`isfdb.parts.permission_for`.
    token : tuple
        What tells this folder from others that lay there before, or will.
    """

    savedir: str
    name: str
    spec: dict[str, Any]
    permission: Any
    token: tuple[Any, ...]

    @classmethod
    def within(cls, savedir: str, name: str, spec: dict[str, Any]) -> LazyPart:
        """Return the part `name` of the version that is being read from `savedir`, with the permission to load it that holds now."""
        found = os.stat(savedir)
        folder = os.path.join(savedir, name)
        return cls(savedir, name, spec, permission_for(folder), (savedir, found.st_dev, found.st_ino, found.st_mtime_ns, name))

    def load(self) -> Any:
        """Return the part's value."""
        see_folder(self.savedir)
        with with_permission(self.permission):
            return load_part(self.spec, os.path.join(self.savedir, self.name))

    def __repr__(self) -> str:
        return f"{self.savedir}/{self.name}"

    def __dask_tokenize__(self) -> tuple[Any, ...]:
        return self.token


def see_folder(savedir: str) -> None:
    """Raise VersionGoneError where the version's folder is no longer there."""
    if not os.path.isdir(savedir):
        raise VersionGoneError(f"{savedir} was reclaimed or moved away after the lazy value was read. Read the key again.")


def runs_code(spec: dict[str, Any]) -> bool:
    """Say whether loading a part can run code from its files."""
    from isfdb.parts import name_in, needs_of

    arguments = {name: argument for name, argument in spec.items() if name != "Loader"}
    return needs_of(name_in(spec), arguments).runs_code


def warn_of_pickle(what: str, specs: list[dict[str, Any]]) -> None:
    """Warn, as isfdb does for whole values, where parts were pickled."""
    import warnings

    from isfdb.errors import PickleWarning

    if any(runs_code(spec) for spec in specs):
        message = f"no open format keeps {what} exactly, so it is stored as a pickle, which loads only for you and for those who trust the"
        warnings.warn(f"{message} database.", PickleWarning, stacklevel=7)
