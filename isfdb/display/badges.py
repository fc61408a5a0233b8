"""What a reader should notice about a value, in a word or two each: state of git, risks, a verdict on record. It reads records only.

A word says it; sign and colour only help to find it. Of verdicts the newest on record is told, as the database has it: whose it is and
whether to believe it, `isfdb.replay` decides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from isfdb.display.safe import escape, visible
from isfdb.display.words import count_text, moment_text
from isfdb.exact_json import loads
from isfdb.layout.current import REPLAYS_FOLDER
from isfdb.provenance.records import risks_of

#: What stands before a status, so that colour never speaks alone.
SIGNS: Final = {"identical": "✓", "equal": "✓", "close": "≈", "different": "✗", "not runnable": "⊘"}
_NO_SIGN: Final = "○"
_KINDS: Final = {"identical": "good", "equal": "good", "close": "near", "different": "bad", "not runnable": "stop"}

#: Larger records of replays are not read for a badge.
_MOST_BYTES: Final = 1_000_000
#: Of all of them together, for the keys that a tree shows.
MOST_BYTES_OF_A_TREE: Final = 4_000_000
_MOST_KINDS: Final = 6
_COMMIT_DIGITS: Final = 10


@dataclass(frozen=True)
class Badge:
    """A word or two about a value.

    Attributes
    ----------
    words : str
        ``"2 risks"``.
    kind : str
        ``"good"``, ``"near"``, ``"bad"``, ``"stop"`` or ``"none"``: its colour.
    title : str
        The same in a sentence.
    sign : str
        Stands before the words, for the eye.
    """

    words: str
    kind: str = "none"
    title: str = ""
    sign: str = ""

    @property
    def html(self) -> str:
        """The badge as HTML."""
        sign = f'<span aria-hidden="true">{escape(self.sign)}</span> ' if self.sign else ""
        title = f' title="{escape(self.title, 400)}"' if self.title else ""
        return f'<span class="i-badge i-v-{self.kind}"{title}>{sign}{escape(self.words, 60)}</span>'

    def to_json(self) -> dict[str, str]:
        """Return plain values."""
        return {"words": self.words, "kind": self.kind, "title": self.title}


def sign_of(status: str) -> str:
    """Return the sign of a verdict's status; any other word gets that of what is not known."""
    return SIGNS.get(status, _NO_SIGN)


def kind_of(status: str) -> str:
    """Return which colour a status has: ``good``, ``near``, ``bad``, ``stop``, or ``none`` where nothing is known."""
    return _KINDS.get(status, "none")


class VerdictsRead:
    """Reads what is on record about replays, within so many bytes.

    Parameters
    ----------
    max_bytes : int
        Of all records together; what lies beyond is told without its outcome.
    """

    def __init__(self, max_bytes: int = _MOST_BYTES) -> None:
        self._left = max_bytes

    def badge(self, storage: Any, record: Mapping[str, Any]) -> Badge | None:
        """Return a badge for the newest verdict about a version; None where there is none that can be understood."""
        seal = record.get("record")
        if not (isinstance(seal, str) and len(seal) == 64 and seal.isalnum()):
            return None
        path = f"{REPLAYS_FOLDER}/{seal}.json"
        try:
            size = storage.size(path)
            if size == 0:
                return None
            if size > min(self._left, _MOST_BYTES):
                return Badge("replayed", "none", "what came of it is on record: isfdb.replay(db, key)", "○")
            self._left -= size
            return _badge_of(loads(storage.read(path)))
        except (OSError, ValueError, TypeError, RecursionError):
            return None


def _badge_of(members: Any) -> Badge | None:
    entries = members.get("verdicts") if isinstance(members, dict) else None
    newest = entries[-1] if isinstance(entries, list) and entries else None
    verdict = newest.get("verdict") if isinstance(newest, dict) else None
    status = verdict.get("status") if isinstance(verdict, dict) else None
    if not isinstance(verdict, dict) or not isinstance(status, str) or status not in SIGNS:
        return None
    where = verdict.get("where")
    host = where.get("host") if isinstance(where, dict) else None
    told = [
        f"replayed {moment_text(str(verdict['when']))}" if verdict.get("when") else "replayed",
        f"on {host}" if host else "",
        f"in the {verdict['environment']} environment" if verdict.get("environment") in ("current", "recorded") else "",
        f"because: {verdict['because']}" if verdict.get("because") else "",
    ]
    return Badge(status, kind_of(status), f"{', '.join([one for one in told if one])}; as the database has it", SIGNS[status])


def badges_of(version: Any, verdicts: VerdictsRead | None = None, *, commit: bool = False) -> tuple[Badge, ...]:
    """Return what is to be noticed about a version, from its record.

    Parameters
    ----------
    version : Version
    verdicts : VerdictsRead, optional
        Looks for verdicts on record: one file for each version; without it none is looked for.
    commit : bool
        Name the commit as well, where nothing was changed beyond it.
    """
    record = version.record if isinstance(version.record, Mapping) else {}
    if version.deleted:
        return (Badge("deleted", "none", "its versions before may still be read", "○"),)
    found = [
        Badge("reclaimed", "none", "collect took its data; what made it is still on record", "○") if version.reclaimed else None,
        verdicts.badge(version._storage, record) if verdicts is not None else None,
        git_badge(record.get("code"), commit=commit),
        risks_badge([risk.kind for risk in risks_of(record)]),
        Badge("may change", "none", "it belongs to the user and may change in place", "○") if record.get("mutable") is True else None,
    ]
    return tuple([badge for badge in found if badge is not None])


def git_badge(code: Any, *, commit: bool = False) -> Badge | None:
    """Return a badge for the state of the sources; None where nothing is known, or for a clean commit that is not to be named."""
    if not isinstance(code, Mapping) or not code:
        return None
    name = visible(code.get("commit") or "", 80)
    if not name:
        return Badge("not in git", "near", "the working directory was in no git work tree with a commit", "△")
    branch = f" on {visible(code['branch'], 80)}" if code.get("branch") else ""
    if code.get("dirty"):
        title = f"commit {name[:_COMMIT_DIGITS]}{branch}, and changes beyond it; these were stored with the value"
        return Badge("uncommitted changes", "near", title, "△")
    return Badge(f"commit {name[:_COMMIT_DIGITS]}", "good", f"{name}{branch}, nothing changed beyond it", "✓") if commit else None


def risks_badge(kinds: list[str]) -> Badge | None:
    """Return a badge that counts risks and names their kinds; None where there is none."""
    if not kinds:
        return None
    counted = Counter(kinds).most_common()
    named = [f"{visible(kind, 60)}{f' ({number})' if number > 1 else ''}" for kind, number in counted[:_MOST_KINDS]]
    rest = f" and {len(counted) - _MOST_KINDS} kinds more" if len(counted) > _MOST_KINDS else ""
    return Badge(count_text(len(kinds), "risk"), "near", f"to making it again: {', '.join(named)}{rest}", "⚠")


def badges_html(badges: tuple[Badge, ...]) -> str:
    """Return badges side by side."""
    return f'<span class="i-badges">{" ".join([badge.html for badge in badges])}</span>' if badges else ""


def badges_text(badges: tuple[Badge, ...]) -> str:
    """Return the words of badges for a terminal."""
    return ", ".join([visible(badge.words, 60) for badge in badges])
