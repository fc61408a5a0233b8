"""Finds loaderdumpers, chooses one for a value, resolves the name in a loader spec. Imports a plug-in only on first use.

Built-ins are found exactly as strangers' plug-ins are: by entry points of the group ``isfdb.loaderdumpers``. A broken plug-in is
named in a warning and does not stop the others. A name that is not registered is never imported, whatever a file says.
"""

from __future__ import annotations

import inspect
import re
import sys
import warnings
from collections.abc import Iterator, Mapping
from threading import RLock
from types import ModuleType
from typing import Any, Final, NamedTuple

from isfdb.errors import BrokenPluginWarning, MissingDependencyError, NoDumperError, OptionError, UnknownLoaderdumperError
from isfdb.interfaces import DEFAULT_PRIORITY, LoaderDumper

GROUP: Final = "isfdb.loaderdumpers"
#: Packages announce here, in a mapping from name to what :func:`facts_of` returns, what would else be known after an import only.
FACTS_GROUP: Final = "isfdb.loaderdumper_facts"

_lock = RLock()
_entry_points: dict[str, list[Any]] | None = None  # name -> its entry points; more than one where packages quarrel
_modules: dict[str, Any] = {}  # name -> loaderdumper, imported or registered at run time
_broken: dict[str, str] = {}  # name -> why
_in_order: list[Candidate] | None = None  # those that may be chosen


def _found() -> dict[str, list[Any]]:
    global _entry_points
    if _entry_points is None:
        from importlib.metadata import entry_points

        found: dict[str, list[Any]] = {}
        for point in entry_points(group=GROUP):
            if all(point.value != other.value for other in found.get(point.name, ())):  # one package listed twice on sys.path
                found.setdefault(point.name, []).append(point)
        _entry_points = found
    return _entry_points


def _lacks(module: Any) -> str | None:
    """Return what a module lacks to be a loaderdumper, or None."""
    missing = [name for name in ("check", "dump", "Loader") if not callable(getattr(module, name, None))]
    if missing:
        return f"it has no {' and no '.join(missing)}"
    if not callable(getattr(module.Loader, "get", None)):
        return "its Loader has no get"
    return None


def _import(name: str) -> Any:
    """Import the loaderdumper that entry points announce under `name`; None, and a warning, where it is broken."""
    points = _found().get(name, [])
    if len(points) > 1:
        claims = " and ".join(sorted({f"{point.value} of {point.dist.name if point.dist else 'an unknown package'}" for point in points}))
        raise UnknownLoaderdumperError(f"two packages claim the loaderdumper name {name!r}: {claims}. Uninstall one of them.", name=name)
    if not points or name in _broken:
        return None
    try:
        module = points[0].load()
        reason = _lacks(module)
    except Exception as error:  # noqa: BLE001 - a stranger's module may fail in any way
        module, reason = None, f"{type(error).__name__}: {error}"
    if reason:
        _broken[name] = reason
        warnings.warn(
            f"the loaderdumper {name!r} ({points[0].value}) cannot be used: {reason}. The others go on.", BrokenPluginWarning, stacklevel=4
        )
        return None
    _modules[name] = module
    return module


def _import_or_warn(name: str) -> Any:
    """Import a loaderdumper; where two packages quarrel about its name, warn and pass it over, for the others must go on."""
    try:
        return _import(name)
    except UnknownLoaderdumperError as error:
        warnings.warn(f"{error} Until then {name!r} is not used.", BrokenPluginWarning, stacklevel=5)
        return None


def register_loaderdumper(module: ModuleType | LoaderDumper, name: str | None = None) -> str:
    """Make a loaderdumper known to this process.

    Parameters
    ----------
    module : module or object
        Has ``check``, ``dump`` and ``Loader`` (see :mod:`isfdb.interfaces`).
    name : str, optional
        The word that will stand in ``Loader.json``; default: the last word of the module's own name.

    Returns
    -------
    str
        The name.

    Raises
    ------
    TypeError
        Something is missing from the module.
    ValueError
        The name is taken by another loaderdumper, or is no identifier.
    """
    global _in_order
    name = name or str(getattr(module, "__name__", type(module).__name__)).rpartition(".")[2]
    reason = _lacks(module)
    if reason:
        raise TypeError(f"{name!r} is no loaderdumper: {reason}. See docs/how-to/write-a-loaderdumper.md.")
    if not name.isidentifier():
        raise ValueError(f"{name!r} cannot name a loaderdumper: use letters, digits and underscores.")
    with _lock:
        taken = _modules.get(name)
        if (taken is not None and taken is not module) or (taken is None and name in _found()):
            raise ValueError(f"the name {name!r} belongs to another loaderdumper. Pass name= to choose a different one.")
        _modules[name] = module
        _in_order = None
    return name


