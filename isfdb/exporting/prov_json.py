"""Provenance as PROV-JSON, which every tool for W3C PROV reads. It holds no data: names, sizes and digests of the files at most.

Names are permanent links: with the prefix ``db`` for ``isfdb://<database id>/``, version 2 of ``rates`` is the entity ``db:rates@2``.
docs/reference/export.md says what each attribute means.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

from isfdb.exporting.subject import Subject, ToldVersion, link_to
from isfdb.exporting.told import (
    cell_title,
    code_of,
    host_of,
    moment,
    name_of_file,
    packages_of,
    repositories_of,
    times_of,
    title_of,
    user_of,
)
from isfdb.provenance.records import Used, UsedFile, slice_of

#: Facts that PROV has no word for.
TERMS: Final = "isfdb://terms#"

_SOFTWARE: Final = "agent:isfdb"


def prov_json(subject: Subject, *, files: bool = True) -> dict[str, Any]:
    """Return a PROV-JSON document.

    Parameters
    ----------
    subject : Subject
    files : bool
        Tell of each file of each version, with size and digest.
    """
    document = _Document(subject)
    for version in subject.versions:
        _tell(document, version, files)
    for digest, environment in subject.environments.items():
        _tell_environment(document, digest, environment)
    for digest, sources in subject.sources.items():
        _tell_sources(document, digest, sources)
    return document.to_json()


class _Document:
    """Gathers records. Telling the same thing twice adds what is new about it."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        base = f"isfdb://{subject.db.id}/"
        self.prefixes = {"isfdb": TERMS, "db": base}
        self.prefixes |= {"agent": f"{base}.isfdb/agents/", "code": f"{base}.isfdb/code/", "environment": f"{base}.isfdb/environments/"}
        self.prefixes |= {"file": f"{base}.isfdb/files/", "session": f"{base}.isfdb/sessions/"}
        self._records: dict[str, dict[str, dict[str, Any]]] = {}
        self._told: set[tuple[Any, ...]] = set()

    def add(self, kind: str, name: str, **facts: Any) -> str:
        """Tell of an entity, activity or agent; facts that are None are left out. Names begin with ``isfdb_`` or ``prov_``."""
        record = self._records.setdefault(kind, {}).setdefault(name, {})
        record.update({fact.replace("_", ":", 1): found for fact, found in facts.items() if found not in (None, [], "")})
        return name

    def relate(self, kind: str, **facts: Any) -> None:
        """Tell how two things are related, once."""
        record = {fact.replace("_", ":", 1): found for fact, found in facts.items() if found is not None}
        mark = (kind, *[(fact, str(found)) for fact, found in sorted(record.items())])
        if mark not in self._told:
            self._told.add(mark)
            relations = self._records.setdefault(kind, {})
            relations[f"_:{kind}{len(relations) + 1}"] = record

    def link(self, link: str) -> str:
        """Return the name for a link; each further database gets a prefix of its own."""
        database_id, _, rest = link.removeprefix("isfdb://").partition("/")
        base = f"isfdb://{database_id}/"
        prefix = next((one for one, uri in self.prefixes.items() if uri == base), None)
        if prefix is None:
            prefix = f"db{len([one for one in self.prefixes if one.startswith('db')]) + 1}"
            self.prefixes[prefix] = base
        return f"{prefix}:{rest}"

    def to_json(self) -> dict[str, Any]:
        """Return the whole."""
        return {"prefix": self.prefixes, **self._records}


def _tell(document: _Document, version: ToldVersion, files: bool) -> None:
    activity = _tell_activity(document, version)
    if not version.is_value:
        before = document.link(link_to(document.subject.db.id, version.key, version.number - 1))
        document.add("entity", before)
        document.relate("wasInvalidatedBy", prov_entity=before, prov_activity=activity, prov_time=_time(version.record.get("created")))
        return
    entity = _tell_value(document, version)
    generated = _time(version.record.get("created"))
    document.relate("wasGeneratedBy", prov_entity=entity, prov_activity=activity, prov_time=generated)
    for agent in _tell_agents(document, version, activity):
        document.relate("wasAttributedTo", prov_entity=entity, prov_agent=agent)
    for used in version.used:
        _tell_used(document, version, entity, activity, used)
    _tell_origins(document, version, entity)
    if files:
        _tell_files(document, version, entity)


