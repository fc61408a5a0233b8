"""What a few functions need, change and give for which a table would not do: ``map``, ``getattr``, ``exec`` and their like."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from isfdb.provenance.slicing.assignments import store_attribute
from isfdb.provenance.slicing.attributes import attribute_of
from isfdb.provenance.slicing.call_arguments import Given
from isfdb.provenance.slicing.imports import need_module
from isfdb.provenance.slicing.instances import may_call, operate_on
from isfdb.provenance.slicing.names import consume, members_of, unbind
from isfdb.provenance.slicing.notes import FILES
from isfdb.provenance.slicing.world import NOTHING, Value

if TYPE_CHECKING:
    from isfdb.provenance.slicing.interpreter import Interpreter

#: Functions that call what they are given when somebody iterates over what they return.
_LAZY: Final = frozenset(
    (
        "map filter itertools.accumulate itertools.starmap itertools.takewhile itertools.dropwhile itertools.filterfalse itertools.groupby"
    ).split()
)
_EAGER: Final = frozenset({"functools.reduce", "sorted", "min", "max"})


def called_with_care(run: Interpreter, name: str, given: Given) -> Value | None:
    """Return what a function gives that deserves more care than a table; None where it does not."""
    follow = _FOLLOWED.get(name)
    if follow is not None:
        return follow(run, given)
    if name in _LAZY and given.arguments:
        return _lazy(run, given)
    if name in _EAGER and given.arguments:
        return _eager(run, name, given)
    return None


def _lazy(run: Interpreter, given: Given) -> Value:
    """Return an iterator that calls functions of the session when it is iterated over."""
    world = run.world
    everything = given.everything
    run.look(everything)
    called = world.of_kind(everything, "function", "method", "class", "instance")

    def follow(later: Interpreter) -> Value:
        members = NOTHING.union(*[members_of(later, value) for value in given.arguments])
        later.use(members)
        return later.called(called, Given((members - called,) * _count(later, called))) | (members - called) if called else members

    made = world.new("iterator", deferred=follow)
    world.put_into(made, everything)
    return made


def _count(run: Interpreter, called: Value) -> int:
    counts = [len(run.world.things[one].node.args.args) for one in called if hasattr(run.world.things[one].node, "args")]
    return max(counts, default=1)


def _eager(run: Interpreter, name: str, given: Given) -> Value:
    run.use(given.everything)
    world = run.world
    called = world.of_kind(given.everything, "function", "method", "class")
    members = NOTHING.union(*[members_of(run, value) for value in given.arguments]) - called
    from_calls = may_call(run, called | world.of_kind(members, "instance"), members)
    if name != "sorted":
        return members | from_calls
    made = world.new("list")
    world.put_into(made, members | from_calls)
    return made


def _setattr(run: Interpreter, given: Given) -> Value:
    run.use(given.everything)
    name = given.constant("name", 1)
    store_attribute(run, given.first(), name if isinstance(name, str) else "", NOTHING.union(*given.arguments[2:]))
    return run.world.plain("none")


def _getattr(run: Interpreter, given: Given) -> Value:
    run.use(given.everything)
    name = given.constant("name", 1)
    found = attribute_of(run, given.first(), name) if isinstance(name, str) else NOTHING
    if not isinstance(name, str):
        for one in run.world.of_kind(given.first(), "instance", "class"):
            scopes = [run.world.things[cls].scope for cls in run.world.things[one].made_by | {one} if run.world.things[cls].scope]
            for attribute in [known for scope in scopes for known in scope.names]:
                found |= attribute_of(run, frozenset((one,)), attribute)
        of_unknown_name = run.world.new("foreign")
        run.world.put_into(of_unknown_name, given.first())  # calling it may change what it is taken from
        found |= given.first() | run.world.held(given.first()) | of_unknown_name
    return found | NOTHING.union(*given.arguments[2:])


def _next(run: Interpreter, given: Given) -> Value:
    run.use(given.everything)
    run.change(given.first())
    return members_of(run, given.first()) | NOTHING.union(*given.arguments[1:])


def _partial(run: Interpreter, given: Given) -> Value:
    """Return a function that is called with more than it was given."""
    run.use(given.everything)
    first, rest = given.first(), given.arguments[1:]

    def calls(later: Interpreter, more: Given) -> Value:
        return later.called(first, Given((*rest, *more.arguments), {**given.named, **more.named}, more.scope, more.node, more.is_statement))

    made = run.world.new("method", calls=calls)
    run.world.put_into(made, given.everything)
    return made


def _deepcopy(run: Interpreter, given: Given) -> Value:
    run.use(given.everything)
    return run.world.copied(given.first(), deeply=True)


def _copy(run: Interpreter, given: Given) -> Value:
    run.use(given.everything)
    return run.world.copied(given.first(), deeply=False)


def _dumps(run: Interpreter, given: Given) -> Value:
    """Return bytes that hold what they were made from, as it was."""
    run.use(given.everything)
    made = run.world.new("object")
    run.world.put_into(made, run.world.copied(given.first(), deeply=True))
    return made


def _loads(run: Interpreter, given: Given) -> Value:
    run.use(given.everything)
    return run.world.copied(run.world.held(given.first()), deeply=True) | run.world.new("object")


def _dump(run: Interpreter, given: Given) -> Value:
    """Note what is pickled into a file: what is unpickled later may be it."""
    run.use(given.everything)
    run.change(NOTHING.union(*given.arguments[1:2]))
    pickled = run.world.copied(given.first(), deeply=True)
    run.world.names["<pickled>"] = run.world.names.get("<pickled>", NOTHING) | pickled
    return run.world.plain("none")


def _load(run: Interpreter, given: Given) -> Value:
    run.use(given.everything)
    consume(run, given.everything)
    return run.world.copied(run.world.names.get("<pickled>", NOTHING), deeply=True) | run.world.new("object")


def _open(run: Interpreter, given: Given) -> Value:
    run.use(given.everything)
    return run.world.new("file", name=given.path(run.world) or "", writes=given.opens_for_writing())


def _open_store(run: Interpreter, given: Given) -> Value:
    """Return a file whose parts are set and got like a dict's."""
    run.use(given.everything)
    mode = given.constant("mode", 1)
    return run.world.new("file", name=given.path(run.world) or "", writes=mode not in ("r", None))


