"""Says how the recorded sources differ from those at hand, and where the latter are imported from. It restores and changes nothing."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

from isfdb.provenance.collectors.git_repository import find_repository, is_commit
from isfdb.provenance.collectors.git_state import WorkTreeWatch
from isfdb.provenance.collectors.sources import Budget, SourceReader
from isfdb.replaying.git_calls import GitFailedError, safe_git
from isfdb.replaying.import_paths import Place, import_path
from isfdb.replaying.local_modules import root_of
from isfdb.replaying.recorded_code import RecordedFile, RecordedRepository, modules_of, repositories_of

_TIMEOUT_S: Final = 20.0
_MOST_NAMED: Final = 5


def source_differences(snapshot: Mapping[str, Any]) -> tuple[str, ...]:
    """Return, as sentences, how the recorded sources differ from those that lie at their places now; none: they are the same.

    What cannot be found out counts as a difference.
    """
    lines = [line for recorded in repositories_of(snapshot) for line in _of_repository(recorded)]
    reader = SourceReader()
    return (*lines, *[line for module in modules_of(snapshot) if (line := _of_module(module, reader))])


def current_sources(snapshot: Mapping[str, Any], *, directory: str | None = None, script: str | None = None) -> tuple[str, ...]:
    """Return the folders that the code is imported from as it is now, in the order in which :func:`restored` has their counterparts."""
    places = []
    for recorded in repositories_of(snapshot):
        if os.path.isdir(recorded.root) and not recorded.is_bare:
            try:
                git = safe_git(recorded.root)
            except GitFailedError:
                git = None
            places.append(Place(recorded.root, recorded.root, recorded.modules, git))
    roots = dict.fromkeys([root for module in modules_of(snapshot) if (root := root_of(module))])
    places += [Place(root, root) for root in roots]
    starts = [os.path.dirname(script)] if script and os.path.isabs(script) else []
    outside = [directory] if directory and os.path.isdir(directory) else []
    return tuple(dict.fromkeys([*import_path(places, [*starts, *outside]), *outside]))


# One repository --------------------------------------------------------------------------------------------------------------------


def _of_repository(recorded: RecordedRepository) -> Iterator[str]:
    name = recorded.name
    found = find_repository(recorded.root) if os.path.isdir(recorded.root) else None
    if found is None or found.root != recorded.root:
        yield f"{name}: there is no repository at {recorded.root} any more"
        return
    now = WorkTreeWatch(found).look(time.monotonic() + _TIMEOUT_S).record
    if now.get("commit") != (recorded.commit or None):
        yield f"{name}: {_moved_on(recorded, now)}"
    if why := (now.get("unknown") or {}).get("dirty"):
        if not recorded.is_bare:
            yield f"{name}: whether its files are as they were is not known: {why}"
    elif (patch := now.get("patch") or "") != recorded.patch:
        then, today = ("uncommitted changes" if one else "none" for one in (recorded.patch, patch))
        yield f"{name}: {'other uncommitted changes' if recorded.patch and patch else f'{then} then, {today} now'}"
    yield from _of_files(recorded, {str(one.get("path")): str(one.get("blob")) for one in now.get("files") or ()})


def _moved_on(recorded: RecordedRepository, now: Mapping[str, Any]) -> str:
    commit = str(now.get("commit") or "")
    branch = f" on {now['branch']}" if now.get("branch") else ""
    if not recorded.commit or not is_commit(commit):
        return f"at {commit[:12] or 'no commit'}{branch} now, at {recorded.commit[:12] or 'no commit'} then"
    text = f"at {commit[:12]}{branch} now, at {recorded.commit[:12]} then"
    try:
        counted = safe_git(recorded.root).ask("rev-list", "--count", "--left-right", f"{recorded.commit}...{commit}").split()
        back, ahead = (int(one) for one in counted)
    except (GitFailedError, ValueError):
        return f"{text}; that commit is not there any more"
    words = [f"{number} commit{'s' if number > 1 else ''} {side}" for number, side in ((ahead, "further"), (back, "left out")) if number]
    return f"{text}; {', '.join(words)}"


def _of_files(recorded: RecordedRepository, now: Mapping[str, str]) -> Iterator[str]:
    then = {one.path: one.blob for one in recorded.files}
    changed = [path for path in sorted({*then, *now}) if then.get(path) != now.get(path)]
    if changed:
        more = f" and {len(changed) - _MOST_NAMED} more" if len(changed) > _MOST_NAMED else ""
        yield f"{recorded.name}: other untracked files or changed notebooks: {', '.join(changed[:_MOST_NAMED])}{more}"


def _of_module(module: RecordedFile, reader: SourceReader) -> str:
    if not module.blob:
        return ""
    kept = reader.read(module.path, Budget())
    if isinstance(kept, str):
        return f"the module {module.state} ({module.path}) {kept}"
    return "" if kept.blob == module.blob else f"the module {module.state} ({module.path}) has changed since"
