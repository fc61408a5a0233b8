"""What only one look finds, while others write, is no finding; what every look finds is."""

from __future__ import annotations

from isfdb.findings import Finding, Findings
from isfdb.verifying_again import settled

REAL = Finding("missing file", "a", 1, "data.npy", "data.npy is missing")
PASSING = Finding("missing version", "b", 2, "", "it was renamed while it was looked at")


def found(*findings):
    return Findings(findings, dict.fromkeys(("keys", "versions", "files", "bytes"), 0), [])


def looks(db, answers, *, n_writes):
    """Return what comes of looks that find these, while something is stored during the first few."""
    n_looks = 0

    def look():
        nonlocal n_looks
        n_looks += 1
        if n_looks <= n_writes:
            db["other"] = n_looks
        return answers[n_looks - 1]

    return list(settled(db._storage, look)), n_looks


def test_a_database_that_is_left_alone_is_looked_at_once(db):
    assert looks(db, [found(REAL, PASSING)], n_writes=0) == ([REAL, PASSING], 1)
    assert looks(db, [found()], n_writes=1) == ([], 1)


def test_what_is_gone_in_the_next_look_is_no_finding(db):
    assert looks(db, [found(REAL, PASSING), found(REAL)], n_writes=1) == ([REAL], 2)
    assert looks(db, [found(PASSING), found()], n_writes=9) == ([], 2)


def test_what_every_look_finds_is_one_though_others_write_all_the_time(db):
    answers = [found(REAL), found(PASSING, REAL), found(REAL, PASSING)]
    assert looks(db, answers, n_writes=9) == ([REAL], 3)
