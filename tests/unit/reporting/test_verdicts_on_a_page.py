"""Verdicts on the report: what failed is found at once, and nothing is claimed that nobody tried."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import isfdb
from isfdb.errors import OptionError
from isfdb.replaying.replay_records import keep_verdict
from isfdb.reporting import page as page_module
from isfdb.reporting.accounts import ORDER, anchor_of
from isfdb.reporting.page import report_page
from tests.unit.reporting.reported import HOSTILE, Tags, audit_of, section, verdict

SHOWN = {"differences": ("b[0]: 1.0 is 2.0",), "evidence": (("randomness", "run twice"),)}
VERDICTS = {
    "a": ("identical",),
    "b": ("different", "randomness", "Two runs gave two values.", SHOWN),
    "c": ("not runnable", "input missing", "data.csv is gone."),
    "d": ("close", "", "In the last digits."),
    "e": ("equal",),
}  # fmt: skip


@pytest.fixture
def audited(db):
    for number, key in enumerate("abcdef"):
        db[key] = float(number)
    return db


@pytest.fixture
def shown(audited) -> str:
    return report_page(audited, audit=audit_of(audited, VERDICTS, {"f": ("inputs: no digest of x.csv",)}))


def _ids(page: str) -> list[str]:
    return [attributes["id"] or "" for _, attributes in Tags(page).tags if "id" in attributes]


def test_the_page_is_well_formed(shown: str):
    tags = Tags(shown)
    assert tags.open == []
    assert len(_ids(shown)) == len(set(_ids(shown)))
    links = {one["href"] for one in tags.of("a")}
    assert {link.removeprefix("#") for link in links if link} <= set(_ids(shown))


def test_one_sentence_says_how_it_stands(shown: str):
    headline = re.search('<p class="r-headline r-bad">.*?</p>', shown)
    assert headline
    assert "Of 6 values, 1 came out different and 1 could not be made again." in headline[0]


def test_what_needs_a_look_comes_first_and_leads_to_its_section(shown: str):
    look = shown.partition('id="look"')[2].partition("</section>")[0]
    assert re.findall('href="#(k-[0-9a-f]+)"', look) == [anchor_of("b"), anchor_of("c")]
    assert "randomness" in look
    assert "data.csv is gone." in look


def test_values_that_share_a_reason_share_a_line_and_what_their_run_printed(audited):
    page = report_page(audited, audit=audit_of(audited, dict.fromkeys("abcd", ("not runnable", "failed", "ZeroDivisionError"))))
    look = page.partition('id="look"')[2].partition("</section>")[0]
    assert look.count("<tr>") == 2
    assert "and 3 more" in look
    assert [key for key in "abcd" if anchor_of(key) not in look] == []
    assert page.count('aria-label="what run 1 printed"') == 1
    assert f'The runs printed the same as under <a href="#{anchor_of("a")}">' in section(page, "d")


def test_values_stand_in_groups_the_worst_first(shown: str):
    order = [one.removeprefix("all-").replace("-", " ") for one in _ids(shown) if one.startswith("all-")]
    assert order == [status for status in ORDER if status in order]
    assert order[:2] == ["different", "not runnable"]
    group = shown.partition('id="all-different"')[2].partition("</section>")[0]
    assert anchor_of("b") in group


def test_a_choice_of_verdicts_works_by_style_alone(shown: str):
    names = [one["id"] for one in Tags(shown).of("input")]
    assert names[:2] == ["only-all", "only-different"]
    assert {one["type"] for one in Tags(shown).of("input")} == {"radio"}
    assert [one["for"] for one in Tags(shown).of("label")] == names
    assert "body:has(#only-different:checked) .r-group:not(#all-different){display:none}" in shown


def test_a_failed_verdict_is_told_with_all_that_supports_it(shown: str):
    told = section(shown, "b")
    expected = ("Because", "randomness", "Two runs gave two values.", "run twice", "b[0]: 1.0 is 2.0", "it printed this")
    assert [one for one in expected if one not in told] == []
    assert 'class="r-key r-bad"' in told


def test_no_verdict_is_told_by_colour_alone(shown: str):
    for key, (status, *_) in VERDICTS.items():
        assert f"</span> {status}</span>" in section(shown, key)


def test_what_is_missing_is_told_with_what_to_do(shown: str):
    told = section(shown, "f")
    assert "inputs: no digest of x.csv" in told
    assert "store what was read" in told
    assert "not replayed" in told
    assert "time" in told


def test_scores_stand_beside_their_definition(shown: str):
    scores = shown.partition("r-scores")[2].partition("</table>")[0]
    assert re.findall("([0-9]+ of [0-9]+)", scores) == ["5 of 6", "4 of 6", "3 of 6"]
    assert "and every input has a digest" in scores


def test_it_says_when_and_where_it_was_audited(shown: str):
    assert "2026-11-21 14:30:00 UTC to 2026-11-21 14:33:20 UTC" in shown
    assert "isfdb 0.5.0 with Python 3.11.2 on node7" in shown


def test_a_database_that_was_never_audited_says_so_and_what_to_do(audited):
    page = report_page(audited)
    assert "No replay is on record" in page
    assert "isfdb audit" in page
    assert "Nothing here has been made again yet." in page
    assert 'id="look"' not in page


def test_all_went_well_is_said_too(audited):
    page = report_page(audited, audit=audit_of(audited, dict.fromkeys("abcdef", ("identical",))))
    assert "All 6 values came out the same when made again." in page


def test_an_audit_of_another_database_is_refused(audited, tmp_path):
    other = isfdb.open(tmp_path / "other")
    other["x"] = 1
    with pytest.raises(OptionError, match="the audit is not of results"):
        report_page(audited, audit=audit_of(other, {}))


def test_a_value_stored_since_the_audit_is_not_given_its_verdict(audited):
    audit = audit_of(audited, VERDICTS)
    audited["a"] = 100.0
    told = section(report_page(audited, audit=audit), "a")
    assert "not replayed" in told
    assert "did not look at this version" in told


def test_of_more_keys_than_have_sections_those_that_failed_have_one(db, monkeypatch):
    for number in range(12):
        db[f"k{number:02d}"] = number
    monkeypatch.setattr(page_module, "MAX_SECTIONS", 3)
    verdicts = dict.fromkeys(db.keys(), ("identical",)) | {"k07": ("different", "unknown"), "k11": ("not runnable", "failed")}
    page = report_page(db, audit=audit_of(db, verdicts))
    assert page.count('<article class="r-key') == 3
    assert "This database has 12 keys. 3 of them" in page
    assert [section(page, key) for key in ("k07", "k11")]
    assert "9 values without a section here" in page
    assert "<td>k10</td>" in page


def test_a_script_that_makes_many_values_stands_on_the_page_once(db, tmp_path):
    import subprocess
    import sys

    script = tmp_path / "loop.py"
    script.write_text('import isfdb, sys\ndb = isfdb.open(sys.argv[1])\nfor i in range(5):\n    db[f"k{i}"] = i * 3\n')
    subprocess.run([sys.executable, script, db.path], check=True)
    page = report_page(db)
    scripts = page.partition('id="scripts"')[2].partition("</section>")[0]
    assert scripts.count("* ") == 1
    assert [key for key in ("k0", "k4") if anchor_of(key) not in scripts] == []
    told = section(page, "k3")
    assert 'href="#script-1"' in told
    assert "* <span" not in told


def test_no_use_is_noted_when_values_are_shown(db):
    db["a"] = np.arange(3.0)
    isfdb.report(db, f"{db.path}-page.html")
    db["b"] = 1
    assert [one for one in db.entry("b").inputs if getattr(one, "link", "").endswith("/a@1")] == []


def test_verdicts_on_record_are_shown_and_those_of_others_are_called_a_claim(audited):
    for key in "ab":
        version = audited.entry(key).newest
        assert not keep_verdict(version._storage, version.record, verdict(version, "different", "randomness", "Twice another value."))
    (path,) = [one for one in Path(audited.path).rglob(".isfdb/replays/*") if '"b"' in one.read_text()]
    path.write_text(path.read_text().replace("Twice another value.", "All is well, they say."))
    page = report_page(audited)
    assert "Twice another value." in section(page, "a")
    assert "without your signature" not in section(page, "a")
    assert "without your signature" in section(page, "b")
    assert "1 verdict found in the database without your signature" in page
    assert "replays of 2026-11-21 14:30:05 UTC" in page


def test_hostile_verdicts_cannot_inject(audited):
    facts = {"evidence": ((HOSTILE, HOSTILE),), "differences": (HOSTILE,), "notes": (HOSTILE,)}
    verdicts = dict.fromkeys("abc", ("different", HOSTILE, HOSTILE, facts))
    page = report_page(audited, audit=audit_of(audited, verdicts, {"d": (HOSTILE,)}))
    assert Tags(page).open == []
    assert not Tags(page).of("script")
    assert not [one for one in Tags(page).of("img") if one.get("onerror")]


def test_the_page_forbids_every_script(shown: str):
    policy = next(one["content"] for one in Tags(shown).of("meta") if one.get("http-equiv") == "Content-Security-Policy")
    assert policy
    assert policy.startswith("default-src 'none';")
    assert "script-src" not in policy
