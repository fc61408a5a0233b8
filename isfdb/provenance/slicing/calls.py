"""What a call needs, changes and gives: of a method, a library's function, one of the session's own, or something nobody knows."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from isfdb.provenance.slicing import effects
from isfdb.provenance.slicing.effects import UNCHANGING
from isfdb.provenance.slicing.world import NOTHING, Scope, Value

if TYPE_CHECKING:
    from isfdb.provenance.slicing.interpreter import Interpreter

_CONTAINERS: Final = frozenset({"list", "dict", "set", "tuple"})
_ADDING_METHODS: Final = frozenset("append appendleft add insert extend extendleft update setdefault __setitem__".split())
_TAKING_METHODS: Final = frozenset("pop popitem popleft get setdefault values items copy __getitem__".split())
_FILES: Final = "<files>"


def _all(arguments: Sequence[Value], named: dict[str, Value]) -> Value:
    return frozenset().union(NOTHING, *arguments, *named.values())


def _is_true(node: ast.Call | None, name: str) -> bool:
    """Say whether a call has ``name=True``, or a value that may be true."""
    for keyword in node.keywords if node is not None else ():
        if keyword.arg == name:
            return not (isinstance(keyword.value, ast.Constant) and not keyword.value.value)
    return False


_PATH_PARAMETERS: Final = frozenset("path file fname filename buf excel_writer filepath_or_buffer path_or_buf".split())


def _path_of(
    node: ast.Call | None, places: Sequence[str] = ("path", "file", "fname", "filename", "buf", "excel_writer", "filepath_or_buffer")
) -> str | None:
    """Return the file a call names by a text; None where it cannot be told."""
    if node is None:
        return None
    candidates = [*node.args[:1], *[keyword.value for keyword in node.keywords if keyword.arg in _PATH_PARAMETERS]]
    for one in candidates:
        if isinstance(one, ast.Constant) and isinstance(one.value, str):
            return one.value
    return None


def _use_files(run: Interpreter, path: str | None, *, writes: bool) -> None:
    """Note the use of files: one hidden state, and each file that is named by a text one of its own besides."""
    run._need("<working directory>")
    if path is None:
        states = [_FILES, *[name for name in run.world.definers if name.startswith(_FILES)]]
    else:
        name = path.replace("\\", "/").rpartition("/")[2] or path
        states = [f"{_FILES}{name}"]
        run._need(_FILES)
    for state in states:
        if writes:
            run._touch(state)
        else:
            run._need(state)


def _may_call(run: Interpreter, value: Value, arguments: Sequence[Value], scope: Scope | None) -> Value:
    """Follow the session's functions among what a library is given: it may call them, with anything else it is given."""
    found: Value = NOTHING
    everything = frozenset().union(NOTHING, *arguments)
    members = everything | run.world.held(everything)
    for one in sorted(run.world.reachable(value)):
        kind = run.world.things[one].kind
        if kind == "function":
            parameters = run.world.things[one].node.args
            count = len(parameters.posonlyargs) + len(parameters.args)
            found |= run._run_function(one, [members - {one}] * count, {})
        elif kind == "instance":
            run._operate_on(frozenset((one,)), scope)
    return found


_MAY_DRAW: Final = frozenset("sample fit fit_transform fit_predict rvs permutation".split())


def called_method(
    run: Interpreter,
    owner: Value,
    name: str,
    arguments: Sequence[Value],
    named: dict[str, Value],
    scope: Scope | None,
    node: ast.Call,
    is_statement: bool,
) -> Value:
    """Return what a method call on anything but a module may give."""
    world = run.world
    given = _all(arguments, named)
    found: Value = NOTHING
    instances = frozenset(one for one in owner if world.things[one].kind == "instance" and run._classes_of(one))
    for one in sorted(instances):
        functions = [cls for cls in run._classes_of(one) if name in world.things[cls].scope.names]
        if functions:
            found |= run._call_method_of_instance(one, name, arguments, scope, named=named)
        else:
            found |= _unknown_method(run, frozenset((one,)), name, arguments, named, scope, node, is_statement)
    classes = frozenset(one for one in owner if world.things[one].kind == "class")
    for one in sorted(classes):
        for function in world.things[one].scope.names.get(name, NOTHING):
            if world.things[function].kind == "function":
                marks = [mark.id for mark in getattr(world.things[function].node, "decorator_list", ()) if isinstance(mark, ast.Name)]
                receiver = frozenset((one,)) if "classmethod" in marks else None
                found |= run._run_function(function, arguments, named, receiver)
    rest = owner - instances - classes
    if "database" in world.kinds(rest):
        run._use(given)
        return found | (world.new("database") if name in ("create_sub_db", "batch") else world.new())
    held_functions = frozenset(one for one in world.held(rest) if world.things[one].kind == "function")
    if held_functions:
        found |= run._called(held_functions, arguments, named, scope, "")
    if rest or not owner:
        found |= _unknown_method(run, rest, name, arguments, named, scope, node, is_statement)
    return found


