"""Values inside values: lets a loaderdumper give parts of its value to other loaderdumpers. For loaderdumpers; users never call it.

A part lies in a folder of its own inside the version's folder, and its spec inside the arguments of the value that it is part of. So
one ``Loader.json`` names every loaderdumper a version needs, and trust is decided once, before anything is loaded.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, NamedTuple

from isfdb import plugins
from isfdb.errors import ChecksumMismatchError, CorruptVersionError, DumpError, IsfdbError, UntrustedDataError
from isfdb.layout.current import LOADER_FILE, RESERVED_FILES
from isfdb.loader_spec import NAMESPACE
from isfdb.manifest import Files, copy_checked

#: Deeper nesting of specs than any value of ours has; a file that goes deeper was made to exhaust the reader.
MAX_DEPTH: Final = 100


class _Permission:
    """Code may run: from every file of the version, or from files that are what their manifest says."""

    __slots__ = ("files", "savedir")

    def __init__(self, savedir: str, files: Files | None) -> None:
        self.savedir, self.files = savedir, files


_permission: ContextVar[_Permission | None] = ContextVar("isfdb_permission_to_run_code", default=None)
_refused: ContextVar[bool] = ContextVar("isfdb_no_code_at_all", default=False)


def dump_part(value: Any, folder: str, *, dumper: str | None = None, **options: Any) -> dict[str, Any]:
    """Store a value that is part of another one.

    Parameters
    ----------
    value : object
        Anything some loaderdumper keeps.
    folder : str
        Where its files go: a path inside the ``savedir`` of the whole, at which nothing is yet. It stays absent where the part needs
        no file.
    dumper : str, optional
        Name of the loaderdumper; default: the first that accepts the value.
    **options
        For that loaderdumper.

    Returns
    -------
    dict
        The part's spec, to be returned among the arguments of the whole: ``{"Loader": "loaderdumpers.numpy_to_npy", ...}``.

    Raises
    ------
    NoDumperError, UnknownLoaderdumperError, OptionError
    DumpError
        The loaderdumper used a name that isfdb keeps for itself.
    """
    name, module = plugins.choose(value) if dumper is None else (dumper, plugins.loaderdumper(dumper))
    if options:
        plugins.check_options(module.dump, options, f"the loaderdumper {name!r}")
    os.makedirs(folder)
    arguments = dict(module.dump(value, folder, **options) or {})
    written = os.listdir(folder)
    if not written:
        os.rmdir(folder)
    if not RESERVED_FILES.isdisjoint(written) or "Loader" in arguments:
        raise DumpError(f"the loaderdumper {name!r} writes {LOADER_FILE} itself, so it cannot keep parts of a value. Store it under a key.")
    return {**arguments, "Loader": f"{NAMESPACE}.{name}"}


def load_part(spec: Mapping[str, Any], folder: str, **options: Any) -> Any:
    """Load what :func:`dump_part` stored.

    Parameters
    ----------
    spec : Mapping
        What it returned.
    folder : str
        The folder it was given, inside the ``savedir`` of the whole.
    **options
        For the part's Loader.

    Raises
    ------
    UntrustedDataError
        Loading the part can run code, and the version is neither yours nor trusted.
    CorruptVersionError
        The spec names no loaderdumper.
    UnknownLoaderdumperError, MissingDependencyError, OptionError
    """
    name = name_in(spec)
    module = plugins.loaderdumper(name)
    if getattr(module, "runs_code", False) and not code_may_run():
        raise UntrustedDataError(
            f"{name!r} runs code from the file, and its spec was hidden from isfdb when it decided whether to trust this version. "
            "Do not load it.",
            loaderdumper=name,
        )
    if options:
        plugins.check_options(module.Loader.get, options, f"loading with {name!r}")
    arguments = {member: argument for member, argument in spec.items() if member != "Loader"}
    try:
        loader = module.Loader(**arguments)
        return _get_verified(loader, folder, options) if getattr(module, "runs_code", False) else loader.get(folder, **options)
    except ImportError as error:
        raise plugins.missing_dependency(name, error) from error


def _get_verified(loader: Any, folder: str, options: Mapping[str, Any]) -> Any:
    """Run code only from what was read once and compared with the signed manifest, though others may be able to write the folder."""
    permission = _permission.get()
    if permission is None or permission.files is None:
        return loader.get(folder, **options)
    place = os.path.relpath(folder, permission.savedir).replace(os.sep, "/")
    files = {name.removeprefix(f"{place}/"): facts for name, facts in permission.files.items() if name.startswith(f"{place}/")}
    with tempfile.TemporaryDirectory(prefix="isfdb-") as private:
        changed = copy_checked(files, folder, private)
        if changed:
            raise ChecksumMismatchError(f"{place}/{changed} is not what was stored. Run isfdb.verify(db).", file=f"{place}/{changed}")
        return loader.get(private, **options)


def describe_part(value: Any, spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the part's loaderdumper says of it, for the ``describe`` of the whole; the type's name where it says nothing."""
    module = plugins.loaderdumper(name_in(spec))
    kind = {"type": type(value).__qualname__[:200]}
    if not hasattr(module, "describe"):
        return kind
    try:
        return {**kind, **module.describe(value)}
    except Exception as error:  # noqa: BLE001 - a description never costs a save
        return {**kind, "unknown": f"describe failed with {type(error).__name__}"}


