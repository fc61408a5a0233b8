"""Every setting of isfdb in one table, and where its value comes from. Sets nothing up and reads nothing at import.

A value is looked for in this order; the first that has one wins:

1. the argument of the call,
2. a ``with isfdb.set_options(...)`` block around it, then a plain ``isfdb.set_options(...)`` earlier in the process,
3. the environment variable ``ISFDB_<NAME>`` (looked at every time; an empty one counts as not set),
4. ``[tool.isfdb]`` in the nearest ``pyproject.toml``, from the working directory upwards (read once a process),
5. the default.
"""

from __future__ import annotations

import os
import threading
import warnings
from contextvars import ContextVar, Token
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

from isfdb.errors import IsfdbWarning, OptionError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MAX_PROJECT_FILE_BYTES: Final = 1_000_000


class Setting(NamedTuple):
    """One row of the table."""

    name: str
    kind: str
    default: Any
    meaning: str
    parse: Callable[[Any], Any]
    in_project_file: bool = True

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return f"ISFDB_{self.name.upper()}"


def _durability(value: Any) -> str:
    if value in ("full", "process"):
        return str(value)
    raise ValueError


def _frame_format(value: Any) -> str:
    if value in ("parquet", "arrow"):
        return str(value)
    raise ValueError


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    words = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    return words[value.strip().lower()]


def _keep(value: Any) -> int | str | None:
    if isinstance(value, str) and value.strip().lower() in ("all", "none"):
        return "all" if value.strip().lower() == "all" else None
    return None if value is None else _count(value)


def _count(value: Any) -> int:
    if isinstance(value, (bool, float)) or int(value) < 1:
        raise ValueError
    return int(value)


def _count_or_none(value: Any) -> int | None:
    return None if value is None else _count(value)


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not 0 <= float(value) < float("inf"):
        raise ValueError
    return float(value)


def _path(value: Any) -> str | None:
    if value is None:
        return None
    text = os.fspath(value)
    if not isinstance(text, str) or not text or "\0" in text:
        raise ValueError
    return os.path.abspath(os.path.expanduser(text))


# The folders hold the signing key and the list of trusted databases. A pyproject.toml comes along with a stranger's project, so it
# must not be able to put its own key and list in their place.
SETTINGS: Final[Mapping[str, Setting]] = {
    setting.name: setting
    for setting in (
        Setting(
            "durability",
            '"full" or "process"',
            "full",
            "What a finished put survives: loss of power, or only a killed process.",
            _durability,
        ),
        Setting("keep", 'a number from 1, or "all"', None, "Versions of a key whose data collect keeps beyond the grace period.", _keep),
        Setting("grace_s", "seconds", 86400.0, "How long replaced data stays readable before collect may move it to the trash.", _seconds),
        Setting("trash_s", "seconds", 86400.0, "How long collected data lies in the trash before it is deleted.", _seconds),
        Setting("register", "true or false", True, "Whether opening a database notes it in the registry.", _flag),
        Setting("registry", "path", None, "The registry file; by default registry.sqlite in the data folder.", _path),
        Setting("data_folder", "path", None, "Where isfdb keeps what is yours: signing key, list of trusted databases.", _path, False),
        Setting("cache_folder", "path", None, "Where isfdb keeps what can be rebuilt: names of keys, search indexes.", _path, False),
        Setting(
            "frame_format",
            '"parquet" or "arrow"',
            "parquet",
            "How a put keeps pandas tables: small, or large and fast.",
            _frame_format,
        ),
        Setting("capture", "true or false", True, "Whether provenance is recorded; without it each version says so.", _flag),
        Setting("statistics", "true or false", False, "Whether a put also notes minimum, mean and the like, shown without loading.", _flag),
        Setting(
            "link_exports",
            "true or false",
            False,
            "Figures (PNG, SVG, PDF) and Parquet files that a session writes hold a link to the cell that wrote them.",
            _flag,
        ),
        Setting("digest_file_bytes", "a number from 1", 10**10, "Larger files that are read get no digest.", _count),
        Setting(
            "digest_session_bytes", "a number from 1", 10**11, "A process computes digests of files it read up to so many bytes.", _count
        ),
        Setting("digest_file_s", "seconds", 60.0, "How long the digest of one file that was read may take.", _seconds),
        Setting("digest_session_s", "seconds", 600.0, "How long a process computes digests of files it read, in the background.", _seconds),
        Setting("check_timeout_s", "seconds", 3600.0, "How long a script may run that is checked.", _seconds),
        Setting(
            "check_memory_bytes",
            "a number from 1",
            None,
            "Memory that each process of a script which is checked may take for its data; by default as much as there is.",
            _count_or_none,
        ),
        Setting(
            "environment_source_builds",
            "true or false",
            False,
            "Whether packages of a recorded environment may be built from sources, which runs the code of whoever wrote them.",
            _flag,
            False,
        ),
        Setting("environment_timeout_s", "seconds", 3600.0, "How long a recorded environment may take to be built.", _seconds),
        Setting(
            "environment_unused_s",
            "seconds",
            2592000.0,
            "How long a recorded environment that nobody used is kept: 30 days.",
            _seconds,
        ),
        Setting("git_timeout_s", "seconds", 2.0, "How long a put may wait, at most, for what git says about the sources.", _seconds),
    )
}