def _unknown_method(
    run: Interpreter,
    owner: Value,
    name: str,
    arguments: Sequence[Value],
    named: dict[str, Value],
    scope: Scope | None,
    node: ast.Call,
    is_statement: bool,
) -> Value:
    """Judge a method by its name, and by the kind of its object where that is known."""
    world = run.world
    kinds, given = world.kinds(owner), _all(arguments, named)
    if name in effects.WRITING_METHODS or name in effects.READING_METHODS:
        paths = {world.things[one].name for one in owner if world.things[one].kind == "file"}
        path = paths.pop() if len(paths) == 1 else _path_of(node)
        _use_files(run, path or None, writes=name in effects.WRITING_METHODS)
        if name in effects.WRITING_METHODS and name not in effects.CHANGING_METHODS:
            run._use(owner | given)
            return world.new()
    if kinds <= UNCHANGING and kinds:
        run._use(given)
        return world.new("list") if "split" in name else world.plain("text" if "text" in kinds else "number")
    if name in _ADDING_METHODS and kinds <= _CONTAINERS and kinds:
        run._change(owner)
        for value in [*arguments, *named.values()]:
            world.put_into(owner, (run._members(value) if name in ("extend", "extendleft", "update") else NOTHING) | value)
        return world.held(owner) if name == "setdefault" else world.plain("none")
    if "generator" in kinds:
        run._change(owner)
        run._use(given)
        if name in ("shuffle",):
            run._change(given)
        return world.new("array") if kinds == {"generator"} else world.new()
    if "inplace" in named and _is_true(node, "inplace"):
        run._change(owner)
        run._use(given)
        world.put_into(owner, given)
        return world.plain("none")
    run._use(given)
    run._change(named.get("out", NOTHING))
    is_changing = name in effects.CHANGING_METHODS and not (kinds and kinds <= {"table", "array"} and name in ("add", "eval"))
    is_quiet = name in effects.QUIET_METHODS and not is_changing
    _may_draw(run, owner, name, named)
    if name in ("plot", "hist", "boxplot", "imshow", "scatter", "bar", "set_title", "legend"):
        run._touch("<plot>")
    result = _may_call(run, given, [owner, given], scope)
    if is_quiet or (kinds <= {"array", "table"} and kinds and not is_changing):
        run._use(owner)
        if name in effects.FRESH_METHODS:
            fresh = world.new("array" if "array" in kinds else "list" if name == "copy" and kinds <= _CONTAINERS else "object")
            if name == "copy":
                world.put_into(fresh, world.held(owner))  # a copy holds what the original holds
            return fresh
        if kinds and kinds <= _CONTAINERS:
            return (world.held(owner) | result | given) if name in _TAKING_METHODS else world.plain("number")
        return owner | world.held(owner) | given | result | world.new()
    run._use(owner)
    run._change(owner)
    world.put_into(owner, given)
    if not is_changing:
        run._change_deeply(owner)
        run._change_deeply(given)
    if name in ("pop", "popitem", "popleft"):
        return world.held(owner) | (owner if not kinds <= _CONTAINERS else NOTHING) or world.new()
    return owner | world.held(owner) | given | result | world.new()


def _may_draw(run: Interpreter, owner: Value, name: str, named: dict[str, Value]) -> None:
    """Methods that draw from numpy's global state unless they, or the object, were given a state."""
    if name in _MAY_DRAW and "random_state" not in named and not run.world.kinds(owner) <= UNCHANGING:
        run._touch("<numpy.random>")
        if name in ("sample", "rvs"):
            run._step.draws.add("<numpy.random>")


