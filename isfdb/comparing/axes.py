"""In what the making of two versions differs: code, inputs, packages, machine, risks, and who made them when. Looks at records only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from isfdb.comparing.axis import DIFFERS, SAME, UNKNOWN, Axis, at_most, changes, unknown
from isfdb.comparing.code_axis import code_axis
from isfdb.comparing.stored import Stored
from isfdb.display.words import count_text, time_text
from isfdb.provenance.records import UsedFile, UsedValue, risks_of, used_of

#: So many names of packages stand in the line about them.
_MOST_NAMES: Final = 4


def axes_of(a: Stored, b: Stored) -> tuple[Axis, ...]:
    """Compare how two versions were made, axis by axis; what may explain a difference of the values comes first."""
    return tuple([compare(a, b) for compare in _AXES])


def may_explain(axes: tuple[Axis, ...]) -> str:
    """Say which axes may explain that two values differ: a plain rule, no guess.

    What differs among inputs, code, packages and machine is named. Only where none of them does, the risks are.
    """
    explaining = {axis.name: axis for axis in axes if axis.name in ("inputs", "code", "packages", "machine")}
    differing = [f"{name} ({axis.because})" for name, axis in explaining.items() if axis.status == DIFFERS]
    blind = [name for name, axis in explaining.items() if axis.status == UNKNOWN]
    not_known = f" Not known of both: {', '.join(blind)}." if blind else ""
    if differing:
        same = [name for name, axis in explaining.items() if axis.status == SAME]
        return f"What may explain it: {'; '.join(differing)}.{f' The same: {_joined(same)}.' if same else ''}{not_known}"
    risks = next((axis for axis in axes if axis.name == "risks"), None)
    if risks is not None and risks.lines and risks.status != UNKNOWN:
        return f"Nothing else that was recorded differs; the risks may explain it: {risks.because}.{not_known}"
    return f"Nothing that was recorded differs.{not_known}"


def _joined(words: list[str]) -> str:
    return ", ".join(words[:-1]) + " and " + words[-1] if len(words) > 1 else "".join(words)


def _inputs(a: Stored, b: Stored) -> Axis:
    missing = {side.name: side.why_unknown("slice") for side in (a, b) if not _is_explained(side)}
    if missing:
        return unknown("inputs", missing)
    one, other = (_by_name(side) for side in (a, b))
    undigested: list[str] = []
    lines = [f"{name} removed" for name in one if name not in other] + [f"{name} added" for name in other if name not in one]
    for name in one:
        if name in other and (change := _input_change(one[name], other[name])):
            (undigested if change.startswith("?") else lines).append(f"{name}: {change.removeprefix('?')}")
    if lines:
        return Axis(
            "inputs", DIFFERS, f"{len(lines):,} of {count_text(len({*one, *other}), 'input')} differ", at_most([*lines, *undigested])
        )
    if undigested:
        return Axis(
            "inputs", UNKNOWN, f"of {count_text(len(undigested), 'input')} it is not known whether they are the same", at_most(undigested)
        )
    return Axis("inputs", SAME, count_text(len(one), "input") if one else "none was noted")


def _is_explained(side: Stored) -> bool:
    """Say whether somebody looked for what a version was made from, though perhaps nothing was found."""
    return "used" in side.record or "slice" in side.record


def _by_name(side: Stored) -> dict[str, UsedValue | UsedFile]:
    """Return what a version was made from; a stored value under its link without the version."""
    found: dict[str, UsedValue | UsedFile] = {}
    for used in used_of(side.storage, side.record):
        name = used.link.rpartition("@")[0] if isinstance(used, UsedValue) else used.path
        found[name] = used
    return found


def _input_change(a: UsedValue | UsedFile, b: UsedValue | UsedFile) -> str:
    """Return what changed about an input that both used; with a question mark in front where that is not known; empty where nothing did."""
    if a.digest and b.digest:
        if a.digest == b.digest:
            return ""
        versions = [f"version {one.link.rpartition('@')[2]}, " if isinstance(one, UsedValue) else "" for one in (a, b)]
        return " → ".join([f"{version}digest {str(one.digest)[:12]}" for version, one in zip(versions, (a, b), strict=True)])
    if isinstance(a, UsedValue) or isinstance(b, UsedValue):
        return "" if getattr(a, "link", 0) == getattr(b, "link", 1) else f"{getattr(a, 'link', '')} → {getattr(b, 'link', '')}"
    if a.size != b.size:
        return f"{a.size} → {b.size} bytes"
    reason = next((one.because for one in (a, b) if one.because), "it was not digested")
    return "" if a.mtime == b.mtime and a.mtime is not None else f"?the same size, another time; {reason}"


def _packages(a: Stored, b: Stored) -> Axis:
    missing = {side.name: _why_no(side, "environment") for side in (a, b) if side.environment is None}
    if missing:
        return unknown("packages", missing)
    if a.record.get("environment") == b.record.get("environment"):
        return Axis("packages", SAME, "the same environment")
    facts = [_facts_of(side.environment or {}) for side in (a, b)]
    imported = {name for side in (a, b) for name in _table((side.snapshot or {}).get("imported"))} | {"Python"}
    changed = [name for name in sorted({*facts[0], *facts[1]}) if facts[0].get(name) != facts[1].get(name)]
    used, others = [name for name in changed if name in imported], [name for name in changed if name not in imported]
    lines = [*_changes(facts, used), *_changes(facts, others)]
    if not changed:
        return Axis("packages", SAME, "the same versions of all packages")
    if not used:
        return Axis("packages", SAME, f"those imported are the same; {len(others):,} that were not imported differ", at_most(lines))
    more = f" and {len(used) - _MOST_NAMES} more" if len(used) > _MOST_NAMES else ""
    beside = f"; {len(others):,} that were not imported" if others else ""
    return Axis("packages", DIFFERS, f"{', '.join(used[:_MOST_NAMES])}{more}{beside}", at_most(lines))


def _changes(facts: list[dict[str, Any]], names: list[str]) -> list[str]:
    one, other = ({name: side[name] for name in names if name in side} for side in facts)
    return changes(one, other)


def _facts_of(environment: Mapping[str, Any]) -> dict[str, Any]:
    python = " ".join([str(environment.get(name) or "") for name in ("implementation", "python")]).strip()
    packages = {**_table(environment.get("packages")), **{f"conda {name}": fact for name, fact in _table(environment.get("conda")).items()}}
    sources = {f"source of {name}": fact for name, fact in _table(environment.get("sources")).items()}
    return {"Python": python, **packages, **sources}


def _table(value: Any) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {}


def _why_no(side: Stored, name: str) -> str:
    return "its record is not in this database" if side.record.get(name) else side.why_unknown(name)


def _machine(a: Stored, b: Stored) -> Axis:
    why = "its session is not in this database, or does not say"
    missing = {side.name: why if side.record.get("activity") else side.why_unknown("activity") for side in (a, b) if side.machine is None}
    if missing:
        return unknown("machine", missing)
    one, other = (_flat(side.machine or {}) for side in (a, b))
    lines = changes(one, other)
    if not lines:
        return Axis("machine", SAME, str(one.get("host") or ""))
    names = [name for name in sorted({*one, *other}) if one.get(name) != other.get(name)]
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return Axis("machine", DIFFERS, f"{', '.join(names[:_MOST_NAMES])}{more}", at_most(lines))


def _flat(machine: Mapping[str, Any]) -> dict[str, Any]:
    """Return a machine's facts in one table; those about the user and what was not learned are told elsewhere."""
    found: dict[str, Any] = {}
    for name, fact in machine.items():
        if name in ("user", "unknown"):
            continue
        if isinstance(fact, Mapping):
            prefix = "" if name == "variables" else f"{name} "
            found |= {f"{prefix}{part}": one for part, one in fact.items()}
        elif name == "blas" and isinstance(fact, list):
            found |= {f"BLAS {part}": one for library in fact if isinstance(library, Mapping) for part, one in library.items()}
        else:
            found[str(name)] = fact
    return found


