"""Looks at what a power cut may have left, as the next user would, and says what is wrong with it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import isfdb
from isfdb.database import Database
from isfdb.testing.crash_states import CrashState, crash_states
from tests.faults.scenarios import Recorded, Scenario, Seen, look

#: What a reader never looks into: stages and the trash.
UNREAD = (".stage-", ".isfdb/trash/")


def is_unread(path: str) -> bool:
    return any(mark in path for mark in UNREAD)


def states_of(recorded: Recorded, limit: int) -> Iterator[CrashState]:
    return crash_states(recorded.trace, recorded.start, limit=limit, is_unread=is_unread)


def problem_with(scenario: Scenario, state: CrashState, seen: list[Seen], folder: Path) -> str | None:
    """Look at one state as the next user would; say what is wrong with it, in which column of the table first."""
    state.write_to(str(folder))
    n_steps = len(state.marks)
    before, after = seen[n_steps], seen[min(n_steps + 1, len(seen) - 1)]
    allowed = {
        name: [one.get(name) for one in (seen[: n_steps + 2] if scenario.may_come_back else (before, after))] for name in before | after
    }
    for name, value in scenario.between:
        allowed[name].append(value)
    try:
        db = isfdb.open(folder / scenario.place, durability="process")
        found = look(db)
        if (difference := _difference(scenario, seen, n_steps, found, allowed)) or (difference := _defects(db)):
            return difference
        return _next_put(db, sorted({name.partition("@")[0] for name in before | after if not name.startswith("attributes of")}))
    except Exception as error:  # noqa: BLE001 - whatever it is, this state is bad
        return f"torn: {type(error).__name__}: {error}"
    finally:
        shutil.rmtree(folder)  # there are thousands, in memory


def _difference(scenario: Scenario, seen: list[Seen], n_steps: int, found: Seen, allowed: dict[str, list[Any]]) -> str | None:
    before, after = seen[n_steps], seen[min(n_steps + 1, len(seen) - 1)]
    if found in (before, after):
        return None
    wrong = [name for name in allowed | found if found.get(name) not in allowed.get(name, [])]
    if scenario.is_piecewise and not wrong:
        return None
    is_old = all(name not in found or found[name] in [one.get(name) for one in seen] for name in wrong)
    return f"{'lost' if is_old else 'torn'}: found {found}, neither {before} nor {after}"


def _defects(db: Database) -> str | None:
    serious = isfdb.verify(db).serious
    return f"wrong: verify: {'; '.join(map(str, serious))}" if serious else None


def _next_put(db: Database, keys: list[str]) -> str | None:
    for key in [*keys, "after the crash"]:
        db[key] = f"new value of {key}"
    wrong = [key for key in keys if db[key] != f"new value of {key}"]
    return f"wrong: after the next put {wrong}" if wrong else None
