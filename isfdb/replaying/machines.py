"""What of another computer may let numbers come out otherwise: its processor and that one's instructions, BLAS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from isfdb.provenance.collectors.machine import machine


def difference_of_machines(recorded: Mapping[str, Any] | None) -> tuple[str, str]:
    """Return, in a few words each, what matters of the recorded computer and of this one; empty texts where nothing is known to differ."""
    there, here = _facts(recorded or {}), _facts(machine())
    names = [name for name in there if name in here and there[name] != here[name]]
    return ", ".join([f"{name} {there[name]}" for name in names]), ", ".join([f"{name} {here[name]}" for name in names])


def _facts(found: Mapping[str, Any]) -> dict[str, str]:
    """Return the facts that are known."""
    cpu = _mapping(found.get("cpu"))
    flags = cpu.get("flags")
    facts = {
        "architecture": found.get("architecture"),
        "processor": cpu.get("model"),
        "instructions": " ".join([str(flag) for flag in flags]) if isinstance(flags, list) else None,
        **_libraries(found.get("blas")),
    }
    return {name: str(fact)[:300] for name, fact in facts.items() if fact not in (None, "")}


def _libraries(blas: Any) -> dict[str, str]:
    """Return the versions of BLAS; what else is known of it depends on who was asked."""
    libraries = [one for one in blas if isinstance(one, Mapping)] if isinstance(blas, list) else []
    named = [(str(one["name"]), str(one["version"])) for one in libraries if one.get("name") and one.get("version")]
    return {f"BLAS {name}": version for name, version in named}


def _mapping(member: Any) -> Mapping[str, Any]:
    return member if isinstance(member, Mapping) else {}
