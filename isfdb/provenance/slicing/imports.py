"""Follows imports: a module of the user's own sees the files of its time; a library's does not change."""

from __future__ import annotations

import ast
import sys
from typing import TYPE_CHECKING

from isfdb.provenance.slicing import effects
from isfdb.provenance.slicing.names import STAR, bind
from isfdb.provenance.slicing.notes import FILES
from isfdb.provenance.slicing.world import NOTHING, Scope

if TYPE_CHECKING:
    from isfdb.provenance.slicing.interpreter import Interpreter


def follow_import(run: Interpreter, node: ast.Import, scope: Scope | None) -> None:
    """Follow ``import a.b as c``."""
    for alias in node.names:
        top = alias.name.partition(".")[0]
        need_module(run, alias.name)
        bind(run, alias.asname or top, run.world.library(alias.name if alias.asname else top), scope)


def follow_import_from(run: Interpreter, node: ast.ImportFrom, scope: Scope | None) -> None:
    """Follow ``from a import b``."""
    module = node.module or ""
    need_module(run, module)
    run.look(run.world.library(module))
    for alias in node.names:
        name = f"{module}.{alias.name}"
        if alias.name == "*":
            _follow_star(run, module, scope)
        else:
            need_module(run, name) if node.level or not module else None
            run.look(run.world.library(name))
            bind(run, alias.asname or alias.name, run.world.library(name) | run.world.held(run.world.library(module)), scope)


def _follow_star(run: Interpreter, module: str, scope: Scope | None) -> None:
    """Bind what a star import binds: of a library, what it shows; of a module of the user's own, nobody knows."""
    loaded = sys.modules.get(module) if is_quiet(module) else None
    if loaded is not None:
        names = getattr(loaded, "__all__", None) or [name for name in vars(loaded) if not name.startswith("_")]
        for name in names:
            bind(run, name, run.world.library(f"{module}.{name}"), scope)
        return
    run.maybe_bound.add(STAR)
    run.world.names.setdefault(STAR, NOTHING)
    unknown = run.world.new("foreign")
    for name in [one for one in run.world.names if one.isidentifier()]:
        run.maybe_bound.add(name)
        run.world.names[name] = run.world.names[name] | unknown


def need_module(run: Interpreter, name: str) -> None:
    """Note what importing a module sees. One that was imported before is not read again."""
    if is_quiet(name):
        run.see(f"<settings>{name.partition('.')[0]}")
        return
    state = f"<module>{name}"
    is_known = bool(run.world.definers.get(state)) and not run.world.definers.get("<sys.path>")
    run.touch(state)
    parts = name.split(".")
    for count in range(1, len(parts)):
        run.touch(f"<module>{'.'.join(parts[:count])}")
    if is_known:
        return
    run.see("<sys.path>")
    run.see("<working directory>")
    run.see_named("<folders>", None)
    run.see(FILES)
    for part in parts:
        for file in (f"{part}.py", part, "__init__.py"):
            run.see(FILES + file)


def is_quiet(name: str) -> bool:
    """Say whether a module is of a well-known library."""
    return name.partition(".")[0] in effects.QUIET_PACKAGES