def called_thing(
    run: Interpreter,
    one: int | None,
    arguments: Sequence[Value],
    named: dict[str, Value],
    scope: Scope | None,
    node: ast.Call | None,
    is_statement: bool,
) -> Value:
    """Return what calling one thing may give."""
    world, given = run.world, _all(arguments, named)
    thing = world.things[one] if one is not None else None
    if one is not None and thing is not None:
        if thing.kind == "function":
            return run._run_function(one, arguments, named)
        if thing.kind == "class":
            return _made(run, one, arguments, named, scope)
        if thing.kind == "instance" and run._classes_of(one):
            return run._call_method_of_instance(one, "__call__", arguments, scope, named=named) | world.new()
        if thing.kind == "library":
            return _library(run, thing.name, arguments, named, scope, node, is_statement)
        if thing.kind in UNCHANGING or thing.kind in _CONTAINERS:
            return NOTHING
    run._use(given)
    known = frozenset((one,)) if one is not None else NOTHING
    result = _may_call(run, given | known, [given], scope)
    run._change_deeply(given | known)
    for value in arguments:
        world.put_into(value, given)
    world.put_into(known, given)
    return given | known | world.held(known) | result | world.new()


def _made(run: Interpreter, cls: int, arguments: Sequence[Value], named: dict[str, Value], scope: Scope | None) -> Value:
    """Make an instance of one of the session's classes."""
    world = run.world
    run._look(frozenset((cls,)))
    instance = world.new("instance", made_by=frozenset((cls,)))
    (one,) = instance
    world.put_into(instance, _all(arguments, named))
    for name in ("__new__", "__init__", "__post_init__"):
        run._call_method_of_instance(one, name, arguments, scope, named=named)
    for base in world.held(frozenset((cls,))):
        if world.things[base].kind == "library":
            run._use(_all(arguments, named))
    return instance


def _library(
    run: Interpreter,
    name: str,
    arguments: Sequence[Value],
    named: dict[str, Value],
    scope: Scope | None,
    node: ast.Call | None,
    is_statement: bool,
) -> Value:
    """Judge a library's or a builtin function by its full name."""
    world, given = run.world, _all(arguments, named)
    package = name.partition(".")[0]
    if name in effects.ANYTHING or name.rpartition(".")[2] in ("run_line_magic", "run_cell_magic", "run_cell", "system", "ex", "ev"):
        return _anything(run, name, arguments, named, scope, node)
    run._read_library(name)
    _hidden_state(run, name, arguments, named, node)
    special = _special(run, name, arguments, named, scope, node)
    if special is not None:
        return special
    if package in effects.QUIET_PACKAGES or name in effects.PURE_BUILTINS or name in effects.ALIASING_BUILTINS or _is_exception(name):
        return _quiet(run, name, arguments, named, scope, node, is_statement)
    # A module of the user's own, or a library nobody here knows: it may change what it is given, and itself where nothing comes back.
    run._use(given)
    run._look(world.library(package))
    result = _may_call(run, given, [given], scope)
    run._change_deeply(given)
    if is_statement:
        run._change(world.library(package) | world.library(name))
    fresh = world.new()
    world.put_into(fresh, given)
    return fresh | given | result


def _is_exception(name: str) -> bool:
    import builtins

    return isinstance(getattr(builtins, name, None), type)


