"""Which verdicts of replays are on record in a database: a look at the few there are, not at every key. It runs nothing."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import unquote

from isfdb.display.summaries import UNREADABLE
from isfdb.layout.current import REPLAYS_FOLDER
from isfdb.replaying.replay_records import known_verdicts

NOT_REPLAYED: Final = "not replayed"


def verdicts_known(db: Any) -> dict[str, str]:
    """Return the status of the newest verdict about each key's newest version, by key; keys without one are left out."""
    storage = db.root._storage
    found = {}
    for name in storage.list(REPLAYS_FOLDER):
        seal = name.removesuffix(".json")
        known = known_verdicts(storage, {"record": seal})
        key = _key_in(db, known[-1].link) if known else None
        if key is not None and _seal_of(db, key) == seal:
            found[key] = known[-1].status
    return found


def _key_in(db: Any, link: str) -> str | None:
    """Return the key that a link names, seen from a database; None where it lies elsewhere."""
    whole = unquote(link.removeprefix("isfdb://").partition("/")[2].rpartition("@")[0])
    prefix = f"{db.prefix}/" if db.prefix else ""
    return whole[len(prefix) :] if whole.startswith(prefix) and len(whole) > len(prefix) else None


def _seal_of(db: Any, key: str) -> Any:
    try:
        return db.entry(key).newest.record.get("record")
    except UNREADABLE:
        return None