_block: ContextVar[Mapping[str, Any] | None] = ContextVar("isfdb_options", default=None)
_lock = threading.Lock()
_settled: list[set_options] = []  # plain calls still in force, oldest first
_plain: Mapping[str, Any] = {}  # the same, merged; replaced as a whole, never changed
_project: Mapping[str, Any] | None = None
_learnt: dict[str, tuple[str | None, Any]] = {}  # name -> (text of the environment variable, value it led to)


def option(name: str, given: Any = None) -> Any:
    """Return the value of a setting.

    Parameters
    ----------
    name : str
        A name in ``SETTINGS``.
    given : object, optional
        What the caller passed as an argument; None means that nothing was passed.

    Raises
    ------
    OptionError
        There is no such setting, or it was given a value it cannot take.
    """
    if given is not None:
        return _checked(_setting(name), given, "as an argument")
    block = _block.get()
    if block is not None and name in block:
        return block[name]
    if name in _plain:
        return _plain[name]
    return _from_outside(name)


def _from_outside(name: str) -> Any:
    # A put asks for several settings: this path, with nothing set anywhere, takes about a microsecond.
    text = os.environ.get("ISFDB_" + name.upper())
    learnt = _learnt.get(name)
    if learnt is not None and learnt[0] == text:
        return learnt[1]
    setting = _setting(name)
    if text:
        value = _checked(setting, text, f"by the environment variable {setting.variable}")
    else:
        value = _project_settings().get(name, setting.default)
        if value is None and name in ("data_folder", "cache_folder"):
            return _platform_folder(name)  # follows HOME, so it is not kept
    _learnt[name] = (text, value)
    return value


def _setting(name: str) -> Setting:
    setting = SETTINGS.get(name)
    if setting is None:
        raise OptionError(f"there is no setting {name!r}. The settings are: {', '.join(SETTINGS)}.", option=name)
    return setting


def _checked(setting: Setting, value: Any, where: str) -> Any:
    try:
        return setting.parse(value)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
        shown = ascii(value)
        shown = shown if len(shown) <= 80 else shown[:77] + "..."
        message = f"the setting {setting.name!r} was given {shown} {where}. It takes {setting.kind}."
        raise OptionError(message, option=setting.name, value=shown) from None


def _platform_folder(name: str) -> str | None:
    """Return the platform's folder for this user, or None where there is no home to put it in."""
    import platformdirs

    find = platformdirs.user_data_dir if name == "data_folder" else platformdirs.user_cache_dir
    try:
        folder = find("isfdb", appauthor=False)
    except RuntimeError:  # platformdirs 4.10 and later: no home
        return None
    return folder if os.path.isabs(folder) else None  # earlier ones leave "~", which would become a folder here


