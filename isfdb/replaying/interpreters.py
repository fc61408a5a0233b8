"""Other Python interpreters: what they are and have, and where one of a certain version is. It installs none."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from isfdb.provenance.collectors.packages import packages_on

#: The oldest Python that isfdb runs in.
OLDEST: Final = (3, 11)

_TIMEOUT_S: Final = 30.0
_MOST_BYTES: Final = 1_000_000

# -I: neither the folder it is asked from nor variables of ours decide what it says.
_QUESTION: Final = (
    "import json, sys; sys.stdout.write('\\n\\0' + json.dumps({'version': sys.version.split()[0], 'implementation': "
    "sys.implementation.name, 'minor': list(sys.version_info[:2]), 'path': [one for one in sys.path if one]}))"
)


@dataclass(frozen=True)
class Interpreter:
    """A Python, as it described itself.

    Attributes
    ----------
    python : str
        Its absolute path.
    implementation : str
        ``"cpython"``, say.
    version : str
        ``"3.12.4"``.
    path : tuple of str
        Its ``sys.path``.
    """

    python: str
    implementation: str
    version: str
    path: tuple[str, ...]

    @property
    def minor(self) -> str:
        """The version without its last part: ``"3.12"``."""
        return minor_of(self.version)

    @property
    def packages(self) -> dict[str, str]:
        """What is installed in it: normalised name to version."""
        return packages_on(self.path)

    @property
    def name(self) -> str:
        """Its kind and version: ``"cpython 3.12.4"``."""
        return f"{self.implementation} {self.version}"

    @property
    def is_old(self) -> bool:
        """Whether isfdb cannot run in it."""
        return tuple([int(one) for one in self.minor.split(".")]) < OLDEST


def minor_of(version: str) -> str:
    """Return ``"3.12"`` of ``"3.12.4"``."""
    return ".".join(version.split(".")[:2])


def this_interpreter() -> Interpreter:
    """Describe the interpreter that runs now, with the packages it can import now."""
    path = tuple([os.path.abspath(one) for one in sys.path if one])
    return Interpreter(sys.executable, sys.implementation.name, platform.python_version(), path)


def ask_interpreter(python: str) -> Interpreter | str:
    """Ask an interpreter what it is; where it does not answer, return why, as the end of a sentence."""
    command = [python, "-I", "-c", _QUESTION]
    try:
        asked = subprocess.run(command, capture_output=True, timeout=_TIMEOUT_S, stdin=subprocess.DEVNULL, check=False)
        if asked.returncode:
            return f"it ended with status {asked.returncode}"
        found = json.loads(asked.stdout[-_MOST_BYTES:].rpartition(b"\0")[2])
        return _described(python, found)
    except subprocess.TimeoutExpired:
        return f"it did not answer within {_TIMEOUT_S:g} s"
    except (OSError, ValueError) as error:
        return f"it cannot be run ({getattr(error, 'strerror', None) or 'it answered something else'})"


def _described(python: str, found: Any) -> Interpreter:
    texts = [found.get(name) if isinstance(found, dict) else None for name in ("implementation", "version")]
    path = found.get("path") if isinstance(found, dict) else None
    if not all(isinstance(one, str) for one in texts) or not isinstance(path, list) or minor_of(str(texts[1])).count(".") != 1:
        raise ValueError("no description of an interpreter")
    return Interpreter(os.path.abspath(python), str(texts[0]), str(texts[1]), tuple([str(one) for one in path]))


def find_interpreter(implementation: str, minor: str) -> Interpreter | None:
    """Find an interpreter of a kind and version on this computer, this one first; None where there is none.

    Parameters
    ----------
    implementation : str
        ``"cpython"``.
    minor : str
        ``"3.12"``.
    """
    if (sys.implementation.name, minor_of(platform.python_version())) == (implementation, minor):
        return this_interpreter()
    for python in _candidates(implementation, minor):
        found = ask_interpreter(python)
        if isinstance(found, Interpreter) and (found.implementation, found.minor) == (implementation, minor):
            return found
    return None


def _candidates(implementation: str, minor: str) -> Iterator[str]:
    name = "python" if implementation == "cpython" else implementation
    for command in (f"{name}{minor}", "python3", "python"):
        if found := shutil.which(command):
            yield found
    uv = find_uv()
    if uv is not None:
        yield from _told_by([uv, "python", "find", "--no-project", "--no-python-downloads", f"{implementation}@{minor}"])
    launcher = shutil.which("py")
    if launcher is not None and os.name == "nt":
        yield from _told_by([launcher, f"-{minor}", "-c", "import sys; print(sys.executable)"])


def make_virtual_environment(python: str, folder: str) -> None:
    """Make an environment without any package, not even pip.

    Raises
    ------
    subprocess.CalledProcessError
        The interpreter cannot.
    """
    command = [python, "-I", "-m", "venv", "--without-pip", folder]
    subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, check=True)


def python_in(environment: str) -> str:
    """Return where the interpreter of a virtual environment lies."""
    return f"{environment}/Scripts/python.exe" if os.name == "nt" else f"{environment}/bin/python"


def find_uv() -> str | None:
    """Return where uv is: on ``PATH``, or beside this interpreter, for a virtual environment need not be activated."""
    return shutil.which("uv") or shutil.which("uv", path=os.path.dirname(sys.executable))


def _told_by(command: list[str]) -> list[str]:
    try:
        asked = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, stdin=subprocess.DEVNULL, check=False)
    except (OSError, subprocess.SubprocessError, ValueError):
        return []
    path = asked.stdout.strip()
    return [path] if asked.returncode == 0 and os.path.isfile(path) else []