def _quiet(
    run: Interpreter,
    name: str,
    arguments: Sequence[Value],
    named: dict[str, Value],
    scope: Scope | None,
    node: ast.Call | None,
    is_statement: bool,
) -> Value:
    """Judge a function that leaves alone what it is given, but for what the tables name."""
    world, given = run.world, _all(arguments, named)
    run._use(given)
    for value in [*arguments, *named.values()]:
        run._operate_on(value, scope)
    if "out" in named:
        run._change(named["out"])
    ufunc_out = name.startswith("numpy.") and len(arguments) == 3 and name.rpartition(".")[2] in _BINARY_UFUNCS
    if ufunc_out:
        run._change(arguments[2])
    if "copy" in named and not _is_true(node, "copy"):
        run._change(arguments[0] if name == "numpy.nan_to_num" and arguments else NOTHING)
    if _is_true(node, "inplace") or _is_true(node, "overwrite_a") or _is_true(node, "overwrite_x"):
        run._change(given)
    for prefix in (name, name.rpartition(".")[0]):
        for place in effects.CHANGES.get(prefix, ()):
            changed = given if place < 0 else arguments[place] if place < len(arguments) else NOTHING
            run._change(changed)
            world.put_into(changed, given - changed)
    if _is_in_place_of_torch(name):
        run._change(given)
    result = _may_call(run, given, arguments, scope)
    if is_statement and (
        name in effects.SETTERS or name.rpartition(".")[2].startswith(("set_", "register", "use", "enable", "disable", "seed"))
    ):
        run._change(world.library(name.partition(".")[0]))
        run._change(world.library(name.rpartition(".")[0]))
    kind = effects.GIVES.get(name)
    if kind in UNCHANGING:
        return world.plain(kind)
    if name in effects.GENERATORS:
        return world.new("generator")
    if name == "isfdb.open":
        return world.new("database")
    made = world.new(kind or ("list" if name in _CONTAINERS else "iterator" if _gives_iterator(name) else "object"))
    if name in effects.ALIASING_FUNCTIONS or name in effects.ALIASING_BUILTINS:
        holds_members = name in ("list", "dict", "tuple", "set", "frozenset", "sorted", "reversed", "enumerate", "zip", "filter", "map")
        for value in arguments:
            world.put_into(made, (run._members(value) if holds_members else value) | world.held(value))
            if world.kinds(made) == {"iterator"}:
                world.put_into(made, value)  # what is changed before an iterator comes to it, it gives changed
        for value in named.values():
            world.put_into(made, value | world.held(value))
        if holds_members or name in ("sum",):
            world.put_into(made, result)
            return made
        return made | given | result if name not in ("numpy.array",) or "copy" in named else made
    if name in effects.PURE_BUILTINS or (kind is not None):
        return made
    world.put_into(made, result)
    if name[:1].isupper() or name.rpartition(".")[2][:1].isupper():  # a class: its instance may hold what it was made from
        world.put_into(made, given)
    return made | result


_ITERATORS: Final = frozenset("zip iter enumerate reversed map filter csv.reader csv.DictReader".split())


def _gives_iterator(name: str) -> bool:
    return name.startswith("itertools.") or name in (
        "zip",
        "iter",
        "enumerate",
        "reversed",
        "map",
        "filter",
        "csv.reader",
        "csv.DictReader",
    )


_SETTING_PREFIXES: Final = ("set_", "register", "use", "enable", "disable", "seed")
_BINARY_UFUNCS: Final = frozenset(
    "add subtract multiply divide true_divide floor_divide power mod remainder maximum minimum dot matmul logical_and logical_or fmod "
    "arctan2 "
    "hypot bitwise_and bitwise_or bitwise_xor left_shift right_shift greater less equal".split()
)


def _is_in_place_of_torch(name: str) -> bool:
    """Say whether a function of torch changes its argument, as those do whose name ends with an underscore."""
    return name.startswith("torch.") and name.endswith("_") and not name.endswith("__")


def _hidden_state(run: Interpreter, name: str, arguments: Sequence[Value], named: dict[str, Value], node: ast.Call | None) -> None:
    """Note random states, files, plots and the like that a function uses or changes."""
    if name in effects.SEEDS:
        if arguments or named:
            run._set_state(effects.SEEDS[name])
        else:
            run._touch(effects.SEEDS[name])
        return
    for module, state in effects.RANDOM_STATES.items():
        inside = name.startswith(f"{module}.") and name not in effects.DRAWS_NOT
        if inside and (module != "torch" or name.split(".")[1] in effects.TORCH_DRAWS):
            run._touch(state)
            run._step.draws.add(state)
    if any(name.startswith(f"{package}.") for package in effects.DRAWS_WITHOUT_STATE) and "random_state" not in named:
        run._touch("<numpy.random>")
    if name in ("numpy.random.default_rng", "numpy.random.RandomState", "random.Random") and not arguments and not named:
        run._step.draws.add("unseeded generator")
    if name in effects.READS_FILE or name in effects.WRITES_FILE or name == "open":
        writes = (name in effects.WRITES_FILE and name not in effects.READS_FILE) or _opens_for_writing(node, name)
        _use_files(run, _path_of(node), writes=writes)
    if name not in ("os.getcwd", "os.getenv"):
        run._touch_library(name)


