"""Reads one executed statement after the other and notes, for each, which earlier ones it needs. Runs nothing.

It follows names, aliases, views, what containers hold, and calls of the session's own functions, whose bodies are read with what they
are given. Where it cannot tell, it takes a statement to need and to change too much rather than too little.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Sequence
from typing import Any, Final

from isfdb.provenance.slicing import effects
from isfdb.provenance.slicing.effects import UNCHANGING
from isfdb.provenance.slicing.world import NOTHING, Scope, Step, Value, World

#: Calls of the user's functions are followed so deep.
MAX_CALL_DEPTH: Final = 12
#: And so many in one statement; then all that could be called is taken to be.
MAX_CALLS: Final = 2000

_BUILTINS: Final = frozenset(dir(builtins))
_CONTAINERS: Final = frozenset({"list", "dict", "set", "tuple"})
_CONTAINER_METHODS: Final = frozenset(
    "append appendleft add insert extend update setdefault remove pop popitem clear sort reverse discard".split()
)
#: Kinds of values that looking at their members uses up.
_USED_UP: Final = frozenset({"iterator", "file"})
#: Special methods that no operator calls.
_NOT_OPERATORS: Final = frozenset({"__init__", "__new__", "__setattr__", "__module__", "__qualname__", "__del__"})
_STAR: Final = "*"
_FILES: Final = "<files>"


class Interpreter:
    """Follows a session, statement by statement.

    Attributes
    ----------
    world : World
        What is known after the statements so far.
    steps : list of Step
        The statements so far.
    """

    def __init__(self) -> None:
        self.world = World()
        self.steps: list[Step] = []
        self._step = Step(-1, -1, ast.Pass())
        self._bound: set[str] = set()  # of the session's names: those this statement has bound for certain before the place that is read
        self._changed: set[int] = set()
        self._maybe_bound: set[str] = set()
        self._surely_bound: set[str] = set()
        self._touched: set[str] = set()
        self._set_anew: set[str] = set()
        self._calling: list[int] = []
        self._n_calls = 0
        self._returned: list[Value] = []

    # One statement of the session -------------------------------------------------------------------------------------------------

    def execute(self, node: ast.stmt, cell: int, *, count: int | None = None, is_last: bool = False, may_have_failed: bool = False) -> Step:
        """Follow one statement that ran at the top level of a cell.

        Parameters
        ----------
        cell : int
            Place of the cell in the session.
        count : int, optional
            IPython's execution count, under which the value of a last expression can be had again.
        is_last : bool
            The statement is its cell's last.
        may_have_failed : bool
            It may have stopped half way.
        """
        step = self._step = Step(len(self.steps), cell, node, may_have_failed=may_have_failed)
        self.steps.append(step)
        self._bound, self._changed, self._maybe_bound, self._surely_bound = set(), set(), set(), set()
        self._touched, self._set_anew, self._n_calls = set(), set(), 0
        value = self._statement(node, None, certain=not may_have_failed)
        if is_last and isinstance(node, ast.Expr) and value is not None:
            self._remember_output(value, count)
        self._settle(step)
        return step

    def _remember_output(self, value: Value, count: int | None) -> None:
        """Bind what IPython binds to the value of a cell's last expression, unless that is None: then what was before stays."""
        for name in (f"_{count}", f"Out[{count}]"):
            self._bind(name, value, None, certain=True)
        previous = self.world.names.get("_", NOTHING)
        self.world.names["__"] = previous | self.world.names.get("__", NOTHING)
        for name in ("_", "__"):
            self._maybe_bound.add(name)
        self.world.names["_"] = value | previous

    def _settle(self, step: Step) -> None:
        """Write down that this step, from now on, is what others see the effect of."""
        world, number = self.world, step.number
        for name in self._surely_bound - self._maybe_bound:
            world.definers[name] = {number}
        for name in self._maybe_bound:
            world.definers.setdefault(name, set()).add(number)
        for thing in self._changed:
            world.changers[thing] = {number}
        for state in self._touched - self._set_anew:
            world.definers[state] = {number}
        for state in self._set_anew:
            world.definers[state] = {number}
        step.needs.discard(number)
        if step.widened:
            step.needs |= set(range(number))
            for name in [*world.names, _STAR]:
                world.definers.setdefault(name, set()).add(number)
            for one in range(len(world.things)):
                world.changers.setdefault(one, set()).add(number)

    def _widen(self, reason: str) -> None:
        if reason not in self._step.widened:
            self._step.widened.append(reason)

    # Hidden state ---------------------------------------------------------------------------------------------------------------------

    def _need(self, name: str) -> None:
        """Note that the statement sees what a name, or a hidden state, was last set to."""
        if name not in self._bound:
            self._step.needs |= self.world.definers.get(name, NOTHING)

    def _touch(self, state: str) -> None:
        """Note that the statement uses and may change a hidden state."""
        if state not in self._set_anew:
            self._need(state)
        self._touched.add(state)

    def _set_state(self, state: str) -> None:
        self._set_anew.add(state)

    def _use(self, value: Value) -> Value:
        """Note that the statement looks at a value, with all it holds."""
        for one in self.world.reachable(value):
            self._step.needs |= self.world.changers.get(one, NOTHING)
        return value

    def _look(self, value: Value) -> Value:
        """Note that the statement looks at a value, but not at what it holds."""
        for one in value:
            self._step.needs |= self.world.changers.get(one, NOTHING)
        return value

    def _change(self, value: Value) -> None:
        """Note that the statement may change the things of a value."""
        self._look(value)
        for one in value:
            if self.world.things[one].kind not in UNCHANGING and self.world.things[one].kind != "function":
                self._changed.add(one)

    def _change_deeply(self, value: Value) -> None:
        self._use(value)
        self._change(frozenset(one for one in self.world.reachable(value) if self.world.things[one].kind != "library"))

    # Names ----------------------------------------------------------------------------------------------------------------------------

    def _load(self, name: str, scope: Scope | None) -> Value:
        found = scope.find(name) if scope is not None else None
        if found is not None:
            return found.names[name]
        world = self.world
        if name in world.names:
            value = world.names[name]
            if world.kinds(value) != {"database"}:
                self._need(name)
            return self._look(value)
        if name == "__name__":
            return world.plain("text")
        if name in ("In", "Out", "_ih", "_oh", "_dh", "get_ipython"):
            if name == "get_ipython":
                return world.library(name)
            self._widen(f"it uses IPython's {name}")
            return world.new()
        if name in _BUILTINS and not world.definers.get(_STAR):
            return world.library(name)
        self._need(_STAR)
        return world.library(name) if name in _BUILTINS else world.new()

    def _bind(self, name: str, value: Value, scope: Scope | None, *, certain: bool) -> None:
        if scope is not None and name not in scope.declared_global:
            if name in scope.declared_nonlocal:
                owner = scope.parent.find(name) if scope.parent else None
                owner = owner or scope
                owner.names[name] = owner.names.get(name, NOTHING) | value
            else:
                scope.names[name] = value if certain else scope.names.get(name, NOTHING) | value
            return
        inside_call = scope is not None
        if certain and not inside_call:
            self._surely_bound.add(name)
            self._bound.add(name)
            self.world.names[name] = value
        else:
            self._maybe_bound.add(name)
            self.world.names[name] = self.world.names.get(name, NOTHING) | value

    def _assign(self, target: ast.expr, value: Value, scope: Scope | None, *, certain: bool) -> None:
        if isinstance(target, ast.Name):
            self._bind(target.id, value, scope, certain=certain)
        elif isinstance(target, (ast.Tuple, ast.List)):
            members = self._members(value)
            for one in target.elts:
                self._assign(one, members, scope, certain=certain)
        elif isinstance(target, ast.Starred):
            container = self.world.new("list")
            self.world.put_into(container, value)
            self._assign(target.value, container, scope, certain=certain)
        elif isinstance(target, ast.Attribute):
            self._store_into(self._value(target.value, scope), value, scope, "__setattr__", target.attr)
        elif isinstance(target, ast.Subscript):
            container = self._value(target.value, scope)
            self._use(self._value(target.slice, scope))
            self._store_into(container, value, scope, "__setitem__")

    def _store_into(self, container: Value, value: Value, scope: Scope | None, method: str, attribute: str = "") -> None:
        self._change(container)
        self.world.put_into(container, value)
        for one in container:
            thing = self.world.things[one]
            if thing.kind == "instance":
                self._call_method_of_instance(one, method, [value], scope)
                self._call_method_of_instance(one, attribute, [value], scope)
            elif thing.kind == "library":
                self._touch_library(thing.name, is_set=True)

    def _members(self, value: Value) -> Value:
        """Return what iterating, indexing or unpacking a value may give."""
        self._change(frozenset(one for one in value if self.world.things[one].kind in _USED_UP))
        own = {one for one in value if self.world.things[one].kind not in _CONTAINERS}
        return frozenset(own) | self.world.held(value)

    # Statements -----------------------------------------------------------------------------------------------------------------------

    def _block(self, body: Sequence[ast.stmt], scope: Scope | None, *, certain: bool) -> None:
        for node in body:
            self._statement(node, scope, certain=certain)

    def _statement(self, node: ast.stmt, scope: Scope | None, *, certain: bool) -> Value | None:
        method = getattr(self, f"_do_{type(node).__name__}", None)
        if method is None:
            for child in ast.iter_child_nodes(node):
                if isinstance(child, ast.expr):
                    self._use(self._value(child, scope))
            return None
        found: Value | None = method(node, scope, certain)
        return found

    def _do_Expr(self, node: ast.Expr, scope: Scope | None, certain: bool) -> Value:
        return self._use(self._value(node.value, scope, is_statement=True))

    def _do_Assign(self, node: ast.Assign, scope: Scope | None, certain: bool) -> None:
        value = self._value(node.value, scope)
        for target in node.targets:
            self._assign_matching(target, node.value, value, scope, certain)

    def _assign_matching(self, target: ast.expr, source: ast.expr, value: Value, scope: Scope | None, certain: bool) -> None:
        """Assign; a tuple to a tuple of as many, each to its own."""
        if (
            isinstance(target, (ast.Tuple, ast.List))
            and isinstance(source, (ast.Tuple, ast.List))
            and len(target.elts) == len(source.elts)
            and not any(isinstance(one, ast.Starred) for one in [*target.elts, *source.elts])
        ):
            values = [self._value(one, scope) for one in source.elts]
            for one, part in zip(target.elts, values, strict=True):
                self._assign(one, part, scope, certain=certain)
        else:
            self._assign(target, value, scope, certain=certain)

    def _do_AnnAssign(self, node: ast.AnnAssign, scope: Scope | None, certain: bool) -> None:
        self._use(self._value(node.annotation, scope))
        if node.value is not None:
            self._assign(node.target, self._value(node.value, scope), scope, certain=certain)

    def _do_AugAssign(self, node: ast.AugAssign, scope: Scope | None, certain: bool) -> None:
        value = self._use(self._value(node.value, scope))
        if isinstance(node.target, ast.Name):
            before = self._use(self._load(node.target.id, scope))
            self._change(before)
            self.world.put_into(before, self._members(value))
            self._bind(node.target.id, before | self._operated(before, value), scope, certain=certain)
        else:
            before = self._use(self._value(node.target, scope))
            self._change(before)
            self._assign(node.target, before | value, scope, certain=certain)

    def _do_Delete(self, node: ast.Delete, scope: Scope | None, certain: bool) -> None:
        for target in node.targets:
            if isinstance(target, ast.Name):
                self._load(target.id, scope)
            else:
                self._change(self._value(target.value, scope))  # type: ignore[attr-defined]  # an attribute or a subscript
                for child in ast.iter_child_nodes(target):
                    if isinstance(child, ast.expr):
                        self._use(self._value(child, scope))

    def _do_If(self, node: ast.If, scope: Scope | None, certain: bool) -> None:
        self._use(self._value(node.test, scope))
        self._branches([node.body, node.orelse], scope, certain)

    def _branches(self, bodies: Sequence[Sequence[ast.stmt]], scope: Scope | None, certain: bool) -> None:
        """Follow alternatives: what each of them binds for certain, all bind for certain."""
        before, surely = set(self._bound), set(self._surely_bound)
        names_before = dict(scope.names) if scope is not None else dict(self.world.names)
        bound, bindings = [], []
        for body in bodies:
            self._bound, self._surely_bound = set(before), set(surely)
            self._restore(scope, names_before)
            self._block(body, scope, certain=certain)
            bound.append(self._surely_bound)
            bindings.append(dict(scope.names if scope is not None else self.world.names))
        in_all = set.intersection(*bound)
        self._maybe_bound |= set.union(*bound) - in_all
        self._surely_bound, self._bound = in_all | surely, before | in_all
        merged: dict[str, Value] = {}
        for one in bindings:
            for name, value in one.items():
                merged[name] = merged.get(name, NOTHING) | value
        self._restore(scope, merged)

    def _restore(self, scope: Scope | None, names: dict[str, Value]) -> None:
        if scope is not None:
            scope.names = dict(names)
        else:
            self.world.names = dict(names)

    def _do_For(self, node: ast.For | ast.AsyncFor, scope: Scope | None, certain: bool) -> None:
        members = self._members(self._use(self._value(node.iter, scope)))
        self._loop([lambda: self._assign(node.target, members, scope, certain=True)], node.body, node.orelse, scope, certain)

    _do_AsyncFor = _do_For

    def _do_While(self, node: ast.While, scope: Scope | None, certain: bool) -> None:
        self._use(self._value(node.test, scope))
        self._loop([lambda: self._use(self._value(node.test, scope))], node.body, node.orelse, scope, certain)

    def _loop(self, before_round: Any, body: Sequence[ast.stmt], orelse: Sequence[ast.stmt], scope: Scope | None, certain: bool) -> None:
        """Follow a loop: twice, for what one round leaves the next may see; and perhaps it ran no round at all."""
        bound, surely = set(self._bound), set(self._surely_bound)
        names_before = dict(scope.names) if scope is not None else dict(self.world.names)
        for _ in range(2):
            self._bound = set(bound)
            for act in before_round:
                act()
            self._block(body, scope, certain=certain)
            self._maybe_bound |= self._surely_bound - surely
            current = scope.names if scope is not None else self.world.names
            self._restore(scope, {name: value | names_before.get(name, NOTHING) for name, value in current.items()})
        self._bound, self._surely_bound = bound, surely
        self._block(orelse, scope, certain=False)

    def _do_With(self, node: ast.With | ast.AsyncWith, scope: Scope | None, certain: bool) -> None:
        for item in node.items:
            value = self._use(self._value(item.context_expr, scope))
            self._change(value)
            for one in value:
                if self.world.things[one].kind == "instance":
                    for method in ("__enter__", "__exit__", "__aenter__", "__aexit__"):
                        value |= self._call_method_of_instance(one, method, [], scope)
            if item.optional_vars is not None:
                self._assign(item.optional_vars, value, scope, certain=certain)
        self._block(node.body, scope, certain=certain)

    _do_AsyncWith = _do_With

    def _do_Try(self, node: Any, scope: Scope | None, certain: bool) -> None:
        bound, surely = set(self._bound), set(self._surely_bound)
        self._block(node.body, scope, certain=False)
        for handler in node.handlers:
            if handler.type is not None:
                self._use(self._value(handler.type, scope))
            if handler.name:
                self._bind(handler.name, self.world.new(), scope, certain=False)
            self._block(handler.body, scope, certain=False)
        self._block(node.orelse, scope, certain=False)
        self._bound, self._surely_bound = bound, surely
        self._block(node.finalbody, scope, certain=certain)

    _do_TryStar = _do_Try

    def _do_Match(self, node: ast.Match, scope: Scope | None, certain: bool) -> None:
        subject = self._use(self._value(node.subject, scope))
        for case in node.cases:
            for pattern in ast.walk(case.pattern):
                name = getattr(pattern, "name", None) or getattr(pattern, "rest", None)
                if isinstance(name, str):
                    self._bind(name, frozenset(self.world.reachable(subject)), scope, certain=False)
                elif isinstance(pattern, ast.expr):
                    self._use(self._value(pattern, scope))
            if case.guard is not None:
                self._use(self._value(case.guard, scope))
            self._block(case.body, scope, certain=False)

    def _do_Return(self, node: ast.Return, scope: Scope | None, certain: bool) -> None:
        if node.value is not None:
            value = self._value(node.value, scope)
            if self._returned:
                self._returned[-1] |= value

    def _do_Global(self, node: ast.Global, scope: Scope | None, certain: bool) -> None:
        if scope is not None:
            scope.declared_global |= set(node.names)

    def _do_Nonlocal(self, node: ast.Nonlocal, scope: Scope | None, certain: bool) -> None:
        if scope is not None:
            scope.declared_nonlocal |= set(node.names)

    def _do_Import(self, node: ast.Import, scope: Scope | None, certain: bool) -> None:
        for alias in node.names:
            top = alias.name.partition(".")[0]
            self._need_module(alias.name)
            self._bind(alias.asname or top, self.world.library(alias.name if alias.asname else top), scope, certain=certain)

    def _do_ImportFrom(self, node: ast.ImportFrom, scope: Scope | None, certain: bool) -> None:
        module = node.module or ""
        self._need_module(module)
        for alias in node.names:
            if alias.name == "*":
                self._maybe_bound.add(_STAR)
                self.world.names.setdefault(_STAR, NOTHING)
            else:
                self._bind(alias.asname or alias.name, self.world.library(f"{module}.{alias.name}"), scope, certain=certain)

    def _need_module(self, name: str) -> None:
        """Note that importing a module of the user's own sees what was written to disk and put on the path; a library's does not."""
        if name.partition(".")[0] not in effects.QUIET_PACKAGES:
            for state in ("<sys.path>", "<working directory>", _FILES, f"{_FILES}{name.partition('.')[0]}.py"):
                self._need(state)

    def _do_FunctionDef(self, node: Any, scope: Scope | None, certain: bool) -> None:
        value = self._function(node, scope)
        for decorator in reversed(node.decorator_list):
            value |= self._called(self._value(decorator, scope), [value], {}, scope, "")
        self._bind(node.name, value, scope, certain=certain)

    _do_AsyncFunctionDef = _do_FunctionDef

    def _function(self, node: Any, scope: Scope | None) -> Value:
        value = self.world.new("function", node=node, scope=scope)
        for default in [*node.args.defaults, *[one for one in node.args.kw_defaults if one is not None]]:
            self.world.put_into(value, self._value(default, scope))
        return value

    def _do_ClassDef(self, node: ast.ClassDef, scope: Scope | None, certain: bool) -> None:
        inner = Scope(parent=scope)
        value = self.world.new("class", node=node, scope=inner)
        for base in [*node.bases, *[keyword.value for keyword in node.keywords]]:
            self.world.put_into(value, self._use(self._value(base, scope)))
        self._block(node.body, inner, certain=True)
        for member in inner.names.values():
            self.world.put_into(value, member)
        for decorator in reversed(node.decorator_list):
            value |= self._called(self._value(decorator, scope), [value], {}, scope, "")
        self._bind(node.name, value, scope, certain=certain)

    # Expressions ----------------------------------------------------------------------------------------------------------------------

    def _value(self, node: ast.expr, scope: Scope | None, *, is_statement: bool = False) -> Value:
        """Return what an expression may stand for, having noted what evaluating it needs and changes."""
        if isinstance(node, ast.Call):
            return self._call(node, scope, is_statement=is_statement)
        method = getattr(self, f"_of_{type(node).__name__}", None)
        if method is not None:
            found: Value = method(node, scope)
            return found
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self._use(self._value(child, scope))
        return self.world.new()

    def _of_Name(self, node: ast.Name, scope: Scope | None) -> Value:
        return self._load(node.id, scope)

    def _of_Constant(self, node: ast.Constant, scope: Scope | None) -> Value:
        kind = {str: "text", bytes: "bytes", type(None): "none"}.get(type(node.value), "number")
        return self.world.plain(kind)

    def _of_JoinedStr(self, node: ast.JoinedStr, scope: Scope | None) -> Value:
        for part in ast.walk(node):
            if isinstance(part, ast.FormattedValue):
                self._operate_on(self._use(self._value(part.value, scope)), scope)
        return self.world.plain("text")

    _of_TemplateStr = _of_JoinedStr

    def _of_Attribute(self, node: ast.Attribute, scope: Scope | None) -> Value:
        owner = self._value(node.value, scope)
        found: set[int] = set()
        for one in owner:
            thing = self.world.things[one]
            if thing.kind == "library":
                name = f"{thing.name}.{node.attr}"
                self._read_library(name)
                found |= self.world.library(name)
                found |= self.world.holds.get(one, NOTHING)
            elif thing.kind == "instance":
                found |= self.world.holds.get(one, NOTHING) | {one}
                found |= self._call_method_of_instance(one, node.attr, [], scope, only_properties=True)
                found |= self._call_method_of_instance(one, "__getattr__", [], scope)
            elif thing.kind not in UNCHANGING:
                found |= {one} | self.world.holds.get(one, set())
        return self._look(frozenset(found)) if found else self.world.plain("number")

    def _of_Subscript(self, node: ast.Subscript, scope: Scope | None) -> Value:
        container = self._value(node.value, scope)
        self._use(self._value(node.slice, scope))
        kinds = self.world.kinds(container)
        if kinds == {"database"}:
            return self.world.new()
        self._look(container)
        self._operate_on(container, scope)
        if isinstance(node.value, ast.Name) and node.value.id == "Out" and isinstance(node.slice, ast.Constant):
            return self._load(f"Out[{node.slice.value!r}]", scope)
        if isinstance(node.slice, ast.Slice) and kinds <= _CONTAINERS:
            fresh = self.world.new("list")
            self.world.put_into(fresh, self.world.held(container))
            return fresh
        return self._members(container) or self.world.plain("number")

    def _of_Slice(self, node: ast.Slice, scope: Scope | None) -> Value:
        for part in (node.lower, node.upper, node.step):
            if part is not None:
                self._use(self._value(part, scope))
        return self.world.plain("number")

    def _of_BinOp(self, node: ast.BinOp, scope: Scope | None) -> Value:
        left, right = self._use(self._value(node.left, scope)), self._use(self._value(node.right, scope))
        self._operate_on(left | right, scope)
        return self._operated(left, right)

    def _operated(self, left: Value, right: Value) -> Value:
        """Return what an operator makes of two values: something new, which may hold what they hold."""
        kinds = self.world.kinds(left) | self.world.kinds(right)
        if kinds <= {"number"}:
            return self.world.plain("number")
        if "text" in kinds and kinds <= UNCHANGING:
            return self.world.plain("text")
        kind = "array" if "array" in kinds else "table" if "table" in kinds else "list" if kinds & _CONTAINERS else "object"
        fresh = self.world.new(kind)
        if kind in ("list", "object"):
            self.world.put_into(fresh, self.world.held(left) | self.world.held(right))
            if kind == "object":
                self.world.put_into(fresh, left | right)
        return fresh

    def _of_UnaryOp(self, node: ast.UnaryOp, scope: Scope | None) -> Value:
        value = self._use(self._value(node.operand, scope))
        self._operate_on(value, scope)
        return self._operated(value, value)

    def _of_Compare(self, node: ast.Compare, scope: Scope | None) -> Value:
        values = [self._use(self._value(one, scope)) for one in [node.left, *node.comparators]]
        for value in values:
            self._operate_on(value, scope)
        kinds = set().union(*[self.world.kinds(value) for value in values])
        return self.world.new("array") if kinds & {"array", "table", "object"} else self.world.plain("number")

    def _of_BoolOp(self, node: ast.BoolOp, scope: Scope | None) -> Value:
        return frozenset().union(*[self._use(self._value(one, scope)) for one in node.values])

    def _of_IfExp(self, node: ast.IfExp, scope: Scope | None) -> Value:
        self._use(self._value(node.test, scope))
        return self._value(node.body, scope) | self._value(node.orelse, scope)

    def _of_NamedExpr(self, node: ast.NamedExpr, scope: Scope | None) -> Value:
        value = self._value(node.value, scope)
        self._bind(node.target.id, value, scope, certain=False)
        return value

    def _of_Starred(self, node: ast.Starred, scope: Scope | None) -> Value:
        return self._members(self._value(node.value, scope))

    def _of_Await(self, node: ast.Await, scope: Scope | None) -> Value:
        return self._value(node.value, scope)

    def _of_Yield(self, node: Any, scope: Scope | None) -> Value:
        value = self._value(node.value, scope) if node.value is not None else NOTHING
        if self._returned:
            self._returned[-1] |= value
        return self.world.new()

    _of_YieldFrom = _of_Yield

    def _of_Lambda(self, node: ast.Lambda, scope: Scope | None) -> Value:
        return self._function(node, scope)

    def _collection(self, kind: str, members: Sequence[ast.expr | None], scope: Scope | None) -> Value:
        fresh = self.world.new(kind)
        for member in members:
            if member is not None:
                self.world.put_into(fresh, self._value(member, scope))
        return fresh

    def _of_List(self, node: Any, scope: Scope | None) -> Value:
        return self._collection("list", node.elts, scope)

    _of_Set = _of_List

    def _of_Tuple(self, node: ast.Tuple, scope: Scope | None) -> Value:
        return self._collection("tuple", node.elts, scope)

    def _of_Dict(self, node: ast.Dict, scope: Scope | None) -> Value:
        fresh = self._collection("dict", [*node.keys, *node.values], scope)
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                self.world.put_into(fresh, self._members(self._value(value, scope)))
        return fresh

    def _of_ListComp(self, node: Any, scope: Scope | None) -> Value:
        inner = Scope(parent=scope)
        for generator in node.generators:
            members = self._members(self._use(self._value(generator.iter, inner)))
            self._assign(generator.target, members, inner, certain=True)
            for condition in generator.ifs:
                self._use(self._value(condition, inner))
        fresh = self.world.new("iterator" if isinstance(node, ast.GeneratorExp) else "list")
        for part in [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]:
            self.world.put_into(fresh, self._use(self._value(part, inner)))
        return fresh

    _of_SetComp = _of_DictComp = _of_GeneratorExp = _of_ListComp

    # Calls ----------------------------------------------------------------------------------------------------------------------------

    def _call(self, node: ast.Call, scope: Scope | None, *, is_statement: bool) -> Value:
        from isfdb.provenance.slicing.calls import called_method

        arguments = [self._value(one, scope) for one in node.args]
        named = {keyword.arg or "**": self._value(keyword.value, scope) for keyword in node.keywords}
        function = node.func
        if isinstance(function, ast.Attribute):
            owner = self._value(function.value, scope)
            libraries = frozenset(one for one in owner if self.world.things[one].kind == "library")
            found: Value = NOTHING
            if owner - libraries or not owner:
                found |= called_method(self, owner - libraries, function.attr, arguments, named, scope, node, is_statement)
            if libraries:
                callee = frozenset().union(*[self.world.library(f"{self.world.things[one].name}.{function.attr}") for one in libraries])
                callee |= self.world.held(libraries)
                self._look(libraries)
                found |= self._called(callee, arguments, named, scope, "", node, is_statement=is_statement)
            return found
        return self._called(self._value(function, scope), arguments, named, scope, "", node, is_statement=is_statement)

    def _called(
        self,
        callee: Value,
        arguments: Sequence[Value],
        named: dict[str, Value],
        scope: Scope | None,
        name: str,
        node: ast.Call | None = None,
        *,
        is_statement: bool = False,
    ) -> Value:
        """Return what calling a value may give, having noted what the call needs and changes."""
        from isfdb.provenance.slicing.calls import called_thing

        found: Value = NOTHING
        for one in sorted(callee):
            found |= called_thing(self, one, arguments, named, scope, node, is_statement)
        if not callee:
            found |= called_thing(self, None, arguments, named, scope, node, is_statement)
        return found

    def _run_function(self, one: int, arguments: Sequence[Value], named: dict[str, Value], receiver: Value | None = None) -> Value:
        """Follow the body of one of the session's functions with what it is given."""
        thing = self.world.things[one]
        everything = frozenset().union(NOTHING, *arguments, *named.values(), receiver or NOTHING)
        self._use(frozenset((one,)))
        if one in self._calling or len(self._calling) >= MAX_CALL_DEPTH or self._n_calls >= MAX_CALLS:
            if one not in self._calling:
                self._widen("its functions call each other too deep to follow")
            self._change_deeply(everything)
            return everything | self.world.new()
        self._calling.append(one)
        self._n_calls += 1
        self._returned.append(NOTHING)
        node, inner = thing.node, Scope(parent=thing.scope)
        self._give_arguments(
            node.args, inner, ([receiver] if receiver is not None else []) + list(arguments), named, self.world.held(frozenset((one,)))
        )
        surely, bound = set(self._surely_bound), set(self._bound)
        if isinstance(node, ast.Lambda):
            self._returned[-1] |= self._value(node.body, inner)
        else:
            self._declare_locals(node, inner)
            self._block(node.body, inner, certain=True)
        self._surely_bound, self._bound = surely, bound
        self._calling.pop()
        result = self._returned.pop()
        if not isinstance(node, ast.Lambda) and any(isinstance(part, (ast.Yield, ast.YieldFrom)) for part in ast.walk(node)):
            generator = self.world.new("iterator")
            self.world.put_into(generator, result | everything)
            return generator
        return result or self.world.plain("none")

    def _declare_locals(self, node: Any, inner: Scope) -> None:
        """Learn, before the body is read, which names are global or the enclosing function's."""
        for part in ast.walk(node):
            if isinstance(part, ast.Global):
                inner.declared_global |= set(part.names)
            elif isinstance(part, ast.Nonlocal):
                inner.declared_nonlocal |= set(part.names)

    def _give_arguments(
        self, parameters: ast.arguments, inner: Scope, arguments: Sequence[Value], named: dict[str, Value], defaults: Value
    ) -> None:
        everything = frozenset().union(NOTHING, *arguments, *named.values())
        positional = [*parameters.posonlyargs, *parameters.args]
        has_star = "**" in named
        for place, parameter in enumerate(positional):
            value = arguments[place] if place < len(arguments) else named.get(parameter.arg)
            inner.names[parameter.arg] = (everything | defaults if has_star else defaults) if value is None else value
        for parameter in parameters.kwonlyargs:
            inner.names[parameter.arg] = named.get(parameter.arg, everything | defaults if has_star else defaults)
        for many in (parameters.vararg, parameters.kwarg):
            if many is not None:
                rest = self.world.new("list")
                self.world.put_into(rest, everything)
                inner.names[many.arg] = rest

    # Instances of the session's own classes -------------------------------------------------------------------------------------------

    def _classes_of(self, one: int) -> list[int]:
        """Return the classes of an instance with those they are derived from, as far as the session defines them."""
        found, to_do = [], list(self.world.things[one].made_by)
        while to_do:
            cls = to_do.pop()
            if cls not in found and self.world.things[cls].kind == "class":
                found.append(cls)
                to_do += [held for held in self.world.holds.get(cls, ()) if self.world.things[held].kind == "class"]
        return found

    def _call_method_of_instance(
        self,
        one: int,
        name: str,
        arguments: Sequence[Value],
        scope: Scope | None,
        *,
        named: dict[str, Value] | None = None,
        only_properties: bool = False,
    ) -> Value:
        found: Value = NOTHING
        for cls in self._classes_of(one):
            self._look(frozenset((cls,)))
            for function in self.world.things[cls].scope.names.get(name, NOTHING):
                thing = self.world.things[function]
                if thing.kind != "function" or isinstance(thing.node, ast.Lambda):
                    continue
                if only_properties and not thing.node.decorator_list:
                    found |= frozenset((function,))  # a bound method that is handed on
                    continue
                is_static = any(isinstance(mark, ast.Name) and mark.id == "staticmethod" for mark in thing.node.decorator_list)
                found |= self._run_function(function, arguments, named or {}, None if is_static else frozenset((one,)))
        return found

    def _operate_on(self, value: Value, scope: Scope | None) -> None:
        """Follow what operators, printing and the like may call: the special methods of the session's own classes."""
        for one in value:
            if self.world.things[one].kind == "instance":
                for cls in self._classes_of(one):
                    for name in list(self.world.things[cls].scope.names):
                        if name.startswith("__") and name not in (
                            "__init__",
                            "__new__",
                            "__setattr__",
                            "__module__",
                            "__qualname__",
                            "__del__",
                        ):
                            self._call_method_of_instance(one, name, [frozenset((one,))], scope)

    # Libraries ------------------------------------------------------------------------------------------------------------------------

    def _read_library(self, name: str) -> None:
        for module, state in effects.STATEFUL_MODULES.items():
            if name == module or name.startswith(f"{module}."):
                self._need(state)

    def _touch_library(self, name: str, *, is_set: bool = False) -> None:
        for module, state in effects.STATEFUL_MODULES.items():
            if name == module or name.startswith(f"{module}."):
                self._touch(state)
