"""The colours of a page can be read: contrast as WCAG 2 computes it, on both schemes."""

from __future__ import annotations

import itertools

import pytest

from isfdb.reporting.page_style import COLOURS, PAGE_STYLE

TEXT = ("fg", "muted", "accent", "good", "near", "bad", "stop", "keyword", "string", "number")
BEHIND = ("bg", "card", "soft")


def _luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    low, high = sorted([_luminance(one), _luminance(other)])
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_computed_as_wcag_does():
    assert _contrast("#000000", "#ffffff") == pytest.approx(21)
    assert _contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("text", "behind"), list(itertools.product(TEXT, BEHIND)))
def test_text_stands_out(text: str, behind: str, scheme: int):
    assert _contrast(COLOURS[text][scheme], COLOURS[behind][scheme]) >= 4.5


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_the_chosen_button_stands_out(scheme: int):
    assert _contrast(COLOURS["bg"][scheme], COLOURS["fg"][scheme]) >= 7
    assert _contrast(COLOURS["muted"][scheme], COLOURS["bg"][scheme]) >= 3  # the border of the others


def test_paper_is_light_whatever_the_screen_is():
    paper = PAGE_STYLE.partition("@media print")[2]
    assert f"--r-fg:{COLOURS['fg'][0]}" in paper
    assert COLOURS["fg"][1] not in paper


def test_nothing_moves_for_who_asked_for_that():
    moving = PAGE_STYLE.partition("scroll-behavior")[0]
    assert moving.endswith("@media(prefers-reduced-motion:no-preference){html{")
    assert "animation" not in PAGE_STYLE
    assert "transition" not in PAGE_STYLE
