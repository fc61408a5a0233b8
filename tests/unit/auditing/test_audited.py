"""An audit as text, HTML, JSON and JUnit XML: what counts, what is a reason not to pass, and that nothing in a database can forge it."""

from __future__ import annotations

import json
from dataclasses import replace
from xml.etree import ElementTree

import pytest

import isfdb
from isfdb.auditing.audited import Audit, AuditedDatabase
from isfdb.auditing.rows import AuditRow, Scores
from isfdb.errors import OptionError
from isfdb.findings import Finding, Findings
from isfdb.replaying.verdict import Run, Verdict

HOSTILE = "evil\x1b[2J\x00\x08</testcase><script>alert(1)</script>\u202e\ufffe\ud800]]>&"


def row(key: str, status: str = "", because: str = "", *, explained: bool = True, **facts) -> AuditRow:
    verdict = (
        Verdict(key, 1, f"isfdb://db/{key}@1", status, because, runs=(Run("statements", "current", duration_s=0.5),)) if status else None
    )
    skipped = facts.pop("skipped", "" if verdict else "time")
    return AuditRow("/there", key, 1, f"isfdb://db/{key}@1", explained, verdict=verdict, skipped=skipped, **facts)


ROWS = (
    row("a", "identical"),
    row("b", "equal"),
    row("c", "close"),
    row("d", "different", "randomness"),
    row("e", "not runnable", "input missing", explained=False, lacks=("inputs: no digest of x",)),
    row("f", "identical", explained=False, lacks=("script: there is none: why",)),
    row("g"),
    row("raw", explained=False, apart="may change in place", skipped="may change in place"),
)


def audit(*rows: AuditRow, findings: tuple[Finding, ...] = (), name: str = "there") -> Audit:
    found = Findings(findings, {"keys": 1, "versions": 1, "files": 2, "bytes": 3}, ("raw v1",), remarks=("a remark",))
    database = AuditedDatabase("db", name, "/there", found, len(rows), ("gone",), ("a note",))
    return Audit(
        (database,), rows, "2026-11-21T10:00:00+00:00", "2026-11-21T10:01:00+00:00", {"seed": 1, "sample": None}, 3, {"host": "here"}
    )


def test_scores_count_what_their_definition_says():
    assert Scores.of(ROWS) == Scores(n=7, explained=5, repeatable=4, repeated=3, replayed=6)
    assert audit(*ROWS).scores.lines()[0][1] == "5 of 7 (71.4 %)"


def test_a_share_is_not_rounded_up_to_all():
    assert Scores(1000, 999, 999, 999, 999).lines()[0][1] == "999 of 1,000 (99.9 %)"
    assert Scores(10_000, 9_999, 0, 0, 0).lines()[0][1] == "9,999 of 10,000 (99.9 %)"
    assert Scores(1, 1).lines()[1][1] == "not tried"


def test_different_and_not_runnable_values_are_reasons_not_to_pass():
    found = audit(*ROWS)
    assert [one.partition("@")[0] for one in found.problems()] == ["d", "e"] and not found.passed
    assert audit(*ROWS[:3], ROWS[6], ROWS[7]).passed


@pytest.mark.parametrize(
    ("options", "keys"),
    [
        ({"allow": ["different"]}, "e"),
        ({"allow": ["not-runnable"]}, "d"),
        ({"allow": ["not-runnable", "different"]}, ""),
        ({"at_least": "equal"}, "cde"),
        ({"at_least": "identical"}, "bcde"),
    ],
)
def test_what_is_no_reason_can_be_said(options, keys):
    assert [one.partition("@")[0] for one in audit(*ROWS).problems(**options)] == list(keys)


def test_what_was_not_replayed_must_be_explained():
    found = audit(row("x", explained=False, lacks=("script: none",), skipped="no replay was asked for"))
    assert found.problems() == ["x@1: not explained: script: none"] and found.problems(allow=["unexplained"]) == []


def test_serious_findings_are_a_reason_and_leftovers_are_none():
    serious = Finding("missing file", "a", 1, "data.npy", "data.npy is missing")
    leftover = Finding("leftover", "", None, "x", "x was left")
    found = audit(ROWS[0], findings=(serious, leftover))
    assert found.problems() == ["missing file: a v1: data.npy is missing"] and found.problems(allow=["findings"]) == []


def test_an_unknown_word_is_refused():
    with pytest.raises(OptionError, match="allow='all' is none of findings"):
        audit().problems(allow=["all"])


