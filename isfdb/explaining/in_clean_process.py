"""What runs inside the clean process: sets the limits, goes behind the wall, runs the script, stores what was wanted and tells how it went.

How a script is held back from changing anything elsewhere is in `wall.py` and `holding_back.py`.
"""

from __future__ import annotations

import contextlib
import json
import linecache
import os
import signal
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any, Final

from isfdb.explaining.holding_back import hold_back
from isfdb.explaining.redirected_imports import redirect_imports

#: What holds a script back, best first.
NAMESPACES, LANDLOCK, AUDIT_HOOK = WALLS = ("namespaces", "landlock", "audit hook")

_NAME: Final = "<script>"
#: Of each process besides what was asked for: buffers and stacks of threads, which libraries set up for every processor.
_BYTES_FOR_A_PROCESSOR: Final = 48_000_000


def main(asked: dict[str, Any]) -> None:
    """Do what the parent wrote down, and tell how it went."""
    told: dict[str, Any] = {"outcome": "", "because": "", "refused": [], "asked_for": [], "read": [], "failed": {}, "stored": 0}
    # Where the telling goes is opened now, and what writes it is kept: later the script may have changed what opening means.
    dumps, folder, back = json.dumps, asked["folder"], _way_back()
    with open(f"{folder}/told.json", "w", encoding="utf-8") as file:
        try:
            _limit(asked["memory_bytes"])
            told["wall"] = _go_behind(asked, told)
            hold_back([folder, *asked["writable"]], told["refused"], told["asked_for"], told["read"], offline=asked["offline"])
            if sys.flags.no_site:
                _start_late()
            _run(asked, told, back)
        except BaseException as error:  # noqa: BLE001 - whatever a script raises is its outcome, KeyboardInterrupt too
            _tell(told, error, asked["memory_bytes"])
        with contextlib.suppress(OSError):  # the script may have closed every file: then nothing can be told
            file.write(dumps(told))
            file.flush()
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):  # closed, or put in its place by the script
                stream.flush()
        os._exit(0)  # threads and clusters that the script left behind are not waited for: all is told, and the parent ends them


def _go_behind(asked: dict[str, Any], told: dict[str, Any]) -> str:
    """Go on behind the wall that is asked for; tell where there can be none."""
    if not sys.platform.startswith("linux"):
        return AUDIT_HOOK
    own = [asked["folder"], *asked["writable"]]
    try:
        from isfdb.explaining import kernel

        kernel.end_with_parent(signal.SIGKILL)
        if asked["wall"] == NAMESPACES:
            from isfdb.explaining.wall import go_behind_namespaces

            go_behind_namespaces(own, asked["directory"], offline=asked["offline"])
        elif asked["wall"] == LANDLOCK:
            from isfdb.explaining.landlock import go_behind_landlock

            go_behind_landlock(own)
    except (OSError, ImportError, AttributeError) as error:  # not allowed; no ctypes; a C library without these calls
        told["no_wall"] = str(error)
        raise
    return str(asked["wall"])


def _start_late() -> None:
    """Do what Python does when it starts, and the parent had put off: lines of .pth files run, ``sys.prefix`` gets its value."""
    import site

    path = sys.path[:]
    site.main()
    sys.path[:] = path


def _limit(memory_bytes: int | None) -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):  # Windows; a system that cannot, or has a lower limit
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if memory_bytes is not None:
            most = memory_bytes + (os.cpu_count() or 1) * _BYTES_FOR_A_PROCESSOR
            resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
        file.write("1000")  # where the computer runs out of memory it ends this process, not the one that waits for it


def _way_back() -> Callable[[], None]:
    """Return what undoes the changes of a script to the builtins and to what storing needs."""
    import builtins

    kept = [(module, dict(vars(module))) for module in (builtins, json, os)]
    path, depth = [*sys.path], sys.getrecursionlimit()

    def restore() -> None:
        for module, members in kept:
            vars(module).update(members)
        sys.path += [one for one in path if one not in sys.path]
        sys.setrecursionlimit(max(depth, sys.getrecursionlimit()))
        with contextlib.suppress(AttributeError, ValueError, OSError):  # Windows; a thread that is not the main one
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGINT, signal.default_int_handler)

    return restore


# Running ---------------------------------------------------------------------------------------------------------------------------


def _run(asked: dict[str, Any], told: dict[str, Any], restore: Callable[[], None]) -> None:
    """Run the script, then each wanted line; store what it leaves. What fails of these costs no other."""
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # it is not replaced yet
    redirect_imports(asked["moved"])
    sys.argv = list(asked["arguments"]) or [_NAME]
    namespace = _namespace_after(asked["script"])
    restore()
    _make_folders_again(asked["folder"])
    store = None
    first: BaseException | None = None
    for name, line in asked["wanted"].items():
        try:
            value = _value_of(namespace, line)
            store = store or _store_in(asked["folder"])
            store(name, value, asked["dumpers"].get(name, asked["dumper"]))
            told["stored"] += 1
            del value
        except BaseException as error:  # noqa: BLE001 - as above
            first = first or error
            told["failed"][name] = _because(error, asked["memory_bytes"])
    if told["stored"] or first is None:
        told["outcome"] = "done"
    else:
        raise first