def _tell_value(document: _Document, version: ToldVersion) -> str:
    record, describe = version.record, version.describe
    entity = document.link(version.link)
    document.add("entity", entity, prov_label=title_of(version), prov_type=[_name("isfdb:Version"), _name("prov:Collection")])
    document.add("entity", entity, isfdb_key=version.key, isfdb_version=version.number, isfdb_digest=record.get("digest"))
    document.add("entity", entity, isfdb_dumper=record.get("dumper"), isfdb_type=_text(describe.get("type")))
    document.add("entity", entity, isfdb_shape=_text(describe.get("shape")), isfdb_dtype=_text(describe.get("dtype")))
    document.add("entity", entity, isfdb_risk=[f"{risk.kind}: {risk.line}" if risk.line else risk.kind for risk in version.risks])
    document.add("entity", entity, isfdb_reclaimed=True if version.state.is_reclaimed else None)
    found = slice_of(record)
    document.add("entity", entity, isfdb_label=[": ".join(label) for label in found.labels] if found else None)
    key = document.add("entity", document.link(f"isfdb://{document.subject.db.id}/{quote(version.key)}"), prov_type=_name("isfdb:Key"))
    document.relate("specializationOf", prov_specificEntity=entity, prov_generalEntity=key)
    return entity


def _tell_activity(document: _Document, version: ToldVersion) -> str | None:
    if version.activity is None:
        return None
    activity = _activity(document, *version.activity)
    document.add("activity", activity, isfdb_host=host_of(version))
    for name, kind in (("environment", "environment"), ("code", "code")):
        digest = version.named(name)
        if digest is not None:
            document.relate("used", prov_activity=activity, prov_entity=document.add("entity", f"{kind}:{digest}"))
    return activity


def _activity(document: _Document, session: str, line: int) -> str:
    """Tell of a cell, script or the like."""
    cell = document.subject.cell(session, line)
    started, ended = times_of(cell)
    name = f"session:{quote(session)}/{line}"
    document.add(
        "activity", name, prov_startTime=started, prov_endTime=ended, prov_label=cell_title(cell), isfdb_session=session, isfdb_line=line
    )
    if cell is not None:
        document.add("activity", name, isfdb_kind=cell.kind, isfdb_source=cell.source, isfdb_outcome=cell.outcome, isfdb_count=cell.count)
    return name


def _tell_agents(document: _Document, version: ToldVersion, activity: str | None) -> list[str]:
    """Tell who, with which software and which code, did it; return whom the value is attributed to."""
    user = user_of(version)
    person = document.add("agent", f"agent:user/{quote(user, safe='')}", prov_type=_name("prov:Person"), prov_label=user) if user else None
    environment = version.named("environment")
    software = document.add("agent", f"{_SOFTWARE}/{environment}" if environment else _SOFTWARE, prov_type=_name("prov:SoftwareAgent"))
    document.add("agent", software, prov_label=_software(document.subject.environments.get(environment or "", {})))
    if activity is not None:
        plan = _tell_code(document, version)
        for agent in [one for one in (person, software) if one]:
            document.relate("wasAssociatedWith", prov_activity=activity, prov_agent=agent, prov_plan=plan)
    if person is not None:
        document.relate("actedOnBehalfOf", prov_delegate=software, prov_responsible=person)
    return [person or software]


def _software(environment: dict[str, Any]) -> str:
    version = packages_of(environment).get("isfdb", "")
    python = f" with Python {environment['python']}" if environment.get("python") else ""
    return f"isfdb {version}".strip() + python


def _tell_code(document: _Document, version: ToldVersion) -> str | None:
    """Tell of the slice, text and all: it is the plan that was followed."""
    code = code_of(document.subject, version)
    if code is None:
        return None
    found = slice_of(version.record)
    name = f"{document.link(version.link)}#code.py"
    document.add("entity", name, prov_type=_name("prov:Plan"), prov_label=f"code of {version.key} v{version.number}", prov_value=code)
    return document.add("entity", name, isfdb_digest=found.digest if found else None, isfdb_widened=list(found.widened) if found else None)


