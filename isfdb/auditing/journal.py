"""The journal of an audit: what it has found out so far, so that one that was killed goes on where it was. It judges nothing.

It lies in the user's cache folder, not in the database: a database that cannot be written must be auditable too. A line is written
when a replay begins and when its verdicts are there. A torn last line is passed over.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import threading
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from isfdb.exact_json import compact, loads
from isfdb.hashing import digest_of
from isfdb.index import file_for
from isfdb.replaying.verdict import Verdict

if TYPE_CHECKING:
    from isfdb.entry import Version

_log = logging.getLogger(__name__)
_FORMAT: Final = 1


class Journal:
    """What audits of one database with the same options found out.

    Parameters
    ----------
    file : str or None
        Where it is kept; None: nowhere, and nothing is remembered.
    options : Mapping
        What the verdicts depend on, JSON-ready.
    choice : Mapping
        What the audit looks at, JSON-ready.
    fresh : bool
        Every value is to be made again: earlier verdicts count only if they come from this very audit, which was interrupted.
    resume : bool
        Go on with an audit that was interrupted.
    now : str
        ISO-8601, UTC.

    Attributes
    ----------
    began : str
        When the audit that is under way began: ISO-8601, UTC.
    goes_on : bool
        Whether an audit that was interrupted is continued.
    problem : str
        Why nothing can be kept; empty where it can.
    """

    def __init__(
        self, file: str | None, options: Mapping[str, Any], choice: Mapping[str, Any], *, fresh: bool, resume: bool, now: str
    ) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._own: dict[str, Verdict] = {}
        self._known: dict[str, Verdict] = {}
        self.began, self.goes_on = now, False
        self.problem = "" if file else "there is no cache folder"
        self._digest = digest_of(compact([options, choice]).encode())
        lines = _read(file) if file else []
        start = next((number for number in range(len(lines) - 1, -1, -1) if lines[number].get("audit")), None)
        if start is not None and not any(line.get("ended") for line in lines[start:]):
            self.goes_on = resume and lines[start]["audit"] == self._digest
            self.began = str(lines[start].get("began") or now) if self.goes_on else now
        if self.goes_on and start is not None:
            self._own = _verdicts_in(lines[start:])
        self._known = {} if fresh else _verdicts_in(lines)
        if not self.goes_on:
            kept = [{"value": name, "verdict": verdict.to_json()} for name, verdict in self._known.items()]
            self._replace([*kept, *self._last_end(lines), {"audit": self._digest, "began": self.began, "format": _FORMAT}])

    def _last_end(self, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [line for line in lines if line.get("ended")][-1:]

    def own(self, version: Version) -> Verdict | None:
        """Return the verdict that this audit came to before it was interrupted; None where it did not get there."""
        return self._own.get(_name(version))

    def known(self, version: Version) -> Verdict | None:
        """Return the verdict that an earlier audit came to; None where there is none."""
        return self._known.get(_name(version))

    def note_begun(self, job: str) -> None:
        """Note that a replay begins."""
        self._append([{"begun": job}])

    def note(self, found: Iterable[tuple[Version, Verdict]]) -> None:
        """Keep verdicts, all that one replay gave at once."""
        named = [(_name(version), verdict) for version, verdict in found]
        self._append([{"value": name, "verdict": verdict.to_json()} for name, verdict in named])

    def note_ended(self, now: str) -> None:
        """Note that the audit has come to its end: the next one with these options begins anew."""
        self._append([{"ended": now, "since": self.began}])

    def _append(self, lines: list[dict[str, Any]]) -> None:
        if not self._file or self.problem:
            return
        # The line break at the beginning ends what a killed process may have left half written.
        data = b"\n" + b"".join([json.dumps(line).encode() + b"\n" for line in lines])
        try:
            # One write: of threads that write at once, and of a process that is killed, no line is torn but the last.
            with self._lock, open(self._file, "ab", buffering=0) as file:
                file.write(data)
        except OSError as error:
            self.problem = f"{error.strerror or error}"

    def _replace(self, lines: list[dict[str, Any]]) -> None:
        if not self._file:
            return
        staged = f"{self._file}.{os.getpid()}"
        try:
            os.makedirs(os.path.dirname(self._file), mode=0o700, exist_ok=True)
            with open(staged, "wb") as file:
                file.writelines([json.dumps(line).encode() + b"\n" for line in lines])
            os.replace(staged, self._file)
        except OSError as error:
            self.problem = f"{error.strerror or error}"
            with contextlib.suppress(OSError):
                os.unlink(staged)


def _verdicts_in(lines: Iterable[dict[str, Any]]) -> dict[str, Verdict]:
    found: dict[str, Verdict] = {}
    for line in lines:
        if isinstance(line.get("value"), str):
            with contextlib.suppress(ValueError, TypeError):
                found[line["value"]] = Verdict.from_json(line.get("verdict") or {})
    return found


def _name(version: Version) -> str:
    """Return what a version is called in the journal: its seal is part of it, so that another one with its number has another name."""
    return f"{version.link} {version.record.get('record')}"


def _read(file: str) -> list[dict[str, Any]]:
    lines = []
    try:
        with open(file, "rb") as stream:
            texts = stream.read().split(b"\n")
    except FileNotFoundError:
        return []
    except OSError as error:
        _log.debug("the journal %s cannot be read: %s", file, error)
        return []
    for text in texts:
        with contextlib.suppress(ValueError, RecursionError):
            line = loads(text)
            if isinstance(line, dict):
                lines.append(line)
    return lines


def journal_file(path: str, options: Mapping[str, Any]) -> str | None:
    """Return the file for the journal of a database, one for each set of options that verdicts depend on."""
    file = file_for("audits", path)
    return f"{file}-{digest_of(compact(options).encode())[:16]}.jsonl" if file else None


def last_audit(path: str, options: Mapping[str, Any]) -> str | None:
    """Return when the last audit of a database that came to its end began: ISO-8601, UTC; None where none is known of."""
    file = journal_file(path, options)
    ended = [line for line in _read(file) if line.get("ended")] if file else []
    return str(ended[-1].get("since") or "") or None if ended else None
