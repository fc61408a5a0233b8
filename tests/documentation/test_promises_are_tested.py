"""Every promise of the threat model names a test, and that test is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "explanation" / "threat_model.md"
NAMED = sorted(set(re.findall(r"`(tests/[\w./]+\.py(?:::\w+)?)`", PAGE.read_text(encoding="utf-8"))))


@pytest.mark.parametrize("named", NAMED)
def test_a_test_that_the_threat_model_names_is_there(named: str):
    path, _, name = named.partition("::")
    assert f"def {name}(" in (ROOT / path).read_text(encoding="utf-8") if name else (ROOT / path).is_file()


def test_the_threat_model_names_tests():
    assert len(NAMED) > 10
