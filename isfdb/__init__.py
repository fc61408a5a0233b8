"""isfdb keeps, explains and proves the results of a notebook. ``db["rates"] = df`` is all there is to call."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from isfdb import errors as errors
    from isfdb import registry as registry
    from isfdb.asking import find as find
    from isfdb.auditing.audits import audit as audit
    from isfdb.comparing.differences import diff as diff
    from isfdb.database import Database as Database
    from isfdb.explaining.scripts import code as code
    from isfdb.exporting.run import export as export
    from isfdb.opening import load as load
    from isfdb.opening import open as open
    from isfdb.options import set_options as set_options
    from isfdb.origins import whence as whence
    from isfdb.pins import pin as pin
    from isfdb.replaying.replays import replay as replay
    from isfdb.reporting.reports import report as report
    from isfdb.sealing.seals import seal as seal
    from isfdb.tracing.walk import lineage as lineage
    from isfdb.verifying import verify as verify

# Each public name is found on first use, so that `import isfdb` costs a script or a dask worker next to nothing.
_HOME = {
    "audit": "isfdb.auditing.audits",
    "code": "isfdb.explaining.scripts",
    "Database": "isfdb.database",
    "diff": "isfdb.comparing.differences",
    "export": "isfdb.exporting.run",
    "open": "isfdb.opening",
    "find": "isfdb.asking",
    "lineage": "isfdb.tracing.walk",
    "load": "isfdb.opening",
    "pin": "isfdb.pins",
    "replay": "isfdb.replaying.replays",
    "report": "isfdb.reporting.reports",
    "set_options": "isfdb.options",
    "seal": "isfdb.sealing.seals",
    "verify": "isfdb.verifying",
    "whence": "isfdb.origins",
    "errors": "",
    "registry": "",
    "__version__": "isfdb._version",
}

__all__ = [
    "Database",
    "audit",
    "code",
    "diff",
    "errors",
    "export",
    "find",
    "lineage",
    "load",
    "open",
    "pin",
    "registry",
    "replay",
    "report",
    "seal",
    "set_options",
    "verify",
    "whence",
]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name == "__version__":
        return import_module("isfdb._version").get_versions()["version"]
    if name not in _HOME:
        raise AttributeError(f"module 'isfdb' has no attribute {name!r}", name=name, obj=sys.modules[__name__])
    home = _HOME[name]
    value = getattr(import_module(home), name) if home else import_module(f"isfdb.{name}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})


def load_ipython_extension(shell: Any) -> None:
    """Add ``%isfdb`` to an IPython session; called by ``%load_ext isfdb``."""
    from isfdb.jupyter.extension import load

    load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """Undo all that ``%load_ext isfdb`` did."""
    from isfdb.jupyter.extension import unload

    unload(shell)


from isfdb.provenance import file_hook as _file_hook  # noqa: E402 - light; it sees files only from when it is installed
from isfdb.provenance import import_events as _import_events  # noqa: E402 - the same

_file_hook.install()
_import_events.install()

if "IPython" in sys.modules:  # in a notebook: note the outcome of every cell from now on, without being asked
    from isfdb.provenance.cells import watch

    watch()