def unregister_loaderdumper(name: str) -> None:
    """Forget a loaderdumper that :func:`register_loaderdumper` made known; nothing happens where there is none."""
    global _in_order
    with _lock:
        if name not in _found():
            _modules.pop(name, None)
        _in_order = None


def names() -> tuple[str, ...]:
    """Return the names of all registered loaderdumpers, sorted; imports none of them."""
    with _lock:
        return tuple(sorted({*_found(), *_modules}))


def loaderdumper(name: str) -> Any:
    """Return the loaderdumper registered as `name`.

    Raises
    ------
    UnknownLoaderdumperError
        None is registered, or it is broken.
    """
    module = _modules.get(name)
    if module is None:
        with _lock:
            module = _modules.get(name) or _import(name)
    if module is None:
        reason = f"it is broken ({_broken[name]})" if name in _broken else "none is registered under this name"
        raise UnknownLoaderdumperError(
            f"there is no loaderdumper {name!r}: {reason}. Registered are {', '.join(names())}. "
            "Install the package that brings it, or call isfdb.plugins.register_loaderdumper(module).",
            name=name,
        )
    return module


class Candidate(NamedTuple):
    """A loaderdumper that may be chosen, known without importing it where its package announces its facts."""

    priority: int
    name: str
    libraries: tuple[str, ...]  # a value can be of its types only where one of these was imported; empty: always


def _announced() -> dict[str, tuple[int, tuple[str, ...]] | None]:
    """Return what packages say of their loaderdumpers, so that the first put need not import them all; None: never chosen.

    A package speaks for itself alone: what it says of a loaderdumper in another package is passed over.
    """
    from importlib.metadata import entry_points

    announced: dict[str, tuple[int, tuple[str, ...]] | None] = {}
    for point in entry_points(group=FACTS_GROUP):
        package = point.value.partition(":")[0].partition(".")[0]
        try:
            facts = dict(point.load())
        except Exception as error:  # noqa: BLE001 - a stranger's module may fail in any way; then its loaderdumpers are imported
            warnings.warn(f"the facts that {point.value} announces cannot be used: {error}.", BrokenPluginWarning, stacklevel=5)
            continue
        for name, fact in facts.items():
            points = _found().get(name, [])
            if len(points) == 1 and points[0].value.partition(".")[0] == package:
                announced[name] = fact
    return announced


def facts_of(module: Any) -> tuple[int, tuple[str, ...]] | None:
    """Return what a package may announce of a loaderdumper: its priority and the libraries of its types; None where it is never chosen."""
    if getattr(module, "explicit_only", False):
        return None
    types = getattr(module, "about", {}).get("types", ())
    packages = {name.partition(".")[0] if "." in name else "" for name in types}
    always = not packages or bool(packages & {"", *sys.stdlib_module_names})
    return int(getattr(module, "priority", DEFAULT_PRIORITY)), () if always else tuple(sorted(packages))


def _candidates() -> list[Candidate]:
    global _in_order
    if _in_order is None:
        with _lock:
            announced, found = _announced(), []
            for name in names():
                module = _modules.get(name)
                if module is None and name not in announced:
                    module = _import_or_warn(name)
                    if module is None:
                        continue
                facts = facts_of(module) if module is not None else announced[name]
                if facts is not None:
                    found.append(Candidate(facts[0], name, facts[1]))
            _in_order = sorted(found)
    return _in_order


