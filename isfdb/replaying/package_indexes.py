"""Where packages come from, as this user has set it for pip, said again to uv, which does not read pip's settings. It fetches nothing.

Without this, uv would look in the public index for what a laboratory keeps in its own, and there anybody may have taken the name.
"""

from __future__ import annotations

import ast
import os
import subprocess
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import unquote, urlsplit

_TIMEOUT_S: Final = 30.0

#: Where one of these is set, uv has settings of its own, and these count.
_SET_FOR_UV: Final = tuple("UV_DEFAULT_INDEX UV_INDEX UV_INDEX_URL UV_EXTRA_INDEX_URL UV_FIND_LINKS UV_CONFIG_FILE".split())

#: Later ones win.
_SECTIONS: Final = ("global", "install", ":env:")


def indexes_for_uv(pip: Sequence[str]) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return options and environment variables that tell uv where pip would look for packages; none where uv has settings of its own.

    Parameters
    ----------
    pip : sequence of str
        The command that runs pip.
    """
    if any(os.environ.get(name) for name in _SET_FOR_UV) or any(os.path.isfile(path) for path in _files_for_uv()):
        return (), {}
    settings = _settings_of(pip)
    found = {
        "UV_DEFAULT_INDEX": settings.get("index-url", ""),
        "UV_INDEX": " ".join([one for one in settings.get("extra-index-url", "").split() if not _is_gone(one)]),
        "UV_FIND_LINKS": ",".join(settings.get("find-links", "").split()),
        "UV_INSECURE_HOST": " ".join(settings.get("trusted-host", "").split()),
        "SSL_CERT_FILE": os.environ.get("SSL_CERT_FILE") or settings.get("cert", ""),
        "ALL_PROXY": os.environ.get("ALL_PROXY") or settings.get("proxy", ""),
    }
    if found["UV_INDEX"]:
        found["UV_INDEX_STRATEGY"] = "unsafe-best-match"  # pip looks in all indexes, and so finds what it found before
    is_without = settings.get("no-index", "").lower() in ("1", "true", "yes", "on")
    return ("--no-index",) if is_without else (), {name: text for name, text in found.items() if text}


def _settings_of(pip: Sequence[str]) -> dict[str, str]:
    try:
        asked = subprocess.run(
            [*pip, "config", "list"], capture_output=True, text=True, timeout=_TIMEOUT_S, stdin=subprocess.DEVNULL, check=False
        )
    except (OSError, subprocess.SubprocessError, ValueError):
        return {}
    pairs = [line.partition("=") for line in asked.stdout.splitlines()]
    told = {name: _text(value) for name, _, value in pairs}
    return {name.rpartition(".")[2]: text for section in _SECTIONS for name, text in told.items() if name.rpartition(".")[0] == section}


def _text(value: str) -> str:
    try:
        found: Any = ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return ""
    return found if isinstance(found, str) else ""


def _is_gone(address: str) -> bool:
    """Say whether an index is a folder that is not there: pip passes it over, uv fails."""
    parts = urlsplit(address)
    return parts.scheme == "file" and not os.path.isdir(unquote(parts.path))


def _files_for_uv() -> tuple[str, ...]:
    home = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    return (f"{home}/uv/uv.toml", "/etc/xdg/uv/uv.toml", "/etc/uv/uv.toml")
