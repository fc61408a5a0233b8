"""A home folder for a script that is run again: links to what lies in the real one, so that it is read, and room for what is written.

What holds secrets is not linked. Where nothing but Python's own events holds a program back from writing through a link, there are none.
"""

from __future__ import annotations

import contextlib
import fnmatch
import glob
import os
import shutil
from collections.abc import Mapping
from typing import Final

#: Of a home with more entries not all are linked.
_MOST_ENTRIES: Final = 2_000

#: Keys, passwords, histories; and what programs want to write into.
_NOT_LINKED: Final = (
    ".ssh .aws .azure .gnupg .kube .docker .netrc _netrc .pypirc .git-credentials .pgpass .my.cnf .password-store .*_history .condarc "
    ".cache .ipython .jupyter .matplotlib .mozilla .thunderbird .Xauthority .ICEauthority .dbus .viminfo .*env .vault-token Library AppData"
).split()
_NO_CACHES_OF: Final = "isfdb matplotlib pip uv fontconfig mesa_shader_cache* numba ipython jedi parso thumbnails".split()


def lay_out_home(home: str, cache: str, *, linked: bool, variables: Mapping[str, str] = os.environ) -> None:
    """Make the two folders, anew where they are there already.

    Parameters
    ----------
    home, cache : str
    linked : bool
        Whether there are links to what lies in the real ones.
    variables : Mapping
        Say where the real ones are.
    """
    real = variables.get("HOME") or os.path.expanduser("~")
    caches = variables.get("XDG_CACHE_HOME") or f"{real}/.cache"
    for folder in (home, cache):
        shutil.rmtree(folder, ignore_errors=True)  # another wall was tried before, with links
    os.makedirs(home)
    os.makedirs(f"{cache}/matplotlib")
    if linked:
        _link_all(real, home, _NOT_LINKED)
        _link_all(caches, cache, _NO_CACHES_OF)
    configuration = variables.get("MPLCONFIGDIR") or f"{variables.get('XDG_CONFIG_HOME') or f'{real}/.config'}/matplotlib"
    for found in (*glob.glob(f"{glob.escape(caches)}/matplotlib/fontlist-*.json"), *glob.glob(f"{glob.escape(configuration)}/*")):
        _copy(found, f"{cache}/matplotlib/{os.path.basename(found)}")  # else each process looks for all fonts, for seconds


def _link_all(source: str, target: str, left_out: list[str]) -> None:
    with contextlib.suppress(OSError):  # there is none
        for entry in list(os.scandir(source))[:_MOST_ENTRIES]:
            if not any(fnmatch.fnmatch(entry.name, pattern) for pattern in left_out):
                with contextlib.suppress(FileExistsError):
                    os.symlink(entry.path, f"{target}/{entry.name}")


def _copy(source: str, target: str) -> None:
    with contextlib.suppress(OSError):
        if os.path.isdir(source):
            shutil.copytree(source, target, dirs_exist_ok=True)
        elif not os.path.exists(target) and not source.endswith(".lock"):
            shutil.copyfile(source, target)
