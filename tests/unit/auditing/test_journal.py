"""The journal of an audit: what was found out before a kill counts after it, and nothing else does."""

from __future__ import annotations

from pathlib import Path

import pytest

from isfdb.auditing.journal import Journal, last_audit
from isfdb.replaying.verdict import Verdict


@pytest.fixture
def versions(db):
    db["a"], db["b"] = 1, 2
    return [db.entry(key).newest for key in "ab"]


@pytest.fixture
def file(tmp_path: Path) -> str:
    return str(tmp_path / "cache" / "audits" / "journal.jsonl")


def journal(file: str | None, *, choice: str = "all", fresh: bool = False, resume: bool = True, now: str = "2026-01-01") -> Journal:
    return Journal(file, {"environment": "current"}, {"only": choice}, fresh=fresh, resume=resume, now=now)


def verdict(version, status: str = "identical") -> Verdict:
    return Verdict(version.key, version.number, version.link, status)


def test_what_was_found_out_before_a_kill_counts_after_it(file, versions):
    first = journal(file)
    first.note([(versions[0], verdict(versions[0]))])
    second = journal(file, now="2026-01-02")
    assert (second.goes_on, second.began) == (True, "2026-01-01")
    assert second.own(versions[0]) == verdict(versions[0]) and second.own(versions[1]) is None


def test_an_audit_that_ended_is_not_gone_on_with_but_known(file, versions):
    first = journal(file)
    first.note([(versions[0], verdict(versions[0]))])
    first.note_ended("2026-01-01")
    second = journal(file, now="2026-01-02")
    assert not second.goes_on and second.own(versions[0]) is None and second.known(versions[0]) == verdict(versions[0])
    assert journal(file, fresh=True, resume=False).known(versions[0]) is None


@pytest.mark.parametrize("options", [{"choice": "some"}, {"resume": False}])
def test_another_audit_is_not_gone_on_with(file, versions, options):
    journal(file).note([(versions[0], verdict(versions[0]))])
    second = journal(file, **options)
    assert not second.goes_on and second.own(versions[0]) is None


def test_another_value_with_the_same_number_has_no_verdict(file, versions, db):
    journal(file).note([(versions[0], verdict(versions[0]))])
    versions[0].record["record"] = "0" * 64
    assert journal(file).own(versions[0]) is None


@pytest.mark.parametrize(
    "rubbish", [b'{"value": "x"', b"\xff\xfe\n", b"[1]\n", b'{"value": "x", "verdict": {"status": "fine"}}\n', b"\0" * 50]
)
def test_a_torn_or_forged_line_is_passed_over(file, versions, rubbish):
    journal(file).note([(versions[0], verdict(versions[0]))])
    with open(file, "ab") as stream:
        stream.write(rubbish)
    second = journal(file)
    assert second.goes_on and second.own(versions[0]) == verdict(versions[0])


def test_what_is_written_after_a_torn_line_is_read(file, versions):
    journal(file)
    with open(file, "ab") as stream:
        stream.write(b'{"value": "torn')
    journal(file).note([(versions[0], verdict(versions[0]))])
    assert journal(file).own(versions[0]) == verdict(versions[0])


def test_without_a_folder_to_keep_it_in_the_audit_says_so(tmp_path, versions):
    assert journal(None).problem == "there is no cache folder"
    (tmp_path / "file").write_text("")
    found = journal(str(tmp_path / "file" / "journal.jsonl"))
    found.note([(versions[0], verdict(versions[0]))])
    assert found.problem


def test_the_last_audit_is_the_last_that_ended(db, file, monkeypatch):
    monkeypatch.setattr("isfdb.auditing.journal.journal_file", lambda path, options: file)
    assert last_audit(db.path, {}) is None
    first = journal(file, now="2026-01-01")
    assert last_audit(db.path, {}) is None
    first.note_ended("2026-01-01")
    journal(file, now="2026-01-05")
    assert last_audit(db.path, {}) == "2026-01-01"