def name_in(spec: Mapping[str, Any]) -> str:
    """Return the name of the loaderdumper in a spec.

    Raises
    ------
    CorruptVersionError
    """
    loader = spec.get("Loader") if isinstance(spec, Mapping) else None
    if not isinstance(loader, str):
        raise CorruptVersionError("the spec of a part names no Loader. Run isfdb.verify(db); an earlier version of the key may be whole.")
    return loader.rpartition(".")[2]


def code_may_run() -> bool:
    """Say whether what is being loaded is known to be the user's own, or trusted, so that it may run code or import modules."""
    return _permission.get() is not None


@contextmanager
def allowing_code(savedir: str = "", files: Files | None = None) -> Iterator[None]:
    """Let loaderdumpers run code while the block lasts. isfdb enters it once a version is known to be trusted.

    Parameters
    ----------
    savedir : str
        Folder of the version.
    files : dict, optional
        Its manifest, where the version is trusted because of its signature: only what is as the manifest says may run.
    """
    with _permitted(_Permission(savedir, files)):
        yield


def code_is_refused() -> bool:
    """Say whether nothing may be loaded that could run code, whoever wrote it and whatever is trusted."""
    return _refused.get()


@contextmanager
def refusing_code() -> Iterator[None]:
    """Load nothing that could run code while the block lasts, though it were signed by the user or trusted.

    For what loads values unasked, as a server of pages does: to have stored a pickle is not to have asked that it runs there.
    """
    token = _refused.set(True)
    try:
        yield
    finally:
        _refused.reset(token)


def permission_for(folder: str) -> Any:
    """Return what a lazy value keeps, to load later from `folder` what may be loaded from it now; None where no code may run.

    It may be sent to another process, and holds the facts of the folder's files where the version is trusted because of its signature.
    """
    permission = _permission.get()
    if permission is None or permission.files is None:
        return permission
    place = os.path.relpath(folder, permission.savedir).replace(os.sep, "/")
    files = {name: facts for name, facts in permission.files.items() if name.startswith(f"{place}/")}
    return _Permission(permission.savedir, files)


@contextmanager
def with_permission(permission: Any) -> Iterator[None]:
    """Load what lies in the block as it could have been loaded where :func:`permission_for` was called: with code, or without."""
    with _permitted(permission):
        yield


@contextmanager
def _permitted(permission: _Permission | None) -> Iterator[None]:
    token = _permission.set(permission)
    try:
        yield
    finally:
        _permission.reset(token)


class Needs(NamedTuple):
    """What loading a value needs besides its files."""

    runs_code: bool  # it can run code from the files
    imports_classes: bool  # it imports the modules of the user's own classes, provided the version is trusted


def needs_of(name: str, arguments: Any) -> Needs:
    """Return what loading with this loaderdumper and these arguments, parts included, needs.

    Raises
    ------
    CorruptVersionError
        The arguments are nested as no value of ours is.
    """
    names = set(_names(name, arguments))
    return Needs(any(_has("runs_code", one) for one in names), any(_has("imports_classes", one) for one in names))


def _has(fact: str, name: str) -> bool:
    try:
        return bool(getattr(plugins.loaderdumper(name), fact, False))
    except IsfdbError:
        return False  # not registered: loading it says so


def _names(name: str, arguments: Any) -> Iterator[str]:
    """Give the name of a loaderdumper and those of all parts among its arguments."""
    yield name
    to_do = [(arguments, 0)] if _has("has_parts", name) else []
    while to_do:
        member, depth = to_do.pop()
        if depth > MAX_DEPTH:
            raise CorruptVersionError(f"a loader spec is nested deeper than {MAX_DEPTH} levels: isfdb did not write it. Do not load it.")
        if isinstance(member, Mapping) and isinstance(member.get("Loader"), str):
            yield name_in(member)
            if not _has("has_parts", name_in(member)):
                continue  # what looks like a spec in there is a value
        inner = member.values() if isinstance(member, Mapping) else member
        to_do += [(one, depth + 1) for one in inner if isinstance(one, (dict, list))]
