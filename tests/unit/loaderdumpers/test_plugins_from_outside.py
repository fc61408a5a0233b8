"""A plug-in of another distribution is found, chosen and loaded as the built-in loaderdumpers are."""

from __future__ import annotations

import importlib
import subprocess
import sys
import tomllib
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from isfdb.testing import check_faults, check_loaderdumper

if TYPE_CHECKING:
    import pytest

SAMPLE = Path(__file__).parents[2] / "sample_plugin"
ROOT = Path(__file__).parents[3]


def test_the_sample_keeps_its_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(SAMPLE))
    module = importlib.import_module("fraction_to_text")
    check_loaderdumper(module, [Fraction(1, 3), Fraction(0), Fraction(-(10**50), 7)], foreign=[1, 0.5, "1/3"])
    assert check_faults(module, [Fraction(1, 3), Fraction(10**4000, 7)]) > 10


def test_the_guide_shows_the_sample_as_it_is() -> None:
    guide = (ROOT / "docs" / "how-to" / "write-a-loaderdumper.md").read_text(encoding="utf-8")
    assert (SAMPLE / "fraction_to_text.py").read_text(encoding="utf-8") in guide


def test_an_installed_plug_in_is_found_by_its_entry_point(tmp_path: Path) -> None:
    project = tomllib.loads((SAMPLE / "pyproject.toml").read_text())["project"]
    facts = tmp_path / "isfdb_fractions-1.0.dist-info"  # what pip would write
    facts.mkdir()
    (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    ((name, value),) = project["entry-points"]["isfdb.loaderdumpers"].items()
    (facts / "entry_points.txt").write_text(f"[isfdb.loaderdumpers]\n{name} = {value}\n")
    (tmp_path / "fraction_to_text.py").write_text((SAMPLE / "fraction_to_text.py").read_text())
    program = f"""
import sys
sys.path[:0] = [{str(tmp_path)!r}, {str(ROOT)!r}]
import isfdb
from fractions import Fraction
with isfdb.open({str(tmp_path / "results")!r}) as db:
    db["third"] = Fraction(1, 3)
    db.set("spaced", Fraction(2, 3), spaced=True, dumper="fraction_to_text")
    assert db["third"] == Fraction(1, 3) and db["spaced"] == Fraction(2, 3)
    assert db.entry("third").dumper == "fraction_to_text", db.entry("third").dumper
"""
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, timeout=120)
