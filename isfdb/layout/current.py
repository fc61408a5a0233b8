"""The on-disk layout of format 1: names and path arithmetic, no reading or writing.

Paths are texts relative to the database folder, with ``/`` between names, so that they serve any storage.
"""

from __future__ import annotations

import re
from typing import Final

FORMAT: Final = 1

DATABASE_FILE: Final = "isfdb.json"
README_FILE: Final = "README.txt"
LOADER_FILE: Final = "Loader.json"
METADATA_FILE: Final = "metadata.json"
CODE_FILE: Final = "code.py"
TOMBSTONE_FILE: Final = "DELETED"
RECLAIMED_FILE: Final = "RECLAIMED"
ATTRIBUTES_FILE: Final = "attributes.json"
ATTRIBUTES_FOLDER: Final = "attributes"

PRIVATE_FOLDER: Final = ".isfdb"
STAGING_FOLDER: Final = ".isfdb/staging"
TRASH_FOLDER: Final = ".isfdb/trash"
SESSIONS_FOLDER: Final = ".isfdb/sessions"
ENVIRONMENTS_FOLDER: Final = ".isfdb/environments"
CODE_FOLDER: Final = ".isfdb/code"
INPUTS_FOLDER: Final = ".isfdb/inputs"
CHECKS_FOLDER: Final = ".isfdb/checks"
REPLAYS_FOLDER: Final = ".isfdb/replays"
SEALS_FOLDER: Final = ".isfdb/seals"
PART_FILE: Final = ".isfdb/part.json"

KEY_SUFFIX: Final = ".key"
DELETED_SUFFIX: Final = ".deleted"
STAGE_PREFIX: Final = ".stage-"
JOURNAL_PREFIX: Final = ".append-"

#: The most that a record has, and a session's log: what is larger is neither written nor read, for a stranger's would fill the memory.
MAX_RECORD_BYTES: Final = 64 * 2**20
MAX_LOG_BYTES: Final = 2**30

#: Written into a version folder by isfdb itself; no loaderdumper may use these names.
RESERVED_FILES: Final = frozenset({LOADER_FILE, METADATA_FILE, CODE_FILE, TOMBSTONE_FILE, RECLAIMED_FILE})

_VERSION_NAME = re.compile(r"v([0-9]{6}|[1-9][0-9]{6,15})")


def version_name(number: int) -> str:
    """Return the folder name of version `number`: ``v000001``."""
    return f"v{number:06d}"


def version_number(name: str) -> int | None:
    """Return the number of a version folder, or None where `name` is no version's name."""
    match = _VERSION_NAME.fullmatch(name)
    number = int(match[1]) if match else 0
    return number or None


def join(*parts: str) -> str:
    """Join relative paths, skipping empty ones."""
    return "/".join([part for part in parts if part])
