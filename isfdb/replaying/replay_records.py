"""What came of replays, kept in ``.isfdb/replays`` beside the version they are about. It runs nothing and judges nothing.

Like all records it is somebody's claim. It is shown as one, with the name of who made it. Only a verdict that this very user signed spares
running the code again: a colleague's database cannot bring along the proof of itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from isfdb.exact_json import dumps, loads
from isfdb.explaining.check_records import path_of, write_beside
from isfdb.hashing import digest_of
from isfdb.layout.current import REPLAYS_FOLDER
from isfdb.replaying.verdict import Verdict
from isfdb.storage.base import Storage
from isfdb.trust import is_signed_by_me, replay_payload, sign_replay

_MOST_KEPT: Final = 8
_MOST_OUTPUT: Final = 2_000
_MOST_BYTES: Final = 4_000_000


def known_verdicts(storage: Storage, record: Mapping[str, Any], *, mine: bool = False) -> tuple[Verdict, ...]:
    """Return what is known about a version: newest last, at most one for each kind of environment.

    Parameters
    ----------
    storage : Storage
    record : Mapping
        ``metadata.json`` of the version.
    mine : bool
        Only those that this user's key signed.
    """
    found = []
    for entry in _entries(storage, record):
        try:
            verdict = Verdict.from_json(entry.get("verdict") or {})
        except (ValueError, TypeError, RecursionError):
            continue
        if not mine or is_signed_by_me(replay_payload(*_names(record, entry["verdict"])), entry.get("signature")):
            found.append(replace(verdict, recorded=True))
    return tuple(found)


def keep_verdict(storage: Storage, record: Mapping[str, Any], verdict: Verdict) -> str:
    """Keep what came of a replay in place of what is known for its kind of environment; return why it could not be kept."""
    runs = tuple([replace(run, output=run.output[-_MOST_OUTPUT:]) for run in verdict.runs])
    members = replace(verdict, runs=runs, recorded=False).to_json()
    entry = {"signature": sign_replay(*_names(record, members)), "verdict": members}
    others = [one for one in _entries(storage, record) if _environment_of(one) != verdict.environment]
    members = {"format": 1, "verdicts": [*others[1 - _MOST_KEPT :], entry]}
    return write_beside(storage, path_of(record, REPLAYS_FOLDER), members, flushed=False)  # after a power cut it is found out again


def _entries(storage: Storage, record: Mapping[str, Any]) -> list[dict[str, Any]]:
    path = path_of(record, REPLAYS_FOLDER)
    try:
        if path is None or storage.size(path) > _MOST_BYTES:
            return []
        members = loads(storage.read(path))
    except (OSError, ValueError, TypeError, RecursionError):
        return []
    entries = members.get("verdicts") if isinstance(members, dict) else None
    return [one for one in entries if isinstance(one, dict)][-_MOST_KEPT:] if isinstance(entries, list) else []


def _environment_of(entry: Mapping[str, Any]) -> Any:
    verdict = entry.get("verdict")
    return verdict.get("environment") if isinstance(verdict, dict) else None


def _names(record: Mapping[str, Any], members: Any) -> tuple[str, str]:
    """Return what is signed: which version, and what is said about it."""
    return str(record.get("record")), digest_of(dumps(members).encode("utf-8", "surrogatepass"))