def _open_shelf(run: Interpreter, given: Given) -> Value:
    run.use(given.everything)
    run.touch_file(None)
    return run.world.new("file", writes=True)


def _connect(run: Interpreter, given: Given) -> Value:
    run.use(given.everything)
    path = given.path(run.world)
    return run.world.new("stateful") if path == ":memory:" else run.world.new("file", name=path or "", writes=True)


def _load_array(run: Interpreter, given: Given) -> Value | None:
    """Return an array that is a file: what is stored into it is written there; None where it is read into memory."""
    return None if given.constant("mmap_mode", 1) in (None, "r", "c") else _memory_map(run, given)


def _memory_map(run: Interpreter, given: Given) -> Value:
    run.use(given.everything)
    path = given.path(run.world)
    if {given.constant(one) for one in ("mode", "mmap_mode")} & {"r", "c"}:
        return run.world.new("array")
    run.touch_file(path)
    return run.world.new("array", name=path or "", writes=True)


def _process(run: Interpreter, given: Given) -> Value:
    run.use(given.everything)
    return run.world.new("file", writes=True)


def _path(run: Interpreter, given: Given) -> Value:
    run.use(given.everything)
    parts = [_only_name(run, value) for value in given.arguments]
    known = "/".join(parts) if all(parts) else f"?/{parts[-1]}" if parts and parts[-1] else ""
    return run.world.plain("path", known)


def _join(run: Interpreter, given: Given) -> Value:
    run.use(given.everything)
    return run.world.plain("text", run.world.things[next(iter(_path(run, given)))].name)


def _only_name(run: Interpreter, value: Value) -> str:
    names = [run.world.things[one].name for one in value if run.world.things[one].kind in ("text", "path")]
    return names[0] if len(names) == 1 == len(value) else ""


def _print(run: Interpreter, given: Given) -> Value:
    run.use(given.everything)
    operate_on(run, given.everything)
    file = given.named.get("file", NOTHING)
    if run.world.definers.get("<stdout>") and not file:
        run.touch("<stdout>")
        run.change(run.world.held(run.world.library("sys")) | run.world.held(run.world.library("sys.stdout")))
    run.change(file)
    return run.world.plain("none")


def _type(run: Interpreter, given: Given) -> Value:
    if len(given.arguments) == 1:
        classes = NOTHING.union(*[run.world.things[one].made_by for one in given.first()])
        return classes or run.world.library("type")
    run.use(given.everything)
    made = run.world.new("instance")
    run.world.put_into(made, given.everything | run.world.held(given.everything))
    return made


def _super(run: Interpreter, given: Given) -> Value:
    found = given.scope
    while found is not None and found.kind == "comprehension":
        found = found.parent
    first = next(iter(found.names.values()), NOTHING) if found is not None else NOTHING
    return first or run.world.new("foreign")


def _vars(run: Interpreter, given: Given) -> Value:
    run.use(given.everything)
    return given.first()


def _reload(run: Interpreter, given: Given) -> Value:
    run.use(given.everything)
    run.change(given.first())
    run.see_named(FILES, None)
    run.see("<working directory>")
    for one in run.world.of_kind(given.first(), "library"):
        run.touch(f"<module>{run.world.things[one].name}")
    return given.first()


def _import(run: Interpreter, given: Given) -> Value:
    name = given.constant("name", 0)
    if not isinstance(name, str):
        run.see_named(FILES, None)
        run.use(given.everything)
        return run.world.new("foreign")
    need_module(run, name)
    return run.world.library(name)


