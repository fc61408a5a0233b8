"""Puts together ``load.py``: a script that reads one key with public libraries only, no isfdb. It runs nothing itself.

How a format is read plainly is a fact of its loaderdumper, ``load_plainly``: a function, or ``"module:function"``. Its text goes into the
script, with that of the functions it calls; so it must stand alone (see :class:`isfdb.interfaces.LoaderDumper`).
"""

from __future__ import annotations

import builtins
import inspect
import json
import os
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from importlib import import_module
from types import CodeType, FunctionType
from typing import Any, Final

from isfdb import plugins
from isfdb.errors import IsfdbError

_ENTRY: Final = "load_plainly"

_SCRIPT: Final = '''\
"""Reads {title} without isfdb.

{about}
Run it to see the value, or use it in a program of yours:

    import runpy
    value = runpy.run_path("load.py")["load"]()
"""

from __future__ import annotations

import json
import os
from typing import Any

HERE = os.path.dirname(os.path.abspath(__file__))
VERSIONS = {versions}


def load(version: int | None = None) -> Any:
    """Return the value: the newest, or that of a version."""
    folder = os.path.join(HERE, *VERSIONS[max(VERSIONS) if version is None else version].split("/"))
    with open(os.path.join(folder, "Loader.json"), encoding="utf-8") as file:
        return load_spec(json.load(file), folder)


def load_spec(spec: dict[str, Any], folder: str) -> Any:
    """Return what the files in a folder are, as Loader.json, or a part of it, says."""
    name = spec["Loader"].rpartition(".")[2]
    if name not in LOADERS:
        raise NotImplementedError(f"there is no plain way to read {{name}}; the files are in {{folder}}")
    return LOADERS[name](spec, folder, load_spec)

{functions}

LOADERS = {{{loaders}}}

if __name__ == "__main__":
    print(load())
'''


def names_in(spec: Mapping[str, Any]) -> set[str]:
    """Return the names of all loaderdumpers that a spec names, those of parts included."""
    found: set[str] = set()
    to_do: list[Any] = [spec]
    while to_do:
        one = to_do.pop()
        if isinstance(one, dict):
            if isinstance(one.get("Loader"), str):
                found.add(one["Loader"].rpartition(".")[2])
            to_do += one.values()
        elif isinstance(one, list):
            to_do += one
    return found


def without_way(names: Iterable[str]) -> list[str]:
    """Return those loaderdumpers that do not say how to read their format plainly."""
    return sorted([name for name in names if _function_of(name) is None])


def runs_code(names: Iterable[str]) -> list[str]:
    """Return those loaderdumpers whose files can run code when they are read."""
    return sorted([name for name in names if _fact(name, "runs_code")])


def script(title: str, names: Iterable[str], versions: Mapping[int, str]) -> str:
    """Return the text of ``load.py``.

    Parameters
    ----------
    title : str
        What is read.
    names : iterable of str
        The loaderdumpers it takes.
    versions : Mapping
        Number of a version to its folder, as seen from the script.
    """
    known = frozenset(names)
    functions, loaders = _functions(known)
    listed = "{" + ", ".join([f"{number}: {json.dumps(folder)}" for number, folder in versions.items()]) + "}"
    return _SCRIPT.format(title=_quoted(title), about=_about(known), versions=listed, functions=functions, loaders=loaders)


def _quoted(title: str) -> str:
    """Return a text that cannot end a docstring or escape from it."""
    return title.replace("\\", "\\\\").replace('"', "'")


@lru_cache(maxsize=256)
def _about(names: frozenset[str]) -> str:
    """Return what a reader should know first. A thousand keys have few formats, so each answer is kept."""
    lines = []
    needed = sorted({package for name in names for package in _imports_of(name)})
    lines.append(f"It needs Python 3.11{' and ' + ', '.join(needed) if needed else ''}.")
    if risky := runs_code(names):
        told = f"Beware: {', '.join(risky)} is a pickle. Reading it runs code that whoever wrote it chose."
        lines.append(f"{told} It needs the packages that it came from.")
    return "\n".join([line for one in lines for line in textwrap.wrap(one, 100)]) + "\n"


@lru_cache(maxsize=256)
def _functions(names: frozenset[str]) -> tuple[str, str]:
    """Return the text of all functions that these loaderdumpers take, and the members of LOADERS."""
    texts: dict[str, str] = {}
    loaders = []
    for name in sorted(names):
        function = _function_of(name)
        if function is not None:
            loaders.append(f'"{name}": load_{name}')
            texts |= {helper.__name__: _text_of(helper) for helper in helpers_of(function)}
            texts[f"load_{name}"] = _text_of(function).replace(f"def {function.__name__}(", f"def load_{name}(", 1)
    return "\n\n".join(["", *[text.rstrip() + "\n" for text in texts.values()]]).rstrip("\n") + "\n", ", ".join(loaders)


def _fact(name: str, fact: str) -> Any:
    try:
        return getattr(plugins.loaderdumper(name), fact, None)
    except IsfdbError:
        return None  # not installed here


@lru_cache(maxsize=256)
def _function_of(name: str) -> FunctionType | None:
    """Return the function that reads a format plainly; None where there is none, or its text cannot be had."""
    found = _fact(name, _ENTRY)
    if isinstance(found, str):
        module, _, function = found.partition(":")
        found = getattr(import_module(module), function, None)
    if not isinstance(found, FunctionType):
        return None
    try:
        inspect.getsource(found)
    except (OSError, TypeError):  # typed in at a prompt
        return None
    return found


def helpers_of(function: FunctionType) -> list[FunctionType]:
    """Return the functions that a function calls by name, and those that they call, once each."""
    found: dict[str, FunctionType] = {}
    to_do = [function]
    while to_do:
        one = to_do.pop()
        for name in _globals_of(one.__code__):
            helper = one.__globals__.get(name)
            if isinstance(helper, FunctionType) and helper is not function and name not in found:
                found[name] = helper
                to_do.append(helper)
    return [found[name] for name in sorted(found)]


def foreign_names(function: FunctionType) -> set[str]:
    """Return the names that a function takes from its module and that no script has: it must stand alone."""
    wanted = set().union(*[_globals_of(one.__code__) for one in [function, *helpers_of(function)]])
    own = {helper.__name__ for helper in helpers_of(function)} | {function.__name__}
    return wanted - own - set(dir(builtins)) - {"json", "os"}


def _globals_of(code: CodeType) -> list[str]:
    """Return the names that a function's code looks up in its module, in order, those of functions inside it included."""
    import dis

    found = [str(step.argval) for step in dis.get_instructions(code) if step.opname in ("LOAD_GLOBAL", "LOAD_NAME")]
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            found += _globals_of(constant)
    return list(dict.fromkeys(found))


def _text_of(function: FunctionType) -> str:
    return textwrap.dedent(inspect.getsource(function))


def _imports_of(name: str) -> Iterator[str]:
    """Give the packages, none of the standard library's, that reading a format plainly imports."""
    import ast
    import sys

    function = _function_of(name)
    for one in [function, *helpers_of(function)] if function else []:
        for node in ast.walk(ast.parse(_text_of(one))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            yield from {one.partition(".")[0] for one in names} - set(sys.stdlib_module_names)


def relative(path: str, folder: str) -> str:
    """Return a path in an export, seen from a folder in it."""
    return os.path.relpath(path, folder).replace(os.sep, "/")
