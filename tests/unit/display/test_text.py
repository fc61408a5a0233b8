"""Trees and tables fit where they are shown."""

from __future__ import annotations

from isfdb.display.safe import width
from isfdb.display.summaries import Branch, KeySummary
from isfdb.display.text import table_text, tree_text


def _branch(*members: KeySummary | Branch, hidden: int = 0, name: str = "results") -> Branch:
    return Branch("", name, members, len(members) + hidden)


def test_a_tree_draws_nested_names_and_aligns_what_is_beside_them():
    below = _branch(KeySummary("cells/L5PT", "L5PT", what="int 3", version=2, nbytes=82), name="cells")
    lines = tree_text(_branch(below, KeySummary("rates", "rates", what="ndarray 10", version=1, nbytes=1234))).split("\n")
    assert lines == ["├─ cells/", "│  └─ L5PT  int 3       82 B     v2", "└─ rates    ndarray 10  1.23 kB  v1"]


def test_what_is_not_shown_is_counted():
    assert tree_text(_branch(KeySummary("a", "a", what="int", version=1), hidden=9999)).split("\n")[-1] == "└─ … 9,999 more"
    assert tree_text(_branch(hidden=3)) == "└─ … 3 not shown"


def test_a_key_that_cannot_be_read_says_why_in_its_line():
    assert "! metadata.json cannot be understood" in tree_text(_branch(KeySummary("a", "a", problem="metadata.json cannot be understood")))


def test_an_empty_database_is_an_empty_tree():
    assert tree_text(_branch()) == ""


def test_no_line_is_wider_than_the_terminal():
    keys = [KeySummary("k" * 300, "数" * 300, what="w" * 300, version=1, nbytes=1) for _ in range(3)]
    assert max(width(line) for line in tree_text(_branch(*keys), columns=40).split("\n")) <= 40
    table = table_text(("a", "b"), [("x" * 100, "y" * 100)] * 3, columns=40)
    assert max(width(line) for line in table.split("\n")) <= 40


def test_a_name_with_a_newline_takes_one_line():
    assert len(tree_text(_branch(KeySummary("a\nb", "a\n└─ forged", what="int", version=1))).split("\n")) == 1
