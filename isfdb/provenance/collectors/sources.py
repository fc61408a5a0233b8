"""Which files are source code, and their text as it may be kept: limited in size, without secrets, notebooks without outputs.

It decides about single files; which files to look at is up to git_state.py and modules.py.
"""

from __future__ import annotations

import json
import os
import re
import stat
from dataclasses import dataclass, field
from typing import Any

from isfdb.provenance.redaction import redact

#: Largest single source file that is kept, and the most that one snapshot keeps.
MOST_BYTES_OF_A_FILE = 512 << 10
MOST_BYTES_OF_A_NOTEBOOK = 64 << 20  # with outputs; they are removed before it is measured
MOST_BYTES = 8 << 20
MOST_FILES = 1000

_ENDINGS = frozenset({
    ".py", ".pyi", ".pyx", ".pxd", ".pxi", ".ipynb", ".toml", ".cfg", ".ini", ".conf", ".yaml", ".yml", ".json", ".sh", ".bash", ".zsh",
    ".csh", ".bat", ".ps1", ".r", ".rmd", ".jl", ".m", ".c", ".cc", ".cpp", ".cxx", ".h", ".hh", ".hpp", ".cu", ".cuh", ".f", ".f90",
    ".f95", ".for", ".hoc", ".mod", ".ses", ".nml", ".rs", ".go", ".java", ".scala", ".js", ".ts", ".lua", ".pl", ".sql", ".cmake", ".mk",
    ".smk", ".nf", ".wdl", ".cwl", ".stan", ".bugs", ".md", ".rst", ".qmd", ".sli", ".nestml", ".proto", ".j2",
})  # fmt: skip
_NAMES = frozenset({"makefile", "snakefile", "dockerfile", "cmakelists.txt", "requirements.txt", "constraints.txt", "pipfile"})
# Files that are there to hold secrets are not kept at all.
_PRIVATE = re.compile(
    r"(?i)\.env(?:\..*)?|\.?netrc|\.pypirc|\.pgpass|credentials.*|secrets?\.\w+|id_(?:rsa|dsa|ecdsa|ed25519).*"
    r"|.*\.(?:pem|key|p12|pfx)|kaggle\.json"
)


@dataclass(frozen=True)
class Kept:
    """The text of one file as it is kept."""

    blob: str  # "<digest32>.py"
    content: bytes
    redacted: int
    outputs_removed: bool = False

    def facts(self) -> dict[str, Any]:
        """Return what the record says about it."""
        facts: dict[str, Any] = {"blob": self.blob, "size": len(self.content)}
        if self.redacted:
            facts["redacted"] = self.redacted
        if self.outputs_removed:
            facts["outputs_removed"] = True
        return facts


@dataclass
class Budget:
    """How much one snapshot may still keep."""

    bytes_left: int = MOST_BYTES
    files_left: int = MOST_FILES


@dataclass
class SourceReader:
    """Reads source files, each once while it stays unchanged."""

    _known: dict[str, tuple[tuple[int, int, int], Kept]] = field(default_factory=dict)

    def read(self, path: str, budget: Budget) -> Kept | str:
        """Return the file as it is kept, or the reason why it is left out."""
        try:
            found = os.lstat(path)
        except OSError as error:
            return f"cannot be read: {error.strerror}"
        if not stat.S_ISREG(found.st_mode):
            return "is not a regular file"
        state = (found.st_mtime_ns, found.st_size, found.st_ino)
        known = self._known.get(path)
        if known is None or known[0] != state:
            kept = _read(path, found.st_size)
            if isinstance(kept, str):
                return kept
            known = self._known[path] = (state, kept)
        return _within(budget, known[1])


def is_source(path: str) -> bool:
    """Say whether a file of that name is source code that may be kept."""
    name = path.rpartition("/")[2]
    lowered = name.lower()
    if _PRIVATE.fullmatch(name) or "/.ipynb_checkpoints/" in f"/{path}":
        return False
    return os.path.splitext(lowered)[1] in _ENDINGS or lowered in _NAMES


def named_blob(content: bytes, ending: str) -> str:
    """Return the name under which `content` is stored once."""
    from blake3 import blake3

    return blake3(content).hexdigest()[:32] + ending


def readable(text: str) -> str:
    """Return a path or a branch as text that JSON can hold, without secrets; bytes that are no text show as escapes."""
    return redact(text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace"))[0]


def home_hint(path: str) -> str:
    """Return a path with the home folder as ``~``: a hint for people, never needed."""
    home = os.path.expanduser("~")
    return readable("~" + path[len(home) :] if home != "/" and (path + "/").startswith(home + "/") else path)


def redact_bytes(content: bytes) -> tuple[bytes, int]:
    """Remove secrets from bytes that are mostly text; what is not text stays as it is."""
    text, count = redact(content.decode("utf-8", "surrogateescape"))
    return (text.encode("utf-8", "surrogateescape"), count) if count else (content, 0)


def _read(path: str, size: int) -> Kept | str:
    is_notebook = path.endswith(".ipynb")
    most = MOST_BYTES_OF_A_NOTEBOOK if is_notebook else MOST_BYTES_OF_A_FILE
    if size > most:
        return f"larger than {most >> 10} kB"
    try:
        # Never through a link that took the place of the file, never waiting for a pipe.
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    stripped = _without_outputs(content) if is_notebook else None
    content, redacted = redact_bytes(content if stripped is None else stripped)
    if len(content) > MOST_BYTES_OF_A_FILE:
        return f"larger than {MOST_BYTES_OF_A_FILE >> 10} kB"
    return Kept(named_blob(content, os.path.splitext(path)[1].lower() or ".txt"), content, redacted, stripped is not None)


def _within(budget: Budget, kept: Kept) -> Kept | str:
    if len(kept.content) > budget.bytes_left or budget.files_left <= 0:
        return f"more than {MOST_BYTES >> 20} MB or {MOST_FILES} files of sources in this snapshot"
    budget.bytes_left -= len(kept.content)
    budget.files_left -= 1
    return kept


def _without_outputs(content: bytes) -> bytes | None:
    """Return a notebook without outputs: they are large, change with every run, and may show secrets. None if it is no notebook."""
    try:
        notebook = json.loads(content)
        for cell in notebook["cells"]:
            if cell.get("cell_type") == "code":
                cell["outputs"], cell["execution_count"] = [], None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return (json.dumps(notebook, ensure_ascii=False, indent=1) + "\n").encode("utf-8", "surrogatepass")
