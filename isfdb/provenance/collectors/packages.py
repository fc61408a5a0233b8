"""Which packages are installed, which are imported, and did that change since this process started. It installs and imports nothing.

The names and versions stand in the names of the ``*.dist-info`` folders, so one listing of each folder of ``sys.path`` answers in a
millisecond where ``importlib.metadata`` takes a quarter of a second. The answer stands while the times of those folders stand.
The record holds nothing of this computer: the same packages have the same digest on two hosts.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from isfdb.exact_json import compact
from isfdb.provenance.redaction import redact_url


@dataclass(frozen=True)
class Environment:
    """The packages of this process.

    Parameters
    ----------
    record : dict
        JSON-ready; what is stored once under `digest`.
    digest : str
        First 32 hex digits of the BLAKE3 digest of `record`.
    requirements : str
        What ``pip install -r`` can install; the rest stands there as comments.
    """

    record: dict[str, Any]
    digest: str
    requirements: str


@dataclass(frozen=True)
class _Folder:
    """One folder of sys.path as it was listed."""

    modified_ns: int
    distributions: dict[str, dict[str, Any]]  # normalised name -> facts


_folders: dict[str, _Folder] = {}
_newest: tuple[tuple[Any, ...], Environment] | None = None
_baseline: dict[str, str] = {}  # what was installed when this process first looked
_owners: tuple[str, dict[str, str]] | None = None

_FIRST_LOOK_S = time.time()
_NOT_SCANNED = -1  # the folder of a database: its listing is long, and no package lies in it


def environment() -> Environment:
    """Return what is installed. Costs one stat for each folder of ``sys.path`` while nothing was installed or removed."""
    global _newest
    paths = tuple(sys.path)
    state = (paths, tuple([_modified_ns(path) for path in paths]), os.getpid())
    newest = _newest
    if newest is not None and newest[0] == state:
        return newest[1]
    found = _look(paths)
    if newest is not None and newest[1].digest == found.digest:
        found = newest[1]
    # The times from before the listings: what is installed meanwhile is seen next time. No lock, which a fork could leave
    # locked for ever: two threads that look at once find the same.
    _newest = ((paths, tuple([_folders[path].modified_ns for path in paths]), os.getpid()), found)
    return found


def packages_on(path: Iterable[str]) -> dict[str, str]:
    """Return what is installed in the folders of a ``sys.path``, perhaps of another interpreter: normalised name to version, sorted."""
    found: dict[str, str] = {}
    for folder in path:
        for name, facts in _list_folder(folder).items():
            found.setdefault(name, facts["version"])  # the first is the one that is imported
    return dict(sorted(found.items()))


def loaded() -> dict[str, str]:
    """Return the distributions that are imported by this process, name to version, sorted."""
    global _owners
    found = environment()
    if _owners is None or _owners[0] != found.digest:
        _owners = (found.digest, {})
    owners, installed = _owners[1], found.record["packages"]
    imported = {name.partition(".")[0] for name in list(sys.modules)} - sys.stdlib_module_names
    owners |= {name: own for name in imported - owners.keys() if (own := _normalised(name)) in installed}
    if missing := imported - owners.keys():
        owners |= dict.fromkeys(missing, "") | _owners_of(missing, set(owners.values()))
    return {name: installed[name] for name in sorted({owners[name] for name in imported}) if name in installed}


def drift() -> list[str]:
    """Say in sentences what changed in the environment since this process started; an empty list when nothing did."""
    return list(environment().record.get("drift", []))


def _modified_ns(path: str) -> int:
    known = _folders.get(path)
    if known is not None and known.modified_ns == _NOT_SCANNED:
        return _NOT_SCANNED
    try:
        return os.stat(path or ".").st_mtime_ns
    except OSError:  # in sys.path there are names of folders and archives that do not exist
        return 0


def _look(paths: tuple[str, ...]) -> Environment:
    distributions: dict[str, dict[str, Any]] = {}
    for path in paths:
        for name, facts in _list_folder(path).items():
            distributions.setdefault(name, facts)  # the first on sys.path is the one that is imported
    record = _record(distributions)
    from blake3 import blake3

    digest = blake3(compact(record).encode()).hexdigest()[:32]
    return Environment(record, digest, requirements_of(record))


def _list_folder(path: str) -> dict[str, dict[str, Any]]:
    modified_ns = _modified_ns(path)
    known = _folders.get(path)
    if known is not None and known.modified_ns == modified_ns:
        return known.distributions
    try:
        names = os.listdir(path or ".") if modified_ns else []
    except OSError:  # an archive, or a folder that may not be read: nothing can be learned by listing
        names = []
    if "isfdb.json" in names:
        modified_ns, names = _NOT_SCANNED, []
    found = {}
    for name in names:
        if name.endswith((".dist-info", ".egg-info")) and not name.startswith("~"):
            facts = _facts(os.path.join(path, name), name)
            found[facts["normalised"]] = facts
    _folders[path] = _Folder(modified_ns, found)
    return found


def _facts(folder: str, folder_name: str) -> dict[str, Any]:
    name, _, version = folder_name[: folder_name.rindex(".")].partition("-")
    if folder_name.endswith(".egg-info"):
        version = re.sub(r"-py[0-9.]+$", "", version) or _version_in_pkg_info(folder)
    facts: dict[str, Any] = {"normalised": _normalised(name), "version": version, "folder": folder}
    source = _direct_url(folder)
    if source is None and folder_name.endswith(".egg-info") and "-" not in folder_name.removesuffix(".egg-info"):
        source = {"editable": True, "folder": os.path.basename(os.path.dirname(os.path.abspath(folder)))}  # setup.py develop
    if source is not None:
        facts["source"] = source
    return facts


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _version_in_pkg_info(folder: str) -> str:
    path = os.path.join(folder, "PKG-INFO") if os.path.isdir(folder) else folder
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            found = re.search(r"(?m)^Version: *(\S+)", file.read(4096))
    except OSError:
        found = None
    return found[1] if found else "unknown"


def _direct_url(folder: str) -> dict[str, Any] | None:
    """Return where a package was installed from if not from an index, without credentials and without paths of this computer."""
    try:
        with open(os.path.join(folder, "direct_url.json"), encoding="utf-8") as file:
            direct = json.load(file)
        url = str(direct["url"])
    except (OSError, ValueError, KeyError, TypeError):  # most packages come from an index and have no such file
        return None
    source: dict[str, Any] = {}
    if url.startswith("file:"):
        source["folder"] = os.path.basename(url.rstrip("/"))
    else:
        source["url"] = redact_url(url)
    if isinstance(direct.get("dir_info"), dict) and direct["dir_info"].get("editable"):
        source["editable"] = True
    if isinstance(direct.get("vcs_info"), dict):
        vcs = direct["vcs_info"]
        source |= {name: str(vcs[name]) for name in ("vcs", "commit_id", "requested_revision") if vcs.get(name)}
    if isinstance(direct.get("archive_info"), dict) and isinstance(direct["archive_info"].get("hash"), str):
        source["archive_hash"] = direct["archive_info"]["hash"]
    if isinstance(direct.get("subdirectory"), str):
        source["subdirectory"] = direct["subdirectory"]
    return source


def _record(distributions: dict[str, dict[str, Any]]) -> dict[str, Any]:
    packages = {name: distributions[name]["version"] for name in sorted(distributions)}
    record: dict[str, Any] = {
        "python": sys.version.split()[0],
        "implementation": sys.implementation.name,
        "kind": _kind_of_prefix(),
        "packages": packages,
    }
    sources = {name: distributions[name]["source"] for name in packages if "source" in distributions[name]}
    if sources:
        record["sources"] = sources
    if conda := _conda_packages():
        record["conda"] = conda
    if not _baseline:
        _baseline.update(packages)
    if changes := _drift(distributions):
        record["drift"] = changes
    return record


def _kind_of_prefix() -> str:
    if os.path.isdir(os.path.join(sys.prefix, "conda-meta")):
        return "conda"
    return "system" if sys.prefix == sys.base_prefix else "venv"


def _conda_packages() -> dict[str, str]:
    """Return conda's packages as ``{"numpy": "2.1.0=py311h1234_0"}``, from the names of its records."""
    try:
        names = sorted(os.listdir(os.path.join(sys.prefix, "conda-meta")))
    except OSError:  # not a conda environment
        return {}
    parts = [name[: -len(".json")].rsplit("-", 2) for name in names if name.endswith(".json")]
    return {part[0]: f"{part[1]}={part[2]}" for part in parts if len(part) == 3}