def test_json_gives_the_same_audit_back():
    found = audit(*ROWS, findings=(Finding("leftover", "", None, "x", "x was left"),))
    again = Audit.from_json(json.loads(json.dumps(found.to_json())))
    assert again.rows == found.rows and again.to_json() == found.to_json() and str(again) == str(found)
    assert again.findings["/there"].to_json() == found.findings["/there"].to_json()


@pytest.mark.parametrize(
    "members", [{}, [], None, {"rows": [{}], "databases": []}, {"rows": [], "databases": [{"findings": {}, "name": 3}]}]
)
def test_what_is_no_audit_is_refused(members):
    with pytest.raises(ValueError, match=r"it is no audit|it is no row of an audit|these are no findings"):
        Audit.from_json(members)


def test_text_shows_what_is_wrong_first_and_counts_what_is_left_out():
    lines = audit(*[row(f"k{n}", "identical") for n in range(150)], ROWS[3]).to_text(most=10).split("\n")
    table = lines.index(next(line for line in lines if line.startswith("key")))
    assert lines[0] == "audit of there: 1 problem (151 values, 3 scripts run)"
    assert lines[table + 1].startswith("d@1") and "different (because: randomness)" in lines[table + 1]
    assert lines[table + 11] == "… and 141 values more: 141 identical"


def test_text_names_what_counts_apart_what_was_skipped_and_what_would_help():
    text = str(audit(*ROWS))
    for part in (
        "apart: raw (1): may change in place",
        "deleted keys: gone (1)",
        "not made again: 1 value (time)",
        "a note",
        "inputs: read files",
    ):
        assert part in text


def test_a_row_says_that_an_input_could_not_be_made_again():
    assert "made from d@1, which could not be made again" in str(audit(replace(ROWS[0], made_from=("isfdb://db/d@1",)), ROWS[3]))


def test_nothing_in_a_database_acts_on_a_terminal_or_page():
    found = audit(row(HOSTILE, "different", HOSTILE, lacks=(HOSTILE,), explained=False), name=HOSTILE)
    assert "\x1b" not in str(found) and "\u202e" not in str(found)
    assert "<script" not in found.to_html() and "\x1b" not in found.to_html()


def suites(found: Audit) -> list[ElementTree.Element]:
    return ElementTree.fromstring(found.to_junit().encode()).findall("testsuite")


def test_junit_has_a_suite_a_database_and_a_case_a_value():
    (suite,) = suites(audit(*ROWS))
    assert {name: suite.get(name) for name in ("name", "tests", "failures", "errors", "skipped", "time")} == {
        "name": "there",
        "tests": "9",
        "failures": "1",
        "errors": "1",
        "skipped": "2",
        "time": "3.000",
    }
    cases = {case.get("name"): [child.tag for child in case] for case in suite.findall("testcase")}
    assert cases == {
        "files and records": [],
        "a@1": [],
        "b@1": [],
        "c@1": [],
        "d@1": ["failure"],
        "e@1": ["error"],
        "f@1": ["system-out"],
        "g@1": ["skipped"],
        "raw@1": ["skipped"],
    }
    assert suite.find("testcase[@name='d@1']/failure").get("type") == "randomness"


def test_junit_tells_what_verify_found():
    serious = Finding("missing file", "a", 1, "data.npy", "data.npy is missing")
    (suite,) = suites(audit(ROWS[0], findings=(serious,)))
    assert "data.npy is missing" in suite.find("testcase[@name='files and records']/failure").text


def test_no_text_of_a_database_breaks_junit():
    found = audit(row(HOSTILE, "different", HOSTILE, lacks=(HOSTILE,), explained=False), name=HOSTILE)
    (suite,) = suites(found)
    assert len(suite.findall("testcase")) == 2 and suite.find("testcase/failure") is not None and suite.find(".//script") is None


def test_what_is_no_database_is_refused():
    with pytest.raises(OptionError, match="audit takes open databases"):
        isfdb.audit("results")
    with pytest.raises(OptionError, match="audit takes open databases"):
        isfdb.audit([])


@pytest.mark.parametrize("options", [{"jobs": 0}, {"jobs": True}, {"max_time_s": -1}, {"max_time_s": "1"}, {"seed": "a"}, {"sample": 0}])
def test_what_is_no_number_is_refused(db, options):
    with pytest.raises(OptionError, match=next(iter(options))):
        isfdb.audit(db, replay=False, **options)
