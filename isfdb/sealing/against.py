"""Is everything that a seal covered still there and unchanged? What came since is told, and is no finding."""

from __future__ import annotations

import datetime
import os
import re
from collections.abc import Callable
from typing import Any

from isfdb.display.words import count_text
from isfdb.errors import CorruptVersionError, IsfdbError, MissingDependencyError, OptionError
from isfdb.keys import folder_name, key_of_folder, split_key
from isfdb.layout.current import KEY_SUFFIX, RECLAIMED_FILE, SEALS_FOLDER, SESSIONS_FOLDER, version_name, version_number
from isfdb.provenance.event_lines import Event, moment_of, read_events, sessions_in
from isfdb.provenance.session import read_lines
from isfdb.sealing.covered import Covered, digest_of_record, last_line, version_folders
from isfdb.sealing.seals import Seal, read_seal, seal_numbers, seal_of, seals_in
from isfdb.storage.base import Storage
from isfdb.versions import state_of

#: Called with kind, key, version, file and message of a finding.
Find = Callable[[str, str, int | None, str, str], None]

_HEAD = re.compile(r"[0-9a-f]{64}")


class Sealed:
    """What is there now, held against seals.

    Parameters
    ----------
    storage : Storage
    database_id : str
    find : callable
    """

    def __init__(self, storage: Storage, database_id: str, find: Find) -> None:
        self.storage = storage
        self.database_id = database_id
        self._find = find
        self._now = _versions_now(storage)
        self.remarks: list[str] = []

    def check(self, against: str | os.PathLike[str] | None, public_key: str | None) -> None:
        """Check every seal that is there, and what the newest covers, or the one that is asked about."""
        newest = self._seals()
        seal = newest if against is None else self._wanted(against)
        if seal is not None:
            self._compare(seal, is_asked=against is not None)
        if public_key is not None:
            self._signed_by(public_key, seal)

    # Seals themselves --------------------------------------------------------------------------------------------------------------

    def _seals(self) -> Seal | None:
        """Check each seal against itself, the one before it and the logs; return the newest that is sound."""
        told = {str(event.facts.get("head")): event for event in self._told()}
        before: Seal | None = None
        numbers = seal_numbers(self.storage)
        heads = set()
        newest = None
        for number in numbers:
            path = f"{SEALS_FOLDER}/{number:06d}.json"
            try:
                seal = read_seal(self.storage, number)
            except (OSError, CorruptVersionError) as error:
                self._find("changed seal", "", None, path, str(error))
                before = None
                continue
            heads.add(seal.head)
            problem = self._problem(seal, before, number, told)
            if problem:
                self._find("changed seal", "", None, path, problem)
            else:
                newest = seal
            before = seal
        if numbers != list(range(1, len(numbers) + 1)):
            self._find("changed seal", "", None, SEALS_FOLDER, f"of the seals 1 to {numbers[-1]} some are missing")
        for head, event in told.items():
            if event.is_done and head not in heads:
                where = f"line {event.line} of session {event.session}"
                message = f"seal {event.facts.get('number')} of {event.facts.get('time')}, head {head}, is told in {where} and not there"
                self._find("changed seal", "", None, SEALS_FOLDER, message)
        return newest

    def _problem(self, seal: Seal, before: Seal | None, number: int, told: dict[str, Event]) -> str:
        """Return what is wrong with a seal; empty where nothing is."""
        if not seal.is_sound or seal.database != self.database_id or seal.number != number:
            return "its head is not the digest of what it says it covers, or it is of another place or database"
        if before is not None and seal.previous != before.head:
            return f"it names another seal before it than seal {before.number}"
        if seal.logged is not None and seal.head not in told:
            return f"the log of session {seal.logged} does not tell of it"
        try:
            if seal.signature is not None and not seal.signature.is_valid(seal.database, seal.head):
                self._find(
                    "bad signature", "", None, f"{SEALS_FOLDER}/{number:06d}.json", f"the signature of seal {number} is not of its head"
                )
        except MissingDependencyError as error:
            self.remarks.append(f"the signature of seal {number} was not checked: {error}")
        return ""

    def _told(self) -> list[Event]:
        return [event for session in sessions_in(self.storage) for event in self._events(session) if event.kind == "seal"]

    def _events(self, session: str) -> list[Event]:
        try:
            return read_events(self.storage, session).events
        except (OSError, ValueError):
            return []  # reported where logs are checked

    def _wanted(self, against: str | os.PathLike[str]) -> Seal | None:
        """Return the seal with a head from a lab book, or from a seal's file that was kept elsewhere."""
        text = os.fspath(against)
        if _HEAD.fullmatch(text) is None:
            return self._from_file(text)
        for seal in seals_in(self.storage):
            if seal.head == text and seal.is_sound:
                return seal
        for event in self._told():
            if event.facts.get("head") == text and (found := self._put_together(event, text)):
                self.remarks.append("the seal itself is gone or changed; what it covered was put together again from the logs, and fits")
                return found
        self._find(
            "unknown seal",
            "",
            None,
            SEALS_FOLDER,
            f"nothing here fits the head {text}: its seal was removed or changed, or it is of another database, so nothing can be held "
            "against it. If a copy of the seal's file was kept, pass its path",
        )
        return None

    def _from_file(self, path: str) -> Seal:
        try:
            with open(path, "rb") as file:
                seal = seal_of(file.read(), path)
        except OSError as error:
            raise OptionError(
                f"against={path!r} is neither a head, which has 64 hexadecimal digits, nor the file of a seal: {error.strerror}."
            ) from error
        if not seal.is_sound or seal.database != self.database_id:
            raise OptionError(f"the seal {path} is of another database, or was changed: its head does not fit what it covers.")
        return seal

    def _put_together(self, event: Event, head: str) -> Seal | None:
        """Put together what was there when a log's line told of a seal: it fits the head, or nobody can say."""
        moment = moment_of(event.facts.get("time"))
        if moment is None:
            return None
        previous = event.facts.get("previous_seal")
        covered = Covered(self._sessions_at(event, moment), self._versions_at(event))
        if covered.head(self.database_id, previous) != head:
            return None
        return Seal(head, int(event.facts.get("number", 0)), str(event.facts.get("time")), self.database_id, previous, covered)

    def _sessions_at(self, event: Event, moment: datetime.datetime) -> dict[str, tuple[int, str]]:
        found = {}
        for session in sessions_in(self.storage):
            times = [(number, moment_of(line.get("time") or line.get("created"))) for number, (_, line) in enumerate(self._lines(session))]
            later = [number for number, time in times if time is not None and time > moment]
            end = event.line if session == event.session else later[0] if later else len(times)
            last = last_line(self.storage, session, end)
            if last is not None:
                found[session] = last
        return found

    def _lines(self, session: str) -> list[tuple[bytes, dict[str, Any]]]:
        return read_lines(self.storage, session)[0]

    def _versions_at(self, seal: Event) -> dict[str, str]:
        """Return the folders of versions as they were called then: each as its line calls it, and as it was renamed until then."""
        before = [event for session in sessions_in(self.storage) for event in self._events(session) if _is_before(event, seal)]
        renames = sorted(
            [event for event in before if event.kind == "rename"], key=lambda event: (str(event.facts.get("time")), event.line)
        )
        told = {event.seal: event for event in before if event.kind in ("publish", "delete")}
        found = {}
        for path, digest in self._now.items():
            line = told.get(_seal_at(self.storage, path))
            if digest is not None and line is not None:
                found[_folder_then(line, renames)] = digest
        return found

    # What a seal covers --------------------------------------------------------------------------------------------------------------

    def _compare(self, seal: Seal, *, is_asked: bool) -> None:
        """Hold what is there against what a seal covers."""
        names = {digest: path for path, digest in self._now.items() if digest is not None}
        n_renamed = n_reclaimed = 0
        removals = self._removals()
        removed: list[str] = []
        for path, digest in seal.covered.versions.items():
            at = path if self._now.get(path) == digest else names.get(digest)
            if at is not None:
                n_renamed += at != path
                n_reclaimed += bool(self.storage.size(f"{at}/{RECLAIMED_FILE}"))
            elif path not in self._now and _was_removed(path, removals):
                removed.append(path)
            else:
                self._lacks(seal, path)
        for session, (n_lines, digest) in seal.covered.sessions.items():
            self._compare_log(seal, session, n_lines, digest)
        if removed and is_asked:
            self._tell_removed(seal, removed)
        self._tell(seal, n_renamed, n_reclaimed, len(removed))

    def _lacks(self, seal: Seal, path: str) -> None:
        key, number = _key_and_version(path)
        what = "is gone" if path not in self._now else "was changed"
        self._find("not as sealed", key, number, "", f"seal {seal.number} of {seal.created} covers its record, which {what}")

    def _removals(self) -> dict[str, int]:
        """Return the keys that went with a sub-database that was removed, as the logs tell, with the last version of each."""
        last: dict[str, int] = {}
        for session in sessions_in(self.storage):
            for event in self._events(session):
                keys = event.facts.get("keys") if event.kind == "remove" else None
                for key, number in keys.items() if isinstance(keys, dict) else ():
                    if type(number) is int:
                        last[key] = max(number, last.get(key, 0))
        return last

    def _tell_removed(self, seal: Seal, removed: list[str]) -> None:
        """Say once what was removed: that is no forgery, but who asks whether all that a seal covered is there must learn of it."""
        keys = sorted({_key_and_version(path)[0] for path in removed})
        shown = ", ".join(keys[:3]) + (f" and {len(keys) - 3:,} more" if len(keys) > 3 else "")
        message = (
            f"seal {seal.number} of {seal.created} covers {count_text(len(removed), 'version')} of {shown}, removed with sub-databases"
        )
        self._find("not as sealed", "", None, "", f"{message}, as the logs tell")

    def _compare_log(self, seal: Seal, session: str, n_lines: int, digest: str) -> None:
        path = f"{SESSIONS_FOLDER}/{session}.jsonl"
        try:
            last = last_line(self.storage, session, n_lines) if "/" not in session else None
        except OSError:
            last = None
        if last != (n_lines, digest):
            message = f"seal {seal.number} of {seal.created} covers {n_lines:,} lines of {path}, which are not there as they were"
            self._find("not as sealed", "", None, path, message)

    def _tell(self, seal: Seal, n_renamed: int, n_reclaimed: int, n_removed: int) -> None:
        sealed = set(seal.covered.versions.values())
        added = [path for path, digest in self._now.items() if digest not in sealed]
        n_keys = len({path.rpartition("/")[0] for path in added})
        told = f"{count_text(len(added), 'version')} of {count_text(n_keys, 'key')} added" if added else "nothing added"
        told += f", {count_text(n_renamed, 'version')} under another name" if n_renamed else ""
        told += f", the data of {count_text(n_reclaimed, 'version')} reclaimed" if n_reclaimed else ""
        told += f", {count_text(n_removed, 'version')} removed with sub-databases, as the logs tell" if n_removed else ""
        self.remarks.append(f"since seal {seal.number} of {seal.created}, head {seal.head}: {told}")

    def _signed_by(self, public_key: str, seal: Seal | None) -> None:
        """Check that a seal is signed with one key, and no other."""
        if seal is None:
            self._find("bad signature", "", None, SEALS_FOLDER, "there is no seal that the key could have signed")
        elif seal.signature is None:
            self._find("bad signature", "", None, SEALS_FOLDER, f"seal {seal.number} has no signature")
        elif seal.signature.public_key != public_key:
            message = f"seal {seal.number} was signed with the key {seal.signature.public_key}, not with {public_key}"
            self._find("bad signature", "", None, SEALS_FOLDER, message)
        elif not seal.signature.is_valid(seal.database, seal.head):
            self._find("bad signature", "", None, SEALS_FOLDER, f"the signature of seal {seal.number} is not of its head")
        else:
            self.remarks.append(f"seal {seal.number} is signed with the key {public_key}")


