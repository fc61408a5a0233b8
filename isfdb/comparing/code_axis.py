"""In what the code of two versions differs: the slice, or the cell that stored it, and the state of the sources it imported."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Mapping
from typing import Any, Final

from isfdb.comparing.axis import DIFFERS, SAME, Axis, at_most, unknown
from isfdb.comparing.stored import Stored
from isfdb.comparing.text import changed_lines, unified
from isfdb.provenance.records import slice_of

_OURS: Final = frozenset({"isfdb", "loaderdumpers", "initializers"})
_LINK_VERSION: Final = re.compile(r"(isfdb://[^\s\"'@]*)@\w+")


def code_axis(a: Stored, b: Stored) -> Axis:
    """Compare the code that made two versions."""
    texts = [_text(side) for side in (a, b)]
    missing = {side.name: why for side, (_, text, why) in zip((a, b), texts, strict=True) if text is None}
    sources = _sources(a, b)
    if missing:
        found = unknown("code", missing)
        return Axis("code", DIFFERS, "the sources differ", (*found.lines, *sources)) if sources else found
    (kind, one, _), (other_kind, other, _) = texts
    assert one is not None  # else it would be missing
    assert other is not None
    lines = [f"of {a.name} {kind} is compared with {other_kind} of {b.name}"] if kind != other_kind else []
    lines += _labels(a, b)
    if _meaning(one) == _meaning(other):
        if sources:
            return Axis("code", DIFFERS, f"{kind} is the same, the sources it ran in differ", at_most([*lines, *sources]))
        return Axis("code", SAME, f"{kind} and the sources are the same", tuple(lines))
    text, removed, added = unified(without_comments(one), without_comments(other), (a.name, b.name))
    because = f"{kind}: {changed_lines(removed, added)}{'; the sources differ, too' if sources else ''}"
    return Axis("code", DIFFERS, because, at_most([*lines, *sources]), text)


def _text(side: Stored) -> tuple[str, str | None, str]:
    """Return what there is to compare, its text, and why there is none."""
    slice_text = side.slice_text
    if slice_text is not None:
        return "the slice", slice_text, ""
    cell = side.cell
    if cell is not None and cell.source is not None:
        return f"the {cell.kind} that stored it", cell.source, ""
    why = "its session is not in this database" if side.session is None and side.record.get("activity") else side.why_unknown("activity")
    return "the code", None, why


def _labels(a: Stored, b: Stored) -> list[str]:
    """Return what is to be known about one slice and not about the other."""
    found = [dict(facts.labels) if (facts := slice_of(side.record)) is not None else {} for side in (a, b)]
    pairs = ((a, found[0], found[1]), (b, found[1], found[0]))
    return [f"{side.name}: {label}: {why}" for side, here, there in pairs for label, why in here.items() if label not in (*there, "linear")]


def _meaning(code: str) -> str:
    """Return what of a code counts: not its comments, nor which version of an input it reads, which is told among the inputs."""
    code = _LINK_VERSION.sub(r"\1", code)
    try:
        return ast.dump(ast.parse(code))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return code  # magics


def without_comments(code: str) -> str:
    """Return code without the lines that are nothing but a comment: those of a slice name cells and times."""
    lines = code.split("\n")
    try:
        for token in tokenize.generate_tokens(io.StringIO(code).readline):
            if token.type == tokenize.COMMENT and not token.line[: token.start[1]].strip():
                lines[token.start[0] - 1] = "\0"
    except (tokenize.TokenError, SyntaxError, IndexError):
        return code
    return "\n".join([line for line in lines if line != "\0"]).strip("\n")


def _sources(a: Stored, b: Stored) -> list[str]:
    """Return in what the repositories and local modules differ; an empty list where they do not, or nothing is known of one side."""
    if a.snapshot is None or b.snapshot is None:
        return []
    repositories = [_repositories(side.snapshot or {}) for side in (a, b)]
    lines = [
        line for name in repositories[0] if name in repositories[1] for line in _repository(name, *[one[name] for one in repositories])
    ]
    for side, here, there in ((a, repositories[0], repositories[1]), (b, repositories[1], repositories[0])):
        lines += [f"git {name}: only {side.name} used it" for name in here if name not in there]
    modules = [_modules(side.snapshot or {}) for side in (a, b)]
    return lines + [f"module {name} {word}" for name, word in _changed(*modules)]


def _repositories(snapshot: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    members = snapshot.get("repositories")
    found = {}
    for one in members if isinstance(members, list) else ():
        is_ours = isinstance(one, Mapping) and "working_directory" not in one and set(one.get("modules") or ()) <= _OURS
        if isinstance(one, Mapping) and not is_ours:
            found[str(one.get("name"))] = one
    return found


def _repository(name: str, a: Mapping[str, Any], b: Mapping[str, Any]) -> list[str]:
    lines = []
    if a.get("commit") != b.get("commit"):
        lines.append(f"git {name}: commit {str(a.get('commit'))[:12]} → {str(b.get('commit'))[:12]}")
    if a.get("patch") != b.get("patch"):
        lines.append(f"git {name}: {_patch(a)} → {_patch(b)}")
    blobs = [{str(one.get("path")): str(one.get("blob")) for one in side.get("files") or () if isinstance(one, Mapping)} for side in (a, b)]
    return lines + [f"git {name}: untracked file {path} {word}" for path, word in _changed(*blobs)]


def _patch(repository: Mapping[str, Any]) -> str:
    changed = [str(one) for one in repository.get("changed") or ()]
    if not repository.get("patch"):
        return "no uncommitted changes" if not repository.get("dirty") else "uncommitted changes"
    more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
    return f"uncommitted changes {str(repository['patch'])[:8]}{' in ' + ', '.join(changed[:3]) + more if changed else ''}"


def _modules(snapshot: Mapping[str, Any]) -> dict[str, str]:
    members = snapshot.get("local_modules")
    listed = [one for one in members if isinstance(one, Mapping)] if isinstance(members, list) else []
    return {str(one.get("name")): str(one.get("blob") or one.get("left_out")) for one in listed}


def _changed(a: Mapping[str, str], b: Mapping[str, str]) -> list[tuple[str, str]]:
    names = [name for name in sorted({*a, *b}) if a.get(name) != b.get(name)]
    return [(name, "removed" if name not in b else "added" if name not in a else "changed") for name in names]