def _drift(distributions: dict[str, dict[str, Any]]) -> list[str]:
    started_s = _process_start_s()
    changes = []
    for name, facts in distributions.items():
        before, now = _baseline.get(name), facts["version"]
        if before is None:
            changes.append(f"{name} {now} was installed after this process started")
        elif before != now:
            changes.append(f"{name} was {before} when this process first looked and is {now} now")
        elif running := _other_version_imported(name, facts, started_s):
            changes.append(f"{name} {running} is imported and {now} is installed now")
    changes += [f"{name} {version} was removed" for name, version in _baseline.items() if name not in distributions]
    return sorted(changes)


def _other_version_imported(name: str, facts: dict[str, Any], started_s: float) -> str | None:
    module = sys.modules.get(name.replace("-", "_"))
    version = vars(module).get("__version__") if module is not None else None
    if not isinstance(version, str) or version == facts["version"]:
        return None
    try:
        # A package's own idea of its version often differs in spelling; only a newer installation makes it a finding.
        return version if os.stat(facts["folder"]).st_mtime > started_s else None
    except OSError:  # removed this moment: the next look says so
        return None


def _process_start_s() -> float:
    """Return when this process started, in seconds since 1970; on systems that do not say, when it first looked."""
    try:
        with open("/proc/self/stat", encoding="ascii", errors="replace") as file:
            ticks = int(file.read().rpartition(")")[2].split()[19])
        with open("/proc/stat", encoding="ascii") as file:
            boot_s = next(int(line.split()[1]) for line in file if line.startswith("btime"))
        return boot_s + ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, StopIteration, IndexError, AttributeError):
        return _FIRST_LOOK_S