def asked(before: int | None = None) -> Iterator[tuple[str, Any]]:
    """Give name and module of the loaderdumpers that a value may belong to now, in the order in which they are asked.

    Those whose libraries were never imported are passed over, and not imported themselves: no value can be of their types.

    Parameters
    ----------
    before : int, optional
        Only those with a lower priority.
    """
    for candidate in _candidates():
        if before is not None and candidate.priority >= before:
            return
        if candidate.libraries and not any(library in sys.modules for library in candidate.libraries):
            continue
        module = _modules.get(candidate.name) or _import_or_warn(candidate.name)
        if module is not None:
            yield candidate.name, module


def in_order() -> list[tuple[int, str, Any]]:
    """Return (priority, name, loaderdumper) of all that may be chosen by ``check``, in the order in which they are asked; imports all."""
    found = [(candidate, _modules.get(candidate.name) or _import_or_warn(candidate.name)) for candidate in _candidates()]
    return [(candidate.priority, candidate.name, module) for candidate, module in found if module is not None]


def choose(value: Any) -> tuple[str, Any]:
    """Return name and module of the first loaderdumper, in order of priority, that accepts `value`.

    Raises
    ------
    NoDumperError
        None accepts it.
    """
    for name, module in asked():
        try:
            accepted = module.check(value)
        except Exception as error:  # noqa: BLE001 - a check must be total; one that is not loses its turn, not the user's data
            _warn_of_check(name, error)
            continue
        if accepted is True:
            return name, module
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    names_asked = ", ".join(name for name, _ in asked())
    raise NoDumperError(
        f"no loaderdumper accepts a value of type {kind}; asked were {names_asked}. Store its parts, or register a loaderdumper for it.",
        type=kind,
    )


def _warn_of_check(name: str, error: Exception) -> None:
    message = f"check of the loaderdumper {name!r} raised {type(error).__name__}: {error}. It was passed over; report this to its author."
    warnings.warn(message, BrokenPluginWarning, stacklevel=4)


def missing_dependency(name: str, error: ImportError) -> MissingDependencyError:
    """Return the error to raise where a loaderdumper needs a library that is not installed."""
    library = (error.name or str(error)).partition(".")[0]
    extra = getattr(_modules.get(name), "extra", None)
    what = f'"isfdb[{extra}]"' if extra else library
    return MissingDependencyError(
        f"the loaderdumper {name!r} needs {library}, which is not installed. Install it: pip install {what}", name=library
    )


def too_old(name: str) -> MissingDependencyError | None:
    """Return the error to raise where a loaderdumper failed and a library it needs is older than it asks for; None where none is."""
    module = _modules.get(name)
    for library, lowest in getattr(module, "requires", {}).items():
        installed = _installed(library)
        if installed is not None and _numbers(installed) < _numbers(lowest):
            return MissingDependencyError(
                f"the loaderdumper {name!r} needs {library} {lowest} or newer; {installed} is installed. "
                f'Upgrade it: pip install "{library}>={lowest}"',
                name=library,
            )
    return None


def _installed(library: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(library)
    except PackageNotFoundError:
        return None


def _numbers(version: str) -> list[int]:
    """Return the leading numbers of a version: enough to tell older from newer releases."""
    found = re.match(r"\d+(\.\d+)*", version)
    return [int(number) for number in found[0].split(".")] if found else []


def initializer(name: str) -> Any:
    """Return the initializer registered as `name`: a module whose ``init(db, source)`` fills a database from a foreign source.

    Raises
    ------
    UnknownLoaderdumperError
        None is registered.
    """
    from importlib.metadata import entry_points

    points = {point.name: point for point in entry_points(group="isfdb.initializers")}
    if name not in points:
        raise UnknownLoaderdumperError(
            f"there is no initializer {name!r}; registered are {', '.join(sorted(points)) or 'none'}. Install the package that brings it.",
            name=name,
        )
    return points[name].load()


def check_options(function: Any, options: Mapping[str, Any], whose: str) -> None:
    """Refuse options that `function` does not take.

    Raises
    ------
    OptionError
    """
    parameters = inspect.signature(function).parameters.values()
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return
    known = [
        parameter.name
        for parameter in parameters
        if parameter.name not in ("self", "obj", "savedir") and parameter.kind is not parameter.VAR_POSITIONAL
    ]
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise OptionError(f"{whose} has no option {', '.join(map(repr, unknown))}; it has {', '.join(known) or 'none'}.", options=unknown)
