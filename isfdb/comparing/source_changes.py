"""In what the sources differ that two versions ran in: commits, uncommitted changes, untracked files, local modules; with their texts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from isfdb.comparing.stored import Stored
from isfdb.comparing.text import unified
from isfdb.layout.current import CODE_FOLDER

_OURS: Final = frozenset({"isfdb", "loaderdumpers", "initializers"})

#: Of so many changed files the texts are compared.
_MOST_TEXTS: Final = 5


@dataclass
class SourceChanges:
    """What differs.

    Attributes
    ----------
    lines : list of str
        What differs, by name.
    text : str
        Unified diffs of what changed and was kept.
    unknown : list of str
        Of which side the sources are not known, and why.
    """

    lines: list[str] = field(default_factory=list)
    text: str = ""
    unknown: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Blob:
    """One text that is kept: a module, an untracked file, the uncommitted changes of a repository."""

    name: str
    kept_as: str | None
    words: str


def source_changes(a: Stored, b: Stored) -> SourceChanges:
    """Compare the sources of two versions."""
    found = SourceChanges(unknown=[f"the sources of {side.name}: {why}" for side in (a, b) if (why := _why_unknown(side))])
    if found.unknown:
        return found
    repositories = [_repositories(side.snapshot or {}) for side in (a, b)]
    found.lines += _commits(a, b, repositories[0], repositories[1])
    blobs = [{blob.name: blob for blob in _blobs(side.snapshot or {}, one)} for side, one in zip((a, b), repositories, strict=True)]
    texts: list[str] = []
    for name in sorted({*blobs[0], *blobs[1]}):
        one, other = (side.get(name) for side in blobs)
        if one is not None and other is not None and one.kept_as == other.kept_as and one.words == other.words:
            continue
        found.lines.append(f"{name} {'removed' if other is None else 'added' if one is None else 'changed'}{_words(one, other)}")
        if len(texts) < _MOST_TEXTS:
            texts.append(_diff(a, b, one, other))
    found.text = "\n".join([text for text in texts if text])
    return found


def _why_unknown(side: Stored) -> str:
    if side.snapshot is None:
        code = side.record.get("code")
        is_named = isinstance(code, Mapping) and bool(code.get("snapshot"))
        return "their record is not in this database" if is_named else side.why_unknown("code")
    unknown = side.snapshot.get("unknown")
    return "; ".join([str(why) for why in unknown.values()]) if isinstance(unknown, Mapping) else ""


def _repositories(snapshot: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the repositories by name, without isfdb's own checkout, which says nothing about the user's code."""
    found = {}
    for one in _members(snapshot, "repositories"):
        if "working_directory" in one or not set(one.get("modules") or ()) <= _OURS:
            found[str(one.get("name"))] = one
    return found


def _members(record: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    members = record.get(name)
    return [one for one in members if isinstance(one, Mapping)] if isinstance(members, list) else []


def _commits(a: Stored, b: Stored, here: Mapping[str, Any], there: Mapping[str, Any]) -> list[str]:
    lines = [f"git {name}: only {a.name} used it" for name in here if name not in there]
    lines += [f"git {name}: only {b.name} used it" for name in there if name not in here]
    for name in here:
        commits = [str(side[name].get("commit"))[:12] for side in (here, there) if name in side]
        if len(set(commits)) > 1:
            lines.append(f"git {name}: commit {' → '.join(commits)}")
    return lines


def _blobs(snapshot: Mapping[str, Any], repositories: Mapping[str, Mapping[str, Any]]) -> Iterator[_Blob]:
    """Yield what beyond commits makes up the sources."""
    for name, repository in repositories.items():
        if repository.get("patch"):
            changed = repository.get("changed")
            words = ", ".join(map(str, changed)) if isinstance(changed, list) else ""
            yield _Blob(f"git {name}: uncommitted changes", str(repository["patch"]), words)
        elif repository.get("dirty"):
            yield _Blob(f"git {name}: uncommitted changes", None, "their text was not kept")
        for one in _members(repository, "files"):
            yield _Blob(f"git {name}: untracked file {one.get('path')}", _text_or_none(one.get("blob")), str(one.get("left_out") or ""))
    for one in _members(snapshot, "local_modules"):
        yield _Blob(f"module {one.get('name')}", _text_or_none(one.get("blob")), str(one.get("left_out") or ""))


def _text_or_none(member: Any) -> str | None:
    return member if isinstance(member, str) else None


def _words(a: _Blob | None, b: _Blob | None) -> str:
    words = ", ".join(dict.fromkeys([one.words for one in (a, b) if one is not None and one.words]))
    return f" ({words[:200]})" if words else ""


def _diff(a: Stored, b: Stored, one: _Blob | None, other: _Blob | None) -> str:
    """Return the unified diff of two kept texts; empty where either is not there."""
    texts = [_read(side, blob) for side, blob in ((a, one), (b, other))]
    name = (one or other or _Blob("", None, "")).name
    return "" if None in texts else unified(texts[0] or "", texts[1] or "", (f"{a.name}: {name}", f"{b.name}: {name}"))[0]


def _read(side: Stored, blob: _Blob | None) -> str | None:
    if blob is None:
        return ""
    if blob.kept_as is None or "/" in blob.kept_as or blob.kept_as.startswith("."):
        return None
    try:
        return str(side.storage.read(f"{CODE_FOLDER}/{blob.kept_as}").decode("utf-8", "replace"))
    except OSError:
        return None
