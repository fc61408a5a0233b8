"""What a key may be, and how a key becomes a folder name that is safe on every file system. Reads and writes nothing.

A key is any non-empty text, or a tuple of texts. ``/`` separates the names of nested sub-databases:
``db["cells/L5PT"]``, ``db["cells", "L5PT"]`` and ``db["cells"]["L5PT"]`` are one key.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final
from urllib.parse import unquote

from isfdb.errors import InvalidKeyError, KeyTypeError
from isfdb.layout.current import DATABASE_FILE, DELETED_SUFFIX, KEY_SUFFIX, PRIVATE_FOLDER, README_FILE

#: Longest folder name in bytes, before its suffix; 255 is the limit of nearly every file system.
MAX_NAME_BYTES: Final = 240

#: Longest key in bytes, as folder names: paths have 4096, and that of the database and what lies below the key take their part.
MAX_KEY_BYTES: Final = 3000

_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_ +=,@-]*(?<! )")
_UNSAFE = re.compile(r'[\x00-\x1f\x7f-\x9f%<>:"\\|?*/\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]')
_UNSAFE_OR_NOT_ASCII = re.compile(rf"{_UNSAFE.pattern}|[^\x00-\x7f]")
_WINDOWS_DEVICE = re.compile(r"(?i)(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?")
RESERVED_NAMES: Final = frozenset({".", "..", PRIVATE_FOLDER, DATABASE_FILE, README_FILE, "db_state.json"})


def split_key(key: str | tuple[str, ...]) -> tuple[str, ...]:
    """Return the names that lead to a key, outermost first.

    Parameters
    ----------
    key : str or tuple of str
        ``"rates"``, ``"cells/L5PT"`` or ``("cells", "L5PT")``.

    Raises
    ------
    KeyTypeError
        A part is not text.
    InvalidKeyError
        A part is empty, reserved, too long or no valid text.
    """
    if type(key) is str:
        return _split_text(key)
    if isinstance(key, tuple):
        if len(key) > MAX_KEY_BYTES:
            return _refuse_length(key, len(key))
        names = [name for part in key for name in (split_key(part) if isinstance(part, str) else _refuse_type(key, part))]
        return _split_text("/".join(names)) if names else _refuse(key, "it is an empty tuple")
    if isinstance(key, str):
        return _split_text(str(key))
    return _refuse_type(key, key)


@lru_cache(maxsize=4096)
def _split_text(key: str) -> tuple[str, ...]:
    if len(key) > MAX_KEY_BYTES:
        return _refuse_length(key, len(key))
    names = tuple(key.split("/"))
    length = sum([len(folder_name(name, key).encode()) + 1 for name in names])
    if length > MAX_KEY_BYTES:
        _refuse_length(key, length)
    return names


def _refuse_length(key: object, length: int) -> tuple[str, ...]:
    return _refuse(key, f"it takes {length} bytes as a path, and {MAX_KEY_BYTES} are the limit")


def _refuse(key: object, reason: str) -> tuple[str, ...]:
    raise InvalidKeyError(f"{_shown(key)} cannot be a key: {reason}. Use any non-empty text, with / between sub-databases.", key=key)


def _refuse_type(key: object, part: object) -> tuple[str, ...]:
    raise KeyTypeError(
        f"{_shown(key)} cannot be a key: {_shown(part)} is of type {type(part).__name__}. "
        "Use text or a tuple of texts, for example db[str(number)].",
        key=key,
    )


def _shown(key: object) -> str:
    text = ascii(key[:80] if isinstance(key, (str, tuple)) else key)  # a text of a gigabyte is not written out to be cut
    return text if len(text) <= 80 else text[:77] + "..."


@lru_cache(maxsize=65536)
def folder_name(name: str, key: str | None = None) -> str:
    r"""Return the folder name, without suffix, that stands for one name of a key.

    What is unsafe on some file system is percent-encoded as UTF-8 bytes, so that any text survives being copied to another
    computer: control and direction characters, ``% < > : " \ | ? * /``, a leading or trailing dot or space, the names of Windows
    devices, a trailing ``.key`` or ``.deleted``, and every non-ASCII character of text that is not in Unicode form NFC.

    Raises
    ------
    InvalidKeyError
        The name is empty, reserved, too long or no valid text.
    """
    key = name if key is None else key
    if _PLAIN.fullmatch(name) and len(name) <= MAX_NAME_BYTES and not _WINDOWS_DEVICE.fullmatch(name):
        return name
    if not name:
        _refuse(key, "a name in it is empty")
    if name in RESERVED_NAMES:
        _refuse(key, f"{name!r} is reserved")
    try:
        encoded = _encode(name)
        length = len(encoded.encode())
    except UnicodeEncodeError:
        _refuse(key, "it contains half of a surrogate pair, which is no text")
    if length > MAX_NAME_BYTES:
        _refuse(key, f"a name in it takes {length} bytes as a folder name, and {MAX_NAME_BYTES} are the limit")
    return encoded


def _encode(name: str) -> str:
    unsafe = _UNSAFE if unicodedata.is_normalized("NFC", name) else _UNSAFE_OR_NOT_ASCII
    encoded = unsafe.sub(lambda match: _percent(match[0]), name)
    if encoded[0] in ". ~":
        encoded = _percent(encoded[0]) + encoded[1:]
    if encoded[-1] in ". ":
        encoded = encoded[:-1] + _percent(encoded[-1])
    for suffix in (KEY_SUFFIX, DELETED_SUFFIX):
        if encoded.casefold().endswith(suffix):
            encoded = encoded[: -len(suffix)] + _percent(".") + encoded[1 - len(suffix) :]
    if _WINDOWS_DEVICE.fullmatch(encoded):
        encoded = _percent(encoded[0]) + encoded[1:]
    return encoded


def _percent(character: str) -> str:
    return "".join([f"%{byte:02X}" for byte in character.encode()])


def name_of_folder(folder: str) -> str | None:
    """Return the name that a folder (without suffix) stands for, or None where isfdb would never have made that folder."""
    if _PLAIN.fullmatch(folder) and not _WINDOWS_DEVICE.fullmatch(folder):
        return folder if len(folder) <= MAX_NAME_BYTES else None
    try:
        name = unquote(folder, errors="strict")
        return name if split_key(name) == (name,) and folder_name(name) == folder else None
    except (UnicodeDecodeError, InvalidKeyError):
        return None


def key_of_folder(folder: str) -> str:
    """Return the key that a key's or sub-database's folder, with or without suffix, stands for, seen from where the path begins."""
    return "/".join([name_of_folder(name) or name for name in folder.removesuffix(KEY_SUFFIX).split("/")])


def folded(folder: str) -> str:
    """Return what two folder names share that some file system, or a tired reader, would take for one."""
    if folder.isascii() and "%" not in folder:
        return folder.lower()
    return unicodedata.normalize("NFC", (name_of_folder(folder) or folder)).casefold()