def _namespace_after(script: str) -> dict[str, Any]:
    """Run the script as ``__main__``, as a notebook runs cells, and return its variables."""
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    linecache.cache[_NAME] = (len(script), None, script.splitlines(keepends=True), _NAME)
    try:
        exec(compile(script, _NAME, "exec"), module.__dict__)  # noqa: S102 - that is what was asked for, and consented to
    except SystemExit as error:
        if error.code not in (None, 0):
            raise
    return module.__dict__


def _value_of(namespace: dict[str, Any], line: str) -> Any:
    """Run one more line, and return what is in `value` then."""
    if line.strip():
        namespace.pop("value", None)
        exec(compile(line, "<wanted>", "exec"), namespace)  # noqa: S102 - made by isfdb, for the script
    if "value" not in namespace:
        raise NameError("the script leaves no variable 'value'")
    return namespace["value"]


def _make_folders_again(folder: str) -> None:
    """Make what storing needs, where the script removed it."""
    for name in ("tmp", "cache", "work"):
        os.makedirs(f"{folder}/{name}", exist_ok=True)
    try:
        os.getcwd()
    except OSError:
        os.chdir(f"{folder}/work")


def _store_in(folder: str) -> Callable[[str, Any, str | None], None]:
    """Open the database of answers; return what stores a value as it was stored, or else as isfdb would store it."""
    from isfdb.errors import IsfdbError
    from isfdb.opening import open as open_database

    with _without_pins():
        answer = open_database(f"{folder}/answer", durability="process")

    def store(name: str, value: Any, dumper: str | None) -> None:
        if dumper is not None:
            with contextlib.suppress(IsfdbError):
                answer.set(name, value, dumper=dumper)
                return
        answer[name] = value

    return store


@contextlib.contextmanager
def _without_pins() -> Iterator[None]:
    """Open what is no overlay; the lines that follow read from the overlays again."""
    from isfdb import pins

    standing = pins.current()
    pins.leave()
    try:
        yield
    finally:
        if standing is not None:
            pins.enter(standing.folder)


# What went wrong --------------------------------------------------------------------------------------------------------------------


def _tell(told: dict[str, Any], error: BaseException, memory_bytes: int | None) -> None:
    told["outcome"] = "out of memory" if _is_memory(error) else "failed"
    told["because"] = _because(error, memory_bytes)
    if "no_wall" in told:
        return  # nothing of the script ran; the next wall is tried
    with contextlib.suppress(Exception):  # stderr may be closed, or in its place something of the script
        _print(error)


def _print(error: BaseException) -> None:
    """Print an error as Python does, but without the frames of isfdb: the first one is the script's."""
    import traceback

    own = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
    shown = traceback.TracebackException.from_exception(error)
    left: list[traceback.TracebackException | None] = [shown]
    seen: set[int] = set()
    while left:
        one = left.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        one.stack[:] = [frame for frame in one.stack if not os.path.abspath(frame.filename).startswith(own)]
        left += [one.__cause__, one.__context__, *(getattr(one, "exceptions", None) or ())]
    print("".join(shown.format()), end="", file=sys.stderr)  # noqa: T201 - what the script would have said


def _because(error: BaseException, memory_bytes: int | None) -> str:
    if _is_memory(error):
        return f"it needed more than {memory_bytes:,} bytes of memory" if memory_bytes else "there was no memory left"
    line = _line_of(error)
    try:
        text = f"{type(error).__name__}: {error}"[:500]
    except Exception:  # noqa: BLE001 - an error of the script's own making
        text = type(error).__name__
    if isinstance(error, EOFError) and "reading a line" in text:
        text += "; nobody answers what a script asks when it is run again"
    return text + (f" (line {line} of the script)" if line else "")


def _is_memory(error: BaseException | None) -> bool:
    """Say whether an error, or what led to it, is that there was no memory."""
    for _ in range(10):
        if error is None:
            return False
        if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == 12):
            return True
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return False


def _line_of(error: BaseException) -> int | None:
    if isinstance(error, SyntaxError) and error.filename == _NAME:
        return error.lineno
    lines = [entry.tb_lineno for entry in _entries(error) if entry.tb_frame.f_code.co_filename == _NAME]
    return lines[0] if lines else None


def _entries(error: BaseException) -> list[types.TracebackType]:
    entries, entry = [], error.__traceback__
    while entry is not None:
        entries.append(entry)
        entry = entry.tb_next
    return entries