def requirements_of(record: dict[str, Any]) -> str:
    """Return the text of ``requirements.txt``, which follows from the record alone: verify compares it with what lies there."""
    lines = [f"# Python {record['python']} ({record['implementation']}, {record['kind']})"]
    lines += [f"# drift: {change}" for change in record.get("drift", [])]
    for name, version in record["packages"].items():
        lines.append(_requirement(name, version, record.get("sources", {}).get(name)))
    return "\n".join(lines) + "\n"


def _requirement(name: str, version: str, source: dict[str, Any] | None) -> str:
    if source is None:
        return f"{name}=={version}" if version != "unknown" else f"# {name}: its version is not known"
    if "url" not in source:
        how = "editable, from" if source.get("editable") else "from"
        return f"# {name}=={version} was installed {how} the local folder or file {source['folder']!r}"
    where = f"{source['vcs']}+{source['url']}@{source['commit_id']}" if "commit_id" in source else source["url"]
    fragments = [f"subdirectory={source['subdirectory']}"] if "subdirectory" in source else []
    fragments += [source["archive_hash"]] if "archive_hash" in source else []
    return f"{name} @ {where}" + ("#" + "&".join(fragments) if fragments else "")


def _owners_of(modules: set[str], known: set[str]) -> dict[str, str]:
    """Return which distribution brings which of the top-level `modules`, looking into those that are not `known` to be imported."""
    owners: dict[str, str] = {}
    modules = {module for module in modules if _is_installed(module)}
    distributions = {name: facts for path in reversed(sys.path) for name, facts in _list_folder(path).items() if name not in known}
    for list_modules in (_modules_in_top_level, _modules_in_record):  # the cheap question first
        for name, facts in distributions.items():
            owners |= dict.fromkeys(list_modules(facts["folder"], modules - owners.keys()), name)
    return owners


def _is_installed(module: str) -> bool:
    members = getattr(sys.modules.get(module), "__dict__", None) or {}
    return any(part in str(members.get("__file__")) for part in ("site-packages", "dist-packages"))


def _modules_in_top_level(folder: str, modules: set[str]) -> set[str]:
    return modules & set(_read_bytes(os.path.join(folder, "top_level.txt")).decode("utf-8", "replace").split())


def _modules_in_record(folder: str, modules: set[str]) -> set[str]:
    text = b"\n" + _read_bytes(os.path.join(folder, "RECORD")) if modules else b""
    return {module for module in modules if any(f"\n{module}{end}".encode() in text for end in ("/", ".py,", ".cpython", ".abi"))}


def _read_bytes(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:  # each of these files is optional
        return b""