def _risks(a: Stored, b: Stored) -> Axis:
    missing = {side.name: side.why_unknown("slice") for side in (a, b) if not _is_explained(side) and "risks" not in side.record}
    if missing:
        return unknown("risks", missing)
    found = [{(risk.kind, risk.line.strip()) for risk in risks_of(side.record)} for side in (a, b)]
    if not found[0] and not found[1]:
        return Axis("risks", SAME, "none is recorded")
    sides = {pair: _joined([side.name for side, pairs in zip((a, b), found, strict=True) if pair in pairs]) for pair in found[0] | found[1]}
    lines = [f"{kind}{f': {line}' if line else ''} ({sides[kind, line]})" for kind, line in sorted(sides)]
    kinds = ", ".join(sorted({kind for kind, _ in sides}))
    return Axis("risks", SAME if found[0] == found[1] else DIFFERS, kinds, at_most(lines))


def _made(a: Stored, b: Stored) -> Axis:
    """Tell who made them and when; a time is never the same, so it does not count."""
    people = [{name: _table(side.record.get("by")).get(name) for name in ("user", "host")} for side in (a, b)]
    lines = [f"{side.name}: {time_text(side.version.created)}{_by(who)}" for side, who in zip((a, b), people, strict=True)]
    if not any(people[0].values()) or not any(people[1].values()):
        return Axis("made", UNKNOWN, "by whom is not recorded", tuple(lines))
    differing = changes(people[0], people[1])
    return Axis(
        "made",
        DIFFERS if differing else SAME,
        ", ".join(differing) or f"by the same user{_by(people[0])}".replace(" by ", " ", 1),
        tuple(lines),
    )


def _by(who: Mapping[str, Any]) -> str:
    words = " on ".join(str(one) for one in (who.get("user"), who.get("host")) if one)
    return f" by {words}" if words else ""


_AXES: Final[tuple[Callable[[Stored, Stored], Axis], ...]] = (_inputs, code_axis, _packages, _machine, _risks, _made)
