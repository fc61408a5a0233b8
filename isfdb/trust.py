"""Whose data may run code when it is loaded: what this user signed, and what lies in a database this user trusts.

Nothing here loads anything, and nothing in a database is ever asked. Both facts lie in the user's data folder:

- ``signing.key``: 32 random bytes, for nobody else to read. What this user stores in a format that runs code (pickle) is signed with it.
- ``trust.json``: the ids and real paths of the databases this user chose to trust, for nobody else to write.
"""

from __future__ import annotations

import contextlib
import os
import stat
import warnings
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

from isfdb.errors import IsfdbError, PickleWarning, UntrustedDataError
from isfdb.exact_json import dumps, loads
from isfdb.open_folders import writable_by_anybody
from isfdb.options import option
from isfdb.storage.single_files import make_folders, put_file, replace_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

KEY_FILE: Final = "signing.key"
TRUST_FILE: Final = "trust.json"
KEY_BYTES: Final = 32
MAX_TRUST_FILE_BYTES: Final = 16_000_000
LOCK_TIMEOUT_S: Final = 10.0

_PURPOSE: Final = b"isfdb version, format 1\n"  # the key signs nothing else by accident
_key_in_use: tuple[str, tuple[int, ...], bytes] | None = None
_warned: set[str] = set()


def payload(digest: str, nonce: str) -> bytes:
    """Return what is signed of a version: the digest of all its files, and the nonce that tells it from its copies."""
    return f"{digest}:{nonce}".encode()


def sign(payload: bytes) -> str | None:
    """Sign as this user, making the key at first use.

    Returns
    -------
    str or None
        HMAC-SHA256 as 64 hex digits. None, with a :class:`~isfdb.errors.PickleWarning` once per reason, where the key cannot be
        made or used: the value is stored all the same, and loading it will ask for trust.
    """
    try:
        key = _read_key() or _make_key()
    except (IsfdbError, OSError) as error:
        _warn_once(f"stored unsigned, so it loads only from a database you trust (isfdb trust): {error}")
        return None
    return _hmac(key, payload)


def is_signed_by_me(payload: bytes, signature: str | None) -> bool:
    """Say whether `signature` was made with this user's key; False also where the key is missing or cannot be used."""
    import hmac

    try:
        key = _read_key()
    except (IsfdbError, OSError):
        return False
    if key is None or not isinstance(signature, str):
        return False
    return hmac.compare_digest(_hmac(key, payload).encode(), signature.encode("utf-8", "surrogatepass"))


def script_payload(code_digest: str, log_digest: str) -> bytes:
    """Return what is signed of the script that made a value: its text, and the session up to then, from which wider ones are written."""
    return f"script:{code_digest}:{log_digest}".encode()


def sign_script(code_digest: str, log_digest: str) -> str | None:
    """Sign, as this user, what ran; None, without a warning, where there is no key: nothing but running it again asks for that."""
    return _sign_quietly(script_payload(code_digest, log_digest))


def replay_payload(record_digest: str, verdict_digest: str) -> bytes:
    """Return what is signed of a replay: which version was made again, and what came of it."""
    return f"replay:{record_digest}:{verdict_digest}".encode()


def sign_replay(record_digest: str, verdict_digest: str) -> str | None:
    """Sign, as this user, what came of a replay; None, without a warning, where there is no key: then the next look runs it again."""
    return _sign_quietly(replay_payload(record_digest, verdict_digest))


def _sign_quietly(payload: bytes) -> str | None:
    try:
        key = _read_key() or _make_key()
    except (IsfdbError, OSError):
        return None
    return _hmac(key, payload)


def reason_not_to_run(
    database_id: str, path: str | os.PathLike[str], payload: bytes, signature: str | None, within: Sequence[str] = ()
) -> str | None:
    """Say why a version may not run code when it is loaded, and what to do about it; None where it may."""
    if is_signed_by_me(payload, signature) or is_trusted(database_id, path, within):
        return None
    real = os.path.realpath(path)
    cure = f"If you know who wrote it, trust the database: isfdb trust {_shown(real)}"
    problem = key_problem() or list_problem()
    if problem:
        return f"whether you wrote it or trust it cannot be told: {problem} {cure}"
    written = "it is not signed" if signature is None else "it was not signed with your key"
    open_to_all = writable_by_anybody(real, within)
    if (database_id, real) in _read_list() and open_to_all is not None:
        return f"{written}, and {_everybodys(open_to_all)}"
    return f"{written}, and the database at {_shown(real)} is not on your list of trusted ones. {cure}"


