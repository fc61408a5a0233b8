"""A verdict as HTML: complete, escaped, without script, and never told by colour alone."""

from __future__ import annotations

import html.parser

import pytest

from isfdb.display.badges import SIGNS, kind_of
from isfdb.display.style import STYLE
from isfdb.display.verdicts import badge, verdict_html
from isfdb.replaying.verdict import STATUSES, Run, Verdict

HOSTILE = "</style></pre><script>alert(1)</script><img src=x onerror='alert(1)'>\"'>\x1b[2J\u202e"


class _Tags(html.parser.HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def _full(text: str) -> Verdict:
    run = Run(text, text, text, text, text, text, 1.5, text)
    pairs, lines = ((text, text),) * 50, (text,) * 50
    where = {"host": text, "python": text, "isfdb": text}
    return Verdict(
        text, 3, text, "different", text, text, pairs, lines, (run,) * 30, lines, text, text, text, {text: 1.0}, text, where, recorded=True
    )


def test_every_status_has_a_sign_a_colour_and_its_word():
    assert set(SIGNS) == set(STATUSES)
    for status in STATUSES:
        assert f"> {status}</span>" in badge(status)
        assert kind_of(status) != "none"
        assert f".i-v-{kind_of(status)}{{" in STYLE


def test_what_is_no_status_has_the_colour_of_what_is_not_known():
    assert 'class="i-verdict i-v-none"' in badge("not replayed")


def test_all_that_is_known_is_told():
    run = Run("cells", "recorded", "inputs", compared="different", because="by 0.25", duration_s=2.0, output="printed this")
    verdict = Verdict(
        "rates", 3, "isfdb://x/rates@3", "different", "inputs", "It reads another file.", (("inputs", "trials.csv has changed"),),
        ("rates[0]: 1.0 is 1.25",), (run,), ("numpy 2.0 is 2.1",), "recorded", tolerance={"rtol": 1e-6, "atol": None},
        when="2026-11-21T04:30:05Z", where={"host": "node7", "python": "3.11.2"},
    )  # fmt: skip
    shown = verdict_html(verdict)
    told = ("rates@3", "because: <b>inputs", "It reads another file.", "trials.csv has changed", "1.0 is 1.25", "1 difference", "1 run",
            "printed this", "numpy 2.0 is 2.1", "rtol 1e-06", "node7", "2.0 s")  # fmt: skip
    assert [one for one in told if one not in shown] == []


@pytest.mark.parametrize("verdict", [_full(HOSTILE), Verdict(HOSTILE, 0, "", HOSTILE)], ids=["full", "bare"])
def test_nothing_in_a_verdict_can_inject(verdict: Verdict):
    tags = _Tags(verdict_html(verdict))
    assert tags.open == []
    assert {tag for tag, _ in tags.seen} <= set("div style p span b table thead tbody tr th td details summary ul li pre".split())
    assert not [name for _, attributes in tags.seen for name in attributes if name.startswith("on")]
    assert "\x1b" not in verdict_html(verdict)
    assert "\u202e" not in verdict_html(verdict)


def test_a_long_verdict_is_cut_and_says_so():
    assert "… 10 more" in verdict_html(_full("x"))