def _versions_now(storage: Storage) -> dict[str, str | None]:
    """Return the folder of each version that is there, with the digest of its record; None where that is gone."""
    found: dict[str, str | None] = {}
    for path in version_folders(storage, ""):
        try:
            found[path] = digest_of_record(storage, path)
        except (OSError, CorruptVersionError):
            found[path] = None
    return found


def _key_and_version(path: str) -> tuple[str, int | None]:
    key_folder, _, version = path.rpartition("/")
    return key_of_folder(key_folder), version_number(version)


def _was_removed(path: str, removals: dict[str, int]) -> bool:
    key, number = _key_and_version(path)
    return number is not None and number <= removals.get(key, 0)


def _seal_at(storage: Storage, path: str) -> str:
    key_folder, _, version = path.rpartition("/")
    try:
        return str(state_of(storage, key_folder, version_number(version) or 0).record.get("record"))
    except (OSError, IsfdbError):
        return ""


def _is_before(event: Event, other: Event) -> bool:
    """Say which line was written first: lines of one log are in order, those of two have times."""
    if event.session == other.session:
        return event.line < other.line
    return str(event.facts.get("time")) <= str(other.facts.get("time"))


def _folder_then(event: Event, renames: list[Event]) -> str:
    key = event.key
    for rename in renames:
        if _is_before(event, rename) and (key == rename.key or key.startswith(f"{rename.key}/")):
            key = str(rename.facts.get("to")) + key[len(rename.key) :]
    return "/".join([folder_name(name) for name in split_key(key)]) + f"{KEY_SUFFIX}/{version_name(event.version or 0)}"