def _everybodys(path: str) -> str:
    return f"anybody on this computer may write into {_shown(path)}. First take that right away: chmod o-w {_shown(path)}"


def key_problem() -> str | None:
    """Say why this user's key cannot be used, or None where it can (or was never needed yet)."""
    try:
        _read_key()
    except (IsfdbError, OSError) as error:
        return str(error)
    return None


def list_problem() -> str | None:
    """Say why the list of trusted databases cannot be used, or None where it can."""
    try:
        _read_list()
    except (IsfdbError, OSError) as error:
        return str(error)
    return None


def trust(database_id: str, path: str | os.PathLike[str]) -> None:
    """Let values of a database run code when they are loaded, from now on and only where it lies now.

    Parameters
    ----------
    database_id : str
        Its id, from ``isfdb.json``.
    path : str or os.PathLike
        Its folder. Moved or copied elsewhere it is no longer trusted.

    Raises
    ------
    UntrustedDataError
        Anybody on this computer may write into the folder, or your list cannot be used.
    """
    real = os.path.realpath(path)
    if (open_folder := writable_by_anybody(real)) is not None:
        raise UntrustedDataError(f"cannot trust {_shown(real)}: {_everybodys(open_folder)}", database=database_id, path=real)
    with _changed_list() as trusted:
        trusted[database_id, real] = trusted.get((database_id, real)) or _now()


def distrust(database_id: str, path: str | os.PathLike[str] | None = None) -> int:
    """Take a database off the list: at one path, or wherever it lies; return how many entries went."""
    real = None if path is None else os.path.realpath(path)
    with _changed_list() as trusted:
        leaving = [entry for entry in trusted if entry[0] == database_id and real in (None, entry[1])]
        for entry in leaving:
            del trusted[entry]
    return len(leaving)


def is_trusted(database_id: str, path: str | os.PathLike[str], within: Sequence[str] = ()) -> bool:
    """Say whether the database of that id at that very place is on this user's list, and nobody but its writers may change it.

    Parameters
    ----------
    within : sequence of str
        Folders and files of the database, relative to it: they, and the folders on the way to them, count as well.
    """
    real = os.path.realpath(path)
    try:
        return (database_id, real) in _read_list() and writable_by_anybody(real, within) is None
    except (IsfdbError, OSError):
        return False


def trusted() -> tuple[dict[str, str], ...]:
    """Return the list: ``{"id": ..., "path": ..., "since": ...}`` for each trusted database, by path.

    Raises
    ------
    UntrustedDataError
        The list cannot be used.
    """
    entries = sorted(_read_list().items(), key=lambda entry: entry[0][1])
    return tuple([{"id": database_id, "path": path, "since": since} for (database_id, path), since in entries])


def _hmac(key: bytes, payload: bytes) -> str:
    import hashlib
    import hmac

    return hmac.new(key, _PURPOSE + payload, hashlib.sha256).hexdigest()


def _folder() -> str:
    folder = option("data_folder")
    if folder is None:
        raise UntrustedDataError("you have no home folder to keep your signing key in. Name a folder: set ISFDB_DATA_FOLDER.")
    return str(folder)


def _read_key() -> bytes | None:
    """Return the key, None where there is none yet; refuse one that others may know."""
    global _key_in_use
    path = os.path.join(_folder(), KEY_FILE)
    found = _private_file(path, "your signing key", stat.S_IRWXG | stat.S_IRWXO)
    if found is None:
        return None
    known = _key_in_use
    if known is not None and known[:2] == (path, found):
        return known[2]
    with open(path, "rb") as file:
        key = file.read(KEY_BYTES + 1)
    if len(key) != KEY_BYTES:
        message = f"your signing key {_shown(path)} is damaged: it has {len(key)} bytes. Move it away; the next save makes a new one, and"
        raise UntrustedDataError(f"{message} what the old one signed then loads only from a database you trust.", path=path)
    _key_in_use = path, found, key
    return key