def _opens_for_writing(node: ast.Call | None, name: str) -> bool:
    if name in ("sqlite3.connect", "tempfile.mkdtemp"):
        return True
    if node is None:
        return name in effects.WRITES_FILE
    mode = next((keyword.value for keyword in node.keywords if keyword.arg == "mode"), node.args[1] if len(node.args) > 1 else None)
    if mode is None:
        return False
    return not (isinstance(mode, ast.Constant) and isinstance(mode.value, str) and not set(mode.value) & set("wax+"))


def _special(
    run: Interpreter, name: str, arguments: Sequence[Value], named: dict[str, Value], scope: Scope | None, node: ast.Call | None
) -> Value | None:
    """Builtins that deserve more care than a table gives."""
    world, given = run.world, _all(arguments, named)
    if name in ("setattr", "delattr") and arguments:
        run._use(given)
        run._store_into(arguments[0], frozenset().union(NOTHING, *arguments[2:]), scope, "__setattr__")
        return world.plain("none")
    if name in ("open", "io.open", "pathlib.Path"):
        run._use(given)
        return world.new("file", name=_path_of(node) or "")
    if name == "super":
        found = scope.find("self") if scope is not None else None
        return found.names["self"] if found is not None else world.new()
    if name in ("map", "filter", "functools.reduce", "sorted", "min", "max") and arguments:
        run._use(given)
        functions = frozenset(one for value in [*arguments, *named.values()] for one in value if world.things[one].kind == "function")
        members = frozenset().union(NOTHING, *[run._members(value) for value in arguments])
        from_calls = _may_call(run, functions, [members], scope)
        made = world.new("list" if name == "sorted" else "iterator")
        world.put_into(made, members - functions)
        if name != "sorted":
            world.put_into(made, given - functions)
        world.put_into(made, from_calls)
        return (members - functions) | from_calls if name in ("min", "max", "functools.reduce") else made
    if name in ("getattr",) and arguments:
        run._use(given)
        owner = arguments[0]
        for one in owner:
            if world.things[one].kind == "instance":
                for cls in run._classes_of(one):
                    for attribute in list(world.things[cls].scope.names):
                        run._call_method_of_instance(one, attribute, [], scope, only_properties=True)
        return owner | world.held(owner) | world.new()
    if name in ("next",) and arguments:
        run._use(given)
        run._change(arguments[0])
        return run._members(arguments[0]) | frozenset().union(NOTHING, *arguments[1:])
    if name in ("copy.deepcopy",):
        run._use(given)
        return world.new()
    if name in ("importlib.reload",) and arguments:
        run._use(given)
        run._change(arguments[0])
        for state in [*[one for one in world.definers if one.startswith(_FILES)], _FILES]:
            run._need(state)
        return arguments[0]
    return None


def _anything(
    run: Interpreter, name: str, arguments: Sequence[Value], named: dict[str, Value], scope: Scope | None, node: ast.Call | None
) -> Value:
    """Follow code given as text; where it is not known, everything before may matter and everything may be changed."""
    run._use(_all(arguments, named))
    if name == "input":
        run._widen("it asks the person at the keyboard")
        return run.world.plain("text")
    if name == "__import__" and node is not None and node.args and isinstance(node.args[0], ast.Constant):
        return run.world.library(str(node.args[0].value).partition(".")[0])
    if name in ("compile", "get_ipython", "breakpoint"):
        return run.world.library(name) if name == "get_ipython" else run.world.new()
    code = node.args[0] if node is not None and node.args else None
    if name in ("exec", "eval") and isinstance(code, ast.Constant) and isinstance(code.value, str) and len(arguments) == 1:
        try:
            tree = ast.parse(code.value)
        except SyntaxError:
            return run.world.new()
        run._block(tree.body[:-1], scope, certain=True)
        last = tree.body[-1:]
        if last and isinstance(last[0], ast.Expr):
            return run._value(last[0].value, scope)
        run._block(last, scope, certain=True)
        return run.world.plain("none")
    run._widen(f"it calls {name}, which may do anything")
    return run.world.new()
