"""Finds the checkouts and folders of objects on this computer that may hold a recorded commit. It changes nothing and asks no network."""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from collections.abc import Iterable, Iterator
from urllib.parse import unquote, urlsplit

from isfdb.provenance.collectors.git_repository import Repository, config_paths, find_repository, read_config, read_text, remotes
from isfdb.replaying.recorded_code import RecordedRepository

_LIBRARIES = (f"{os.sep}site-packages", f"{os.sep}dist-packages")


def checkouts(recorded: RecordedRepository, near: Iterable[str]) -> Iterator[Repository]:
    """Yield repositories that may hold the commit, the recorded place first.

    Parameters
    ----------
    recorded : RecordedRepository
    near : iterable of str
        Folders to look at besides: where the database lies, say.
    """
    seen = set()
    for folder in (recorded.root, *_folders_in_use(recorded), *near):
        found = find_repository(folder) if os.path.isabs(folder) and os.path.isdir(folder) else None
        # What lies at the recorded place need not be a repository any more; one further up is none of it.
        if found is not None and found.common_dir not in seen and (folder != recorded.root or found.root == folder):
            seen.add(found.common_dir)
            yield found


def _folders_in_use(recorded: RecordedRepository) -> Iterator[str]:
    """Yield where this process works, and where it would import from."""
    try:
        yield os.getcwd()
    except OSError:  # deleted
        pass
    for name in recorded.modules:
        if place := place_of_module(name):
            yield place
    yield from [os.path.abspath(one) for one in sys.path if not one.endswith(_LIBRARIES)]


def place_of_module(name: str) -> str:
    """Return the folder from which a top-level module would be imported now; empty where it is unknown. Nothing is imported."""
    if not name.isidentifier() or name == "__main__":
        return ""
    try:
        found = importlib.util.find_spec(name)
    except (ImportError, ValueError, AttributeError, OSError):
        return ""
    places = list(found.submodule_search_locations or ()) if found is not None else []
    if places:
        return os.path.dirname(os.path.abspath(places[0]))
    return os.path.dirname(os.path.abspath(found.origin)) if found is not None and found.origin and os.path.isabs(found.origin) else ""


def object_folders(recorded: RecordedRepository, found: Iterable[Repository]) -> list[str]:
    """Return the folders of objects to borrow from: of checkouts, and of the remotes that are folders on this computer."""
    repositories = list(found)
    addresses = [(recorded.root, address) for address in recorded.remotes.values()]
    for one in repositories:
        addresses += [(one.root, address) for address in remotes(settings_of(one)).values()]
    repositories += [remote for root, address in addresses if (remote := _local_repository(root, address)) is not None]
    folders = [os.path.realpath(os.path.join(one.common_dir, "objects")) for one in repositories]
    # Git's list of such folders has one a line, and quotes what begins with a quotation mark.
    return [one for one in dict.fromkeys(folders) if os.path.isdir(one) and "\n" not in one and not one.startswith('"')]


def settings_of(repository: Repository) -> list[tuple[str, str]]:
    """Return the settings in a repository's own files."""
    return read_config("\n".join([read_text(path) for path in config_paths(repository)]))


def _local_repository(root: str, address: str) -> Repository | None:
    if address.startswith("file://"):
        path = unquote(urlsplit(address).path)
    elif re.match(r"[A-Za-z0-9+.-]+:", address):  # another protocol, or ssh's host:path
        return None
    else:
        path = os.path.join(root, os.path.expanduser(address))
    for one in (path, f"{path}.git"):
        folder = os.path.normpath(one)
        found = find_repository(folder) if address and os.path.isdir(folder) else None
        if found is not None and folder in (found.root, found.git_dir, found.common_dir):
            return found
    return None
