"""How a value was made, as text and as HTML."""

from __future__ import annotations

from types import SimpleNamespace

from isfdb.display.explanations import explanation_lines, explanation_of, explanation_parts, labels_text
from isfdb.provenance.records import Risk, SliceFacts, UsedFile, UsedValue

HOSTILE = "<script>alert(1)</script>\x1b[31m"


def version(**facts):
    known = {"slice": None, "inputs": (), "risks": ()}
    return SimpleNamespace(**(known | facts))


def test_inputs_and_risks_are_told_with_what_to_do() -> None:
    told = explanation_of(
        version(
            slice=SliceFacts(1, (("out of order", "cell [3] ran after cell [5]"),), (), 1, "d"),
            inputs=(UsedValue("isfdb://01/raw@2"), UsedFile("/a.csv", 1200, None, None, "larger than the limit", written_here=True)),
            risks=(Risk("clock", 3, "t = time.time()"),),
        )
    )
    text = "\n".join(explanation_lines(told))
    assert "    isfdb://01/raw@2\n" in text
    assert "/a.csv  1.20 kB, larger than the limit, written by this session" in text
    assert "1 risk to making it again\n    clock: t = time.time()\n      store the time" in text
    assert labels_text(told) == "out of order: cell [3] ran after cell [5]"


def test_nothing_is_told_where_nothing_is_known() -> None:
    told = explanation_of(version())
    assert explanation_lines(told) == explanation_parts(told) == []
    assert explanation_of(SimpleNamespace()) == told


def test_what_lies_in_a_record_cannot_act_on_page_or_terminal() -> None:
    told = explanation_of(version(inputs=(UsedFile(HOSTILE),), risks=(Risk(HOSTILE, None, HOSTILE),)))
    assert "<script" not in "".join(explanation_parts(told))
    assert "\x1b" not in "".join([*explanation_parts(told), *explanation_lines(told)])


def test_a_hundred_inputs_are_counted() -> None:
    told = explanation_of(version(inputs=tuple(UsedFile(f"/{number}") for number in range(100))))
    assert "and 80 more" in explanation_lines(told)[0]
