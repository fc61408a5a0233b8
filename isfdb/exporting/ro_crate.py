"""The metadata file of an RO-Crate: what the files are, and what made them, after the profile Process Run Crate.

It says nothing of workflows: a session is no workflow, and to call a slice one would claim a plan that nobody made.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import quote

from isfdb.exporting.archives import Written
from isfdb.exporting.contents import Contents, input_path
from isfdb.exporting.subject import ToldVersion
from isfdb.exporting.told import cell_title, host_of, moment, name_of_file, packages_of, times_of, title_of, user_of
from isfdb.layout.current import CODE_FILE, SESSIONS_FOLDER
from isfdb.provenance.records import Used, UsedFile, slice_of

METADATA: Final = "ro-crate-metadata.json"

_CRATE: Final = "https://w3id.org/ro/crate/1.1"
_PROFILE: Final = "https://w3id.org/ro/wfrun/process/0.5"
_CONTEXT: Final = [f"{_CRATE}/context", "https://w3id.org/ro/terms/workflow-run/context"]

_NO_LICENCE: Final = "No licence was stated. Ask the authors before you use or pass on what is in here."

_FORMATS: Final = {
    ".arrow": "application/vnd.apache.arrow.file",
    ".arrows": "application/vnd.apache.arrow.stream",
    ".csv": "text/csv",
    ".html": "text/html",
    ".jpg": "image/jpeg",
    ".json": "application/json",
    ".jsonl": "application/jsonl",
    ".npy": "application/x-npy",
    ".npz": "application/x-npz",
    ".parquet": "application/vnd.apache.parquet",
    ".patch": "text/x-diff",
    ".pdf": "application/pdf",
    ".pickle": "application/x-python-pickle",
    ".png": "image/png",
    ".py": "text/x-python",
    ".svg": "image/svg+xml",
    ".tif": "image/tiff",
    ".txt": "text/plain",
    ".yaml": "application/yaml",
}

_RUNS: Final = {"ok": "CompletedActionStatus", "error": "FailedActionStatus"}


def ro_crate(contents: Contents, written: Iterable[Written], *, licence: str | None, description: str) -> dict[str, Any]:
    """Return the content of ``ro-crate-metadata.json``.

    Parameters
    ----------
    contents : Contents
    written : iterable of Written
        The files that the crate has.
    licence : str, optional
        A URL, or words.
    description : str
        Of the whole, for people.
    """
    crate = _Crate(contents, list(written))
    crate.tell_files()
    for version in contents.subject.versions:
        if version.is_value:
            crate.tell_version(version)
    head = crate.head(licence, description)
    entities = [{name: _single(found) for name, found in entity.items()} for entity in crate.entities.values()]
    return {"@context": _CONTEXT, "@graph": [*head, *entities]}


class _Crate:
    """Gathers entities by id."""

    def __init__(self, contents: Contents, written: list[Written]) -> None:
        self.contents = contents
        self.subject = contents.subject
        self.written = {one.path: one for one in written}
        self.entities: dict[str, dict[str, Any]] = {}
        self.parts: list[str] = []
        self.mentions: list[str] = []
        self._versions = {version.link: version for version in self.subject.versions}

    def add(self, name: str, kind: str | list[str], /, **facts: Any) -> str:
        """Tell of an entity; facts that are None are left out."""
        entity = self.entities.setdefault(name, {"@id": name, "@type": kind})
        entity.update({fact: found for fact, found in facts.items() if found not in (None, "", [])})
        return name

    def head(self, licence: str | None, description: str) -> list[dict[str, Any]]:
        """Return the entities that every crate has."""
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        licence_id = licence if licence and "://" in licence else "#licence"
        self.add(licence_id, "CreativeWork", name=licence or "No licence was stated", description=licence or _NO_LICENCE)
        root: dict[str, Any] = {"@id": "./", "@type": "Dataset", "conformsTo": {"@id": _PROFILE}, "datePublished": now}
        root |= {
            "name": self.subject.name,
            "description": description,
            "license": {"@id": licence_id},
            "identifier": f"isfdb://{self.subject.db.id}/",
        }
        authors = [name for name, entity in self.entities.items() if entity["@type"] == "Person"]
        told = (("author", authors), ("hasPart", self.parts), ("mentions", self.mentions))
        root |= {name: _single(_ids(found)) for name, found in told if found}
        profile = {"@id": _PROFILE, "@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5"}
        about = {"@id": METADATA, "@type": "CreativeWork", "about": {"@id": "./"}, "conformsTo": {"@id": _CRATE}}
        return [about, root, profile]

    # Files -------------------------------------------------------------------------------------------------------------------------

    def tell_files(self) -> None:
        """Tell of every file, with size and digests; folders of versions hold their files, the root all others."""
        folders = {f"{self.contents.path_of(version.state.folder)}/" for version in self.subject.versions if version.is_value}
        for path, one in self.written.items():
            name = self.add(quote(path), "File", name=path.rpartition("/")[2], contentSize=str(one.size), encodingFormat=_format_of(path))
            self.add(name, "File", sha256=one.sha256, identifier=f"blake3:{one.digest}")
            if path.startswith("database/.isfdb/"):
                self.add(name, "File", description=_ABOUT_RECORDS.get(path.split("/")[2]))
            folder = _folder_in(path, folders)
            if folder is None:
                self.parts.append(name)
            else:
                self._part_of(folder, name)

    def _part_of(self, folder: str, name: str) -> None:
        self.entities[self.add(quote(folder), "Dataset")].setdefault("hasPart", []).append({"@id": name})

    # Versions ----------------------------------------------------------------------------------------------------------------------

    def tell_version(self, version: ToldVersion) -> None:
        """Tell what a version is, and of the action that made it."""
        folder = quote(self.contents.path_of(version.state.folder) + "/")
        is_here = folder in self.entities
        name = folder if is_here else version.link
        facts = {"name": title_of(version), "identifier": version.link, "description": _description(version, self.contents.data)}
        created = moment(version.record.get("created"))
        self.add(name, "Dataset" if is_here else "CreativeWork", dateCreated=_time(created), **facts)
        self.add(name, "Dataset", version=str(version.number))
        (self.parts if is_here else self.mentions).append(name)
        self._tell_action(version, name, created)

    def _tell_action(self, version: ToldVersion, result: str, created: datetime.datetime | None) -> None:
        cell = self.subject.cell(*version.activity) if version.activity else None
        started, ended = [_time(moment(text)) for text in times_of(cell)]
        name = f"#made-{quote(version.key)}-{version.number}"
        ended = ended or _time(created)
        self.add(name, "CreateAction", name=f"{cell_title(cell)} stored {version.key}", startTime=started, endTime=ended)
        status = _RUNS.get(cell.outcome) if cell else None
        self.add(name, "CreateAction", actionStatus={"@id": f"http://schema.org/{status}"} if status else None)
        self.add(name, "CreateAction", error=cell.error if cell and status == "FailedActionStatus" else None)
        self.add(name, "CreateAction", description=self._told_by(version, cell), agent=self._agent(version))
        inputs = list(dict.fromkeys([self._input(used) for used in version.used]))
        self.add(name, "CreateAction", instrument={"@id": self._instrument(version)}, object=_ids(inputs), result={"@id": result})
        self.mentions.append(name)

    def _told_by(self, version: ToldVersion, cell: Any) -> str:
        session = version.activity[0] if version.activity else None
        where = f" of session {session}, told in {SESSIONS_FOLDER}/{session}.jsonl" if session else ""
        host = f" on {host_of(version)}" if host_of(version) else ""
        return f"{cell_title(cell)}{where}{host}"

    def _agent(self, version: ToldVersion) -> dict[str, str] | None:
        user = user_of(version)
        return {"@id": self.add(f"#user-{quote(user, safe='')}", "Person", name=user)} if user else None

    def _instrument(self, version: ToldVersion) -> str:
        """Tell of the code that made a version: the slice where there is one, else the cell or script as it ran."""
        found = slice_of(version.record)
        path = quote(f"{self.contents.path_of(version.state.folder)}/{CODE_FILE}")
        facts = {"programmingLanguage": "Python", "softwareRequirements": _ids(self._packages(version)), "version": str(version.number)}
        facts["url"] = version.link
        if path in self.entities:
            labels = "; ".join([": ".join(label) for label in found.labels]) if found else ""
            self.entities[path]["@type"] = ["File", "SoftwareSourceCode"]
            return self.add(path, "File", description=f"the code that made {version.key}. {labels}".strip(), **facts)
        cell = self.subject.cell(*version.activity) if version.activity else None
        return self.add(f"{version.link}#code", "SoftwareSourceCode", name=cell_title(cell), text=cell.source if cell else None, **facts)

    def _packages(self, version: ToldVersion) -> list[str]:
        """Tell of Python, isfdb and the packages that were imported, by their package URLs."""
        environment = self.subject.environments.get(version.named("environment") or "", {})
        imported = self.subject.sources.get(version.named("code") or "", {}).get("imported")
        wanted = {str(name): str(number) for name, number in imported.items()} if isinstance(imported, dict) else {}
        wanted |= {"isfdb": packages_of(environment).get("isfdb", "")}
        special = environment.get("sources")  # those that came from no package index
        found = [
            self._software(name, number, f"pkg:pypi/{quote(name)}", name in (special or ())) for name, number in sorted(wanted.items())
        ]
        return [self._software("Python", str(environment.get("python") or ""), "pkg:generic/python", True), *found]

    def _software(self, name: str, version: str, package: str, is_special: bool) -> str:
        url = None if is_special else f"https://pypi.org/project/{quote(name)}/"
        named = f"{package}@{quote(version)}" if version else package
        return self.add(named, "SoftwareApplication", name=name, softwareVersion=version, url=url)

    def _input(self, used: Used) -> str:
        if not isinstance(used, UsedFile):
            return self._stored_input(used.link)
        copied = quote(input_path(used))
        if copied in self.entities:
            return self.add(copied, "File", alternateName=used.path, description="an input file, copied for this export")
        facts: dict[str, Any] = {"name": used.path.rpartition("/")[2] or used.path, "alternateName": used.path}
        facts |= {
            "contentSize": None if used.size is None else str(used.size),
            "identifier": f"blake3:{used.digest}" if used.digest else None,
        }
        about = f"a file that was read and is not in this crate. {used.because}".strip()
        return self.add(f"#file-{name_of_file(used)}", "CreativeWork", description=about, **facts)

    def _stored_input(self, link: str) -> str:
        version = self._versions.get(link)
        folder = quote(self.contents.path_of(version.state.folder) + "/") if version else ""
        if folder in self.entities:
            return folder
        about = "a stored value that is not in this crate; isfdb.load(link) reads it where its database is known"
        return self.add(link, "CreativeWork", name=link, description=about)


_ABOUT_RECORDS: Final = {
    "sessions": "what a session executed, a line of JSON for each cell",
    "environments": "the packages that were installed",
    "code": "the state of the sources: commits, patches, files that no commit has",
    "inputs": "what values were made from",
}


def _time(found: datetime.datetime | None) -> str | None:
    return found.isoformat(timespec="milliseconds") if found else None


def _single(found: Any) -> Any:
    """Return the only member of a list of one, as RO-Crate recommends."""
    return found[0] if isinstance(found, list) and len(found) == 1 else found


def _ids(names: Iterable[str]) -> list[dict[str, str]]:
    return [{"@id": name} for name in names]


def _format_of(path: str) -> str:
    dot = path.rfind(".")
    return _FORMATS.get(path[dot:].lower(), "application/octet-stream") if dot > path.rfind("/") else "application/octet-stream"


def _folder_in(path: str, folders: set[str]) -> str | None:
    """Return the folder among `folders` that a file lies in, at any depth."""
    place = path.rfind("/")
    while place > 0:
        if path[: place + 1] in folders:
            return path[: place + 1]
        place = path.rfind("/", 0, place)
    return None


def _description(version: ToldVersion, data: bool) -> str:
    words = [f"version {version.number} of the key {version.key}, kept by the loaderdumper {version.record.get('dumper')}"]
    if version.state.is_reclaimed:
        words.append("its data was reclaimed, its record and code are kept")
    elif not data:
        words.append("its data is not in this crate")
    if version.record.get("mutable") is True:
        words.append("its files belong to the user and may have changed since it was stored")
    words += [f"risk: {risk.kind}" for risk in version.risks]
    return "; ".join(words)
