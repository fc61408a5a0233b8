"""What a bundle has beyond the data: a README, a script for each key, what the sessions executed as text, PROV-JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final
from urllib.parse import quote

from isfdb.display.safe import visible, visible_lines
from isfdb.errors import IsfdbError
from isfdb.exporting.archives import Written
from isfdb.exporting.contents import Contents, Item
from isfdb.exporting.plain_loading import names_in, relative, script, without_way
from isfdb.exporting.prov_json import prov_json
from isfdb.exporting.readme import readme
from isfdb.exporting.subject import ToldVersion
from isfdb.exporting.told import cell_title, code_of, times_of, title_of
from isfdb.hashing import digest_of
from isfdb.keys import folder_name, split_key
from isfdb.loader_spec import LoaderSpec
from isfdb.provenance.session import Session

#: Folder, in a bundle, of what stands ready for people: scripts and code, by key.
KEYS: Final = "keys"

_LONGEST_NAME: Final = 200
_RULE: Final = "# " + "-" * 100


def bundle_items(contents: Contents, written: Sequence[Written]) -> Iterator[Item]:
    """Give the files that explain the others."""
    subject = contents.subject
    for key, versions in subject.by_key().items():
        yield from _key_items(contents, key, [version for version in versions if version.is_value])
    for session in subject.sessions.values():
        yield Item(f"sessions/{_file_name(session.id)}.txt", _session_text(session).encode("utf-8", "replace"))
    for digest in subject.environments:
        path = f".isfdb/environments/{digest}.requirements.txt"
        try:
            yield Item(f"environments/{digest}.requirements.txt", contents.storage.read(path))
        except FileNotFoundError:
            continue
    yield Item("prov.json", (json.dumps(prov_json(subject), ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode())
    yield Item("README.txt", readme(contents, written).encode())


def _key_items(contents: Contents, key: str, versions: list[ToldVersion]) -> Iterator[Item]:
    """Give the script that reads a key, and the code that made it."""
    folder = "/".join([KEYS, *[folder_name(name) for name in split_key(key)]])
    whole = {version.number: version for version in versions if contents.data and version.has_data and "snapshot_of" not in version.record}
    whole = whole or {version.number: version for version in versions if contents.data and version.has_data}
    if whole:
        names = set().union(*[names_in(_spec(contents, version)) for version in whole.values()])
        places = {number: relative(contents.path_of(version.state.folder), folder) for number, version in whole.items()}
        yield Item(f"{folder}/load.py", script(visible(title_of(whole[max(whole)])), names, places).encode())
        lacking = without_way(names)
        if lacking:
            contents.notes.append(f"{key} is kept by {', '.join(lacking)}, which has no plain way to read it: see load.py for its files")
    code = code_of(contents.subject, versions[-1]) if versions else None
    if code is not None:
        yield Item(f"{folder}/code.py", code.encode())


def _file_name(session_id: str) -> str:
    """Return a name for a session's text; of ISF's, whose ids hold a path, it may have to be another one."""
    return folder_name(session_id) if len(quote(session_id)) < _LONGEST_NAME else digest_of(session_id.encode())[:32]


def _spec(contents: Contents, version: ToldVersion) -> dict[str, Any]:
    """Return ``Loader.json``; without any loaderdumper where it cannot be read."""
    folder = version.state.folder
    try:
        spec = LoaderSpec.from_json(contents.storage.read(f"{folder}/Loader.json"), folder)
    except (OSError, IsfdbError):
        return {}
    return {**spec.arguments, "Loader": spec.loader}


def _session_text(session: Session) -> str:
    """Return what a session executed, in order, as text to read: its cells are comments and code."""
    lines = [f"# What session {visible(session.id)} executed, in order. Secrets were taken out when it was recorded."]
    for cell in session.cells:
        started, _ = times_of(cell)
        lines += ["", _RULE, f"# {visible(cell_title(cell))}, {started or 'time unknown'}, {visible(cell.outcome)}", ""]
        lines.append(visible_lines(cell.source if cell.source is not None else "# its source was not recorded", 4_000_000))
        if cell.error:
            lines.append(f"# {visible(cell.error, 1000)}")
    return "\n".join(lines) + "\n"