def _private_file(path: str, what: str, forbidden: int) -> tuple[int, ...] | None:
    """Return what tells whether the file changed, None where it is missing; refuse one that is open to others."""
    try:
        found = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    if not stat.S_ISREG(found.st_mode):
        raise UntrustedDataError(f"{what} {_shown(path)} is no plain file. Move it away.", path=path)
    if os.name == "posix":
        if found.st_uid != os.geteuid():
            raise UntrustedDataError(f"{what} {_shown(path)} belongs to another user (uid {found.st_uid}). Move it away.", path=path)
        if found.st_mode & forbidden:
            mode = stat.S_IMODE(found.st_mode)
            message = (
                f"{what} {_shown(path)} is open to other users (mode {mode:04o}), so it proves nothing. Close it: chmod 600 {_shown(path)}"
            )
            raise UntrustedDataError(message, path=path, mode=mode)
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size, found.st_mode


def _make_key() -> bytes:
    """Make the key, whole or not at all: of several processes that do so at once one wins, and all use its key."""
    import secrets

    folder = _folder()
    make_folders(folder, mode=0o700)
    put_file(os.path.join(folder, KEY_FILE), secrets.token_bytes(KEY_BYTES), mode=0o600)
    key = _read_key()
    if key is None:
        raise FileNotFoundError(f"your signing key in {_shown(folder)} vanished while it was being made")
    return key


def _read_list() -> dict[tuple[str, str], str]:
    path = os.path.join(_folder(), TRUST_FILE)
    if _private_file(path, "your list of trusted databases", stat.S_IWGRP | stat.S_IWOTH) is None:
        return {}
    with open(path, "rb") as file:
        text = file.read(MAX_TRUST_FILE_BYTES + 1)
    try:
        entries = loads(text.decode("utf-8", "surrogateescape"))["trusted"]
        return {(str(entry["id"]), str(entry["path"])): str(entry["since"]) for entry in entries}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        message = (
            f"your list of trusted databases {_shown(path)} cannot be understood ({error}). Repair it, or move it away and trust anew."
        )
        raise UntrustedDataError(message, path=path) from error


@contextlib.contextmanager
def _changed_list() -> Iterator[dict[tuple[str, str], str]]:
    """Give the list to a ``with`` block and write what the block made of it, with other processes waiting meanwhile."""
    folder = _folder()
    try:
        make_folders(folder, mode=0o700)
        with _lock(os.path.join(folder, TRUST_FILE + ".lock")):
            trusted = _read_list()
            before = dict(trusted)
            yield trusted
            if trusted != before:
                _write_list(os.path.join(folder, TRUST_FILE), trusted)
    except OSError as error:
        if isinstance(error, IsfdbError):
            raise
        message = f"cannot change your list of trusted databases in {_shown(folder)}: {error}. Name another folder: set ISFDB_DATA_FOLDER."
        raise UntrustedDataError(message, path=folder) from error


def _write_list(path: str, trusted: dict[tuple[str, str], str]) -> None:
    entries: list[dict[str, Any]] = [{"id": name, "path": place, "since": since} for (name, place), since in sorted(trusted.items())]
    text = dumps({"format": 1, "trusted": entries})
    replace_file(path, text.encode("utf-8", "surrogateescape"), mode=0o600)


@contextlib.contextmanager
def _lock(path: str) -> Iterator[None]:
    """Keep other processes of this user out; the system frees the lock of a process that dies."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
    try:
        _wait_for(descriptor, path)
        yield
    finally:
        os.close(descriptor)


def _wait_for(descriptor: int, path: str) -> None:
    import time

    give_up = time.monotonic() + LOCK_TIMEOUT_S
    while not _try_lock(descriptor):
        if time.monotonic() > give_up:
            raise TimeoutError(f"another process has held {_shown(path)} for {LOCK_TIMEOUT_S:.0f} s")
        time.sleep(0.01)


def _try_lock(descriptor: int) -> bool:
    try:
        if os.name == "posix":
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        else:
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined, unused-ignore]
    except (BlockingIOError, PermissionError):
        return False
    return True


def _now() -> str:
    from datetime import datetime

    return datetime.now(UTC).isoformat(timespec="seconds")


def _shown(path: str) -> str:
    """Return a path as it can be printed and pasted into a shell: quoted if need be, nothing in it acting on the terminal."""
    import shlex

    return shlex.quote("".join([character if character.isprintable() else ascii(character)[1:-1] for character in path]))


def _warn_once(message: str) -> None:
    if message not in _warned:
        _warned.add(message)
        warnings.warn(message, PickleWarning, stacklevel=4)
