"""What runs inside the clean process: sets the limits, holds back writes elsewhere, runs the script and stores its result.

The hold on writes is for accidents, a script that saves a figure to an absolute path: it sees what Python's audit events tell, in this
process and those it forks. It is no wall against code that means harm.
"""

from __future__ import annotations

import contextlib
import json
import linecache
import os
import sys
import types
from typing import Any, Final

_WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_NAME: Final = "<script>"
_MOST_REFUSED: Final = 20

#: Audit events that name what is changed -> which of their arguments are paths, and which the folder these are relative to.
_CHANGES: Final = {
    "os.remove": ((0, 1),),
    "os.rmdir": ((0, 1),),
    "os.mkdir": ((0, 2),),
    "os.rename": ((0, 2), (1, 3)),
    "os.link": ((1, 3),),
    "os.symlink": ((1, 2),),
    "os.truncate": ((0, None),),
    "os.chmod": ((0, 2),),
    "os.chown": ((0, 3),),
}


def main(asked: dict[str, Any]) -> None:
    """Do what the parent wrote down, and tell how it went."""
    told: dict[str, Any] = {"outcome": "failed", "because": "", "refused": []}
    # Where the telling goes is opened now: later the script may have changed what opening means.
    with open(f"{asked['folder']}/told.json", "w", encoding="utf-8") as file:
        try:
            _limit(asked["memory_bytes"])
            _hold_back_writes(asked["folder"], told["refused"])
            _store(_value_of(asked["script"]), asked)
            told["outcome"] = "done"
        except MemoryError:
            told.update(outcome="out of memory", because=_limit_text(asked["memory_bytes"]))
        except BaseException as error:  # noqa: BLE001 - whatever a script raises is its outcome, SystemExit too
            told["because"] = _because(error)
            _print_traceback(error)
        file.write(json.dumps(told))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # threads and clusters that the script left behind are not waited for: all is told, and the parent ends them


def _limit(memory_bytes: int | None) -> None:
    if memory_bytes is None:
        return
    with contextlib.suppress(ImportError, ValueError, OSError):  # Windows; a system that cannot, or has a lower limit
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))


def _limit_text(memory_bytes: int | None) -> str:
    return f"it needed more than {memory_bytes:,} bytes of memory" if memory_bytes else "there was no memory left"


def _value_of(script: str) -> Any:
    """Run the script as ``__main__``, as a notebook runs cells, and return its `value`."""
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    linecache.cache[_NAME] = (len(script), None, script.splitlines(keepends=True), _NAME)
    exec(compile(script, _NAME, "exec"), module.__dict__)  # noqa: S102 - that is what was asked for, and consented to
    if "value" not in vars(module):
        raise NameError("the script leaves no variable 'value'")
    return vars(module)["value"]


def _store(value: Any, asked: dict[str, Any]) -> None:
    """Store the result as it was stored, or else as isfdb would store it."""
    from isfdb import pins
    from isfdb.errors import IsfdbError
    from isfdb.opening import open as open_database

    pins.leave()
    answer = open_database(f"{asked['folder']}/answer", durability="process")
    dumper = asked["dumper"]
    if dumper is not None:
        with contextlib.suppress(IsfdbError):
            answer.set("value", value, dumper=dumper)
            return
    answer["value"] = value


# Writes elsewhere ------------------------------------------------------------------------------------------------------------------


def _hold_back_writes(folder: str, refused: list[str]) -> None:
    from isfdb.options import option

    own = [folder, str(option("data_folder") or folder), "/dev", "/proc/self"]
    allowed = tuple([os.path.realpath(one) + os.sep for one in own])

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if isinstance(flags, int) and flags & _WRITING:
                _refuse_outside(path, None, allowed, refused, follow=True)
        elif event in _CHANGES:
            for place, relative_to in _CHANGES[event]:
                base = arguments[relative_to] if relative_to is not None and relative_to < len(arguments) else None
                _refuse_outside(arguments[place], base, allowed, refused, follow=event in ("os.truncate", "os.chmod"))

    sys.addaudithook(watch)


def _refuse_outside(path: Any, base: Any, allowed: tuple[str, ...], refused: list[str], *, follow: bool) -> None:
    """Raise where a path lies outside the folders that may be changed; of a link to be removed, its own place counts."""
    if not isinstance(path, (str, bytes, os.PathLike)):
        return  # a file that is open already
    text = os.fsdecode(path)
    if isinstance(base, int) and base >= 0:
        text = os.path.join(f"/proc/self/fd/{base}", text)
    folder, name = os.path.split(os.path.abspath(text))
    real = os.path.realpath(text) if follow else os.path.join(os.path.realpath(folder), name)
    if not f"{real}{os.sep}".startswith(allowed):
        if len(refused) < _MOST_REFUSED and real not in refused:
            refused.append(real)
        raise PermissionError(13, "a check changes nothing outside its own folder", real)


# What went wrong --------------------------------------------------------------------------------------------------------------------


def _because(error: BaseException) -> str:
    line = _line_of(error)
    return f"{type(error).__name__}: {error}"[:500] + (f" (line {line} of the script)" if line else "")


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


def _print_traceback(error: BaseException) -> None:
    import traceback

    with contextlib.suppress(OSError):
        traceback.print_exception(error)