def _tell_used(document: _Document, version: ToldVersion, entity: str, activity: str | None, used: Used) -> None:
    source = _input(document, used)
    reader = activity
    if activity is not None and version.activity is not None and used.cell is not None and used.cell != version.activity[1]:
        reader = _activity(document, version.activity[0], used.cell)
        document.relate("wasInformedBy", prov_informed=activity, prov_informant=reader)
    if reader is not None:
        document.relate("used", prov_activity=reader, prov_entity=source)
    document.relate("wasDerivedFrom", prov_generatedEntity=entity, prov_usedEntity=source)


def _input(document: _Document, used: Used) -> str:
    if not isinstance(used, UsedFile):
        return document.add("entity", document.link(used.link), isfdb_digest=used.digest)
    name = f"file:{name_of_file(used)}"
    document.add("entity", name, prov_type=_name("isfdb:File"), prov_label=used.path.rpartition("/")[2] or used.path, isfdb_path=used.path)
    return document.add("entity", name, isfdb_size=used.size, isfdb_digest=used.digest, isfdb_unknown=used.because)


def _tell_origins(document: _Document, version: ToldVersion, entity: str) -> None:
    """Tell of what a value was copied from, and of the versions it grew from."""
    copied = version.record.get("copied_from")
    if isinstance(copied, dict) and isinstance(copied.get("database"), str) and isinstance(copied.get("key"), str):
        number = copied.get("version") or 1
        origin = document.add("entity", document.link(f"isfdb://{quote(copied['database'])}/{quote(copied['key'])}@{number}"))
        document.relate("wasDerivedFrom", prov_generatedEntity=entity, prov_usedEntity=origin, prov_type=_name("isfdb:Copy"))
    earlier = version.record.get("earlier")
    folders = {name.partition("/")[0] for name in earlier} if isinstance(earlier, dict) else set()
    for folder in sorted(folders):
        before = document.add("entity", document.link(link_to(document.subject.db.id, version.key, int(folder[1:]))))
        document.relate("wasDerivedFrom", prov_generatedEntity=entity, prov_usedEntity=before, prov_type=_name("isfdb:Append"))


def _tell_files(document: _Document, version: ToldVersion, entity: str) -> None:
    for name, (size, digest) in version.files.items():
        member = document.add("entity", f"{entity}#{quote(name)}", prov_label=name, isfdb_size=size, isfdb_digest=digest)
        document.relate("hadMember", prov_collection=entity, prov_entity=member)


def _tell_environment(document: _Document, digest: str, environment: dict[str, Any]) -> None:
    packages = [f"{name} {version}" for name, version in sorted(packages_of(environment).items())]
    name = document.add("entity", f"environment:{digest}", prov_type=_name("isfdb:Environment"), isfdb_package=packages)
    document.add("entity", name, isfdb_python=environment.get("python"), isfdb_implementation=environment.get("implementation"))


def _tell_sources(document: _Document, digest: str, sources: dict[str, Any]) -> None:
    name = document.add(
        "entity", f"code:{digest}", prov_type=_name("isfdb:Sources"), isfdb_directory=_text(sources.get("working_directory"))
    )
    told = []
    for one in repositories_of(sources):
        state = "with changes" if one.get("dirty") else "unchanged"
        remotes = one.get("remotes")
        where = ", ".join(map(str, remotes.values())) if isinstance(remotes, dict) else ""
        told.append(" ".join([str(word) for word in (one.get("name"), one.get("commit"), state, where) if word]))
    document.add("entity", name, isfdb_repository=told)


def _time(text: Any) -> str | None:
    found = moment(text)
    return found.isoformat() if found else None


def _name(name: str) -> dict[str, str]:
    return {"$": name, "type": "prov:QUALIFIED_NAME"}


def _text(member: Any) -> str | None:
    if member is None or isinstance(member, str):
        return member
    return " × ".join(map(str, member)) if isinstance(member, list) else str(member)