def _import_builtin(run: Interpreter, given: Given) -> Value:
    name = given.constant("name", 0)
    return run.world.library(name.partition(".")[0]) if isinstance(name, str) else _import(run, given)


def _decimal_context(run: Interpreter, given: Given) -> Value:
    run.use(given.everything)
    return run.world.library("decimal.context")


def _run_path(run: Interpreter, given: Given) -> Value:
    """Note that a script runs, with variables of its own."""
    run.use(given.everything)
    run.touch_file(None)
    for state in [one for one in run.world.definers if one.startswith("<") and not one.startswith(("<module>", "<plot>"))]:
        run.touch(state)
    return run.world.new("foreign")


_FOLLOWED: Final[dict[str, Callable[[Interpreter, Given], Value | None]]] = {
    "setattr": _setattr,
    "delattr": _setattr,
    "getattr": _getattr,
    "next": _next,
    "functools.partial": _partial,
    "functools.partialmethod": _partial,
    "copy.deepcopy": _deepcopy,
    "copy.copy": _copy,
    **dict.fromkeys(("pickle.dumps", "cloudpickle.dumps", "dill.dumps"), _dumps),
    **dict.fromkeys(("pickle.loads", "cloudpickle.loads", "dill.loads"), _loads),
    **dict.fromkeys(("pickle.dump", "cloudpickle.dump", "dill.dump", "joblib.dump"), _dump),
    **dict.fromkeys(("pickle.load", "cloudpickle.load", "dill.load", "joblib.load", "pandas.read_pickle"), _load),
    **dict.fromkeys(("open", "io.open", "gzip.open", "bz2.open", "lzma.open", "codecs.open"), _open),
    **dict.fromkeys(
        ("h5py.File", "zarr.open", "zarr.open_group", "zarr.open_array", "zipfile.ZipFile", "tarfile.open", "netCDF4.Dataset"), _open_store
    ),
    "numpy.load": _load_array,
    **dict.fromkeys(("numpy.memmap", "numpy.lib.format.open_memmap"), _memory_map),
    "shelve.open": _open_shelf,
    "sqlite3.connect": _connect,
    "subprocess.Popen": _process,
    "logging.FileHandler": _process,
    **dict.fromkeys(("pathlib.Path", "pathlib.PurePath", "pathlib.PosixPath"), _path),
    "os.path.join": _join,
    "print": _print,
    "type": _type,
    "super": _super,
    "vars": _vars,
    "importlib.reload": _reload,
    "importlib.import_module": _import,
    "decimal.getcontext": _decimal_context,
    "runpy.run_path": _run_path,
}


def called_anything(run: Interpreter, name: str, given: Given) -> Value:
    """Follow code given as text; where it is not known, everything before may matter and everything may be changed."""
    run.use(given.everything)
    consume(run, given.everything)
    if name == "input":
        run.widen("it asks the person at the keyboard")
        return run.world.plain("text")
    if name == "__import__":
        return _import_builtin(run, given)
    if name == "vars" and given.arguments:
        return _vars(run, given)
    if name == "get_ipython":
        return run.world.library(name)
    if name == "get_ipython.run_line_magic" and given.constant("magic_name", 0) in ("reset", "reset_selective"):
        return _reset(run, given)
    if name in ("compile", "breakpoint"):
        return run.world.new("foreign")
    code = given.constant("source", 0)
    if name in ("exec", "eval") and isinstance(code, str) and len(given.arguments) == 1:
        return _literal(run, code, given)
    run.widen(f"it calls {name}, which may do anything")
    return run.world.new("foreign")


def _reset(run: Interpreter, given: Given) -> Value:
    """Follow ``%reset`` and ``%reset_selective``: names are deleted, for certain where nobody is asked."""
    words = str(given.constant("line", 1)).split()
    options = {word for word in words if word.startswith("-")}
    rest = [word for word in words if word not in options]
    is_selective = given.constant("magic_name", 0) == "reset_selective"
    if bool(rest) is not is_selective:
        return run.world.plain("none")  # of other things than names, or of none
    try:
        pattern = re.compile(" ".join(rest))
    except re.error:
        return run.world.plain("none")
    for name in [one for one in run.world.names if one.isidentifier() and not one.startswith("_") and pattern.search(one)]:
        unbind(run, name, None, is_certain="-f" in options and not run.weak)
    return run.world.plain("none")


def _literal(run: Interpreter, code: str, given: Given) -> Value:
    """Follow code that is written in the cell as a text."""
    try:
        tree = ast.parse(code.strip())
    except SyntaxError:
        return run.world.new("foreign")
    run.block(tree.body[:-1], given.scope)
    last = tree.body[-1:]
    if last and isinstance(last[0], ast.Expr):
        return run.value(last[0].value, given.scope)
    run.block(last, given.scope)
    return run.world.plain("none")