def _project_settings() -> Mapping[str, Any]:
    global _project
    project = _project
    if project is None:
        project = _project = _read_project()
    return project


def reread() -> None:
    """Forget what ``pyproject.toml`` said; the next question reads the one nearest to the working directory of that moment."""
    global _project
    _project = None
    _learnt.clear()


def _read_project() -> dict[str, Any]:
    path = _nearest_project()
    try:
        if path is None or os.path.getsize(path) > MAX_PROJECT_FILE_BYTES:
            return {}
        with open(path, "rb") as file:
            text = file.read()
        table = _isfdb_table(text) if b"isfdb" in text else {}
    except (OSError, ValueError, RecursionError) as error:
        warnings.warn(f"{path} cannot be read ({error}), so its settings for isfdb, if any, do not count.", IsfdbWarning, stacklevel=2)
        return {}
    return {name: value for name, value in ((name, _project_value(name, table[name], path)) for name in table) if name in SETTINGS}


def _nearest_project() -> str | None:
    try:
        folder = os.getcwd()
    except OSError:  # the working directory was deleted
        return None
    while True:
        path = os.path.join(folder, "pyproject.toml")
        if os.path.isfile(path):
            return path
        folder, below = os.path.dirname(folder), folder
        if folder == below:
            return None


def _isfdb_table(text: bytes) -> dict[str, Any]:
    import tomllib

    tools = tomllib.loads(text.decode()).get("tool", {})
    table = tools.get("isfdb", {}) if isinstance(tools, dict) else {}
    if not isinstance(table, dict):
        raise ValueError("[tool.isfdb] is no table")
    return table


def _project_value(name: str, value: Any, path: str) -> Any:
    setting = SETTINGS.get(name)
    if setting is None or not setting.in_project_file:
        reason = "there is no such setting" if setting is None else "for your safety it is not taken from a project's file"
        warnings.warn(f"{path} sets {name!r} in [tool.isfdb]: {reason}; it does not count.", IsfdbWarning, stacklevel=2)
        return None if setting is None else setting.default
    if setting.parse is _path and isinstance(value, str) and value:
        value = os.path.join(os.path.dirname(path), os.path.expanduser(value))
    return _checked(setting, value, f"in {path}")


class set_options:  # named as a function, for it is used as one
    """Change settings: for a ``with`` block, or for the rest of the process.

    Parameters
    ----------
    **settings
        Names and values as in ``isfdb.options.SETTINGS``.

    Notes
    -----
    Inside a ``with`` block only the running thread or asyncio task sees the change, and threads started in the block do not.
    A plain call holds for the whole process until :meth:`undo`; a block is stronger.

    Examples
    --------
    >>> import isfdb
    >>> with isfdb.set_options(durability="process"):
    ...     pass  # quick, for results that can be made again
    """

    def __init__(self, **settings: Any) -> None:
        self.settings = {name: _checked(_setting(name), value, "in set_options") for name, value in settings.items()}
        self._tokens: list[Token[Mapping[str, Any] | None]] = []
        _settle(self, holds=True)

    def __repr__(self) -> str:
        return f"set_options({', '.join([f'{name}={value!r}' for name, value in self.settings.items()])})"

    def undo(self) -> None:
        """Take a plain call back; what other calls set stays."""
        _settle(self, holds=False)

    def __enter__(self) -> Self:
        # Only here does it turn out that this was no plain call.
        _settle(self, holds=False)
        self._tokens.append(_block.set({**(_block.get() or {}), **self.settings}))
        return self

    def __exit__(self, *_: object) -> None:
        _block.reset(self._tokens.pop())


def _settle(options: set_options, *, holds: bool) -> None:
    global _plain
    with _lock:
        if holds:
            _settled.append(options)
        elif options in _settled:
            _settled.remove(options)
        merged: dict[str, Any] = {}
        for settled in _settled:
            merged.update(settled.settings)
        _plain = merged
