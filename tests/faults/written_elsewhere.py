"""What isfdb writes past its storage's calls: journals, shared stores, and the files that belong to a user. For power cuts.

Each work takes numbered steps, and says what may be found after the n-th. It runs in a process of its own, on a `recorded_disk`.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import isfdb
from isfdb.database import Database
from isfdb.trust import KEY_FILE
from tests.faults.recorded_disk import mark

N_STEPS = 4

#: Functions that flush, beside those of `os`.
FLUSHING = frozenset({"flush_one", "flush_names"})


@dataclass(frozen=True)
class Elsewhere:
    """`steps(folder)` prepares, and yields; then takes a step before each further yield. `wrong(folder, n)` looks after n steps."""

    steps: Callable[[str], Iterator[None]]
    wrong: Callable[[str, int], str | None]


def _open(folder: str) -> Database:
    return isfdb.open(f"{folder}/results", durability="full")


def run(name: str, mounted: str, without: tuple[str, int] | None = None) -> None:
    """Take the steps, noting on the disk when each has returned; `without` the flush in one line of a module."""
    if without:
        _leave_out(*without)
    with isfdb.set_options(register=False, capture=False, data_folder=f"{mounted}/user", cache_folder=f"{mounted}/cache"):
        for number, _ in enumerate(ELSEWHERE[name].steps(mounted)):
            mark(mounted, f"step {number}" if number else "prepared")


def _leave_out(module_name: str, line: int) -> None:
    """Make calls to flush do nothing where they stand in one line of a module. For the rest of this process."""
    module = importlib.import_module(module_name)

    def but_there(flush: Callable[..., None]) -> Callable[..., None]:
        def called(*arguments: Any) -> None:
            caller = sys._getframe(1)
            if (caller.f_globals.get("__name__"), caller.f_lineno) != (module_name, line):
                flush(*arguments)

        return called

    for name in FLUSHING & vars(module).keys():
        setattr(module, name, but_there(getattr(module, name)))
    os.fsync, os.fdatasync = but_there(os.fsync), but_there(os.fdatasync)


def look(name: str, folder: str, n_steps: int) -> str | None:
    """Say what is wrong in a folder, `n_steps` having returned."""
    with isfdb.set_options(register=False, capture=False, data_folder=f"{folder}/user", cache_folder=f"{folder}/cache"):
        return ELSEWHERE[name].wrong(folder, n_steps)


def _rows(number: int) -> Any:
    import numpy

    return numpy.arange(2 * number, 2 * number + 2) + 1  # never 0, which is what a disk may give for what it lost


def _appending(*, sync: bool) -> Callable[[str], Iterator[None]]:
    def steps(folder: str) -> Iterator[None]:
        db = _open(folder)
        db["k"] = _rows(0)
        rows = db.appending("k", sync=sync)
        yield
        for number in range(1, N_STEPS + 1):
            if number == 3:
                rows.flush()
            rows.append(_rows(number))
            if number == N_STEPS:
                rows.append(_rows(number + 1)[:1])  # of another length
            yield

    return steps


def _appended(n_certain: Callable[[int], int]) -> Callable[[str, int], str | None]:
    def wrong(folder: str, n_steps: int) -> str | None:
        db = _open(folder)
        db.collect()
        found = db["k"].tolist()
        n_rows = 2 * (N_STEPS + 1)  # of blocks of two
        if found != list(range(1, len(found) + 1)) or (len(found) % 2 and len(found) < n_rows):
            return f"torn: rows {found}"
        if len(found) < 2 * (n_certain(n_steps) + 1) + (n_certain(n_steps) == N_STEPS):
            return f"lost: {len(found)} rows after {n_steps} appends"
        if findings := list(isfdb.verify(db)):
            return f"wrong: verify: {findings}"
        db.append("k", _rows(0))
        return None if len(db["k"]) == len(found) + 2 else "wrong: the next append"

    return wrong


def _store(folder: str) -> Iterator[None]:
    db = _open(folder)
    store = db.create_shared_numpy_store("s")
    yield
    for number in range(1, N_STEPS + 1):
        store.append_save(_rows(number).reshape(1, 2), "rows") if number % 2 else store.save(_rows(number), f"a{number}")
        yield


def _store_is_wrong(folder: str, n_steps: int) -> str | None:
    store = _open(folder)["s"]
    for number in range(1, N_STEPS + 1):
        name = "rows" if number % 2 else f"a{number}"
        found = store[name].ravel().tolist() if name in store.names() else []
        whole = [_rows(one).tolist() for one in range(1, N_STEPS + 1) if (one % 2 if number % 2 else one == number)]
        allowed = [[row for rows in whole[:n] for row in rows] for n in range(len(whole) + 1)]
        if found not in allowed:
            return f"torn: {name} is {found}"
        if number <= n_steps and _rows(number).tolist() != found[2 * (number // 2) :][:2] and _rows(number)[0] not in found:
            return f"lost: {name} is {found} after {n_steps} steps"
    return None


def _sign(folder: str) -> Iterator[None]:
    db = _open(folder)
    yield
    db["pickled"] = _rows  # a function: only whoever signed it may load it
    yield


def _signature_is_wrong(folder: str, n_steps: int) -> str | None:
    if os.path.exists(key := f"{folder}/user/{KEY_FILE}"):
        os.chmod(key, 0o600)  # states are written without their modes
    db = _open(folder)
    if "pickled" not in db:
        return "lost: the value" if n_steps else None
    return None if callable(db["pickled"]) else "torn: no function"


def _trust(folder: str) -> Iterator[None]:
    from isfdb import trust

    _open(folder)
    yield
    trust.trust("first", f"{folder}/first")
    yield
    trust.trust("second", f"{folder}/second")
    yield
    trust.distrust("first")
    yield


def _trust_is_wrong(folder: str, n_steps: int) -> str | None:
    from isfdb import trust

    history: list[set[str]] = [set(), {"first"}, {"first", "second"}, {"second"}]
    found = {entry["id"] for entry in trust.trusted()}
    if found in history[n_steps : n_steps + 2]:
        return None
    return f"lost: trusts {found} after {n_steps} steps"


def _registry(folder: str) -> Iterator[None]:
    from isfdb import registry

    for number in range(N_STEPS):
        isfdb.open(f"{folder}/db{number}", durability="full")
    yield
    for number in range(N_STEPS):
        registry.add(f"{folder}/db{number}", name=f"name{number}")
        yield


def _registry_is_wrong(folder: str, n_steps: int) -> str | None:
    from isfdb import registry

    found = sorted(registry.names())
    return None if found in [[f"name{number}" for number in range(n)] for n in range(n_steps + 2)] else f"torn: {found}"


def _report(folder: str) -> Iterator[None]:
    db = _open(folder)
    yield
    for number in range(2):
        db["k"] = number
        isfdb.report(db, f"{folder}/page.html")
        yield


def _report_is_wrong(folder: str, n_steps: int) -> str | None:
    path = f"{folder}/page.html"
    if not os.path.exists(path):
        return "lost: the page" if n_steps else None
    with open(path, encoding="utf-8") as file:
        return None if file.read().rstrip().endswith("</html>") else "torn: half a page"


def _new_id(folder: str) -> Iterator[None]:
    from isfdb.registry.folders import write_new_id

    path = _open(folder).path
    yield
    for _ in range(2):
        write_new_id(path)
        yield


def _new_id_is_wrong(folder: str, n_steps: int) -> str | None:
    return None if len(_open(folder).id) == 32 else "torn: no id"


ELSEWHERE = {
    "append block after block, flushing each": Elsewhere(_appending(sync=True), _appended(lambda n: n)),
    "append block after block, flushing none": Elsewhere(_appending(sync=False), _appended(lambda n: 2 if n >= 3 else 0)),
    "add to a shared store": Elsewhere(_store, _store_is_wrong),
    "sign with a new key": Elsewhere(_sign, _signature_is_wrong),
    "trust and distrust": Elsewhere(_trust, _trust_is_wrong),
    "note in the registry": Elsewhere(_registry, _registry_is_wrong),
    "write a report": Elsewhere(_report, _report_is_wrong),
    "give a new id": Elsewhere(_new_id, _new_id_is_wrong),
}
