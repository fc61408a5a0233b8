"""What an audit looks at: patterns as `find` reads them, times, samples that stay the same, deleted and unreadable keys."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

import isfdb
from isfdb.auditing.choosing import Choice, Chosen, checked_sample, checked_time, key_test
from isfdb.errors import OptionError


def keys(db, **options) -> list[str]:
    return [f"{one.key}@{one.number}" for one in Chosen(db, Choice(**options))]


@pytest.fixture
def full(db):
    db["rates"], db["cells/L5PT"], db["cells/deep/rates"] = 1, 2, 3
    db["rates"] = 4
    db["gone"] = 5
    del db["gone"]
    return db


def test_the_newest_versions_of_all_keys_or_all_versions(full):
    assert keys(full) == ["rates@2", "cells/L5PT@1", "cells/deep/rates@1"]
    assert keys(full, all_versions=True) == ["gone@1", "rates@1", "rates@2", "cells/L5PT@1", "cells/deep/rates@1"]


def test_a_sub_database_by_itself_has_its_keys_below_it(full):
    chosen = Chosen(full["cells"], Choice())
    assert [(one.key, one.link.rpartition("/cells/")[2]) for one in chosen] == [("L5PT", "L5PT@1"), ("deep/rates", "deep/rates@1")]


def test_deleted_keys_are_named(full):
    chosen = Chosen(full, Choice())
    assert len(list(chosen)) == chosen.n_fitting == 3 and chosen.deleted == ["gone"]


def test_unreadable_keys_are_named_and_cost_no_others(full):
    Path(full.path, "cells/L5PT.key/v000001/metadata.json").write_text("{")
    chosen = Chosen(full, Choice())
    assert [one.key for one in chosen] == ["rates", "cells/deep/rates"]
    assert [key for key, _ in chosen.unreadable] == ["cells/L5PT"]


@pytest.mark.parametrize(
    ("patterns", "meant"),
    [
        (("rates",), ["rates", "cells/rates"]),
        (("RATES",), ["rates", "cells/rates"]),
        (("cells",), ["cells/rates", "cells/deep/x1"]),
        (("cells/*",), ["cells/rates", "cells/deep/x1"]),
        (("x?",), ["cells/deep/x1"]),
        (("nothing", "x[0-9]"), ["cells/deep/x1"]),
        ((), ["rates", "cells/rates", "cells/deep/x1"]),
    ],
)
def test_patterns_fit_as_in_find(patterns, meant):
    assert [key for key in ("rates", "cells/rates", "cells/deep/x1") if key_test(patterns)(key)] == meant


@pytest.mark.parametrize(
    ("only", "told"),
    [
        ("raets", r"only='raets' fits no key of .*\. Near to it: rates"),
        (["rates", "l5pd*"], r"only='l5pd\*' fits no key of .*\. Near to it: cells/L5PT\."),
        ("zzz", r"There are 4 keys, as gone\.$"),
    ],
)
def test_a_pattern_that_fits_no_key_is_refused_with_near_ones(full, only, told):
    with pytest.raises(OptionError, match=told):
        isfdb.audit(full, only=only, replay=False)


def test_a_pattern_need_fit_in_one_of_several_databases_only(full, tmp_path):
    other = isfdb.open(tmp_path / "other")
    assert [row.key for row in isfdb.audit([other, full], only="rates", replay=False).rows] == ["rates", "cells/deep/rates"]
    assert isfdb.audit(full, only="gone", replay=False).rows == ()  # it was deleted, and is no slip of the pen


def test_in_an_empty_database_only_a_pattern_is_refused(db):
    assert isfdb.audit(db).passed
    with pytest.raises(OptionError, match="It has no keys"):
        isfdb.audit(db, only="rates")


def test_a_key_with_brackets_fits_itself(db):
    db["a[1]"] = db["a1"] = 1
    assert [row.key for row in isfdb.audit(db, only="a[1]", replay=False).rows] == ["a1", "a[1]"]


def test_a_sample_depends_on_the_seed_only_and_changes_little_when_keys_come(db):
    for number in range(30):
        db[f"k{number}"] = number
    some = keys(db, sample=10, seed=1)
    assert len(some) == 10 and some == keys(db, sample=10, seed=1) != keys(db, sample=10, seed=2)
    assert len(keys(db, sample=0.1)) == 3 and len(keys(db, sample=0.01)) == 1 and len(keys(db, sample=99)) == 30
    db["new"] = 1
    assert len(set(some) - set(keys(db, sample=10, seed=1))) <= 1


def test_only_what_was_stored_since(full):
    assert keys(full, since=full.versions("rates")[-1].created) == ["rates@2"]
    assert keys(full, since=checked_time("2999-01-01")) == []


def test_times_are_read_and_refused():
    assert checked_time(datetime.date(2026, 1, 2)) == checked_time("2026-01-02") == datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)
    with pytest.raises(OptionError, match=r"is no time\. Write 2026-11-21"):
        checked_time("soon")


@pytest.mark.parametrize("sample", [0, -1, 1.5, True, "10", float("nan")])
def test_what_is_no_sample_is_refused(sample):
    with pytest.raises(OptionError, match="neither a number from 1 nor a share"):
        checked_sample(sample)


def test_only_must_be_texts(db):
    with pytest.raises(OptionError, match="is no pattern of keys"):
        isfdb.audit(db, only=[3], replay=False)
