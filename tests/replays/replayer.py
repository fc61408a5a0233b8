"""Replays values in a process of its own, as a user would. ``python replayer.py ROWS.json`` writes what came of each beside it."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import time
import traceback
from typing import Any


def main(path: str) -> None:
    """Replay all rows, in order."""
    with open(path, encoding="utf-8") as file:
        asked = json.load(file)
    told = []
    for row in asked["rows"]:
        started = time.monotonic()
        try:
            facts = _by_command(row, asked["db"]) if row["how"].startswith("--") else _by_call(row, asked["db"])
        except (Exception, SystemExit):  # noqa: BLE001 - whatever it ends with is what came of it
            facts = {"status": "error", "because": "", "text": "\n".join(traceback.format_exc().splitlines()[-4:])}
        told.append(facts | {"seconds": time.monotonic() - started})
    with open(path + ".told", "w", encoding="utf-8") as file:
        json.dump(told, file)


def _by_call(row: dict[str, str], path: str) -> dict[str, Any]:
    import isfdb

    options = eval(f"dict({row['how']})")
    db = isfdb.open(options.pop("db", path), mode=options.pop("mode", "r+"))
    verdict = isfdb.replay(db, row["key"], **options)
    text = str(verdict)
    return {"status": verdict.status, "because": verdict.because, "text": text, "json": json.loads(json.dumps(verdict.to_json()))}


def _by_command(row: dict[str, str], path: str) -> dict[str, Any]:
    """Ask as the command does, twice told: as JSON, and as text of what is then known."""
    import shlex

    from isfdb.cli.main import main as isfdb_command

    shown = io.StringIO()
    with contextlib.redirect_stdout(shown):
        status = isfdb_command(["replay", os.fspath(path), row["key"], *shlex.split(row["how"]), "--json"])
    found = json.loads(shown.getvalue())
    found = found.get("verdict", found)
    assert status == (0 if found["status"] in ("identical", "equal", "close") else 1), status
    return {"status": found["status"], "because": found["because"], "text": json.dumps(found), "json": found}


if __name__ == "__main__":
    main(sys.argv[1])
