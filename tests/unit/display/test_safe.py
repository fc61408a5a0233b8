"""Nothing from a database acts on a terminal or a page, and everything hidden in it is seen."""

from __future__ import annotations

import pytest

from isfdb.display.safe import escape, escape_lines, fit, visible, visible_lines, width

HIDDEN = {
    "escape sequence": ("\x1b[2J", "\\e[2J"),
    "newline": ("a\nb", "a\\nb"),
    "carriage return": ("a\rb", "a\\rb"),
    "C1 control": ("\x9b31m", "\\x9b31m"),
    "right-to-left override": ("\u202egpj.exe", "\\u202egpj.exe"),
    "isolate": ("\u2066x\u2069", "\\u2066x\\u2069"),
    "zero width": ("a\u200bb", "a\\u200bb"),
    "line separator": ("a\u2028b", "a\\u2028b"),
    "lone surrogate": ("a\ud800b", "a\\ud800b"),
    "tag character": ("a\U000e0041b", "a\\U000e0041b"),
    "NUL": ("a\0b", "a\\x00b"),
}


@pytest.mark.parametrize(("raw", "shown"), HIDDEN.values(), ids=HIDDEN)
def test_what_is_hidden_is_shown_as_an_escape(raw: str, shown: str):
    assert visible(raw) == shown


def test_ordinary_text_of_any_script_stays_as_it_is():
    for text in ("rates", "Größe µm²", "数据", "سلام", "नमस्ते", "👩‍🔬"):
        assert visible(text) == text


def test_long_text_is_cut_and_says_so():
    assert visible("x" * 10_000, 20) == "x" * 19 + "…"
    assert len(visible("\x1b" * 10_000, 20)) == 20
    assert "9,000 characters more" in visible_lines("x" * 10_000, 1000)


def test_lines_and_tabs_of_source_are_kept():
    assert visible_lines("if x:\r\n\tpass\x1b[0m\n") == "if x:\n\tpass\\e[0m\n"


def test_html_is_escaped_also_for_attributes():
    assert escape("<img src=x onerror=\"a('b')\">") == "&lt;img src=x onerror=&quot;a(&#x27;b&#x27;)&quot;&gt;"
    assert escape_lines("</pre><script>") == "&lt;/pre&gt;&lt;script&gt;"


def test_a_cut_never_leaves_half_an_entity():
    assert escape("&" * 50, 10) == "&amp;" * 9 + "…"


def test_width_counts_columns_of_a_terminal():
    assert (width("abc"), width("数据"), width("e\u0301")) == (3, 4, 1)


@pytest.mark.parametrize("text", ["", "abc", "abcdefghij", "数据数据数据", "a数据bcdefg"])
def test_fitted_text_has_exactly_the_columns_asked_for(text: str):
    assert width(fit(text, 7)) == 7
