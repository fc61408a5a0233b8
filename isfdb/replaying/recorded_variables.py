"""The settings of threads, hashing and arithmetic under which a session ran, for a process that is to do the same again."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any, Final

from isfdb.provenance.collectors.machine import ALLOWED_VARIABLES, machine

#: Those of the recorded variables that can change a result. Others tell of a batch system, a screen or a graphics card of that computer.
#: What is not in the list of those that may be recorded is not set either, whatever a record says: some name libraries to be loaded.
_MATTERING: Final = tuple([
    name
    for name in ALLOWED_VARIABLES
    if name.startswith(("OMP_", "OPENBLAS_", "GOTO_", "MKL_", "BLIS_", "VECLIB_", "NUMEXPR_", "NUMBA_", "TBB_", "KMP_", "NPY_", "TF_"))
    or name in "PYTHONHASHSEED PYTHONOPTIMIZE PYTHONUTF8 PYTHON_GIL LANG LC_ALL LC_NUMERIC TZ".split()
    or name in "CUBLAS_WORKSPACE_CONFIG NVIDIA_TF32_OVERRIDE JAX_ENABLE_X64".split()
])  # fmt: skip

#: They choose instructions of the processor: one that lacks these cannot obey, and may crash.
_OF_THE_PROCESSOR: Final = ("OPENBLAS_CORETYPE", "NPY_DISABLE_CPU_FEATURES", "NPY_ENABLE_CPU_FEATURES", "NUMBA_CPU_NAME", "MKL_CBWR")

#: A record may be forged: nothing that could be a path with options, a command or a line of its own.
_PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.,:;+@/=(){}\[\]-]{0,199}", re.ASCII)


def recorded_variables(session_start: Mapping[str, Any]) -> dict[str, str]:
    """Return the environment variables that a replay should have as the session had them.

    Parameters
    ----------
    session_start : Mapping
        The first line of the session's log.
    """
    then = _machine_of(session_start)
    variables = _mapping(then.get("variables"))
    texts = {name: variables[name] for name in _MATTERING if isinstance(variables.get(name), str)}
    names = [name for name, text in texts.items() if _PLAIN.fullmatch(text) and _python_starts(name, text)]
    refused = () if _can_all(then) else _OF_THE_PROCESSOR
    return {name: variables[name] for name in sorted(names) if name not in refused}


def _python_starts(name: str, text: str) -> bool:
    """Say whether Python starts with this value of a variable."""
    if name == "PYTHONHASHSEED":
        return text == "random" or (text.isascii() and text.isdigit() and int(text) < 1 << 32)
    return name not in ("PYTHONUTF8", "PYTHON_GIL") or text in ("0", "1")


def variables_to_unset(session_start: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the variables that are set here, were not in the session, and can change a result."""
    variables = _machine_of(session_start).get("variables")
    if not isinstance(variables, Mapping):
        return ()  # it is not known which were set
    locale = ("LANG", "LC_ALL", "LC_NUMERIC", "PYTHONUTF8")  # without any, a process may not even print what it could before
    return tuple(sorted([name for name in _MATTERING if name in os.environ and name not in variables and name not in locale]))


def _machine_of(session_start: Mapping[str, Any]) -> Mapping[str, Any]:
    return _mapping(session_start.get("machine"))


def _can_all(then: Mapping[str, Any]) -> bool:
    """Say whether this processor has every instruction set that the recorded one had."""
    needed, here = (_mapping(one.get("cpu")).get("flags") for one in (then, machine()))
    return isinstance(needed, list) and isinstance(here, list) and {str(one) for one in needed} <= {str(one) for one in here}


def _mapping(member: Any) -> Mapping[str, Any]:
    return member if isinstance(member, Mapping) else {}
